//! The AWS emulator: moto, in a Python virtual environment that the tests create.

use crate::venv::{CannotStart, Venv};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// The packages of the emulator. The versions are pinned: the tests know this moto's deviations from AWS, and compare requests
/// with this boto3's.
///
/// `moto[server]` would install all extras, including Docker's client, and double the size. Of the extras the tests need
/// only `glue`; the server needs Flask.
const VENV: Venv = Venv {
    name: "emulator",
    packages: &[
        "moto[glue]==5.2.5",
        "boto3==1.44.5",
        "botocore==1.44.5",
        "flask==3.1.3",
        "flask-cors==6.0.5",
    ],
};

/// The packages of an emulator with CloudFormation, which loads every service that a template may name. A separate
/// environment, because other tests use [`VENV`] at the same time.
const STACKS: Venv = Venv {
    name: "emulator-stacks",
    packages: &[
        "moto[glue]==5.2.5",
        "boto3==1.44.5",
        "botocore==1.44.5",
        "flask==3.1.3",
        "flask-cors==6.0.5",
        "graphql-core==3.3.2",
        "jsonpath-ng==1.7.0",
        "openapi-spec-validator==0.9.0",
        "pyyaml==6.0.4",
    ],
};

/// LocalStack's matcher of event patterns, which its authors test against AWS. LocalStack itself does not run, so its
/// dependencies are not installed.
const MATCHER: Venv = Venv { name: "matcher", packages: &["--no-deps", "localstack-core==2026.3.0"] };

/// Maximum time to start the server. Generous, because the machine may be compiling at the same time.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// The text before the address in the server's output.
const RUNNING: &str = "Running on http://";

/// A running emulator with its own state. Dropping it ends the server.
#[derive(Debug)]
pub struct Emulator {
    server: Child,
    address: String,
}

impl Emulator {
    /// Starts an emulator on a free port. `folder` holds the virtual environments and is shared by all tests:
    /// `env!("CARGO_TARGET_TMPDIR")`.
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn start(folder: &str) -> Result<Self, CannotStart> {
        Self::start_in(&VENV, folder)
    }

    /// Starts an emulator with CloudFormation. `folder` as for [`Emulator::start`].
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn with_stacks(folder: &str) -> Result<Self, CannotStart> {
        Self::start_in(&STACKS, folder)
    }

    fn start_in(venv: &Venv, folder: &str) -> Result<Self, CannotStart> {
        let program = venv.installed(Path::new(folder))?.join("moto_server");
        let mut server = Command::new(program)
            // Port 0: the server chooses a free port and prints it, so no other program can take it in between.
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| venv.cannot("start moto_server", &error))?;
        let output = server.stderr.take().map(read_lines);
        // Built before the address is known, so that an error kills the process.
        let mut emulator = Self { server, address: String::new() };
        emulator.address =
            output.map_or_else(|| Err(no_address(String::new())), |output| address(&output))?;
        Ok(emulator)
    }

    /// A Python with the emulator's boto3, for scripts of benchmarks and comparisons. Installed if necessary. `folder` as
    /// for [`Emulator::start`].
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn python(folder: &str) -> Result<PathBuf, CannotStart> {
        Ok(VENV.installed(Path::new(folder))?.join("python3"))
    }

    /// The Python of an emulator with CloudFormation. It can import `moto` and `yaml`.
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn python_with_stacks(folder: &str) -> Result<PathBuf, CannotStart> {
        Ok(STACKS.installed(Path::new(folder))?.join("python3"))
    }

    /// A Python with `localstack.services.events.event_rule_engine`, without the packages that this module imports.
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn second_matcher(folder: &str) -> Result<PathBuf, CannotStart> {
        Ok(MATCHER.installed(Path::new(folder))?.join("python3"))
    }

    /// The endpoint URL of the emulator.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The variables that direct any AWS client to this emulator.
    pub fn environment(&self) -> [(&'static str, String); 6] {
        crate::environment(self.url())
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // The server may already have ended.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The lines of the server's output. They are read to the end even without a receiver: a full pipe would block the server.
fn read_lines(output: ChildStderr) -> Receiver<String> {
    let (lines, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
    receiver
}

fn address(output: &Receiver<String>) -> Result<String, CannotStart> {
    let mut all = String::new();
    loop {
        match output.recv_timeout(START_TIMEOUT) {
            Ok(line) => {
                if let Some((_, address)) = line.split_once(RUNNING) {
                    return Ok(address.trim().to_owned());
                }
                all.push_str(&line);
                all.push('\n');
            }
            Err(RecvTimeoutError::Disconnected) => return Err(no_address(all)),
            Err(RecvTimeoutError::Timeout) => {
                return Err(no_address(format!("no address within {START_TIMEOUT:?}; output: {all}")));
            }
        }
    }
}

fn no_address(why: String) -> CannotStart {
    VENV.failed("moto_server does not start".to_owned(), why)
}
