//! What a catalogue rule is, and the interpreter of its paths: "this event creates such a resource; its id stands there;
//! tag it so". Rules are data (TOML, one file a service); [`ServiceRules::from_toml`] reads them.
//!
//! Paths begin at `request` (requestParameters), `response` (responseElements) or `service` (serviceEventDetails). Member
//! names match ignoring case, `[]` means every element of a list in any of CloudTrail's spellings, and the wrapper
//! `<EventName>Response` of newer EC2 records is passed through by itself.

mod call;
mod file;
mod path;

pub use call::{Api, Http, NativeCall, Operation, Pagination, Param, Protocol, ReadCall, TagShape, values};
pub use file::RuleFileError;
pub use path::{ArnTemplate, Path};

use crate::arn::{AccountId, Arn, Partition, Region};
use crate::record::ParsedRecord;
use crate::tags::TagConstraints;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The rules of one AWS service.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ServiceRules {
    /// `eventSource` of its records, for example `sqs.amazonaws.com`.
    pub source: String,
    /// What people call the service.
    pub name: String,
    /// Events that look like creations but make nothing that can be tagged.
    pub not_a_resource: Vec<String>,
    /// The service's own tag calls, by name.
    pub native: BTreeMap<String, Arc<NativeCall>>,
    /// The rules, in the order of the file.
    pub rules: Vec<Arc<Rule>>,
}

/// One event that creates one kind of resource. Several rules may share an event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Rule {
    /// `eventName`, exactly.
    pub event: String,
    /// `CloudFormation`'s name of the resource type, or a name in its style where it has none.
    pub resource_type: String,
    /// Where the id stands; the first path that leads somewhere counts.
    pub id: Vec<Path>,
    /// How to make the ARN from the id, where the record does not give it.
    pub arn: Option<ArnTemplate>,
    /// Which call tags it.
    pub call: TagCall,
    /// The service's own call for what the tagging API turns out not to support; for what the service's first call
    /// refuses, another one.
    pub fallback: Option<Arc<NativeCall>>,
    /// The call that reads the tags of what AWS cannot tag, but what other resources belong to. It is never sent itself,
    /// only the call that reads in its place.
    pub read_with: Option<Arc<NativeCall>>,
    /// The service's own IAM actions that the tagger needs; see [`Rule::iam_actions`] for all.
    pub actions: Vec<String>,
    /// The event also succeeds for a resource that exists.
    pub existing: bool,
    /// The resource is global: tagged in the partition's global region.
    pub global: bool,
    /// Only meant if this holds.
    pub when: Option<Condition>,
    /// Only meant if this does not hold.
    pub unless: Option<Condition>,
    /// What users should know.
    pub note: Option<String>,
    /// What tags the service accepts.
    pub limits: TagConstraints,
}

/// Which call tags a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TagCall {
    /// `TagResources` of the Resource Groups Tagging API, by ARN.
    TaggingApi,
    /// A call of the service's own.
    Native(Arc<NativeCall>),
    /// AWS cannot tag it; the rule's note says why.
    None,
}

impl TagCall {
    /// Whether the call replaces all tags that are there.
    pub fn replaces(&self) -> bool {
        matches!(self, Self::Native(call) if call.replaces)
    }

    /// The name of the call, for people.
    pub fn name(&self) -> &str {
        match self {
            Self::TaggingApi => "tagging-api",
            Self::Native(call) => &call.name,
            Self::None => "none",
        }
    }
}

/// What a rule asks of the record before it is meant.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Condition {
    /// Where to look.
    pub path: Path,
    /// The values that count, ignoring case; empty: anything that is not nothing.
    pub is: Vec<String>,
}

impl Condition {
    fn holds(&self, event: &str, parsed: &ParsedRecord) -> bool {
        if self.is.is_empty() {
            return self.path.exists(event, parsed);
        }
        self.path
            .texts(event, parsed)
            .iter()
            .any(|text| self.is.iter().any(|is| is.eq_ignore_ascii_case(text)))
    }
}

/// Where a record's resources lie, as far as the record and its delivery say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The partition.
    pub partition: Partition,
    /// The region of the call.
    pub region: Option<Region>,
    /// The account of the resource.
    pub account: Option<AccountId>,
}

/// The identity of a resource: equal for the same resource, and different for every other one.
///
/// An ARN identifies a resource by itself; without one, account, region, type and id do. The versions of an object share an
/// ARN and differ by their version.
///
/// ```
/// use autotag_model::arn::{AccountId, Partition, Region};
/// use autotag_model::rule::{Resource, Scope};
///
/// let scope = |account| Scope {
///     partition: Partition::default(),
///     region: Region::new("eu-west-1"),
///     account: AccountId::new(account),
/// };
/// let web = |account| Resource::new("AWS::Lightsail::Instance", "web", None, &scope(account));
/// assert_eq!(web("111122223333").key(), web("111122223333").key());
/// assert_ne!(web("111122223333").key(), web("444455556666").key());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceKey {
    name: ResourceName,
    /// The version of an object.
    version: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum ResourceName {
    Arn(String),
    Id { account: Option<AccountId>, region: Option<Region>, resource_type: String, id: String },
}

impl fmt::Display for ResourceKey {
    /// One line, for keys of files: the version and the name, `-` for a part that is not known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.version.as_deref().unwrap_or("-"))?;
        match &self.name {
            ResourceName::Arn(arn) => f.write_str(arn),
            ResourceName::Id { account, region, resource_type, id } => {
                let account = account.as_ref().map_or("-", AccountId::as_str);
                let region = region.as_ref().map_or("-", Region::as_str);
                write!(f, "{account} {region} {resource_type} {id}")
            }
        }
    }
}

/// A resource that a rule has found in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resource {
    /// `CloudFormation`'s name of its type.
    pub resource_type: String,
    /// The id as the record has it; may be the ARN.
    pub id: String,
    /// The ARN; `None` where it cannot be known from the record.
    pub arn: Option<Arn>,
    /// The region in which it is tagged.
    pub region: Option<Region>,
    /// The account in which it lies.
    pub account: Option<AccountId>,
    /// The version of an object that the record is about; `None` where there are no versions.
    pub version: Option<String>,
}

impl Resource {
    /// A resource by its parts; the region and account of the ARN count before those of the scope.
    pub fn new(resource_type: &str, id: &str, arn: Option<Arn>, scope: &Scope) -> Self {
        let region = arn.as_ref().and_then(Arn::region).or(scope.region.as_ref()).cloned();
        let account = arn.as_ref().and_then(Arn::account).or_else(|| scope.account.clone());
        Self {
            resource_type: resource_type.to_owned(),
            id: id.to_owned(),
            arn,
            region,
            account,
            version: None,
        }
    }

    /// What tells this resource from every other one.
    pub fn key(&self) -> ResourceKey {
        let name = match &self.arn {
            Some(arn) => ResourceName::Arn(arn.to_string()),
            None => ResourceName::Id {
                account: self.account.clone(),
                region: self.region.clone(),
                resource_type: self.resource_type.clone(),
                id: self.id.clone(),
            },
        };
        ResourceKey { name, version: self.version.clone() }
    }

    /// The ARN, or the id where there is none: a text for people. It identifies nothing: an id without an ARN is used again in
    /// other accounts and regions, and the versions of an object share an ARN. Compare [`Resource::key`] instead.
    pub fn display(&self) -> String {
        self.arn.as_ref().map_or_else(|| self.id.clone(), Arn::to_string)
    }
}

/// What a rule makes of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Located {
    /// The rule's conditions say that it is not meant.
    NotApplicable,
    /// None of the paths leads to an id.
    NoId,
    /// An id is there, but no ARN can be made of it; the text says why.
    NoArn(String),
    /// The resources.
    Resources(Vec<Resource>),
}

impl Rule {
    /// The IAM actions that tagging by this rule needs.
    pub fn iam_actions(&self) -> Vec<&str> {
        let api = (self.call == TagCall::TaggingApi).then_some("tag:TagResources");
        self.actions.iter().map(String::as_str).chain(api).collect()
    }

    /// The IAM actions that reading the tags of the rule's resources needs.
    pub fn read_actions(&self) -> Vec<&str> {
        let (api, call) = match &self.call {
            TagCall::TaggingApi => (Some("tag:GetResources"), self.fallback.as_ref()),
            TagCall::Native(call) => (None, Some(call)),
            TagCall::None => (None, self.read_with.as_ref()),
        };
        call.iter().flat_map(|call| &call.read_actions).map(String::as_str).chain(api).collect()
    }

    /// Finds the rule's resources in a record of the rule's event.
    pub fn locate(&self, parsed: &ParsedRecord, scope: &Scope) -> Located {
        let meant = self.when.as_ref().is_none_or(|condition| condition.holds(&self.event, parsed))
            && !self.unless.as_ref().is_some_and(|condition| condition.holds(&self.event, parsed));
        if !meant {
            return Located::NotApplicable;
        }
        let mut found = self.id.iter().map(|path| (path, path.texts(&self.event, parsed)));
        let Some((path, ids)) = found.find(|(_, ids)| !ids.is_empty()) else { return Located::NoId };
        let yields_arns = path.yields_arns(self.arn.is_none());
        let scope = self.scope(scope);
        let mut resources: Vec<Resource> = Vec::with_capacity(ids.len());
        for id in &ids {
            match self.resource(id, yields_arns, parsed, &scope) {
                Ok(resource) if resources.contains(&resource) => {}
                Ok(resource) => resources.push(resource),
                Err(why) => return Located::NoArn(why),
            }
        }
        Located::Resources(resources)
    }

    /// The scope in which the rule's resources are tagged.
    fn scope(&self, scope: &Scope) -> Scope {
        let region = if self.global {
            scope.partition.global_region().or_else(|| scope.region.clone())
        } else {
            scope.region.clone()
        };
        Scope { region, ..scope.clone() }
    }

    fn resource(
        &self,
        id: &str,
        yields_arns: bool,
        parsed: &ParsedRecord,
        scope: &Scope,
    ) -> Result<Resource, String> {
        let text = if yields_arns && id.starts_with("arn:") {
            Some(id.to_owned())
        } else if let Some(template) = &self.arn {
            Some(template.fill(&path::Values { event: &self.event, id, arn: None, parsed, scope })?)
        } else {
            None
        };
        let arn =
            text.map(|text| text.parse::<Arn>().map_err(|error| format!("`{text}` is no ARN: {error}")));
        Ok(Resource::new(&self.resource_type, id, arn.transpose()?, scope))
    }
}

#[cfg(test)]
mod tests;
