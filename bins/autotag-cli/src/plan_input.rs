//! Reads the inputs of `plan` and `apply`.

use crate::cli::{CheckArgs, Format, PlanArgs};
use crate::filter::Filter;
use crate::gather::{Gathered, Gatherer};
use crate::input::{self, Days, Input};
use crate::scan::{Scanner, TimeRange};
use crate::setup;
use crate::shown::format_of;
use crate::shown_as::ShownAs;
use crate::spill::Room;
use anyhow::Result;
use autotag_handlers::classify::Classifier;
use std::sync::Arc;

/// The content of the inputs.
#[derive(Debug)]
pub(crate) struct PlanInput {
    pub(crate) classifier: Classifier,
    pub(crate) gathered: Gathered,
    pub(crate) format: Format,
    pub(crate) inputs: Vec<Input>,
    pub(crate) filter: Arc<Filter>,
}

impl PlanInput {
    /// Reads what the arguments name. `leave_out` may take inputs out before.
    pub(crate) fn read(
        args: &PlanArgs,
        leave_out: impl FnOnce(&mut Vec<Input>) -> Result<()>,
    ) -> Result<Self> {
        Self::read_some(args, &CheckArgs::default(), false, leave_out)
    }

    /// Reads what the arguments name, for a plan with checks.
    pub(crate) fn read_checked(args: &PlanArgs, checks: &CheckArgs) -> Result<Self> {
        Self::read_some(args, checks, false, |_| Ok(()))
    }

    /// Reads what the arguments name, and keeps the records of deletions as rows.
    pub(crate) fn read_with_deletions(
        args: &PlanArgs,
        leave_out: impl FnOnce(&mut Vec<Input>) -> Result<()>,
    ) -> Result<Self> {
        Self::read_some(args, &CheckArgs::default(), true, leave_out)
    }

    fn read_some(
        args: &PlanArgs,
        checks: &CheckArgs,
        deletions: bool,
        leave_out: impl FnOnce(&mut Vec<Input>) -> Result<()>,
    ) -> Result<Self> {
        let source = &args.source;
        let catalog = setup::catalog(&source.rules)?;
        let policy = setup::policy(source.policy.as_deref())?;
        let filter = Arc::new(Filter::new(&args.filter, checks, &catalog)?);
        let (mut inputs, unlisted) = input::find(&source.paths, &Days::of(args.since, args.until))?;
        leave_out(&mut inputs)?;
        let classifier = Classifier::new(catalog, policy);
        let format = format_of(args.format);
        let how = Gatherer {
            range: TimeRange { since: args.since, until: args.until },
            // Without `--all` they are not shown: they have no tags.
            shown: if args.all || filter.chooses_outcomes() {
                ShownAs::Rows(format)
            } else {
                ShownAs::Nothing
            },
            filter: Arc::clone(&filter),
            deletions,
            room: Room::new(source.state.as_deref(), args.memory),
        };
        let scanner = Scanner { classifier: &classifier, jobs: source.jobs };
        let mut gathered = how.gather(&scanner, &inputs)?;
        let summary = &mut gathered.facts.summary;
        summary.files = inputs.len();
        for (order, text) in (0..).zip(unlisted) {
            let (place, why) = text.split_once(": ").unwrap_or(("input", &text));
            summary.unreadable.add((0, order), place.to_owned(), String::new(), why.to_owned());
        }
        summary.policy = setup::policy_name(source.policy.as_deref());
        summary.filter = filter.describe();
        summary.limits.clone_from(&checks.fail_on);
        Ok(Self { classifier, gathered, format, inputs, filter })
    }
}
