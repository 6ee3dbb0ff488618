//! The summary on stderr: what was read, what came of it, and what was not understood.

use super::table::{printable, styled};
use crate::completion::Completion;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::counts::Counts;
use autotag_handlers::outcome::{Outcome, SkipReason};
use autotag_handlers::row::{Row, Status};
use autotag_model::rule::Evidence;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// How much is printed of each list of problems; the rest is counted.
const SHOWN: usize = 50;

/// Texts in an order: the first ones, and how many there are.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    first: BTreeMap<(u64, u64), String>,
    count: u64,
}

impl Problems {
    /// Adds a text; those of the smallest `order` are shown.
    pub(crate) fn add(&mut self, order: (u64, u64), text: String) {
        self.count += 1;
        self.first.insert(order, text);
        if self.first.len() > SHOWN {
            self.first.pop_last();
        }
    }

    fn append(&mut self, other: Self) {
        self.count += other.count;
        self.first.extend(other.first);
        while self.first.len() > SHOWN {
            self.first.pop_last();
        }
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) files: usize,
    pub(crate) counts: Counts,
    pub(crate) uncovered: BTreeMap<(String, String), u64>,
    /// Resources that derived rules found, by source and name of the event.
    pub(crate) derived: BTreeMap<(String, String), u64>,
    pub(crate) unreadable: Problems,
    pub(crate) outcomes: BTreeMap<&'static str, u64>,
    pub(crate) resources: u64,
    pub(crate) failed_calls: u64,
    pub(crate) skipped_events: u64,
    pub(crate) duplicates: u64,
    /// Creations whose record is readable, but does not say enough.
    pub(crate) failed: Problems,
}

impl Summary {
    /// Counts one row; `place` is where its record stands, if that is known, and `order` its order among the rows.
    pub(crate) fn count<S: Status>(&mut self, row: &Row<S>, place: Option<String>, order: (u64, u64)) {
        match row.status.outcome() {
            Some(Outcome::CallFailed(_)) => self.failed_calls += 1,
            Some(Outcome::Uncovered) => {}
            Some(Outcome::Skipped(SkipReason::Duplicate)) => self.duplicates += 1,
            Some(Outcome::Skipped(_)) if row.resource_type.is_none() => self.skipped_events += 1,
            _ => {
                *self.outcomes.entry(row.status.name()).or_default() += 1;
                self.resources += 1;
                if row.evidence == Some(Evidence::Derived) {
                    let event = (row.event.source.clone(), row.event.name.clone());
                    *self.derived.entry(event).or_default() += 1;
                }
            }
        }
        if let Some(Outcome::Malformed(why) | Outcome::Refused(why)) = row.status.outcome() {
            let id = row.event.id.as_deref().unwrap_or("without id");
            let place = place.map_or(String::new(), |place| format!("{place}: "));
            let text = format!("{place}event {id} ({} {}): {why}", row.event.source, row.event.name);
            self.failed.add(order, text);
        }
    }

    /// Adds what another job has counted.
    pub(crate) fn append(&mut self, other: Self) {
        let Self {
            files,
            counts,
            uncovered,
            derived,
            unreadable,
            outcomes,
            resources,
            failed_calls,
            skipped_events,
            duplicates,
            failed,
        } = other;
        self.files += files;
        self.counts.append(counts);
        self.unreadable.append(unreadable);
        self.failed.append(failed);
        self.resources += resources;
        self.failed_calls += failed_calls;
        self.skipped_events += skipped_events;
        self.duplicates += duplicates;
        for (event, count) in uncovered {
            *self.uncovered.entry(event).or_default() += count;
        }
        for (event, count) in derived {
            *self.derived.entry(event).or_default() += count;
        }
        for (name, count) in outcomes {
            *self.outcomes.entry(name).or_default() += count;
        }
    }

    /// Whether everything could be read and made sense of.
    pub(crate) fn done(&self) -> Completion {
        if self.unreadable.is_empty() && self.failed.is_empty() {
            Completion::Complete
        } else {
            Completion::Partial
        }
    }

    /// How many resources there are, by outcome.
    pub(crate) fn write_resources(&self, out: &mut impl Write) -> io::Result<()> {
        let by_outcome: Vec<String> =
            self.outcomes.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let by_outcome =
            if by_outcome.is_empty() { String::new() } else { format!(" ({})", by_outcome.join(", ")) };
        let derived: u64 = self.derived.values().sum();
        let by_derived = if derived == 0 { String::new() } else { format!(", {derived} by derived rules") };
        line(out, "resources", &format!("{}{by_outcome}{by_derived}", self.resources))
    }

    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let counts = &self.counts;
        line(out, "records", &format!("{} in {}", counts.records, plural(self.files, "file")))?;
        line(out, "of which", &sum(counts))?;
        line(out, "sessions", &counts.sessions.to_string())?;
        line(out, "creations", &counts.creations.to_string())?;
        self.write_resources(out)?;
        let mut line = |name: &str, text: &str| line(out, name, text);
        line("failed calls", &self.failed_calls.to_string())?;
        line("skipped", &plural(self.skipped_events + counts.skipped_without_row, "event"))?;
        line("duplicates", &self.duplicates.to_string())?;
        let uncovered: u64 = self.uncovered.values().sum();
        line("uncovered", &format!("{}{}", plural(uncovered, "creating event"), colon(uncovered)))?;
        let names = by_count(&self.uncovered).map(|((source, name), count)| {
            let ended = if Catalog::has_ended(source) { " (AWS has ended the service)" } else { "" };
            format!("{count} {source} {name}{ended}")
        });
        list(out, names)?;
        self.write_derived(out)?;
        let groups = [
            ("  unreadable", &self.unreadable, counts.unreadable_without_row),
            ("   malformed", &self.failed, 0),
        ];
        for (name, problems, without_text) in groups {
            let style = if problems.is_empty() { styled::HEAD } else { styled::BAD };
            let number = problems.count + without_text;
            writeln!(out, "{} {number}{}", styled::text(style, name), colon(number))?;
            list_first(out, problems.first.values(), problems.count)?;
        }
        Ok(())
    }

    /// The events that derived rules met, and how their records become fixtures.
    fn write_derived(&self, out: &mut impl Write) -> io::Result<()> {
        if self.derived.is_empty() {
            return Ok(());
        }
        let name = styled::text(styled::HEAD, "     derived");
        writeln!(out, "{name} {}, not yet seen in a record:", plural(self.derived.len(), "event"))?;
        list(out, by_count(&self.derived).map(|((source, name), count)| format!("{count} {source} {name}")))?;
        writeln!(
            out,
            "             send in a record of each, its ids and names replaced: docs/adding-a-service.md#fixtures"
        )
    }
}

fn line(out: &mut impl Write, name: &str, text: &str) -> io::Result<()> {
    writeln!(out, "{} {text}", styled::text(styled::HEAD, &format!("{name:>12}")))
}

/// Events by how often they occur, the most frequent first.
pub(crate) fn by_count(
    events: &BTreeMap<(String, String), u64>,
) -> impl Iterator<Item = (&(String, String), u64)> {
    let mut events: Vec<_> = events.iter().map(|(event, count)| (event, *count)).collect();
    events.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    events.into_iter()
}

/// What the records are, as a sum.
fn sum(counts: &Counts) -> String {
    let Counts { sessions, creations, uncovered, failed, skipped, rejected, others, .. } = counts;
    format!(
        "{sessions} sessions + {creations} creations + {failed} failed + {skipped} skipped + {uncovered} uncovered + \
         {rejected} rejected + {others} others"
    )
}

fn list(out: &mut impl Write, texts: impl Iterator<Item = String>) -> io::Result<()> {
    let texts: Vec<String> = texts.collect();
    list_first(out, texts.iter(), texts.len() as u64)
}

/// The first of `count` texts.
fn list_first<'t>(
    out: &mut impl Write,
    texts: impl Iterator<Item = &'t String>,
    count: u64,
) -> io::Result<()> {
    let mut more = count;
    for text in texts.take(SHOWN) {
        writeln!(out, "             {}", printable(text))?;
        more -= 1;
    }
    if more == 0 { Ok(()) } else { writeln!(out, "             and {more} more") }
}

/// `1 file`, `2 files`.
pub(crate) fn plural(count: impl TryInto<u64>, what: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    match what.strip_suffix("ry") {
        _ if count == 1 => format!("1 {what}"),
        Some(start) => format!("{count} {start}ries"),
        None => format!("{count} {what}s"),
    }
}

fn colon(count: u64) -> &'static str {
    if count > 0 { ":" } else { "" }
}
