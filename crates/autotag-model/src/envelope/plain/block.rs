//! Bit masks of the important bytes in a block of 64 bytes: bit `i` is for byte `i`.

use fearless_simd::prelude::*;
use fearless_simd::{Simd, u8x64};

/// The length of a block in bytes.
pub(super) const SIZE: usize = 64;

/// The bit in which `[` and `{` differ, and `]` and `}`.
pub(super) const BRACKET_KIND: u8 = 0x20;

/// The bytes that show where texts, objects and lists begin and end.
pub(super) struct Block {
    pub(super) quotes: u64,
    pub(super) backslashes: u64,
    /// `{` and `[`.
    pub(super) opens: u64,
    /// `}` and `]`.
    pub(super) closes: u64,
}

impl Block {
    /// The block with which bytes begin. Behind their end it has blanks.
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    pub(super) fn first_of<S: Simd>(simd: S, bytes: &[u8]) -> Self {
        match bytes.first_chunk() {
            Some(block) => Self::of(simd, block),
            None => Self::of(simd, &padded(bytes)),
        }
    }

    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    fn of<S: Simd>(simd: S, bytes: &[u8; SIZE]) -> Self {
        let block = u8x64::from_slice(simd, bytes);
        let are = |block: u8x64<S>, byte: u8| block.simd_eq(u8x64::splat(simd, byte)).to_bitmask();
        let brackets = block | u8x64::splat(simd, BRACKET_KIND);
        Self {
            quotes: are(block, b'"'),
            backslashes: are(block, b'\\'),
            opens: are(brackets, b'{'),
            closes: are(brackets, b'}'),
        }
    }
}

/// Bytes, and blanks behind them.
pub(super) fn padded<const LENGTH: usize>(bytes: &[u8]) -> [u8; LENGTH] {
    let mut padded = [b' '; LENGTH];
    padded.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    padded
}
