//! Checks numbers, `true`, `false`, `null`, and escapes, one at a time.

/// A value that is neither a text nor nested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    /// `true`, `false` or `null`.
    Word,
    Number,
}

/// The scalar with which bytes begin, up to a comma or a closing bracket.
pub(super) fn scalar_at(bytes: &[u8]) -> Option<Scalar> {
    let (scalar, length) = match bytes.first_chunk() {
        // Nearly all of them.
        Some(b"null" | b"true") => (Scalar::Word, 4),
        Some(b"fals") if bytes.get(4) == Some(&b'e') => (Scalar::Word, 5),
        _ => (Scalar::Number, number(bytes)),
    };
    (length > 0 && matches!(bytes.get(length), Some(b',' | b'}' | b']'))).then_some(scalar)
}

/// The length of the number at the beginning of bytes; 0 if there is none.
fn number(bytes: &[u8]) -> usize {
    let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let is_one_of = |at: usize, set: &[u8]| bytes.get(at).is_some_and(|byte| set.contains(byte));
    let sign = usize::from(is_one_of(0, b"-"));
    let whole = digits(sign);
    if whole == 0 || whole > 1 && is_one_of(sign, b"0") {
        return 0;
    }
    let mut length = sign + whole;
    if is_one_of(length, b".") {
        match digits(length + 1) {
            0 => return 0,
            decimals => length += 1 + decimals,
        }
    }
    if is_one_of(length, b"eE") {
        let from = length + 1 + usize::from(is_one_of(length + 1, b"+-"));
        match digits(from) {
            0 => return 0,
            exponent => length = from + exponent,
        }
    }
    length
}

/// True if the bytes after a backslash make an escape.
pub(super) fn is_escape(after: &[u8]) -> bool {
    match after.first() {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
        Some(b'u') => after.get(1..5).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    #[test]
    fn scalars_are_those_of_json() {
        let begins_scalar = |bytes: &[u8]| scalar_at(bytes).is_some();
        for good in ["0", "-0", "10", "1.50", "1e9", "-12.5E-07", "1e+0", "true", "false", "null"] {
            for end in [",", "}", "]"] {
                assert!(begins_scalar(format!("{good}{end}").as_bytes()), "{good}{end}");
            }
            assert!(!begins_scalar(good.as_bytes()), "{good} at the end");
            assert!(!begins_scalar(format!("{good} ,").as_bytes()), "{good} before a blank");
        }
        for bad in ["", "-", "01", "1.", ".5", "1e", "1e+", "+1", "tru", "True", "nul", "NaN", "0x1", "1-"] {
            assert!(!begins_scalar(format!("{bad},").as_bytes()), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_the_json_reader(text in "-?[0-9.eE+-]{1,8}") {
            let parses = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            let number = parses.then_some(Scalar::Number);
            prop_assert_eq!(scalar_at(format!("{text},").as_bytes()), number, "{}", text);
        }

        #[test]
        fn escapes_are_those_of_the_json_reader(escape in r#"[u"\\/bfnrtxU0-9a-gA-G]{1,6}"#) {
            // Another check decides about the rest of the text.
            let first = escape.chars().next().unwrap_or_default();
            let length = if first == 'u' { 5 } else { 1 };
            let one: String = escape.chars().take(length).collect();
            let parses = serde_json::from_str::<IgnoredAny>(&format!("\"\\{one}\"")).is_ok();
            prop_assert_eq!(is_escape(escape.as_bytes()), parses, "{}", escape);
        }
    }
}
