#![doc = include_str!("../README.md")]

pub mod browser;
mod call;
mod call_log;
mod connection_reset;
mod cut_body;
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
mod slow_body;
mod stub_answers;
mod tools;
pub mod trail;
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
