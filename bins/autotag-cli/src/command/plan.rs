//! `autotag plan`: which tags records would lead to, and why.

use crate::callers::Callers;
use crate::cli::PlanCommand;
use crate::completion::Completion;
use crate::gather::{Facts, Gathered};
use crate::kept::Unpacker;
use crate::offline::known_sessions;
use crate::parts::PartPlanner;
use crate::plan_input::PlanInput;
use crate::saved_plan::{Header, PlanFile};
use crate::shown::Shown;
use crate::spill::Sorted;
use anyhow::Result;
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::plan::{Plan, PlannedResource, Planner};
use autotag_handlers::records::ClassifiedRecords;
use futures_executor::block_on;
use jiff::Timestamp;
use std::io::{self, Write as _};

pub(crate) fn run(command: &PlanCommand) -> Result<Completion> {
    let PlanCommand { plan: args, out } = command;
    let PlanInput { classifier, gathered, format, .. } = PlanInput::read(args, |_| Ok(()))?;
    let Gathered { mut creations, packer, foresight, sessions, mut rows, facts } = gathered;
    let Facts { summary, oldest, .. } = facts;
    let store = known_sessions(args.source.state.as_deref(), sessions, oldest)?;
    let backend = MemoryBackend::offline();
    // Nothing of this plan is retried, so it does not depend on the time.
    let planner = Planner::new(classifier.policy(), &*store, &backend, Timestamp::UNIX_EPOCH);
    let header = || Header::new(classifier.catalog(), classifier.policy());
    let mut file = out.as_deref().map(|path| PlanFile::create(path, &header()?)).transpose()?;
    let callers = Callers { trust: &classifier.policy().trust, sessions: &*store };
    let others = rows.drain()?.map(|row| callers.rendered(row?, format));
    let mut shown = Shown::new(args, format, others, summary);
    let mut show = |plan: Plan| {
        let rows: Vec<PlannedResource> = plan.into_resources().collect();
        file.as_mut().map_or(Ok(()), |file| file.add(&rows))?;
        shown.part(rows)
    };
    let unpacker = Unpacker { classifier: &classifier, packer: &packer };
    match &mut creations {
        Sorted::Memory(creations) => {
            let mut records = ClassifiedRecords::default();
            let creations = std::mem::take(creations).into_iter();
            records.creations =
                creations.map(|creation| creation.into_request(&unpacker)).collect::<io::Result<_>>()?;
            show(block_on(planner.plan(records)))?;
        }
        Sorted::Disk(creations) => {
            let (unpacker, foresight) = (&unpacker, &foresight);
            let ahead = args.source.jobs.is_none_or(|jobs| jobs.get() > 1);
            PartPlanner { planner, unpacker, creations, foresight, ahead }.plan(show)?;
        }
    }
    let done = shown.finish()?;
    if let Some(file) = file {
        writeln!(anstream::stderr(), "{}", file.finish()?)?;
    }
    Ok(done)
}
