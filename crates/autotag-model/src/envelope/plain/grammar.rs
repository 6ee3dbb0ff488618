//! Checks the grammar of JSON without blanks by bit masks, and finds the tokens that show its structure.
//!
//! The nesting does not matter for which byte may follow which, except for two things: an object has a name and a
//! colon before each value, and a list has neither. The caller checks these, for it knows the nesting.

use super::block::SIZE;
use super::chunk::{BLOCKS, Chunk, Masks, TELLING};
use super::escapes::{Escapes, up_to_next};
use super::tokens::Tokens;
use fearless_simd::prelude::*;
use fearless_simd::{Simd, i64x8, mask64x8, u64x8};

/// The state that the masks of the last chunk pass to the next one.
pub(super) struct Grammar<S: Simd> {
    /// True inside a text.
    in_text: bool,
    escapes: Escapes,
    /// True if the name of a member goes on.
    in_key: bool,
    comma: Follows<S>,
    colon: Follows<S>,
    open_object: Follows<S>,
    open_list: Follows<S>,
    scalar: Follows<S>,
    key: Follows<S>,
    in_name: FollowsBy<S, TELLING>,
}

/// The last block of a chunk.
const LAST: usize = BLOCKS - 1;

impl<S: Simd> Grammar<S> {
    /// For a text that begins after the opening bracket of a list.
    pub(super) fn in_list(simd: S) -> Self {
        let last_byte = u64x8::from_fn(simd, |block| if block == LAST { 1 << (SIZE - 1) } else { 0 });
        let none = u64x8::splat(simd, 0);
        Self {
            in_text: false,
            escapes: Escapes::default(),
            in_key: false,
            comma: FollowsBy(none),
            colon: FollowsBy(none),
            open_object: FollowsBy(none),
            open_list: FollowsBy(last_byte),
            scalar: FollowsBy(none),
            key: FollowsBy(none),
            in_name: FollowsBy(none),
        }
    }

    /// The tokens of the next chunk.
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    pub(super) fn tokens(&mut self, simd: S, chunk: &Chunk) -> Tokens<u64x8<S>> {
        let of = |masks: &Masks| u64x8::from_slice(simd, masks);
        let (of_lists, high) = (of(&chunk.of_lists), of(&chunk.high));
        let escaped = self.escaped(of(&chunk.backslashes));
        let quotes = of(&chunk.quotes) & !escaped;
        let in_text = self.in_text(quotes);
        let (begin_text, end_text) = (quotes & in_text, quotes & !in_text);
        let outside = !in_text;
        let (opens, closes) = (of(&chunk.opens) & outside, of(&chunk.closes) & outside);
        let (commas, colons) = (of(&chunk.commas) & outside, of(&chunk.colons) & outside);
        let separators = commas | colons;
        let scalars = outside & !(end_text | opens | closes | separators);

        let after_comma = self.comma.bytes(commas);
        let after_colon = self.colon.bytes(colons);
        let after_open_object = self.open_object.bytes(opens & !of_lists);
        let after_open = after_open_object | self.open_list.bytes(opens & of_lists);
        let first_of_scalars = scalars & !self.scalar.bytes(scalars);
        let after_separator = after_comma | after_colon;
        let before_value = after_separator | after_open;
        // A value or a name begins behind these bytes, and only there.
        let begins = begin_text | opens | first_of_scalars;
        // JSON has no control character in a text, and CloudTrail writes none outside.
        let controls = of(&chunk.rare) & !high;
        let faults = controls
            | (begins & !before_value)
            | (separators & before_value)
            | (closes & after_separator)
            | (after_open_object & (opens | scalars));

        let keys = begin_text & (after_comma | after_open);
        let (in_keys, key_ends) = self.keys(keys, in_text);
        let after_key = self.key.bytes(key_ends);
        Tokens {
            opens,
            closes,
            of_lists,
            colons,
            event_keys: self.in_name.bytes(keys) & of(&chunk.telling),
            escaped,
            in_keys,
            first_of_scalars,
            plain_values: begin_text | first_of_scalars,
            faults,
            faults_in_object: (after_key ^ colons) | (after_comma & !begin_text),
            high,
        }
    }

    /// The bytes behind the backslashes that make an escape.
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    fn escaped(&mut self, backslashes: u64x8<S>) -> u64x8<S> {
        let none = u64x8::splat(backslashes.token(), 0);
        if self.escapes.is_behind() || backslashes.simd_eq(none).any_false() {
            let blocks: Masks = backslashes.into();
            u64x8::simd_from(backslashes.token(), blocks.map(|block| self.escapes.escaped(block)))
        } else {
            none
        }
    }

    /// The texts, from each opening quote up to the byte before the closing one.
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    fn in_text(&mut self, quotes: u64x8<S>) -> u64x8<S> {
        let simd = quotes.token();
        let alone = [1, 2, 4, 8, 16, 32].iter().fold(quotes, |bits, distance| bits ^ (bits << *distance));
        // The blocks at whose ends a text goes on, if none goes on at the end of the block before.
        let signed: i64x8<S> = alone.bitcast();
        let ends = signed.simd_lt(i64x8::splat(simd, 0)).to_bitmask();
        let ends = up_to_next(ends) ^ if self.in_text { u64::MAX } else { 0 };
        let begins = ends << 1 | u64::from(self.in_text);
        self.in_text = ends >> LAST & 1 == 1;
        alone ^ lanes(simd, begins)
    }

    /// The texts that begin at `begin`, without their closing quotes, and these quotes: an addition carries from the first
    /// bit of a run of set bits to the bit behind it, and clears the run.
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    fn keys(&mut self, begin: u64x8<S>, in_text: u64x8<S>) -> (u64x8<S>, u64x8<S>) {
        let simd = begin.token();
        let alone = in_text + begin;
        let overflows = alone.simd_lt(in_text).to_bitmask();
        let passes_on = alone.simd_eq(u64x8::splat(simd, u64::MAX)).to_bitmask();
        // An addition carries from block to block, too: each block is a bit.
        let is_carried_into = ((overflows << 1 | u64::from(self.in_key)) + passes_on) ^ passes_on;
        self.in_key = is_carried_into >> BLOCKS & 1 == 1;
        // Less by all bits is one more.
        let sum = alone - lanes(simd, is_carried_into);
        (in_text & !sum, sum & !in_text)
    }
}

/// All bits of the blocks whose bit is set.
#[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
#[inline(always)]
fn lanes<S: Simd>(simd: S, blocks: u64) -> u64x8<S> {
    let blocks = mask64x8::from_bitmask(simd, blocks & ((1 << BLOCKS) - 1));
    blocks.select(u64x8::splat(simd, u64::MAX), u64x8::splat(simd, 0))
}

/// Finds the bytes that come `DISTANCE` bytes behind bytes of a kind. It has these bytes of the last chunk.
struct FollowsBy<S: Simd, const DISTANCE: u32>(u64x8<S>);

/// Finds the bytes that follow bytes of a kind.
type Follows<S> = FollowsBy<S, 1>;

impl<S: Simd, const DISTANCE: u32> FollowsBy<S, DISTANCE> {
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    fn bytes(&mut self, mask: u64x8<S>) -> u64x8<S> {
        let before = self.0.slide::<LAST>(mask);
        self.0 = mask;
        mask << DISTANCE | before >> (u64::BITS - DISTANCE)
    }
}
