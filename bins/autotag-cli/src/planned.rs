//! Plans what was gathered, by records and the state file alone.

use crate::cli::SourceArgs;
use crate::foresight::Foresight;
use crate::kept::KeptCreation;
use crate::offline::known_sessions;
use crate::parts::PartPlanner;
use crate::spill::{KeptSessions, Sorted};
use anyhow::Result;
use autotag_handlers::classify::Classifier;
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::plan::{Plan, Planner};
use autotag_handlers::records::ClassifiedRecords;
use futures_executor::block_on;
use jiff::Timestamp;
use std::io;

/// What a plan is made of.
#[derive(Debug)]
pub(crate) struct ToPlan {
    pub(crate) creations: Sorted<KeptCreation>,
    pub(crate) foresight: Foresight,
    pub(crate) sessions: KeptSessions,
    pub(crate) oldest: Option<Timestamp>,
}

impl ToPlan {
    /// Calls `visit` with each part of the plan, in the order of the events.
    ///
    /// # Errors
    /// If a temporary file or the state file cannot be read, and those of `visit`.
    pub(crate) fn each_part(
        self,
        source: &SourceArgs,
        classifier: &Classifier,
        mut visit: impl FnMut(Plan) -> Result<()>,
    ) -> Result<()> {
        let store = known_sessions(source.state.as_deref(), self.sessions, self.oldest)?;
        let backend = MemoryBackend::offline();
        // Nothing of this plan is retried, so it does not depend on the time.
        let planner = Planner::new(classifier.policy(), &*store, &backend, Timestamp::UNIX_EPOCH);
        match self.creations {
            Sorted::Memory(creations) => {
                let mut records = ClassifiedRecords::default();
                let creations = creations.into_iter();
                records.creations =
                    creations.map(|creation| creation.into_request(classifier)).collect::<io::Result<_>>()?;
                visit(block_on(planner.plan(records)))
            }
            Sorted::Disk(creations) => {
                let (creations, foresight) = (&creations, &self.foresight);
                let ahead = source.jobs.is_none_or(|jobs| jobs.get() > 1);
                PartPlanner { planner, classifier, creations, foresight, ahead }.plan(visit)
            }
        }
    }
}
