//! Checks the grammar of JSON without blanks by bit masks, and finds the tokens that show its structure.
//!
//! The nesting does not matter for which byte may follow which, except for two things: an object has a name and a
//! colon before each value, and a list has neither. The caller checks these, for it knows the nesting.

use super::block::{Block, SIZE, TELLING};
use super::scalar::{Scalar, is_escape, scalar_at};

/// The state that the masks of the last block pass to the next one.
#[derive(Default)]
pub(super) struct Grammar {
    /// All bits set inside a text.
    in_text: u64,
    escapes: Escapes,
    /// True if the name of a member goes on.
    in_key: bool,
    separator: Follows,
    end: Follows,
    scalar: Follows,
    comma: Follows,
    open_object: Follows,
    open_list: Follows,
    key: Follows,
    in_name: FollowsBy<TELLING>,
}

/// The tokens of a block.
pub(super) struct Tokens {
    pub(super) opens: u64,
    pub(super) closes: u64,
    pub(super) colons: u64,
    /// In the names of members that may name the event of a record, the byte that tells them from others.
    pub(super) event_keys: u64,
    /// The bytes behind the backslashes that make an escape.
    escaped: u64,
    in_keys: u64,
    first_of_scalars: u64,
    /// The opening quotes of texts, and the first bytes of numbers and words.
    pub(super) plain_values: u64,
    /// Positions that are not JSON, wherever they are.
    pub(super) faults: u64,
    /// Positions that are not JSON inside an object.
    pub(super) faults_in_object: u64,
}

/// Facts about the scalars and escapes of a block, which are looked at one by one.
pub(super) struct Details {
    /// Escapes by code, as `\u00e9`, in the names of members.
    pub(super) codes_in_keys: u64,
    /// Numbers, and escapes by code. Not every one is a value that can be read: `1e999`, half a surrogate pair.
    pub(super) numbers_and_codes: u64,
}

impl Tokens {
    pub(super) fn brackets(&self) -> u64 {
        self.opens | self.closes
    }

    /// The tokens that are looked at one by one, or that name the event of a record.
    pub(super) fn with_details(&self) -> u64 {
        self.event_keys | self.escaped | self.first_of_scalars
    }

    /// Looks at the scalars and escapes of the block with which `rest` begins, and notes among the faults those that are none.
    pub(super) fn details(&mut self, rest: &[u8]) -> Details {
        let mut codes = 0;
        each_bit(self.escaped, |bit, index| {
            let after = rest.get(index..).unwrap_or_default();
            if !is_escape(after) {
                self.faults |= bit;
            } else if after.first() == Some(&b'u') {
                codes |= bit;
            }
        });
        let mut numbers = 0;
        each_bit(self.first_of_scalars, |bit, index| {
            match scalar_at(rest.get(index..).unwrap_or_default()) {
                Some(Scalar::Word) => {}
                Some(Scalar::Number) => numbers |= bit,
                None => self.faults |= bit,
            }
        });
        Details { codes_in_keys: codes & self.in_keys, numbers_and_codes: numbers | codes }
    }
}

/// Calls a function with each bit that is set, and its number.
fn each_bit(mut bits: u64, mut visit: impl FnMut(u64, usize)) {
    while bits != 0 {
        let bit = bits & bits.wrapping_neg();
        visit(bit, bit.trailing_zeros() as usize);
        bits &= !bit;
    }
}

impl Grammar {
    /// For a text that begins after the opening bracket of a list.
    pub(super) fn in_list() -> Self {
        Self { open_list: FollowsBy(1), ..Self::default() }
    }

    /// The tokens of the next block.
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    pub(super) fn tokens(&mut self, block: &Block<'_>) -> Tokens {
        let mut faults = block.controls;
        let escaped = self.escapes.escaped(block.backslashes);
        let quotes = block.quotes & !escaped;
        // From each opening quote up to the byte before the closing one.
        let in_text = up_to_next(quotes) ^ self.in_text;
        self.in_text = if in_text >> 63 == 1 { u64::MAX } else { 0 };
        let (begin_text, end_text) = (quotes & in_text, quotes & !in_text);
        let outside = !in_text;
        let (opens, closes) = (block.opens & outside, block.closes & outside);
        let (commas, colons) = (block.commas & outside, block.colons & outside);
        let separators = commas | colons;
        let scalars = outside & !(end_text | opens | closes | separators);

        let after_separator = self.separator.bytes(separators);
        let after_end = self.end.bytes(end_text | closes);
        let after_scalar = self.scalar.bytes(scalars);
        let after_comma = self.comma.bytes(commas);
        let after_open_object = self.open_object.bytes(opens & !block.of_lists);
        let after_open_list = self.open_list.bytes(opens & block.of_lists);
        faults |= after_separator & !(begin_text | opens | scalars);
        faults |= after_end & !(separators | closes);
        faults |= after_scalar & !(scalars | commas | closes);
        faults |= after_open_object & !(begin_text | closes);
        faults |= after_open_list & !(begin_text | opens | closes | scalars);

        let keys = begin_text & (after_comma | after_open_object | after_open_list);
        let (in_keys, key_ends) = self.keys(keys, in_text);
        let after_key = self.key.bytes(key_ends);
        let first_of_scalars = scalars & !after_scalar;
        Tokens {
            opens,
            closes,
            colons,
            event_keys: self.in_name.bytes(keys) & block.telling,
            escaped,
            in_keys,
            first_of_scalars,
            plain_values: begin_text | first_of_scalars,
            faults,
            faults_in_object: (after_key ^ colons) | (after_comma & !begin_text),
        }
    }

    /// The texts that begin at `begin`, without their closing quotes, and these quotes: an addition carries from the first
    /// bit of a run of set bits to the bit behind it, and clears the run.
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    fn keys(&mut self, begin: u64, in_text: u64) -> (u64, u64) {
        let (sum, one) = in_text.overflowing_add(begin);
        let (sum, other) = sum.overflowing_add(u64::from(self.in_key));
        self.in_key = one || other;
        (in_text & !sum, sum & !in_text)
    }
}

/// Every second bit, the first of them set.
const EVEN: u64 = u64::MAX / 3;

/// Finds the bytes behind backslashes that make an escape, across blocks.
#[derive(Default)]
pub(super) struct Escapes {
    /// 1 if the first byte of the next block is one.
    next: u64,
}

impl Escapes {
    /// Of each run of backslashes every second one is escaped, and the byte behind the run if their number is odd. An addition
    /// of the first bit of a run to it sets the bit behind it.
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    pub(super) fn escaped(&mut self, backslashes: u64) -> u64 {
        let backslashes = backslashes & !self.next;
        let behind = backslashes << 1 | self.next;
        let first_and_odd = backslashes & !behind & !EVEN;
        let (sum, carry) = first_and_odd.overflowing_add(backslashes);
        self.next = u64::from(carry);
        (EVEN ^ (sum << 1)) & behind
    }
}

/// For each bit whether an odd number of bits is set up to it: set from every first bit up to the one before the second.
#[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
#[inline(always)]
pub(super) fn up_to_next(bits: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].iter().fold(bits, |bits, distance| bits ^ (bits << distance))
}

/// The bytes that come `DISTANCE` bytes behind bytes of a kind, across blocks.
#[derive(Default)]
struct FollowsBy<const DISTANCE: usize>(u64);

/// The bytes that follow bytes of a kind, across blocks.
type Follows = FollowsBy<1>;

impl<const DISTANCE: usize> FollowsBy<DISTANCE> {
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    fn bytes(&mut self, mask: u64) -> u64 {
        let following = mask << DISTANCE | self.0;
        self.0 = mask >> (SIZE - DISTANCE);
        following
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn escapes_are_those_of_a_reader_of_single_bytes(blocks in prop::collection::vec(
            prop_oneof![any::<u64>(), Just(0), Just(u64::MAX), Just(u64::MAX << 63), Just(u64::MAX << 61)], 1..6),
        ) {
            let (mut escapes, mut is_next) = (Escapes::default(), false);
            for backslashes in blocks {
                let mut expected = 0;
                for bit in 0..u64::BITS {
                    let is_escaped = std::mem::take(&mut is_next);
                    expected |= u64::from(is_escaped) << bit;
                    is_next = !is_escaped && backslashes >> bit & 1 == 1;
                }
                prop_assert_eq!(escapes.escaped(backslashes), expected);
            }
        }
    }
}
