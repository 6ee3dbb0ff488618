//! Tests of the test kit: with a minimal HTTP client, and with boto3 against moto.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests are tests")]

mod client;
mod function;
mod moto;
mod proxy;
mod runtime;
mod stub_answers;
mod tools;
