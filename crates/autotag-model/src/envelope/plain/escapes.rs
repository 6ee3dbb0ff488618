//! Finds escapes in texts, and where texts begin and end.

/// Every second bit, the first of them set.
const EVEN: u64 = u64::MAX / 3;

/// Finds the bytes behind backslashes that make an escape, across blocks.
#[derive(Default)]
pub(super) struct Escapes {
    /// 1 if the first byte of the next block is one.
    next: u64,
}

impl Escapes {
    /// True if the first byte of the next block is one.
    pub(super) fn is_behind(&self) -> bool {
        self.next == 1
    }

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
