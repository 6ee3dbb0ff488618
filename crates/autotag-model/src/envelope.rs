//! Reads CloudTrail records from any known wrapping, as a stream. Each record comes with its position.
//!
//! Accepted are S3 trail log files (`{"Records": [...]}`), single records, arrays, JSON lines, `EventBridge` events,
//! SQS and SNS deliveries whose bodies hold any of these, `CloudWatch` Logs subscriptions, and the output of
//! `lookup-events`. Each may be gzipped; the magic bytes tell, not the name.
//!
//! The input is a stream: [`read_records`] holds one value at a time, [`Limits::value_bytes`] at most, whatever the
//! size of the file. Log files of a usual size are held as a whole ([`Limits::whole_bytes`]), since that is faster. A part that cannot be read is reported with its position, and reading goes on with the next part.

mod event_bridge;
mod header;
mod item;
mod limits;
mod malformed;
mod mode;
mod not_json;
mod piece;
mod plain;
mod position;
mod reader;
mod resume;
mod scan;
mod split;
mod unwrap;

pub use event_bridge::EventBridgeEnvelope;
pub use item::Item;
pub use limits::Limits;
pub use malformed::{Malformed, MalformedKind};
pub use position::Position;
pub use reader::{RecordReader, read_records};
pub use unwrap::LocatedRecord;

#[cfg(test)]
mod tests;
