//! The folder of the report. One run works in it at a time; a file is there whole or not at all.

use anyhow::{Context as _, Result, bail};
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Held while a run works here.
const LOCK: &str = ".org-metadata.lock";

/// What begins and ends the name of a file that is being written.
const BEING_WRITTEN: (&str, &str) = (".aws-", ".part");

/// The folder, held.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Freed when it is dropped, or the process ends.
    _lock: File,
}

impl Folder {
    /// Makes the folder if need be, and holds it. What a killed run was just writing goes.
    pub(crate) fn hold(path: &Path) -> Result<Self> {
        let cannot = || format!("cannot use the folder {}", path.display());
        fs::create_dir_all(path).with_context(cannot)?;
        let lock = File::create(path.join(LOCK)).with_context(cannot)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another run works in {}: wait for its end, or name another folder", path.display())
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
        }
        for entry in fs::read_dir(path).with_context(cannot)? {
            let entry = entry.with_context(cannot)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(BEING_WRITTEN.0) && name.ends_with(BEING_WRITTEN.1) {
                fs::remove_file(entry.path()).with_context(cannot)?;
            }
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Writes a file under a name of its own, and gives it its name when it is safely on the disk.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<String> {
        let unnamed = self.path.join(format!(".{name}{}", BEING_WRITTEN.1));
        let path = self.path.join(name);
        let write = || {
            let mut file = File::create(&unnamed)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&unnamed, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path.display().to_string())
    }
}
