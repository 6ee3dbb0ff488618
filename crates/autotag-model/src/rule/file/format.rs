//! The form of a rule file.

use crate::rule::call::{Api, FailureMember, Http, Pagination, Param, TagShape};
use crate::rule::path::{Path, PathError};
use crate::rule::tag_change::TypesBy;
use crate::rule::template::ArnTemplate;
use crate::rule::{Condition, Evidence, ResourceKind};
use crate::tags::TagConstraints;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) source: Spanned<String>,
    pub(super) name: String,
    #[serde(default)]
    pub(super) evidence: Option<Evidence>,
    #[serde(default)]
    pub(super) tag: Option<Spanned<String>>,
    #[serde(alias = "otherwise")]
    pub(super) fallback: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) actions: Vec<String>,
    #[serde(default)]
    pub(super) not_a_resource: Vec<String>,
    #[serde(default)]
    pub(super) limits: TagConstraints,
    #[serde(default)]
    pub(super) api: BTreeMap<String, Api>,
    #[serde(default)]
    pub(super) native: BTreeMap<Spanned<String>, NativeFile>,
    #[serde(default)]
    pub(super) tag_changes: BTreeMap<Spanned<String>, TagChangeFile>,
    #[serde(default, rename = "rule")]
    pub(super) rules: Vec<RuleFile>,
    #[serde(default, rename = "deletion")]
    pub(super) deletions: Vec<DeletionFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    pub(super) event: Spanned<String>,
    #[serde(rename = "type")]
    pub(super) resource_type: Spanned<String>,
    #[serde(default)]
    pub(super) also: Vec<String>,
    pub(super) id: OneOrMore<Path>,
    pub(super) arn: Option<ArnTemplate>,
    pub(super) kind: Option<OneOrMore<ResourceKind>>,
    pub(super) evidence: Option<Evidence>,
    pub(super) tag: Option<Spanned<String>>,
    #[serde(alias = "otherwise")]
    pub(super) fallback: Option<Spanned<String>>,
    #[serde(alias = "read_by")]
    pub(super) read_with: Option<Spanned<String>>,
    pub(super) actions: Option<Vec<String>>,
    #[serde(default)]
    pub(super) existing: bool,
    pub(super) region: Option<RegionOf>,
    pub(super) when: Option<ConditionFile>,
    pub(super) unless: Option<ConditionFile>,
    pub(super) account: Option<OneOrMore<Path>>,
    pub(super) request_tags: Option<OneOrMore<Path>>,
    pub(super) created: Option<Path>,
    pub(super) new_if: Option<ConditionFile>,
    pub(super) note: Option<String>,
    pub(super) max_tags: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeletionFile {
    pub(super) event: Spanned<String>,
    #[serde(rename = "type")]
    pub(super) resource_type: Spanned<String>,
    pub(super) id: Spanned<OneOrMore<Path>>,
    pub(super) arn: Option<ArnTemplate>,
    #[serde(default)]
    pub(super) takes_arns: bool,
    pub(super) account: Option<OneOrMore<Path>>,
    pub(super) when: Option<ConditionFile>,
    pub(super) unless: Option<ConditionFile>,
    pub(super) evidence: Option<Evidence>,
    pub(super) note: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RegionOf {
    Global,
    Arn,
}

pub(super) struct OneOrMore<T>(pub(super) Vec<T>);

/// A value that is written alone or in a list.
pub(super) trait Listed {
    /// One of them and a list of them, for messages.
    const EXPECTED: &'static str;
}

impl Listed for Path {
    const EXPECTED: &'static str = "a path such as \"response.queueUrl\", or a list of them";
}

impl Listed for ResourceKind {
    const EXPECTED: &'static str = "a kind such as \"grafana:/workspaces/*\", or a list of them";
}

impl Listed for String {
    const EXPECTED: &'static str = "a type such as \"AWS::IAM::Role\", or a list of them";
}

impl<'de, T> Deserialize<'de> for OneOrMore<T>
where
    T: Listed + Deserialize<'de> + FromStr<Err: fmt::Display>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrList<T>(PhantomData<T>);
        impl<'de, T> Visitor<'de> for OneOrList<T>
        where
            T: Listed + Deserialize<'de> + FromStr<Err: fmt::Display>,
        {
            type Value = OneOrMore<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::EXPECTED)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(OneOrMore(vec![text.parse().map_err(E::custom)?]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                if all.is_empty() { Err(A::Error::invalid_length(0, &self)) } else { Ok(OneOrMore(all)) }
            }
        }
        deserializer.deserialize_any(OneOrList(PhantomData))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConditionTable {
    pub(super) path: Path,
    #[serde(default)]
    pub(super) is: Vec<String>,
}

pub(super) struct ConditionFile(pub(super) Condition);

impl<'de> Deserialize<'de> for ConditionFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PathOrTable;
        impl<'de> Visitor<'de> for PathOrTable {
            type Value = ConditionFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path, or a table such as { path = \"response.engine\", is = [\"docdb\"] }")
            }
            fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<Self::Value, E> {
                Ok(ConditionFile(Condition {
                    path: path.parse().map_err(|error: PathError| E::custom(error))?,
                    is: Vec::new(),
                }))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let table = ConditionTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ConditionFile(Condition { path: table.path, is: table.is }))
            }
        }
        deserializer.deserialize_any(PathOrTable)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NativeFile {
    pub(super) api: Option<Spanned<String>>,
    pub(super) operation: Option<String>,
    pub(super) http: Option<Http>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) params: BTreeMap<String, Param>,
    #[serde(default)]
    pub(super) each: BTreeMap<String, Param>,
    pub(super) tags: String,
    pub(super) shape: TagShape,
    pub(super) list: Option<String>,
    pub(super) root: Option<String>,
    pub(super) max_per_call: Option<usize>,
    #[serde(default)]
    pub(super) replaces: bool,
    pub(super) fails: Option<FailureMember>,
    pub(super) read: Option<ReadFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadFile {
    pub(super) operation: Option<String>,
    pub(super) actions: Option<Vec<String>>,
    pub(super) http: Option<Http>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) params: Option<BTreeMap<String, Param>>,
    pub(super) tags: Option<String>,
    pub(super) shape: Option<TagShape>,
    pub(super) list: Option<String>,
    pub(super) next: Option<Pagination>,
}

/// One entry of `[tag_changes]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TagChangeFile {
    pub(super) writes: Option<OneOrMore<Path>>,
    pub(super) removes: Option<OneOrMore<Path>>,
    pub(super) replaces: Option<OneOrMore<Path>>,
    #[serde(default)]
    pub(super) clears: bool,
    pub(super) resource: OneOrMore<Path>,
    pub(super) types: Option<OneOrMore<String>>,
    pub(super) types_by: Option<TypesBy>,
    pub(super) arn: Option<ArnTemplate>,
    #[serde(default)]
    pub(super) never_arn: bool,
    pub(super) failed: Option<Path>,
}
