//! `autotag ledger end-truce`: identity tags of a resource are repaired again.

use super::table::Table;
use crate::cli::EndTruceArgs;
use crate::completion::Completion;
use crate::setup::usage_error;
use anyhow::Result;
use autotag_handlers::event::EventSummary;
use autotag_handlers::tamper::TamperHistory;
use autotag_handlers::whois::without_path;
use autotag_ledger::{Action, Entry, EntryResource, LedgerReader as _, LedgerWriter as _};
use jiff::Timestamp;
use std::io::Write as _;

pub(crate) fn run(args: &EndTruceArgs) -> Result<Completion> {
    let table = Table::open(&args.table.table, args.table.region.as_ref())?;
    let key = args.resource.parse().map_or_else(|_| args.resource.clone(), |arn| without_path(&arn));
    let entries = table.wait(table.ledger.of_resource(&key))?;
    let truces = truces(entries);
    if truces.is_empty() {
        return Err(usage_error(format!(
            "the ledger `{}` knows no truce on `{}`: pass the ARN as its entries have it",
            args.table.table,
            crate::output::printable(&args.resource)
        )));
    }
    for resource in truces {
        table.wait(table.ledger.put(&resumed(resource, now())))?;
    }
    writeln!(crate::console::notes(), "the next change of its identity tags is repaired again")?;
    Ok(Completion::Complete)
}

/// The resources of entries that began a truce. Versions of an object have one ARN, and each has its own truce.
fn truces(entries: Vec<Entry>) -> Vec<EntryResource> {
    let is_truce = |entry: &Entry| entry.history.as_ref().is_some_and(|history| history.truce().is_some());
    let mut found: Vec<EntryResource> = Vec::new();
    for resource in entries.into_iter().filter(is_truce).filter_map(|entry| entry.resource) {
        if found.iter().all(|known| known.version != resource.version) {
            found.push(resource);
        }
    }
    found
}

/// The entry that lets what happened until `now` no longer count.
fn resumed(resource: EntryResource, now: Timestamp) -> Entry {
    let mut event = EventSummary::default();
    event.time = Some(now.to_string());
    let version = resource.version.as_deref().unwrap_or_default();
    event.dedup_id = Some(format!("end-truce-{now}{version}"));
    "autotag".clone_into(&mut event.source);
    "EndTruce".clone_into(&mut event.name);
    let mut entry = Entry::of_event(&event, Action::TagsChanged);
    entry.resource = Some(resource);
    entry.tagging.reason = Some("repair was begun again".to_owned());
    entry.history = Some(TamperHistory::of_resumption(now));
    entry
}

#[expect(clippy::disallowed_methods, reason = "programs read the clock, libraries are given it")]
fn now() -> Timestamp {
    Timestamp::now()
}
