//! The folder of the report. One run uses it at a time. Files are written atomically.

use crate::completion::UsageError;
use anyhow::{Context as _, Result, bail};
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// The file that a run locks.
const LOCK: &str = ".org-metadata.lock";

/// The prefix and suffix of the name of a file while it is written.
const PARTIAL: (&str, &str) = (".aws-", ".part");

/// The locked folder.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Unlocked when it is dropped, or when the process ends.
    _lock: File,
}

impl Folder {
    /// Creates the folder if it does not exist, locks it, and removes the partial files of a killed run.
    pub(crate) fn lock(path: &Path) -> Result<Self> {
        let cannot = || format!("cannot use the folder {}", path.display());
        fs::create_dir_all(path).map_err(|error| UsageError(format!("{}: {error}", cannot())))?;
        let lock = File::create(path.join(LOCK)).with_context(cannot)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "another run uses {}: wait until it ends, or choose another folder with --out",
                    path.display()
                )
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
        }
        for entry in fs::read_dir(path).with_context(cannot)? {
            let entry = entry.with_context(cannot)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(PARTIAL.0) && name.ends_with(PARTIAL.1) {
                fs::remove_file(entry.path()).with_context(cannot)?;
            }
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Removes a file, if it exists.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Writes a file under a temporary name, and renames it once its content is on the disk.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<String> {
        let partial = self.path.join(format!(".{name}{}", PARTIAL.1));
        let path = self.path.join(name);
        let write = || {
            let mut file = File::create(&partial)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&partial, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path.display().to_string())
    }
}
