//! Compares what two builds of `autotag` say about the same inputs, byte for byte:
//! `cargo run --release -p autotag-testkit --example compare -- OLD NEW PATH...`
//!
//! For each path both run `plan --all` and `explain`, with one job and with two, and then `identify` and `catalog --uncovered-by`.
//! Standard output, standard error and exit code must be equal. The exit code is 1 if anything differs.
#![expect(clippy::print_stdout, reason = "a program")]

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode};

/// The commands, before the path.
const COMMANDS: &[&[&str]] = &[
    &["plan", "--all", "--format", "jsonl", "--jobs", "1"],
    &["plan", "--all", "--format", "jsonl", "--jobs", "2"],
    &["explain", "--jobs", "1"],
    &["explain", "--jobs", "2"],
    &["identify", "--format", "jsonl"],
    &["catalog", "--format", "json", "--uncovered-by"],
];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [old, new, paths @ ..] = arguments.as_slice() else {
        return Err("give two programs, and the files or folders that they read".into());
    };
    let scratch = tempfile::tempdir()?;
    let mut same = true;
    for path in paths {
        for arguments in COMMANDS {
            let difference = compare(old, new, path, arguments, scratch.path())?;
            same &= difference.is_none();
            let what = arguments.join(" ");
            println!("{path}, {what}: {}", difference.unwrap_or_else(|| "equal".to_owned()));
        }
    }
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The first difference.
fn compare(
    old: &str,
    new: &str,
    path: &str,
    arguments: &[&str],
    scratch: &Path,
) -> Result<Option<String>, Box<dyn Error>> {
    let run = |program: &str, name: &str| -> Result<Option<i32>, Box<dyn Error>> {
        let mut command = Command::new(program);
        command.args(arguments).arg(path);
        command.stdout(File::create(scratch.join([name, ".out"].concat()))?);
        command.stderr(File::create(scratch.join([name, ".err"].concat()))?);
        Ok(command.status().map_err(|error| format!("{program}: {error}"))?.code())
    };
    let (one, other) = (run(old, "old")?, run(new, "new")?);
    if one != other {
        return Ok(Some(format!("exit codes {one:?} and {other:?}")));
    }
    for (name, ending) in [("output", ".out"), ("standard error", ".err")] {
        let file = |program: &str| File::open(scratch.join([program, ending].concat())).map(BufReader::new);
        if let Some(difference) = first_difference(file("old")?, file("new")?)? {
            return Ok(Some(format!("{name}, {difference}")));
        }
    }
    Ok(None)
}

/// The first line that differs.
fn first_difference(mut old: impl BufRead, mut new: impl BufRead) -> std::io::Result<Option<String>> {
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for number in 1_u64.. {
        one.clear();
        other.clear();
        old.read_until(b'\n', &mut one)?;
        new.read_until(b'\n', &mut other)?;
        if one != other {
            let [one, other] = [&one, &other].map(|line| String::from_utf8_lossy(line).into_owned());
            return Ok(Some(format!("line {number}:\n  old {}\n  new {}", one.trim_end(), other.trim_end())));
        }
        if one.is_empty() {
            break;
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_shown() {
        let differs = |old: &str, new: &str| first_difference(old.as_bytes(), new.as_bytes()).unwrap();
        assert_eq!(differs("a\nb\n", "a\nb\n"), None);
        assert_eq!(differs("a\nb\n", "a\nc\n").unwrap(), "line 2:\n  old b\n  new c");
        assert_eq!(differs("a\n", "a\nb\n").unwrap(), "line 2:\n  old \n  new b");
        assert!(differs("a\n", "a").is_some(), "a missing line end is a difference");
    }
}
