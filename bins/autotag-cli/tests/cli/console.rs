//! The options of all commands (`--output`, `--quiet`, `--color`), `init`, and names that are nearly right.

use crate::common::{autotag, autotag_in, root, stderr, stdout};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

fn trail() -> String {
    root().join("fixtures/trail").display().to_string()
}

fn run(folder: &TempDir, args: &[&str]) -> Output {
    autotag_in(folder.path(), args)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn output_is_written_to_the_file_in_the_format_of_its_ending() {
    let folder = TempDir::new().unwrap();
    let trail = trail();
    for (file, format) in
        [("plan.csv", "csv"), ("plan.jsonl", "jsonl"), ("plan.txt", "table"), ("plan", "jsonl")]
    {
        let output = run(&folder, &["plan", &trail, "-o", file]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(output.stdout.is_empty() && stderr(&output).contains("Plan: 143 resources"), "{file}");
        let expected = stdout(&run(&folder, &["plan", &trail, "--format", format]));
        assert_eq!(fs::read_to_string(folder.path().join(file)).unwrap(), expected, "{file}");
    }
    let mode = fs::metadata(folder.path().join("plan.csv")).unwrap().permissions().mode();
    fs::write(folder.path().join("like"), "").unwrap();
    assert_eq!(mode, fs::metadata(folder.path().join("like")).unwrap().permissions().mode());
}

#[test]
fn a_command_that_fails_leaves_the_old_file_and_no_other() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("plan.csv"), "old").unwrap();
    let output = run(&folder, &["plan", "no-such-trail", "-o", "plan.csv"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(folder.path().join("plan.csv")).unwrap(), "old");
    assert_eq!(names(folder.path()), ["plan.csv"]);
}

#[test]
fn what_could_be_read_is_in_the_file_although_the_rest_could_not() {
    let folder = TempDir::new().unwrap();
    let broken = root().join("fixtures/broken").display().to_string();
    let output = run(&folder, &["plan", &broken, "-o", "plan.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(fs::read_to_string(folder.path().join("plan.jsonl")).unwrap().lines().count() > 0);
}

#[test]
fn a_link_stays_a_link_and_a_device_a_device() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "old").unwrap();
    symlink("file", folder.path().join("link")).unwrap();
    assert_eq!(run(&folder, &["schema", "row", "-o", "link"]).status.code(), Some(0));
    assert!(folder.path().join("link").is_symlink());
    let schema = stdout(&run(&folder, &["schema", "row"]));
    assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), schema);
    assert_eq!(stdout(&run(&folder, &["schema", "row", "-o", "/dev/stdout"])), schema);
    symlink("made", folder.path().join("early")).unwrap();
    assert_eq!(run(&folder, &["schema", "row", "-o", "early"]).status.code(), Some(0));
    assert!(folder.path().join("early").is_symlink());
    assert_eq!(fs::read_to_string(folder.path().join("made")).unwrap(), schema);
    assert_eq!(run(&folder, &["schema", "row", "-o", "."]).status.code(), Some(2));
    assert_eq!(run(&folder, &["schema", "row", "-o", "no/such/folder"]).status.code(), Some(2));
}

/// Makes a pipe, and starts a reader of it.
fn read_pipe(folder: &TempDir, name: &str) -> Child {
    let path = folder.path().join(name);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    Command::new("cat").arg(&path).stdout(Stdio::piped()).spawn().unwrap()
}

/// The text that came through a pipe, if it still is one.
fn text_of_pipe(folder: &TempDir, name: &str, mut reader: Child) -> String {
    let is_pipe = fs::metadata(folder.path().join(name)).unwrap().file_type().is_fifo();
    if !is_pipe {
        reader.kill().unwrap();
        reader.wait().unwrap();
    }
    assert!(is_pipe, "{name} was replaced by a file");
    String::from_utf8(reader.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn every_option_for_a_file_keeps_links_pipes_and_permissions() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("inventory.csv"), "arn\narn:aws:sqs:eu-west-1:111122223333:a\n").unwrap();
    let trail = trail();
    for (args, begin) in [
        (&["plan", &trail, "--out"][..], "{\"autotag_plan\":"),
        (&["report", "--trail", &trail, "--format", "jsonl", "--out"], "{\"kind\":"),
        (&["report", "--trail", &trail, "--inventory", "inventory.csv", "--fix"], "{\"autotag_plan\":"),
        (&["plan", &trail, "--format", "csv", "--output"], "event_id,"),
    ] {
        let option = args.last().unwrap();
        let write = |file: &str| {
            let output = run(&folder, &[args, &[file]].concat());
            assert_eq!(output.status.code(), Some(0), "{args:?} {file}: {}", stderr(&output));
        };
        let target = folder.path().join("target");
        fs::write(&target, "old").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("target", folder.path().join("link")).unwrap();
        write("link");
        assert!(folder.path().join("link").is_symlink(), "{option}");
        let text = fs::read_to_string(&target).unwrap();
        assert!(text.starts_with(begin), "{option}: {text:.40}");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640, "{option}");
        let reader = read_pipe(&folder, "pipe");
        write("pipe");
        assert_eq!(text_of_pipe(&folder, "pipe", reader), text, "{option}");
        for name in ["link", "pipe", "target"] {
            fs::remove_file(folder.path().join(name)).unwrap();
        }
        assert_eq!(names(folder.path()), ["inventory.csv"], "{option}");
    }
}

#[test]
fn a_pipe_of_a_shell_takes_the_output() {
    let folder = TempDir::new().unwrap();
    for option in ["--out", "-o"] {
        let line = format!("'{}' plan '{}' {option} >(cat > copy); wait $!", crate::common::BIN, trail());
        let mut shell = Command::new("bash");
        let status =
            shell.args(["-c", &line]).current_dir(folder.path()).stdout(Stdio::null()).status().unwrap();
        assert!(status.success());
        let copy = folder.path().join("copy");
        assert!(fs::metadata(&copy).unwrap().len() > 0, "{option}");
        fs::remove_file(copy).unwrap();
    }
}

#[test]
fn a_file_that_is_replaced_keeps_its_permissions() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("private");
    fs::write(&path, "old").unwrap();
    for mode in [0o600, 0o664] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(run(&folder, &["schema", "row", "-o", "private"]).status.code(), Some(0));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
    }
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_anything_is_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("kept.csv");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    for (args, option) in [
        (&["plan", "no-such-trail", "-o"][..], "--output"),
        (&["plan", "no-such-trail", "--out"], "--out"),
        (&["report", "--trail", "no-such-trail", "--out"], "--out"),
    ] {
        for (file, why) in [
            ("kept.csv", "it is read-only"),
            ("none/rows.csv", "the folder `none` does not exist"),
            (".", "it is a folder"),
        ] {
            let output = run(&folder, &[args, &[file]].concat());
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{args:?} {file}: {said}");
            let expected = format!("{option}: cannot write `{file}`: {why}");
            assert!(said.contains(&expected), "{args:?} {file}: {said}");
        }
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(names(folder.path()), ["kept.csv"]);
}

/// A signal leaves the temporary file of a run. A run that still writes has a lock on its own.
#[test]
fn a_run_removes_temporary_files_of_runs_that_were_stopped() {
    let folder = TempDir::new().unwrap();
    let new = |name: &str| fs::File::create(folder.path().join(name)).unwrap();
    let old = |name: &str| {
        let file = new(name);
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        file
    };
    let (_stopped, running) = (old(".autotag-outputSTOP"), old(".autotag-outputRUNS"));
    running.lock().unwrap();
    let (_young, _other) = (new(".autotag-outputNEW"), old("other"));
    assert_eq!(run(&folder, &["schema", "row", "-o", "row.json"]).status.code(), Some(0));
    assert_eq!(names(folder.path()), [".autotag-outputNEW", ".autotag-outputRUNS", "other", "row.json"]);
}

#[test]
fn a_report_goes_to_the_file_too() {
    let folder = TempDir::new().unwrap();
    let output = run(&folder, &["report", "--trail", &trail(), "-o", "report.html", "-q"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") || page.starts_with("<!doctype html>"), "{page:.100}");
    let csv = run(&folder, &["plan", &trail(), "--summary-only", "-o", "summary.csv"]);
    assert_eq!(csv.status.code(), Some(2), "{}", stderr(&csv));
    assert!(stderr(&csv).contains("--summary-only: the summary has no CSV"), "{}", stderr(&csv));
    let both = run(&folder, &["report", "--trail", &trail(), "-o", "a.html", "--out", "b.html"]);
    assert_eq!(both.status.code(), Some(2), "{}", stderr(&both));
}

#[test]
fn a_file_that_the_command_reads_is_not_written() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("logs")).unwrap();
    for name in ["logs/a.json", "logs/notes.txt", "in.json", "list.txt", "own.toml", "list.csv"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    symlink("in.json", folder.path().join("link.json")).unwrap();
    symlink("logs", folder.path().join("same")).unwrap();
    let refused = |args: &[&str], said: [&str; 2]| {
        let output = run(&folder, args);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
        for option in said {
            assert!(told.contains(option), "{args:?}: {told}");
        }
    };
    refused(
        &["plan", "in.json", "-o", "in.json"],
        ["--output `in.json`", "the input `in.json` reads this file"],
    );
    refused(&["plan", "in.json", "-o", "./link.json"], ["--output `./link.json`", "the input `in.json`"]);
    refused(&["plan", "link.json", "--out", "in.json"], ["--out `in.json`", "the input `link.json`"]);
    refused(&["plan", "list.txt", "in.json", "--out", "in.json"], ["--out `in.json`", "the input `in.json`"]);
    refused(&["plan", "same", "--out", "logs/a.json"], ["--out `logs/a.json`", "the input `same`"]);
    refused(&["plan", "in.json", "-o", "new", "--out", "./new"], ["--output and --out", "two files"]);
    refused(
        &["plan", "in.json", "--policy", "own.toml", "-o", "own.toml"],
        ["--output", "--policy `own.toml`"],
    );
    refused(&["plan", "in.json", "--state", "new", "--out", "new"], ["--out", "--state `new`"]);
    refused(&["explain", "in.json", "-o", "in.json"], ["--output", "the input"]);
    let whois = ["whois", "--file", "list.txt", "--trail", "in.json", "-o", "list.txt", "--format", "text"];
    refused(&whois, ["--output", "--file `list.txt`"]);
    refused(&["report", "--inventory", "list.csv", "--out", "list.csv"], ["--out", "--inventory `list.csv`"]);
    refused(
        &["report", "--inventory", "in.json", "--cost", "list.csv", "-o", "list.csv"],
        ["--output", "--cost"],
    );
    refused(&["report", "--trail", "logs", "--out", "logs/a.json"], ["--out", "--trail `logs`"]);
    for (args, file) in
        [(["plan", "logs", "--out"], "logs/new.json"), (["plan", "logs", "--out"], "logs/notes.txt")]
    {
        let output = run(&folder, &[&args[..], &[file]].concat());
        assert_ne!(output.status.code(), Some(2), "{file} is not read: {}", stderr(&output));
    }
    assert_eq!(
        names(folder.path()),
        ["in.json", "link.json", "list.csv", "list.txt", "logs", "own.toml", "same"]
    );
    assert!(folder.path().join("link.json").is_symlink());
}

#[test]
fn a_saved_plan_and_the_rows_are_two_files() {
    let folder = TempDir::new().unwrap();
    let output = run(&folder, &["plan", &trail(), "--out", "saved.jsonl", "-o", "rows.csv", "--quiet"]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    assert!(fs::read_to_string(folder.path().join("saved.jsonl")).unwrap().starts_with("{\"autotag_plan\""));
    assert!(fs::read_to_string(folder.path().join("rows.csv")).unwrap().starts_with("event_id,"));
}

#[test]
fn a_number_that_must_not_be_zero_is_named_in_plain_words() {
    for args in [
        &["sessions", "list", "--state", "none", "--max", "0"][..],
        &["plan", "fixtures/trail", "--jobs", "0"],
        &["plan", "fixtures/trail", "--jobs", "two"],
    ] {
        let output = autotag(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let told = "expected a whole number of at least 1";
        assert!(stderr(&output).contains(told), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn a_place_with_a_colon_is_named_whole() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("a: b")).unwrap();
    symlink(".", folder.path().join("a: b/loop")).unwrap();
    let output = run(&folder, &["plan", "a: b", "--summary-only", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let reason = &summary["unreadable"]["reasons"][0];
    assert_eq!(reason["places"][0], "a: b/loop", "{summary}");
    assert!(reason["reason"].as_str().unwrap().starts_with("File system loop"), "{summary}");
}

#[test]
fn quiet_shows_data_and_errors_alone() {
    let quiet = autotag(&["plan", "fixtures/trail", "-q"]);
    assert_eq!((quiet.status.code(), stderr(&quiet)), (Some(0), String::new()));
    assert_eq!(stdout(&quiet), stdout(&autotag(&["plan", "fixtures/trail"])));
    let partly = autotag(&["plan", "fixtures/broken", "-q"]);
    assert_eq!(partly.status.code(), Some(1));
    let said = "autotag: 3 parts of the input could not be read; without --quiet it says which\n";
    assert_eq!(stderr(&partly), said);
    for args in [
        ["report", "--trail", "fixtures/broken", "-q"].as_slice(),
        &["guard", "--dry-run", "fixtures/broken", "-q"],
        &["ledger", "import", "fixtures/broken", "--print", "-q"],
        &["plan", "fixtures/broken", "-q", "--summary-only"],
        &["explain", "fixtures/trail", "fixtures/broken", "-q"],
        &["identify", "fixtures/trail", "fixtures/broken", "-q"],
        &["estimate", "fixtures/trail", "fixtures/broken", "-q"],
        &["whois", "orders", "--trail", "fixtures/trail", "--trail", "fixtures/broken", "-q"],
        &["catalog", "--uncovered-by", "fixtures/trail", "--uncovered-by", "fixtures/broken", "-q"],
    ] {
        let partly = autotag(args);
        assert_eq!((partly.status.code(), stderr(&partly).as_str()), (Some(1), said), "{args:?}");
    }
    let named = stderr(&autotag(&["estimate", "fixtures/trail", "fixtures/broken"]));
    assert_eq!(named.matches("unreadable: fixtures/broken/").count(), 3, "{named}");
    let wrong = autotag(&["plan", "no-such-trail", "-q"]);
    assert!(stderr(&wrong).contains("no-such-trail"), "{}", stderr(&wrong));
}

#[test]
fn colours_follow_the_option_and_otherwise_the_environment() {
    let styled = |args: &[&str], environment: &[(&str, &str)]| {
        let mut command = Command::new(crate::common::BIN);
        command.args(args).current_dir(root()).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        let output = command.envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap();
        stdout(&output).contains('\u{1b}')
    };
    let explain = ["explain", "fixtures/odd/eventbridge.json", "--color"];
    let with = |choice| [explain.as_slice(), &[choice]].concat();
    assert!(styled(&with("always"), &[]) && !styled(&with("never"), &[]) && !styled(&with("auto"), &[]));
    assert!(
        styled(&with("auto"), &[("CLICOLOR_FORCE", "1")])
            && !styled(&with("never"), &[("CLICOLOR_FORCE", "1")])
    );
    assert!(
        styled(&with("always"), &[("NO_COLOR", "1")]),
        "what the user says counts more than the environment"
    );
    assert!(styled(&["--help", "--color=always"], &[]) && !styled(&["--help"], &[]));
    assert!(styled(&["--help"], &[("CLICOLOR_FORCE", "1")]));
    let rows = ["plan", "fixtures/trail", "--format", "csv", "--color", "always"];
    assert!(!styled(&rows, &[]), "data has no colours");
}

#[test]
fn rules_are_lines_of_json_too() {
    let rows = |args: &[&str]| -> Vec<Value> {
        stdout(&autotag(args)).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let rules = rows(&["catalog", "--service", "sqs", "--format", "jsonl"]);
    let all: Value =
        serde_json::from_slice(&autotag(&["catalog", "--service", "sqs", "--format", "json"]).stdout)
            .unwrap();
    assert_eq!(Value::from(rules), all);
    let uncovered = rows(&["catalog", "--uncovered-by", "fixtures/trail", "--format", "jsonl"]);
    assert_eq!(uncovered.len(), 2, "{uncovered:?}");
}

#[test]
fn init_writes_a_policy_once() {
    let folder = TempDir::new().unwrap();
    let output = run(&folder, &["init"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let checked = run(&folder, &["policy", "check", "--format", "jsonl"]);
    assert_eq!(checked.status.code(), Some(0), "{}", stderr(&checked));
    let path = folder.path().join("autotag.toml");
    fs::write(&path, "[static]\nManagedBy = \"autotag\"\n").unwrap();
    let again = run(&folder, &["init"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("`autotag.toml`: it exists"), "{}", stderr(&again));
    assert_eq!(fs::read_to_string(&path).unwrap(), "[static]\nManagedBy = \"autotag\"\n");
    assert_eq!(run(&folder, &["init", "other.toml"]).status.code(), Some(0));
    assert_eq!(run(&folder, &["policy", "check", "other.toml", "-q"]).status.code(), Some(0));
}

#[test]
fn names_that_are_nearly_right_are_corrected() {
    let folder = TempDir::new().unwrap();
    let said_of = |policy: &str| {
        fs::write(folder.path().join("wrong.toml"), policy).unwrap();
        let output = run(&folder, &["policy", "check", "wrong.toml"]);
        assert_eq!(output.status.code(), Some(2), "{policy}");
        stderr(&output)
    };
    let placeholder = said_of("[identity]\nOwner = \"{owner}\"\nCreatedBy = \"{onwer}\"\n");
    for part in ["line 3, column 13", "CreatedBy = \"{onwer}\"", "did you mean `owner`?"] {
        assert!(placeholder.contains(part), "{part} is not in {placeholder}");
    }
    assert!(said_of("[identiy]\n").contains("did you mean `identity`?"));
    let service = autotag(&["catalog", "--service", "dynamobd"]);
    assert_eq!(service.status.code(), Some(1));
    assert!(stderr(&service).contains("did you mean `dynamodb`?"), "{}", stderr(&service));
    let unlike = autotag(&["catalog", "--service", "zzzz"]);
    assert!(stderr(&unlike).contains("docs/adding-a-service.md"), "{}", stderr(&unlike));
    let rules = folder.path().join("rules.toml");
    fs::write(&rules, "source = \"sqs.amazonaws.com\"\nname = \"SQS\"\n[[rules]]\nevent = \"E\"\n").unwrap();
    let output = autotag(&["plan", "fixtures/odd/eventbridge.json", "--rules", rules.to_str().unwrap()]);
    assert!(stderr(&output).contains("did you mean `rule`?"), "{}", stderr(&output));
}

#[test]
fn every_command_knows_the_same_names_of_formats() {
    for (args, formats) in [
        (
            ["plan", "fixtures/odd/eventbridge.json"].as_slice(),
            ["table", "text", "json", "jsonl", "csv"].as_slice(),
        ),
        (&["identify", "fixtures/odd/eventbridge.json"], &["table", "text", "json", "jsonl"]),
        (&["whois", "none", "--trail", "fixtures/odd/eventbridge.json"], &["table", "text", "json", "jsonl"]),
        (&["catalog", "--service", "sqs"], &["table", "text", "json", "jsonl", "csv"]),
        (&["policy", "check"], &["table", "text", "json", "jsonl"]),
        (&["estimate", "--creations", "1000"], &["table", "text", "json", "jsonl"]),
    ] {
        for format in formats {
            let output = autotag(&[args, &["--format", format]].concat());
            assert_ne!(output.status.code(), Some(2), "{args:?} --format {format}: {}", stderr(&output));
        }
    }
}
