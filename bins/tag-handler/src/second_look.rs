//! The messages that bring creations back for a second look.

use crate::config::SecondLook;
use autotag_aws::Accounts;
use autotag_handlers::delivery::{FIRST_LOOK, first_look_text};
use autotag_handlers::outcome::{Outcome, Row};
use autotag_handlers::second_look::{Look, wanted};
use autotag_lambda::queue::{self, OutgoingMessage};
use futures_util::future::join_all;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use tokio::time::{Instant, timeout_at};

/// How many bytes SQS takes at once, in all messages together.
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
        let fit = rest.iter().take(queue::MAX_BATCH).take_while(|look| {
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
    let message = |look: &Look| {
        let tags = first_look_text(look.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        OutgoingMessage {
            body: look.record.clone(),
            attributes: vec![(FIRST_LOOK, tags)],
            delay: Some(to.after),
        }
    };
    let messages = part.iter().map(message).collect();
    queue::send_batch(&queue::client(accounts), &to.queue_url, messages).await.unwrap_or_else(|error| {
        tracing::error!(%error, "cannot put second looks into the queue");
        part.iter().map(|_| false).collect()
    })
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
