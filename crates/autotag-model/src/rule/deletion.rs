//! Rules for deletions: the event that deletes a resource of a type.

use super::{Evidence, Located, Path, Rule, Scope, TagCall};
use crate::record::ParsedRecord;

/// One event that deletes one type of resource.
///
/// It names the resource as the rule does that creates the type, so that [`Resource::key`](super::Resource::key) is the same
/// for the creation and the deletion of a resource.
///
/// ```
/// use autotag_model::arn::{AccountId, Partition, Region};
/// use autotag_model::record::Record;
/// use autotag_model::rule::{Located, Scope, ServiceRules};
///
/// let service = ServiceRules::from_toml(r#"
///     source = "sqs.amazonaws.com"
///     name = "SQS"
///     [[rule]]
///     event = "CreateQueue"
///     type = "AWS::SQS::Queue"
///     id = "response.queueUrl"
///     arn = "arn:{partition}:sqs:{region}:{account}:{id|last}"
///     [[deletion]]
///     event = "DeleteQueue"
///     type = "AWS::SQS::Queue"
///     id = "request.queueUrl"
/// "#)?;
/// let record: Record = serde_json::from_str(r#"{"eventSource": "sqs.amazonaws.com", "eventName": "DeleteQueue",
///     "requestParameters": {"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/orders"}}"#)?;
/// let scope = Scope {
///     partition: Partition::default(),
///     region: Region::new("eu-west-1"),
///     account: AccountId::new("111122223333"),
/// };
/// let Located::Resources(gone) = service.deletions[0].locate(&record.parsed()?, &scope) else { panic!() };
/// assert_eq!(gone[0].display(), "arn:aws:sqs:eu-west-1:111122223333:orders");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DeletionRule {
    /// The rule that creates the type, with the event, the paths and the conditions of the deletion.
    pub(super) finder: Rule,
    /// True if the call takes an ARN in the place of the name.
    pub(super) takes_arns: bool,
}

impl DeletionRule {
    /// `eventName`; the case counts.
    pub fn event(&self) -> &str {
        &self.finder.event
    }

    /// The resource type.
    pub fn resource_type(&self) -> &str {
        &self.finder.resource_type
    }

    /// The paths of the id; the first that has a value counts.
    pub fn id(&self) -> &[Path] {
        &self.finder.id
    }

    /// How sure it is that the rule finds its resource.
    pub fn evidence(&self) -> Evidence {
        self.finder.evidence
    }

    /// True if the call names the resource by a name that somebody chose. A deleted resource can be made again under such a name;
    /// ids that AWS gives are never used again.
    pub fn is_by_name(&self) -> bool {
        self.finder.id.iter().any(Path::is_chosen_name)
    }

    /// The rule that finds the resources: that of the creation, with the event, the paths and the conditions of the deletion.
    pub fn as_rule(&self) -> &Rule {
        &self.finder
    }

    /// True if only an ARN tells which resource is meant.
    pub fn needs_arn(&self) -> bool {
        let are_arns = self.takes_arns || self.finder.id.iter().all(Path::names_arn);
        self.finder.arn.is_none() && (are_arns || self.finder.call == TagCall::TaggingApi)
    }

    /// Finds the resources that a record of the rule's event deletes. A pure function.
    ///
    /// An ARN of the request counts if the parameter has such a name, or if the rule says that the call takes one.
    /// The call succeeds only for a resource that it may delete.
    pub fn locate(&self, parsed: &ParsedRecord, scope: &Scope) -> Located {
        self.finder.locate_by(parsed, scope, |path| {
            self.takes_arns || path.names_arn() || path.yields_arns(self.finder.arn.is_none())
        })
    }
}

#[cfg(test)]
mod tests;
