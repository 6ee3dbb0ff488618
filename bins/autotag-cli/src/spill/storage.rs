//! Where temporary files are, and how much stays in memory.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// How much a run keeps in memory, in bytes, unless a test says otherwise.
const MEMORY: usize = 8 << 20;

/// Where temporary files go, and how much is kept in memory.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    folder: PathBuf,
    memory: usize,
}

impl Storage {
    /// Beside the state file, otherwise in the system's folder for temporary files.
    pub(crate) fn new(state: Option<&Path>, memory: Option<usize>) -> Self {
        let beside = state.map(|state| match state.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        });
        Self { folder: beside.unwrap_or_else(std::env::temp_dir), memory: memory.unwrap_or(MEMORY) }
    }

    /// The memory for one of several jobs and kinds of values.
    pub(crate) fn share(&self, of: usize) -> usize {
        self.memory / of.max(1)
    }

    /// A new file that no other process can open, and that is gone when it is closed.
    pub(crate) fn file(&self) -> io::Result<File> {
        let explained = |error: io::Error| {
            let folder = self.folder.display();
            io::Error::new(error.kind(), format!("cannot make a temporary file in `{folder}`: {error}"))
        };
        tempfile::tempfile_in(&self.folder).map_err(explained)
    }
}
