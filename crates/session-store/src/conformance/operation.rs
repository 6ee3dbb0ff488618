//! The operations of which a random sequence consists.

use autotag_model::session::Session;
use jiff::Timestamp;
use serde_json::Value;
use std::fmt;
use std::ops::RangeInclusive;

/// One operation of a sequence.
#[derive(Clone)]
pub(super) enum Operation {
    Put(Box<Session>),
    Find(&'static str),
    FindIssued(&'static str, RangeInclusive<Timestamp>),
    Expire(Timestamp),
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(session) => write!(f, "put {}", brief(session)),
            Self::Find(id) => write!(f, "find {id:?}"),
            Self::FindIssued(id, between) => {
                write!(f, "find {id:?} issued from {} to {}", between.start(), between.end())
            }
            Self::Expire(now) => write!(f, "expire {now}"),
        }
    }
}

/// The known fields of a session as JSON.
pub(super) fn brief(session: &Session) -> String {
    let mut known = serde_json::to_value(session).unwrap_or_default();
    drop_empty(&mut known);
    known.to_string()
}

fn drop_empty(value: &mut Value) {
    if let Value::Object(members) = value {
        members.values_mut().for_each(drop_empty);
        let empty = |value: &Value| {
            value.is_null()
                || value.as_array().is_some_and(Vec::is_empty)
                || value.as_object().is_some_and(serde_json::Map::is_empty)
        };
        members.retain(|_, value| !empty(value));
    }
}
