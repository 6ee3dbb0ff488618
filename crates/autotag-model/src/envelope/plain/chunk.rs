//! Bit masks of the important bytes in eight blocks: bit `i` is for byte `i` of a block.

use super::block::{BRACKET_KIND, SIZE, padded};
use fearless_simd::prelude::*;
use fearless_simd::{Simd, i8x64, mask8x64, u8x64};
use std::array;

/// How many blocks a chunk has.
pub(super) const BLOCKS: usize = 8;

/// The length of a chunk in bytes.
pub(super) const LENGTH: usize = BLOCKS * SIZE;

/// How far behind the quote before its name the byte is that tells `"eventSource"` and `"eventName"` from most others.
pub(super) const TELLING: u32 = 6;

/// A mask for each block.
pub(super) type Masks = [u64; BLOCKS];

/// The masks of eight blocks.
#[derive(Default, Clone, Copy)]
pub(super) struct Chunk {
    pub(super) quotes: Masks,
    pub(super) backslashes: Masks,
    /// `{` and `[`.
    pub(super) opens: Masks,
    /// `}` and `]`.
    pub(super) closes: Masks,
    /// Of the brackets, `[` and `]`. Other bytes may be among them.
    pub(super) of_lists: Masks,
    pub(super) commas: Masks,
    pub(super) colons: Masks,
    /// `S` and `N`: see [`TELLING`].
    pub(super) telling: Masks,
    /// Control characters, and bytes of characters that are not ASCII.
    pub(super) rare: Masks,
    /// Bytes of characters that are not ASCII.
    pub(super) high: Masks,
}

impl Chunk {
    /// The chunk with which bytes begin. Behind their end it has blanks.
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    pub(super) fn first_of<S: Simd>(simd: S, bytes: &[u8]) -> Self {
        match bytes.first_chunk() {
            Some(chunk) => Self::of(simd, chunk),
            None => Self::of(simd, &padded(bytes)),
        }
    }

    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    fn of<S: Simd>(simd: S, bytes: &[u8; LENGTH]) -> Self {
        let mut blocks = bytes.as_chunks().0.iter();
        let blocks: [u8x64<S>; BLOCKS] =
            array::from_fn(|_| u8x64::from_slice(simd, blocks.next().unwrap_or(&[b' '; SIZE])));
        let byte = |byte| u8x64::splat(simd, byte);
        let are = |of: u8| masks(&blocks, |block| block.simd_eq(byte(of)));
        let bracket = |of: u8| masks(&blocks, |block| (block | byte(BRACKET_KIND)).simd_eq(byte(of)));
        // As signed numbers, the bytes of characters that are not ASCII are below zero.
        let below = |limit: i8| {
            masks(&blocks, |block| {
                let signed: i8x64<S> = block.bitcast();
                signed.simd_lt(i8x64::splat(simd, limit))
            })
        };
        let rare = below(0x20);
        Self {
            quotes: are(b'"'),
            backslashes: are(b'\\'),
            opens: bracket(b'{'),
            closes: bracket(b'}'),
            of_lists: masks(&blocks, |block| (block & byte(BRACKET_KIND)).simd_eq(byte(0))),
            commas: are(b','),
            colons: are(b':'),
            telling: masks(&blocks, |block| block.simd_eq(byte(b'S')) | block.simd_eq(byte(b'N'))),
            rare,
            high: if rare == Masks::default() { rare } else { below(0) },
        }
    }
}

/// The bytes of each block for which a comparison holds.
#[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
#[inline(always)]
fn masks<S: Simd>(blocks: &[u8x64<S>; BLOCKS], compare: impl Fn(u8x64<S>) -> mask8x64<S>) -> Masks {
    let mut masks = Masks::default();
    for (mask, block) in masks.iter_mut().zip(blocks) {
        *mask = compare(*block).to_bitmask();
    }
    masks
}
