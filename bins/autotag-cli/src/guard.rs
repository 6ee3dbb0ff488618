//! `autotag guard --dry-run`: finds the calls of a trail that the guards would have denied.
//!
//! The statements are those that `autotag generate` writes. Each is evaluated on a [`Request`](request::Request), which is what a record
//! says of a call. A record does not say everything that IAM looks at, so a call can also be [`Verdict::Unknown`].

mod action;
mod key;
mod own_part;
mod request;
mod sink;
mod statement;
mod tags;
mod tally;
mod verdict;

pub(crate) use sink::{Counts, Reading, read};
pub(crate) use statement::{Guard, guards};
pub(crate) use tally::{Group, Subject, Tally};
pub(crate) use verdict::Verdict;

#[cfg(test)]
mod tests;
