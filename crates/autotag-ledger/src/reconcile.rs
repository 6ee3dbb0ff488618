//! Compares creations with a ledger, for events that were never delivered.

use crate::entry::{Action, Entry, EntryKey, EntryResource, State};
use crate::error::LedgerError;
use crate::ledger::LedgerReader;
use autotag_handlers::event::EventSummary;
use autotag_handlers::records::PlanRequest;
use autotag_model::rule::Resource;
use std::collections::HashSet;

/// Takes the resources out of creations that the ledger has as done: tagged, or not to be tagged. Answers how many those are.
/// Refused and deferred ones stay, and so do all that the ledger does not know.
///
/// `EventBridge` delivers events at best effort. A trail has them all, so what is left are the resources that nothing was done about.
///
/// # Errors
/// [`LedgerError`] if the ledger does not answer. Then nothing is taken out.
pub async fn leave_out_done(
    ledger: &dyn LedgerReader,
    creations: &mut Vec<PlanRequest>,
) -> Result<usize, LedgerError> {
    let keys: Vec<EntryKey> = creations.iter().flat_map(keys).collect();
    let entries = ledger.get(&keys).await?;
    let done: HashSet<EntryKey> =
        entries.into_iter().flatten().filter(is_done).map(|entry| entry.key()).collect();
    let mut count = 0;
    for request in creations.iter_mut() {
        let event = &request.creation.event;
        let mut stays = |resource: &Resource| {
            let stays = !done.contains(&key(event, resource));
            count += usize::from(!stays);
            stays
        };
        request.creation.targets.retain(|target| stays(&target.resource));
        request.creation.rejected.retain(|row| row.resource.as_ref().is_none_or(&mut stays));
    }
    creations.retain(|request| !request.creation.targets.is_empty() || !request.creation.rejected.is_empty());
    Ok(count)
}

fn is_done(entry: &Entry) -> bool {
    matches!(
        entry.tagging.state,
        State::Tagged | State::HasOwner | State::Untaggable | State::Skipped | State::Gone
    )
}

fn keys(request: &PlanRequest) -> impl Iterator<Item = EntryKey> {
    let creation = &request.creation;
    let targets = creation.targets.iter().map(|target| &target.resource);
    let others = creation.rejected.iter().filter_map(|row| row.resource.as_ref());
    targets.chain(others).map(|resource| key(&creation.event, resource))
}

fn key(event: &EventSummary, resource: &Resource) -> EntryKey {
    let mut entry = Entry::of_event(event, Action::Created);
    entry.resource = Some(EntryResource::from(resource));
    entry.key()
}
