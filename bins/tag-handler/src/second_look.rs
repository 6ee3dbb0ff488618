//! Creations about whose owner more may be known later, as when an STS record has not come yet: put into the queue to be
//! looked at again, once, and then tagged by what is known. In this order, so that no name that is only good until the second
//! look is left alone.

use crate::config::SecondLook;
use autotag_functions::queue;
use autotag_handlers::delivery::{FIRST_LOOK, Gathered, first_look_text};
use autotag_handlers::outcome::{EventHead, Outcome, Row};
use autotag_handlers::owner::Awaited;
use aws_accounts::Accounts;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

/// How old a session may be whose record is waited for. CloudTrail delivers within 15 minutes as a rule; what has not come
/// in four times that was not recorded where we look.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// How many messages SQS takes at once, and how many bytes in all.
const MESSAGES: usize = 10;
const BYTES: usize = 900_000;

/// One event that is to be looked at again.
#[derive(Debug)]
struct Look {
    event: Arc<EventHead>,
    record: String,
    /// What the first look has decided, for all its resources.
    tags: BTreeMap<String, String>,
}

/// What has come of asking for second looks.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// How many are in the queue.
    pub(crate) looks: usize,
    /// The events of which nothing may be written yet: a name that is only good until the second look would stay.
    pub(crate) failed: HashMap<String, Outcome>,
}

/// Asks for the second looks that these rows need, before anything of them is written.
pub(crate) async fn ask(
    to: &SecondLook,
    accounts: &Accounts,
    texts: &HashMap<String, String>,
    rows: &[&Row],
    (now, end): (Timestamp, Instant),
) -> Asked {
    let looks = wanted(texts, rows, now);
    let sent = join_all(parts(&looks).into_iter().map(|part| async move {
        timeout_at(end, send(to, accounts, part))
            .await
            .unwrap_or_else(|_| part.iter().map(|_| false).collect())
    }));
    let sent: Vec<bool> = sent.await.concat();
    let why = || Outcome::Deferred("its second look could not be put into the queue".to_owned());
    let failed = looks.iter().zip(&sent).filter(|(_, sent)| !**sent);
    let failed = failed.filter_map(|(look, _)| Some((look.event.id.clone()?, why()))).collect();
    Asked { looks: sent.into_iter().filter(|sent| *sent).count(), failed }
}

/// The events on whose way to the owner something is missing that may still come.
fn wanted(texts: &HashMap<String, String>, rows: &[&Row], now: Timestamp) -> Vec<Look> {
    let mut looks: Vec<Look> = Vec::new();
    for row in rows {
        let awaited = row.owner.as_ref().and_then(|owner| owner.awaited.as_ref());
        let text = row.event.id.as_ref().and_then(|id| texts.get(id));
        let (Some(record), true) = (text, awaited.is_some_and(|awaited| may_come(awaited, now))) else {
            continue;
        };
        let tags = row.decided.pairs().map(|(key, value)| (key.to_owned(), value.to_owned()));
        match looks.iter_mut().rev().find(|look| look.event.id == row.event.id) {
            Some(look) => look.tags.extend(tags),
            None => looks.push(Look {
                event: Arc::clone(&row.event),
                record: record.clone(),
                tags: tags.collect(),
            }),
        }
    }
    looks
}

fn may_come(awaited: &Awaited, now: Timestamp) -> bool {
    awaited.since.is_none_or(|since| now.duration_since(since) < LATE)
}

/// As many as go in one call each.
fn parts(looks: &[Look]) -> Vec<&[Look]> {
    let (mut parts, mut rest) = (Vec::new(), looks);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fit = rest.iter().take(MESSAGES).take_while(|look| {
            bytes += size(look);
            bytes <= BYTES
        });
        // One that is too large alone is for SQS to refuse.
        let (part, after) = rest.split_at(fit.count().max(1));
        parts.push(part);
        rest = after;
    }
    parts
}

fn size(look: &Look) -> usize {
    look.record.len() + look.tags.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>()
}

/// Puts a part into the queue; whether each is in it.
async fn send(to: &SecondLook, accounts: &Accounts, part: &[Look]) -> Vec<bool> {
    let entries: Vec<Value> = part
        .iter()
        .enumerate()
        .map(|(number, look)| {
            let tags = first_look_text(look.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
            json!({
                "Id": number.to_string(),
                "MessageBody": look.record,
                "DelaySeconds": to.after.as_secs(),
                "MessageAttributes": {FIRST_LOOK: {"DataType": "String", "StringValue": tags}},
            })
        })
        .collect();
    let input = json!({"QueueUrl": to.queue_url, "Entries": entries});
    let answer = match queue::call(accounts, "SendMessageBatch", &input).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(%error, "cannot put second looks into the queue");
            return part.iter().map(|_| false).collect();
        }
    };
    let sent: BTreeSet<&str> = answer
        .get("Successful")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.get("Id")?.as_str())
        .collect();
    (0..part.len()).map(|number| sent.contains(number.to_string().as_str())).collect()
}

/// The records of creations of which no first look has been taken.
pub(crate) fn texts(gathered: &mut Gathered) -> HashMap<String, String> {
    let mut texts = std::mem::take(&mut gathered.texts);
    let second = gathered.creations.iter().filter(|found| found.first_look.is_some());
    for id in second.filter_map(|found| found.event.id.as_ref()) {
        texts.remove(id);
    }
    texts
}
