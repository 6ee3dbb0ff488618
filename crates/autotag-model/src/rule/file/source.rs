//! The text of a rule file, for faults that name line and column.

use crate::toml_error::TomlError;
use std::ops::Range;
use toml::Spanned;

/// A rule file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleFileError {
    /// The file is not TOML, or has a key or value that a rule file cannot have.
    #[error(transparent)]
    Format(TomlError),
    /// The parts of the file do not fit together, such as a rule that names a call that is not in the file.
    #[error(transparent)]
    Content(TomlError),
}

impl RuleFileError {
    /// The error, with line and column.
    pub fn fault(&self) -> &TomlError {
        match self {
            Self::Format(fault) | Self::Content(fault) => fault,
        }
    }
}

/// The text of a rule file.
#[derive(Clone, Copy)]
pub(super) struct Source<'f>(pub(super) &'f str);

impl Source<'_> {
    /// A fault at `span`.
    pub(super) fn wrong(self, span: &Range<usize>, expected: &str) -> RuleFileError {
        RuleFileError::Content(TomlError::at(self.0, span, expected))
    }

    /// Refuses what cannot be the name of an event. `example` is one.
    pub(super) fn check_event(self, event: &Spanned<String>, example: &str) -> Result<(), RuleFileError> {
        let name = event.as_ref();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(self.wrong(&event.span(), &format!("expected an event name such as \"{example}\"")));
        }
        Ok(())
    }
}
