//! The calls of SQS, about one queue each.

use super::message::DeadLetter;
use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use autotag_aws::{CallError, TooManyRequests};
use autotag_handlers::recheck::PREVIOUS_TAGS_ATTRIBUTE;
use autotag_model::arn::{AccountId, Region};
use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue, MessageSystemAttributeName,
};

/// The time for which received messages are hidden from other readers, in seconds. It must be enough to send a batch.
const VISIBILITY_TIMEOUT: i32 = 300;

/// The maximum number of messages in one call of SQS.
pub(super) const MAX_BATCH: usize = 10;

/// A queue, with the credentials to use it.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    client: Client,
    pub(super) url: String,
}

impl Queue {
    /// The queue of this URL. `config` has its region and credentials.
    pub(super) fn new(config: &SdkConfig, url: &str) -> Self {
        let config = Builder::from(config)
            .retry_partition(autotag_aws::retries("aws_sdk_sqs"))
            .retry_classifier(TooManyRequests);
        Self { client: Client::from_conf(config.build()), url: url.to_owned() }
    }

    /// The URL of the queue that has this one as its dead-letter queue. Dead letters of `EventBridge` rules have none.
    ///
    /// # Errors
    /// A usage error if there is none, or more than one.
    pub(super) async fn only_source(&self) -> Result<String> {
        let answer = self.client.list_dead_letter_source_queues().queue_url(&self.url).send().await;
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
    pub(super) async fn receive(&self, count: usize) -> Result<Vec<DeadLetter>> {
        let call = self.client.receive_message().queue_url(&self.url);
        let call = call
            .max_number_of_messages(i32::try_from(count).unwrap_or(i32::MAX))
            .visibility_timeout(VISIBILITY_TIMEOUT)
            .wait_time_seconds(1)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All");
        let answer = call.send().await.map_err(|error| CallError::of_sdk("ReceiveMessage", &error))?;
        let messages = answer.messages.unwrap_or_default().into_iter();
        Ok(messages.map(|message| DeadLetter::read(message, &self.url)).collect())
    }

    /// Puts the body of a message into this queue.
    pub(super) async fn send(&self, message: &DeadLetter) -> Result<()> {
        let mut call = self.client.send_message().queue_url(&self.url).message_body(&message.text);
        if let Some(tags) = &message.previous_tags {
            // A recheck stays a recheck.
            let tags = MessageAttributeValue::builder().data_type("String").string_value(tags).build()?;
            call = call.message_attributes(PREVIOUS_TAGS_ATTRIBUTE, tags);
        }
        let sent = call.send().await;
        Ok(sent.map(drop).map_err(|error| CallError::of_sdk("SendMessage", &error))?)
    }

    /// Deletes a message that was received from this queue.
    pub(super) async fn delete(&self, message: &DeadLetter) -> Result<()> {
        let call = self.client.delete_message().queue_url(&self.url).receipt_handle(&message.receipt);
        let deleted = call.send().await.map_err(|error| CallError::of_sdk("DeleteMessage", &error));
        deleted.map(drop).context("sent, but not deleted")
    }

    /// Makes messages visible to other readers: at most [`MAX_BATCH`].
    pub(super) async fn show(&self, receipts: &[String]) -> Result<()> {
        let mut call = self.client.change_message_visibility_batch().queue_url(&self.url);
        for (number, receipt) in receipts.iter().enumerate() {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(number.to_string());
            call = call.entries(entry.receipt_handle(receipt).visibility_timeout(0).build()?);
        }
        let shown = call.send().await;
        shown.map(drop).map_err(|error| CallError::of_sdk("ChangeMessageVisibilityBatch", &error).into())
    }
}

/// True for a URL with a host, an account and a name, as SQS gives them. Emulators and private endpoints have other hosts.
pub(super) fn is_queue_url(url: &str) -> bool {
    let without_scheme = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some((host, path)) = without_scheme.and_then(|rest| rest.split_once('/')) else { return false };
    let Some((account, name)) = path.split_once('/') else { return false };
    let is_name =
        |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    is_name(host) && AccountId::new(account).is_some() && is_name(name)
}

/// The region in the host of a URL: `eu-west-1` of `https://sqs.eu-west-1.amazonaws.com/...`.
pub(super) fn region_of(url: &str) -> Option<Region> {
    let host = url.split("//").nth(1)?.split('/').next()?;
    host.starts_with("sqs.").then(|| Region::new(host.split('.').nth(1)?)).flatten()
}

/// The account in the path of a URL: `https://sqs.eu-west-1.amazonaws.com/111122223333/name`.
pub(super) fn account_of(url: &str) -> Option<AccountId> {
    AccountId::new(url.split("//").nth(1)?.split('/').nth(1)?)
}
