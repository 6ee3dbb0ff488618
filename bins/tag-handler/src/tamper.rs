//! Answers changes of identity tags that others have made.

use crate::records::TagCall;
use autotag_handlers::classify::{Classifier, Envelope};
use autotag_handlers::outcome::Outcome;
use autotag_handlers::row::{OriginId, ResourceOutcome, Row};
use autotag_handlers::tamper::{
    NoTagChange, OwnRoles, Reaction, TagChange, TagChanges, TamperWatch, Tampering,
};
use autotag_lambda::invocation::{Job, Source};
use autotag_ledger::{Answered, TamperResponder};
use autotag_model::record::Record;
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

/// How often each reaction was chosen.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reactions {
    /// Identity tags were gone or changed.
    pub(crate) tampered: usize,
    /// They were written again.
    pub(crate) repaired: usize,
    /// From now on they are not repaired.
    pub(crate) truces: usize,
}

/// Takes the events of `aws.tag` out of the jobs. They are events of AWS's tagging, and have no record of CloudTrail in them.
pub(crate) fn take_tag_events(jobs: &mut Vec<Job>) -> Vec<(OriginId, String)> {
    let mut events = Vec::new();
    jobs.retain(|job| match &job.source {
        Source::Text(text) if is_tag_event(text) => {
            events.push((job.origin, text.clone()));
            false
        }
        _ => true,
    });
    events
}

fn is_tag_event(text: &str) -> bool {
    // Nearly every text returns here, without parsing.
    text.contains("aws.tag")
        && serde_json::from_str::<Head<'_>>(text)
            .is_ok_and(|head| head.source == "aws.tag" && head.detail_type == "Tag Change on Resource")
}

/// The members by which events are told apart.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(rename = "detail-type", borrow)]
    detail_type: Cow<'a, str>,
}

/// The changes that calls and events tell of. An event that cannot be read gets a row.
pub(crate) fn changes(
    classifier: &Classifier,
    own: &OwnRoles,
    calls: &[TagCall],
    events: &[(OriginId, String)],
    rows: &mut Vec<ResourceOutcome>,
) -> Vec<(OriginId, TagChange)> {
    let watch = TamperWatch::new(classifier, own);
    let of_calls = calls.iter().filter_map(|call| {
        let record: Record<'_> = serde_json::from_str(&call.text).ok()?;
        let envelope = Envelope { event_bridge: call.event_bridge.as_ref(), account: call.account.as_ref() };
        Some((call.origin, watch.read(&record, envelope)))
    });
    let of_events = events.iter().map(|(origin, text)| (*origin, watch.read_tag_event(text)));
    let mut all = Vec::new();
    for (origin, found) in of_calls.chain(of_events) {
        match found {
            TagChanges::Changes(changes) => all.extend(changes.into_iter().map(|change| (origin, change))),
            TagChanges::None(NoTagChange::Malformed) => {
                let why = Outcome::Malformed("a change of tags cannot be read".to_owned());
                let mut row = Row::of_event(Arc::default(), why);
                row.origin = origin;
                rows.push(row);
            }
            _ => {}
        }
    }
    all
}

/// Answers the changes of at most `concurrency` resources at a time, and those of one resource one after the other.
/// Adds a row for each change that could not be answered until `deadline`, so that its message is returned.
pub(crate) async fn answer(
    responder: &TamperResponder<'_>,
    changes: Vec<(OriginId, TagChange)>,
    rows: &mut Vec<ResourceOutcome>,
    now: Timestamp,
    concurrency: NonZeroUsize,
    deadline: Instant,
) -> Reactions {
    let mut of_resources: BTreeMap<String, Vec<(OriginId, TagChange)>> = BTreeMap::new();
    for (origin, change) in changes {
        of_resources.entry(change.resource.text.clone()).or_default().push((origin, change));
    }
    let answers = of_resources.into_values().map(|mut changes| async move {
        changes.sort_by_key(|(_, change)| change.time());
        let mut answers = Vec::with_capacity(changes.len());
        for (origin, change) in changes {
            let answer = timeout_at(deadline, responder.answer(&change, now)).await.unwrap_or_else(|_| {
                Err(Outcome::Deferred("out of time before the change of its tags was answered".to_owned()))
            });
            answers.push((origin, change, answer));
        }
        answers
    });
    let answers: Vec<_> = answers.collect();
    let answers: Vec<Vec<_>> = stream::iter(answers).buffered(concurrency.get()).collect().await;
    let mut reactions = Reactions::default();
    for (origin, change, answer) in answers.into_iter().flatten() {
        match answer {
            Ok(answered) => reactions.note(&change, &answered),
            Err(outcome) => {
                let mut row = Row::of_event(Arc::clone(&change.event), outcome);
                row.origin = origin;
                rows.push(row);
            }
        }
    }
    reactions
}

impl Reactions {
    /// Counts a reaction, and logs it. The values of tags are not logged.
    fn note(&mut self, change: &TagChange, answered: &Answered) {
        let (tampering, what) = match &answered.reaction {
            Reaction::Report { tampering, why } => (tampering, format!("not repaired: {why}")),
            Reaction::Repair { tampering, .. } => {
                self.repaired += 1;
                (tampering, "written again".to_owned())
            }
            Reaction::Truce { tampering, truce } => {
                self.truces += 1;
                (tampering, truce.to_string())
            }
            _ => return,
        };
        self.tampered += 1;
        let Tampering { by, missing, changed, .. } = tampering;
        let resource = answered.resource.as_ref().map(autotag_model::rule::Resource::display);
        tracing::warn!(
            resource = resource.as_deref().unwrap_or(&change.resource.text),
            by = by.as_deref(),
            missing = missing.join(", "),
            changed = changed.join(", "),
            event_id = change.event_id(),
            event_name = change.event.name,
            what,
            "identity tags were taken off or changed"
        );
    }
}
