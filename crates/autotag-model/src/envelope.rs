//! CloudTrail records in any known wrapping, read as a stream, each with its position.
//!
//! Accepted are S3 trail log files (`{"Records": [...]}`), single records, arrays, JSON lines, `EventBridge` events,
//! SQS and SNS deliveries whose bodies hold any of these, `CloudWatch` Logs subscriptions, and the output of
//! `lookup-events`. Each may be gzipped; the magic bytes tell, not the name.
//!
//! The input is a stream: [`read_records`] holds one value at a time, [`Limits::value_bytes`] at most, whatever the
//! size of the file. Log files of a usual size are held as a whole ([`Limits::whole_bytes`]), since that is faster. A part that cannot be read is reported with its position, and reading goes on with the next part.

mod event_bridge;
mod header;
mod malformed;
mod mode;
mod not_json;
mod plain;
mod position;
mod reader;
mod resume;
mod scan;
mod split;
mod unwrap;

pub use event_bridge::EventBridgeEnvelope;
pub use malformed::{Malformed, MalformedKind};
pub use position::Position;
pub use reader::RecordReader;
pub use unwrap::LocatedRecord;

use std::io::Read;

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
    /// The longest log file that is read as a whole, in bytes after decompression. A gzipped one may have a quarter of it
    /// before. Longer ones are read as a stream, which takes several times as long. The default is 32 MiB.
    pub whole_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { value_bytes: 16 << 20, inflated_bytes: 64 << 20, faults: 10, whole_bytes: 32 << 20 }
    }
}

/// What is found in an input.
#[derive(Debug)]
#[non_exhaustive]
pub enum Item<'a> {
    /// A record.
    Record(LocatedRecord<'a>),
    /// A part that is not a record.
    Malformed(Malformed),
    /// So many records of events that the caller does not select.
    Unselected(u64),
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
    input: impl Read,
    limits: &Limits,
    visit: &mut dyn FnMut(Result<LocatedRecord<'_>, Malformed>),
) {
    let mut each = |item: Item<'_>| match item {
        Item::Record(located) => visit(Ok(located)),
        Item::Malformed(fault) => visit(Err(fault)),
        // Every event is selected.
        Item::Unselected(_) => {}
    };
    RecordReader::new(limits.clone()).read(input, &mut |_, _| true, &mut each);
}

#[cfg(test)]
mod tests;
