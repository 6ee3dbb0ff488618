//! A backend in memory. Plans without AWS use it. Tests use it too, and fill it first.

use crate::backend::{BackendReader, Related, RelatedQuery, TagWrite, TagWriter, TaggableResource, Tags};
use crate::error::{BackendError, ErrorClass};
use async_trait::async_trait;
use autotag_model::identity::OnBehalfOf;
use autotag_model::rule::Resource;
use autotag_model::tags::is_reserved;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Resources, principals and users in memory. Every write succeeds. Shared by reference; one lock a map.
#[derive(Debug, Default)]
pub struct MemoryBackend {
    offline: bool,
    resources: Mutex<HashMap<String, BTreeMap<String, String>>>,
    principals: Mutex<HashMap<String, Tags>>,
    users: Mutex<HashMap<String, String>>,
    attached: Mutex<HashMap<String, Vec<Resource>>>,
    writes: Mutex<Vec<TagWrite>>,
}

impl MemoryBackend {
    /// An empty backend, which finds the related resources that are put into it.
    pub fn new() -> Self {
        Self::default()
    }

    /// A backend for plans from records alone: it looks up nothing.
    pub fn offline() -> Self {
        Self { offline: true, ..Self::default() }
    }

    /// Puts tags on a resource, as its user would. It is named by its ARN if it has one and no version, otherwise by the text
    /// of its [`ResourceKey`](autotag_model::rule::ResourceKey).
    pub fn put_tags(&self, resource: &str, tags: &[(&str, &str)]) {
        let mut resources = lock(&self.resources);
        let present = resources.entry(resource.to_owned()).or_default();
        present.extend(tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    }

    /// Takes tags off a resource, as its user would.
    pub fn remove_tags(&self, resource: &str, keys: &[&str]) {
        if let Some(present) = lock(&self.resources).get_mut(resource) {
            present.retain(|key, _| !keys.contains(&key.as_str()));
        }
    }

    /// The tags on a resource now, by the same name.
    pub fn tags_on(&self, resource: &str) -> BTreeMap<String, String> {
        lock(&self.resources).get(resource).cloned().unwrap_or_default()
    }

    /// Gives tags to an IAM role or user.
    pub fn put_principal(&self, arn: &str, tags: &[(&str, &str)]) {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        lock(&self.principals).insert(arn.to_owned(), tags);
    }

    /// Gives a name to an Identity Center user.
    pub fn put_user(&self, user_id: &str, name: &str) {
        lock(&self.users).insert(user_id.to_owned(), name.to_owned());
    }

    /// Attaches a resource to an instance or image.
    pub fn attach(&self, to: &str, resource: Resource) {
        lock(&self.attached).entry(to.to_owned()).or_default().push(resource);
    }

    /// Every write so far, in order.
    pub fn writes(&self) -> Vec<TagWrite> {
        lock(&self.writes).clone()
    }
}

/// The name under which the tags of a resource are kept.
fn name(resource: &Resource) -> String {
    match (&resource.arn, &resource.version) {
        (Some(arn), None) => arn.to_string(),
        _ => resource.key().to_string(),
    }
}

/// A panic elsewhere while the lock was held leaves these maps whole: each is changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl TagWriter for MemoryBackend {
    async fn write_tags(&self, write: &TagWrite) -> Vec<Result<(), BackendError>> {
        lock(&self.writes).push(write.clone());
        let mut resources = lock(&self.resources);
        let mut one = |taggable: &TaggableResource| {
            let present = resources.entry(name(&taggable.resource)).or_default();
            let mut merged = present.clone();
            merged.extend(write.tags.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())));
            if merged.keys().filter(|key| !is_reserved(key)).count() > taggable.rule.limits.tags {
                return Err(BackendError::new(ErrorClass::Invalid, write.call.name(), "TagLimitExceeded"));
            }
            *present = merged;
            Ok(())
        };
        write.resources.iter().map(&mut one).collect()
    }
}

#[async_trait]
impl BackendReader for MemoryBackend {
    async fn existing_tags(&self, resources: &[TaggableResource]) -> Vec<Result<Tags, BackendError>> {
        let tags =
            |taggable: &TaggableResource| Ok(self.tags_on(&name(&taggable.resource)).into_iter().collect());
        resources.iter().map(tags).collect()
    }

    async fn find_related(&self, _of: &Resource, query: &RelatedQuery) -> Result<Related, BackendError> {
        if self.offline {
            return Ok(Related::Unavailable);
        }
        let attached = lock(&self.attached);
        let of = |id: &String| attached.get(id).cloned().unwrap_or_default();
        Ok(Related::Found(match query {
            RelatedQuery::AttachedTo { instances } => instances.iter().flat_map(of).collect(),
            RelatedQuery::SnapshotsOf { image } => of(image),
        }))
    }

    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        Ok(lock(&self.principals).get(arn).cloned().unwrap_or_default())
    }

    async fn user_name(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        Ok(lock(&self.users).get(&user.user_id).cloned())
    }
}
