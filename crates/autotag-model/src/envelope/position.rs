//! The place of a value in an input.

use std::fmt;

/// The place of a value or a fault in an input.
///
/// ```
/// use autotag_model::envelope::{Limits, read_records};
///
/// let mut positions = Vec::new();
/// read_records(&b"{} 7"[..], &Limits::default(), &mut |item| {
///     if let Err(malformed) = item {
///         positions.push(malformed.position.to_string());
///     }
/// });
/// assert_eq!(positions, ["record 1, byte 0, $", "record 2, byte 3, $"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Position {
    /// The number of the value, from 1: of the record in a log file, of the value in JSON lines.
    pub record: u64,
    /// The byte offset of that value, or of the fault in it, in the decompressed input, from 0.
    pub offset: u64,
    /// The list of the file that holds the value.
    pub(super) root: Root,
    /// The JSON path below that value: through wrappings, and to the fault.
    pub(super) inner: String,
}

/// The container of a value of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// A value of its own: a file of one value, or a line of many.
    Value,
    /// An element of a top-level array.
    Array,
    /// An element of the named list of a top-level object.
    List(&'static str),
}

impl Position {
    /// The JSON path, for example `$.Records[3].body.detail`.
    pub fn path(&self) -> String {
        let index = self.record.saturating_sub(1);
        match self.root {
            Root::Value => format!("${}", self.inner),
            Root::Array => format!("$[{index}]{}", self.inner),
            Root::List(name) => format!("$.{name}[{index}]{}", self.inner),
        }
    }

    /// True if it is a position in the input itself, and not in the text of a wrapping.
    pub(super) fn is_of_input(&self) -> bool {
        self.inner.is_empty()
    }

    /// The position of a part: `step` is its JSON path below this one.
    pub(super) fn within(&self, step: &str) -> Self {
        Self { inner: format!("{}{step}", self.inner), ..self.clone() }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}, byte {}, {}", self.record, self.offset, self.path())
    }
}
