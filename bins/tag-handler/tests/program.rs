//! The program outside of Lambda, as people start it.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::PROGRAM;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(PROGRAM).args(arguments).env_clear().envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn help_describes_the_program_and_its_variables() {
    for argument in ["--help", "-h"] {
        let output = run(&[argument], &[]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let help = String::from_utf8(output.stdout).unwrap();
        for part in
            ["Usage: tag-handler [--help | --version]", "AUTOTAG_POLICY ", "AUTOTAG_SECOND_LOOK_SECONDS "]
        {
            assert!(help.contains(part), "no {part:?} in {help}");
        }
        assert!(help.contains("Required variables:\n  none\n"), "{help}");
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn unknown_argument_is_wrong_usage() {
    let output = run(&["--hepl"], &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "tag-handler: unexpected argument `--hepl`; see `tag-handler --help`\n");
}

#[test]
fn start_outside_of_lambda_is_wrong_usage() {
    let output = run(&[], &[("AWS_REGION", "eu-west-1")]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    let expected =
        "AWS_LAMBDA_RUNTIME_API is not set: Lambda starts this program and sets it; see `tag-handler --help`";
    assert!(stderr.contains(expected) && !stderr.contains("panicked"), "{stderr}");
}

#[test]
fn help_and_documentation_name_the_same_variables() {
    let help = String::from_utf8(run(&["--help"], &[]).stdout).unwrap();
    let in_help = help.lines().filter_map(|line| line.strip_prefix("  AUTOTAG_")?.split(' ').next());
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = fs::read_to_string(page).unwrap();
    let in_page = page.lines().filter_map(|line| line.strip_prefix("| `AUTOTAG_")?.split('`').next());
    assert_eq!(in_help.collect::<BTreeSet<_>>(), in_page.collect::<BTreeSet<_>>());
}
