//! The regions in which an account is active.

mod context;
mod enabled;
mod explorer;
mod tagging;

pub(crate) use context::{AccountContext, RegionScan};

use autotag_model::arn::Region;

/// How the active regions of an account are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RegionDetector {
    /// By tagged resources, with the Resource Groups Tagging API.
    Tagging,
    /// By all resources, with the default view of Resource Explorer in this region.
    Explorer(Region),
}

impl RegionDetector {
    /// Finds the active regions of an account. What cannot be found out is missing data, and does not end the run.
    pub(crate) async fn scan(&self, context: &AccountContext<'_>) -> RegionScan {
        match self {
            Self::Tagging => tagging::scan(context).await,
            Self::Explorer(region) => explorer::scan(context, region).await,
        }
    }
}
