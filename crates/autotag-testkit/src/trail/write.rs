//! Writes a trail as files of a folder.

use super::log::Trail;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io, thread};

/// The written files and records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// How many files.
    pub files: u64,
    /// Their size, in bytes.
    pub bytes: u64,
    /// The size of their texts, in bytes.
    pub text: u64,
}

impl Trail {
    /// Writes all files below `folder` with some threads.
    ///
    /// # Errors
    /// A folder or a file cannot be written.
    pub fn write(&self, folder: &Path, threads: u64) -> io::Result<Written> {
        let next = AtomicU64::new(0);
        let work = || -> io::Result<Written> {
            let mut written = Written::default();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= self.files() {
                    return Ok(written);
                }
                let file = self.file(number);
                let path = folder.join(&file.path);
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent)?;
                }
                fs::write(path, &file.bytes)?;
                written.files += 1;
                written.bytes += file.bytes.len() as u64;
                written.text += file.text;
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
            let mut all = Written::default();
            for worker in workers {
                let written =
                    worker.join().map_err(|_| io::Error::other("a thread that writes files panicked"))??;
                all.files += written.files;
                all.bytes += written.bytes;
                all.text += written.text;
            }
            Ok(all)
        })
    }
}
