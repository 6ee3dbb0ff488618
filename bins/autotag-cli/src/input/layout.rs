//! Recognizes paths in the layout of a trail: its log files, their days, and its digests.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use std::path::Path;
use walkdir::DirEntry;

/// The folder of digests, which are signatures over log files.
pub(super) const DIGESTS: &str = "CloudTrail-Digest";

/// Digests hold no records.
pub(super) fn is_digest(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_type().is_dir() && entry.file_name() == DIGESTS
}

/// True if a file of a folder is read, by its name: JSON, and what is gzipped without saying what it is. Athena names its results
/// so.
pub(super) fn is_trail_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain = name.strip_suffix(".gz");
    let is_json = |plain: &str| [".json", ".jsonl", ".ndjson"].iter().any(|ending| plain.ends_with(ending));
    !name.starts_with('.')
        && (is_json(plain.unwrap_or(&name)) || plain.is_some_and(|plain| !plain.contains('.')))
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
        day_of(path).is_none_or(|day| self.meet(day, day))
    }

    /// True if one of the days from `first` to `last` is among these.
    fn meet(&self, first: Date, last: Date) -> bool {
        self.first.is_none_or(|ours| last >= ours) && self.last.is_none_or(|ours| first <= ours)
    }

    /// True if all of the days from `first` to `last` are among these.
    #[cfg(feature = "aws")]
    fn cover(&self, first: Date, last: Date) -> bool {
        self.first.is_none_or(|ours| first >= ours) && self.last.is_none_or(|ours| last <= ours)
    }
}

/// A folder by its place in the layout of a trail: `.../AWSLogs/[o-id/]account/CloudTrail/region/yyyy/mm/dd/`.
#[cfg(feature = "aws")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folder {
    /// It has no place there, but may lie above `AWSLogs`.
    Elsewhere,
    /// `AWSLogs`, an organization, an account, `CloudTrail`, or a region.
    Above,
    /// A year, a month or a day, with its first and its last day.
    Days(Span, Date, Date),
    /// Below `AWSLogs`, but of another service or another layout.
    Other,
    /// It holds digests.
    Digests,
}

#[cfg(feature = "aws")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    Year,
    Month,
    Day,
}

#[cfg(feature = "aws")]
impl Folder {
    /// The folder of the keys with this prefix: the part after the last `/` is the beginning of a name.
    pub(super) fn of(prefix: &str) -> Self {
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        let below = |name: &str| {
            let at = parts.iter().rposition(|part| *part == name)?;
            parts.get(at + 1..)
        };
        if parts.contains(&DIGESTS) {
            return Self::Digests;
        }
        match (below("CloudTrail"), below("AWSLogs")) {
            (Some([] | [_]), _) => Self::Above,
            (Some([_, rest @ ..]), _) => days_of_folder(rest).unwrap_or(Self::Other),
            (None, Some(rest)) => match rest {
                [] => Self::Above,
                [one] if is_organization(one) || is_account(one) => Self::Above,
                [organization, account] if is_organization(organization) && is_account(account) => {
                    Self::Above
                }
                _ => Self::Other,
            },
            (None, None) => Self::Elsewhere,
        }
    }

    /// True if a key in it may be of these days.
    pub(super) fn may_hold(self, days: &Days) -> bool {
        match self {
            Self::Days(_, first, last) => days.meet(first, last),
            Self::Digests => false,
            Self::Elsewhere | Self::Above | Self::Other => true,
        }
    }

    /// True if all keys below it are listed by one row of calls. Otherwise its folders are listed, each by itself.
    pub(super) fn is_listed_flat(self, days: &Days) -> bool {
        match self {
            Self::Other | Self::Digests | Self::Days(Span::Day, ..) => true,
            Self::Days(Span::Month, first, last) => days.cover(first, last),
            Self::Days(Span::Year, ..) | Self::Elsewhere | Self::Above => false,
        }
    }
}

#[cfg(feature = "aws")]
fn is_organization(name: &str) -> bool {
    name.starts_with("o-")
}

#[cfg(feature = "aws")]
fn is_account(name: &str) -> bool {
    autotag_model::arn::AccountId::new(name).is_some()
}

/// The days of `yyyy`, `yyyy/mm` or `yyyy/mm/dd`, also of a folder in the last one.
#[cfg(feature = "aws")]
fn days_of_folder(parts: &[&str]) -> Option<Folder> {
    let number = |at: usize| parts.get(at).map(|part| part.parse::<i8>());
    let year = parts.first()?.parse().ok()?;
    let (month, day) = (number(1).transpose().ok()?, number(2).transpose().ok()?);
    let first = Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok()?;
    Some(match (month, day) {
        (None, _) => Folder::Days(Span::Year, first, first.last_of_year()),
        (Some(_), None) => Folder::Days(Span::Month, first, first.last_of_month()),
        (Some(_), Some(_)) => Folder::Days(Span::Day, first, first),
    })
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

    #[cfg(feature = "aws")]
    #[test]
    fn folders_by_their_place_in_the_layout() {
        for above in [
            "AWSLogs/",
            "logs/AWSLogs/o-1/",
            "o-1/AWSLogs/o-1/111122223333/",
            "AWSLogs/111122223333/CloudTrail/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/",
            // The beginning of a name says nothing.
            "AWSLogs/111122223333/CloudTrail/eu-west-1/20",
        ] {
            assert_eq!(Folder::of(above), Folder::Above, "{above}");
        }
        for other in [
            "AWSLogs/111122223333/Config/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/archive/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/13/",
        ] {
            assert_eq!(Folder::of(other), Folder::Other, "{other}");
        }
        assert_eq!(Folder::of(""), Folder::Elsewhere);
        assert_eq!(Folder::of("AWSLogs"), Folder::Elsewhere);
        assert_eq!(Folder::of("AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/"), Folder::Digests);
    }

    #[cfg(feature = "aws")]
    #[test]
    fn only_the_folders_of_the_days_are_listed_and_whole_months_at_once() {
        let time = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        // 2026-02-28 to 2026-04-02
        let days = Days::of(time("2026-03-02T00:00:00Z"), time("2026-04-01T00:00:00Z"));
        let folder = |name: &str| Folder::of(&format!("AWSLogs/111122223333/CloudTrail/eu-west-1/{name}/"));
        for (name, holds, flat) in [
            ("2025", false, false),
            ("2026", true, false),
            ("2026/01", false, false),
            ("2026/02", true, false),
            ("2026/02/27", false, true),
            ("2026/02/28", true, true),
            ("2026/03", true, true),
            ("2026/04", true, false),
            ("2026/04/02", true, true),
            ("2026/04/03", false, true),
            ("2026/05", false, false),
        ] {
            assert_eq!(folder(name).may_hold(&days), holds, "{name}");
            assert_eq!(folder(name).is_listed_flat(&days), flat, "{name}");
        }
        assert!(folder("2026/05").may_hold(&Days::default()));
    }

    #[test]
    fn files_of_a_trail_by_name() {
        for name in ["a.json", "a.json.gz", "b.jsonl", "b.ndjson.gz", "C.JSON", "20260302_00007_ab1c2_0f.gz"]
        {
            assert!(is_trail_file(Path::new(name)), "{name}");
        }
        for name in ["a.txt", ".hidden.json", "README.md", "json", "a.log.gz", ".gz", "a.tar.gz"] {
            assert!(!is_trail_file(Path::new(name)), "{name}");
        }
    }
}
