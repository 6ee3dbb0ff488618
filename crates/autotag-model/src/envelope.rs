//! Bytes of any known wrapping -> records, each with its position.
//!
//! Accepted: S3 trail log files (`{"Records": [...]}`), single records, arrays, JSON lines, `EventBridge` events, SQS and
//! SNS deliveries whose bodies hold any of these, `CloudWatch` Logs subscriptions, the output of `lookup-events`; each
//! also gzipped, told by the magic bytes and never by a name.
//!
//! The input is a stream: [`read_records`] holds one value at a time ([`Limits::value_bytes`] at most), however large the
//! file. What cannot be read is reported with its position, and reading goes on with the neighbours.

mod scan;
mod split;
mod unwrap;

use crate::record::Record;
use split::{Piece, Splitter};
use std::fmt;
use std::io::{self, Read};

/// Bounds on what one input may ask of the reader.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest single value (record, message or pretty-printed file) held in memory, in bytes. CloudTrail's own limit
    /// is 256 KiB a record; the default is 16 MiB.
    pub value_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { value_bytes: 16 << 20 }
    }
}

/// One record and where it came from.
#[derive(Debug)]
#[non_exhaustive]
pub struct LocatedRecord<'a> {
    /// The record, borrowed from the reader's window.
    pub record: Record<'a>,
    /// Where it stands in the input.
    pub position: Position,
    /// The `EventBridge` event around it, if any.
    pub event_bridge: Option<EventBridgeEnvelope>,
    /// The id of the SQS message around it, if any: what a partial batch response names.
    pub message_id: Option<String>,
    /// The record's own text.
    pub raw: &'a str,
}

/// What an `EventBridge` event says about the record in its `detail`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventBridgeEnvelope {
    /// `source`, for example `aws.ec2`.
    pub source: String,
    /// `detail-type`, for example `AWS API Call via CloudTrail`.
    pub detail_type: String,
    /// `account`: whose bus it was put on.
    pub account: String,
    /// `region` of that bus.
    pub region: String,
}

/// Where in an input something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Position {
    /// Which value of the input, from 1: the record's number in a log file, the line's in JSON lines.
    pub record: u64,
    /// Byte offset of that value (or of the fault itself) in the decompressed input, from 0.
    pub offset: u64,
    /// Which list of the file the value stands in.
    root: Root,
    /// JSON path below that value: through wrappings, and to the fault.
    inner: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// A value of its own: a file of one value, or a line of many.
    Value,
    /// An element of a top-level array.
    Array,
    /// An element of the named list of a top-level object.
    List(&'static str),
}

impl Position {
    /// The JSON path, for example `$.Records[3].body.detail`.
    pub fn path(&self) -> String {
        let index = self.record.saturating_sub(1);
        match self.root {
            Root::Value => format!("${}", self.inner),
            Root::Array => format!("$[{index}]{}", self.inner),
            Root::List(name) => format!("$.{name}[{index}]{}", self.inner),
        }
    }

    fn within(&self, step: &str) -> Self {
        Self { inner: format!("{}{step}", self.inner), ..self.clone() }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}, byte {}, {}", self.record, self.offset, self.path())
    }
}

/// A part of an input that is no record. Its neighbours are still read.
#[derive(Debug, thiserror::Error)]
#[error("{position}: {kind}")]
#[non_exhaustive]
pub struct Malformed {
    /// Where.
    pub position: Position,
    /// What.
    pub kind: MalformedKind,
    /// The id of the SQS message it came in, if any.
    pub message_id: Option<String>,
}

/// What is wrong with a part of an input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedKind {
    /// There is nothing in the input.
    #[error("the input is empty")]
    Empty,
    /// The bytes could not be read or decompressed any further.
    #[error("cannot be read any further: {0}")]
    Read(#[from] io::Error),
    /// The input ends inside this value.
    #[error("the input ends inside this value; it was cut")]
    Cut,
    /// A value is longer than [`Limits::value_bytes`].
    #[error("longer than {0} bytes, which no record is; passed over")]
    TooLong(usize),
    /// It is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// It is not JSON, or not JSON of this kind.
    #[error("{0}")]
    NotJson(String),
    /// It is well-formed JSON, but neither a record nor a known wrapping of one.
    #[error("not a CloudTrail record: {0}")]
    NotARecord(&'static str),
}

/// Reads every record of `input`, in order, and hands each one, or what is wrong in its place, to `visit`.
///
/// Never fails as a whole: an input that cannot be read further ends with a [`Malformed`].
pub fn read_records(
    mut input: impl Read,
    limits: &Limits,
    visit: &mut dyn FnMut(Result<LocatedRecord<'_>, Malformed>),
) {
    let mut magic = Vec::with_capacity(2);
    let peeked = input.by_ref().take(2).read_to_end(&mut magic);
    let gzipped = magic == [0x1f, 0x8b];
    let whole = io::Cursor::new(magic).chain(input);
    let mut splitter = Splitter::new(limits.value_bytes);
    let mut each = |piece: Piece<'_>| match piece {
        Piece::Value { bytes, position } => unwrap::value(bytes, &position, visit),
        Piece::Fault { position, kind } => visit(Err(Malformed { position, kind, message_id: None })),
    };
    if let Err(error) = peeked {
        splitter.end(Some(error), &mut each);
    } else if gzipped {
        pump(flate2::read::MultiGzDecoder::new(whole), &mut splitter, &mut each);
    } else {
        pump(whole, &mut splitter, &mut each);
    }
}

/// Size of one read, in bytes.
const CHUNK: usize = 256 << 10;

fn pump(mut input: impl Read, splitter: &mut Splitter, each: &mut dyn FnMut(Piece<'_>)) {
    loop {
        match splitter.fill(&mut input, CHUNK) {
            Ok(0) => return splitter.end(None, each),
            Ok(_) => splitter.drain(each),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                splitter.drain(each);
                return splitter.end(Some(error), each);
            }
        }
    }
}

#[cfg(test)]
mod tests;
