//! The calls of SQS.

use super::message::DeadLetter;
use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use autotag_aws::{Accounts, CallError, TooManyRequests};
use autotag_handlers::recheck::PREVIOUS_TAGS_ATTRIBUTE;
use autotag_model::arn::Region;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue, MessageSystemAttributeName,
};

/// The time for which received messages are hidden from other readers, in seconds. It must be enough to send a batch.
const VISIBILITY_TIMEOUT: i32 = 300;

/// The maximum number of messages in one call of SQS.
pub(super) const MAX_BATCH: usize = 10;

pub(super) struct Sqs(Client);

impl Sqs {
    /// A client in the region of the URL of `queue`, else in that of the environment.
    ///
    /// # Errors
    /// No region is known.
    pub(super) fn new(accounts: &Accounts, queue: &str) -> Result<Self> {
        let region = region_of(queue).or_else(|| accounts.home_region());
        let region = region.context("no region is known: set AWS_REGION")?;
        let config = Builder::from(accounts.ambient())
            .region(autotag_aws::sdk_region(&region))
            .retry_partition(autotag_aws::retries("aws_sdk_sqs"))
            .retry_classifier(TooManyRequests);
        Ok(Self(Client::from_conf(config.build())))
    }

    /// The queue that has `queue` as its dead-letter queue. Dead letters of `EventBridge` rules have none.
    ///
    /// # Errors
    /// A usage error if there is none, or more than one.
    pub(super) async fn only_source(&self, queue: &str) -> Result<String> {
        let answer = self.0.list_dead_letter_source_queues().queue_url(queue).send().await;
        let answer = answer.map_err(|error| CallError::of_sdk("ListDeadLetterSourceQueues", &error))?;
        match answer.queue_urls() {
            [source] => Ok(source.clone()),
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
        let call = self.0.receive_message().queue_url(queue);
        let call = call
            .max_number_of_messages(i32::try_from(count).unwrap_or(i32::MAX))
            .visibility_timeout(VISIBILITY_TIMEOUT)
            .wait_time_seconds(1)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All");
        let answer = call.send().await.map_err(|error| CallError::of_sdk("ReceiveMessage", &error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(DeadLetter::read).collect())
    }

    /// Sends a message to `target`, then deletes it from `queue`. If the deletion fails, the message is in both queues; a second
    /// delivery writes the same tags again.
    pub(super) async fn send_back(&self, queue: &str, target: &str, message: &DeadLetter) -> Result<()> {
        let mut call = self.0.send_message().queue_url(target).message_body(&message.body);
        if let Some(tags) = &message.previous_tags {
            // A recheck stays a recheck.
            let tags = MessageAttributeValue::builder().data_type("String").string_value(tags).build()?;
            call = call.message_attributes(PREVIOUS_TAGS_ATTRIBUTE, tags);
        }
        call.send().await.map_err(|error| CallError::of_sdk("SendMessage", &error))?;
        let deleted = self.0.delete_message().queue_url(queue).receipt_handle(&message.receipt).send().await;
        let deleted = deleted.map_err(|error| CallError::of_sdk("DeleteMessage", &error));
        deleted.map(drop).context("sent, but not deleted")
    }

    /// Makes messages visible to other readers: at most [`MAX_BATCH`].
    pub(super) async fn show(&self, queue: &str, receipts: &[&str]) -> Result<()> {
        let mut call = self.0.change_message_visibility_batch().queue_url(queue);
        for (number, receipt) in receipts.iter().enumerate() {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(number.to_string());
            call = call.entries(entry.receipt_handle(*receipt).visibility_timeout(0).build()?);
        }
        let shown = call.send().await;
        shown.map(drop).map_err(|error| CallError::of_sdk("ChangeMessageVisibilityBatch", &error).into())
    }
}

/// The region in the host of a URL: `eu-west-1` of `https://sqs.eu-west-1.amazonaws.com/...`.
fn region_of(url: &str) -> Option<Region> {
    let host = url.split("//").nth(1)?.split('/').next()?;
    host.starts_with("sqs.").then(|| Region::new(host.split('.').nth(1)?)).flatten()
}
