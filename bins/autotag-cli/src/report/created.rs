//! The creation times of an inventory.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The time at which an inventory says that a resource was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Created {
    /// The time, or the begin of the day.
    pub(crate) first: Timestamp,
    /// The same time, or the end of the day.
    pub(crate) last: Timestamp,
}

impl From<Timestamp> for Created {
    fn from(time: Timestamp) -> Self {
        Self { first: time, last: time }
    }
}

impl Created {
    /// Reads a time as exports, spreadsheets and databases write it: ISO 8601, also with a space in place of `T`; a date; seconds or
    /// milliseconds since 1970. UTC if no zone is given. `None` if it is none of these.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(time) = since_1970(text) {
            return Some(time.into());
        }
        let local =
            ["UTC", "GMT"].iter().find_map(|zone| text.strip_suffix(zone)).map_or(text, str::trim_end);
        if let Ok(time) = local.parse::<Timestamp>() {
            return Some(time.into());
        }
        // Parquet's timestamps are shown as `2026-03-20 12:00:00.000 +00:00`.
        if let Some((time, offset)) = local.rsplit_once(' ').filter(|(_, end)| end.starts_with(['+', '-'])) {
            return format!("{time}{offset}").parse::<Timestamp>().ok().map(Self::from);
        }
        if local.ends_with(']') {
            // The name of a zone, which the system may not know.
            return None;
        }
        let is_date = local.len() <= "2026-03-20".len();
        if is_date { day(local.parse().ok()?) } else { in_utc(local.parse().ok()?).map(Self::from) }
    }
}

fn in_utc(time: DateTime) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(time).ok()
}

/// From the begin of a day until its last nanosecond.
fn day(date: Date) -> Option<Created> {
    let first = in_utc(date.to_datetime(jiff::civil::Time::midnight()))?;
    let last = first.checked_add(SignedDuration::from_hours(24) - SignedDuration::from_nanos(1)).ok()?;
    Some(Created { first, last })
}

/// 10 digits are seconds, and 13 are milliseconds: from 2001 to 2286. A part of a second may follow.
fn since_1970(text: &str) -> Option<Timestamp> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(part) {
        return None;
    }
    let number = || whole.parse().ok();
    match whole.len() {
        10 => Timestamp::from_second(number()?).ok(),
        13 => Timestamp::from_millisecond(number()?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_exports_and_databases_write_them() {
        let noon: Timestamp = "2026-03-20T12:00:00Z".parse().unwrap();
        for text in [
            "2026-03-20T12:00:00Z",
            "2026-03-20T12:00:00.000+00:00",
            "2026-03-20T13:00:00+0100",
            "2026-03-20T12:00:00",
            "2026-03-20t12:00:00.000",
            "2026-03-20 12:00:00",
            " 2026-03-20 12:00 ",
            "2026-03-20 12:00:00 UTC",
            "2026-03-20 12:00:00.000 UTC",
            "2026-03-20 12:00:00.000 +00:00",
            "2026-03-20 07:00:00 -05:00",
            "2026-03-20T13:00:00+01:00[Europe/Berlin]",
            "1774008000",
            "1774008000.0",
            "1774008000000",
        ] {
            assert_eq!(Created::parse(text), Some(noon.into()), "{text}");
        }
    }

    #[test]
    fn a_date_is_the_whole_day() {
        let expected = Created {
            first: "2026-03-20T00:00:00Z".parse().unwrap(),
            last: "2026-03-20T23:59:59.999999999Z".parse().unwrap(),
        };
        for text in ["2026-03-20", "20260320"] {
            assert_eq!(Created::parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_time_that_can_be_understood_in_several_ways_is_not_read() {
        for text in [
            "",
            "-",
            "yesterday",
            "3/4/2026",
            "03.04.2026",
            "1.77401E+09",
            "2026",
            "46101",
            "46101.5",
            "2026-03-20 12:00:00 CET",
            "2026-02-30",
            "2026-03-20 25:00:00",
            "99999999999999999999",
            "2026-03",
            "2026-03-20T12:00:00[Europe/Berlin]",
            "²²²²²²²²²²",
            "9".repeat(5000).as_str(),
        ] {
            assert_eq!(Created::parse(text), None, "{text}");
        }
    }
}
