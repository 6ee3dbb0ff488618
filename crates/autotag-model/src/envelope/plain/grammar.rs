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
    /// Set if the last byte is a backslash that makes an escape.
    escape: u64,
    /// True if the name of a member goes on.
    in_key: bool,
    separator: Follows,
    end: Follows,
    scalar: Follows,
    comma: Follows,
    open: Follows,
    key: Follows,
    in_name: FollowsBy<TELLING>,
}

/// The tokens of a block.
pub(super) struct Tokens {
    pub(super) opens: u64,
    closes: u64,
    pub(super) colons: u64,
    /// In the names of members that may name the event of a record, the byte that tells them from others.
    pub(super) event_keys: u64,
    /// Escapes by code, as `\u00e9`, in the names of members.
    pub(super) codes_in_keys: u64,
    /// Numbers, and escapes by code. Not every one is a value that can be read: `1e999`, half a surrogate pair.
    pub(super) numbers_and_codes: u64,
    /// The opening quotes of texts, and the first bytes of numbers and words.
    plain_values: u64,
    /// Positions that are not JSON, wherever they are.
    pub(super) faults: u64,
    /// Positions that are not JSON inside an object.
    pub(super) faults_in_object: u64,
}

impl Tokens {
    pub(super) fn brackets(&self) -> u64 {
        self.opens | self.closes
    }

    /// Texts, numbers and words.
    pub(super) fn plain_values(&self) -> u64 {
        self.plain_values
    }
}

impl Grammar {
    /// For a text that begins after the opening bracket of a list.
    pub(super) fn in_list() -> Self {
        Self { open: FollowsBy(1), ..Self::default() }
    }

    /// The tokens of the next block. `rest` is the text from the block on.
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    pub(super) fn tokens(&mut self, block: &Block<'_>, rest: &[u8]) -> Tokens {
        let mut faults = block.controls;
        let mut codes = 0;
        let quotes = if block.backslashes | self.escape == 0 {
            block.quotes
        } else {
            block.quotes & !self.escaped(block.backslashes, rest, &mut codes, &mut faults)
        };
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
        let after_open = self.open.bytes(opens);
        faults |= after_separator & !(begin_text | opens | scalars);
        faults |= after_end & !(separators | closes);
        faults |= after_scalar & !(scalars | commas | closes);
        faults |= after_open & !(begin_text | opens | closes | scalars);

        let keys = begin_text & (after_comma | after_open);
        let (in_keys, key_ends) = self.keys(keys, in_text);
        let after_key = self.key.bytes(key_ends);
        let first_of_scalars = scalars & !after_scalar;
        let numbers = check_scalars(first_of_scalars, rest, &mut faults);
        Tokens {
            opens,
            closes,
            colons,
            event_keys: self.in_name.bytes(keys) & block.telling,
            codes_in_keys: codes & in_keys,
            numbers_and_codes: numbers | codes,
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

    /// The bytes behind the backslashes that make an escape. Notes the escapes by code, and among the faults what makes none.
    fn escaped(&mut self, backslashes: u64, rest: &[u8], codes: &mut u64, faults: &mut u64) -> u64 {
        let mut escaped = self.escape;
        self.escape = 0;
        let mut left = backslashes & !escaped;
        while left != 0 {
            let bit = left & left.wrapping_neg();
            let after = rest.get(bit.trailing_zeros() as usize + 1..).unwrap_or_default();
            if !is_escape(after) {
                *faults |= bit;
            } else if after.first() == Some(&b'u') {
                *codes |= bit;
            }
            let next = bit << 1;
            escaped |= next;
            self.escape |= u64::from(next == 0);
            left &= !(bit | next);
        }
        escaped
    }
}

/// Checks the numbers and words that begin at `first`. Notes among the faults those that are none, and answers which are
/// numbers.
#[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
#[inline(always)]
fn check_scalars(mut first: u64, rest: &[u8], faults: &mut u64) -> u64 {
    let mut numbers = 0;
    while first != 0 {
        let bit = first & first.wrapping_neg();
        match scalar_at(rest.get(bit.trailing_zeros() as usize..).unwrap_or_default()) {
            Some(Scalar::Word) => {}
            Some(Scalar::Number) => numbers |= bit,
            None => *faults |= bit,
        }
        first &= !bit;
    }
    numbers
}

/// For each bit whether an odd number of bits is set up to it: set from every first bit up to the one before the second.
#[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
#[inline(always)]
fn up_to_next(bits: u64) -> u64 {
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
