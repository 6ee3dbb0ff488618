#![doc = include_str!("../README.md")]

mod arguments;
pub mod dead_letters;
pub mod deadline;
pub mod environment;
pub mod function;
pub mod invocation;
pub mod jobs;
pub mod log;
pub mod metrics;
pub mod queue;
pub mod response;
pub mod variables;

pub use arguments::Program;
pub use function::{Function, InvocationError, now, run};
