//! Creations whose STS record has not come yet: tagged at once by what is known, and put into the queue to be looked at
//! again, once.

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
use std::time::Duration;
use tokio::time::timeout;

/// How old a session may be whose record is waited for. CloudTrail delivers within 15 minutes as a rule; what has not come
/// in four times that was not recorded where we look.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// How many messages SQS takes at once, and how many bytes in all.
const MESSAGES: usize = 10;
const BYTES: usize = 900_000;

/// How long asking may take: it comes after work has stopped, and the answer has to get out.
const TIME: Duration = Duration::from_millis(700);

/// One event that is to be looked at again.
#[derive(Debug)]
struct Look {
    event: Arc<EventHead>,
    record: String,
    /// What the first look has decided, for all its resources.
    tags: BTreeMap<String, String>,
}

/// Asks for the second looks that these rows need; returns how many. Where that fails the rows are not done.
pub(crate) async fn ask(
    to: &SecondLook,
    accounts: &Accounts,
    texts: &HashMap<String, String>,
    rows: &mut [Row],
    now: Timestamp,
) -> usize {
    let looks = wanted(texts, rows, now);
    let parts = parts(&looks);
    let asked = join_all(parts.iter().map(|part| async {
        timeout(TIME, send(to, accounts, part)).await.unwrap_or_else(|_| part.iter().map(|_| false).collect())
    }));
    let asked: Vec<bool> = asked.await.concat();
    for (look, asked) in looks.iter().zip(&asked) {
        let of_event = rows.iter_mut().filter(|row| Arc::ptr_eq(&row.event, &look.event));
        for row in of_event.filter(|row| !asked && !row.outcome.is_returned()) {
            row.outcome = Outcome::Deferred("its second look could not be put into the queue".to_owned());
        }
    }
    asked.into_iter().filter(|asked| *asked).count()
}

/// The events on whose way to the owner a session is missing that may still come.
fn wanted(texts: &HashMap<String, String>, rows: &[Row], now: Timestamp) -> Vec<Look> {
    let mut looks: Vec<Look> = Vec::new();
    let done = |row: &&Row| matches!(row.outcome, Outcome::Tagged | Outcome::AlreadyTagged(_));
    for row in rows.iter().filter(done) {
        let awaited = row.owner.as_ref().and_then(|owner| owner.awaited.as_ref());
        let text = row.event.id.as_ref().and_then(|id| texts.get(id));
        let (Some(record), true) = (text, awaited.is_some_and(|awaited| may_come(awaited, now))) else {
            continue;
        };
        let tags = row.decided.pairs().map(|(key, value)| (key.to_owned(), value.to_owned()));
        match looks.iter_mut().rev().find(|look| Arc::ptr_eq(&look.event, &row.event)) {
            Some(look) => look.tags.extend(tags),
            None => looks.push(Look {
                event: Arc::clone(&row.event),
                record: record.clone(),
                tags: tags.collect(),
            }),
        }
    }
    // Copies of an event are one.
    let mut seen = BTreeSet::new();
    looks.retain(|look| seen.insert(look.event.id.clone()));
    looks
}

fn may_come(awaited: &Awaited, now: Timestamp) -> bool {
    awaited.issued.is_none_or(|issued| now.duration_since(issued) < LATE)
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
    let second = gathered.creations.iter().filter(|found| found.second_look);
    for id in second.filter_map(|found| found.event.id.as_ref()) {
        texts.remove(id);
    }
    texts
}
