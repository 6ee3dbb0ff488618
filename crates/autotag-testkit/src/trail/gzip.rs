//! Compression, at the level that CloudTrail's files have.

use libdeflater::{CompressionLvl, Compressor};

/// The text as a gzip file of one member.
pub(super) fn gzip(text: &[u8]) -> Vec<u8> {
    compressed(text, CompressionLvl::default())
}

/// The text as a gzip file that stores it as it is.
pub(super) fn stored(text: &[u8]) -> Vec<u8> {
    CompressionLvl::new(0).map(|level| compressed(text, level)).unwrap_or_default()
}

fn compressed(text: &[u8], level: CompressionLvl) -> Vec<u8> {
    let mut compressor = Compressor::new(level);
    let mut bytes = vec![0; compressor.gzip_compress_bound(text.len())];
    // The bound is what it can need at most.
    let length = compressor.gzip_compress(text, &mut bytes).unwrap_or_default();
    bytes.truncate(length);
    bytes
}
