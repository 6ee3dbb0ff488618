//! Files of the report, and the result of writing them.

use serde::Serialize;

/// A file of the report.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) content_type: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// The result of writing a file. The manifest has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Written {
    pub(crate) name: String,
    pub(crate) bytes: usize,
    pub(crate) sha256: String,
    /// Its path on this machine, if it was written there.
    pub(crate) local: Option<String>,
    /// Its location in S3, if it was uploaded.
    pub(crate) uploaded: Option<String>,
    /// Why it is missing in the folder or the bucket.
    pub(crate) problems: Vec<String>,
}
