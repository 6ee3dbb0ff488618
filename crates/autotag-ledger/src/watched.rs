//! The reaction of the tamper watch to a change of identity tags, by its entry.

use crate::entry::{Action, Entry, State};

/// The reaction to a change of identity tags by others than autotag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Watched {
    /// It was reported.
    Reported,
    /// autotag has written the tags again.
    Repaired,
    /// autotag repairs the tags of the resource no longer.
    Truce,
}

impl Entry {
    /// The reaction of the tamper watch; `None` for other entries, for changes that needed nothing, and for the end
    /// of a truce.
    pub fn watched(&self) -> Option<Watched> {
        let history = self.history.as_ref();
        let is_resumption = history.is_some_and(|history| history.resumed().is_some());
        if self.action != Action::TagsChanged || is_resumption {
            return None;
        }
        if self.tagging.state == State::Tagged {
            return Some(Watched::Repaired);
        }
        if history.is_some_and(|history| history.truce().is_some()) {
            return Some(Watched::Truce);
        }
        // A report says why it is only that.
        self.tagging.reason.as_ref().map(|_| Watched::Reported)
    }
}
