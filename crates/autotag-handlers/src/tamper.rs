//! Tamper watch: detects that somebody removed or changed identity tags, and decides the reaction. This module
//! makes no call to AWS.
//!
//! ```text
//! record, or event of aws.tag -- TamperWatch --> TagChange -- read back --+
//!                                   ledger: expected tags, TamperHistory --+--> decide --> Reaction
//! ```
//!
//! The tags that are read back decide, not those of the record: records come late, twice and in any order. A [`TagChange`]
//! only says that it is time to read, and who called.
//!
//! | module | contents |
//! |---|---|
//! | `own` | autotag's own roles, whose calls do not count |
//! | `change` | the changes of identity tags that a record tells of |
//! | `tag_event` | the same of an event of `aws.tag`, which names no caller |
//! | `author` | one name for each principal, whatever sessions it has |
//! | `history` | what happened to the identity tags of one resource, as a value that merges |
//! | `decide` | the reaction to a change |
//! | `truce` | the end of repair on one resource, in words |

mod author;
mod change;
mod decide;
mod history;
mod own;
mod tag_event;
mod truce;

pub use author::author;
pub use change::{NoTagChange, TagChange, TagChanges, TamperWatch, TouchedKeys};
pub use decide::{ExpectedTags, NoReaction, NotRepaired, Reaction, TamperInput, Tampering, decide};
pub use history::{
    MAX_REPAIRS, RecordedChange, RecordedRepair, TamperHistory, TruceMark, UNDONE_UNTIL_TRUCE,
};
pub use own::{NotARole, OwnRoles};
pub use truce::{Truce, TruceReason};

#[cfg(test)]
mod tests;
