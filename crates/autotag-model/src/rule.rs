//! The rules of the catalogue: which event creates which resource, where its id is, and which call tags it.
//!
//! Rules are data: TOML, one file a service, parsed by [`ServiceRules::from_toml`]. [`Rule::locate`] finds the
//! resources of a rule in a record.
//!
//! A [`Path`] begins with `request` (requestParameters), `response` (responseElements) or `service`
//! (serviceEventDetails). Member names match ignoring case, `[]` means every element of a list in any form that
//! CloudTrail writes, and the wrapper `<EventName>Response` of newer EC2 records is skipped.
//!
//! ```
//! use autotag_model::record::Record;
//! use autotag_model::rule::{Located, Scope, ServiceRules};
//! use autotag_model::arn::{AccountId, Partition, Region};
//!
//! let service = ServiceRules::from_toml(r#"
//!     source = "sqs.amazonaws.com"
//!     name = "SQS"
//!     [[rule]]
//!     event = "CreateQueue"
//!     type = "AWS::SQS::Queue"
//!     id = "request.queueName"
//!     arn = "arn:{partition}:sqs:{region}:{account}:{id}"
//! "#)?;
//! let record: Record = serde_json::from_str(r#"{"eventSource": "sqs.amazonaws.com", "eventName": "CreateQueue",
//!     "requestParameters": {"queueName": "orders"}}"#)?;
//! let scope = Scope {
//!     partition: Partition::default(),
//!     region: Region::new("eu-west-1"),
//!     account: AccountId::new("111122223333"),
//! };
//! let Located::Resources(found) = service.rules[0].locate(&record.parsed()?, &scope) else { panic!() };
//! assert_eq!(found[0].display(), "arn:aws:sqs:eu-west-1:111122223333:orders");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod account;
mod call;
mod catalog_id;
mod changed_resource;
mod creation;
mod deletion;
mod evidence;
mod file;
mod kind;
mod path;
mod resource;
mod service;
mod tag_change;
mod template;

pub use crate::template::BraceError;
pub use crate::toml_error::TomlError;
pub use call::{
    Api, CallError, FailureMember, Http, NativeCall, Operation, Pagination, Param, Protocol, ReadCall,
    TagShape, values,
};
pub use changed_resource::ChangedResource;
pub use deletion::DeletionRule;
pub use evidence::Evidence;
pub use file::RuleFileError;
pub use kind::{ResourceKind, ResourceKindError};
pub use path::{Path, PathError};
pub use resource::{Resource, ResourceKey, Scope};
pub use service::ServiceRules;
pub use tag_change::{ChangedTags, TagChangeCall, TypesBy};
pub use template::{ArnTemplate, ArnTemplateError, MissingValue};

use crate::arn::{AccountId, Arn, ArnError, Region};
use crate::json::is_mask;
use crate::record::ParsedRecord;
use crate::tags::TagConstraints;
use std::sync::Arc;

/// One event that creates one type of resource. Several rules can share an event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Rule {
    /// `eventName`; the case counts.
    pub event: String,
    /// The resource type by its name in `CloudFormation`, or a name in its style if it has none.
    pub resource_type: String,
    /// The paths of the id; the first that has a value counts.
    pub id: Vec<Path>,
    /// The template of the ARN, for records that do not have it.
    pub arn: Option<ArnTemplate>,
    /// The kinds of which its ARNs are; by default that of the template. An ARN of another kind is refused, so that no
    /// tag is written to another resource that the record names. Empty: not known, any ARN is taken.
    pub kinds: Vec<ResourceKind>,
    /// How sure it is that the rule finds its resource.
    pub evidence: Evidence,
    /// The call that tags the resource.
    pub call: TagCall,
    /// The service's own call for resources that `call` refuses.
    pub fallback: Option<Arc<NativeCall>>,
    /// The call that reads the tags of a resource that AWS cannot tag, but that other resources belong to. Only its
    /// read is ever sent.
    pub read_with: Option<Arc<NativeCall>>,
    /// The service's IAM actions that tagging needs; see [`Rule::iam_actions`] for all.
    pub actions: Vec<String>,
    /// True if the call also succeeds if the resource exists already.
    pub existing: bool,
    /// The paths of the account in which the call makes the resource, for calls that can name another one than the
    /// caller's; the first that has a value counts. Without one it is the account of the record.
    pub account: Vec<Path>,
    /// The paths of tags that the call asks for, where they are not in one of the usual members. All of them count.
    pub request_tags: Vec<Path>,
    /// The path of the time at which the resource was created, in the answer.
    pub created: Option<Path>,
    /// The call made the resource only if this holds. A record without a value at its path tells nothing.
    pub new_if: Option<Condition>,
    /// True if the resource is global: it is tagged in the partition's global region.
    pub global: bool,
    /// True if the call can make the resource in another region than its own: then the region of the ARN counts.
    /// Otherwise an ARN of another region is refused.
    pub in_any_region: bool,
    /// The rule applies only if this holds.
    pub when: Option<Condition>,
    /// The rule applies only if this does not hold.
    pub unless: Option<Condition>,
    /// Other types of `CloudFormation` that are the same resource, made by the same event.
    pub also: Vec<String>,
    /// A note for users.
    pub note: Option<String>,
    /// The tags that the service accepts.
    pub limits: TagConstraints,
}

/// The call that tags a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TagCall {
    /// `TagResources` of the Resource Groups Tagging API, by ARN.
    TaggingApi,
    /// A call of the service's own.
    Native(Arc<NativeCall>),
    /// AWS cannot tag the resource; the rule's note says why.
    None,
}

impl TagCall {
    /// True if the call replaces all tags of the resource.
    pub fn replaces(&self) -> bool {
        matches!(self, Self::Native(call) if call.replaces)
    }

    /// The name of the call: `tagging-api`, `none`, or the name in the file.
    pub fn name(&self) -> &str {
        match self {
            Self::TaggingApi => "tagging-api",
            Self::Native(call) => &call.name,
            Self::None => "none",
        }
    }
}

/// A condition on the record under which a rule applies or does not.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Condition {
    /// The path of the value.
    pub path: Path,
    /// The values for which the condition holds, ignoring case. Empty: any value.
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

/// The result of [`Rule::locate`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Located {
    /// The rule's conditions do not hold.
    NotApplicable,
    /// No path has an id.
    NoId,
    /// The record has an id, but no ARN can be made of it.
    NoArn(LocateError),
    /// The call names something else than an account where the rule expects the account of the resource: this text.
    NoAccount(String),
    /// The resources.
    Resources(Vec<Resource>),
}

/// The reason why a rule finds no ARN in a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocateError {
    /// The record lacks a value of the ARN.
    #[error("the record does not say the {}", .0.placeholder)]
    Missing(MissingValue),
    /// The text in the place of the ARN is not an ARN.
    #[error("`{text}` is not an ARN: {source}")]
    NotAnArn {
        /// The text.
        text: String,
        /// The fault.
        source: ArnError,
    },
    /// The ARN names something else than an account, as records do whose publisher has replaced the ids.
    #[error("`{arn}` does not name an account: expected twelve digits, found `{}`", .arn.account_field())]
    Account {
        /// The ARN.
        arn: Arn,
    },
    /// The ARN is of another kind of resource.
    #[error("`{arn}` is `{}:{}`; the rule expects {}", .arn.service(), .arn.resource(), kind::listed(.expected))]
    Kind {
        /// The ARN.
        arn: Box<Arn>,
        /// The kinds of the rule.
        expected: Vec<ResourceKind>,
    },
    /// The ARN is of another region.
    #[error("`{arn}` is in {}; the rule expects {expected}", .arn.region().map_or("no region", Region::as_str))]
    Region {
        /// The ARN.
        arn: Box<Arn>,
        /// The region of the call, or the global one of the partition.
        expected: Region,
    },
}

impl From<MissingValue> for LocateError {
    fn from(missing: MissingValue) -> Self {
        Self::Missing(missing)
    }
}

/// Parses the ARN of a resource. Its account must be twelve digits, empty, or a lower-case word, by which AWS names
/// itself as the owner.
fn readable_arn(text: &str) -> Result<Arn, LocateError> {
    let arn: Arn = text.parse().map_err(|source| LocateError::NotAnArn { text: text.to_owned(), source })?;
    let account = arn.account_field();
    let of_aws = account.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    if of_aws || AccountId::new(account).is_some() { Ok(arn) } else { Err(LocateError::Account { arn }) }
}

/// The ARN, if it is of one of these kinds and lies in this region. Without kinds any is taken, and without a region
/// any.
fn expected_arn(arn: Arn, kinds: &[ResourceKind], region: Option<&Region>) -> Result<Arn, LocateError> {
    if !kinds.is_empty() && !kinds.iter().any(|kind| kind.matches(&arn)) {
        return Err(LocateError::Kind { arn: Box::new(arn), expected: kinds.to_vec() });
    }
    match (arn.region(), region) {
        (Some(of_arn), Some(expected)) if of_arn != expected => {
            Err(LocateError::Region { expected: expected.clone(), arn: Box::new(arn) })
        }
        _ => Ok(arn),
    }
}

impl Rule {
    /// The resource type and the other types that are the same resource.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        [&self.resource_type].into_iter().chain(&self.also).map(String::as_str)
    }

    /// The IAM actions that are needed to tag the rule's resources.
    pub fn iam_actions(&self) -> Vec<&str> {
        let api = (self.call == TagCall::TaggingApi).then_some("tag:TagResources");
        self.actions.iter().map(String::as_str).chain(api).collect()
    }

    /// The IAM actions that are needed to read the tags of the rule's resources.
    pub fn read_actions(&self) -> Vec<&str> {
        let (api, call) = match &self.call {
            TagCall::TaggingApi => (Some("tag:GetResources"), self.fallback.as_ref()),
            TagCall::Native(call) => (None, Some(call)),
            TagCall::None => (None, self.read_with.as_ref()),
        };
        call.iter().flat_map(|call| &call.read_actions).map(String::as_str).chain(api).collect()
    }

    /// True if the rule applies by a value in `serviceEventDetails`, and the record has no readable value there.
    /// Then it is unknown if the event made a resource.
    pub fn lacks_service_details(&self, parsed: &ParsedRecord) -> bool {
        let when = self.when.as_ref().filter(|condition| condition.path.is_in_service_details());
        when.is_some_and(|condition| condition.path.texts(&self.event, parsed).is_empty())
    }

    /// Finds the rule's resources in a record of the rule's event. A pure function.
    pub fn locate(&self, parsed: &ParsedRecord, scope: &Scope) -> Located {
        self.locate_by(parsed, scope, |path| path.yields_arns(self.arn.is_none()))
    }

    /// The same; `yields_arns` says of which paths an ARN is believed.
    fn locate_by(
        &self,
        parsed: &ParsedRecord,
        scope: &Scope,
        yields_arns: impl Fn(&Path) -> bool,
    ) -> Located {
        let applies = self.when.as_ref().is_none_or(|condition| condition.holds(&self.event, parsed))
            && !self.unless.as_ref().is_some_and(|condition| condition.holds(&self.event, parsed));
        if !applies {
            return Located::NotApplicable;
        }
        let mut found = self.id.iter().map(|path| (path, self.ids(path, parsed)));
        let Some((path, ids)) = found.find(|(_, ids)| !ids.is_empty()) else { return Located::NoId };
        let yields_arns = yields_arns(path);
        let (account, catalog) = match self.account_of(parsed, scope) {
            Ok(found) => found,
            Err(text) => return Located::NoAccount(text),
        };
        let scope = Scope { account, ..self.scope(scope) };
        let mut resources: Vec<Resource> = Vec::with_capacity(ids.len());
        for id in &ids {
            match self.resource(id, yields_arns, parsed, &scope, catalog.as_deref()) {
                Ok(resource) if resources.contains(&resource) => {}
                Ok(resource) => resources.push(resource),
                Err(why) => return Located::NoArn(why),
            }
        }
        Located::Resources(resources)
    }

    /// The ids at a path. If only an ARN can be an id, a mask is not an id.
    fn ids(&self, path: &Path, parsed: &ParsedRecord) -> Vec<String> {
        let only_arns = self.arn.is_none() && self.call == TagCall::TaggingApi;
        let mut ids = path.texts(&self.event, parsed);
        ids.retain(|id| !(only_arns && is_mask(id)));
        ids
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
        catalog: Option<&str>,
    ) -> Result<Resource, LocateError> {
        let text = if yields_arns && id.starts_with("arn:") {
            Some(id.to_owned())
        } else if let Some(template) = &self.arn {
            Some(template.fill(&template::Values { event: &self.event, id, arn: None, parsed, scope })?)
        } else {
            None
        };
        let text = text.map(|text| catalog_id::in_catalog(text, catalog));
        let region = scope.region.as_ref().filter(|_| !self.in_any_region);
        let arn = text
            .map(|text| readable_arn(&text).and_then(|arn| expected_arn(arn, &self.kinds, region)))
            .transpose()?;
        Ok(Resource::new(&self.resource_type, id, arn, scope))
    }
}

#[cfg(test)]
mod tests;
