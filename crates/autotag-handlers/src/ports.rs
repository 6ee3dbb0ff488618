//! What the pipeline asks of the world. Implement these to run autotag on something else than AWS; to tag another kind of
//! AWS resource, write a catalogue rule instead.

use crate::outcome::BackendError;
use autotag_model::identity::OnBehalfOf;
use autotag_model::rule::{Resource, Rule, TagCall};
use autotag_model::tags::TagSet;
use jiff::Timestamp;
use session_store::SessionStore;
use std::future::Future;
use std::sync::Arc;

/// A resource, and the rule that says how it is tagged and read.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The resource.
    pub resource: Resource,
    /// Its rule.
    pub rule: Arc<Rule>,
}

/// Resources that get the same tags by the same call: one or a few requests to AWS.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Write {
    /// The call.
    pub call: TagCall,
    /// The tags.
    pub tags: TagSet,
    /// The resources, all of one account and region.
    pub items: Vec<Item>,
}

impl Write {
    /// The write of these tags to these resources, by this call.
    pub fn new(call: TagCall, tags: TagSet, items: Vec<Item>) -> Self {
        Self { call, tags, items }
    }
}

/// The tags of one resource, as the world has them.
pub type Tags = Vec<(String, String)>;

/// Writes tags.
pub trait Tagger: Send + Sync {
    /// Writes the tags to each resource, keeping all others that are there; answers for each, in order.
    fn write(&self, write: &Write) -> impl Future<Output = Vec<Result<(), BackendError>>> + Send;
}

/// Reads tags.
pub trait TagReader: Send + Sync {
    /// The tags on each resource now, in order. A failed read is never "no tags".
    fn tags(&self, items: &[Item]) -> impl Future<Output = Vec<Result<Tags, BackendError>>> + Send;
}

/// What a record cannot say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Volumes and network interfaces attached to these new instances.
    AttachedTo {
        /// The instances' ids.
        instances: Vec<String>,
    },
    /// The snapshots behind a new image.
    SnapshotsOf {
        /// The image's id.
        image: String,
    },
}

impl Question {
    /// What is asked for, and how it is found out.
    pub fn describe(&self) -> String {
        match self {
            Self::AttachedTo { instances } => {
                format!("volumes and network interfaces of {}, by DescribeInstances", instances.join(", "))
            }
            Self::SnapshotsOf { image } => format!("snapshots of {image}, by DescribeImages"),
        }
    }

    /// The type of the resources asked for.
    pub fn resource_type(&self) -> &'static str {
        match self {
            Self::AttachedTo { .. } => "AWS::EC2::Volume",
            Self::SnapshotsOf { .. } => "AWS::EC2::Snapshot",
        }
    }
}

/// What a look-up found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// These resources.
    Resources(Vec<Resource>),
    /// This world cannot look: it is a plan, made from records only.
    Offline,
}

/// Looks up what a record cannot say.
pub trait Lookup: Send + Sync {
    /// Answers a question about the resource `of`.
    ///
    /// # Errors
    /// [`BackendError`] when AWS does not answer; "not found" while the resource is new.
    fn ask(
        &self,
        of: &Resource,
        question: &Question,
    ) -> impl Future<Output = Result<Answer, BackendError>> + Send;
}

/// Reads the IAM tags of principals.
pub trait PrincipalTags: Send + Sync {
    /// The tags of the IAM role or user with this ARN; empty when it has none.
    ///
    /// # Errors
    /// [`BackendError`] when they cannot be read.
    fn principal_tags(&self, arn: &str) -> impl Future<Output = Result<Tags, BackendError>> + Send;
}

/// Knows the people of Identity Center by name.
pub trait People: Send + Sync {
    /// The name of the user for whom a call was made; `None` where nobody knows it, or nobody is to be asked.
    ///
    /// # Errors
    /// [`BackendError`] when the one who is to be asked does not answer.
    fn person(&self, user: &OnBehalfOf) -> impl Future<Output = Result<Option<String>, BackendError>> + Send;
}

/// The time.
pub trait Clock: Send + Sync {
    /// Now, UTC.
    fn now(&self) -> Timestamp;
}

/// All that the pipeline asks of the world, in one place. Whatever implements the single ports is one.
pub trait Ports: Tagger + TagReader + Lookup + PrincipalTags + People + Clock + SessionStore {}

impl<P: Tagger + TagReader + Lookup + PrincipalTags + People + Clock + SessionStore> Ports for P {}
