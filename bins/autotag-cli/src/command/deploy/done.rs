//! Reports the end of a deployment.

use crate::completion::Completion;
use autotag_deploy::deployment::Deployment;

/// How it ended, and where.
pub(super) struct Done {
    pub(super) completion: Completion,
    /// The stack of the hub.
    pub(super) hub: String,
    /// The region of the hub, and the others.
    pub(super) regions: Vec<String>,
}

impl Done {
    /// A deployment that exists, completely or in some places only.
    pub(super) fn of(deployment: &Deployment, is_complete: bool) -> Self {
        let suffix = deployment.layout.central().first().map_or("", |(_, suffix)| suffix);
        Self {
            completion: if is_complete { Completion::Complete } else { Completion::Partial },
            hub: format!("{}{suffix}", deployment.name),
            regions: deployment.all_regions().map(ToString::to_string).collect(),
        }
    }

    /// A run after which there is nothing to check.
    pub(super) fn without_regions(completion: Completion) -> Self {
        Self { completion, hub: String::new(), regions: Vec::new() }
    }
}
