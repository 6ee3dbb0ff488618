//! Paths to members of a record, such as `response.vpc.vpcId`.

use crate::json::{elements, is_mask, is_masked_member, is_nothing, member, text};
use crate::record::ParsedRecord;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Root {
    Request,
    Response,
    Service,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    name: String,
    /// `name[]`: every element.
    each: bool,
}

/// A path into a record, for example `response.instancesSet[].instanceId`.
///
/// ```
/// use autotag_model::rule::{Path, PathError};
///
/// assert!("response.instancesSet[].instanceId".parse::<Path>().is_ok());
/// let wrong = "respons.queueUrl".parse::<Path>();
/// assert_eq!(wrong, Err(PathError::Root { path: "respons.queueUrl".to_owned() }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    root: Root,
    steps: Vec<Step>,
}

/// A text that is not a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It does not begin with a part of a record.
    #[error("`{path}` is not a path: it begins with `request.`, `response.` or `service.`")]
    Root {
        /// The text.
        path: String,
    },
    /// A member of it is not a name.
    #[error("`{path}` is not a path: members are names, `name[]` for every element of a list")]
    Member {
        /// The text.
        path: String,
    },
    /// It has no members.
    #[error("`{path}` is not a path: it names no member")]
    NoMember {
        /// The text.
        path: String,
    },
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(written: &str) -> Result<Self, Self::Err> {
        let path = || written.to_owned();
        let mut segments = written.split('.');
        let root = match segments.next() {
            Some("request") => Root::Request,
            Some("response") => Root::Response,
            Some("service") => Root::Service,
            _ => return Err(PathError::Root { path: path() }),
        };
        let steps: Vec<Step> = segments
            .map(|segment| {
                let (name, each) = segment.strip_suffix("[]").map_or((segment, false), |name| (name, true));
                let sound = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
                sound.then(|| Step { name: name.to_owned(), each })
            })
            .collect::<Option<_>>()
            .ok_or_else(|| PathError::Member { path: path() })?;
        if steps.is_empty() {
            return Err(PathError::NoMember { path: path() });
        }
        Ok(Self { root, steps })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.root {
            Root::Request => "request",
            Root::Response => "response",
            Root::Service => "service",
        })?;
        for step in &self.steps {
            write!(f, ".{}{}", step.name, if step.each { "[]" } else { "" })?;
        }
        Ok(())
    }
}

impl Path {
    /// The values at the path, in order.
    pub(super) fn values<'t>(&self, event: &str, parsed: &'t ParsedRecord) -> Vec<&'t Value> {
        let mut found = self.members(event, parsed);
        found.retain(|value| !is_nothing(value));
        found
    }

    /// True if there is a member at the path, also an empty list or text.
    pub(super) fn is_there(&self, event: &str, parsed: &ParsedRecord) -> bool {
        self.members(event, parsed).iter().any(|value| !value.is_null())
    }

    fn members<'t>(&self, event: &str, parsed: &'t ParsedRecord) -> Vec<&'t Value> {
        let (root, suffix) = match self.root {
            Root::Request => (&parsed.request, "Request"),
            Root::Response => (&parsed.response, "Response"),
            Root::Service => (&parsed.service, ""),
        };
        let mut found = vec![unwrapped(root, event, suffix)];
        for step in &self.steps {
            let members = found.into_iter().filter_map(|value| member(value, &step.name));
            found = if step.each { members.flat_map(elements).collect() } else { members.collect() };
        }
        found
    }

    /// True if an ARN at the path is one that AWS wrote: it is in the answer, and its member is named so or `expected`
    /// is true.
    ///
    /// A name that the caller chose can begin with `arn:`, too, and must not lead to another resource.
    pub(super) fn yields_arns(&self, expected: bool) -> bool {
        self.root != Root::Request && (self.names_arn() || expected)
    }

    /// True if the path leads to a name that the caller chose: into the request, to a member with such a name.
    pub(super) fn is_chosen_name(&self) -> bool {
        let name = self.steps.last().map_or("", |step| step.name.as_str());
        self.root == Root::Request && name.to_ascii_lowercase().ends_with("name")
    }

    /// True if the path leads into the request.
    pub(super) fn is_in_request(&self) -> bool {
        self.root == Root::Request
    }

    /// True if the path leads into `serviceEventDetails`.
    pub(super) fn is_in_service_details(&self) -> bool {
        self.root == Root::Service
    }

    /// True if the member at the path is named like one that holds an ARN.
    pub(super) fn names_arn(&self) -> bool {
        self.steps.last().is_some_and(|step| step.name.to_ascii_lowercase().ends_with("arn"))
    }

    /// True if the path has a value.
    pub(super) fn exists(&self, event: &str, parsed: &ParsedRecord) -> bool {
        !self.values(event, parsed).is_empty()
    }

    /// The texts at the path, without those by which AWS hides a value. No ARN looks like a mask, so in the place of an ARN
    /// a mask is always one.
    pub(super) fn texts(&self, event: &str, parsed: &ParsedRecord) -> Vec<String> {
        let texts = self.values(event, parsed).into_iter().filter_map(text);
        let member = self.steps.last().map_or("", |step| step.name.as_str());
        texts
            .filter(|text| !(is_masked_member(event, member, text) || self.names_arn() && is_mask(text)))
            .map(std::borrow::Cow::into_owned)
            .collect()
    }
}

/// The value inside the wrapper of newer EC2 records, such as `{"CreateNatGatewayResponse": {...}}`.
pub(super) fn unwrapped<'v>(root: &'v Value, event: &str, suffix: &str) -> &'v Value {
    let Some(object) = root.as_object() else { return root };
    let wrapper = object.iter().find(|(key, _)| {
        key.len() == event.len() + suffix.len()
            && key.get(..event.len()).is_some_and(|front| front.eq_ignore_ascii_case(event))
            && key.get(event.len()..).is_some_and(|back| back.eq_ignore_ascii_case(suffix))
    });
    wrapper.map_or(root, |(_, inner)| inner)
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
