//! The emulator itself: moto, in a Python virtual environment that the tests make themselves.

use crate::venv::{CannotStart, Venv};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// What is installed. What this version of moto gets wrong is known; the pinned boto3 makes requests that can be compared.
///
/// Not `moto[server]`: it means all extras, with Docker's client and twice the size. `glue` is the one extra without which
/// a service that we use does not load; Flask is what the server needs.
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

/// The same, with what CloudFormation needs besides: it loads every service that a template may name. In an environment of
/// its own, as [`VENV`] is in use by other tests.
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

/// LocalStack's matcher of event patterns, which its authors compare with answers of AWS. Nothing of LocalStack runs here, so
/// nothing that it needs is installed.
const MATCHER: Venv = Venv { name: "matcher", packages: &["--no-deps", "localstack-core==2026.3.0"] };

/// How long the server may take to start, on a machine that is compiling at the same time.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the server says before its address.
const RUNNING: &str = "Running on http://";

/// A running emulator; it ends when this is dropped. Each has a world of its own.
#[derive(Debug)]
pub struct Emulator {
    server: Child,
    address: String,
}

impl Emulator {
    /// Starts an emulator on a free port of this machine. `folder` is where the virtual environment lives, for all tests
    /// together: the build's own, `env!("CARGO_TARGET_TMPDIR")`.
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn start(folder: &str) -> Result<Self, CannotStart> {
        Self::start_in(&VENV, folder)
    }

    /// The same, with CloudFormation.
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn with_stacks(folder: &str) -> Result<Self, CannotStart> {
        Self::start_in(&STACKS, folder)
    }

    fn start_in(venv: &Venv, folder: &str) -> Result<Self, CannotStart> {
        let program = venv.installed(Path::new(folder))?.join("moto_server");
        let mut server = Command::new(program)
            // The server chooses the port and says which: no other program can take it in between.
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| venv.cannot("start moto_server", &error))?;
        let said = server.stderr.take().map(listen);
        // From here on the process is killed, whatever comes.
        let mut emulator = Self { server, address: String::new() };
        emulator.address = said.map_or_else(|| Err(no_address(String::new())), |said| address(&said))?;
        Ok(emulator)
    }

    /// The Python with boto3 that fits the emulator, installed if need be: for scripts that benchmarks and comparisons
    /// run. `folder` as for [`Emulator::start`].
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn python(folder: &str) -> Result<PathBuf, CannotStart> {
        Ok(VENV.installed(Path::new(folder))?.join("python3"))
    }

    /// The Python of an emulator with CloudFormation; it also has `moto` and `yaml` to import.
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn python_with_stacks(folder: &str) -> Result<PathBuf, CannotStart> {
        Ok(STACKS.installed(Path::new(folder))?.join("python3"))
    }

    /// A Python in which `localstack.services.events.event_rule_engine` is, and nothing that it imports.
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn second_matcher(folder: &str) -> Result<PathBuf, CannotStart> {
        Ok(MATCHER.installed(Path::new(folder))?.join("python3"))
    }

    /// The endpoint to use instead of AWS's.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The environment that leads any AWS client to this emulator.
    pub fn environment(&self) -> [(&'static str, String); 6] {
        crate::environment(self.url())
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The lines the server says, one by one. They are read to the end even when nobody listens: a full pipe would stop it.
fn listen(said: ChildStderr) -> Receiver<String> {
    let (lines, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(said).lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
    receiver
}

fn address(said: &Receiver<String>) -> Result<String, CannotStart> {
    let mut all = String::new();
    loop {
        match said.recv_timeout(PATIENCE) {
            Ok(line) => {
                if let Some((_, address)) = line.split_once(RUNNING) {
                    return Ok(address.trim().to_owned());
                }
                all.push_str(&line);
                all.push('\n');
            }
            Err(RecvTimeoutError::Disconnected) => return Err(no_address(all)),
            Err(RecvTimeoutError::Timeout) => {
                return Err(no_address(format!("nothing is heard of it; {all}")));
            }
        }
    }
}

fn no_address(why: String) -> CannotStart {
    VENV.failed("moto_server does not start".to_owned(), why)
}
