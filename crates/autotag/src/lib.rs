//! Who created what in an AWS estate: plans owner tags from CloudTrail records.

pub use autotag_model as model;
