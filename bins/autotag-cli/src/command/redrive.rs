//! `autotag redrive`: dead letters, with why each failed; and through again.

use crate::Done;
use crate::cli::{Format, RedriveArgs};
use crate::output::{printable, table};
use crate::setup::wrong_usage;
use anyhow::{Context as _, Result};
use autotag_aws::signed::{self, Request};
use autotag_aws::{Accounts, Settings};
use autotag_handlers::delivery::FIRST_LOOK;
use autotag_model::arn::Region;
use autotag_model::envelope::{Limits, read_records};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::{IsTerminal as _, Write as _};
use tokio::runtime::Runtime;

/// How long received messages stay hidden from others, in seconds: long enough to send them on.
const HIDDEN: u32 = 300;

/// How many messages SQS gives at once.
const AT_ONCE: usize = 10;

/// What is known of a dead letter. The names and their order are a contract.
#[derive(Debug, Serialize)]
struct Letter {
    message_id: String,
    event_id: Option<String>,
    event_time: Option<String>,
    event_source: Option<String>,
    event_name: Option<String>,
    receives: Option<u64>,
    error: String,
    sent: bool,
    #[serde(skip)]
    body: String,
    #[serde(skip)]
    receipt: String,
    /// The tags of a first look, if the message asked for a second.
    #[serde(skip)]
    first_look: Option<String>,
}

pub(crate) fn run(args: &RedriveArgs) -> Result<Done> {
    let runtime = Runtime::new().context("cannot start the threads that call AWS")?;
    runtime.block_on(redrive(args))
}

async fn redrive(args: &RedriveArgs) -> Result<Done> {
    let accounts = Accounts::connect(Settings::default()).await;
    let sqs = Sqs { region: region_of(&args.queue).or_else(|| accounts.home_region()), accounts };
    let to = match (&args.to, args.yes) {
        (Some(to), _) => Some(to.clone()),
        (None, true) => Some(sqs.only_source(&args.queue).await?),
        (None, false) => None,
    };
    let max = args.max.map_or(usize::MAX, std::num::NonZeroUsize::get);
    let (mut letters, mut seen, mut done) = (Vec::new(), HashSet::new(), Done::Whole);
    while letters.len() < max {
        let mut new = sqs.receive(&args.queue, AT_ONCE.min(max - letters.len())).await?;
        new.retain(|letter| seen.insert(letter.message_id.clone()));
        if new.is_empty() {
            break;
        }
        for letter in new.iter_mut().filter(|_| args.yes) {
            let Some(to) = &to else { break };
            match sqs.send_on(&args.queue, to, letter).await {
                Ok(()) => letter.sent = true,
                Err(error) => {
                    done = Done::Partly;
                    writeln!(anstream::stderr(), "{}: {error:#}", printable(&letter.message_id))?;
                }
            }
        }
        letters.append(&mut new);
    }
    for letter in letters.iter().filter(|letter| !letter.sent) {
        // Otherwise nobody sees it for a while; if this fails, that is all.
        let _ = sqs.show_again(&args.queue, letter).await;
    }
    print(&letters, args.format)?;
    let sent = letters.iter().filter(|letter| letter.sent).count();
    let hint = if args.yes { "" } else { "; nothing is sent without --yes" };
    writeln!(anstream::stderr(), "{} dead letters, {sent} sent on{hint}", letters.len())?;
    Ok(done)
}

/// `https://sqs.eu-west-1.amazonaws.com/...` lies in `eu-west-1`.
fn region_of(url: &str) -> Option<Region> {
    let host = url.split("//").nth(1)?.split('/').next()?;
    host.starts_with("sqs.").then(|| Region::new(host.split('.').nth(1)?)).flatten()
}

struct Sqs {
    accounts: Accounts,
    region: Option<Region>,
}

impl Sqs {
    async fn call(&self, operation: &str, input: &Value) -> Result<Value> {
        let region = self.region.as_ref().context("no region is known; set AWS_REGION")?;
        let request = Request::json(signed::SQS, operation, region, input);
        signed::send_json(self.accounts.ambient(), request).await.map_err(anyhow::Error::from)
    }

    /// The queue whose dead letters these are, if there is exactly one. `EventBridge` rules have none.
    async fn only_source(&self, queue: &str) -> Result<String> {
        let answer = self.call("ListDeadLetterSourceQueues", &json!({"QueueUrl": queue})).await?;
        let sources = answer.get("queueUrls").and_then(Value::as_array).cloned().unwrap_or_default();
        match sources.as_slice() {
            [source] => source.as_str().map(str::to_owned).context("SQS names no URL"),
            [] => Err(wrong_usage(
                "these are the dead letters of no queue (of a rule?): say with --to where they go",
            )),
            more => Err(wrong_usage(format!(
                "{} queues send their dead letters here: say with --to where they go",
                more.len()
            ))),
        }
    }

    /// Some messages; nobody else sees them for a while.
    async fn receive(&self, queue: &str, count: usize) -> Result<Vec<Letter>> {
        let input = json!({
            "QueueUrl": queue,
            "MaxNumberOfMessages": count,
            "VisibilityTimeout": HIDDEN,
            "WaitTimeSeconds": 1,
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        });
        let answer = self.call("ReceiveMessage", &input).await?;
        let messages = answer.get("Messages").and_then(Value::as_array);
        Ok(messages.into_iter().flatten().map(letter).collect())
    }

    /// Sends first and deletes then: what goes wrong in between is there twice, and tags are written twice.
    async fn send_on(&self, queue: &str, to: &str, letter: &Letter) -> Result<()> {
        let mut input = json!({"QueueUrl": to, "MessageBody": letter.body});
        if let (Some(tags), Some(input)) = (&letter.first_look, input.as_object_mut()) {
            // A second look stays one.
            let tags = json!({FIRST_LOOK: {"DataType": "String", "StringValue": tags}});
            input.insert("MessageAttributes".to_owned(), tags);
        }
        self.call("SendMessage", &input).await?;
        let input = json!({"QueueUrl": queue, "ReceiptHandle": letter.receipt});
        self.call("DeleteMessage", &input).await.context("sent on, but not deleted")?;
        Ok(())
    }

    async fn show_again(&self, queue: &str, letter: &Letter) -> Result<()> {
        let input = json!({"QueueUrl": queue, "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0});
        self.call("ChangeMessageVisibility", &input).await.map(drop)
    }
}

fn letter(message: &Value) -> Letter {
    let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let body = text("Body");
    let mut letter = Letter {
        message_id: text("MessageId"),
        event_id: None,
        event_time: None,
        event_source: None,
        event_name: None,
        receives: message
            .pointer("/Attributes/ApproximateReceiveCount")
            .and_then(Value::as_str)
            .and_then(|n| n.parse().ok()),
        error: String::new(),
        sent: false,
        receipt: text("ReceiptHandle"),
        body: String::new(),
        first_look: attribute(message, FIRST_LOOK).map(str::to_owned),
    };
    let mut unreadable = None;
    read_records(body.as_bytes(), &Limits::default(), &mut |read| match read {
        Ok(delivered) => {
            let record = &delivered.record;
            letter.event_id = record.event_id.as_deref().map(str::to_owned);
            letter.event_time = record.event_time.as_deref().map(str::to_owned);
            letter.event_source = Some(record.event_source.to_string());
            letter.event_name = Some(record.event_name.to_string());
        }
        Err(fault) => unreadable = Some(fault.to_string()),
    });
    letter.error = noted(message)
        .or(unreadable)
        .unwrap_or_else(|| "nothing is noted; see the logs of its event".to_owned());
    letter.body = body;
    letter
}

/// The reason that tag-handler, or `EventBridge`, has put beside the message.
fn noted(message: &Value) -> Option<String> {
    let code = attribute(message, "ERROR_CODE")?;
    let more =
        ["ERROR_MESSAGE", "EXHAUSTED_RETRY_CONDITION", "RULE_ARN"].map(|name| attribute(message, name));
    let parts = [Some(code)].into_iter().chain(more);
    Some(parts.flatten().collect::<Vec<_>>().join(": "))
}

fn attribute<'m>(message: &'m Value, name: &str) -> Option<&'m str> {
    message.pointer(&format!("/MessageAttributes/{name}/StringValue"))?.as_str()
}

fn print(letters: &[Letter], format: Option<Format>) -> Result<()> {
    let on_terminal = std::io::stdout().is_terminal();
    let format = format.unwrap_or(if on_terminal { Format::Table } else { Format::Jsonl });
    let mut out = std::io::stdout().lock();
    match format {
        Format::Jsonl => {
            for letter in letters {
                serde_json::to_writer(&mut out, letter)?;
                writeln!(out)?;
            }
        }
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(out);
            for letter in letters {
                csv.serialize(letter)?;
            }
            csv.flush()?;
        }
        Format::Table => {
            let mut shown = table(&["message", "event", "error", "sent"]);
            for letter in letters {
                let event = [&letter.event_source, &letter.event_name]
                    .map(|part| part.clone().unwrap_or_default())
                    .join(" ");
                let sent = if letter.sent { "yes" } else { "no" };
                shown.add_row([letter.message_id.as_str(), &event, &letter.error, sent].map(printable));
            }
            if !letters.is_empty() {
                writeln!(anstream::stdout(), "{shown}")?;
            }
        }
    }
    Ok(())
}
