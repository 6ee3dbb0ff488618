//! How the tests run the program, and what they read of its answer.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "helpers of tests are tests; each test uses some"
)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program.
pub const BIN: &str = env!("CARGO_BIN_EXE_autotag");

/// The top folder of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The files of `generate` for the built-in policy: those of the repository. `generate.rs` tests that they are up to date.
pub fn generated() -> PathBuf {
    root().join("deploy")
}

/// Runs the program in the top folder.
pub fn autotag(args: &[&str]) -> Output {
    autotag_in(&root(), args)
}

/// Runs the program in a folder.
pub fn autotag_in(folder: &Path, args: &[&str]) -> Output {
    Command::new(BIN).args(args).current_dir(folder).output().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The rows of JSON lines on standard output.
pub fn lines(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
