//! A service's own tag call as data: its API, its parameters and the form of its tags. The crate that sends the
//! requests builds them.

use super::resource::{Resource, Scope};
use super::template::{ArnTemplate, ArnTemplateError, MissingValue, Values};
use crate::arn::{AccountId, Arn, Region};
use crate::record::ParsedRecord;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A service's own tag call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NativeCall {
    /// The name in the catalogue.
    pub name: String,
    /// The API that takes the call; `None` if an SDK client sends it.
    pub api: Option<Arc<Api>>,
    /// The operation that writes tags, with its other parameters.
    pub write: Operation,
    /// Further members of each tag besides key and value.
    pub each: BTreeMap<String, Param>,
    /// The parameter that takes the tags; a dot separates a structure from its member.
    pub tags: String,
    /// The form of the tags.
    pub shape: TagShape,
    /// XML: the name of an element in the list of tags.
    pub list: String,
    /// XML: the root element of the request.
    pub root: Option<String>,
    /// True if the call replaces all tags, so that the present ones have to be read and written again.
    pub replaces: bool,
    /// The most tags a call takes, if that is fewer than a resource can have.
    pub max_per_call: Option<usize>,
    /// The member of a successful answer that says that the call failed; `None` if a failure always has a status of its own.
    pub fails: Option<FailureMember>,
    /// The call that reads the tags of the same resource; `None` if an SDK client reads them, or no call does.
    pub read: Option<ReadCall>,
    /// The IAM actions that the read needs.
    pub read_actions: Vec<String>,
}

impl NativeCall {
    /// True if the call needs the ARN of the resource.
    pub fn takes_arn(&self) -> bool {
        self.write.params.values().any(Param::takes_arn)
    }
}

/// A call that reads tags.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadCall {
    /// The operation, with its parameters.
    pub operation: Operation,
    /// The path of the tags in the answer; a dot separates a structure, or every element of a list, from its member.
    pub tags: String,
    /// The form of the tags in the answer.
    pub shape: TagShape,
    /// XML: the name of an element in the list of tags.
    pub list: String,
    /// How to get the next page, if the answer has pages.
    pub next: Option<Pagination>,
}

/// The member by which an answer with a status of success says that the call failed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FailureMember {
    /// Its path; a dot separates a structure, or every element of a list, from its member.
    pub path: String,
    /// The values that say so. Without any, each value does but null, false, an empty text, list or structure.
    #[serde(default)]
    pub is: Vec<String>,
    /// The path of the error code, if the answer has one.
    pub code: Option<String>,
}

/// Pagination: a member of the answer becomes a parameter of the next request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Pagination {
    /// The member of the answer.
    pub from: String,
    /// The parameter of the request.
    #[serde(rename = "as")]
    pub to: String,
}

/// One operation of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The name of the operation in AWS's API.
    pub name: String,
    /// Its parameters.
    pub params: BTreeMap<String, Param>,
    /// REST: method, path and query.
    pub http: Option<Http>,
    /// REST: the headers, with the parameter that each one sends.
    pub headers: BTreeMap<String, String>,
}

/// Method, path and query of a REST operation, for example `POST /tags/{resourceArn}?name={Param}`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Http {
    /// The method.
    pub method: String,
    /// The path. `{Param}` is filled percent-encoded, `{Param+}` keeps its slashes.
    pub path: String,
    /// Names and values of the query string. A `{Param}` without a value is left out.
    pub query: Vec<(String, String)>,
}

impl<'de> Deserialize<'de> for Http {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read = || {
            let (method, target) = text.split_once(' ')?;
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let pair = |pair: &str| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (name.to_owned(), value.to_owned())
            };
            let query = query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect();
            let sound = path.starts_with('/') && method.bytes().all(|byte| byte.is_ascii_uppercase());
            sound.then(|| Self { method: method.to_owned(), path: path.to_owned(), query })
        };
        read().ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}`: expected method and path such as \"POST /tags/{{resourceArn}}\""
            ))
        })
    }
}

/// The value of a parameter: texts with placeholders, nested to any depth.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Param {
    /// True or false.
    Flag(bool),
    /// A text.
    Text(ArnTemplate),
    /// A list.
    List(Vec<Param>),
    /// A structure.
    Table(BTreeMap<String, Param>),
}

impl<'de> Deserialize<'de> for Param {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyParam;
        impl<'de> Visitor<'de> for AnyParam {
            type Value = Param;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text such as \"{id}\", true or false, or a list or table of these")
            }
            fn visit_bool<E: serde::de::Error>(self, flag: bool) -> Result<Param, E> {
                Ok(Param::Flag(flag))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Param, E> {
                text.parse().map(Param::Text).map_err(|error: ArnTemplateError| E::custom(error))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Param, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Param::List)
            }
            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Param, A::Error> {
                BTreeMap::deserialize(MapAccessDeserializer::new(table)).map(Param::Table)
            }
        }
        deserializer.deserialize_any(AnyParam)
    }
}

/// A call that cannot be made for a resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The resource lacks the value of a parameter.
    #[error("the record does not say the {} of {resource}", .missing.placeholder)]
    Value {
        /// The placeholder without a value.
        missing: MissingValue,
        /// The resource, for people.
        resource: String,
    },
    /// A placeholder of the host has no value.
    #[error("{placeholder} of the host `{host}` is not known")]
    Host {
        /// The placeholder.
        placeholder: &'static str,
        /// The host with its placeholders.
        host: String,
    },
}

/// The API that a service's own tag calls go to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Api {
    /// AWS's name of the client, for example `elbv2`: the name of the table in the file.
    #[serde(skip)]
    pub name: String,
    /// The protocol of the requests.
    pub protocol: Protocol,
    /// The host, with the placeholders `{region}`, `{suffix}` (the DNS suffix of the partition) and `{account}`.
    host: String,
    /// Hosts by partition, for services whose endpoint has no region.
    #[serde(default)]
    hosts: BTreeMap<String, String>,
    /// The service name with which requests are signed.
    pub signing: String,
    /// Regions with which requests are signed, by partition, if that is not the resource's region.
    #[serde(default)]
    regions: BTreeMap<String, Region>,
    /// JSON: the prefix of the operation in `X-Amz-Target`.
    pub target: Option<String>,
    /// Query: the API's version.
    pub version: Option<String>,
    /// XML: the namespace of the root element.
    pub xmlns: Option<String>,
}

/// The protocol of requests and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub enum Protocol {
    /// JSON 1.0, with the operation in `X-Amz-Target`.
    #[serde(rename = "json-1.0")]
    Json10,
    /// JSON 1.1, with the operation in `X-Amz-Target`.
    #[serde(rename = "json-1.1")]
    Json11,
    /// JSON, with the operation in method and path.
    #[serde(rename = "rest-json")]
    RestJson,
    /// XML, with the operation in method and path.
    #[serde(rename = "rest-xml")]
    RestXml,
    /// A form, answered in XML.
    #[serde(rename = "query")]
    Query,
}

/// The form of tags in a request or an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub enum TagShape {
    /// `{"k": "v"}`.
    #[serde(rename = "map")]
    Map,
    /// `[{"Key": "k", "Value": "v"}]`.
    #[serde(rename = "Key/Value")]
    KeyValue,
    /// `[{"key": "k", "value": "v"}]`.
    #[serde(rename = "key/value")]
    LowerKeyValue,
    /// `[{"TagKey": "k", "TagValue": "v"}]`.
    #[serde(rename = "TagKey/TagValue")]
    TagKeyTagValue,
    /// `[{"tagKey": "k", "tagValue": "v"}]`.
    #[serde(rename = "tagKey/tagValue")]
    LowerTagKeyTagValue,
}

impl TagShape {
    /// The names of the members that hold key and value; `None` for a map.
    pub fn members(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Map => None,
            Self::KeyValue => Some(("Key", "Value")),
            Self::LowerKeyValue => Some(("key", "value")),
            Self::TagKeyTagValue => Some(("TagKey", "TagValue")),
            Self::LowerTagKeyTagValue => Some(("tagKey", "tagValue")),
        }
    }
}

impl Api {
    /// The same API under the name of its table.
    pub(super) fn named(&self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self.clone() }
    }

    /// The region with which calls about a resource in `region` are signed.
    pub fn signing_region(&self, resource: &Resource, region: &Region) -> Region {
        self.regions.get(resource.partition().as_str()).unwrap_or(region).clone()
    }

    /// The host that takes calls about a resource.
    ///
    /// # Errors
    /// [`CallError::Host`] if a placeholder of the host has no value.
    pub fn host(&self, resource: &Resource) -> Result<String, CallError> {
        let partition = resource.partition();
        let host = self.hosts.get(partition.as_str()).unwrap_or(&self.host);
        let region = resource.region.as_ref().map(Region::as_str);
        let account = resource.account.as_ref().map(AccountId::as_str);
        let suffix = partition.info().map(|info| info.dns_suffix);
        let mut filled = host.clone();
        for (placeholder, value) in [("{region}", region), ("{suffix}", suffix), ("{account}", account)] {
            if filled.contains(placeholder) {
                let value = value.ok_or_else(|| CallError::Host { placeholder, host: host.clone() })?;
                filled = filled.replace(placeholder, value);
            }
        }
        Ok(filled)
    }
}

impl Param {
    /// The value of the parameter for a resource.
    ///
    /// # Errors
    /// [`CallError::Value`] if the resource lacks the value of a placeholder.
    pub fn value(&self, resource: &Resource) -> Result<Value, CallError> {
        Ok(match self {
            Self::Flag(flag) => Value::Bool(*flag),
            Self::Text(template) => Value::String(template.of_resource(resource)?),
            Self::List(list) => {
                Value::Array(list.iter().map(|param| param.value(resource)).collect::<Result<_, _>>()?)
            }
            Self::Table(table) => Value::Object(values(table, resource)?),
        })
    }

    fn takes_arn(&self) -> bool {
        match self {
            Self::Flag(_) => false,
            Self::Text(template) => template.takes_arn(),
            Self::List(list) => list.iter().any(Self::takes_arn),
            Self::Table(table) => table.values().any(Self::takes_arn),
        }
    }

    /// The templates in it that a resource alone cannot fill.
    pub(super) fn templates_needing_record(&self) -> Vec<&ArnTemplate> {
        match self {
            Self::Flag(_) => Vec::new(),
            Self::Text(template) => template.needs_record().then_some(template).into_iter().collect(),
            Self::List(list) => list.iter().flat_map(Self::templates_needing_record).collect(),
            Self::Table(table) => table.values().flat_map(Self::templates_needing_record).collect(),
        }
    }
}

/// The values of parameters for a resource.
///
/// # Errors
/// [`CallError::Value`] if the resource lacks the value of a placeholder.
pub fn values(
    params: &BTreeMap<String, Param>,
    resource: &Resource,
) -> Result<Map<String, Value>, CallError> {
    params.iter().map(|(name, param)| Ok((name.clone(), param.value(resource)?))).collect()
}

impl ArnTemplate {
    /// Fills the template from a resource, without its record.
    fn of_resource(&self, resource: &Resource) -> Result<String, CallError> {
        let parsed = ParsedRecord::default();
        let arn = resource.arn.as_ref().map(Arn::to_string);
        let scope = Scope {
            partition: resource.partition(),
            region: resource.region.clone(),
            account: resource.account.clone(),
        };
        let values =
            Values { event: "", id: &resource.id, arn: arn.as_deref(), parsed: &parsed, scope: &scope };
        self.fill(&values).map_err(|missing| CallError::Value { missing, resource: resource.display() })
    }
}
