//! The commands, one file for each.

#[cfg(feature = "aws")]
pub(crate) mod apply;
pub(crate) mod catalog;
#[cfg(feature = "aws")]
pub(crate) mod deploy;
#[cfg(feature = "aws")]
pub(crate) mod doctor;
pub(crate) mod estimate;
pub(crate) mod explain;
#[cfg(feature = "aws")]
pub(crate) mod generate;
#[cfg(feature = "aws")]
pub(crate) mod guard;
pub(crate) mod identify;
pub(crate) mod ledger;
pub(crate) mod plan;
pub(crate) mod policy;
#[cfg(feature = "aws")]
pub(crate) mod reconcile;
#[cfg(feature = "aws")]
pub(crate) mod redrive;
pub(crate) mod report;
pub(crate) mod sessions;
pub(crate) mod whois;
