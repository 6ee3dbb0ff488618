//! Python virtual environments that the tests create, one for each group of programs.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A virtual environment.
#[derive(Debug)]
pub(crate) struct Venv {
    /// The name of its folder, below the folder that all tests share.
    pub(crate) name: &'static str,
    /// pip's arguments: the packages with their versions.
    pub(crate) packages: &'static [&'static str],
}

/// A program that cannot be installed or started.
#[derive(Debug, thiserror::Error)]
#[error(
    "{what}: {why}; the tests need python3 with venv and pip (Debian: python3-venv), and access to PyPI for {packages}"
)]
pub struct CannotStart {
    what: String,
    why: String,
    packages: String,
}

impl Venv {
    /// The folder of the installed programs. A file lock keeps two test processes from installing at the same time.
    pub(crate) fn installed(&self, folder: &Path) -> Result<PathBuf, CannotStart> {
        let base = folder.join(self.name);
        fs::create_dir_all(&base).map_err(|error| self.cannot("create a folder", &error))?;
        let lock =
            File::create(base.join("lock")).map_err(|error| self.cannot("create a lock file", &error))?;
        lock.lock().map_err(|error| self.cannot("lock the lock file", &error))?;
        let done = base.join("installed");
        let venv = base.join("venv");
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
        fs::write(done, wanted).map_err(|error| self.cannot("record the installed packages", &error))?;
        Ok(venv.join("bin"))
    }

    /// An error of the operating system.
    pub(crate) fn cannot(&self, what: &str, error: &io::Error) -> CannotStart {
        self.failed(format!("cannot {what}"), error.to_string())
    }

    /// A failure with a reason as text.
    pub(crate) fn failed(&self, what: String, why: String) -> CannotStart {
        CannotStart { what, why, packages: self.packages.join(" ") }
    }

    fn run(&self, command: &mut Command) -> Result<(), CannotStart> {
        let output = command.output().map_err(|error| self.cannot("run python3", &error))?;
        if output.status.success() {
            return Ok(());
        }
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(self.failed(format!("{command:?} failed"), stderr))
    }
}
