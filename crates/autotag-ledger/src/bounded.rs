//! Shortens texts to the limits of a ledger entry.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The text, if it has at most so many bytes; otherwise its beginning and its SHA-256. So different texts stay different.
pub(crate) fn bounded(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    let mut hash = String::from("~sha256:");
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a string does not fail.
        let _ = write!(hash, "{byte:02x}");
    }
    let mut end = longest.saturating_sub(hash.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{hash}", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::bounded;

    #[test]
    fn long_texts_fit_and_stay_different() {
        assert_eq!(bounded("orders", 100), "orders");
        let (one, other) = ("ä".repeat(1_000) + "1", "ä".repeat(1_000) + "2");
        assert!(bounded(&one, 1_024).len() <= 1_024);
        assert_ne!(bounded(&one, 1_024), bounded(&other, 1_024));
        assert!(bounded(&one, 1_024).starts_with('ä'));
    }
}
