//! Payloads of the functions -> messages and jobs.
//!
//! The parser is a file of `autotag-lambda`, which cannot be built without the AWS SDK. The file itself needs only the
//! engine, so it is compiled here once more (`build.rs`).

mod invocation {
    #![allow(unreachable_pub, reason = "there it is a part of a library")]
    include!(concat!(env!("OUT_DIR"), "/invocation.rs"));
}

use crate::mutate::Seeds;
use crate::seeds::SeedTexts;
use crate::target::{Target, Violation, error_is_readable, hold, same, shortened};
use crate::{random, wrap};
use fastrand::Rng;
use invocation::{Job, Message, Source, parse_payload, previous_tags_text};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) struct Payloads {
    seeds: Seeds,
    records: Seeds,
}

impl Payloads {
    pub(super) fn new(seeds: &SeedTexts) -> Self {
        let small = seeds.records.iter().filter(|text| text.len() <= 800);
        Self { seeds: Seeds::new(&seeds.payloads), records: Seeds::new(small) }
    }
}

impl Target for Payloads {
    fn name(&self) -> &'static str {
        "payload"
    }

    fn share(&self) -> u64 {
        50
    }

    fn generate(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        if rng.u8(..5) == 0 {
            let mut record = Vec::new();
            self.records.mutated(rng, &mut record);
            wrap::once(rng, &record, out);
        } else {
            self.seeds.mutated(rng, out);
        }
        if rng.u8(..4) == 0 {
            let inner = std::mem::take(out);
            wrap::once(rng, &inner, out);
        }
        if rng.u8(..16) == 0 {
            random::damage(rng, out);
        }
    }

    fn check(&self, input: &[u8]) -> Result<(), Violation> {
        let text = String::from_utf8_lossy(input);
        let parsed = parse_payload(&text, None);
        same(&parsed, &parse_payload(&text, None), "parsed twice, the same invocation")?;
        let invocation = match parsed {
            Ok(invocation) => invocation,
            Err(error) => return error_is_readable(&error, input),
        };
        let told = || shortened(format!("{invocation:?}"));
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        let records = value.get("Records").and_then(Value::as_array).into_iter().flatten();
        let of_queue =
            records.filter(|record| record.get("eventSource").and_then(Value::as_str) == Some("aws:sqs"));
        let (count, of_queue) = (invocation.messages.len(), of_queue.count());
        // A record of another source in a batch may be a message as well: it has to be answered.
        let whole = if of_queue == 0 { count == 0 } else { count >= of_queue };
        hold(whole, "every message of a queue is a message", || format!("{count} of {of_queue}"))?;
        hold(invocation.from_queue != invocation.messages.is_empty(), "messages come from a queue", told)?;
        for job in &invocation.jobs {
            let has_message = invocation.message(job.origin).is_some();
            hold(has_message == invocation.from_queue, "a job is of a message, if there are some", told)?;
            if let Source::Object { key, .. } = &job.source {
                let digest = key.split('/').any(|part| part == "CloudTrail-Digest");
                hold(!digest, "a digest is not read", || key.clone())?;
            }
        }
        for (number, message) in invocation.messages.iter().enumerate() {
            let has_job = invocation.jobs.iter().any(|job| job.origin.0 == number);
            hold(
                has_job || is_nothing(&message.body),
                "a message without a job is a notice of nothing",
                || shortened(&message.body),
            )?;
            previous_tags_are_kept(message)?;
        }
        let length = |job: &Job| {
            if let Source::Text(text) = &job.source {
                text.len()
            } else if let Source::Object { bucket, key } = &job.source {
                bucket.len() + key.len()
            } else {
                0
            }
        };
        let bytes: usize = invocation.jobs.iter().map(length).sum();
        // The name of a bucket is said once for many keys.
        let most = 256 + input.len() * (8 + invocation.jobs.len());
        hold(bytes <= most, "jobs are not larger than the payload", || bytes.to_string())
    }
}

/// True if a message is of a kind that needs no work: the notice that S3 sends once, and the delivery of a digest.
fn is_nothing(body: &str) -> bool {
    ["TestEvent", "CloudTrail-Digest"].iter().any(|word| body.contains(word)) || body.contains("\\u")
}

fn previous_tags_are_kept(message: &Message) -> Result<(), Violation> {
    let Some(tags) = &message.previous_tags else { return Ok(()) };
    let again = previous_tags_text(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let read = serde_json::from_str::<BTreeMap<String, String>>(&again);
    let kept = read.is_ok_and(|read| read.into_iter().eq(tags.iter().cloned()));
    hold(kept, "the tags of an attribute are written as they are read", || again.clone())
}
