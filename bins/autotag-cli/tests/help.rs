//! `--help` of every command: it prints a help text, and never panics.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::BIN;
use std::process::{Command, Output, Stdio};

/// The exit code of a panic.
const PANIC: i32 = 101;

fn autotag(args: &[&str], stdout: Stdio) -> Output {
    let mut command = Command::new(BIN);
    command.args(args).stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped());
    command.spawn().unwrap().wait_with_output().unwrap()
}

/// The names in the section `Commands:` of a help text.
fn commands(help: &str) -> Vec<String> {
    let (_, rest) = help.split_once("\nCommands:\n").unwrap_or_default();
    let section = rest.split("\n\n").next().unwrap_or_default();
    let names = section.lines().filter_map(|line| line.strip_prefix("  "));
    let names = names.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(' ').next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Every command, as arguments; the first is the program itself.
fn every_command() -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut next = 0;
    while let Some(command) = all.get(next).cloned() {
        next += 1;
        let args: Vec<&str> = command.iter().map(String::as_str).chain(["-h"]).collect();
        let help = String::from_utf8(autotag(&args, Stdio::piped()).stdout).unwrap();
        all.extend(commands(&help).into_iter().map(|name| [command.clone(), vec![name]].concat()));
    }
    all
}

#[test]
fn every_command_has_help() {
    let all = every_command();
    assert!(all.len() >= 12, "{all:?}");
    for command in all {
        for option in ["-h", "--help"] {
            let args: Vec<&str> = command.iter().map(String::as_str).chain([option]).collect();
            let output = autotag(&args, Stdio::piped());
            let help = String::from_utf8(output.stdout).unwrap();
            assert_eq!(
                output.status.code(),
                Some(0),
                "{args:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(help.contains("Usage: autotag"), "{args:?}: {help}");
        }
    }
}

/// A write to `/dev/full` fails.
#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_written_does_not_panic() {
    for command in every_command() {
        let args: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = autotag(&args, full.into());
        assert_ne!(
            output.status.code(),
            Some(PANIC),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
