//! The harness itself, tried with the plainest clients, and with boto3 against moto.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests are tests")]

mod client;
mod function;
mod moto;
mod proxy;
mod runtime;
mod stub;
mod tools;
