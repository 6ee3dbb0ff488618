//! Compares creations with a ledger, to find events that were never delivered.

use crate::current::creations_since_deletion;
use crate::entry::{Action, Entry, EntryKey, EntryResource, State};
use crate::error::LedgerError;
use crate::ledger::LedgerReader;
use autotag_handlers::event::EventSummary;
use autotag_handlers::records::PlanRequest;
use autotag_handlers::services::Newness;
use autotag_model::rule::Resource;
use std::collections::HashSet;

/// Takes the resources out of creations that the ledger has as done: tagged, or not to be tagged. Answers how many those are.
/// Refused and deferred ones stay, and so do all that the ledger does not know. Of a call that may have found its resource there,
/// the resource is also taken out if an earlier call has given it an owner.
///
/// After a change of the policy, what was skipped by the old one counts as done: plan the trail without a ledger then.
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
    for request in creations.iter_mut() {
        let mut stay = Vec::with_capacity(request.creation.targets.len());
        for target in std::mem::take(&mut request.creation.targets) {
            let is_new = target.made().newness == Newness::New;
            if is_new || !has_owner(ledger, &request.creation.event, &target.resource).await? {
                stay.push(target);
            } else {
                count += 1;
            }
        }
        request.creation.targets = stay;
    }
    creations.retain(|request| !request.creation.targets.is_empty() || !request.creation.rejected.is_empty());
    Ok(count)
}

/// True if an earlier call has given an owner to a resource that a later one may have found. If its tags are gone
/// since, that later caller is still not the owner.
async fn has_owner(
    ledger: &dyn LedgerReader,
    event: &EventSummary,
    resource: &Resource,
) -> Result<bool, LedgerError> {
    let own = key(event, resource);
    let entries = ledger.of_resource(&own.resource).await?;
    let mut others = creations_since_deletion(&entries).into_iter().filter(|entry| entry.key() != own);
    Ok(others.any(|entry| matches!(entry.tagging.state, State::Tagged | State::HasOwner)))
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
