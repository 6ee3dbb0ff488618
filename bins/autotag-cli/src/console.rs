//! The options that hold for the whole program: `--quiet` and `--output`.

use crate::completion::Completion;
use crate::output::Screen;
use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tempfile::NamedTempFile;

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
        let error =
            |error: io::Error| usage_error(format!("--output: cannot write `{}`: {error}", path.display()));
        check_file("--output", path)?;
        let path = target_of(path);
        let found = path.metadata().ok();
        if found.as_ref().is_some_and(|found| !found.is_file()) {
            redirect(&OpenOptions::new().write(true).open(&path).map_err(error)?)?;
            return Ok(Self::Direct);
        }
        let file = temporary_file(&path, found.as_ref()).map_err(error)?;
        redirect(file.as_file())?;
        Ok(Self::Temporary(file, path))
    }

    /// Gives the file its name. If an error ended the command, the file that had the name stays, unless the command `writes` to
    /// AWS and has shown rows: they say what was written.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn finish(self, ended: &Result<Completion>, writes: bool) -> Result<()> {
        io::stdout().flush().context("--output: cannot write the file")?;
        let Self::Temporary(file, path) = self else { return Ok(()) };
        let has_rows = || file.as_file().metadata().is_ok_and(|metadata| metadata.len() > 0);
        if ended.is_err() && !(writes && has_rows()) {
            return Ok(());
        }
        let cannot_write = || format!("--output: cannot write `{}`", path.display());
        file.as_file().sync_all().with_context(cannot_write)?;
        file.persist(&path).with_context(cannot_write)?;
        Ok(())
    }
}

/// Refuses a file that could not be written at the end. `option` names it.
///
/// # Errors
/// A [`UsageError`](crate::setup::UsageError) if the folder does not exist, or if the file is a folder or read-only.
pub(crate) fn check_file(option: &str, path: &Path) -> Result<()> {
    let found = path.metadata().ok();
    let target = target_of(path);
    let folder = folder_of(&target);
    let why = if !folder.exists() {
        format!("the folder `{}` does not exist", folder.display())
    } else if found.as_ref().is_some_and(Metadata::is_dir) {
        "it is a folder".to_owned()
    } else if found.is_some_and(|found| found.is_file() && found.permissions().readonly()) {
        "it is read-only; name another file".to_owned()
    } else {
        return Ok(());
    };
    Err(usage_error(format!("{option}: cannot write `{}`: {why}", path.display())))
}

/// The file that is replaced, or made: a link stays a link.
fn target_of(path: &Path) -> PathBuf {
    let target = || path.read_link().map(|target| path.with_file_name(target));
    path.canonicalize().or_else(|_| target()).unwrap_or_else(|_| path.to_owned())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// How temporary files of outputs begin.
const PREFIX: &str = ".autotag-output";

/// A temporary file for `path`, in its folder. It has the permissions of the file that it replaces, otherwise those that the user's
/// files have.
///
/// # Errors
/// If no file can be made there.
pub(crate) fn temporary_file(path: &Path, replaced: Option<&Metadata>) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    remove_left_over(folder);
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
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
    // A file system without locks has no runs to tell apart.
    let _ = file.as_file().lock();
    Ok(file)
}

/// The least age of a temporary file that is removed. A younger one may not be locked yet.
const LEFT_OVER: Duration = Duration::from_mins(1);

/// Removes temporary files of runs that a signal ended. Each run that still writes has a lock on its own.
fn remove_left_over(folder: &Path) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let is_temporary = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let modified = || entry.metadata().ok().filter(Metadata::is_file)?.modified().ok();
        let is_old = || modified().and_then(|time| time.elapsed().ok()).is_some_and(|age| age > LEFT_OVER);
        if is_temporary && is_old() && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            // A file that cannot be removed does no harm.
            let _ = fs::remove_file(entry.path());
        }
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

    /// The file after a command that has written `rows` of the output.
    fn after(rows: &str, ended: &Result<Completion>, writes: bool) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        fs::write(&path, "old").unwrap();
        let mut file = temporary_file(&path, None).unwrap();
        file.write_all(rows.as_bytes()).unwrap();
        OutputFile::Temporary(file, path.clone()).finish(ended, writes).unwrap();
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
