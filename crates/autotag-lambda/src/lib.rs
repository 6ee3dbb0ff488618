//! What the Lambda functions have in common. What they do with a record is in `autotag-handlers`.
//!
//! | module | contents |
//! |---|---|
//! | [`environment`] | the environment, read once; all that is wrong with it at once |
//! | [`answer`] | what goes back to the queue, and what to everybody else |
//! | [`queue`] | calls to SQS |
//! | [`dead_letters`] | messages that were received too often, with the reason |
//! | [`log`] | logs of ours, and of nobody else |
//! | [`metrics`] | metrics without a call |
//! | [`deadline`] | when work stops |
//! | [`version`] | which build this is, for whoever holds the binary |

pub mod answer;
pub mod dead_letters;
pub mod deadline;
pub mod environment;
pub mod log;
pub mod metrics;
pub mod queue;
pub mod version;
