//! Errors of ledgers.

use autotag_handlers::outcome::Outcome;
use std::error::Error;

/// The source of a [`LedgerError`]. Its text is in the chain of sources, not in the text of the error itself.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// An error of a ledger. `table` is its name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The ledger cannot be reached or is overloaded.
    #[error("the ledger `{table}` did not answer, try again later")]
    Unavailable {
        /// The table.
        table: String,
        /// The client's error.
        source: BoxError,
    },
    /// The permission to read or write is missing.
    #[error("no permission for the ledger `{table}`; grant {needed} to the user or role that runs this")]
    Denied {
        /// The table.
        table: String,
        /// The actions that are needed.
        needed: &'static str,
        /// The client's error.
        source: BoxError,
    },
    /// Another version of the program wrote the entry, in a format that this one does not read.
    #[error(
        "the ledger `{table}` has an entry in format version {found}, this program reads version {known}: \
         use the program that wrote it"
    )]
    UnknownVersion {
        /// The table.
        table: String,
        /// The version of the entry.
        found: u8,
        /// The version that this program reads and writes.
        known: u8,
    },
    /// An entry is damaged.
    #[error(
        "the ledger `{table}` has an entry of {resource:?} that cannot be read: delete it, and import the trail again"
    )]
    Damaged {
        /// The table.
        table: String,
        /// The key of the resource.
        resource: String,
        /// The error of the parser.
        source: BoxError,
    },
    /// More entries than the memory is meant for.
    #[error(
        "the ledger `{table}` has more than {max} entries of {of:?}; ask for the ARN, or export the ledger"
    )]
    TooMany {
        /// The table.
        table: String,
        /// The subject of the question.
        of: String,
        /// How many are read at most.
        max: usize,
    },
    /// The ledger refuses the request.
    #[error("the ledger `{table}` refuses the request: {advice}")]
    Failed {
        /// The table.
        table: String,
        /// The advice.
        advice: &'static str,
        /// The client's error.
        source: BoxError,
    },
}

impl LedgerError {
    /// The outcome of a row that depends on this question or entry: a later try may succeed, or an operator has to change
    /// something.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Unavailable { .. } => Outcome::Deferred(self.to_string()),
            _ => Outcome::Refused(self.to_string()),
        }
    }
}
