//! Python programs that tests run, each group in a virtual environment of its own that the tests make themselves.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packages that are installed together.
#[derive(Debug)]
pub(crate) struct Venv {
    /// Its folder, below the one that all tests share.
    pub(crate) name: &'static str,
    /// As pip takes them, with versions.
    pub(crate) packages: &'static [&'static str],
}

/// Why a program of Python's does not run.
#[derive(Debug, thiserror::Error)]
#[error(
    "{what}: {why}; the tests need python3 with venv and pip (on Debian: python3-venv), and PyPI for {packages}"
)]
pub struct CannotStart {
    what: String,
    why: String,
    packages: String,
}

impl Venv {
    /// The folder of the programs, installed once for all tests; a lock keeps two test processes from installing at once.
    pub(crate) fn installed(&self, folder: &Path) -> Result<PathBuf, CannotStart> {
        let place = folder.join(self.name);
        fs::create_dir_all(&place).map_err(|error| self.cannot("make a folder", &error))?;
        let lock = File::create(place.join("lock")).map_err(|error| self.cannot("make a lock", &error))?;
        lock.lock().map_err(|error| self.cannot("take the lock", &error))?;
        let done = place.join("installed");
        let venv = place.join("venv");
        let wanted = self.packages.join(" ");
        if fs::read_to_string(&done).is_ok_and(|text| text == wanted) {
            return Ok(venv.join("bin"));
        }
        self.run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        self.run(
            Command::new(venv.join("bin/pip"))
                .args(["install", "--quiet", "--disable-pip-version-check"])
                .args(self.packages),
        )?;
        fs::write(done, wanted).map_err(|error| self.cannot("note what is installed", &error))?;
        Ok(venv.join("bin"))
    }

    /// An error of the operating system.
    pub(crate) fn cannot(&self, what: &str, error: &io::Error) -> CannotStart {
        self.failed(format!("cannot {what}"), error.to_string())
    }

    /// Any other failure.
    pub(crate) fn failed(&self, what: String, why: String) -> CannotStart {
        CannotStart { what, why, packages: self.packages.join(" ") }
    }

    fn run(&self, command: &mut Command) -> Result<(), CannotStart> {
        let output = command.output().map_err(|error| self.cannot("run python3", &error))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(self.failed(format!("{command:?} failed"), said))
    }
}
