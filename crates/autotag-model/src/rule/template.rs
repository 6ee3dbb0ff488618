//! Templates of ARNs and names, filled from a record or a resource.

use super::path::Path;
use super::resource::Scope;
use crate::arn::Arn;
use crate::record::ParsedRecord;
use crate::template::{BraceError, Part, fill, parse};
use serde::de::{Deserialize, Deserializer, Error as _};
use std::fmt;
use std::str::FromStr;

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
    /// The part after the last `/` or, without a `/`, after the last `:`.
    Last,
    /// Without one leading `/`.
    Unrooted,
    /// In lower case.
    Lower,
    /// The part after the first `/`.
    Below,
    /// The part of an ARN after its account.
    Resource,
}

/// A template for ARNs and parameters, for example `arn:{partition}:sqs:{region}:{account}:{id|last}`.
///
/// The placeholders are `{id}`, `{arn}`, `{partition}`, `{region}`, `{account}` and any [`Path`]. One of the filters
/// `last`, `unrooted`, `lower`, `below` and `resource` can follow after a `|`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArnTemplate {
    written: String,
    parts: Vec<Part<(Source, Filter)>>,
}

/// The values of the placeholders.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'v> {
    pub(super) event: &'v str,
    pub(super) id: &'v str,
    pub(super) arn: Option<&'v str>,
    pub(super) parsed: &'v ParsedRecord,
    pub(super) scope: &'v Scope,
}

impl ArnTemplate {
    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// True if it has a path, so that a resource without its record does not suffice to fill it.
    pub(super) fn needs_record(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Placeholder((Source::Path(_), _))))
    }

    /// True if the ARN of the resource is a part of it.
    pub(super) fn takes_arn(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Placeholder((Source::Arn, _))))
    }

    /// The template with `*` for each placeholder, and one `*` for several next to each other.
    pub(super) fn with_stars(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Placeholder(_) if text.ends_with('*') => {}
                Part::Placeholder(_) => text.push('*'),
            }
        }
        text
    }

    /// Fills the template.
    ///
    /// # Errors
    /// [`MissingValue`] if a placeholder has no value.
    pub(super) fn fill(&self, values: &Values<'_>) -> Result<String, MissingValue> {
        let mut missing = None;
        let filled = fill(&self.parts, |(source, filter)| {
            let value = source.value(values);
            if value.is_none() {
                missing = Some(source.to_string());
            }
            // Otherwise a template with this account would name a resource of this account in place of the other.
            if *filter == Filter::Resource
                && value.as_ref().is_some_and(|value| is_elsewhere(value, values.scope))
            {
                missing = Some(format!("{source} of this account and region"));
                return None;
            }
            value.map(|value| filter.apply(value))
        });
        filled.ok_or_else(|| MissingValue { placeholder: missing.unwrap_or_default() })
    }
}

/// True if a text is an ARN of another account or region.
fn is_elsewhere(text: &str, scope: &Scope) -> bool {
    let Ok(arn) = text.parse::<Arn>() else { return false };
    let region = arn.region().is_some_and(|region| scope.region.as_ref() != Some(region));
    region || arn.account().is_some_and(|account| scope.account.as_ref() != Some(&account))
}

/// A placeholder without a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {placeholder} is not known")]
#[non_exhaustive]
pub struct MissingValue {
    /// The placeholder, such as `account` or `request.databaseName`.
    pub placeholder: String,
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
            Self::Resource => value.splitn(6, ':').nth(5).map_or(value.clone(), str::to_owned),
            Self::Unrooted => value.strip_prefix('/').map_or(value.clone(), str::to_owned),
            Self::Last => {
                let split = value.rsplit_once('/').or_else(|| value.rsplit_once(':'));
                split.map_or(value.clone(), |(_, last)| last.to_owned())
            }
        }
    }
}

/// A text that is not an [`ArnTemplate`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArnTemplateError {
    /// Its braces do not match.
    #[error(transparent)]
    Braces(#[from] BraceError),
    /// It has a placeholder that does not exist.
    #[error(
        "no placeholder `{name}`: expected id, arn, partition, region, account or a path such as request.name"
    )]
    Placeholder {
        /// The placeholder as written.
        name: String,
    },
    /// It has a filter that does not exist.
    #[error("no filter `{name}`: expected last, unrooted, lower, below or resource")]
    Filter {
        /// The filter as written.
        name: String,
    },
}

impl FromStr for ArnTemplate {
    type Err = ArnTemplateError;

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
                path => {
                    let unknown = |_| ArnTemplateError::Placeholder { name: path.to_owned() };
                    Source::Path(path.parse().map_err(unknown)?)
                }
            };
            let filter = match filter {
                None => Filter::None,
                Some("last") => Filter::Last,
                Some("unrooted") => Filter::Unrooted,
                Some("lower") => Filter::Lower,
                Some("below") => Filter::Below,
                Some("resource") => Filter::Resource,
                Some(other) => return Err(ArnTemplateError::Filter { name: other.to_owned() }),
            };
            Ok((source, filter))
        })?;
        Ok(Self { written: written.to_owned(), parts })
    }
}

impl<'de> Deserialize<'de> for ArnTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
