//! `autotag redrive`: lists dead-letter messages with their failure reasons, and sends them back to their queue.

mod message;
mod report;
mod sqs;

use crate::cli::RedriveArgs;
use crate::completion::Completion;
use crate::output::{plural, printable};
use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use autotag_aws::{Accounts, Settings};
use message::DeadLetter;
use report::Report;
use sqs::{MAX_BATCH, Sqs};
use std::collections::HashMap;
use std::io::Write as _;
use std::num::NonZeroUsize;
use tokio::runtime::Runtime;

pub(crate) fn run(args: &RedriveArgs) -> Result<Completion> {
    if args.to.as_ref() == Some(&args.queue) {
        return Err(usage_error("`--to` is the dead-letter queue itself: choose another queue"));
    }
    let runtime = Runtime::new().context("cannot start the threads that call AWS")?;
    runtime.block_on(redrive(args))
}

async fn redrive(args: &RedriveArgs) -> Result<Completion> {
    let sqs = Sqs::new(&Accounts::connect(Settings::default()).await, &args.queue)?;
    let target = match (&args.to, args.yes) {
        (_, false) => None,
        (Some(to), true) => Some(to.clone()),
        (None, true) => Some(sqs.only_source(&args.queue).await?),
    };
    let mut run = Run {
        sqs,
        queue: &args.queue,
        target,
        report: Report::new(args.format),
        unsent: HashMap::new(),
        received: 0,
        failed: 0,
    };
    let ended = run.all(args.max.map_or(usize::MAX, NonZeroUsize::get)).await;
    // Whatever ended the run, the report is printed, and messages that were not sent become visible.
    run.show_unsent().await;
    let printed = run.report.finish();
    if run.received > 0 || ended.is_ok() {
        let sent = run.received - run.unsent.len();
        let hint = if args.yes { "" } else { "; pass --yes to send" };
        writeln!(anstream::stderr(), "{}, {sent} sent{hint}", plural(run.received, "dead letter"))?;
    }
    match plural(run.received, "message") {
        _ if run.received == 0 => ended?,
        received => ended.with_context(|| format!("stopped after {received}"))?,
    }
    printed?;
    Ok(if run.failed == 0 { Completion::Complete } else { Completion::Partial })
}

/// One run over a dead-letter queue. A body is kept only while its message is sent. Ids and receipts are kept for messages that
/// were not sent; SQS hides at most 120,000 of them at the same time.
struct Run<'a> {
    sqs: Sqs,
    queue: &'a str,
    /// The queue to send messages to; `None`: they are only listed.
    target: Option<String>,
    report: Report,
    /// The receipts of messages that were received and not sent, by message id.
    unsent: HashMap<String, String>,
    /// The number of messages received.
    received: usize,
    /// The number of messages that could not be sent.
    failed: usize,
}

impl Run<'_> {
    /// Receives messages until there is no new one, and sends each of them.
    ///
    /// # Errors
    /// A receive failed, or the report could not be written. The report has all messages received so far.
    async fn all(&mut self, max: usize) -> Result<()> {
        while self.received < max {
            let count = MAX_BATCH.min(max - self.received);
            let mut any_new = false;
            for message in self.sqs.receive(self.queue, count).await? {
                // A message that was not sent returns after its visibility timeout, with another receipt.
                if let Some(receipt) = self.unsent.get_mut(&message.row.message_id) {
                    *receipt = message.receipt;
                    continue;
                }
                any_new = true;
                self.received += 1;
                self.handle(message).await?;
            }
            if !any_new {
                break;
            }
        }
        Ok(())
    }

    /// Sends a message if there is a target, and reports it.
    async fn handle(&mut self, mut message: DeadLetter) -> Result<()> {
        if let Some(target) = &self.target {
            match self.sqs.send_back(self.queue, target, &message).await {
                Ok(()) => message.row.sent = true,
                Err(error) => {
                    self.failed += 1;
                    let id = printable(&message.row.message_id);
                    writeln!(anstream::stderr(), "{id}: {error:#}")?;
                }
            }
        }
        let DeadLetter { row, receipt, .. } = message;
        if !row.sent {
            self.unsent.insert(row.message_id.clone(), receipt);
        }
        self.report.add(&row)
    }

    /// Makes messages that were not sent visible to other readers. Without this, SQS does it after the visibility timeout.
    async fn show_unsent(&self) {
        let receipts: Vec<&str> = self.unsent.values().map(String::as_str).collect();
        for receipts in receipts.chunks(MAX_BATCH) {
            let _ = self.sqs.show(self.queue, receipts).await;
        }
    }
}
