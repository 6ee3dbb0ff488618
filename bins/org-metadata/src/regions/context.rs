//! The input and the result of a scan.

use crate::aws::{Aws, Failure, LazyAccountSession};
use crate::report::{MissingData, MissingField};
use crate::resume_cache::ResumeCache;
use autotag_model::arn::{AccountId, Region};
use std::collections::BTreeSet;

/// An account whose regions are scanned.
#[derive(Debug)]
pub(crate) struct AccountContext<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) cache: &'a ResumeCache,
    pub(crate) id: &'a AccountId,
    /// The management account of its organization.
    pub(crate) organization: &'a LazyAccountSession<'a>,
    /// The account itself.
    pub(crate) account: &'a LazyAccountSession<'a>,
}

/// The result of a scan of an account's regions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RegionScan {
    pub(crate) active: BTreeSet<Region>,
    /// Enabled regions that could not be scanned.
    pub(crate) unknown: BTreeSet<Region>,
    pub(crate) missing: Vec<MissingData>,
}

impl RegionScan {
    /// No region is known, for one reason.
    pub(super) fn failed(field: MissingField, failure: Failure) -> Self {
        Self { missing: vec![MissingData { field, failure }], ..Self::default() }
    }
}
