//! `--uncovered-by`: the creating events of a trail that no rule covers, and who calls them.

use super::selection::is_wanted;
use crate::callers::Callers;
use crate::cli::{CatalogArgs, CatalogFormat};
use crate::completion::Completion;
use crate::gather::{Gathered, Gatherer};
use crate::input::{self, Days};
use crate::kept::KeptRow;
use crate::output::{EventCounts, LineTable, by_count, event_key, plural, printable, tell_unread};
use crate::scan::{Scanner, TimeRange};
use crate::shown_as::ShownAs;
use crate::spill::{KeptSessions, Sorted, Storage};
use anstyle::Style;
use anyhow::Result;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::Classifier;
use autotag_handlers::owner::{Owner, Proof};
use autotag_handlers::row::ResourceOutcome;
use autotag_model::policy::{Policy, Trust};
use autotag_model::spreadsheet::neutralized;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

/// An event that no rule covers. The names of the fields are a contract.
#[derive(Serialize)]
struct Uncovered<'e> {
    event_source: &'e str,
    event_name: &'e str,
    records: u64,
    /// How many different owners called it.
    owners: usize,
    /// Those who called it most.
    callers: Vec<Caller<'e>>,
}

/// An owner of events that no rule covers. The names of the fields are a contract.
#[derive(Serialize)]
struct Caller<'e> {
    owner: Option<&'e str>,
    proof: Option<&'static str>,
    owner_account: Option<&'e str>,
    person: Option<&'e str>,
    records: u64,
}

/// The key that separates owners. A person is one in all accounts, and every other name belongs to its account.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct OwnerKey {
    name: Option<String>,
    person: Option<String>,
    account: Option<String>,
    proof: Option<&'static str>,
}

impl OwnerKey {
    fn of(owner: &Owner) -> Self {
        let Owner { name, person, account, proof, .. } = owner;
        let account = account.clone().filter(|_| person.is_none());
        Self { name: name.clone(), person: person.clone(), account, proof: proof.map(Proof::as_str) }
    }
}

/// How often each owner called each event.
type CallCounts = BTreeMap<(String, String), BTreeMap<OwnerKey, u64>>;

/// How many callers of an event are listed.
const LISTED: usize = 10;

/// The most callers of all events that are told apart: a log file may have any names.
const MOST_CALLERS: usize = 200_000;

/// The callers of those events that are told apart.
fn count_calls(
    rows: &mut Sorted<KeptRow>,
    sessions: KeptSessions,
    events: &EventCounts,
) -> io::Result<CallCounts> {
    let (trust, sessions) = (Trust::default(), sessions.into_store());
    let callers = Callers { trust: &trust, sessions: &*sessions };
    let (mut counts, mut distinct) = (CallCounts::new(), 0);
    for row in rows.drain()? {
        let Some(ResourceOutcome { event, owner: Some(owner), .. }) = callers.uncovered(&row?)? else {
            continue;
        };
        let event = event_key(&event.source, &event.name);
        if !events.contains_key(&event) {
            continue;
        }
        let (callers, caller) = (counts.entry(event).or_default(), OwnerKey::of(&owner));
        if let Some(count) = callers.get_mut(&caller) {
            *count += 1;
        } else if distinct < MOST_CALLERS {
            distinct += 1;
            callers.insert(caller, 1);
        }
    }
    Ok(counts)
}

/// The owners who called an event, the most frequent first.
fn callers_of(owners: &BTreeMap<OwnerKey, u64>) -> Vec<Caller<'_>> {
    let mut callers: Vec<Caller<'_>> = owners
        .iter()
        .map(|(owner, records)| Caller {
            owner: owner.name.as_deref(),
            proof: owner.proof,
            owner_account: owner.account.as_deref(),
            person: owner.person.as_deref(),
            records: *records,
        })
        .collect();
    callers.sort_by_key(|caller| std::cmp::Reverse(caller.records));
    callers.truncate(LISTED);
    callers
}

impl Uncovered<'_> {
    /// The first callers in words: `mara 3, ben (name-only) 1, and 4 more`.
    fn callers_in_short(&self) -> String {
        let in_words = |caller: &Caller<'_>| {
            let unproven = if caller.proof == Some(Proof::NameOnly.as_str()) { " (name-only)" } else { "" };
            format!("{}{unproven} {}", caller.owner.unwrap_or("unknown"), caller.records)
        };
        let mut parts: Vec<String> = self.callers.iter().take(3).map(in_words).collect();
        let more = self.owners.saturating_sub(parts.len());
        parts.extend((more > 0).then(|| format!("and {more} more")));
        parts.join(", ")
    }
}

pub(super) fn run(args: &CatalogArgs, catalog: Catalog) -> Result<Completion> {
    let (inputs, unlisted) = input::find(&args.uncovered_by, &Days::default())?;
    // No policy: what somebody's policy ignores is not covered either.
    let classifier = Classifier::new(catalog, Policy::default());
    let how = Gatherer {
        range: TimeRange::default(),
        shown: ShownAs::Uncovered,
        filter: Arc::default(),
        deletions: false,
        storage: Storage::new(None, None),
    };
    let scanner = Scanner { classifier: &classifier, jobs: None };
    let Gathered { sessions, mut rows, facts, .. } = how.gather(&scanner, &inputs)?;
    let mut summary = facts.summary;
    summary.uncovered.retain(|(source, _), _| is_wanted(args, source, ""));
    let calls = count_calls(&mut rows, sessions, &summary.uncovered)?;
    let events: Vec<Uncovered<'_>> = by_count(&summary.uncovered)
        .map(|(event, records)| {
            let owners = calls.get(event);
            Uncovered {
                event_source: &event.0,
                event_name: &event.1,
                records,
                owners: owners.map_or(0, BTreeMap::len),
                callers: owners.map(callers_of).unwrap_or_default(),
            }
        })
        .collect();
    write_events(&events, args.format)?;
    tell_unread(&unlisted, &summary.unreadable)?;
    let records: u64 = summary.uncovered.values().sum();
    let all = plural(summary.counts.records, "record");
    writeln!(crate::console::notes(), "{} in {records} of {all}", plural(events.len(), "uncovered event"))?;
    Ok(if unlisted.is_empty() && summary.unreadable.is_empty() {
        Completion::Complete
    } else {
        Completion::Partial
    })
}

fn write_events(events: &[Uncovered<'_>], format: CatalogFormat) -> Result<()> {
    match format {
        CatalogFormat::Json => {
            let mut out = std::io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, events)?;
            writeln!(out)?;
        }
        CatalogFormat::Jsonl => {
            let mut out = std::io::stdout().lock();
            for event in events {
                serde_json::to_writer(&mut out, event)?;
                writeln!(out)?;
            }
        }
        CatalogFormat::Csv => {
            let mut csv = csv::Writer::from_writer(std::io::stdout().lock());
            csv.write_record(["event_source", "event_name", "records", "owners", "callers"])?;
            for event in events {
                let (source, name) = (neutralized(event.event_source), neutralized(event.event_name));
                let (records, owners) = (event.records.to_string(), event.owners.to_string());
                let callers = serde_json::to_string(&event.callers)?;
                csv.write_record([&*source, &name, &records, &owners, &callers])?;
            }
            csv.flush()?;
        }
        CatalogFormat::Markdown => {
            let mut out = std::io::stdout().lock();
            writeln!(out, "| Records | Event source | Event | Callers |\n|---|---|---|---|")?;
            for event in events {
                let cell = |text: &str| printable(text).replace('|', "\\|");
                let (source, name) = (cell(event.event_source), cell(event.event_name));
                let callers = cell(&event.callers_in_short());
                writeln!(out, "| {} | {source} | {name} | {callers} |", event.records)?;
            }
        }
        CatalogFormat::Table if events.is_empty() => {}
        CatalogFormat::Table => {
            let mut table =
                LineTable::new(&[], &[("RECORDS", 7), ("EVENT SOURCE", 16), ("EVENT", 16), ("CALLERS", 16)]);
            for event in events {
                let (source, name) = (event.event_source.to_owned(), event.event_name.to_owned());
                let cells = [event.records.to_string(), source, name, event.callers_in_short()];
                table.add_row(cells.map(|cell| (cell, Style::new())));
            }
            table.write(&mut anstream::stdout().lock())?;
        }
    }
    Ok(())
}
