//! The templates of hub, regions and sessions, checked and run by third-party programs.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests are tests"
)]

mod by_command;
#[path = "../common/mod.rs"]
mod common;
mod composed;
mod end_to_end;
mod flood;
mod patterns;
mod templates;

use autotag_testkit::{CannotStart, Emulator};
use common::{autotag_in, generated, stderr};
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

fn installed<T>(what: Result<T, CannotStart>) -> T {
    what.unwrap_or_else(|error| panic!("{error}"))
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deploy").join(name)
}

/// A folder with the files that are generated for a policy.
fn generated_for(policy: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("policy.toml"), policy).unwrap();
    let output = autotag_in(folder.path(), &["generate", "--out", ".", "--policy", "policy.toml"]);
    assert!(output.status.success(), "{}", stderr(&output));
    folder
}

/// The answer of a program to `input`.
fn said(command: &mut Command, input: &Value) -> Value {
    let mut running =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The resources of a template.
fn resources(template: &Path) -> serde_json::Map<String, Value> {
    let python = installed(Emulator::python_with_stacks(FOLDER));
    let resources = said(Command::new(python).arg(script("resources.py")).arg(template), &Value::Null);
    resources.as_object().unwrap().clone()
}
