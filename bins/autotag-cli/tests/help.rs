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

/// The names of the commands in a help text: the lines that begin with two blanks and a word, before the options.
fn commands(help: &str) -> Vec<String> {
    let list = help.split_once("\nUsage: ").map(|(_, rest)| rest).unwrap_or_default();
    let list = list
        .split("Options:\n")
        .next()
        .unwrap_or_default()
        .split("\nArguments:\n")
        .next()
        .unwrap_or_default();
    let names = list.lines().filter_map(|line| line.strip_prefix("  "));
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
    assert!(all.len() >= 25, "{all:?}");
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

#[test]
fn the_pages_of_the_reference_are_up_to_date() {
    let output = common::autotag(&["reference", "--check"]);
    assert_eq!(output.status.code(), Some(0), "{}", common::stderr(&output));
}

#[test]
fn a_page_that_is_out_of_date_is_named_and_written_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let check = || common::autotag(&["reference", "--dir", dir, "--check"]);
    assert_eq!(check().status.code(), Some(1));
    assert!(common::stderr(&check()).contains("cli.md") && common::stderr(&check()).contains("output.md"));
    assert_eq!(common::autotag(&["reference", "--dir", dir]).status.code(), Some(0));
    assert_eq!(check().status.code(), Some(0));
}

#[test]
fn every_command_has_a_man_page_with_its_examples() {
    let folder = tempfile::tempdir().unwrap();
    let output = common::autotag(&["man", "--dir", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", common::stderr(&output));
    for command in every_command() {
        let name = [vec!["autotag".to_owned()], command].concat().join("-");
        let page = std::fs::read_to_string(folder.path().join(format!("{name}.1"))).unwrap_or_default();
        assert!(page.contains(".SH NAME") && page.contains(".SH OPTIONS"), "{name}: {page}");
        assert!(name == "autotag" || page.contains("Examples:"), "{name} has no examples");
    }
}

/// The shells read their scripts. Those that are not installed are left out.
#[test]
fn shells_read_the_completions() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, check) in
        [("bash", ["-n"].as_slice()), ("zsh", &["-n"]), ("fish", &["--no-execute"]), ("powershell", &[])]
    {
        let path = folder.path().join(shell);
        let output = common::autotag(&["completions", shell, "-o", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{shell}: {}", common::stderr(&output));
        let script = std::fs::read_to_string(&path).unwrap();
        for name in ["plan", "whois", "doctor", "color"] {
            assert!(script.contains(name), "{shell} does not complete {name}");
        }
        if let Ok(read) = Command::new(shell).args(check).arg(&path).output()
            && shell != "powershell"
        {
            assert!(read.status.success(), "{shell}: {}", common::stderr(&read));
        }
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("autotag");
    common::autotag(&["completions", "bash", "-o", path.to_str().unwrap()]);
    let complete = |words: &str, at: usize| {
        let current = words.split(' ').nth(at).unwrap();
        let script = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD={at}; _autotag autotag '{current}' ''; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            path.display()
        );
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(complete("autotag expl", 1), "explain\n");
    assert_eq!(complete("autotag plan --summ", 2), "--summary-only\n");
}

#[test]
fn the_version_names_the_catalogue() {
    for option in ["-V", "--version"] {
        let output = common::autotag(&[option]);
        let said = common::stdout(&output);
        assert_eq!(output.status.code(), Some(0));
        let catalogue = common::stderr(&common::autotag(&["catalog", "--format", "csv", "-o", "/dev/null"]));
        let numbers: Vec<&str> = catalogue.split([' ', ':']).collect();
        let [rules, "rules", "of", services, "services", ..] = numbers.as_slice() else {
            panic!("{catalogue}")
        };
        let without_commas = said.replace(',', "");
        assert!(
            without_commas.contains(&format!("catalogue {rules} rules of {services} services)")),
            "{said}"
        );
        assert!(said.starts_with(&format!("autotag {}", env!("CARGO_PKG_VERSION"))), "{said}");
    }
}
