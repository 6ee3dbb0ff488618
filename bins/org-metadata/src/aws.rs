//! Calls to AWS: rate limits, concurrency, retries, and counts.
//!
//! Each attempt of a call takes a permit of its operation's rate limit, in its account and region, and then one of the slots for
//! concurrent calls. A throttled call lowers the rate, and is retried with full jitter. The SDK itself makes one attempt, so that
//! every attempt is limited and counted here.

mod client;
mod failure;
mod lazy_session;
mod meter;
mod rates;
mod session;

pub(crate) use client::Aws;
pub(crate) use failure::Failure;
pub(crate) use lazy_session::LazyAccountSession;
pub(crate) use meter::OperationCalls;
pub(crate) use rates::Rates;
pub(crate) use session::AccountSession;
