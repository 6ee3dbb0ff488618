//! Adds the facts of a ledger to those of a trail.

use crate::cli::ReportArgs;
use crate::command::ledger::Table;
use crate::report::{Creations, LedgerJoin, Told};
use anyhow::Result;
use autotag_ledger::{LedgerError, LedgerReader as _};
use autotag_model::policy::Policy;

/// Reads the ledger that the arguments name, page by page. An outage is an error, and never a ledger without entries.
pub(super) fn join(
    args: &ReportArgs,
    creations: &mut Option<Creations>,
    policy: &Policy,
) -> Result<Option<Told>> {
    let Some(name) = &args.ledger else { return Ok(None) };
    let table = Table::open(name, args.ledger_region.as_ref())?;
    let creations = creations.get_or_insert_with(Creations::of_ledger);
    let mut join = LedgerJoin::new(policy, creations);
    table.wait(table.ledger.each(|entry| {
        join.add(entry);
        Ok::<(), LedgerError>(())
    }))?;
    for key in join.end() {
        let entries = table.wait(table.ledger.of_resource(&key));
        match entries {
            Ok(entries) => join.resource(&entries),
            Err(LedgerError::TooMany { .. }) => join.leave_out(),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(join.told()))
}
