//! The calls of the engine to AWS: reads and writes. Implement [`BackendReader`] and [`TagWriter`] to run the
//! engine on something else than AWS. To tag another kind of AWS resource, write a catalogue rule instead.

use crate::error::BackendError;
use async_trait::async_trait;
use autotag_model::identity::OnBehalfOf;
use autotag_model::rule::{Resource, Rule, TagCall};
use autotag_model::tags::TagSet;
use futures_util::stream::{self, StreamExt as _};
use std::sync::Arc;

/// How many questions about related resources wait at the same time unless a backend asks them together.
const QUESTIONS: usize = 8;

/// The tags on one resource or principal, in the order in which AWS gives them.
pub type Tags = Vec<(String, String)>;

/// A resource, and the rule that says how its tags are written and read.
#[derive(Debug, Clone, PartialEq)]
pub struct TaggableResource {
    /// The resource.
    pub resource: Resource,
    /// Its rule.
    pub rule: Arc<Rule>,
}

/// Resources that get the same tags by the same call: one or a few requests to AWS.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TagWrite {
    /// The call.
    pub call: TagCall,
    /// The tags.
    pub tags: TagSet,
    /// The resources, all of one account and region.
    pub resources: Vec<TaggableResource>,
}

impl TagWrite {
    /// The write of these tags to these resources, by this call.
    pub fn new(call: TagCall, tags: TagSet, resources: Vec<TaggableResource>) -> Self {
        Self { call, tags, resources }
    }
}

/// A question about resources that the record of a creation does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelatedQuery {
    /// Volumes and network interfaces attached to these new instances.
    AttachedTo {
        /// The ids of the instances.
        instances: Vec<String>,
    },
    /// The snapshots behind a new image.
    SnapshotsOf {
        /// The id of the image.
        image: String,
    },
}

impl RelatedQuery {
    /// The subject of the question and its call.
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

/// The answer to a [`RelatedQuery`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Related {
    /// These resources.
    Found(Vec<Resource>),
    /// The backend cannot look up resources: it knows records only.
    Unavailable,
}

/// The questions of the planner. A call that fails is an error, never an empty answer.
#[async_trait]
pub trait BackendReader: Send + Sync {
    /// The tags on each resource now, in the order of the resources.
    async fn existing_tags(&self, resources: &[TaggableResource]) -> Vec<Result<Tags, BackendError>>;

    /// The resources that belong to the new resource `of` and that its record does not name.
    ///
    /// # Errors
    /// [`BackendError`] if AWS does not answer; "not found" while the resource is new.
    async fn find_related(&self, of: &Resource, query: &RelatedQuery) -> Result<Related, BackendError>;

    /// The answers to such questions about resources of one account and region, in their order. The default asks each question
    /// alone, a few at a time. A backend that can ask about many resources in one call overrides it.
    async fn find_all_related(
        &self,
        questions: &[(Resource, RelatedQuery)],
    ) -> Vec<Result<Related, BackendError>> {
        let asked: Vec<_> = questions.iter().map(|(of, query)| self.find_related(of, query)).collect();
        stream::iter(asked).buffered(QUESTIONS).collect().await
    }

    /// The tags of the IAM role or user with this ARN; empty if it has none.
    ///
    /// # Errors
    /// [`BackendError`] if they cannot be read.
    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError>;

    /// The name of the Identity Center user behind a call; `None` if the directory has no such user, or no
    /// directory is configured.
    ///
    /// # Errors
    /// [`BackendError`] if the directory does not answer.
    async fn user_name(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError>;
}

/// Writes tags.
#[async_trait]
pub trait TagWriter: Send + Sync {
    /// Writes the tags to each resource and keeps all other tags on it. One answer a resource, in order.
    async fn write_tags(&self, write: &TagWrite) -> Vec<Result<(), BackendError>>;
}

/// A backend that can be asked and written to. Every type that implements both traits is one.
pub trait Backend: BackendReader + TagWriter {}

impl<B: BackendReader + TagWriter + ?Sized> Backend for B {}
