//! The options that hold for the whole program: `--quiet` and `--output`.

use crate::completion::Completion;
use crate::new_file::{NewFile, check_file};
use crate::output::Screen;
use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

static QUIET: AtomicBool = AtomicBool::new(false);

/// How many parts of the input could not be read, as far as commands have noted it.
static UNREAD: AtomicU64 = AtomicU64::new(0);

/// From now on, [`notes`] shows nothing.
pub(crate) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// True if only data and errors are to be shown.
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Notes parts of the input that could not be read. With `--quiet` the program ends with their number, for [`notes`] does not show
/// which they are.
pub(crate) fn note_unread(parts: u64) {
    UNREAD.fetch_add(parts, Ordering::Relaxed);
}

/// How many parts of the input could not be read.
pub(crate) fn unread() -> u64 {
    UNREAD.load(Ordering::Relaxed)
}

/// The stream for summaries, progress and hints: stderr, or nothing with `--quiet`. Errors and questions go to stderr itself.
pub(crate) fn notes() -> Screen<Box<dyn Write>> {
    // Whole lines, so that nothing that goes to the standard output comes between their parts.
    let whole = || Box::new(io::LineWriter::new(anstream::stderr().lock()));
    Screen::stderr(if is_quiet() { Box::new(io::sink()) } else { whole() })
}

/// The file of `--output`.
#[derive(Debug)]
pub(crate) struct OutputFile {
    file: NewFile,
    path: PathBuf,
}

impl OutputFile {
    /// Redirects the standard output to a file that is to become `path`.
    ///
    /// # Errors
    /// A [`UsageError`](crate::setup::UsageError) if no file can be written there.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let error =
            |error: io::Error| usage_error(format!("--output: cannot write `{}`: {error}", path.display()));
        check_file("--output", path)?;
        let file = NewFile::create(path).map_err(error)?;
        redirect(file.file())?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Gives the file its name. If an error ended the command, the file that had the name stays, unless the command `writes` to
    /// AWS and has shown rows: they say what was written.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn finish(self, ended: &Result<Completion>, writes: bool) -> Result<()> {
        io::stdout().flush().context("--output: cannot write the file")?;
        let has_rows = || self.file.file().metadata().is_ok_and(|metadata| metadata.len() > 0);
        if ended.is_err() && !(writes && has_rows()) {
            return Ok(());
        }
        self.file.finish().with_context(|| format!("--output: cannot write `{}`", self.path.display()))
    }
}

/// Makes a file the standard output of this program.
#[cfg(unix)]
fn redirect(file: &File) -> Result<()> {
    Ok(rustix::stdio::dup2_stdout(file)?)
}

/// Makes a file the standard output of this program.
#[cfg(not(unix))]
fn redirect(_: &File) -> Result<()> {
    Err(usage_error(
        "--output is not available on this system; redirect the output instead: autotag ... > FILE",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;
    use std::fs;

    /// The file after a command that has written `rows` of the output.
    fn after(rows: &str, ended: &Result<Completion>, writes: bool) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        fs::write(&path, "old").unwrap();
        let mut file = NewFile::create(&path).unwrap();
        file.write_all(rows.as_bytes()).unwrap();
        OutputFile { file, path: path.clone() }.finish(ended, writes).unwrap();
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "no temporary file is left");
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn an_error_keeps_the_old_file_or_the_rows_that_say_what_was_written() {
        let failed = || Err(anyhow!("the network is down"));
        assert_eq!(after("rows", &Ok(Completion::Partial), false), "rows");
        assert_eq!(after("rows", &failed(), false), "old");
        assert_eq!(after("rows", &failed(), true), "rows");
        assert_eq!(after("", &failed(), true), "old");
    }
}
