//! Paths in the layout of a trail: its log files, their days, and its digests.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use std::path::Path;
use walkdir::DirEntry;

/// Digests are signatures over log files; they hold no records.
pub(super) fn is_digest(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_type().is_dir() && entry.file_name() == "CloudTrail-Digest"
}

pub(super) fn is_trail_file(path: &Path) -> bool {
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

    pub(super) fn contain(&self, path: &Path) -> bool {
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
