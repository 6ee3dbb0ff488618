//! Plans: the tags that would be written to each resource, and why. A plan is a value that exists before anything
//! is written.
//!
//! ```text
//! records -- Planner::plan --> Plan -- Plan::execute --> outcomes
//! ```
//!
//! | module | contents |
//! |---|---|
//! | `planner`, `asked` | asks sessions and backend, each question once; what was asked |
//! | `decisions` | decides in the order of the events |
//! | `parts`, `earlier` | the same in parts, and what a part knows about earlier ones |
//! | `copies` | copies of one event: duplicates, and the two records of a call across accounts |
//! | `decide` | the owner of a creation and the tags of one resource |
//! | `related` | resources that a call made and that its record does not name |
//! | `first_creation` | which of two calls made a resource, by the tags that the other one got |
//! | `value` | the plan: rows to list, filter, split, defer and serialize |
//! | `execute` | grouped writes, in waves without a common resource |
//! | `bounded` | futures that wait together, a bounded number at a time |

mod asked;
mod bounded;
mod copies;
mod decide;
mod decisions;
mod earlier;
mod execute;
mod first_creation;
mod parts;
mod planner;
mod related;
mod value;

pub use asked::AskedPart;
pub use bounded::CONCURRENCY;
pub use execute::Execution;
pub use parts::{NamedResource, PartAsker, PartDecider};
pub use planner::{Planner, oldest_first};
pub use value::{Action, Plan, PlannedResource, RowNumber};

#[cfg(test)]
mod tests;
