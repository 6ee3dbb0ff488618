//! Paths into a record, and templates filled from them.

use super::Scope;
use crate::json::{elements, is_mask, is_nothing, member, text};
use crate::record::ParsedRecord;
use crate::template::{Part, fill, parse};
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    root: Root,
    steps: Vec<Step>,
}

impl FromStr for Path {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, Self::Err> {
        let wrong = |why: &str| format!("`{written}` is no path: {why}");
        let mut segments = written.split('.');
        let root = match segments.next() {
            Some("request") => Root::Request,
            Some("response") => Root::Response,
            Some("service") => Root::Service,
            _ => return Err(wrong("it begins with `request.`, `response.` or `service.`")),
        };
        let steps: Vec<Step> = segments
            .map(|segment| {
                let (name, each) = segment.strip_suffix("[]").map_or((segment, false), |name| (name, true));
                let sound = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
                sound.then(|| Step { name: name.to_owned(), each })
            })
            .collect::<Option<_>>()
            .ok_or_else(|| wrong("members are names, `name[]` for every element of a list"))?;
        if steps.is_empty() {
            return Err(wrong("it names no member"));
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
    /// The values the path leads to, in order.
    fn values<'t>(&self, event: &str, parsed: &'t ParsedRecord) -> Vec<&'t Value> {
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
        found.retain(|value| !is_nothing(value));
        found
    }

    /// Whether AWS itself wrote an ARN there: in the answer, and either the member is called so or the rule counts on it.
    /// A name chosen by the caller may begin with `arn:` too, and must not lead to somebody else's resource.
    pub(super) fn yields_arns(&self, rule_counts_on_it: bool) -> bool {
        let called_so = self.steps.last().is_some_and(|step| step.name.to_ascii_lowercase().ends_with("arn"));
        self.root != Root::Request && (called_so || rule_counts_on_it)
    }

    pub(super) fn exists(&self, event: &str, parsed: &ParsedRecord) -> bool {
        !self.values(event, parsed).is_empty()
    }

    /// The texts the path leads to; masks are no values.
    pub(super) fn texts(&self, event: &str, parsed: &ParsedRecord) -> Vec<String> {
        let texts = self.values(event, parsed).into_iter().filter_map(text);
        texts.filter(|text| !is_mask(text)).map(std::borrow::Cow::into_owned).collect()
    }
}

/// Newer EC2 records wrap everything once more: `{"CreateNatGatewayResponse": {...}}`.
fn unwrapped<'v>(root: &'v Value, event: &str, suffix: &str) -> &'v Value {
    let Some(object) = root.as_object() else { return root };
    let wrapper = object.iter().find(|(key, _)| {
        key.len() == event.len() + suffix.len()
            && key.get(..event.len()).is_some_and(|front| front.eq_ignore_ascii_case(event))
            && key.get(event.len()..).is_some_and(|back| back.eq_ignore_ascii_case(suffix))
    });
    wrapper.map_or(root, |(_, inner)| inner)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Id,
    Arn,
    Partition,
    Region,
    Account,
    Path(Path),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    None,
    /// What stands after the last `/`, or after the last `:` where there is no `/`.
    Last,
    /// Without one leading `/`.
    Unrooted,
    /// In lower case.
    Lower,
    /// What stands after the first `/`.
    Below,
}

/// A text made from a record: `arn:{partition}:sqs:{region}:{account}:{id|last}`.
///
/// Placeholders: `{id}`, `{arn}`, `{partition}`, `{region}`, `{account}` and any [`Path`]; behind a `|` one of the filters
/// `last`, `unrooted`, `lower`, `below`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArnTemplate {
    written: String,
    parts: Vec<Part<(Source, Filter)>>,
}

/// What a template is filled from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Values<'v> {
    pub(crate) event: &'v str,
    pub(crate) id: &'v str,
    pub(crate) arn: Option<&'v str>,
    pub(crate) parsed: &'v ParsedRecord,
    pub(crate) scope: &'v Scope,
}

impl ArnTemplate {
    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Whether it has a path: then a resource alone is not enough to fill it.
    pub(super) fn needs_record(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Placeholder((Source::Path(_), _))))
    }

    /// Fills the template, or says which placeholder has no value.
    pub(crate) fn fill(&self, values: &Values<'_>) -> Result<String, String> {
        let mut missing = None;
        let filled = fill(&self.parts, |(source, filter)| {
            let value = source.value(values);
            if value.is_none() {
                missing = Some(source.to_string());
            }
            value.map(|value| filter.apply(value))
        });
        filled.ok_or_else(|| format!("the record does not say the {}", missing.unwrap_or_default()))
    }
}

impl Source {
    fn value(&self, values: &Values<'_>) -> Option<String> {
        let scope = values.scope;
        match self {
            Self::Id => Some(values.id.to_owned()),
            Self::Arn => values.arn.map(str::to_owned),
            Self::Partition => Some(scope.partition.as_str().to_owned()),
            Self::Region => scope.region.as_ref().map(|region| region.as_str().to_owned()),
            Self::Account => scope.account.as_ref().map(|account| account.as_str().to_owned()),
            Self::Path(path) => path.texts(values.event, values.parsed).into_iter().next(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id => f.write_str("id"),
            Self::Arn => f.write_str("ARN"),
            Self::Partition => f.write_str("partition"),
            Self::Region => f.write_str("region"),
            Self::Account => f.write_str("account"),
            Self::Path(path) => write!(f, "{path}"),
        }
    }
}

impl Filter {
    fn apply(self, value: String) -> String {
        match self {
            Self::None => value,
            Self::Lower => value.to_lowercase(),
            Self::Below => value.split_once('/').map_or(value.clone(), |(_, below)| below.to_owned()),
            Self::Unrooted => value.strip_prefix('/').map_or(value.clone(), str::to_owned),
            Self::Last => {
                let split = value.rsplit_once('/').or_else(|| value.rsplit_once(':'));
                split.map_or(value.clone(), |(_, last)| last.to_owned())
            }
        }
    }
}

impl FromStr for ArnTemplate {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, Self::Err> {
        let parts = parse(written, |inside| {
            let (name, filter) =
                inside.split_once('|').map_or((inside, None), |(n, f)| (n.trim(), Some(f.trim())));
            let source = match name {
                "id" => Source::Id,
                "arn" => Source::Arn,
                "partition" => Source::Partition,
                "region" => Source::Region,
                "account" => Source::Account,
                path => Source::Path(path.parse().map_err(|_| {
                    format!("no placeholder `{path}`: expected id, arn, partition, region, account or a path such as request.name")
                })?),
            };
            let filter = match filter {
                None => Filter::None,
                Some("last") => Filter::Last,
                Some("unrooted") => Filter::Unrooted,
                Some("lower") => Filter::Lower,
                Some("below") => Filter::Below,
                Some(other) => {
                    return Err(format!("no filter `{other}`: expected last, unrooted, lower or below"));
                }
            };
            Ok((source, filter))
        })?;
        Ok(Self { written: written.to_owned(), parts })
    }
}

macro_rules! read_from_text {
    ($($type:ty),*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

read_from_text!(Path, ArnTemplate);
