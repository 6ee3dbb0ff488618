//! Output of the commands: the plan on stdout, the summary on stderr.

mod columns;
mod events;
mod owner;
mod owners;
mod plan_table;
mod problems;
mod rows;
mod screen;
mod summary;
mod table;
mod terminal;
mod text;
mod whois;

pub(crate) use events::{EventCounts, count_events, event_key};
pub(crate) use owner::{OwnerLine, owner_lines};
pub(crate) use plan_table::TableView;
pub(crate) use problems::{Problems, tell_unread};
pub(crate) use rows::{RowPrinter, rendered};
pub(crate) use screen::Screen;
pub(crate) use summary::{Detail, Summary, by_count, plural};
pub(crate) use table::LineTable;
pub(crate) use terminal::height;
pub(crate) use text::{printable, styled};
pub(crate) use whois::AnswerPrinter;
