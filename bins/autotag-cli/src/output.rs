//! What the commands print: the plan on stdout, the summary on stderr.

mod owner;
mod rows;
mod summary;
mod table;
mod whois;

pub(crate) use owner::{OwnerLine, owner_lines};
pub(crate) use rows::{RowPrinter, rendered};
pub(crate) use summary::{Summary, by_count, plural};
#[cfg(feature = "aws")]
pub(crate) use table::TextTable;
pub(crate) use table::{printable, styled, table};
pub(crate) use whois::AnswerPrinter;
