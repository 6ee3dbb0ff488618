//! The tokens that show the structure of a text: bit `i` is for byte `i` of a block.

use super::chunk::Masks;
use super::scalar::{Scalar, is_escape, scalar_at};
use fearless_simd::prelude::*;
use fearless_simd::{Simd, u64x8};

/// A block without a fault in an object, without a bracket of a list, and with characters of ASCII only.
pub(super) struct InObjects {
    /// How many brackets open and close objects.
    pub(super) opens: u64,
    pub(super) closes: u64,
    /// True if it has a token that is looked at alone.
    pub(super) has_details: bool,
}

/// The tokens of a block, or of the blocks of a chunk: `T` is a mask, or a vector of masks.
pub(super) struct Tokens<T> {
    pub(super) opens: T,
    pub(super) closes: T,
    /// Of the brackets, those of lists. Other bytes may be among them.
    pub(super) of_lists: T,
    pub(super) colons: T,
    /// In the names of members that may name the event of a record, the byte that tells them from others.
    pub(super) event_keys: T,
    /// The bytes behind the backslashes that make an escape.
    pub(super) escaped: T,
    pub(super) in_keys: T,
    pub(super) first_of_scalars: T,
    /// The opening quotes of texts, and the first bytes of numbers and words.
    pub(super) plain_values: T,
    /// Positions that are not JSON, wherever they are.
    pub(super) faults: T,
    /// Positions that are not JSON inside an object.
    pub(super) faults_in_object: T,
    /// Bytes of characters that are not ASCII.
    pub(super) high: T,
}

/// Facts about the scalars and escapes of a block, which are looked at one by one.
pub(super) struct Details {
    /// Escapes by code, as `\u00e9`, in the names of members.
    pub(super) codes_in_keys: u64,
    /// Numbers, and escapes by code. Not every one is a value that can be read: `1e999`, half a surrogate pair.
    pub(super) numbers_and_codes: u64,
}

impl<S: Simd> Tokens<u64x8<S>> {
    /// The blocks in the order of the text. `None`: the block has a fault, a bracket of a list, or other characters than
    /// those of ASCII.
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    pub(super) fn blocks(&self) -> impl Iterator<Item = Option<InObjects>> + use<S> {
        let are_none = |tokens: u64x8<S>| tokens.simd_eq(u64x8::splat(tokens.token(), 0)).to_bitmask();
        let lists = (self.opens | self.closes) & self.of_lists;
        let in_objects = are_none(self.faults | self.faults_in_object | lists | self.high);
        let without_details = are_none(self.event_keys | self.escaped | self.first_of_scalars);
        let opens: Masks = self.opens.count_ones().into();
        let closes: Masks = self.closes.count_ones().into();
        opens.into_iter().zip(closes).enumerate().map(move |(number, (opens, closes))| {
            let is = |blocks: u64| blocks >> number & 1 == 1;
            is(in_objects).then_some(InObjects { opens, closes, has_details: !is(without_details) })
        })
    }

    /// True if all scalars and escapes of a block can be passed over: words, and escapes without a code. The block begins
    /// `rest`.
    pub(super) fn has_only_words(&self, number: usize, rest: &[u8]) -> bool {
        let of = |lanes: &u64x8<S>| Bits(lanes.get(number).copied().unwrap_or_default());
        let after = |index: u32| rest.get(index as usize..).unwrap_or_default();
        of(&self.first_of_scalars).all(|index| scalar_at(after(index)) == Some(Scalar::Word))
            && of(&self.escaped).all(|index| is_escape(after(index)) && after(index).first() != Some(&b'u'))
    }

    /// The members in a block that may name the event of a record: the bytes that tell.
    pub(super) fn event_keys(&self, number: usize) -> Bits {
        Bits(self.event_keys.get(number).copied().unwrap_or_default())
    }

    /// The tokens of a block.
    pub(super) fn block(&self, number: usize) -> Tokens<u64> {
        let of = |lanes: &u64x8<S>| lanes.get(number).copied().unwrap_or_default();
        Tokens {
            opens: of(&self.opens),
            closes: of(&self.closes),
            of_lists: of(&self.of_lists),
            colons: of(&self.colons),
            event_keys: of(&self.event_keys),
            escaped: of(&self.escaped),
            in_keys: of(&self.in_keys),
            first_of_scalars: of(&self.first_of_scalars),
            plain_values: of(&self.plain_values),
            faults: of(&self.faults),
            faults_in_object: of(&self.faults_in_object),
            high: of(&self.high),
        }
    }
}

impl Tokens<u64> {
    pub(super) fn brackets(&self) -> u64 {
        self.opens | self.closes
    }

    /// Looks at the scalars and escapes of the block with which `rest` begins, and notes among the faults those that are none.
    pub(super) fn details(&mut self, rest: &[u8]) -> Details {
        let (mut codes, mut numbers) = (0, 0);
        let after = |index: u32| rest.get(index as usize..).unwrap_or_default();
        for index in Bits(self.escaped) {
            if !is_escape(after(index)) {
                self.faults |= 1 << index;
            } else if after(index).first() == Some(&b'u') {
                codes |= 1 << index;
            }
        }
        for index in Bits(self.first_of_scalars) {
            match scalar_at(after(index)) {
                Some(Scalar::Word) => {}
                Some(Scalar::Number) => numbers |= 1 << index,
                None => self.faults |= 1 << index,
            }
        }
        Details { codes_in_keys: codes & self.in_keys, numbers_and_codes: numbers | codes }
    }
}

/// The numbers of the bits that are set.
pub(super) struct Bits(pub(super) u64);

impl Bits {
    pub(super) fn is_empty(&self) -> bool {
        self.0 == 0
    }
}

impl Iterator for Bits {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let index = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        (index < u64::BITS).then_some(index)
    }
}
