//! The files that options name for output. A file appears when it is complete. Links, pipes and devices stay.

use crate::setup::usage_error;
use anyhow::Result;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::NamedTempFile;

/// A file that an option names for output.
#[derive(Debug)]
pub(crate) enum NewFile {
    /// The output goes to a temporary file, which gets its name at the end.
    Temporary(NamedTempFile, PathBuf),
    /// The name is that of a pipe or a device, which takes the output as it comes.
    Direct(File),
}

impl NewFile {
    /// Begins the output that is to become `path`. It has the permissions of the file that it replaces, otherwise those that the
    /// user's files have. If `path` is a link, the output replaces the file that the link leads to.
    ///
    /// # Errors
    /// If no file can be written there.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let path = target_of(path);
        let found = path.metadata().ok();
        if found.as_ref().is_some_and(|found| !found.is_file()) {
            return Ok(Self::Direct(OpenOptions::new().write(true).open(&path)?));
        }
        Ok(Self::Temporary(temporary_file(&path, found.as_ref())?, path))
    }

    /// The file, pipe or device that takes the output.
    pub(crate) fn file(&self) -> &File {
        match self {
            Self::Temporary(file, _) => file.as_file(),
            Self::Direct(file) => file,
        }
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn finish(self) -> io::Result<()> {
        if let Self::Temporary(file, path) = self {
            file.as_file().sync_all()?;
            file.persist(path)?;
        }
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().flush()
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
pub(crate) fn target_of(path: &Path) -> PathBuf {
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        // The link to an unnamed pipe, such as `/dev/fd/63`, leads to no path.
        return path.to_owned();
    }
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
fn temporary_file(path: &Path, replaced: Option<&Metadata>) -> io::Result<NamedTempFile> {
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
