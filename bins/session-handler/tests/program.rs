//! The program outside of Lambda, as people start it.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_session-handler")).args(arguments).env_clear().output().unwrap()
}

#[test]
fn help_describes_the_program_and_its_variables() {
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let help = String::from_utf8(output.stdout).unwrap();
    let required = "Required variables:\n  AUTOTAG_SESSION_TABLE ";
    for part in ["Usage: session-handler [--help | --version]", required, "AUTOTAG_CONCURRENCY "] {
        assert!(help.contains(part), "no {part:?} in {help}");
    }
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn version_is_printed_without_configuration() {
    let output = run(&["--version"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stdout.starts_with(b"session-handler "), "{output:?}");
}

#[test]
fn missing_table_is_wrong_configuration() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("session-handler: wrong configuration: AUTOTAG_SESSION_TABLE is not set"),
        "{stderr}"
    );
}
