//! What the commands print: the plan on stdout, the summary on stderr.

mod owner;
mod rows;
mod summary;
mod table;

pub(crate) use owner::{OwnerLine, owner_lines};
pub(crate) use rows::write_rows;
pub(crate) use summary::{Summary, plural};
pub(crate) use table::{printable, styled, table};
