//! Sends rechecks to their queue: records of creations whose owner may be better known later.

use crate::config::RecheckQueue;
use autotag_aws::Accounts;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::recheck::Recheck;
use autotag_lambda::invocation::{PREVIOUS_TAGS_ATTRIBUTE, previous_tags_text};
use autotag_lambda::queue::{self, OutgoingMessage};
use futures_util::future::join_all;
use std::collections::HashMap;
use tokio::time::{Instant, timeout_at};

/// How many bytes SQS takes at once, in all messages together.
const MAX_BATCH_BYTES: usize = 900_000;

/// The result of putting rechecks into the queue.
#[derive(Debug, Default)]
pub(crate) struct EnqueueResult {
    /// How many are in the queue.
    pub(crate) enqueued: usize,
    /// The events, by id, whose tags must not be written yet: without a recheck a provisional name would stay.
    pub(crate) failed: HashMap<String, Outcome>,
}

/// Puts the rechecks into the queue. One that is not sent at `deadline` counts as failed.
pub(crate) async fn enqueue(
    rechecks: &[Recheck],
    queue: &RecheckQueue,
    accounts: &Accounts,
    deadline: Instant,
) -> EnqueueResult {
    let sent = join_all(batches(rechecks).into_iter().map(|batch| async move {
        timeout_at(deadline, send(queue, accounts, batch))
            .await
            .unwrap_or_else(|_| batch.iter().map(|_| false).collect())
    }));
    let sent: Vec<bool> = sent.await.concat();
    let why = || Outcome::Deferred("its recheck could not be put into the queue".to_owned());
    let failed = rechecks.iter().zip(&sent).filter(|(_, sent)| !**sent);
    let failed = failed.filter_map(|(recheck, _)| Some((recheck.event.id.clone()?, why()))).collect();
    EnqueueResult { enqueued: sent.into_iter().filter(|sent| *sent).count(), failed }
}

/// The rechecks in groups that fit into one call each.
fn batches(rechecks: &[Recheck]) -> Vec<&[Recheck]> {
    let (mut batches, mut rest) = (Vec::new(), rechecks);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fit = rest.iter().take(queue::MAX_BATCH).take_while(|recheck| {
            bytes += size(recheck);
            bytes <= MAX_BATCH_BYTES
        });
        // A single one that is too large is refused by SQS.
        let (batch, after) = rest.split_at(fit.count().max(1));
        batches.push(batch);
        rest = after;
    }
    batches
}

fn size(recheck: &Recheck) -> usize {
    let tags = recheck.tags.iter().map(|(key, value)| key.len() + value.len());
    recheck.record.len() + tags.sum::<usize>()
}

/// Puts a batch into the queue. The answer tells for each recheck if it was sent.
async fn send(queue: &RecheckQueue, accounts: &Accounts, batch: &[Recheck]) -> Vec<bool> {
    let message = |recheck: &Recheck| {
        let tags = previous_tags_text(recheck.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        OutgoingMessage {
            body: recheck.record.clone(),
            attributes: vec![(PREVIOUS_TAGS_ATTRIBUTE, tags)],
            delay: Some(queue.after),
        }
    };
    let messages = batch.iter().map(message).collect();
    queue::send_batch(accounts, &queue.queue_url, messages).await.unwrap_or_else(|error| {
        tracing::error!(%error, "cannot put rechecks into the queue");
        batch.iter().map(|_| false).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Rechecks of records of these lengths.
    fn rechecks(sizes: &[usize]) -> Vec<Recheck> {
        sizes.iter().map(|size| Recheck::new(Arc::default(), &"x".repeat(*size))).collect()
    }

    #[test]
    fn a_call_takes_ten_messages_and_less_than_sqs_allows() {
        let sizes = |batches: Vec<&[Recheck]>| batches.iter().map(|batch| batch.len()).collect::<Vec<_>>();
        assert_eq!(sizes(batches(&rechecks(&[1; 23]))), [10, 10, 3]);
        assert_eq!(sizes(batches(&rechecks(&[400_000; 5]))), [2, 2, 1]);
        assert_eq!(
            sizes(batches(&rechecks(&[1, MAX_BATCH_BYTES + 1, 1]))),
            [1, 1, 1],
            "one that is too large keeps no other"
        );
        assert_eq!(sizes(batches(&rechecks(&[]))), Vec::<usize>::new());
    }
}
