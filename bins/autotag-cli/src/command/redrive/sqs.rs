//! The calls of SQS.

use super::message::DeadLetter;
use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use autotag_aws::Accounts;
use autotag_aws::signed::{self, Request};
use autotag_handlers::recheck::PREVIOUS_TAGS_ATTRIBUTE;
use autotag_model::arn::Region;
use serde_json::{Value, json};

/// The time for which received messages are hidden from other readers, in seconds. It must be enough to send a batch.
const VISIBILITY_TIMEOUT: u32 = 300;

/// The maximum number of messages in one call of SQS.
pub(super) const MAX_BATCH: usize = 10;

pub(super) struct Sqs {
    accounts: Accounts,
    region: Option<Region>,
}

impl Sqs {
    /// The region is that of the URL of `queue`, else that of the environment.
    pub(super) fn new(accounts: Accounts, queue: &str) -> Self {
        Self { region: region_of(queue).or_else(|| accounts.home_region()), accounts }
    }

    async fn call(&self, operation: &str, input: &Value) -> Result<Value> {
        let region = self.region.as_ref().context("no region is known: set AWS_REGION")?;
        let request = Request::json(signed::SQS, operation, region, input);
        signed::send_json(self.accounts.ambient(), request).await.map_err(anyhow::Error::from)
    }

    /// The queue that has `queue` as its dead-letter queue. Dead letters of `EventBridge` rules have none.
    ///
    /// # Errors
    /// A usage error if there is none, or more than one.
    pub(super) async fn only_source(&self, queue: &str) -> Result<String> {
        let answer = self.call("ListDeadLetterSourceQueues", &json!({"QueueUrl": queue})).await?;
        let sources = answer.get("queueUrls").and_then(Value::as_array).cloned().unwrap_or_default();
        match sources.as_slice() {
            [source] => source.as_str().map(str::to_owned).context("the answer of SQS has no URL"),
            [] => Err(usage_error(
                "`--to` is required: no queue has this dead-letter queue; it may be that of an EventBridge rule",
            )),
            more => Err(usage_error(format!(
                "`--to` is required: {} queues have this dead-letter queue",
                more.len()
            ))),
        }
    }

    /// Receives at most `count` messages, and hides them from other readers.
    pub(super) async fn receive(&self, queue: &str, count: usize) -> Result<Vec<DeadLetter>> {
        let input = json!({
            "QueueUrl": queue,
            "MaxNumberOfMessages": count,
            "VisibilityTimeout": VISIBILITY_TIMEOUT,
            "WaitTimeSeconds": 1,
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        });
        let answer = self.call("ReceiveMessage", &input).await?;
        let messages = answer.get("Messages").and_then(Value::as_array);
        Ok(messages.into_iter().flatten().map(DeadLetter::parse).collect())
    }

    /// Sends a message to `target`, then deletes it from `queue`. If the deletion fails, the message is in both queues; a second
    /// delivery writes the same tags again.
    pub(super) async fn send_back(&self, queue: &str, target: &str, message: &DeadLetter) -> Result<()> {
        let mut input = json!({"QueueUrl": target, "MessageBody": message.body});
        if let (Some(tags), Some(input)) = (&message.previous_tags, input.as_object_mut()) {
            // A recheck stays a recheck.
            let tags = json!({PREVIOUS_TAGS_ATTRIBUTE: {"DataType": "String", "StringValue": tags}});
            input.insert("MessageAttributes".to_owned(), tags);
        }
        self.call("SendMessage", &input).await?;
        let input = json!({"QueueUrl": queue, "ReceiptHandle": message.receipt});
        self.call("DeleteMessage", &input).await.context("sent, but not deleted")?;
        Ok(())
    }

    /// Makes messages visible to other readers: at most [`MAX_BATCH`].
    pub(super) async fn show(&self, queue: &str, receipts: &[&str]) -> Result<()> {
        let entry = |(id, receipt): (usize, &&str)| json!({"Id": id.to_string(), "ReceiptHandle": receipt, "VisibilityTimeout": 0});
        let entries: Vec<Value> = receipts.iter().enumerate().map(entry).collect();
        let input = json!({"QueueUrl": queue, "Entries": entries});
        self.call("ChangeMessageVisibilityBatch", &input).await.map(drop)
    }
}

/// The region in the host of a URL: `eu-west-1` of `https://sqs.eu-west-1.amazonaws.com/...`.
fn region_of(url: &str) -> Option<Region> {
    let host = url.split("//").nth(1)?.split('/').next()?;
    host.starts_with("sqs.").then(|| Region::new(host.split('.').nth(1)?)).flatten()
}
