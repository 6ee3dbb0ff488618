//! Reads the members of a record, from a parser or from where they are written.

use super::Record;
use crate::json::Text;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

impl<'de: 'a, 'a> Deserialize<'de> for Record<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

impl<'a> Record<'a> {
    /// The record that has these members, by name and value as they are written. They have to be those of an object of JSON
    /// that writes no name with an escape by code. `None` if one of them is `None` or its value cannot be read.
    pub(crate) fn of_members(members: impl Iterator<Item = Option<(&'a str, &'a str)>>) -> Option<Self> {
        let mut record = Self::default();
        for member in members {
            let (name, value) = member?;
            read_member(&mut record, name, Written(value)).ok()?;
        }
        Some(record)
    }
}

struct RecordVisitor;

// Not derived: a derived implementation refuses a repeated member or an unexpected type, and one bad field would lose
// the record.
impl<'de> Visitor<'de> for RecordVisitor {
    type Value = Record<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CloudTrail record (an object with eventSource and eventName)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut record = Record::default();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            read_member(&mut record, name.0.as_deref().unwrap_or_default(), Next(&mut map))?;
        }
        Ok(record)
    }
}

/// The value of a member of a record.
trait MemberValue<'a> {
    type Error;

    /// A scalar as text.
    fn text(self) -> Result<Option<Cow<'a, str>>, Self::Error>;

    fn error_text(self) -> Result<ErrorText<'a>, Self::Error>;

    /// The value as it is written; `None` for null.
    fn raw(self) -> Result<Option<&'a str>, Self::Error>;

    fn pass(self) -> Result<(), Self::Error>;
}

/// The next value of a map.
struct Next<'m, A>(&'m mut A);

impl<'de, A: MapAccess<'de>> MemberValue<'de> for Next<'_, A> {
    type Error = A::Error;

    fn text(self) -> Result<Option<Cow<'de, str>>, A::Error> {
        self.0.next_value::<Text<'de>>().map(|text| text.0)
    }

    fn error_text(self) -> Result<ErrorText<'de>, A::Error> {
        self.0.next_value()
    }

    fn raw(self) -> Result<Option<&'de str>, A::Error> {
        self.0.next_value::<Option<&'de RawValue>>().map(|raw| raw.map(RawValue::get))
    }

    fn pass(self) -> Result<(), A::Error> {
        self.0.next_value::<IgnoredAny>().map(drop)
    }
}

/// A value of which it is known that it is JSON.
struct Written<'a>(&'a str);

impl<'a> MemberValue<'a> for Written<'a> {
    type Error = serde_json::Error;

    fn text(self) -> Result<Option<Cow<'a, str>>, serde_json::Error> {
        let inside = self.0.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match inside.filter(|text| !text.contains('\\')) {
            Some(text) => Ok((!text.is_empty()).then_some(Cow::Borrowed(text))),
            None => serde_json::from_str::<Text<'a>>(self.0).map(|text| text.0),
        }
    }

    fn error_text(self) -> Result<ErrorText<'a>, serde_json::Error> {
        serde_json::from_str(self.0)
    }

    fn raw(self) -> Result<Option<&'a str>, serde_json::Error> {
        Ok((self.0 != "null").then_some(self.0))
    }

    fn pass(self) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

fn read_member<'a, V: MemberValue<'a>>(
    record: &mut Record<'a>,
    name: &str,
    value: V,
) -> Result<(), V::Error> {
    let field = match name {
        "eventSource" => {
            record.event_source = value.text()?.unwrap_or_default();
            return Ok(());
        }
        "eventName" => {
            record.event_name = trimmed(value.text()?.unwrap_or_default());
            return Ok(());
        }
        "errorCode" => {
            record.error_code = value.error_text()?.text("an errorCode that is not text");
            return Ok(());
        }
        "errorMessage" => {
            record.error_message = value.error_text()?.text("an errorMessage that is not text");
            return Ok(());
        }
        "readOnly" => {
            record.read_only = value.text()?.and_then(|text| text.parse().ok());
            return Ok(());
        }
        "sessionCredentialFromConsole" => {
            record.session_from_console = value.text()?.and_then(|text| text.parse().ok());
            return Ok(());
        }
        "userIdentity" => return value.raw().map(|raw| record.user_identity = raw),
        "requestParameters" => return value.raw().map(|raw| record.request_parameters = raw),
        "responseElements" => return value.raw().map(|raw| record.response_elements = raw),
        "resources" => return value.raw().map(|raw| record.resources = raw),
        "serviceEventDetails" => return value.raw().map(|raw| record.service_event_details = raw),
        "eventTime" => &mut record.event_time,
        "eventID" => &mut record.event_id,
        "sharedEventID" => &mut record.shared_event_id,
        "eventType" => &mut record.event_type,
        "eventCategory" => &mut record.event_category,
        "awsRegion" => &mut record.aws_region,
        "recipientAccountId" => &mut record.recipient_account_id,
        "sourceIPAddress" => &mut record.source_ip_address,
        "userAgent" => &mut record.user_agent,
        "requestID" => &mut record.request_id,
        "apiVersion" => &mut record.api_version,
        _ => return value.pass(),
    };
    *field = value.text()?;
    Ok(())
}

/// An error code or message. What is neither a text nor empty still says that the call failed.
enum ErrorText<'a> {
    Absent,
    Text(Cow<'a, str>),
    Unreadable,
}

impl<'a> ErrorText<'a> {
    /// The text, or `unreadable` for one that cannot be read; `None` if there is none.
    fn text(self, unreadable: &'static str) -> Option<Cow<'a, str>> {
        match self {
            Self::Absent => None,
            Self::Text(text) => Some(text),
            Self::Unreadable => Some(Cow::Borrowed(unreadable)),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ErrorText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        let is_text = !raw.starts_with(['[', '{']);
        let text =
            if is_text { serde_json::from_str::<Text<'de>>(raw).ok().and_then(|text| text.0) } else { None };
        let inside = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
        let is_empty = matches!(raw, "null" | "\"\"") || (!is_text && inside.trim().is_empty());
        Ok(match text {
            Some(text) => Self::Text(text),
            None if is_empty => Self::Absent,
            None => Self::Unreadable,
        })
    }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}
