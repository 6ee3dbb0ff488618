//! Answers `whois` from a ledger.

use crate::entry::{Action, CreatingCall, Entry, EntryEvent, EntryResource, name_of};
use crate::error::LedgerError;
use crate::ledger::LedgerReader;
use async_trait::async_trait;
use autotag_handlers::deletion::Deletion;
use autotag_handlers::event::EventSummary;
use autotag_handlers::whois::{
    Answer, Asked, Failure, Findings, FoundCreation, FoundDeletion, Newness, OwnershipSource, TagChange,
    answer,
};
use autotag_model::arn::{AccountId, Arn, Partition, Region};
use autotag_model::identity::Principal;
use autotag_model::rule::{Resource, Scope};
use serde_json::json;
use std::collections::BTreeSet;
use std::error::Error as _;
use std::sync::Arc;

/// The source over a ledger.
#[derive(Debug, Clone, Copy)]
pub struct LedgerSource<'a> {
    ledger: &'a dyn LedgerReader,
}

impl<'a> LedgerSource<'a> {
    /// Answers from this ledger.
    pub fn new(ledger: &'a dyn LedgerReader) -> Self {
        Self { ledger }
    }
}

const SOURCE: &str = "ledger";
const SCOPE: &str = "the ledger";

#[async_trait(?Send)]
impl OwnershipSource for LedgerSource<'_> {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn scope(&self) -> &'static str {
        SCOPE
    }

    async fn findings(&self, asked: &Asked) -> Findings {
        let mut findings = Findings::default();
        for name in names(asked) {
            findings.questions.push(format!("the ledger for entries of `{name}`"));
            findings.calls += 1;
            match self.ledger.named(&name).await {
                Ok(entries) => entries.iter().for_each(|entry| add(&mut findings, entry, asked)),
                Err(error) => findings.failures.push(Failure::new(with_source(&error), false)),
            }
        }
        findings
    }
}

/// Entries that were read already.
struct ReadEntries<'e>(&'e [Entry]);

#[async_trait(?Send)]
impl OwnershipSource for ReadEntries<'_> {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn scope(&self) -> &'static str {
        SCOPE
    }

    async fn findings(&self, asked: &Asked) -> Findings {
        let mut findings = Findings::default();
        self.0.iter().for_each(|entry| add(&mut findings, entry, asked));
        findings
    }
}

/// The answer of a ledger that has these entries. It is that of [`LedgerSource`], if they are all entries of the resource.
pub async fn answer_from(entries: &[Entry], asked: &Asked) -> Answer {
    answer(asked, &ReadEntries(entries)).await
}

fn with_source(error: &LedgerError) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

/// The names under which a ledger can have what is asked for: the last part of an ARN. Without an ARN, it can be the id or the
/// part of an ARN behind its type.
fn names(asked: &Asked) -> BTreeSet<String> {
    if let Some(arn) = asked.arn() {
        return name_of(arn).into_iter().collect();
    }
    let text = asked.text();
    let tail = text.split_once([':', '/']).map(|(_, tail)| tail);
    let last = text.rsplit_once('/').map(|(_, last)| last);
    [Some(text), tail, last]
        .into_iter()
        .flatten()
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn add(findings: &mut Findings, entry: &Entry, asked: &Asked) {
    let Some(resource) = entry.resource.as_ref().and_then(EntryResource::to_resource) else { return };
    // Calls that delete a role or change its tags do not name its path.
    let is_meant = match entry.action {
        Action::Created => asked.is(&resource),
        Action::Deleted | Action::TagsChanged => asked.is_deleted_as(&resource),
    };
    if !is_meant {
        return;
    }
    let event = Arc::new(entry.event.to_summary());
    let principal = entry.principal();
    let owner = entry.owner.knowledge.is_evaluated.then(|| entry.owner.to_owner());
    match entry.action {
        Action::Created => {
            let why_not = entry.tagging.reason.clone().filter(|_| owner.is_none());
            let mut creation = FoundCreation::new(resource, event, principal, owner);
            creation.why_not = why_not;
            creation.newness = entry.call.newness();
            creation.is_named_by_caller = entry.is_by_name;
            findings.creations.push(creation);
        }
        Action::TagsChanged => {
            findings.tag_changes.push(TagChange::new(event, entry.keys.clone(), principal, owner));
        }
        Action::Deleted => {
            let deletion = Deletion::new(resource, event, principal, entry.is_by_name);
            findings.deletions.push(FoundDeletion::new(deletion, owner));
        }
    }
}

impl Entry {
    /// The caller, as far as a ledger keeps it: the session of the call or, without one, the owner.
    fn principal(&self) -> Principal {
        let session = self.owner.chain.first().map(|link| link.session.as_str());
        let arn = session.filter(|session| session.starts_with("arn:")).or(self.owner.arn.as_deref());
        Principal::from_value(&json!({ "arn": arn, "accountId": self.owner.account }))
    }
}

impl CreatingCall {
    /// The same in the engine. A call of which nothing is known may have found the resource.
    fn newness(self) -> Newness {
        match self {
            Self::New => Newness::New,
            Self::MayRepeat { created } => Newness::MayRepeat(created),
            Self::Older => Newness::Older,
            Self::MayHaveExisted | Self::Unknown => Newness::MayHaveExisted,
        }
    }
}

impl EntryEvent {
    /// The event in the engine, without what a ledger does not keep.
    pub fn to_summary(&self) -> EventSummary {
        let mut event = EventSummary::default();
        event.id.clone_from(&self.id);
        event.dedup_id.clone_from(&self.shared_id);
        event.request_id.clone_from(&self.request_id);
        event.time.clone_from(&self.time);
        event.source.clone_from(&self.source);
        event.name.clone_from(&self.name);
        event.account.clone_from(&self.account);
        event.region.clone_from(&self.region);
        event
    }
}

impl EntryResource {
    /// The resource in the engine; `None` if its ARN cannot be read.
    pub fn to_resource(&self) -> Option<Resource> {
        let arn: Option<Arn> = match &self.arn {
            Some(text) => Some(text.parse().ok()?),
            None => None,
        };
        let scope = Scope { partition: Partition::default(), region: None, account: None };
        let mut resource = Resource::new(&self.resource_type, &self.id, arn, &scope);
        resource.region = self.region.as_deref().and_then(Region::new);
        resource.account = self.account.as_deref().and_then(AccountId::new);
        resource.version.clone_from(&self.version);
        Some(resource)
    }
}
