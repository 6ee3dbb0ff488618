//! The list of checksums, in the format of `sha256sum`.

use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The name of the list. `autotag deploy` looks for it.
pub(crate) const SUMS: &str = "SHA256SUMS";

/// A SHA-256 in hexadecimal digits.
pub(crate) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The list for files by their names.
pub(crate) fn sums(files: &BTreeMap<String, Vec<u8>>) -> String {
    files.iter().map(|(name, bytes)| hash(bytes) + "  " + name + "\n").collect()
}
