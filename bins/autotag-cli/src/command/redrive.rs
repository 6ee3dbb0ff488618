//! `autotag redrive`: lists dead-letter messages with their failure reasons, and sends them on.

mod access;
mod body;
mod message;
mod queue_run;
mod report;
mod sources;
mod sqs;
mod unsent;

use crate::cli::RedriveArgs;
use crate::completion::Completion;
use crate::connection::connect;
use crate::output::{plural, printable};
use crate::setup::usage_error;
use access::Access;
use anyhow::{Context as _, Result};
use autotag_aws::{Accounts, Settings};
use futures_util::StreamExt as _;
use queue_run::{Count, Filter, QueueRun, Rules, Targets};
use report::Report;
use sqs::{Queue, account_of, is_queue_url};
use std::io::Write as _;
use std::num::NonZeroUsize;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

pub(crate) fn run(args: &RedriveArgs) -> Result<Completion> {
    for (flag, target) in [("--to", &args.to), ("--sessions-to", &args.sessions_to)] {
        if target.as_ref().is_some_and(|target| args.queues.contains(target)) {
            return Err(usage_error(format!(
                "`{flag}` is the dead-letter queue itself: choose another queue"
            )));
        }
    }
    let named = args.queues.iter().map(|url| ("QUEUE_URL", url));
    let targets = [("--to", &args.to), ("--sessions-to", &args.sessions_to)];
    let targets = targets.into_iter().filter_map(|(flag, url)| Some((flag, url.as_ref()?)));
    if let Some((flag, url)) = named.chain(targets).find(|(_, url)| !is_queue_url(url)) {
        return Err(usage_error(format!(
            "{flag} `{}` is not the URL of a queue: expected https://sqs.REGION.amazonaws.com/ACCOUNT/NAME",
            printable(url)
        )));
    }
    let runtime = Runtime::new().context("cannot start the threads that call AWS")?;
    runtime.block_on(redrive(args))
}

async fn redrive(args: &RedriveArgs) -> Result<Completion> {
    let environment = connect(Settings::default()).await?;
    let urls = sources::sources(args, &environment).await?;
    let all = Redrive::new(args, &environment, &urls).await?;
    if let [url] = urls.as_slice() {
        return all.only(url).await;
    }
    all.several(&urls).await
}

/// Settings that all queues share.
struct Redrive<'a> {
    args: &'a RedriveArgs,
    receivers: Access,
    /// The targets on the command line; `None`: that of the queue itself.
    targets: Option<Targets>,
    report: Mutex<Report>,
}

impl<'a> Redrive<'a> {
    async fn new(args: &'a RedriveArgs, environment: &Accounts, urls: &[String]) -> Result<Self> {
        let external_id = args.external_id.as_deref();
        let accounts = urls.iter().filter_map(|url| account_of(url)).collect();
        let receivers = Access::new(environment, args.receive_role.as_deref(), external_id, accounts);
        let named = [&args.to, &args.sessions_to];
        let accounts = named.iter().filter_map(|url| account_of(url.as_deref()?)).collect();
        let senders = Access::new(environment, args.send_role.as_deref(), external_id, accounts);
        let targets = if named.iter().all(|url| url.is_none()) {
            None
        } else {
            let (others, sessions) =
                (of(&senders, args.to.as_ref()).await?, of(&senders, args.sessions_to.as_ref()).await?);
            Some(Targets { sessions, others })
        };
        Ok(Self { args, receivers, targets, report: Mutex::new(Report::new(args.format)) })
    }

    /// Handles the only queue. An error of it is that of the program.
    async fn only(&self, url: &str) -> Result<Completion> {
        let (count, ended) = self.queue(url).await;
        let printed = self.report.lock().await.finish();
        if count.received > 0 || count.left_out > 0 || ended.is_ok() {
            self.summarize(&plural(count.received, "dead letter"), count)?;
        }
        match plural(count.received, "message") {
            _ if count.received == 0 => ended?,
            received => ended.with_context(|| format!("stopped after {received}"))?,
        }
        printed?;
        Ok(if count.failed == 0 { Completion::Complete } else { Completion::Partial })
    }

    /// Handles several queues at the same time. One that fails is named, and the others go on.
    async fn several(&self, urls: &[String]) -> Result<Completion> {
        let (mut all, mut failed_queues) = (Count::default(), 0_usize);
        let runs = urls.iter().map(|url| async move { (url, self.queue(url).await) });
        let mut runs = futures_util::stream::iter(runs).buffer_unordered(self.args.jobs.get());
        while let Some((url, (count, ended))) = runs.next().await {
            all.received += count.received;
            all.sent += count.sent;
            all.failed += count.failed;
            all.left_out += count.left_out;
            if let Err(error) = ended {
                failed_queues += 1;
                writeln!(anstream::stderr(), "{}: {error:#}", printable(url))?;
            }
        }
        drop(runs);
        self.report.lock().await.finish()?;
        let unread = match failed_queues {
            0 => String::new(),
            failed => format!(" ({failed} of them not read to the end)"),
        };
        let letters = plural(all.received, "dead letter");
        let what = format!("{letters} in {}{unread}", plural(urls.len(), "queue"));
        self.summarize(&what, all)?;
        let is_complete = failed_queues == 0 && all.failed == 0;
        Ok(if is_complete { Completion::Complete } else { Completion::Partial })
    }

    async fn queue(&self, url: &str) -> (Count, Result<()>) {
        let found = async {
            let queue = self.receivers.queue(url).await?;
            Ok((self.targets_of(&queue).await?, queue))
        };
        let (targets, queue) = match found.await {
            Ok(found) => found,
            Err(error) => return (Count::default(), Err(error)),
        };
        let args = self.args;
        let rules = Rules {
            filter: Filter {
                since: args.since,
                reason: args.reason.as_ref().map(|text| text.to_lowercase()),
            },
            report: &self.report,
            max: args.max.map_or(usize::MAX, NonZeroUsize::get),
            most_hidden: args.most_hidden,
        };
        QueueRun::new(&queue, targets.as_ref(), &rules).all().await
    }

    /// The targets of a queue's messages; `None`: they are only listed.
    async fn targets_of(&self, queue: &Queue) -> Result<Option<Targets>> {
        if !self.args.yes {
            return Ok(None);
        }
        if let Some(targets) = &self.targets {
            return Ok(Some(targets.clone()));
        }
        // A queue has messages for one function, whose queue is the only source. Both are in one account.
        let target = self.receivers.queue(&queue.only_source().await?).await?;
        Ok(Some(Targets { sessions: Some(target.clone()), others: Some(target) }))
    }

    fn summarize(&self, what: &str, count: Count) -> Result<()> {
        let hint = if self.args.yes { "" } else { "; pass --yes to send" };
        let left_out = match count.left_out {
            0 => String::new(),
            more => format!(", {more} left out"),
        };
        writeln!(crate::console::notes(), "{what}, {} sent{left_out}{hint}", count.sent)?;
        Ok(())
    }
}

async fn of(senders: &Access, url: Option<&String>) -> Result<Option<Queue>> {
    match url {
        Some(url) => Ok(Some(senders.queue(url).await?)),
        None => Ok(None),
    }
}
