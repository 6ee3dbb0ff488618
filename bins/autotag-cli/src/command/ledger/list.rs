//! `autotag ledger list`: what an owner has created.

use super::line::Line;
use super::table::Table;
use crate::cli::ListArgs;
use crate::completion::Completion;
use anyhow::Result;
use autotag_ledger::{Action, LedgerReader as _};
use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write as _};

pub(crate) fn run(args: &ListArgs) -> Result<Completion> {
    let table = Table::open(&args.table.table, args.table.region.as_ref())?;
    let resources: BTreeSet<String> =
        table.wait(table.ledger.of_owner(&args.owner, args.since, args.until))?.into_iter().collect();
    let mut out = BufWriter::new(io::stdout().lock());
    for resource in &resources {
        for entry in table.wait(table.ledger.of_resource(resource))? {
            // An entry can have got another owner since the index had it.
            let is_wanted =
                entry.action == Action::Created && entry.owner.name.as_deref() == Some(&args.owner);
            let time = entry.timestamp();
            let is_after = args.since.is_none_or(|since| time.is_some_and(|time| time >= since));
            let is_before = args.until.is_none_or(|until| time.is_some_and(|time| time < until));
            if is_wanted && is_after && is_before {
                serde_json::to_writer(&mut out, &Line::of(&entry))?;
                out.write_all(b"\n")?;
            }
        }
    }
    out.flush()?;
    Ok(Completion::Complete)
}
