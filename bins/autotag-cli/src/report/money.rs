//! Exact amounts of money: whole numbers of 10⁻²⁴, never floating point numbers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Digits after the decimal point. Bills have up to 20; a number with more is rounded at the last one.
pub(crate) const SCALE: u32 = 24;

/// The most digits of a decimal number in Parquet, and in the databases that read it.
const LIMIT: i128 = 10_i128.pow(38);

/// The longest text of a number.
const LONGEST: usize = 64;

/// An amount in one currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Amount(i128);

impl Amount {
    /// Reads `12.5`, `-0.0000034`, `1.2e-7`. `None` if the text is not a number, or too large to be counted exactly.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > LONGEST {
            return None;
        }
        let (negative, number) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match number.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (number, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        // How many digits are appended or, below zero, cut off.
        let shift = i64::from(SCALE) + i64::from(exponent) - i64::try_from(fraction.len()).ok()?;
        let value = shifted(&digits, shift).filter(|value| *value < LIMIT)?;
        Some(Self(if negative { -value } else { value }))
    }

    pub(crate) fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).filter(|sum| sum.abs() < LIMIT).map(Self)
    }

    /// An amount in 10⁻⁹.
    pub(crate) fn of_nanos(nanos: i64) -> Self {
        Self(i128::from(nanos) * 10_i128.pow(SCALE - 9))
    }

    /// In units of 10⁻²⁴.
    pub(crate) fn units(self) -> i128 {
        self.0
    }

    /// With thousands and two decimals, rounded half away from zero: `1,234.57`.
    pub(crate) fn rounded(self) -> String {
        let cent = 10_i128.pow(SCALE - 2);
        let cents = (self.0.abs() + cent / 2) / cent;
        let sign = if self.0 < 0 && cents > 0 { "-" } else { "" };
        let digits = (cents / 100).to_string();
        let mut whole = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                whole.push(',');
            }
            whole.push(digit);
        }
        format!("{sign}{whole}.{:02}", cents % 100)
    }
}

fn shifted(digits: &[u8], shift: i64) -> Option<i128> {
    let cut = usize::try_from(-shift).unwrap_or(0);
    let kept = digits.len().saturating_sub(cut);
    let mut value = 0_i128;
    for digit in digits.iter().take(kept) {
        value = value.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    // The first digit that is cut off decides; with more cut off than there is, nothing is left to round.
    let rounds_up = cut <= digits.len() && digits.get(kept).is_some_and(|digit| cut > 0 && *digit >= b'5');
    if rounds_up {
        value = value.checked_add(1)?;
    }
    for _ in 0..usize::try_from(shift).unwrap_or(0) {
        if value == 0 {
            break;
        }
        value = value.checked_mul(10)?;
    }
    Some(value)
}

/// All digits, at least two after the point.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_i128.pow(SCALE);
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{:0width$}", (self.0 % one).abs(), width = SCALE as usize);
        let trimmed = fraction.trim_end_matches('0');
        write!(f, "{sign}{}.{trimmed:0<2}", (self.0 / one).abs())
    }
}

/// Amounts by currency. Currencies are never added to each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Money(BTreeMap<Arc<str>, Amount>);

impl Money {
    /// Adds an amount. `false` if the sum is too large to be counted exactly; then nothing is added.
    pub(crate) fn add(&mut self, currency: &Arc<str>, amount: Amount) -> bool {
        let sum = self.0.entry(Arc::clone(currency)).or_default();
        match sum.checked_add(amount) {
            Some(new) => {
                *sum = new;
                true
            }
            None => false,
        }
    }

    /// Adds all amounts, or none if a sum is too large to be counted exactly.
    pub(crate) fn append(&mut self, other: &Self) -> bool {
        let mut sum = self.clone();
        let fits = other.0.iter().all(|(currency, amount)| sum.add(currency, *amount));
        if fits {
            *self = sum;
        }
        fits
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn of(&self, currency: &str) -> Option<Amount> {
        self.0.get(currency).copied()
    }

    pub(crate) fn currencies(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.keys()
    }

    /// Each currency with its exact amount.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Amount)> {
        self.0.iter().map(|(currency, amount)| (&**currency, *amount))
    }

    /// `1,234.57 USD; 3.00 EUR`, the largest first; empty without any.
    pub(crate) fn rounded(&self) -> String {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_by_key(|(_, amount)| std::cmp::Reverse(*amount));
        let texts: Vec<String> =
            all.iter().map(|(currency, amount)| format!("{} {currency}", amount.rounded())).collect();
        texts.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_exactly() {
        for (text, expected) in [
            ("0", "0.00"),
            ("12.5", "12.50"),
            ("+3", "3.00"),
            (" -0.0000034 ", "-0.0000034"),
            ("1.2e-7", "0.00000012"),
            ("1.5E2", "150.00"),
            (".5", "0.50"),
            ("7.", "7.00"),
            ("0.000000000000000000000001", "0.000000000000000000000001"),
            // The twenty-fifth digit is rounded.
            ("0.0000000000000000000000005", "0.000000000000000000000001"),
            ("0.0000000000000000000000004", "0.00"),
            ("1e-30", "0.00"),
            ("9e-40", "0.00"),
            ("0e99", "0.00"),
            ("99999999999999.99", "99999999999999.99"),
        ] {
            assert_eq!(Amount::parse(text).unwrap().to_string(), expected, "{text}");
        }
        for text in
            ["", "-", ".", "1,5", "1_0", "NaN", "inf", "0x1", "1e", "1e400", "12 USD", "١", "--1", "1.2.3"]
        {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
        assert_eq!(Amount::parse(&"9".repeat(30)), None, "too large");
    }

    #[test]
    fn amounts_are_rounded_for_people_only() {
        for (text, expected) in
            [("1234567.885", "1,234,567.89"), ("-0.004", "0.00"), ("-0.005", "-0.01"), ("999.994", "999.99")]
        {
            assert_eq!(Amount::parse(text).unwrap().rounded(), expected, "{text}");
        }
    }

    #[test]
    fn currencies_stay_apart() {
        let mut money = Money::default();
        let [usd, eur]: [Arc<str>; 2] = ["USD".into(), "EUR".into()];
        for (currency, amount) in [(&usd, "0.1"), (&eur, "5"), (&usd, "0.2")] {
            assert!(money.add(currency, Amount::parse(amount).unwrap()));
        }
        assert_eq!(money.rounded(), "5.00 EUR; 0.30 USD");
        assert_eq!(money.of("USD").unwrap().to_string(), "0.30");
        let most = Amount(LIMIT - 1);
        assert!(
            money.add(&"XXX".into(), most) && !money.add(&"XXX".into(), most),
            "an overflow is not hidden"
        );
    }

    proptest! {
        #[test]
        fn any_sum_of_cents_is_exact(cents in proptest::collection::vec(-1_000_000_000_i64..1_000_000_000, 0..200)) {
            let currency: Arc<str> = "USD".into();
            let mut money = Money::default();
            for one in &cents {
                let text = format!("{}{}.{:02}", if *one < 0 { "-" } else { "" }, one.abs() / 100, one.abs() % 100);
                prop_assert!(money.add(&currency, Amount::parse(&text).unwrap()));
            }
            let sum: i128 = cents.iter().map(|one| i128::from(*one)).sum();
            prop_assert_eq!(money.of("USD").unwrap_or_default().units(), sum * 10_i128.pow(SCALE - 2));
        }

        #[test]
        fn what_is_written_is_read_again(units in any::<i64>(), up in 0_u32..15) {
            let amount = Amount(i128::from(units) * 10_i128.pow(up));
            prop_assert_eq!(Amount::parse(&amount.to_string()), Some(amount));
        }
    }
}
