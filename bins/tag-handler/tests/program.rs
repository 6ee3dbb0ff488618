//! The program without Lambda: what people see who start it themselves.

mod common;

use common::PROGRAM;
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
