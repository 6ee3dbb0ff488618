//! `autotag ledger import`: from a trail into the ledger.

use super::line::Line;
#[cfg(feature = "aws")]
use super::table::Table;
use crate::callers::Callers;
use crate::cli::{FilterArgs, Format, ImportArgs, PlanArgs};
use crate::completion::Completion;
use crate::gather::{Facts, Gathered};
use crate::input::Input;
use crate::kept::RowKind;
use crate::offline::known_sessions;
use crate::output::{Detail, plural};
use crate::plan_input::PlanInput;
use crate::planned::ToPlan;
use crate::setup::usage_error;
use anyhow::Result;
use autotag_handlers::row::OriginId;
use autotag_ledger::Entry;
#[cfg(feature = "aws")]
use autotag_ledger::LedgerError;
use std::io::{self, BufWriter, Write};

pub(crate) fn run(args: &ImportArgs) -> Result<Completion> {
    let mut target = Target::of(args)?;
    let plan = PlanArgs {
        source: args.source.clone(),
        // Events that no rule covers are entries, too.
        all: true,
        format: Some(Format::Jsonl),
        since: args.since,
        until: args.until,
        memory: args.memory,
        filter: FilterArgs::default(),
    };
    let PlanInput { classifier, gathered, inputs, .. } = PlanInput::read_with_deletions(&plan, |_| Ok(()))?;
    let Gathered { creations, packer, foresight, sessions, mut rows, facts } = gathered;
    let Facts { summary, oldest, .. } = facts;
    let store = known_sessions(args.source.state.as_deref(), sessions, oldest)?;
    let callers = Callers { trust: &classifier.policy().trust, sessions: &*store };
    let origin = |origin: OriginId| inputs.get(origin.0).map(Input::name);
    let mut part = Vec::new();
    for row in rows.drain()? {
        let row = row?;
        let from = usize::try_from(row.place.0).ok().and_then(|number| origin(OriginId(number)));
        if row.kind == RowKind::Deleting {
            part.extend(callers.deletions(&row, &classifier, from.as_deref())?);
        }
        let uncovered = callers.uncovered(&row)?;
        part.extend(uncovered.and_then(|row| Entry::recorded(&row, from.as_deref())));
        if part.len() >= PART {
            target.put(&std::mem::take(&mut part))?;
        }
    }
    target.put(&part)?;
    ToPlan { creations, packer, foresight }.each_part(&plan.source, &classifier, &*store, |plan| {
        let entries = plan.into_resources().filter_map(|row| {
            let from = origin(row.origin);
            Entry::recorded(&row, from.as_deref())
        });
        target.put(&entries.collect::<Vec<Entry>>())
    })?;
    summary.write(&mut crate::console::notes(), Detail::Short)?;
    crate::console::note_unread(summary.unread());
    let written = target.finish()?;
    Ok(if written == Completion::Partial { written } else { summary.done() })
}

/// How many entries of uncovered events are put at once.
const PART: usize = 1_000;

/// The destination of the entries.
enum Target {
    Stdout(Box<dyn Write>, u64),
    #[cfg(feature = "aws")]
    Table(Table, Written),
}

/// The entries written to a table so far.
#[cfg(feature = "aws")]
#[derive(Debug, Default)]
struct Written {
    entries: u64,
    failed: u64,
    /// The first failure.
    failure: Option<LedgerError>,
}

/// How many entries are written to a table at the same time.
#[cfg(feature = "aws")]
const CONCURRENCY: std::num::NonZeroUsize = std::num::NonZeroUsize::new(64).expect("64 is not zero");

impl Target {
    fn of(args: &ImportArgs) -> Result<Self> {
        if args.print {
            return Ok(Self::Stdout(Box::new(BufWriter::new(io::stdout().lock())), 0));
        }
        #[cfg(feature = "aws")]
        if let Some(name) = &args.table.table {
            return Ok(Self::Table(Table::open(name, args.table.region.as_ref())?, Written::default()));
        }
        Err(usage_error("name the ledger's table with --table, or pass --print to see the entries"))
    }

    /// # Errors
    /// If the table does not take any entry: a missing permission does not come by itself.
    fn put(&mut self, entries: &[Entry]) -> Result<()> {
        match self {
            Self::Stdout(out, count) => {
                for entry in entries {
                    serde_json::to_writer(&mut *out, &Line::of(entry))?;
                    out.write_all(b"\n")?;
                    *count += 1;
                }
            }
            #[cfg(feature = "aws")]
            Self::Table(table, written) => {
                let results = table.wait(autotag_ledger::put_all(&table.ledger, entries, CONCURRENCY));
                for result in results {
                    match result {
                        Ok(()) => written.entries += 1,
                        Err(error @ LedgerError::Unavailable { .. }) => {
                            written.failed += 1;
                            written.failure.get_or_insert(error);
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Completion> {
        match self {
            Self::Stdout(mut out, count) => {
                out.flush()?;
                writeln!(crate::console::notes(), "{} printed", plural(count, "entry"))?;
                Ok(Completion::Complete)
            }
            #[cfg(feature = "aws")]
            Self::Table(_, Written { entries, failed, failure }) => {
                writeln!(crate::console::notes(), "{} in the ledger", plural(entries, "entry"))?;
                let Some(failure) = failure else { return Ok(Completion::Complete) };
                let error = anyhow::Error::from(failure);
                writeln!(
                    anstream::stderr(),
                    "{} not written: {error:#}. Run the same command again: entries that are there stay as they are",
                    plural(failed, "entry")
                )?;
                Ok(Completion::Partial)
            }
        }
    }
}
