//! How a deployment ended.

use crate::completion::Completion;

/// How it ended, and where.
pub(super) struct Done {
    pub(super) completion: Completion,
    /// The region of the hub, and the others.
    pub(super) regions: Vec<String>,
}

impl Done {
    pub(super) fn without_regions(completion: Completion) -> Self {
        Self { completion, regions: Vec::new() }
    }
}
