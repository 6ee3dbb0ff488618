//! The origin of a resource that no record names: the volume of a new instance, the snapshot of a new image.

use super::asked::Asked;
use super::finding::FoundCreation;
use super::lookup::Place;
use crate::error::BackendError;
use async_trait::async_trait;
use autotag_model::rule::Resource;
use jiff::{SignedDuration, Timestamp};

/// How far apart the times of a call and of what it made may be: they come from different hosts of AWS.
const APART: SignedDuration = SignedDuration::from_mins(5);

/// A resource, and the one that the same call may have made.
#[derive(Debug, Clone, PartialEq)]
pub struct CameWith {
    /// The resource.
    pub resource: Resource,
    /// The id of the instance to which it is attached, or of the image that it is a part of.
    pub with: String,
    /// When it was created.
    pub created: Timestamp,
}

/// Tells with what resources came.
#[async_trait]
pub trait Origins: Send + Sync {
    /// The instance or image that a volume or snapshot may have come with; `None` if there is none.
    ///
    /// # Errors
    /// [`BackendError`] if AWS does not answer.
    async fn came_with(&self, place: &Place, id: &str) -> Result<Option<CameWith>, BackendError>;
}

/// The id of what may have come with something else.
pub(super) fn id(asked: &Asked) -> Option<&str> {
    let id = asked.names().first()?;
    ["vol-", "snap-"].iter().any(|prefix| id.starts_with(prefix)).then_some(id)
}

impl CameWith {
    /// True if the call made the resource, too: it was created at about the time of the call. What was created by a call of its
    /// own, and attached later, has another time.
    pub(super) fn is_made_by(&self, creation: &FoundCreation) -> bool {
        let time = creation.event.timestamp();
        time.is_some_and(|time| self.created.duration_since(time).abs() <= APART)
    }
}
