//! Numbers of options.

use std::str::FromStr;

/// Reads a number that cannot be zero. The errors of the standard library are about its types.
pub(super) fn positive<N: FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| "expected a whole number of at least 1".to_owned())
}
