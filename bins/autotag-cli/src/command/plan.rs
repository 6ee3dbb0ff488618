//! `autotag plan`: which tags records would lead to, and why.

use crate::cli::PlanArgs;
use crate::completion::Completion;
use crate::gather::{Facts, Gathered};
use crate::kept::Unpacker;
use crate::offline::known_sessions;
use crate::parts::PartPlanner;
use crate::plan_input::PlanInput;
use crate::shown::Shown;
use crate::spill::Sorted;
use anyhow::Result;
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::plan::Planner;
use autotag_handlers::records::ClassifiedRecords;
use futures_executor::block_on;
use jiff::Timestamp;
use std::io;

pub(crate) fn run(args: &PlanArgs) -> Result<Completion> {
    let PlanInput { classifier, gathered, format, .. } = PlanInput::read(args, |_| Ok(()))?;
    let Gathered { mut creations, packer, foresight, sessions, mut rows, facts } = gathered;
    let Facts { summary, oldest, .. } = facts;
    let store = known_sessions(args.source.state.as_deref(), sessions, oldest)?;
    let backend = MemoryBackend::offline();
    // Nothing of this plan is retried, so it does not depend on the time.
    let planner = Planner::new(classifier.policy(), &*store, &backend, Timestamp::UNIX_EPOCH);
    let unpacker = Unpacker { classifier: &classifier, packer: &packer };
    let mut shown = Shown::new(args, format, rows.drain()?, summary);
    match &mut creations {
        Sorted::Memory(creations) => {
            let mut records = ClassifiedRecords::default();
            let creations = std::mem::take(creations).into_iter();
            records.creations =
                creations.map(|creation| creation.into_request(&unpacker)).collect::<io::Result<_>>()?;
            let plan = block_on(planner.plan(records));
            shown.part(plan.into_resources().collect())?;
        }
        Sorted::Disk(creations) => {
            let (unpacker, foresight) = (&unpacker, &foresight);
            let ahead = args.source.jobs.is_none_or(|jobs| jobs.get() > 1);
            PartPlanner { planner, unpacker, creations, foresight, ahead }
                .plan(|plan| shown.part(plan.into_resources().collect()))?;
        }
    }
    shown.finish()
}
