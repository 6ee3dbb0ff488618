//! Bit masks of the important bytes in eight blocks at once. Each mask is a vector that has 64 bits for each block.

use super::block::{BRACKET_KIND, SIZE, padded};
use fearless_simd::prelude::*;
use fearless_simd::{Simd, i8x64, u8x64, u64x8};
use std::array;

/// How many blocks a chunk has.
pub(super) const BLOCKS: usize = 8;

/// The length of a chunk in bytes.
pub(super) const LENGTH: usize = BLOCKS * SIZE;

/// How far behind the quote before its name the byte is that tells `"eventSource"` and `"eventName"` from most others.
pub(super) const TELLING: u32 = 6;

pub(super) struct Chunk<S: Simd> {
    pub(super) quotes: u64x8<S>,
    pub(super) backslashes: u64x8<S>,
    /// `{` and `[`.
    pub(super) opens: u64x8<S>,
    /// `}` and `]`.
    pub(super) closes: u64x8<S>,
    /// Of the brackets, `[` and `]`. Other bytes may be among them.
    pub(super) of_lists: u64x8<S>,
    pub(super) commas: u64x8<S>,
    pub(super) colons: u64x8<S>,
    /// `S` and `N`: see [`TELLING`].
    pub(super) telling: u64x8<S>,
    /// Control characters. JSON has none in a text, and CloudTrail writes none outside.
    pub(super) controls: u64x8<S>,
    /// Bytes of characters that are not ASCII.
    pub(super) high: u64x8<S>,
}

impl<S: Simd> Chunk<S> {
    /// The chunk with which bytes begin. Behind their end it has blanks.
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    pub(super) fn first_of(simd: S, bytes: &[u8]) -> Self {
        match bytes.first_chunk() {
            Some(chunk) => Self::of(simd, chunk),
            None => Self::of(simd, &padded(bytes)),
        }
    }

    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    fn of(simd: S, bytes: &[u8; LENGTH]) -> Self {
        let mut blocks = bytes.as_chunks().0.iter();
        let blocks: [u8x64<S>; BLOCKS] =
            array::from_fn(|_| u8x64::from_slice(simd, blocks.next().unwrap_or(&[b' '; SIZE])));
        let mask = |of: &dyn Fn(u8x64<S>) -> u64| u64x8::simd_from(simd, blocks.map(of));
        let byte = |byte| u8x64::splat(simd, byte);
        let none = u64x8::splat(simd, 0);
        let are = |of: u8| mask(&|block| block.simd_eq(byte(of)).to_bitmask());
        let bracket = |of: u8| mask(&|block| (block | byte(BRACKET_KIND)).simd_eq(byte(of)).to_bitmask());
        // Both are rare. As signed numbers, the bytes of characters that are not ASCII are below zero.
        let below = |block: u8x64<S>, limit: i8| -> u64 {
            let signed: i8x64<S> = block.bitcast();
            signed.simd_lt(i8x64::splat(simd, limit)).to_bitmask()
        };
        let rare = mask(&|block| below(block, 0x20));
        let (high, controls) = if rare.simd_eq(none).all_true() {
            (none, none)
        } else {
            let high = mask(&|block| below(block, 0));
            (high, rare & !high)
        };
        Self {
            quotes: are(b'"'),
            backslashes: are(b'\\'),
            opens: bracket(b'{'),
            closes: bracket(b'}'),
            of_lists: mask(&|block| (block & byte(BRACKET_KIND)).simd_eq(byte(0)).to_bitmask()),
            commas: are(b','),
            colons: are(b':'),
            telling: are(b'S') | are(b'N'),
            controls,
            high,
        }
    }
}
