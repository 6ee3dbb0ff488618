//! `autotag report`: joins an inventory, a trail and costs, and shows who owns which resource.

mod arns;
mod class;
mod cost;
mod created;
mod entry;
mod estate;
mod fix;
mod identity;
mod inventory;
#[cfg(feature = "aws")]
mod ledger;
mod made;
mod money;
mod page;
mod table;
mod tabular;

pub(crate) use class::Class;
pub(crate) use cost::{COLUMNS as COST_COLUMNS, Costs};
pub(crate) use estate::{Coverage, Estate, Joiner};
pub(crate) use fix::Fix;
#[cfg(feature = "aws")]
pub(crate) use inventory::live as live_item;
pub(crate) use inventory::{COLUMNS as INVENTORY_COLUMNS, Item, Source, read as read_inventory};
#[cfg(feature = "aws")]
pub(crate) use ledger::{LedgerJoin, Told};
pub(crate) use made::Creations;
pub(crate) use page::{Run, page};
#[cfg(feature = "parquet")]
pub(crate) use table::parquet;
pub(crate) use table::{csv, jsonl};
pub(crate) use tabular::Reading;
