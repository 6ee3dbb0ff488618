//! What is wrong with a part of an input.

use super::position::Position;
use std::io;

/// A part of an input that is not a record. The reader goes on with the parts around it.
#[derive(Debug, thiserror::Error)]
#[error("{position}: {kind}")]
#[non_exhaustive]
pub struct Malformed {
    /// Where it is.
    pub position: Position,
    /// What is wrong with it.
    pub kind: MalformedKind,
}

/// What is wrong with a part of an input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedKind {
    /// The input holds no value.
    #[error("the input is empty")]
    Empty,
    /// The rest of the input could not be read or decompressed.
    #[error("cannot be read any further: {0}")]
    Read(#[from] io::Error),
    /// The input ends inside this value.
    #[error("the input ends inside this value; it was cut")]
    Cut,
    /// The value is longer than [`Limits::value_bytes`](super::Limits::value_bytes).
    #[error("longer than {0} bytes, which no record is; skipped")]
    TooLong(usize),
    /// The value is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// The value is not JSON, or not JSON of this kind; the text is the JSON reader's.
    #[error("{0}")]
    NotJson(String),
    /// The value is well-formed JSON, but neither a record nor a known wrapping of one.
    #[error("not a CloudTrail record: {0}")]
    NotARecord(&'static str),
}
