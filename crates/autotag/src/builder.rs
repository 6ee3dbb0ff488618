//! Options of the library.

use crate::facade::Autotag;
use autotag_handlers::catalog::{Catalog, CatalogError};
use autotag_handlers::classify::Classifier;
use autotag_handlers::services::ServiceHandler;
use autotag_model::policy::Policy;
use std::sync::Arc;

/// Builds an [`Autotag`] with a policy, rules and services of one's own.
///
/// ```
/// use autotag::{Autotag, Policy};
///
/// let policy = Policy::from_toml("[static]\nManagedBy = \"autotag\"\n")?;
/// let autotag = Autotag::builder().policy(policy).build();
/// # Ok::<(), autotag::PolicyError>(())
/// ```
#[derive(Debug)]
pub struct Builder {
    catalog: Catalog,
    policy: Policy,
    services: Vec<Arc<dyn ServiceHandler>>,
}

impl Default for Builder {
    fn default() -> Self {
        Self { catalog: Catalog::embedded(), policy: Policy::default(), services: Vec::new() }
    }
}

impl Builder {
    /// The tag policy. Without it the tags are `Owner`, `PrincipalId` and `CreatedBy`.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Adds the rules of a rule file to the embedded catalogue. They replace the embedded rules of the same event. `file` is the
    /// name of the file in errors.
    ///
    /// # Errors
    /// [`CatalogError`] with the line, the column and what was expected.
    pub fn rules(mut self, file: &str, toml: &str) -> Result<Self, CatalogError> {
        self.catalog.add(file, toml)?;
        Ok(self)
    }

    /// Adds a service with behaviour that a rule cannot describe.
    #[must_use]
    pub fn service(mut self, handler: Arc<dyn ServiceHandler>) -> Self {
        self.services.push(handler);
        self
    }

    /// The library with these options.
    pub fn build(self) -> Autotag {
        let classifier = Classifier::new(self.catalog, self.policy);
        Autotag::from(self.services.into_iter().fold(classifier, Classifier::with_service))
    }
}

impl Autotag {
    /// The embedded catalogue and the built-in policy.
    pub fn new() -> Self {
        Builder::default().build()
    }

    /// Options: policy, rules, services.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl Default for Autotag {
    fn default() -> Self {
        Self::new()
    }
}
