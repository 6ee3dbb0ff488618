//! The messages that bring creations back for a second look.

use crate::config::SecondLook;
use autotag_aws::Accounts;
use autotag_handlers::delivery::{FIRST_LOOK, first_look_text};
use autotag_handlers::outcome::{Outcome, Row};
use autotag_handlers::second_look::{Look, wanted};
use autotag_lambda::queue;
use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokio::time::{Instant, timeout_at};

/// How many messages SQS takes at once, and how many bytes in all.
const MESSAGES: usize = 10;
const BYTES: usize = 900_000;

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
    records: &BTreeMap<String, String>,
    rows: &[&Row],
    (now, end): (Timestamp, Instant),
) -> Asked {
    let looks = wanted(records, rows, now);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Looks at records that are so long.
    fn looks(sizes: &[usize]) -> Vec<Look> {
        sizes.iter().map(|size| Look::at(Arc::default(), &"x".repeat(*size))).collect()
    }

    #[test]
    fn a_call_takes_ten_messages_and_less_than_sqs_allows() {
        let sizes = |parts: Vec<&[Look]>| parts.iter().map(|part| part.len()).collect::<Vec<_>>();
        assert_eq!(sizes(parts(&looks(&[1; 23]))), [10, 10, 3]);
        assert_eq!(sizes(parts(&looks(&[400_000; 5]))), [2, 2, 1]);
        assert_eq!(
            sizes(parts(&looks(&[1, BYTES + 1, 1]))),
            [1, 1, 1],
            "one that is too large keeps no other"
        );
        assert_eq!(sizes(parts(&looks(&[]))), Vec::<usize>::new());
    }
}
