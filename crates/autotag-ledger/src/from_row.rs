//! Turns the row of an executed plan into a ledger entry.

use crate::entry::{
    Action, CreatingCall, Entry, EntryEvent, EntryOwner, EntryResource, Knowledge, Link, State, Tagging,
};
use autotag_handlers::deletion::Deletion;
use autotag_handlers::event::EventSummary;
use autotag_handlers::outcome::{Outcome, SkipReason};
use autotag_handlers::owner::Owner;
use autotag_handlers::row::{ResourceOutcome, Status};
use autotag_handlers::whois::Newness;
use autotag_model::arn::{AccountId, Arn, Region};
use autotag_model::rule::Resource;
use std::sync::Arc;

/// The longest reason, in bytes. A reason can quote what AWS answered.
const LONGEST_REASON: usize = 1_000;

impl Entry {
    /// The entry of a row of an executed plan. `None` if the row tells of nothing that was created: a failed call, a copy of
    /// an event, a record that is not believed or cannot be read.
    pub fn of_row(row: &ResourceOutcome, origin: Option<&str>) -> Option<Self> {
        let state = state(row)?;
        let mut entry = Self::of_event(&row.event, Action::Created);
        entry.resource = row.resource.as_ref().map(EntryResource::from);
        entry.owner = row.owner.as_deref().map(EntryOwner::from).unwrap_or_default();
        entry.tagging = tagging(row, state, &entry.owner.knowledge);
        if let Some(made) = row.made {
            entry.call = CreatingCall::from(made.newness);
            entry.is_by_name = made.is_named_by_caller;
        }
        entry.origin = origin.map(str::to_owned);
        Some(entry)
    }

    /// The entry of a row of a plan that is not executed: what a trail tells, without tags.
    pub fn recorded<S: Status + Clone>(
        row: &autotag_handlers::row::Row<S>,
        origin: Option<&str>,
    ) -> Option<Self> {
        let outcome = match row.status.outcome() {
            Some(outcome @ (Outcome::Uncovered | Outcome::Skipped(_) | Outcome::Malformed(_))) => {
                outcome.clone()
            }
            Some(Outcome::CallFailed(_)) => return None,
            _ => Outcome::Tagged,
        };
        let row = row.clone().with_status(outcome);
        let mut entry = Self::of_row(&row, origin)?;
        if entry.tagging.state == State::Tagged {
            let knowledge = entry.tagging.knowledge;
            entry.tagging = Tagging { knowledge, ..Tagging::default() };
        }
        Some(entry)
    }

    /// The entry of a deletion. `by` is the person or workload behind it, as far as it is known.
    pub fn of_deletion(deletion: &Deletion, by: Option<&Owner>, origin: Option<&str>) -> Self {
        let mut entry = Self::of_event(&deletion.event, Action::Deleted);
        entry.resource = Some(EntryResource::from(&deletion.resource));
        entry.owner = by.map(EntryOwner::from).unwrap_or_default();
        entry.is_by_name = deletion.is_by_name;
        entry.origin = origin.map(str::to_owned);
        entry
    }

    /// An entry about an event, in which everything else is unknown.
    pub fn of_event(event: &EventSummary, action: Action) -> Self {
        Self {
            action,
            resource: None,
            event: EntryEvent::from(event),
            owner: EntryOwner::default(),
            tagging: Tagging::default(),
            call: CreatingCall::Unknown,
            is_by_name: false,
            keys: Vec::new(),
            history: None,
            origin: None,
        }
    }
}

/// How the tags of a row ended; `None` if nothing was created.
fn state(row: &ResourceOutcome) -> Option<State> {
    Some(match &row.status {
        Outcome::Uncovered => State::Uncovered,
        _ if row.resource.is_none() => return None,
        Outcome::Tagged => State::Tagged,
        outcome @ Outcome::AlreadyTagged(_) if outcome.has_all_tags() => State::Tagged,
        Outcome::AlreadyTagged(_) => State::HasOwner,
        Outcome::Skipped(SkipReason::CannotTag(_)) => State::Untaggable,
        Outcome::Skipped(
            SkipReason::DryRun
            | SkipReason::Duplicate
            | SkipReason::NotFromCloudTrail(_)
            | SkipReason::AccountsDisagree(_)
            | SkipReason::Ignored(_),
        )
        | Outcome::CallFailed(_)
        | Outcome::Malformed(_) => return None,
        Outcome::Skipped(_) => State::Skipped,
        Outcome::Gone => State::Gone,
        Outcome::Deferred(_) => State::Deferred,
        Outcome::Refused(_) => State::Refused,
        _ => return None,
    })
}

fn tagging(row: &ResourceOutcome, state: State, knowledge: &Knowledge) -> Tagging {
    let tags = row.decided.pairs().filter(|_| state == State::Tagged);
    let reason = if state == State::Tagged { None } else { row.status.reason() };
    Tagging {
        state,
        reason: reason.map(|reason| crate::bounded::bounded(&reason, LONGEST_REASON)),
        tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        proof: row.owner.as_ref().and_then(|owner| owner.proof),
        owner_arn: row.owner.as_ref().and_then(|owner| owner.arn.clone()),
        knowledge: knowledge.clone(),
    }
}

impl From<&EventSummary> for EntryEvent {
    fn from(event: &EventSummary) -> Self {
        Self {
            id: event.id.clone(),
            shared_id: event.dedup_id.clone(),
            request_id: event.request_id.clone(),
            time: event.time.clone(),
            source: event.source.clone(),
            name: event.name.clone(),
            account: event.account.clone(),
            region: event.region.clone(),
        }
    }
}

impl From<&Resource> for EntryResource {
    fn from(resource: &Resource) -> Self {
        Self {
            resource_type: resource.resource_type.clone(),
            id: resource.id.clone(),
            arn: resource.arn.as_ref().map(Arn::to_string),
            account: resource.account.as_ref().map(AccountId::to_string),
            region: resource.region.as_ref().map(Region::to_string),
            version: resource.version.clone(),
        }
    }
}

impl From<&Owner> for EntryOwner {
    fn from(owner: &Owner) -> Self {
        let links = owner.chain.iter();
        let link = |link: &autotag_handlers::owner::ChainLink| Link {
            session: link.session.clone(),
            evidence: link.evidence.clone(),
        };
        Self {
            name: owner.name.clone(),
            source: owner.source,
            proof: owner.proof,
            claimed: owner.claimed.clone(),
            account: owner.account.clone(),
            arn: owner.arn.clone(),
            person: owner.person.clone(),
            workload: owner.workload.clone(),
            channel: owner.channel.as_ref().map(|channel| channel.as_str().to_owned()),
            tool: owner.tool.map(str::to_owned),
            knowledge: Knowledge {
                is_evaluated: true,
                is_settled: owner.pending.is_none(),
                sessions: links.clone().map(|link| link.certainty).collect(),
            },
            chain: links.map(link).collect(),
        }
    }
}

impl From<Newness> for CreatingCall {
    fn from(newness: Newness) -> Self {
        match newness {
            Newness::New => Self::New,
            Newness::MayHaveExisted => Self::MayHaveExisted,
            Newness::MayRepeat(created) => Self::MayRepeat { created },
            Newness::Older => Self::Older,
            _ => Self::Unknown,
        }
    }
}

impl EntryOwner {
    /// The owner, as the engine has it. The session of the call is not kept in a ledger.
    pub fn to_owner(&self) -> Arc<Owner> {
        let mut owner = Owner::default();
        owner.name.clone_from(&self.name);
        (owner.source, owner.proof) = (self.source, self.proof);
        owner.claimed.clone_from(&self.claimed);
        owner.account.clone_from(&self.account);
        owner.arn.clone_from(&self.arn);
        owner.person.clone_from(&self.person);
        owner.workload.clone_from(&self.workload);
        owner.channel = self.channel.as_deref().map(Into::into);
        owner.tool = self.tool.as_deref().and_then(autotag_handlers::owner::known_tool);
        Arc::new(owner)
    }
}
