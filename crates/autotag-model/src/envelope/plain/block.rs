//! Bit masks of the important bytes in a block of 64 bytes: bit `i` is for byte `i`.

use fearless_simd::prelude::*;
use fearless_simd::{Simd, i8x64, u8x64};

/// The length of a block in bytes.
pub(super) const SIZE: usize = 64;

/// The first block of a text. If the text is shorter, the block is `padded`, which holds blanks, with the text at its start.
#[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
#[inline(always)]
pub(super) fn first_block<'b>(text: &'b [u8], padded: &'b mut [u8; SIZE]) -> &'b [u8; SIZE] {
    if let Some(block) = text.first_chunk() {
        return block;
    }
    padded.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
    padded
}

pub(super) struct Block<'b> {
    bytes: &'b [u8; SIZE],
    pub(super) quotes: u64,
    pub(super) backslashes: u64,
    /// `{` and `[`.
    pub(super) opens: u64,
    /// `}` and `]`.
    pub(super) closes: u64,
    /// Of the brackets, `[` and `]`. Other bytes may be among them.
    pub(super) of_lists: u64,
    pub(super) commas: u64,
    pub(super) colons: u64,
    /// `S` and `N`: see [`TELLING`].
    pub(super) telling: u64,
    /// Control characters. JSON has none in a text, and CloudTrail writes none outside.
    pub(super) controls: u64,
    /// Bytes of characters that are not ASCII.
    pub(super) high: u64,
}

/// How far behind the quote before its name the byte is that tells `"eventSource"` and `"eventName"` from most others.
pub(super) const TELLING: usize = 6;

/// The bit in which `[` and `{` differ, and `]` and `}`.
const BRACKET_KIND: u8 = 0x20;

impl<'b> Block<'b> {
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    pub(super) fn of<S: Simd>(simd: S, bytes: &'b [u8; SIZE]) -> Self {
        let block = u8x64::from_slice(simd, bytes);
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
            of_lists: are(block & u8x64::splat(simd, BRACKET_KIND), 0),
            commas: are(block, b','),
            colons: are(block, b':'),
            telling: are(block, b'S') | are(block, b'N'),
            controls: block.simd_lt(u8x64::splat(simd, 0x20)).to_bitmask(),
            high: signed.simd_lt(i8x64::splat(simd, 0)).to_bitmask(),
        }
    }

    /// The byte at an index below [`SIZE`].
    pub(super) fn byte(&self, index: usize) -> u8 {
        self.bytes.get(index).copied().unwrap_or_default()
    }
}
