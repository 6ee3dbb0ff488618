//! The generated files, checked by third-party programs. `generate.rs` tests that `deploy/` is up to date.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod athena;
mod backfill;
#[path = "../common/mod.rs"]
mod common;
mod conditions;
mod guards;
mod lint;
mod names;
mod needs;
mod permissions;
mod schemas;
mod terraform;

use autotag_testkit::{CannotStart, PolicySimulators, Tools};
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

fn installed<T>(what: Result<T, CannotStart>) -> T {
    what.unwrap_or_else(|error| panic!("{error}"))
}

/// Generates the files in `folder/deploy`.
fn generate(folder: &Path) -> Output {
    common::autotag_in(folder, &["generate"])
}

/// A folder with the generated files.
enum Generated {
    /// Those of the repository. `generate.rs` tests that they are what is generated.
    BuiltIn,
    /// Those of a policy of a test.
    OfPolicy(TempDir),
}

impl Generated {
    fn path(&self) -> &Path {
        match self {
            Self::BuiltIn => Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")),
            Self::OfPolicy(folder) => folder.path(),
        }
    }
}

/// The generated files for the built-in policy or this one.
fn deploy(policy: Option<&str>) -> Generated {
    let Some(policy) = policy else { return Generated::BuiltIn };
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("autotag.toml"), policy).unwrap();
    let output = generate(folder.path());
    assert!(output.status.success(), "{output:?}");
    Generated::OfPolicy(folder)
}

/// A generated JSON file.
fn read(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("deploy").join(name)).unwrap()).unwrap()
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/artefacts").join(name)
}

/// The output of a script of Node.js for `input`.
fn node(name: &str, input: &Value) -> String {
    let mut command = installed(PolicySimulators::start(FOLDER)).node();
    command.arg(script(name)).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    running.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    text(&running.wait_with_output().unwrap())
}

/// The output of a script of Node.js for `input`, as JSON.
fn node_json(name: &str, input: &Value) -> Value {
    serde_json::from_str(&node(name, input)).unwrap()
}

/// The output of a script of Python, run with the checkers of templates and policies.
fn python(name: &str, template: &Path, parameters: &[&str]) -> String {
    let mut command = Command::new(installed(Tools::start(FOLDER)).python());
    text(&command.args(["-W", "ignore"]).arg(script(name)).arg(template).args(parameters).output().unwrap())
}

/// The policies of a template, resolved with these parameters and the defaults of the others.
fn resolved(template: &Path, parameters: &[&str]) -> Value {
    serde_json::from_str(&python("resolve.py", template, parameters)).unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}
