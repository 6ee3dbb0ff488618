//! The options that hold for the whole program: `--quiet` and `--output`.

use crate::completion::Completion;
use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::NamedTempFile;

static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on, [`notes`] shows nothing.
pub(crate) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// True if only data and errors are to be shown.
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// The stream for summaries, progress and hints: stderr, or nothing with `--quiet`. Errors and questions go to stderr itself.
pub(crate) fn notes() -> Box<dyn Write> {
    // Whole lines, so that nothing that goes to the standard output comes between their parts.
    if is_quiet() { Box::new(io::sink()) } else { Box::new(io::LineWriter::new(anstream::stderr().lock())) }
}

/// The file of `--output`.
#[derive(Debug)]
pub(crate) enum OutputFile {
    /// The output goes to a temporary file, which gets its name at the end.
    Temporary(NamedTempFile, PathBuf),
    /// The name is that of a pipe or a device, which takes the output as it comes.
    Direct,
}

impl OutputFile {
    /// Redirects the standard output to a file that is to become `path`.
    ///
    /// # Errors
    /// A [`UsageError`](crate::setup::UsageError) if no file can be written there.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let wrong = |why: &str| usage_error(format!("--output: cannot write `{}`: {why}", path.display()));
        let error = |error: io::Error| wrong(&error.to_string());
        let found = path.metadata().ok();
        match &found {
            Some(found) if found.is_dir() => return Err(wrong("it is a folder")),
            Some(found) if !found.is_file() => {
                redirect(&OpenOptions::new().write(true).open(path).map_err(error)?)?;
                return Ok(Self::Direct);
            }
            _ => {}
        }
        // A link stays a link; the file that it points to is replaced, or made.
        let target = || path.read_link().map(|target| path.with_file_name(target));
        let path = path.canonicalize().or_else(|_| target()).unwrap_or_else(|_| path.to_owned());
        if let Some(folder) = missing_folder(&path) {
            return Err(wrong(&format!("the folder `{}` does not exist", folder.display())));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = temporary_file(folder.unwrap_or(Path::new(".")), found.as_ref()).map_err(error)?;
        redirect(file.as_file())?;
        Ok(Self::Temporary(file, path))
    }

    /// Gives the file its name, unless an error ended the command. Then the file that had the name stays.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn finish(self, ended: &Result<Completion>) -> Result<()> {
        io::stdout().flush().context("--output: cannot write the file")?;
        let Self::Temporary(file, path) = self else { return Ok(()) };
        if ended.is_err() {
            return Ok(());
        }
        let cannot_write = || format!("--output: cannot write `{}`", path.display());
        file.as_file().sync_all().with_context(cannot_write)?;
        file.persist(&path).with_context(cannot_write)?;
        Ok(())
    }
}

/// The folder of a file that is to be written, if it does not exist.
pub(crate) fn missing_folder(path: &Path) -> Option<&Path> {
    path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
}

/// A temporary file with the permissions of the file that it replaces, otherwise with those that the user's files have.
fn temporary_file(folder: &Path, replaced: Option<&Metadata>) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".autotag-output");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Until it has those of the replaced file, only its owner may open it.
        let mode = if replaced.is_some() { 0o600 } else { 0o666 };
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    let file = builder.tempfile_in(folder)?;
    if let Some(replaced) = replaced {
        file.as_file().set_permissions(replaced.permissions())?;
    }
    Ok(file)
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
