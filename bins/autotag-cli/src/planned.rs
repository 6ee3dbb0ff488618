//! Plans what was gathered, by records and sessions alone.

use crate::cli::SourceArgs;
use crate::foresight::Foresight;
use crate::kept::{KeptCreation, Origin, Unpacker};
use crate::parts::PartPlanner;
use crate::spill::Sorted;
use anyhow::Result;
use autotag_handlers::classify::Classifier;
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::packed::Packer;
use autotag_handlers::plan::{Plan, Planner};
use autotag_handlers::records::{ClassifiedRecords, PlanRequest};
use futures_executor::block_on;
use jiff::Timestamp;
use session_store::SessionReader;

/// The inputs of a plan.
#[derive(Debug)]
pub(crate) struct ToPlan {
    pub(crate) creations: Sorted<KeptCreation>,
    pub(crate) packer: Packer,
    pub(crate) foresight: Foresight,
}

impl ToPlan {
    /// Calls `visit` with each part of the plan, in the order of the events.
    ///
    /// # Errors
    /// If a temporary file cannot be read, and those of `visit`.
    pub(crate) fn each_part(
        self,
        source: &SourceArgs,
        classifier: &Classifier,
        store: &dyn SessionReader,
        mut visit: impl FnMut(Plan) -> Result<()>,
    ) -> Result<()> {
        self.each_noted(source, classifier, store, |_, _| (), |_, plan| visit(plan))
    }

    /// The same, with what `note` has noted of each creation of a part.
    ///
    /// # Errors
    /// If a temporary file cannot be read, and those of `visit`.
    pub(crate) fn each_noted<N: Send>(
        self,
        source: &SourceArgs,
        classifier: &Classifier,
        store: &dyn SessionReader,
        mut note: impl FnMut(Origin, &mut PlanRequest) -> N + Send,
        mut visit: impl FnMut(Vec<N>, Plan) -> Result<()>,
    ) -> Result<()> {
        let backend = MemoryBackend::offline();
        // Nothing of this plan is retried, so it does not depend on the time.
        let planner = Planner::new(classifier.policy(), store, &backend, Timestamp::UNIX_EPOCH);
        let unpacker = Unpacker { classifier, packer: &self.packer };
        match self.creations {
            Sorted::Memory(creations) => {
                let mut records = ClassifiedRecords::default();
                let mut notes = Vec::with_capacity(creations.len());
                for mut creation in creations {
                    let origin = creation.take_origin();
                    let mut request = creation.into_request(&unpacker)?;
                    notes.push(note(origin, &mut request));
                    records.creations.push(request);
                }
                visit(notes, block_on(planner.plan(records)))
            }
            Sorted::Disk(creations) => {
                let (unpacker, creations, foresight) = (&unpacker, &creations, &self.foresight);
                let ahead = source.jobs.is_none_or(|jobs| jobs.get() > 1);
                PartPlanner { planner, unpacker, creations, foresight, ahead }.plan(note, visit)
            }
        }
    }
}
