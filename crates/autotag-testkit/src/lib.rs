//! The test kit of autotag: AWS on this machine, injected faults, and a Lambda runtime. For tests and benchmarks only.
//!
//! - [`Emulator`]: moto, an AWS emulator, over HTTP.
//! - [`Proxy`]: forwards the calls of AWS clients to an emulator, injects faults, counts calls, adds calls that moto lacks, and
//!   rewrites answers. [`Proxy::stub`] answers every call with success after a delay, for benchmarks.
//! - [`Tools`]: checkers of templates and policies.
//! - [`PolicySimulators`]: simulators of policies and state machines.
//! - [`RuntimeApi`] and [`FunctionProcess`]: Lambda's runtime API for the real binary of a function.
//! - [`lambda`]: a running function and its answers, over the two.
//! - [`records`]: CloudTrail records, EventBridge events and SQS messages.
//!
//! ```text
//! FunctionProcess <-> RuntimeApi
//!       | AWS_ENDPOINT_URL
//!     Proxy -> Emulator
//! ```
//!
//! Servers run on their own threads, so a blocking test does not stall them. Dropping a server ends it.
//!
//! A test whose tools cannot be installed or started fails, and the error names the missing tools. No test is skipped.

mod call;
mod call_log;
mod errors;
mod fault;
mod function;
pub mod lambda;
mod moto;
mod proxy;
pub mod records;
mod reply;
mod routes;
mod runtime_api;
mod server;
mod simulators;
mod stub_answers;
mod tools;
mod upstream;
mod venv;

pub use call::{Call, Protocol};
pub use fault::{Fault, Faults};
pub use function::FunctionProcess;
pub use moto::Emulator;
pub use proxy::Proxy;
pub use reply::Reply;
pub use runtime_api::{Answer, FUNCTION_ARN, Payload, PendingInvocation, RuntimeApi};
pub use simulators::PolicySimulators;
pub use tools::Tools;
pub use venv::CannotStart;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The variables that direct any AWS client to `url`.
fn environment(url: String) -> [(&'static str, String); 6] {
    [
        ("AWS_ENDPOINT_URL", url),
        ("AWS_REGION", "eu-west-1".to_owned()),
        // Python's name of the variable.
        ("AWS_DEFAULT_REGION", "eu-west-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]
}

/// Locks a mutex, also after a panic of another thread: that panic fails its own test and must not cause a second one here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
