//! The resources that a rule finds in a record, and the key that identifies each.

use crate::arn::{AccountId, Arn, Partition, Region};
use std::fmt;

/// The partition, region and account of a record's resources, as far as the record and its delivery name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The partition.
    pub partition: Partition,
    /// The region of the call.
    pub region: Option<Region>,
    /// The account of the resource.
    pub account: Option<AccountId>,
}

/// The identity of a resource: two keys are equal exactly if they are of the same resource.
///
/// It is the ARN and, of an S3 object, the version. Without an ARN it is account, region, type and id.
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
    /// One line, for keys in files: the version, then the ARN or the other parts; `-` for a part that is not known.
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

/// A resource that a rule found in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resource {
    /// The resource type, by its name in `CloudFormation`.
    pub resource_type: String,
    /// The id as the record has it, possibly the ARN.
    pub id: String,
    /// The ARN; `None` if the record does not tell it.
    pub arn: Option<Arn>,
    /// The region in which it is tagged.
    pub region: Option<Region>,
    /// The account that owns it.
    pub account: Option<AccountId>,
    /// The version of an S3 object; `None` for everything without versions.
    pub version: Option<String>,
}

impl Resource {
    /// A resource by its parts. The region and account of the ARN come before those of the scope.
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

    /// The identity of the resource.
    pub fn key(&self) -> ResourceKey {
        let name = match &self.arn {
            Some(arn) => ResourceName::Arn(arn.text()),
            None => ResourceName::Id {
                account: self.account.clone(),
                region: self.region.clone(),
                resource_type: self.resource_type.clone(),
                id: self.id.clone(),
            },
        };
        ResourceKey { name, version: self.version.clone() }
    }

    /// The ARN or, without one, the id: a text for people.
    ///
    /// Different resources can have the same text: an id is unique only in its account and region, and the versions of
    /// an object share an ARN. To compare resources, use [`Resource::key`].
    pub fn display(&self) -> String {
        self.arn.as_ref().map_or_else(|| self.id.clone(), Arn::text)
    }
}

impl Resource {
    /// The partition of the ARN or, without one, of the region; `aws` if neither is known.
    pub fn partition(&self) -> Partition {
        let of_arn = self.arn.as_ref().map(|arn| arn.partition().clone());
        of_arn.or_else(|| self.region.as_ref().and_then(Partition::of_region)).unwrap_or_default()
    }
}
