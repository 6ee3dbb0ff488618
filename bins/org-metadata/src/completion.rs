//! How a run ends.

use crate::config::ConfigErrors;
use std::process::ExitCode;

/// How a run ended that wrote its report, or that only showed what it would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    /// Nothing is missing.
    Complete,
    /// Something is missing, and was named.
    Partial,
}

/// There is no report, or something is missing in it. If there is one, it has a manifest.
const FAILED: u8 = 1;

/// Wrong usage or configuration. Nothing was read.
const USAGE: u8 = 2;

impl Completion {
    /// The exit code of the program.
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Complete => ExitCode::SUCCESS,
            Self::Partial => ExitCode::from(FAILED),
        }
    }
}

/// A mistake in the command or its configuration, which is found before anything is read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// The exit code of a run that ended with an error.
pub(crate) fn failed(error: &anyhow::Error) -> ExitCode {
    let is_usage = error.is::<UsageError>() || error.is::<ConfigErrors>();
    ExitCode::from(if is_usage { USAGE } else { FAILED })
}

/// The exit code for wrong arguments.
pub(crate) fn wrong_usage() -> ExitCode {
    ExitCode::from(USAGE)
}
