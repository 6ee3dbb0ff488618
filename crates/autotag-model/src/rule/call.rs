//! How a service's own tag call travels: which API takes it, what it is given, where its tags stand. Data only; the
//! requests are built by whoever sends them.

use super::path::{ArnTemplate, Values};
use super::{Resource, Scope};
use crate::arn::{Arn, Partition, Region};
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
    /// The API that takes it; `None` where an SDK client sends it.
    pub api: Option<Arc<Api>>,
    /// The operation that writes tags, and what it is given besides them.
    pub write: Operation,
    /// What stands in each tag, next to its key and value.
    pub each: BTreeMap<String, Param>,
    /// The parameter that takes the tags; a dot leads into a structure.
    pub tags: String,
    /// How the tags are written.
    pub shape: TagShape,
    /// XML: the name of an element of the list of tags.
    pub list: String,
    /// XML: the root element of the request.
    pub root: Option<String>,
    /// The call replaces all tags: those that are there have to be known, and count against the room.
    pub replaces: bool,
    /// How many tags a call takes, where that is fewer than a resource may have.
    pub max_per_call: Option<usize>,
    /// How the tags of the same resource are read; `None` where an SDK client does it, or nobody can.
    pub read: Option<ReadCall>,
    /// The IAM actions that reading them needs.
    pub read_actions: Vec<String>,
}

/// How tags are read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadCall {
    /// The operation, and what it is given.
    pub operation: Operation,
    /// Where the tags stand in the answer; a dot leads into a structure, or into every element of a list.
    pub tags: String,
    /// How they are written there.
    pub shape: TagShape,
    /// XML: the name of an element of the list of tags.
    pub list: String,
    /// How the next page is asked for.
    pub next: Option<Pagination>,
}

/// A page's successor: this member of the answer is that parameter of the next request.
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
    /// AWS's name for it.
    pub name: String,
    /// Its parameters.
    pub params: BTreeMap<String, Param>,
    /// REST: method, path and query.
    pub http: Option<Http>,
    /// REST: headers, and the parameters that they carry.
    pub headers: BTreeMap<String, String>,
}

/// `POST /tags/{resourceArn}?name={Param}`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Http {
    /// The method.
    pub method: String,
    /// The path; `{Param}` is filled in percent-encoded, `{Param+}` with its slashes as they are.
    pub path: String,
    /// Name and value of the query string; a `{Param}` without a value is left out.
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

/// What a parameter is given: texts with placeholders, at any depth.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Param {
    /// Yes or no.
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
                f.write_str("a text such as \"{id}\", a yes or no, a list or a table of them")
            }
            fn visit_bool<E: serde::de::Error>(self, flag: bool) -> Result<Param, E> {
                Ok(Param::Flag(flag))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Param, E> {
                text.parse().map(Param::Text).map_err(E::custom)
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

/// The API of a service, as its own calls reach it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Api {
    /// AWS's name of the client, for example `elbv2`. It is the table's name.
    #[serde(skip)]
    pub name: String,
    /// How requests are written.
    pub protocol: Protocol,
    /// The host: `{region}`, `{suffix}` (the partition's) and `{account}` are filled in.
    host: String,
    /// Hosts of single partitions, for services whose endpoint has no region.
    #[serde(default)]
    hosts: BTreeMap<String, String>,
    /// The name under which requests are signed.
    pub signing: String,
    /// Regions for which requests are signed, by partition, where that is not the resource's own.
    #[serde(default)]
    regions: BTreeMap<String, Region>,
    /// JSON: what stands before the operation in `X-Amz-Target`.
    pub target: Option<String>,
    /// Query: the API's version.
    pub version: Option<String>,
    /// XML: the namespace of the root element.
    pub xmlns: Option<String>,
}

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub enum Protocol {
    /// JSON, the operation in `X-Amz-Target`.
    #[serde(rename = "json-1.0")]
    Json10,
    /// JSON, the operation in `X-Amz-Target`.
    #[serde(rename = "json-1.1")]
    Json11,
    /// JSON, the operation in method and path.
    #[serde(rename = "rest-json")]
    RestJson,
    /// XML, the operation in method and path.
    #[serde(rename = "rest-xml")]
    RestXml,
    /// A form; the answer is XML.
    #[serde(rename = "query")]
    Query,
}

/// How tags are written.
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
    /// The members of a tag that hold key and value; `None` for a map.
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

    /// The region for which calls about a resource in `region` are signed.
    pub fn signing_region(&self, resource: &Resource, region: &Region) -> Region {
        self.regions.get(resource.partition().as_str()).unwrap_or(region).clone()
    }

    /// The host that takes calls about a resource, or which placeholder has no value.
    ///
    /// # Errors
    /// The name of what is not known.
    pub fn host(&self, resource: &Resource) -> Result<String, String> {
        let partition = resource.partition();
        let host = self.hosts.get(partition.as_str()).unwrap_or(&self.host);
        let region = resource.region.as_ref().map(Region::as_str);
        let account = resource.account.as_ref().map(crate::arn::AccountId::as_str);
        let suffix = partition.info().map(|info| info.dns_suffix);
        let mut filled = host.clone();
        for (placeholder, value) in [("{region}", region), ("{suffix}", suffix), ("{account}", account)] {
            if filled.contains(placeholder) {
                let value =
                    value.ok_or_else(|| format!("{placeholder} of the host `{host}` is not known"))?;
                filled = filled.replace(placeholder, value);
            }
        }
        Ok(filled)
    }
}

impl Param {
    /// The value for a resource.
    ///
    /// # Errors
    /// What the resource does not have.
    pub fn value(&self, resource: &Resource) -> Result<Value, String> {
        Ok(match self {
            Self::Flag(flag) => Value::Bool(*flag),
            Self::Text(template) => Value::String(template.of_resource(resource)?),
            Self::List(list) => {
                Value::Array(list.iter().map(|param| param.value(resource)).collect::<Result<_, _>>()?)
            }
            Self::Table(table) => Value::Object(values(table, resource)?),
        })
    }

    /// The texts in it that need more than a resource.
    pub(super) fn strangers(&self) -> Vec<&ArnTemplate> {
        match self {
            Self::Flag(_) => Vec::new(),
            Self::Text(template) => template.needs_record().then_some(template).into_iter().collect(),
            Self::List(list) => list.iter().flat_map(Self::strangers).collect(),
            Self::Table(table) => table.values().flat_map(Self::strangers).collect(),
        }
    }
}

/// The values of some parameters for a resource.
///
/// # Errors
/// What the resource does not have.
pub fn values(params: &BTreeMap<String, Param>, resource: &Resource) -> Result<Map<String, Value>, String> {
    params.iter().map(|(name, param)| Ok((name.clone(), param.value(resource)?))).collect()
}

impl ArnTemplate {
    /// Fills the template from a resource alone.
    fn of_resource(&self, resource: &Resource) -> Result<String, String> {
        let parsed = ParsedRecord::default();
        let arn = resource.arn.as_ref().map(Arn::to_string);
        let scope = Scope {
            partition: resource.partition(),
            region: resource.region.clone(),
            account: resource.account.clone(),
        };
        let values =
            Values { event: "", id: &resource.id, arn: arn.as_deref(), parsed: &parsed, scope: &scope };
        self.fill(&values).map_err(|why| format!("{why} of {}", resource.display()))
    }
}

impl Resource {
    /// The partition: the ARN's, else its region's.
    pub fn partition(&self) -> Partition {
        let of_arn = self.arn.as_ref().map(|arn| arn.partition().clone());
        of_arn.or_else(|| self.region.as_ref().and_then(Partition::of_region)).unwrap_or_default()
    }
}
