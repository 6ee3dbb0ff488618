//! Changes of identity tags by week.

use autotag_page::PageError;
use autotag_page::chart::{Bar, Chart, Part};
use autotag_page::facet::CellKind;
use autotag_page::text::share;
use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// The most weeks that are shown, and kept: the last ones.
const WEEKS: usize = 14;

/// Reactions to changes of identity tags, by the Monday of their week.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TamperWeeks(BTreeMap<Date, [usize; 3]>);

const PARTS: [Part; 3] = [
    Part { label: "Reported", color: (0x96, 0x1f, 0x58) },
    Part { label: "Written again", color: (0x3a, 0x8f, 0x57) },
    Part { label: "Truce", color: (0xd9, 0x7c, 0x06) },
];

impl TamperWeeks {
    /// Counts a change as the part of this number: reported, written again, truce.
    #[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "only a ledger has changes"))]
    pub(crate) fn count(&mut self, time: Timestamp, part: usize) {
        let date = time.to_zoned(TimeZone::UTC).date();
        if let Some(count) = self.0.entry(monday(date)).or_default().get_mut(part) {
            *count += 1;
        }
        if self.0.len() > WEEKS {
            self.0.pop_first();
        }
    }

    /// # Errors
    /// It cannot be drawn.
    pub(super) fn chart(&self) -> Result<Chart, PageError> {
        let all = self.0.values().flatten().sum();
        let bars = self.0.iter().map(|(monday, counts)| {
            let count = counts.iter().sum();
            let label = monday.to_string();
            (
                Bar { label, count, share: share(count, all), kind: CellKind::Known, filter: None },
                counts.to_vec(),
            )
        });
        Chart::stacked("Changes of identity tags a week, by its Monday", &PARTS, bars.collect())
    }
}

/// The Monday of a week.
pub(super) fn monday(date: Date) -> Date {
    date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days())
}
