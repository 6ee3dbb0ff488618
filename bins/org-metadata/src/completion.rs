//! How a run ends.

use std::process::ExitCode;

/// How a run ended that wrote its report, or that only showed what it would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    /// Nothing is missing.
    Complete,
    /// Something is missing, and was named.
    Partial,
}

/// There is no report.
const NO_REPORT: u8 = 1;

/// There is a report, and something is missing in it.
const PARTIAL: u8 = 2;

impl Completion {
    /// The exit code of the program.
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Complete => ExitCode::SUCCESS,
            Self::Partial => ExitCode::from(PARTIAL),
        }
    }
}

/// The exit code of a run without a report.
pub(crate) fn no_report() -> ExitCode {
    ExitCode::from(NO_REPORT)
}
