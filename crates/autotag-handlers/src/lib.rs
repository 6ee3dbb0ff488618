//! What autotag does with a record: finds its resources and the person behind it, decides the tags, writes them.
//!
//! ```text
//!  delivery - 1 unwrap - 2 screen - 3 find rule - 4 locate - 5 look up - 6 owner - 7 tags - 8 write - 9 answer
//! ```
//!
//! | module | contents |
//! |---|---|
//! | [`dedup`] | one answer for callers that ask the same question at the same time |
//! | [`catalog`] | which events create which resources: the embedded rule files and the user's own |
//! | [`services`] | what a rule cannot say, one file a service |
//! | [`classify`] | steps 2 to 4, pure: a record -> a creation, or why not |
//! | [`owner`] | step 6: a principal -> the person or workload behind it, with proof |
//! | [`pipeline`] | steps 5 to 7 for one creation, over the ports |
//! | [`delivery`] | what a function is invoked with -> what is to be read |
//! | [`sessions`] | STS records -> sessions in a store |
//! | [`batch`] | steps 5 to 9 for many creations at once: the oldest first, writes grouped |
//! | [`second_look`] | creations about whose owner more may be known later |
//! | [`outcome`] | how each resource ended |
//! | [`ports`] | what the pipeline asks of the world |
//! | [`memory`] | every port in memory: `plan` runs on it, and so do the tests |
//! | `testing` (feature) | a wrapper that injects faults into any port |
//!
//! A dry run is this very way over the ports in [`memory`]: never a second program.

pub mod batch;
pub mod catalog;
pub mod classify;
pub mod dedup;
pub mod delivery;
pub mod memory;
pub mod outcome;
pub mod owner;
pub mod pipeline;
pub mod ports;
pub mod second_look;
pub mod services;
pub mod sessions;
#[cfg(feature = "testing")]
pub mod testing;
