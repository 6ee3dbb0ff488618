//! A folder with a copy of the fixtures, in which commands run as in a terminal.

use crate::common::BIN;
use autotag_testkit::Tools;
use nix::pty::{Winsize, openpty};
use std::cell::Cell;
use std::fs;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use walkdir::WalkDir;

/// The terminal of the pages.
const SIZE: Winsize = Winsize { ws_row: 24, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };

/// jq as a program, over its library.
const JQ: &str = include_str!("jq.py");

pub(super) struct Sandbox {
    folder: TempDir,
    /// The exit code of the last command, for `echo $?`.
    code: Cell<i32>,
}

/// The output of a command on its terminal, and its exit code.
pub(super) struct Session {
    pub(super) output: String,
    pub(super) code: i32,
}

impl Sandbox {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = super::root();
        for entry in WalkDir::new(root.join("fixtures")) {
            let entry = entry.unwrap();
            let copy = folder.path().join(entry.path().strip_prefix(&root).unwrap());
            if entry.file_type().is_dir() {
                fs::create_dir(copy).unwrap();
            } else {
                fs::copy(entry.path(), copy).unwrap();
            }
        }
        Self { folder, code: Cell::new(0) }
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Runs a command line in a terminal without colours.
    pub(super) fn run(&self, line: &str) -> Session {
        let terminal = openpty(Some(&SIZE), None).unwrap();
        let end = || Stdio::from(terminal.slave.try_clone().unwrap());
        let mut command = Command::new("sh");
        command.args(["-c", &format!("PATH=\"{}:$PATH\"\n(exit {})\n{line}", path(line), self.code.get())]);
        command
            .current_dir(self.folder.path())
            .env("NO_COLOR", "1")
            .env("HOME", self.folder.path())
            .env("LC_ALL", "C.UTF-8")
            .env_remove("COLUMNS")
            .env_remove("CLICOLOR_FORCE");
        command.stdin(Stdio::null()).stdout(end()).stderr(end());
        let mut child = command.spawn().unwrap();
        drop((command, terminal.slave));
        let output = read_to_end(terminal.master);
        let code = child.wait().unwrap().code().unwrap_or(-1);
        self.code.set(code);
        // DuckDB colours its tables on every terminal.
        Session { output: anstream::adapter::strip_str(&output).to_string().replace("\r\n", "\n"), code }
    }

    /// Runs a Python program over `plan.jsonl`, with an input.
    pub(super) fn query(&self, program: &str, input: &str) -> Output {
        self.write("input.json", input);
        let python = Tools::queries(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut command = Command::new(python);
        command.args(["-c", program, "plan.jsonl"]).current_dir(self.folder.path());
        command.stdin(fs::File::open(self.folder.path().join("input.json")).unwrap()).output().unwrap()
    }
}

/// The folders of the program under test, and of the programs of queries if the line names one.
fn path(line: &str) -> String {
    let folder = Path::new(BIN).parent().unwrap().display().to_string();
    if line.contains("jq ") || line.contains("duckdb ") {
        format!("{folder}:{}", query_programs().display())
    } else {
        folder
    }
}

/// A terminal whose other end is closed answers with an error.
fn read_to_end(terminal: OwnedFd) -> String {
    let mut bytes = Vec::new();
    let _ = fs::File::from(terminal).read_to_end(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

/// The folder of `duckdb` and `jq`.
fn query_programs() -> PathBuf {
    let python = Tools::queries(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder = python.parent().unwrap().to_owned();
    let program = folder.join("jq");
    // Several tests may write it at the same time: each its own file, which takes the name in one step.
    let own = tempfile::NamedTempFile::new_in(&folder).unwrap();
    fs::write(own.path(), format!("#!{}\n{JQ}", python.display())).unwrap();
    fs::set_permissions(own.path(), fs::Permissions::from_mode(0o755)).unwrap();
    own.into_temp_path().persist(program).unwrap();
    folder
}
