//! The parts that both Lambda functions share. The handling of records is in `autotag-handlers`.
//!
//! | module | contents |
//! |---|---|
//! | [`function`] | the `main` of a function, over the trait [`Function`] |
//! | [`environment`], [`variables`] | the environment, read once, with all its problems reported together |
//! | [`response`] | the answer to Lambda: the messages that go back to the queue, or a result |
//! | [`dead_letters`] | messages that were received for the last time, with the reason |
//! | [`queue`] | sending to SQS |
//! | [`log`] | JSON lines, without payloads |
//! | [`metrics`] | metrics without a call |
//! | [`deadline`] | the time at which work stops |

mod arguments;
pub mod dead_letters;
pub mod deadline;
pub mod environment;
pub mod function;
pub mod log;
pub mod metrics;
pub mod queue;
pub mod response;
pub mod variables;

pub use arguments::Program;
pub use function::{Function, InvocationError, now, run};
