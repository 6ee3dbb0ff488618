//! The inputs that the paths on the command line name: files, folders in a trail's layout, objects in S3, standard input.

mod s3;

use crate::setup::UsageError;
use anyhow::Result;
use autotag_handlers::classify::Hints;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// One input.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    File {
        path: PathBuf,
        /// Size in bytes, for the progress display.
        size: u64,
    },
    S3(s3::Object),
    Stdin,
}

impl Input {
    /// How messages name it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::S3(object) => object.name(),
            Self::Stdin => "(standard input)".to_owned(),
        }
    }

    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::File { size, .. } => *size,
            Self::S3(object) => object.size(),
            Self::Stdin => 0,
        }
    }

    pub(crate) fn hints(&self) -> Hints {
        match self {
            Self::File { path, .. } => Hints::of_path(&path.to_string_lossy()),
            Self::S3(object) => Hints::of_path(object.key()),
            Self::Stdin => Hints::default(),
        }
    }

    pub(crate) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::File { path, .. } => Box::new(File::open(path)?),
            Self::S3(object) => Box::new(object.open()?),
            Self::Stdin => Box::new(io::stdin()),
        })
    }
}

/// Something that could not be read; the text says what and why.
pub(crate) type Unreadable = String;

/// The inputs that `paths` name, each once and in a fixed order, and what could not even be listed.
///
/// `days` leaves out files of a trail's layout whose day lies outside.
pub(crate) fn find(paths: &[String], days: &Days) -> Result<(Vec<Input>, Vec<Unreadable>)> {
    let (mut inputs, mut unreadable) = (Vec::new(), Vec::new());
    for path in paths {
        if path == "-" {
            inputs.push(Input::Stdin);
        } else if path.starts_with("s3://") {
            match s3::list(path, days) {
                Ok(objects) => inputs.extend(objects),
                Err(error) if error.is::<UsageError>() => return Err(error),
                Err(error) => unreadable.push(format!("{path}: {error:#}")),
            }
        } else {
            walk(Path::new(path), days, &mut inputs, &mut unreadable);
        }
    }
    let mut seen = std::collections::HashSet::new();
    inputs.retain(|input| seen.insert(input.name()));
    if inputs.is_empty() && unreadable.is_empty() {
        unreadable.push(format!("no file to read in {}", paths.join(", ")));
    }
    Ok((inputs, unreadable))
}

fn walk(path: &Path, days: &Days, inputs: &mut Vec<Input>, unreadable: &mut Vec<Unreadable>) {
    let entries = WalkDir::new(path).follow_links(true).sort_by_file_name();
    for entry in entries.into_iter().filter_entry(|entry| !is_digest(entry)) {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            // What is named on the command line is read whatever its name; a folder may hold other files too.
            Ok(entry)
                if entry.depth() > 0 && !(is_trail_file(entry.path()) && days.contain(entry.path())) => {}
            Ok(entry) => {
                let size = entry.metadata().map_or(0, |metadata| metadata.len());
                inputs.push(Input::File { path: entry.into_path(), size });
            }
            Err(error) => {
                let at = error.path().unwrap_or(path).display().to_string();
                let why = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                unreadable.push(format!("{at}: {why}"));
            }
        }
    }
}

/// Digests are signatures over log files; they hold no records.
fn is_digest(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_type().is_dir() && entry.file_name() == "CloudTrail-Digest"
}

fn is_trail_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    !name.starts_with('.') && [".json", ".jsonl", ".ndjson"].iter().any(|ending| plain.ends_with(ending))
}

/// The days of log files worth reading.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Days {
    first: Option<Date>,
    last: Option<Date>,
}

impl Days {
    /// For events from `since` until `until`. Sessions live up to 36 hours, so two days before count too; CloudTrail may
    /// deliver late, so does one day after.
    pub(crate) fn of(since: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        let day = |time: Timestamp, hours: i64| {
            let moved = time.checked_add(SignedDuration::from_hours(hours)).ok()?;
            Some(jiff::tz::TimeZone::UTC.to_datetime(moved).date())
        };
        Self { first: since.and_then(|time| day(time, -48)), last: until.and_then(|time| day(time, 24)) }
    }

    fn contain(&self, path: &Path) -> bool {
        let Some(day) = day_of(path) else { return true };
        self.first.is_none_or(|first| day >= first) && self.last.is_none_or(|last| day <= last)
    }
}

/// The day of `.../CloudTrail/<region>/yyyy/mm/dd/<file>`.
fn day_of(path: &Path) -> Option<Date> {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let at = parts.iter().rposition(|part| *part == "CloudTrail")?;
    let [year, month, day] = parts.get(at + 2..at + 5)? else { return None };
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_a_log_file() {
        let path = Path::new("x/AWSLogs/o-1/111122223333/CloudTrail/eu-west-1/2026/03/02/a.json.gz");
        assert_eq!(day_of(path), Some(Date::constant(2026, 3, 2)));
        assert_eq!(day_of(Path::new("x/y/z.json")), None);
        let since: Timestamp = "2026-03-04T12:00:00Z".parse().unwrap();
        assert!(Days::of(Some(since), None).contain(path));
        let since: Timestamp = "2026-03-05T12:00:00Z".parse().unwrap();
        assert!(!Days::of(Some(since), None).contain(path));
        assert!(Days::default().contain(path));
    }

    #[test]
    fn files_of_a_trail_by_name() {
        for name in ["a.json", "a.json.gz", "b.jsonl", "b.ndjson.gz", "C.JSON"] {
            assert!(is_trail_file(Path::new(name)), "{name}");
        }
        for name in ["a.txt", ".hidden.json", "README.md", "json"] {
            assert!(!is_trail_file(Path::new(name)), "{name}");
        }
    }
}
