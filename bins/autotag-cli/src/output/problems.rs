//! Parts that could not be read or done, grouped by reason.

use super::terminal::without_end;
use super::text::printable;
use crate::console;
use anstyle::Style;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;

/// How many problems are kept, to be grouped; the rest is counted.
const KEPT: usize = 1_000;

/// The most columns of a kept text. Reasons contain values of records, which are as long as an attacker likes.
const LONGEST: usize = 1_000;

/// How many places are shown for each reason.
const PLACES: usize = 3;

/// One problem.
#[derive(Debug, Clone)]
struct Problem {
    /// A file, or an event.
    place: String,
    /// Where in the file; empty if that is not known.
    position: String,
    reason: String,
}

impl Problem {
    fn text(&self) -> String {
        let Self { place, position, reason } = self;
        if position.is_empty() {
            format!("{place}: {reason}")
        } else {
            format!("{place}: {position}: {reason}")
        }
    }
}

/// Problems in an order: the first ones, and how many there are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problems {
    first: BTreeMap<(u64, u64), Problem>,
    count: u64,
    /// Parts of the input that share the problem of another part.
    further: u64,
}

/// The problems that have one reason.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct ProblemGroup {
    pub(super) reason: String,
    pub(super) count: u64,
    /// The first files or events.
    pub(super) places: Vec<String>,
    /// The first problems, each with its position.
    pub(super) positions: Vec<String>,
}

impl Problems {
    /// Adds a problem; those of the smallest `order` are kept.
    pub(crate) fn add(&mut self, order: (u64, u64), place: String, position: String, reason: String) {
        self.count += 1;
        let [place, position, reason] = [place, position, reason].map(|text| without_end(&text, LONGEST));
        self.first.insert(order, Problem { place, position, reason });
        if self.first.len() > KEPT {
            self.first.pop_last();
        }
    }

    /// Counts further parts of the input that the problem added last is about.
    pub(crate) fn add_further(&mut self, parts: u64) {
        self.further += parts;
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.count += other.count;
        self.further += other.further;
        self.first.extend(other.first);
        while self.first.len() > KEPT {
            self.first.pop_last();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// How many parts of the input the problems are about.
    pub(crate) fn parts(&self) -> u64 {
        self.count + self.further
    }

    /// The kept problems by reason, the most frequent reason first.
    pub(super) fn groups(&self) -> Vec<ProblemGroup> {
        let mut by_reason: BTreeMap<&str, ProblemGroup> = BTreeMap::new();
        for Problem { place, position, reason } in self.first.values() {
            let group = by_reason.entry(reason).or_insert_with(|| ProblemGroup {
                reason: reason.clone(),
                count: 0,
                places: Vec::new(),
                positions: Vec::new(),
            });
            group.count += 1;
            if group.places.len() < PLACES && !group.places.contains(place) {
                group.places.push(place.clone());
            }
            if group.positions.len() < PLACES {
                let colon = if position.is_empty() { "" } else { ": " };
                group.positions.push(format!("{place}{colon}{position}"));
            }
        }
        let mut groups: Vec<ProblemGroup> = by_reason.into_values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        groups
    }

    /// How many are not in a group.
    pub(super) fn ungrouped(&self) -> u64 {
        self.count - self.first.len() as u64
    }
}

/// How many unreadable parts are named beside an answer.
const NAMED: usize = 10;

/// Names what could not be listed and what could not be read while an answer was looked for: the first parts, and how many there
/// are. With `--quiet` it names none, and the program ends with their number.
///
/// # Errors
/// If the standard error cannot be written.
pub(crate) fn tell_unread(unlisted: &[String], unread: &Problems) -> io::Result<()> {
    let parts = unread.parts().saturating_add(unlisted.len() as u64);
    console::note_unread(parts);
    let mut out = console::notes();
    let named = unlisted.iter().cloned().chain(unread.first.values().map(Problem::text));
    let mut more = parts;
    for part in named.take(NAMED) {
        out.line("unreadable: ", Style::new(), &printable(&part))?;
        more = more.saturating_sub(1);
    }
    if more == 0 {
        return Ok(());
    }
    let part = if more == 1 { "part" } else { "parts" };
    let text = format!("{more} more {part}; `autotag plan -v` groups them by reason");
    out.line("unreadable: ", Style::new(), &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_reasons_are_one_group_with_the_first_places() {
        let mut problems = Problems::default();
        for number in (0..5).rev() {
            problems.add((number, 0), format!("file {number}"), "line 1".to_owned(), "not JSON".to_owned());
        }
        problems.add((9, 0), "file 9".to_owned(), String::new(), "no such file".to_owned());
        let groups = problems.groups();
        assert_eq!(groups.iter().map(|group| group.count).collect::<Vec<_>>(), [5, 1]);
        assert_eq!(groups[0].places, ["file 0", "file 1", "file 2"]);
        assert_eq!(groups[0].positions[0], "file 0: line 1");
        assert_eq!(groups[1].positions, ["file 9"]);
    }

    #[test]
    fn a_long_reason_is_cut() {
        let mut problems = Problems::default();
        problems.add((0, 0), "x".repeat(1 << 20), String::new(), "y".repeat(1 << 20));
        let group = problems.groups().remove(0);
        assert!(group.reason.chars().count() <= LONGEST && group.places[0].chars().count() <= LONGEST);
    }

    #[test]
    fn memory_is_bounded_and_nothing_goes_uncounted() {
        let mut problems = Problems::default();
        for number in 0..5_000 {
            problems.add((number, 0), format!("file {number}"), String::new(), format!("reason {number}"));
        }
        assert_eq!((problems.first.len(), problems.count(), problems.ungrouped()), (KEPT, 5_000, 4_000));
    }
}
