#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod bounded;
mod current;
#[cfg(feature = "dynamodb")]
mod dynamodb;
mod entry;
mod error;
mod from_row;
mod ledger;
mod memory;
mod merge;
mod reconcile;
mod tamper;
mod watched;
mod whois;

#[cfg(feature = "dynamodb")]
pub use dynamodb::{DynamoDbLedger, ENTRY_VERSION};
pub use entry::{
    Action, CreatingCall, Entry, EntryEvent, EntryKey, EntryOwner, EntryResource, Knowledge, Link, State,
    Tagging,
};
pub use error::{BoxError, LedgerError};
pub use ledger::{Ledger, LedgerReader, LedgerWriter, put_all};
pub use memory::MemoryLedger;
pub use reconcile::leave_out_done;
pub use tamper::{Answered, TamperResponder};
pub use watched::Watched;
pub use whois::{LedgerSource, answer_from};
