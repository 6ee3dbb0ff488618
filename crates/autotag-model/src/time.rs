//! Times as CloudTrail writes them.

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

/// Parses a time: ISO 8601, or as Java writes it in US English, `Jun 1, 2017 10:15:21 PM` and, since 2020, `Jul 10, 2023,
/// 12:09:47 PM`, in UTC and without a time zone.
pub(crate) fn written_time(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    // Newer Java runtimes write a narrow no-break space before AM and PM.
    let plain: String =
        text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| *c != ',').collect();
    let time = civil::DateTime::strptime("%b %d %Y %I:%M:%S %p", plain).ok()?;
    time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}
