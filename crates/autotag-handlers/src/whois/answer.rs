//! Forms one answer from the facts of a source. It makes no call.

use super::asked::Asked;
use super::finding::{Findings, FoundCreation, FoundDeletion, Newness, OwnershipSource, TagChange};
use super::namesake::{self, Current, Divided, End};
use crate::owner::{MissingEvidence, Owner, OwnerSource, Proof};
use crate::services::CREATION_SKEW;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The answer about one resource.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// The text that was asked.
    pub asked: String,
    /// The source that answers.
    pub source: &'static str,
    /// The creation of the resource and its owner; `None` if the owner is unknown.
    pub creation: Option<FoundCreation>,
    /// How many creations of the resource the source knows. A name that was used twice has two; the latest counts.
    pub creations: usize,
    /// The deletion of the resource, if it came after the creation. What has the name today, if anything, was made later.
    pub deletion: Option<FoundDeletion>,
    /// If the owner is unknown: the creations that could be meant, the latest first.
    pub candidates: Vec<FoundCreation>,
    /// Events since the creation that changed identity tags, the oldest first.
    pub tag_changes: Vec<TagChange>,
    /// Why the owner is unknown, and what is uncertain about a known one.
    pub reasons: Vec<String>,
    /// The questions, and where they were asked.
    pub questions: Vec<String>,
    /// How many calls to AWS it took.
    pub calls: u64,
    /// True if a question to the source failed.
    pub failed: bool,
}

impl Answer {
    /// The owner, if one is known.
    pub fn owner(&self) -> Option<&Owner> {
        self.creation.as_ref()?.owner.as_deref()
    }

    /// True if the owner is known.
    pub fn is_known(&self) -> bool {
        self.creation.is_some()
    }
}

/// Asks a source for the owner of a resource.
///
/// The latest creation counts. No owner is named if creations of different owners could be meant, or if a question failed whose
/// answer could name another one.
pub async fn answer(asked: &Asked, source: &dyn OwnershipSource) -> Answer {
    let findings = source.findings(asked).await;
    decide(asked, source.name(), source.scope(), findings)
}

/// The creations of one name that could be the last one, how many there were, and whether the last resource is deleted.
struct Latest {
    could_be: Vec<FoundCreation>,
    count: usize,
    end: End,
}

fn decide(asked: &Asked, source: &'static str, scope: &str, findings: Findings) -> Answer {
    let Findings { creations, deletions, tag_changes, remarks, failures, questions, calls } = findings;
    let mut reasons: Vec<String> = failures.iter().map(|failure| failure.what.clone()).collect();
    let mut choice = choose(asked, creations, deletions, &mut reasons);
    let is_certain = choice.creation.as_ref().and_then(|chosen| chosen.owner.as_ref());
    let is_certain = is_certain.is_some_and(|owner| owner.pending.is_none());
    if failures.iter().any(|failure| !(failure.is_about_sessions && is_certain)) {
        choice.withdraw();
    }
    if choice.creation.is_none() && choice.candidates.is_empty() && failures.is_empty() {
        reasons.push(if choice.count > 0 {
            "the events that name it prove that it was there before".to_owned()
        } else {
            format!("no creation in {scope} names it")
        });
    }
    reasons.extend(remarks);
    let since = choice.creation.as_ref().map(|creation| &creation.event);
    let is_later = |change: &TagChange| {
        let Some(event) = since else { return true };
        change.event.timestamp() >= event.timestamp()
            && (asked.arn().is_some() || change.event.account == event.account)
    };
    let mut tag_changes: Vec<TagChange> = tag_changes.into_iter().filter(is_later).collect();
    tag_changes.sort_by_key(|change| change.event.timestamp());
    tag_changes.dedup_by(|one, other| one.event.id.is_some() && one.event.id == other.event.id);
    let failed = !failures.is_empty();
    let Choice { creation, candidates, count, deletion } = choice;
    let (asked, creations) = (asked.text().to_owned(), count);
    Answer {
        asked,
        source,
        creation,
        creations,
        deletion,
        candidates,
        tag_changes,
        reasons,
        questions,
        calls,
        failed,
    }
}

/// The creation that is taken, or those among which none is.
struct Choice {
    creation: Option<FoundCreation>,
    candidates: Vec<FoundCreation>,
    count: usize,
    deletion: Option<FoundDeletion>,
}

impl Choice {
    /// No owner is named.
    fn withdraw(&mut self) {
        self.candidates.extend(self.creation.take());
    }
}

fn choose(
    asked: &Asked,
    creations: Vec<FoundCreation>,
    deletions: Vec<FoundDeletion>,
    reasons: &mut Vec<String>,
) -> Choice {
    let resources: Vec<Latest> =
        by_resource(asked, creations, deletions).into_values().map(OfName::latest).collect();
    let (named, count) = (resources.len(), resources.iter().map(|of| of.count).sum());
    let mut could_be: Vec<(FoundCreation, End)> = Vec::new();
    for Latest { could_be: of_name, end, .. } in &resources {
        could_be.extend(of_name.iter().map(|creation| (creation.clone(), end.clone())));
    }
    could_be.sort_by(|(one, _), (other, _)| other.order().cmp(&one.order()));
    let end = match (could_be.first(), &*resources) {
        (Some((_, end)), _) => end.clone(),
        (None, [only]) => only.end.clone(),
        (None, _) => End::Open,
    };
    let candidates: Vec<FoundCreation> = could_be.into_iter().map(|(creation, _)| creation).collect();
    let mut deletion = deletion(end, reasons);
    let Some(first) = candidates.first().cloned() else {
        return Choice { creation: None, candidates, count, deletion };
    };
    if !candidates.iter().all(|other| is_same_owner(&first, other)) {
        reasons.push(if named > 1 {
            deletion = None;
            format!("{named} resources of different owners have this name: ask for the ARN")
        } else {
            "several owners may have created it, and no record tells which".to_owned()
        });
        return Choice { creation: None, candidates, count, deletion };
    }
    if first.owner_name().is_none() {
        let why = first.why_not.clone();
        reasons.push(why.unwrap_or_else(|| "the creating event names no caller".to_owned()));
        return Choice { creation: None, candidates, count, deletion };
    }
    reasons.extend(uncertain(&first, named, count));
    Choice { creation: Some(first), candidates: Vec::new(), count, deletion }
}

/// The deletion of what is meant; one that may be of an earlier resource is a reason for doubt.
fn deletion(end: End, reasons: &mut Vec<String>) -> Option<FoundDeletion> {
    match end {
        End::Open => None,
        End::Deleted(found) => Some(*found),
        End::Unclear(found) => {
            let event = &found.deletion.event;
            let service = event.source.split('.').next().unwrap_or_default();
            let time = event.time.as_deref().unwrap_or("an unknown time");
            reasons.push(format!(
                "{service}:{} at {time} deleted it, or an earlier resource of this name: no record tells which",
                event.name
            ));
            None
        }
    }
}

/// The uncertainty of a creation whose owner is known.
fn uncertain(first: &FoundCreation, named: usize, count: usize) -> Vec<String> {
    let mut reasons = Vec::new();
    if named > 1 {
        reasons.push(format!("{named} resources of this owner have this name; the latest is shown"));
    } else if count > 1 {
        reasons.push(format!("{count} creations of this name are known; the latest counts"));
    }
    if first.newness == Newness::MayHaveExisted {
        reasons.push(
            "the event also occurs for resources that exist: it may be older, and another's".to_owned(),
        );
    }
    reasons.extend(missing_evidence(first));
    reasons
}

/// The creations and deletions of one name.
#[derive(Default)]
struct OfName {
    creations: Vec<FoundCreation>,
    deletions: Vec<FoundDeletion>,
}

/// The creations and deletions of each name that is meant.
fn by_resource(
    asked: &Asked,
    creations: Vec<FoundCreation>,
    deletions: Vec<FoundDeletion>,
) -> BTreeMap<String, OfName> {
    let mut names: BTreeMap<String, OfName> = BTreeMap::new();
    for creation in creations.into_iter().filter(|creation| asked.is(&creation.resource)) {
        names.entry(namesake::name(&creation.resource)).or_default().creations.push(creation);
    }
    for found in deletions {
        if asked.is_deleted_as(&found.deletion.resource) {
            names.entry(namesake::name(&found.deletion.resource)).or_default().deletions.push(found);
        }
    }
    names
}

impl OfName {
    fn divided(self) -> Divided {
        namesake::divide(self.creations, &self.deletions)
    }

    /// The last creation of a resource. A name can be used again after its resource was deleted.
    fn latest(self) -> Latest {
        let Divided { current, earlier_count, end, .. } = self.divided();
        let mut latest = Latest { could_be: Vec::new(), count: earlier_count, end };
        for Current { creation, newness } in current {
            let creation = FoundCreation { newness, ..creation };
            let before = latest.could_be.last();
            let is_new = match (newness, before) {
                (Newness::Older, None) => {
                    latest.count += 1;
                    continue;
                }
                (Newness::Older | Newness::MayHaveExisted, Some(_)) => continue,
                (Newness::New | Newness::MayHaveExisted | Newness::MayRepeat(_), None)
                | (Newness::New, Some(_)) => true,
                // AWS answers a repeated call with the resource of the first, and with its time of creation.
                (Newness::MayRepeat(Some(created)), Some(before)) => {
                    let apart = |time: Timestamp| created.duration_since(time).abs();
                    before.event.timestamp().is_none_or(|time| apart(time) > CREATION_SKEW)
                }
                (Newness::MayRepeat(None), Some(before)) if is_same_owner(before, &creation) => continue,
                (Newness::MayRepeat(None), Some(_)) => {
                    // Either it repeats the earlier call, or it made a new resource under the name of a deleted one.
                    latest.could_be.push(creation);
                    continue;
                }
            };
            if is_new {
                latest.could_be = vec![creation];
                latest.count += 1;
            }
        }
        latest
    }
}

/// Takes out the creations that may have made what is asked for, as far as the records themselves tell: the last that was
/// certainly one, and later calls that may repeat it. Only their owners have to be known.
pub(super) fn may_be_last(
    asked: &Asked,
    creations: &mut Vec<FoundCreation>,
    deletions: &[FoundDeletion],
) -> Vec<FoundCreation> {
    let mut taken = Vec::new();
    for of_name in by_resource(asked, std::mem::take(creations), deletions.to_vec()).into_values() {
        let Divided { current, earlier, .. } = of_name.divided();
        creations.extend(earlier);
        let first = current.iter().rposition(|current| current.newness == Newness::New).unwrap_or(0);
        let mut is_first = true;
        for (number, Current { creation, newness }) in current.into_iter().enumerate() {
            let is_candidate = number >= first
                && match newness {
                    Newness::New | Newness::MayRepeat(_) => true,
                    Newness::MayHaveExisted => is_first,
                    Newness::Older => false,
                };
            if is_candidate {
                is_first = false;
                taken.push(creation);
            } else {
                creations.push(creation);
            }
        }
    }
    taken
}

/// True if the same owner has made both, with the same certainty. `bob` in two accounts is two people.
fn is_same_owner(one: &FoundCreation, other: &FoundCreation) -> bool {
    match (&one.owner, &other.owner) {
        (Some(one), Some(other)) => {
            (&one.name, &one.account, one.proof) == (&other.name, &other.account, other.proof)
        }
        (None, None) => true,
        _ => false,
    }
}

/// The missing evidence for the owner of a creation, in words.
fn missing_evidence(creation: &FoundCreation) -> Option<String> {
    let owner = creation.owner.as_ref()?;
    if owner.source == Some(OwnerSource::IdentityCenter) && owner.proof == Some(Proof::Person) {
        // The call itself proves the person.
        return None;
    }
    let pending = owner.pending.as_ref()?;
    let account = creation.principal.account_id();
    let account = account.map_or(String::new(), |account| format!(" of account {account}"));
    let of = &pending.of;
    Some(match pending.missing {
        MissingEvidence::SessionRecord => format!("STS record missing{account}: of the session {of}"),
        MissingEvidence::Caller => {
            format!("STS record missing: of the session {of}, in the account of its caller")
        }
        MissingEvidence::OtherSessions => {
            format!("the session {of} was found by its time alone; another of this name could be meant")
        }
        MissingEvidence::ParentOwner => format!("the owner of {of}, to which it belongs, is not certain"),
    })
}
