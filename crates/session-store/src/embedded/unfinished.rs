//! Handles database files whose creation was interrupted by a kill.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::ops::RangeInclusive;
use std::path::Path;

/// How redb begins each of its files. It writes this last when it creates one.
const MAGIC_LENGTH: usize = 9;

/// The length of redb's header. Behind it a file that is being created has zeros.
const HEADER_LENGTH: u64 = 320;

/// The lengths of files that are taken for unfinished ones, in bytes. redb gives a new file a little more than a mebibyte.
const LENGTHS: RangeInclusive<u64> = 1 << 20..=64 << 20;

/// Empties a redb file whose creation was killed, so that it can be created again. Every other file stays as it is: one that is
/// in use, one that has a beginning, and one that has anything behind the place of a header.
///
/// redb itself refuses such a file as one of another program.
///
/// # Errors
/// Errors of reading and writing. A missing file at `path` is not an error.
pub fn empty_if_unfinished(path: impl AsRef<Path>) -> io::Result<()> {
    let file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    // A process that creates or uses the file has locked it.
    if LENGTHS.contains(&length) && file.try_lock().is_ok() && is_unfinished(&file)? {
        file.set_len(0)?;
    }
    Ok(())
}

fn is_unfinished(mut file: &File) -> io::Result<bool> {
    let mut begin = Vec::new();
    file.take(MAGIC_LENGTH as u64).read_to_end(&mut begin)?;
    if begin.iter().any(|byte| *byte != 0) {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(HEADER_LENGTH))?;
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(true);
        }
        if chunk.iter().take(read).any(|byte| *byte != 0) {
            return Ok(false);
        }
    }
}
