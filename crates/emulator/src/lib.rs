//! For tests: an AWS emulator (moto) over real HTTP, in a Python virtual environment that the tests make themselves.
//!
//! Nothing is skipped when it cannot start: the test fails, and says how to get what is missing.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{io, thread};

/// The emulator's version. What it gets wrong is known for this one.
const MOTO: &str = "moto[s3,server]==5.2.5";

/// How often, and how long apart, a started server is tried.
const TRIES: u32 = 300;
const APART: Duration = Duration::from_millis(100);

/// A running emulator; it ends when this is dropped. Each has a world of its own.
#[derive(Debug)]
pub struct Emulator {
    server: Child,
    address: SocketAddr,
}

/// Why no emulator runs.
#[derive(Debug, thiserror::Error)]
#[error(
    "{what}: {why}; the tests need python3 with venv and pip (on Debian: python3-venv), and PyPI for {MOTO}"
)]
pub struct CannotStart {
    what: String,
    why: String,
}

impl Emulator {
    /// Starts an emulator on a free port of this machine. `folder` is where the virtual environment lives, for all tests
    /// together: the build's own, `env!("CARGO_TARGET_TMPDIR")`.
    ///
    /// # Errors
    /// [`CannotStart`], with what to install.
    pub fn start(folder: &str) -> Result<Self, CannotStart> {
        let program = installed(Path::new(folder))?;
        let address = free_address().map_err(|error| cannot("find a free port", &error))?;
        let server = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| cannot("start moto_server", &error))?;
        let mut emulator = Self { server, address };
        emulator.wait()?;
        Ok(emulator)
    }

    /// The endpoint to use instead of AWS's.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The environment that leads any AWS client to this emulator.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    fn wait(&mut self) -> Result<(), CannotStart> {
        for _ in 0..TRIES {
            if TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.server.try_wait() {
                return Err(CannotStart { what: "moto_server ended".to_owned(), why: status.to_string() });
            }
            thread::sleep(APART);
        }
        Err(CannotStart { what: "moto_server".to_owned(), why: "does not answer".to_owned() })
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// The server's program, installed once for all tests; a lock keeps two test processes from installing at once.
fn installed(folder: &Path) -> Result<PathBuf, CannotStart> {
    let place = folder.join("emulator");
    fs::create_dir_all(&place).map_err(|error| cannot("make a folder", &error))?;
    let lock = File::create(place.join("lock")).map_err(|error| cannot("make a lock", &error))?;
    lock.lock().map_err(|error| cannot("take the lock", &error))?;
    let done = place.join("installed");
    let venv = place.join("venv");
    if fs::read_to_string(&done).is_ok_and(|text| text == MOTO) {
        return Ok(venv.join("bin/moto_server"));
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    run(Command::new(venv.join("bin/pip")).args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        MOTO,
    ]))?;
    fs::write(done, MOTO).map_err(|error| cannot("note what is installed", &error))?;
    Ok(venv.join("bin/moto_server"))
}

fn run(command: &mut Command) -> Result<(), CannotStart> {
    let output = command.output().map_err(|error| cannot("run python3", &error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(CannotStart { what: format!("{command:?} failed"), why: said })
}

fn cannot(what: &str, error: &io::Error) -> CannotStart {
    CannotStart { what: format!("cannot {what}"), why: error.to_string() }
}
