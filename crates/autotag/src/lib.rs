#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

/// The examples of the pages for newcomers, which `cargo test --doc` runs as well. The pages are not in the package.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../README.md")]
    mod readme {}
    #[doc = include_str!("../../../docs/library.md")]
    mod library {}
}

mod builder;
mod facade;

pub use builder::Builder;
pub use facade::{Autotag, IdentifyError};

pub use autotag_handlers as engine;
pub use autotag_handlers::backend::{
    Backend, BackendReader, Related, RelatedQuery, TagWrite, TagWriter, TaggableResource, Tags,
};
pub use autotag_handlers::catalog::{Catalog, CatalogError};
pub use autotag_handlers::classify::{Classification, Classifier, Creation};
pub use autotag_handlers::error::{BackendError, ErrorClass};
pub use autotag_handlers::memory::MemoryBackend;
pub use autotag_handlers::outcome::{Outcome, SkipReason};
pub use autotag_handlers::owner::{Owner, OwnerError, OwnerSource};
pub use autotag_handlers::plan::{Action, Execution, Plan, PlannedResource, Planner};
pub use autotag_handlers::records::ClassifiedRecords;
pub use autotag_handlers::row::{ResourceOutcome, Row, Status};
pub use autotag_handlers::services::{RecordContext, ServiceHandler, TagTarget};
pub use autotag_model as model;
pub use autotag_model::policy::{Policy, PolicyError};
pub use autotag_model::record::Record;
pub use autotag_model::rule::{Resource, ResourceKey};
pub use autotag_model::session::Session;
pub use jiff::Timestamp;
pub use session_store as sessions;
pub use session_store::{MemoryStore, SessionReader, SessionStoreError, SessionWriter};

/// The backend over AWS, and clients per account and region.
#[cfg(feature = "aws")]
#[cfg_attr(docsrs, doc(cfg(feature = "aws")))]
pub use autotag_aws as aws;
