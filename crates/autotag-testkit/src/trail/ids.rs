//! Numbers that look random, and their form in records. The same seed gives the same numbers on every machine.

/// `SplitMix64` (Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub(super) struct Numbers(u64);

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl Numbers {
    /// Numbers that depend on the seed and on each of `parts`.
    pub(super) fn new(seed: u64, parts: &[u64]) -> Self {
        Self(parts.iter().fold(mix(seed), |state, part| mix(state.wrapping_add(GAMMA) ^ mix(*part))))
    }

    pub(super) fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// A number below `end`, or 0 if `end` is 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        let product = u128::from(self.any()) * u128::from(end);
        u64::try_from(product >> 64).unwrap_or_default()
    }

    /// Says yes in `millionths` of a million cases.
    pub(super) fn chance(&mut self, millionths: u64) -> bool {
        self.below(1_000_000) < millionths
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let number = self.below(from.len() as u64);
        from.get(usize::try_from(number).ok()?)
    }

    /// A place in a text of `length` bytes.
    pub(super) fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }

    /// Puts the items into another order.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.place(end + 1));
        }
    }
}

/// Different numbers stay different.
pub(super) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

fn push_digits(number: u64, bits: usize, count: usize, upper: bool, out: &mut String) {
    for digit in (0..count).rev() {
        let shifted = number.checked_shr(u32::try_from(digit * bits).unwrap_or(u32::MAX)).unwrap_or_default();
        let value = usize::try_from(shifted & ((1 << bits) - 1)).unwrap_or_default();
        let digit = char::from(DIGITS.get(value).copied().unwrap_or(b'0'));
        out.push(if upper { digit.to_ascii_uppercase() } else { digit });
    }
}

/// The last `count` hexadecimal digits.
pub(super) fn push_hex(number: u64, count: usize, out: &mut String) {
    push_digits(number, 4, count, false, out);
}

/// The last `count` digits in base 32, in upper case.
pub(super) fn push_base32(number: u64, count: usize, out: &mut String) {
    push_digits(number, 5, count, true, out);
}

/// The last `count` decimal digits.
pub(super) fn push_number(number: u64, count: u32, out: &mut String) {
    for digit in (0..count).rev() {
        let value = number / 10_u64.saturating_pow(digit) % 10;
        out.push(char::from(b'0' + u8::try_from(value).unwrap_or_default()));
    }
}

/// A UUID (version 4) with `low` in its last digits: 60 bits of it.
pub(super) fn push_uuid(high: u64, low: u64, out: &mut String) {
    push_hex(high >> 32, 8, out);
    out.push('-');
    push_hex(high >> 16, 4, out);
    out.push_str("-4");
    push_hex(high, 3, out);
    out.push_str("-8");
    push_hex(low >> 48, 3, out);
    out.push('-');
    push_hex(low, 12, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_the_form_of_a_uuid() {
        let mut id = String::new();
        push_uuid(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, &mut id);
        assert_eq!(id, "01234567-89ab-4def-8edc-ba9876543210");
    }

    #[test]
    fn numbers_repeat_with_the_seed_and_differ_with_each_part() {
        let first = |seed, parts: &[u64]| Numbers::new(seed, parts).any();
        assert_eq!(first(1, &[2, 3]), first(1, &[2, 3]));
        let all =
            [first(1, &[2, 3]), first(2, &[2, 3]), first(1, &[3, 2]), first(1, &[2, 4]), first(1, &[2])];
        let different: std::collections::BTreeSet<u64> = all.into();
        assert_eq!(different.len(), all.len());
    }

    #[test]
    fn a_chance_is_what_was_asked_for() {
        let mut numbers = Numbers::new(1, &[]);
        let yes = (0..100_000).filter(|_| numbers.chance(50_000)).count();
        assert!((4_500..5_500).contains(&yes), "{yes} of 100,000 at 5 %");
    }
}
