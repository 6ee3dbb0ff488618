//! One thing to fuzz: how its inputs are made, and what must hold for each.

use fastrand::Rng;
use std::fmt::Display;

/// One thing to fuzz.
///
/// An input is bytes and nothing else, so that a file in `corpus/` repeats a finding.
pub trait Target {
    /// The name, as the command line and `corpus/` have it.
    fn name(&self) -> &'static str;

    /// How many of a thousand inputs of a campaign are this target's. Cheap targets get more.
    fn share(&self) -> u64;

    /// Appends one input to `out`. The same state of `rng` gives the same input.
    fn generate(&self, rng: &mut Rng, out: &mut Vec<u8>);

    /// Runs one input.
    ///
    /// # Errors
    /// [`Violation`] of the first property that does not hold.
    fn check(&self, input: &[u8]) -> Result<(), Violation>;
}

/// A property that does not hold for an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{property}: {detail}")]
pub struct Violation {
    /// The property in a few words. Findings with the same property count as the same fault.
    pub property: &'static str,
    /// The observation.
    pub detail: String,
}

/// A fault that is known and not repaired yet. A campaign counts its inputs and does not fail because of them.
///
/// When it is repaired, the entry goes, and its input moves from `pending/` to `corpus/`; a test says so.
#[derive(Debug, Clone, Copy)]
pub struct OpenFault {
    /// The target.
    pub target: &'static str,
    /// The text that its findings share, as [`Finding::fault`](crate::run::Finding::fault) says it.
    pub fault: &'static str,
}

/// A violation unless `holds`.
pub(crate) fn hold(
    holds: bool,
    property: &'static str,
    detail: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation { property, detail: detail() }) }
}

/// A violation unless both are equal.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(
    one: &T,
    other: &T,
    property: &'static str,
) -> Result<(), Violation> {
    hold(one == other, property, || {
        format!("{} and {}", shortened(format!("{one:?}")), shortened(format!("{other:?}")))
    })
}

/// A text of at most some hundred characters.
pub(crate) fn shortened(text: impl Display) -> String {
    let text = text.to_string();
    if text.len() <= 600 { text } else { text.chars().take(600).chain("...".chars()).collect() }
}

/// The errors of the code under test say something, on a bounded number of bytes.
pub(crate) fn error_is_readable(error: &impl Display, input: &[u8]) -> Result<(), Violation> {
    let text = error.to_string();
    hold(!text.trim().is_empty(), "an error has a text", String::new)?;
    let most = 4_096 + 8 * input.len();
    hold(text.len() <= most, "an error is short", || format!("{} bytes: {}", text.len(), shortened(&text)))
}
