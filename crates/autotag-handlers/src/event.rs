//! Facts about the event of a record for outcomes, logs and tags, without the payload.

use autotag_model::arn::AccountId;
use autotag_model::record::Record;
use jiff::Timestamp;
use std::borrow::Cow;

/// The summary of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventSummary {
    /// `eventID`.
    pub id: Option<String>,
    /// `sharedEventID`, otherwise `eventID`: the same in all copies of one event.
    pub dedup_id: Option<String>,
    /// `requestID`. Several records can share it.
    pub request_id: Option<String>,
    /// `eventTime`, as written.
    pub time: Option<String>,
    /// `eventSource`.
    pub source: String,
    /// `eventName`.
    pub name: String,
    /// The account in which the resource lies.
    pub account: Option<String>,
    /// The region of the call.
    pub region: Option<String>,
    /// `sourceIPAddress`.
    pub source_ip: Option<String>,
    /// `userAgent`.
    pub user_agent: Option<String>,
}

impl EventSummary {
    /// The summary of a record. `account` counts if the record names none.
    pub fn of(record: &Record<'_>, account: Option<&AccountId>) -> Self {
        let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        let account = record.recipient_account().or_else(|| account.cloned());
        Self {
            id: owned(&record.event_id),
            dedup_id: record.dedup_id().map(str::to_owned),
            request_id: owned(&record.request_id),
            time: owned(&record.event_time),
            source: record.event_source.to_string(),
            name: record.event_name.to_string(),
            account: account.map(|account| account.as_str().to_owned()),
            region: owned(&record.aws_region),
            source_ip: owned(&record.source_ip_address),
            user_agent: owned(&record.user_agent),
        }
    }

    /// `eventTime`; `None` if it cannot be read.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.time.as_deref()?.parse().ok()
    }
}
