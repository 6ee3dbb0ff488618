//! The bytes that matter in a block of 64, as bit masks: bit `i` stands for byte `i`.

use fearless_simd::prelude::*;
use fearless_simd::{Simd, i8x64, u8x64};

/// The length of a block in bytes.
pub(super) const SIZE: usize = 64;

pub(super) struct Block<'b> {
    bytes: &'b [u8; SIZE],
    pub(super) quotes: u64,
    pub(super) backslashes: u64,
    /// `{` and `[`.
    pub(super) opens: u64,
    /// `}` and `]`.
    pub(super) closes: u64,
    pub(super) commas: u64,
    pub(super) colons: u64,
    /// Where the byte at a distance of [`TELLING`] is that of a name which the reader looks for.
    pub(super) telling: u64,
    /// Bytes of control characters, and of characters that are not ASCII.
    unusual: u64,
}

/// How far behind the quote before a name the byte is that tells `"eventSource"` and `"eventName"` from most others.
const TELLING: usize = 6;

/// The bit in which `[` and `{` differ, and `]` and `}`.
const BRACKET_KIND: u8 = 0x20;

impl<'b> Block<'b> {
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    pub(super) fn of<S: Simd>(simd: S, bytes: &'b [u8; SIZE], rest: &[u8]) -> Self {
        let block = u8x64::from_slice(simd, bytes);
        // At the end of the text the names are compared one by one.
        let ahead = rest.get(TELLING..TELLING + SIZE).map(|ahead| u8x64::from_slice(simd, ahead));
        let are = |block: u8x64<S>, byte: u8| block.simd_eq(u8x64::splat(simd, byte)).to_bitmask();
        let brackets = block | u8x64::splat(simd, BRACKET_KIND);
        // As signed numbers, bytes that are not ASCII are below zero.
        let signed: i8x64<S> = block.bitcast();
        Self {
            bytes,
            quotes: are(block, b'"'),
            backslashes: are(block, b'\\'),
            opens: are(brackets, b'{'),
            closes: are(brackets, b'}'),
            commas: are(block, b','),
            colons: are(block, b':'),
            telling: ahead.map_or(u64::MAX, |ahead| are(ahead, b'S') | are(ahead, b'N')),
            unusual: signed.simd_lt(i8x64::splat(simd, 0x20)).to_bitmask(),
        }
    }

    /// The byte at an index below [`SIZE`].
    pub(super) fn byte(&self, index: usize) -> u8 {
        self.bytes.get(index).copied().unwrap_or_default()
    }

    /// Whether a byte is not ASCII.
    pub(super) fn has_high(&self) -> bool {
        self.unusual != 0 && !self.bytes.is_ascii()
    }

    /// Control characters. JSON has none in a text, and CloudTrail writes none outside.
    pub(super) fn controls(&self) -> u64 {
        if self.unusual == 0 {
            return 0;
        }
        let bits = self.bytes.iter().enumerate().map(|(index, byte)| u64::from(*byte < 0x20) << index);
        bits.fold(0, |mask, bit| mask | bit)
    }
}
