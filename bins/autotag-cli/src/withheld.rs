//! The tags that `apply` would have written without a filter.
//!
//! A filter must not change who owns what: a resource of somebody else that is not written keeps its owner for the events that
//! follow, and for the resources that belong to it.

use crate::foresight::Foresight;
use async_trait::async_trait;
use autotag_handlers::backend::{Backend, BackendReader, Related, RelatedQuery, TaggableResource, Tags};
use autotag_handlers::error::BackendError;
use autotag_handlers::plan::{Action, PlannedResource};
use autotag_model::identity::OnBehalfOf;
use autotag_model::rule::{Resource, ResourceKey};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The tags that were decided and not written, by resource.
#[derive(Debug)]
pub(crate) struct Withheld {
    /// The resources that later events name; `None` if there are so few events that all are kept.
    foresight: Option<Foresight>,
    tags: Mutex<HashMap<ResourceKey, Tags>>,
}

impl Withheld {
    pub(crate) fn new(foresight: Option<Foresight>) -> Self {
        Self { foresight, tags: Mutex::default() }
    }

    /// Keeps the tags of rows that are not written.
    pub(crate) fn add(&self, rows: &[PlannedResource]) {
        let mut all = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            let Action::Tag(taggable) = &row.status else { continue };
            let key = taggable.resource.key();
            // A resource that AWS was asked for may be named by any event.
            let is_named_once = row.made.is_some()
                && self.foresight.as_ref().is_some_and(|foresight| !foresight.is_named_again(&key));
            if is_named_once {
                continue;
            }
            let new: Tags = row.tags.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            overlay(all.entry(key).or_default(), &new);
        }
    }
}

/// Puts `new` tags over those that are there.
fn overlay(tags: &mut Tags, new: &Tags) {
    tags.retain(|(key, _)| !new.iter().any(|(other, _)| other == key));
    tags.extend(new.iter().cloned());
}

/// A backend whose resources have the withheld tags.
pub(crate) struct WithheldBackend<'a> {
    pub(crate) inner: &'a dyn Backend,
    pub(crate) withheld: &'a Withheld,
}

#[async_trait]
impl BackendReader for WithheldBackend<'_> {
    async fn existing_tags(&self, resources: &[TaggableResource]) -> Vec<Result<Tags, BackendError>> {
        let mut answers = self.inner.existing_tags(resources).await;
        let withheld = self.withheld.tags.lock().unwrap_or_else(PoisonError::into_inner);
        if withheld.is_empty() {
            return answers;
        }
        for (taggable, answer) in resources.iter().zip(&mut answers) {
            if let (Ok(tags), Some(new)) = (answer, withheld.get(&taggable.resource.key())) {
                overlay(tags, new);
            }
        }
        answers
    }

    async fn find_related(&self, of: &Resource, query: &RelatedQuery) -> Result<Related, BackendError> {
        self.inner.find_related(of, query).await
    }

    async fn find_all_related(
        &self,
        questions: &[(Resource, RelatedQuery)],
    ) -> Vec<Result<Related, BackendError>> {
        self.inner.find_all_related(questions).await
    }

    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        self.inner.principal_tags(arn).await
    }

    async fn user_name(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        self.inner.user_name(user).await
    }
}
