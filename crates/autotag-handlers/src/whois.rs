//! Finds the owner of one resource, from the facts of a source about its creation.
//!
//! ```text
//! Asked -- OwnershipSource::findings --> Findings -- answer (pure) --> Answer
//! ```
//!
//! A source finds the creations of a resource; the owner of each is the one that a [plan](crate::plan) of the same records has.
//! The answer takes the latest creation, or none where creations of different owners could be meant.
//!
//! | module | contents |
//! |---|---|
//! | `asked` | what is asked for: an ARN, an id or a name; which resources it means |
//! | `finding` | what a source knows: creations with their owners, changes of tags, failures; the trait of a source |
//! | `answer` | one answer from findings |
//! | `namesake` | which creations are of the resource that has a name last, by the deletions between them |
//! | `filter` | which records of a trail are about a resource |
//! | `tag_change` | the events that change identity tags |
//! | `evaluate` | the owners of creations, by a plan |
//! | `trail` | the source over records that were read |
//! | `history` | the source over the event history of CloudTrail, one question at a time |
//! | `lookup` | the questions to an event history, each asked once |
//! | `origin` | what a resource came with, where no record names it |
//! | `walk` | the sessions of a call, asked for one after the other |

mod answer;
mod asked;
mod evaluate;
mod filter;
mod finding;
mod history;
mod lookup;
mod namesake;
mod origin;
mod tag_change;
mod trail;
mod walk;

pub use crate::catalog::may_change_tags;
pub use answer::{Answer, answer};
pub use asked::{Asked, AskedError, without_path};
pub use filter::{NamingEvent, RecordFilter};
pub use finding::{Failure, Findings, FoundCreation, FoundDeletion, Newness, OwnershipSource, TagChange};
pub use history::{HistorySource, Regions};
pub use lookup::{EventHistory, Lookup, Place};
pub use origin::{CameWith, Origins};
pub use tag_change::RecordedTagChange;
pub use trail::{TrailRecords, TrailSource};

#[cfg(test)]
mod tests;
