//! CloudTrail records in any known wrapping, read as a stream, each with its position.
//!
//! Accepted are S3 trail log files (`{"Records": [...]}`), single records, arrays, JSON lines, `EventBridge` events,
//! SQS and SNS deliveries whose bodies hold any of these, `CloudWatch` Logs subscriptions, and the output of
//! `lookup-events`. Each may be gzipped; the magic bytes tell, not the name.
//!
//! The input is a stream: [`read_records`] holds one value at a time, [`Limits::value_bytes`] at most, whatever the
//! size of the file. A part that cannot be read is reported with its position, and reading goes on with the next part.

mod event_bridge;
mod header;
mod malformed;
mod mode;
mod not_json;
mod position;
mod resume;
mod scan;
mod split;
mod unwrap;

pub use event_bridge::EventBridgeEnvelope;
pub use malformed::{Malformed, MalformedKind};
pub use position::Position;
pub use unwrap::LocatedRecord;

use malformed::Faults;
use split::{Form, Piece, Splitter};
use std::io::{self, Read};
use unwrap::Unwrapper;

/// Bounds on what one input may ask of the reader.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest single value (record, message or pretty-printed file) held in memory, in bytes. CloudTrail's own
    /// limit is 256 KiB a record; the default is 16 MiB.
    pub value_bytes: usize,
    /// The most that all gzipped values inside one input may hold together when they are decompressed, in bytes. One value
    /// may also not grow more than a hundredfold, nor beyond `value_bytes`. The default is 64 MiB. An input that is
    /// gzipped as a whole is read as a stream, and has no such limit.
    pub inflated_bytes: usize,
    /// How many parts of one input that are not records are reported one by one. Those after them are counted, and
    /// reported as one [`MalformedKind::Repeated`] at the end. The default is 10.
    pub faults: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { value_bytes: 16 << 20, inflated_bytes: 64 << 20, faults: 10 }
    }
}

/// Reads every record of `input` in order and passes each one to `visit`, or a [`Malformed`] for a part that is not a
/// record.
///
/// It never fails as a whole. If the rest of the input cannot be read, one of the last items is a [`Malformed`] that says
/// why.
///
/// An `EventBridge` event is believed only as a whole: the record has to be its `detail`. Nothing is unwrapped inside a
/// `detail`, because anybody who may put events on a bus chooses what is in there.
///
/// ```
/// use autotag_model::envelope::{Limits, read_records};
///
/// let lines = b"{\"eventSource\":\"sqs.amazonaws.com\",\"eventName\":\"CreateQueue\"}\n{\"eventSource\":\"s3.amaz";
/// let mut found = Vec::new();
/// read_records(&lines[..], &Limits::default(), &mut |item| found.push(match item {
///     Ok(located) => located.record.event_name.to_string(),
///     Err(malformed) => malformed.to_string(),
/// }));
/// assert_eq!(found, ["CreateQueue", "record 2, byte 62, $: the input ends inside this value; it was cut"]);
/// ```
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
    let mut unwrapper = Unwrapper::new(limits.value_bytes, limits.inflated_bytes);
    let mut faults = Faults::new(limits.faults);
    let mut each = |piece: Piece<'_>| {
        let mut checked = |item: Result<LocatedRecord<'_>, Malformed>| match item {
            // Nothing is read after it, so it is always said.
            Err(fault) if fault.ends_the_input() => visit(Err(fault)),
            Err(fault) => faults.add(fault, &mut |fault| visit(Err(fault))),
            Ok(record) => visit(Ok(record)),
        };
        match piece {
            Piece::Value { bytes, position } => unwrapper.value(bytes, &position, &mut checked),
            Piece::Fault { position, kind } => {
                checked(Err(Malformed { position, kind }));
                Form::NotJson
            }
        }
    };
    if let Err(error) = peeked {
        splitter.end(Some(error), &mut each);
    } else if gzipped {
        pump(flate2::read::MultiGzDecoder::new(whole), &mut splitter, &mut each);
    } else {
        pump(whole, &mut splitter, &mut each);
    }
    faults.end(&mut |fault| visit(Err(fault)));
}

/// The size of one read, in bytes.
const CHUNK: usize = 256 << 10;

fn pump(mut input: impl Read, splitter: &mut Splitter, each: &mut dyn FnMut(Piece<'_>) -> Form) {
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
