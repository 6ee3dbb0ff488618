//! One run over a dead-letter queue.

use super::message::DeadLetter;
use super::report::Report;
use super::sqs::{MAX_BATCH, Queue};
use super::unsent::Unsent;
use crate::output::printable;
use anyhow::{Result, anyhow, bail};
use jiff::Timestamp;
use std::io::Write as _;
use tokio::sync::Mutex;

/// The queues to send messages to, by what is in their bodies.
#[derive(Debug, Clone, Default)]
pub(super) struct Targets {
    /// For STS records.
    pub(super) sessions: Option<Queue>,
    /// For all else.
    pub(super) others: Option<Queue>,
}

impl Targets {
    /// The queues that a message goes to.
    ///
    /// # Errors
    /// The body is not understood, or no queue was named for what is in it.
    fn of(&self, message: &DeadLetter) -> Result<Vec<&Queue>> {
        let missing = |what: &str, flag: &str| anyhow!("it holds {what}: name the queue with {flag}");
        let mut all = Vec::new();
        if message.has_sessions {
            all.push(self.sessions.as_ref().ok_or_else(|| missing("STS records", "--sessions-to"))?);
        }
        if message.has_others {
            all.push(self.others.as_ref().ok_or_else(|| missing("events for tag-handler", "--to"))?);
        }
        if all.is_empty() {
            bail!("its body is not understood, so it stays in the queue");
        }
        all.dedup_by(|a, b| a.url == b.url);
        Ok(all)
    }
}

/// Which messages are handled. The others stay where they are.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub(super) since: Option<Timestamp>,
    /// In lower case.
    pub(super) reason: Option<String>,
}

impl Filter {
    fn takes(&self, message: &DeadLetter) -> bool {
        let is_late = |since| message.time().is_none_or(|time| time >= since);
        let has_reason = |reason: &String| message.row.error.to_lowercase().contains(reason);
        self.since.is_none_or(is_late) && self.reason.as_ref().is_none_or(has_reason)
    }
}

/// How many messages of a queue were handled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Received, and not left out by the filter.
    pub(super) received: usize,
    pub(super) sent: usize,
    /// Could not be sent.
    pub(super) failed: usize,
    /// Left out by the filter.
    pub(super) left_out: usize,
}

/// Settings that every queue shares.
pub(super) struct Rules<'a> {
    pub(super) filter: Filter,
    pub(super) report: &'a Mutex<Report>,
    /// The maximum number of messages.
    pub(super) max: usize,
    /// The maximum number of messages that are hidden because they were not sent.
    pub(super) most_hidden: usize,
}

/// A body is kept only while its message is sent.
pub(super) struct QueueRun<'a> {
    queue: &'a Queue,
    /// `None`: messages are only listed.
    targets: Option<&'a Targets>,
    rules: &'a Rules<'a>,
    unsent: Unsent,
    count: Count,
}

impl<'a> QueueRun<'a> {
    pub(super) fn new(queue: &'a Queue, targets: Option<&'a Targets>, rules: &'a Rules<'a>) -> Self {
        Self { queue, targets, rules, unsent: Unsent::new(), count: Count::default() }
    }

    /// Receives messages until there is no new one, and sends each of them. Whatever ended it, messages that were not sent
    /// become visible to others.
    pub(super) async fn all(mut self) -> (Count, Result<()>) {
        let ended = self.receive_all().await;
        self.show_unsent().await;
        (self.count, ended)
    }

    async fn receive_all(&mut self) -> Result<()> {
        while self.count.received < self.rules.max {
            let mut any_new = false;
            for message in self.queue.receive(MAX_BATCH.min(self.rules.max - self.count.received)).await? {
                // A message that was not sent returns after its visibility timeout, with another receipt.
                if self.unsent.has(&message.row.message_id) {
                    self.unsent.add(&message.row.message_id, &message.receipt)?;
                    continue;
                }
                any_new = true;
                self.handle(message).await?;
            }
            if !any_new {
                break;
            }
            if self.unsent.len() >= self.rules.most_hidden {
                bail!("{} messages are not sent, and the rest was not read", self.unsent.len());
            }
        }
        Ok(())
    }

    /// Sends a message if there is a target, and reports it.
    async fn handle(&mut self, mut message: DeadLetter) -> Result<()> {
        if !self.rules.filter.takes(&message) {
            self.count.left_out += 1;
            self.unsent.add(&message.row.message_id, &message.receipt)?;
            return Ok(());
        }
        self.count.received += 1;
        if let Some(targets) = self.targets {
            match self.send(targets, &message).await {
                Ok(()) => message.row.sent = true,
                Err(error) => {
                    self.count.failed += 1;
                    let id = printable(&message.row.message_id);
                    writeln!(anstream::stderr(), "{id}: {error:#}")?;
                }
            }
        }
        if message.row.sent {
            self.count.sent += 1;
        } else {
            self.unsent.add(&message.row.message_id, &message.receipt)?;
        }
        self.rules.report.lock().await.add(&message.row)
    }

    /// Sends a message, then deletes it. If the deletion fails, the message is in both queues; a second delivery writes the same
    /// tags again.
    async fn send(&self, targets: &Targets, message: &DeadLetter) -> Result<()> {
        for target in targets.of(message)? {
            target.send(message).await?;
        }
        self.queue.delete(message).await
    }

    /// Makes messages that were not sent visible to other readers. Without this, SQS does it after the visibility timeout.
    async fn show_unsent(&mut self) {
        for receipts in self.unsent.batches(MAX_BATCH).into_iter().flatten() {
            let _ = self.queue.show(&receipts).await;
        }
    }
}
