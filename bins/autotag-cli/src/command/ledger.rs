//! `autotag ledger`: fills the ledger from a trail, exports it, and lists what an owner has created.

#[cfg(feature = "aws")]
mod ddl;
#[cfg(feature = "aws")]
mod end_truce;
#[cfg(feature = "aws")]
mod export;
mod import;
mod line;
#[cfg(feature = "aws")]
mod list;
#[cfg(all(feature = "aws", feature = "parquet"))]
mod parquet_file;
#[cfg(feature = "aws")]
mod table;

#[cfg(feature = "aws")]
pub(crate) use table::Table;

use crate::cli::{LedgerArgs, LedgerCommand};
use crate::completion::Completion;
use anyhow::Result;

pub(crate) fn run(args: &LedgerArgs) -> Result<Completion> {
    match &args.command {
        LedgerCommand::Import(args) => import::run(args),
        #[cfg(feature = "aws")]
        LedgerCommand::Export(args) => export::run(args),
        #[cfg(feature = "aws")]
        LedgerCommand::List(args) => list::run(args),
        #[cfg(feature = "aws")]
        LedgerCommand::EndTruce(args) => end_truce::run(args),
    }
}
