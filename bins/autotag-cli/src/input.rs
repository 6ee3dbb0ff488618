//! Opens the inputs that the command line names: files, folders in a trail's layout, objects in S3, standard input.

mod layout;
mod progress;
#[cfg(feature = "aws")]
mod s3;

pub(crate) use layout::Days;
pub(crate) use progress::Progress;

#[cfg(feature = "aws")]
use crate::setup::UsageError;
use crate::setup::usage_error;
use anyhow::Result;
use autotag_handlers::classify::account_of_path;
use autotag_model::arn::AccountId;
use layout::{DIGESTS, is_digest, is_trail_file};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use walkdir::WalkDir;

/// One input.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    File {
        path: PathBuf,
        /// Size in bytes, for the progress display.
        size: u64,
        /// When it was last written, as far as the system knows.
        #[cfg_attr(
            not(feature = "aws"),
            expect(dead_code, reason = "`apply` tells versions of a file apart")
        )]
        modified: Option<SystemTime>,
    },
    #[cfg(feature = "aws")]
    S3(s3::Object),
    Stdin,
}

impl Input {
    /// How messages name it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            #[cfg(feature = "aws")]
            Self::S3(object) => object.name(),
            Self::Stdin => "(standard input)".to_owned(),
        }
    }

    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::File { size, .. } => *size,
            #[cfg(feature = "aws")]
            Self::S3(object) => object.size(),
            Self::Stdin => 0,
        }
    }

    /// Tells this version of it from others.
    #[cfg(feature = "aws")]
    pub(crate) fn version(&self) -> Option<String> {
        match self {
            Self::File { size, modified, .. } => {
                let written = modified.as_ref()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
                Some(format!("{size} {}", written.as_nanos()))
            }
            Self::S3(object) => Some(format!("{} {}", object.size(), object.version()?)),
            Self::Stdin => None,
        }
    }

    /// The account in the path, if it has the layout of a trail.
    pub(crate) fn account(&self) -> Option<AccountId> {
        match self {
            Self::File { path, .. } => account_of_path(&path.to_string_lossy()),
            #[cfg(feature = "aws")]
            Self::S3(object) => account_of_path(object.key()),
            Self::Stdin => None,
        }
    }

    #[cfg(feature = "aws")]
    fn object(&mut self) -> Option<&mut s3::Object> {
        match self {
            Self::S3(object) => Some(object),
            Self::File { .. } | Self::Stdin => None,
        }
    }

    /// Inputs are opened in their order, each once: those in S3 are read ahead.
    pub(crate) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::File { path, .. } => Box::new(File::open(path)?),
            #[cfg(feature = "aws")]
            Self::S3(object) => object.open()?,
            Self::Stdin => Box::new(io::stdin()),
        })
    }
}

/// True if the log files of a folder have this file among them, by its name and its place.
pub(crate) fn is_log_file(folder: &Path, file: &Path) -> bool {
    file.strip_prefix(folder).is_ok_and(|below| !below.iter().any(|part| part == DIGESTS))
        && is_trail_file(file)
}

/// Something that could not be read; the text says what and why.
pub(crate) type Unreadable = String;

/// Something that could not be listed.
#[derive(Debug)]
pub(crate) struct Unlisted {
    pub(crate) place: String,
    pub(crate) why: String,
}

impl fmt::Display for Unlisted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

/// The files that paths name.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Each once and in a fixed order.
    pub(crate) inputs: Vec<Input>,
    /// Folders and files that could not even be listed.
    pub(crate) unlisted: Vec<Unlisted>,
    /// Files that are left out for their day. Those in S3 do not count, for they are not even listed.
    pub(crate) of_other_days: u64,
}

/// The inputs that `paths` name, and what could not be listed.
///
/// `days` leaves out files of a trail's layout whose day lies outside.
pub(crate) fn find(paths: &[String], days: &Days) -> Result<(Vec<Input>, Vec<Unreadable>)> {
    let Found { inputs, unlisted, .. } = find_of_days(paths, days)?;
    Ok((inputs, unlisted.iter().map(Unlisted::to_string).collect()))
}

/// The same, with the number of the files that are left out.
pub(crate) fn find_of_days(paths: &[String], days: &Days) -> Result<Found> {
    let mut found = Found::default();
    for path in paths {
        if path == "-" {
            found.inputs.push(Input::Stdin);
        } else if path.starts_with("s3://") {
            list_s3(path, days, &mut found.inputs, &mut found.unlisted)?;
        } else if Path::new(path)
            .symlink_metadata()
            .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        {
            return Err(usage_error(format!("`{path}`: no such file or folder")));
        } else {
            walk(Path::new(path), days, &mut found);
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.inputs.retain(|input| seen.insert(input.name()));
    read_ahead(&mut found.inputs);
    if found.inputs.is_empty() && found.unlisted.is_empty() && found.of_other_days == 0 {
        found.unlisted.push(Unlisted { place: paths.join(", "), why: "no file to read".to_owned() });
    }
    Ok(found)
}

/// Lets objects in S3 be read before they are opened, in the order of these inputs.
pub(crate) fn read_ahead(inputs: &mut [Input]) {
    #[cfg(feature = "aws")]
    s3::read_ahead(inputs.iter_mut().filter_map(Input::object));
    #[cfg(not(feature = "aws"))]
    let _ = inputs;
}

#[cfg(feature = "aws")]
fn list_s3(url: &str, days: &Days, inputs: &mut Vec<Input>, unlisted: &mut Vec<Unlisted>) -> Result<()> {
    match s3::list(url, days) {
        Ok(objects) => inputs.extend(objects.into_iter().map(Input::S3)),
        Err(error) if error.is::<UsageError>() => return Err(error),
        Err(error) => unlisted.push(Unlisted { place: url.to_owned(), why: format!("{error:#}") }),
    }
    Ok(())
}

#[cfg(not(feature = "aws"))]
fn list_s3(url: &str, _: &Days, _: &mut [Input], _: &mut [Unlisted]) -> Result<()> {
    Err(usage_error(format!(
        "`{url}`: this build reads no S3: build it with the feature `aws`, or download the files"
    )))
}

fn walk(path: &Path, days: &Days, found: &mut Found) {
    let entries = WalkDir::new(path).follow_links(true).sort_by_file_name();
    for entry in entries.into_iter().filter_entry(|entry| !is_digest(entry)) {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            // A file that the command line names is read whatever its name.
            Ok(entry) if entry.depth() > 0 && !is_trail_file(entry.path()) => {}
            // Reading a pipe or a device may never end. The command line may name one.
            Ok(entry) if entry.depth() > 0 && !entry.file_type().is_file() => {
                let place = entry.path().display().to_string();
                let why = "a pipe or a device, which is read only if it is named".to_owned();
                found.unlisted.push(Unlisted { place, why });
            }
            Ok(entry) if entry.depth() > 0 && !days.contain(entry.path()) => found.of_other_days += 1,
            Ok(entry) => {
                let metadata = entry.metadata().ok();
                let size = metadata.as_ref().map_or(0, std::fs::Metadata::len);
                let modified = metadata.and_then(|metadata| metadata.modified().ok());
                let mut path = entry.into_path();
                // Years of trails have many files.
                path.shrink_to_fit();
                found.inputs.push(Input::File { path, size, modified });
            }
            Err(error) => {
                let place = error.path().unwrap_or(path).display().to_string();
                let why = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                found.unlisted.push(Unlisted { place, why });
            }
        }
    }
}
