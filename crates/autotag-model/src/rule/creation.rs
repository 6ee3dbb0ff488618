//! Facts of a record about the call besides its resource: if the call made the resource, and the tags that it asked
//! for.

use super::path::Path;
use super::{Rule, path};
use crate::json::{is_nothing, text};
use crate::record::{ParsedRecord, tags_in};
use crate::time::written_time;
use jiff::Timestamp;
use serde_json::Value;

/// The parameters by which AWS knows a repeated call again, in lower case. All members with botocore's trait
/// `idempotencyToken` are in it, and those that AWS documents as such.
const TOKENS: &[&str] = &[
    "callerreference",
    "clientrequesttoken",
    "clienttoken",
    "creationtoken",
    "creatorrequestid",
    "idempotencytoken",
    "requestid",
    "x-amz-client-token",
];

/// The first time that an answer of AWS can have. A smaller number is something else than a time.
const FIRST: Timestamp = Timestamp::constant(1_104_537_600, 0);

/// The first number that counts as milliseconds: as seconds it would be a time after the year 5000.
const MILLISECONDS: f64 = 1e11;

impl Rule {
    /// The tags that the call asked for: those of [`ParsedRecord::requested_tags`], and those at the paths of the rule.
    pub fn requested_tags(&self, parsed: &ParsedRecord, kind: Option<&str>) -> Vec<(String, String)> {
        let mut tags = parsed.requested_tags(kind);
        let named = self.request_tags.iter().flat_map(|path| path.values(&self.event, parsed));
        tags.extend(named.flat_map(|value| tags_in(value, kind)));
        tags
    }

    /// True if the call carries a token by which AWS knows it again. AWS answers a second call of the same token and
    /// parameters with the resource that the first one made, and records it like the first one.
    pub fn has_idempotency_token(&self, parsed: &ParsedRecord) -> bool {
        let request = path::unwrapped(&parsed.request, &self.event, "Request");
        let is_token = |name: &str| TOKENS.iter().any(|token| token.eq_ignore_ascii_case(name));
        let mut members = request.as_object().into_iter().flatten();
        members.any(|(name, value)| is_token(name) && !is_nothing(value))
    }

    /// True if the caller chooses the name of the resource, so that a deleted one can be made again under its name. Ids that AWS
    /// gives are never used again.
    pub fn is_named_by_caller(&self) -> bool {
        self.id.iter().any(Path::is_in_request)
    }

    /// When the resource was created, by the answer; of several resources the oldest. `None` if the answer does not
    /// say so.
    pub fn created(&self, parsed: &ParsedRecord) -> Option<Timestamp> {
        let times = self.created.as_ref()?.values(&self.event, parsed).into_iter().filter_map(time);
        times.filter(|time| *time >= FIRST).min()
    }

    /// True if the record proves that the call changed a resource that was there before.
    pub fn changed_an_older_one(&self, parsed: &ParsedRecord) -> bool {
        self.new_if.as_ref().is_some_and(|condition| {
            condition.path.exists(&self.event, parsed) && !condition.holds(&self.event, parsed)
        })
    }
}

/// A time in any form that CloudTrail writes: seconds or milliseconds since 1970, ISO 8601, or `Mar 3, 2026, 12:00:00
/// PM` in UTC.
fn time(value: &Value) -> Option<Timestamp> {
    if let Some(number) = value.as_f64() {
        let milliseconds = if number.abs() < MILLISECONDS { number * 1_000.0 } else { number };
        // Beyond what a timestamp can hold, the conversion saturates and `from_millisecond` refuses it.
        #[expect(clippy::cast_possible_truncation, reason = "fractions of a millisecond do not count")]
        return Timestamp::from_millisecond(milliseconds as i64).ok();
    }
    written_time(&text(value)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_in_every_form_of_cloudtrail() {
        let noon = "2026-03-03T12:00:00Z".parse().ok();
        for written in [
            json!(1_772_539_200),
            json!(1_772_539_200_000_i64),
            json!(1.772_539_2e9),
            json!("2026-03-03T12:00:00Z"),
            json!("2026-03-03T12:00:00.000Z"),
            json!("Mar 3, 2026, 12:00:00 PM"),
            json!("Mar 3, 2026 12:00:00\u{202f}PM"),
        ] {
            assert_eq!(time(&written), noon, "{written}");
        }
        for nothing in [json!(null), json!(""), json!("yesterday"), json!({}), json!(1e300), json!(-1e300)] {
            assert_eq!(time(&nothing), None, "{nothing}");
        }
    }
}
