//! For tests and benchmarks: AWS on this machine, and what goes wrong with it.
//!
//! - [`Emulator`]: moto, an AWS emulator, over real HTTP.
//! - [`Proxy`]: stands between a client and the emulator, makes faults, counts the calls, has a few routes that moto lacks,
//!   and can change its answers.
//! - [`Stub`]: answers every call with success after a delay, for benchmarks.
//! - [`Tools`]: checkers of templates and policies.
//! - [`Judges`]: simulators of policies and state machines.
//! - [`RuntimeApi`] and [`FunctionProcess`]: what Lambda does with a function, for the real binary.
//!
//! ```text
//! FunctionProcess <-> RuntimeApi
//!       | AWS_ENDPOINT_URL
//!     Proxy -> Emulator
//! ```
//!
//! Servers run on threads of their own: a test that blocks does not stall them. They end when they are dropped.
//!
//! Nothing is skipped when it cannot start: the test fails, and says how to get what is missing.

mod call;
mod errors;
mod fault;
mod forward;
mod function;
mod judges;
mod ledger;
mod moto;
mod proxy;
mod reply;
mod routes;
mod runtime_api;
mod server;
mod stub;
mod tools;
mod venv;

pub use call::{Call, Protocol};
pub use fault::{Fault, Faults};
pub use function::FunctionProcess;
pub use judges::Judges;
pub use moto::Emulator;
pub use proxy::Proxy;
pub use reply::Reply;
pub use runtime_api::{Answer, FUNCTION_ARN, Payload, RuntimeApi, Waiting};
pub use stub::Stub;
pub use tools::Tools;
pub use venv::CannotStart;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What leads any AWS client to `url`.
fn environment(url: String) -> [(&'static str, String); 6] {
    [
        ("AWS_ENDPOINT_URL", url),
        ("AWS_REGION", "eu-west-1".to_owned()),
        // How Python reads it.
        ("AWS_DEFAULT_REGION", "eu-west-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]
}

/// A panic elsewhere is that test's failure; it must not hide behind a second one here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
