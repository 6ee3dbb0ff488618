//! Reads sessions from a table page by page, with a limit on the memory.
//!
//! A caller who may assume a role can make as many sessions of one name in one second as STS allows, and each is an
//! entry under the same partition key. The memory of a function must not grow with their number.

use super::{DynamoDbStore, Entry, ISSUED, ROLE_SESSION, issued_with_key, text_of};
use crate::{ANY_TIME, SessionReader, SessionStoreError};
use async_trait::async_trait;
use autotag_model::identity::AccessKeyId;
use autotag_model::session::Session;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use std::ops::RangeInclusive;

/// The most sessions that a find of a time returns. A call is made in one of them; among more than these, only the
/// access key can decide.
const MAX_CANDIDATES: usize = 1_000;

/// The most sessions that a find of any time returns. It is for people, and for calls that do not name a time.
const MAX_LISTED: usize = 20_000;

/// The most bytes of sessions that are kept for each one that may be returned. A session with five tags and its caller
/// in full has 900.
const BYTES_PER_SESSION: usize = 4 << 10;

/// The longest time whose seconds are asked for one by one in a find by access key.
const LONGEST_PROBED: SignedDuration = SignedDuration::from_mins(5);

/// The most pages that a find by access key reads if its time is longer: about 32 MB of entries.
const MAX_PAGES_BY_KEY: usize = 32;

impl DynamoDbStore {
    /// The sessions issued between two times, at most `max`.
    async fn read(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
        max: usize,
    ) -> Result<Vec<Session>, SessionStoreError> {
        if role_session.is_empty() {
            // DynamoDB refuses an empty key.
            return Ok(Vec::new());
        }
        let limit = i32::try_from(max.saturating_add(1)).unwrap_or(i32::MAX);
        let mut pages = self.query_issued(role_session, between).limit(limit).into_paginator().send();
        let (mut sessions, mut read, mut bytes) = (Vec::new(), 0, 0);
        while let Some(page) = pages.next().await {
            for entry in page.map_err(|error| self.failed("Query", &error))?.items.unwrap_or_default() {
                read += 1;
                bytes += text_of(&entry).map_or(0, String::len);
                if read > max || bytes > max.saturating_mul(BYTES_PER_SESSION) {
                    return Err(self.too_many(role_session, max));
                }
                let session = self.decode(&entry)?;
                sessions.extend(between.contains(&session.issued).then_some(session));
            }
        }
        sessions.sort_by(|one, other| (one.issued, &one.access_key).cmp(&(other.issued, &other.access_key)));
        Ok(sessions)
    }

    /// The session of an access key that was issued in one of the seconds `between` two times.
    async fn probe(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
        key: &AccessKeyId,
    ) -> Result<Option<Session>, SessionStoreError> {
        for second in seconds_outwards(between) {
            let query = self.query(role_session).key_condition_expression("#id = :id AND #issued = :issued");
            let query = query.expression_attribute_names("#issued", ISSUED);
            let issued = AttributeValue::S(issued_with_key(second, Some(key)));
            let answer = query.expression_attribute_values(":issued", issued).send().await;
            let items = answer.map_err(|error| self.failed("Query", &error))?.items.unwrap_or_default();
            if let Some(entry) = items.first() {
                return self.decode(entry).map(Some);
            }
        }
        Ok(None)
    }

    /// The session of an access key, among the entries of a long time. Only that entry is decoded and kept.
    async fn scan_for(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
        key: &AccessKeyId,
    ) -> Result<Option<Session>, SessionStoreError> {
        let mut pages = self.query_issued(role_session, between).into_paginator().send();
        let mut read = 0;
        while let Some(page) = pages.next().await {
            let entries = page.map_err(|error| self.failed("Query", &error))?.items.unwrap_or_default();
            if let Some(entry) = entries.iter().find(|entry| is_of_key(entry, key)) {
                return self.decode(entry).map(Some);
            }
            read += 1;
            if read == MAX_PAGES_BY_KEY {
                return Err(self.too_many(role_session, MAX_LISTED));
            }
        }
        Ok(None)
    }

    /// A query of the entries issued between two times. Others of the first and the last second can be among them.
    fn query_issued(&self, role_session: &str, between: &RangeInclusive<Timestamp>) -> QueryFluentBuilder {
        let query = self.query(role_session);
        if *between == ANY_TIME {
            return query.key_condition_expression("#id = :id");
        }
        let (first, last) = sort_keys(between);
        query
            .key_condition_expression("#id = :id AND #issued BETWEEN :first AND :last")
            .expression_attribute_names("#issued", ISSUED)
            .expression_attribute_values(":first", AttributeValue::S(first))
            .expression_attribute_values(":last", AttributeValue::S(last))
    }

    fn query(&self, role_session: &str) -> QueryFluentBuilder {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let query = query.expression_attribute_names("#id", ROLE_SESSION);
        query.expression_attribute_values(":id", AttributeValue::S(role_session.to_owned()))
    }

    fn too_many(&self, role_session: &str, max: usize) -> SessionStoreError {
        let (place, role_session) = (self.table.clone(), role_session.to_owned());
        SessionStoreError::TooMany { place, role_session, max }
    }
}

/// True if an entry is of a session with this access key, by its sort key.
fn is_of_key(entry: &Entry, key: &AccessKeyId) -> bool {
    let sort_key = entry.get(ISSUED).and_then(|issued| issued.as_s().ok());
    sort_key.and_then(|sort_key| sort_key.split_once('#')).is_some_and(|(_, of)| of == key.reveal())
}

/// The seconds of a time, the one in its middle first: a call names the time of its session, and the time asked for
/// begins and ends equally far from that. `CloudTrail` has no fractions of a second.
fn seconds_outwards(between: &RangeInclusive<Timestamp>) -> impl Iterator<Item = Timestamp> {
    let (first, last) = (between.start().as_second(), between.end().as_second());
    let middle = first.midpoint(last);
    let pairs = (0..=last - first).flat_map(move |distance| {
        let later = (distance > 0).then_some(middle + distance);
        [Some(middle - distance), later].into_iter().flatten()
    });
    let inside = pairs.take_while(move |second| (first - 1..=last + 1).contains(second));
    let inside = inside.filter(move |second| (first..=last).contains(second));
    inside.filter_map(|second| Timestamp::from_second(second).ok())
}

/// The first and last sort key of the sessions issued between two times. Others of the same second can be among them.
///
/// With or without a fraction, a second sorts after its digits alone and before its digits with a `~`.
fn sort_keys(between: &RangeInclusive<Timestamp>) -> (String, String) {
    let second = |time: &Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    (second(between.start()), format!("{}~", second(between.end())))
}

#[async_trait]
impl SessionReader for DynamoDbStore {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        self.read(role_session, between, MAX_CANDIDATES).await
    }

    async fn find(&self, role_session: &str) -> Result<Vec<Session>, SessionStoreError> {
        self.read(role_session, &ANY_TIME, MAX_LISTED).await
    }

    async fn find_by_key(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
        key: &AccessKeyId,
    ) -> Result<Option<Session>, SessionStoreError> {
        if role_session.is_empty() {
            return Ok(None);
        }
        let is_short = between.end().duration_since(*between.start()) <= LONGEST_PROBED;
        let found = if is_short {
            self.probe(role_session, between, key).await?
        } else {
            self.scan_for(role_session, between, key).await?
        };
        Ok(found.filter(|session| between.contains(&session.issued)))
    }
}
