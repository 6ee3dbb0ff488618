//! The reaction to a change of identity tags.

use super::author::author;
use super::change::{TagChange, TouchedKeys};
use super::history::{RecordedChange, RecordedRepair, TamperHistory, TruceMark};
use super::truce::{Truce, TruceReason};
use crate::owner::Proof;
use autotag_model::arn::Arn;
use autotag_model::policy::{Policy, TamperAction};
use autotag_model::tags::{TagConstraints, is_same_key};
use jiff::Timestamp;
use std::fmt;

/// The identity tags that a resource should have, as its entry in the ledger knows them.
///
/// The entry has to be that of the resource which exists now. After a deletion, or a later creation under the same name, an entry
/// says nothing: its owner is somebody else's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExpectedTags {
    /// The identity tags that autotag wrote, or found as the call declared them.
    pub tags: Vec<(String, String)>,
    /// The proof of the owner.
    pub proof: Option<Proof>,
    /// The ARN of the owner, if it is known.
    pub owner_arn: Option<String>,
}

/// The inputs of a reaction.
#[derive(Debug, Clone, Copy)]
pub struct TamperInput<'a> {
    /// The change.
    pub change: &'a TagChange,
    /// The tags that the resource should have; `None` if no entry of it is known. Then nothing is written.
    pub expected: Option<&'a ExpectedTags>,
    /// All tags of the resource, read after the change.
    pub present: &'a [(String, String)],
    /// The past changes of the resource.
    pub history: &'a TamperHistory,
    /// The policy.
    pub policy: &'a Policy,
    /// The tags that the service accepts.
    pub constraints: &'a TagConstraints,
}

/// The reaction to a change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reaction {
    /// Nothing, and why.
    Nothing(NoReaction),
    /// It is reported, and nothing is written.
    Report {
        /// The fault.
        tampering: Tampering,
        /// Why nothing is written.
        why: NotRepaired,
    },
    /// It is reported, and these tags are written again.
    Repair {
        /// The fault.
        tampering: Tampering,
        /// The tags to write.
        tags: Vec<(String, String)>,
    },
    /// It is reported, and from now on nothing is written to this resource.
    Truce {
        /// The fault.
        tampering: Tampering,
        /// The truce.
        truce: Truce,
    },
}

/// Why nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoReaction {
    /// The identity tags are as they should be.
    AsExpected,
    /// Another delivery of the same event was reported or answered.
    Known,
    /// A later repair has seen the effect of this change. If tags are gone again, that is another change, and its event
    /// says whose.
    Covered,
    /// The event is from before the end of the last truce.
    Past,
    /// The resource has the opt-out tag of the policy.
    OptedOut,
    /// No entry of the resource says which tags it should have, and the record does not show that one was removed.
    NoExpectation,
}

/// The fault of the identity tags of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tampering {
    /// The principal, as [`author`] names it; `None` if no record says who it was.
    pub by: Option<String>,
    /// The keys that are gone. Without an expectation: those that the change named and the resource lacks.
    pub missing: Vec<String>,
    /// The keys whose value is another one.
    pub changed: Vec<String>,
}

/// Why tags are not repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotRepaired {
    /// The policy says `report`.
    Policy,
    /// The policy excepts the principal.
    Excepted,
    /// The event does not say who it was: it is one of `aws.tag`. A record of CloudTrail may say it.
    NoAuthor,
    /// No entry of the resource says which tags it should have.
    NoExpectation,
    /// The owner is a name that a caller chose, or no owner is known.
    NotProven,
    /// The resource has no room for the tags.
    NoRoom,
    /// The event has no id or time, so that another delivery could not be told from it.
    NoEvent,
    /// There is a truce on the resource.
    Truce,
}

impl fmt::Display for NotRepaired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Policy => "the policy only reports",
            Self::Excepted => "the policy excepts the principal",
            Self::NoAuthor => "the event does not say who called",
            Self::NoExpectation => "no entry of the ledger says which tags the resource should have",
            Self::NotProven => "the owner is not proven",
            Self::NoRoom => "the resource has no room for the tags",
            Self::NoEvent => "the event has no id or no time",
            Self::Truce => "its tags are no longer repaired, because repairs were undone",
        })
    }
}

/// Decides what is done about a change. A pure function.
///
/// It writes nothing but identity tags that the ledger knows with a proven owner, and never takes a tag off.
pub fn decide(input: &TamperInput<'_>) -> Reaction {
    let TamperInput { change, policy, history, .. } = *input;
    let opted_out = |key: &str| {
        let mut tags = input.present.iter();
        tags.any(|(known, value)| known == key && !value.eq_ignore_ascii_case("false"))
    };
    if policy.opt_out.as_deref().is_some_and(opted_out) {
        return Reaction::Nothing(NoReaction::OptedOut);
    }
    if change.time().is_some_and(|time| history.is_past(time)) {
        return Reaction::Nothing(NoReaction::Past);
    }
    let Some(expected) = input.expected else { return without_expectation(input) };
    let tampering = tampering(input, expected);
    if tampering.missing.is_empty() && tampering.changed.is_empty() {
        return Reaction::Nothing(NoReaction::AsExpected);
    }
    if change.event_id().is_some_and(|event| history.is_answered(event)) {
        return Reaction::Nothing(NoReaction::Known);
    }
    if change.time().is_some_and(|time| history.is_covered(time)) {
        return Reaction::Nothing(NoReaction::Covered);
    }
    if let Some(why) = why_not(input, expected) {
        return report(input, tampering, why);
    }
    // The change at hand may be the one that undoes a repair.
    let known = change
        .recorded()
        .map_or_else(|| history.clone(), |change| history.clone().merge(TamperHistory::of_change(change)));
    if let Some(truce) = Truce::of(&known, policy) {
        return Reaction::Truce { tampering, truce };
    }
    let tags = repaired(input, expected, &tampering);
    if tags.is_empty() {
        report(input, tampering, NotRepaired::NoRoom)
    } else {
        Reaction::Repair { tampering, tags }
    }
}

/// Finds the fault of the identity tags.
fn tampering(input: &TamperInput<'_>, expected: &ExpectedTags) -> Tampering {
    let mut found = Tampering { by: input.change.author(), ..Tampering::default() };
    let ours = expected.tags.iter().filter(|(key, _)| input.policy.is_identity_key(key));
    for (key, value) in ours {
        match input.present.iter().find(|(known, _)| known == key) {
            None => found.missing.push(key.clone()),
            Some((_, now)) if now != value && !is_legitimate(input, expected, (key, value), now) => {
                found.changed.push(key.clone());
            }
            Some(_) => {}
        }
    }
    found
}

/// True if another value of an identity tag is allowed.
///
/// The rules are those of a creation: callers may declare a key that the policy does not enforce. A person of
/// `[people]` is the same under each of their names. And a principal that the policy trusts to name the actor may
/// name another owner.
fn is_legitimate(
    input: &TamperInput<'_>,
    expected: &ExpectedTags,
    (key, value): (&str, &str),
    now: &str,
) -> bool {
    let policy = input.policy;
    if !policy.is_enforced(key) {
        return true;
    }
    let people = &policy.trust.people;
    let owner = expected.owner_arn.as_deref();
    // The name of an IAM user is not one that an identity provider gave.
    let is_user = owner.is_some_and(|arn| arn.contains(":user/") || arn.ends_with(":root"));
    let of_subject = || people.of_subject(value).filter(|_| !is_user);
    let person = owner.and_then(|arn| people.of_arn(arn)).or_else(of_subject);
    let is_owner_key = policy.owner_key().is_some_and(|owner| is_same_key(owner, key));
    let is_trusted = || {
        let role = input.change.principal.as_ref().and_then(principal_arn);
        role.is_some_and(|arn| policy.trust.source_identity.iter().any(|pattern| pattern.matches(&arn)))
    };
    is_owner_key && (person == Some(now) || is_trusted())
}

/// The ARN of a role or user, without the name of a session.
fn principal_arn(principal: &autotag_model::identity::Principal) -> Option<String> {
    principal.role_arn().or_else(|| principal.arn.clone())
}

/// Why nothing is repaired, whatever happened before.
fn why_not(input: &TamperInput<'_>, expected: &ExpectedTags) -> Option<NotRepaired> {
    let tamper = &input.policy.tamper;
    let Some(principal) = &input.change.principal else { return Some(NotRepaired::NoAuthor) };
    let arns = input.change.resource.candidates.iter().filter_map(|resource| resource.arn.as_ref());
    let mut services = arns.map(Arn::service);
    if tamper.action != TamperAction::Repair || services.any(|service| !input.policy.writes_to(service)) {
        return Some(NotRepaired::Policy);
    }
    if input.change.author().is_none() {
        return Some(NotRepaired::NoAuthor);
    }
    if tamper.is_excepted([principal_arn(principal).as_deref()]) {
        return Some(NotRepaired::Excepted);
    }
    if !expected.proof.is_some_and(Proof::is_proven) {
        return Some(NotRepaired::NotProven);
    }
    if input.change.recorded().is_none() {
        return Some(NotRepaired::NoEvent);
    }
    input.history.truce().map(|_| NotRepaired::Truce)
}

/// The tags to write: those that are gone or changed, as far as the resource has room for them.
fn repaired(
    input: &TamperInput<'_>,
    expected: &ExpectedTags,
    tampering: &Tampering,
) -> Vec<(String, String)> {
    let counted = input.present.iter().filter(|(key, _)| !autotag_model::tags::is_reserved(key)).count();
    let mut left = input.constraints.tags.saturating_sub(counted);
    let mut tags = Vec::new();
    for (key, value) in &expected.tags {
        if tampering.changed.contains(key) {
            tags.push((key.clone(), value.clone()));
        } else if tampering.missing.contains(key) && left > 0 {
            left -= 1;
            tags.push((key.clone(), value.clone()));
        }
    }
    tags
}

/// Without an entry of the resource, only a key that the call names and that is gone can be told: nothing says which tags the
/// resource had, or which value one should have.
fn without_expectation(input: &TamperInput<'_>) -> Reaction {
    let TouchedKeys::Keys(keys) = &input.change.keys else {
        return Reaction::Nothing(NoReaction::NoExpectation);
    };
    let there = |key: &&String| input.present.iter().any(|(known, _)| is_same_key(known, key));
    let missing: Vec<String> = keys.iter().filter(|key| !there(key)).cloned().collect();
    if missing.is_empty() {
        return Reaction::Nothing(NoReaction::NoExpectation);
    }
    let tampering = Tampering { by: input.change.author(), missing, changed: Vec::new() };
    report(input, tampering, NotRepaired::NoExpectation)
}

/// A report, once for each event. An event of `aws.tag` is not reported where the record of the call was.
fn report(input: &TamperInput<'_>, tampering: Tampering, why: NotRepaired) -> Reaction {
    let change = input.change;
    let is_known = change.event_id().is_some_and(|event| input.history.knows(event));
    let mut records = input.history.changes().filter(|known| !known.by.is_empty());
    let has_record = change.principal.is_none() && records.any(|known| change.is_at(known.time));
    if is_known || has_record {
        Reaction::Nothing(NoReaction::Known)
    } else {
        Reaction::Report { tampering, why }
    }
}

/// An event of `aws.tag` and the record of its call are at most so many seconds apart.
const SAME_CALL: i64 = 60;

impl TagChange {
    /// The id of the event, the same in all its copies.
    pub fn event_id(&self) -> Option<&str> {
        self.event.dedup_id.as_deref()
    }

    /// When it happened.
    pub fn time(&self) -> Option<Timestamp> {
        self.event.timestamp()
    }

    /// The principal, as [`author`] names it.
    pub fn author(&self) -> Option<String> {
        self.principal.as_ref().and_then(author)
    }

    /// The change as the history of its resource keeps it; `None` if the event has no id or no time.
    pub fn recorded(&self) -> Option<RecordedChange> {
        let by = self.author().unwrap_or_default();
        Some(RecordedChange { time: self.time()?, event: self.event_id()?.to_owned(), by })
    }

    fn is_at(&self, time: Timestamp) -> bool {
        self.time().is_some_and(|own| own.as_second().abs_diff(time.as_second()) <= SAME_CALL.unsigned_abs())
    }
}

impl Reaction {
    /// The part of a change and its reaction that the history of the resource keeps. `read` is the time just before
    /// the tags were read. It is kept after the tags are written: a write that fails is then tried again when the
    /// event comes again.
    pub fn recorded(&self, change: &TagChange, read: Timestamp) -> TamperHistory {
        let of_change = change.recorded().map(TamperHistory::of_change).unwrap_or_default();
        let answers = change.event_id().unwrap_or_default().to_owned();
        match self {
            Self::Nothing(_) | Self::Report { .. } => of_change,
            Self::Repair { .. } => {
                of_change.merge(TamperHistory::of_repair(RecordedRepair { time: read, answers }))
            }
            Self::Truce { truce, .. } => {
                let with = match &truce.reason {
                    TruceReason::Undone(by) => by.clone(),
                    TruceReason::TooManyRepairs => String::new(),
                };
                of_change.merge(TamperHistory::of_truce(TruceMark { time: read, with }))
            }
        }
    }
}
