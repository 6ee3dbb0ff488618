//! Limits on the memory that one input may use.

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
    /// reported as one [`MalformedKind::Repeated`](super::MalformedKind::Repeated) at the end. The default is 10.
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
