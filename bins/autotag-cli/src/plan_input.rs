//! Reads the inputs of `plan` and `apply`.

use crate::cli::{CheckArgs, Format, PlanArgs, PlanCheck};
use crate::filter::Filter;
use crate::gather::{Gathered, Gatherer};
use crate::input::{self, Days, Found, Input, Unlisted};
use crate::output::plural;
use crate::scan::{Scanner, TimeRange};
use crate::setup::{self, usage_error};
use crate::shown::format_of;
use crate::shown_as::ShownAs;
use crate::spill::Storage;
use anyhow::Result;
use autotag_handlers::classify::Classifier;
use autotag_model::policy::Required;
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
        check_times(args)?;
        let catalog = setup::catalog(&source.rules)?;
        let policy = setup::policy(source.policy.as_deref())?;
        check_required(checks, &policy.required)?;
        let filter = Arc::new(Filter::new(&args.filter, checks, &catalog)?);
        let Found { mut inputs, unlisted, of_other_days } =
            input::find_of_days(&source.paths, &Days::of(args.since, args.until))?;
        let is_quiet = inputs.is_empty() && of_other_days > 0;
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
            storage: Storage::new(source.state.as_deref(), args.memory),
        };
        let scanner = Scanner { classifier: &classifier, jobs: source.jobs };
        let mut gathered = how.gather(&scanner, &inputs)?;
        let summary = &mut gathered.facts.summary;
        summary.files = inputs.len();
        for (order, Unlisted { place, why }) in (0..).zip(unlisted) {
            summary.unreadable.add((0, order), place, String::new(), why);
        }
        if is_quiet {
            summary.quiet = quiet(args, of_other_days);
        }
        summary.policy = setup::policy_name(source.policy.as_deref());
        summary.filter = filter.describe();
        summary.limits.clone_from(&checks.fail_on);
        Ok(Self { classifier, gathered, format, inputs, filter })
    }
}

/// Refuses a time that ends before it begins.
fn check_times(args: &PlanArgs) -> Result<()> {
    match (args.since, args.until) {
        (Some(since), Some(until)) if since >= until => Err(usage_error(format!(
            "--since {since} is not before --until {until}: no event is in this time"
        ))),
        _ => Ok(()),
    }
}

/// Refuses a check that could never find anything.
fn check_required(checks: &CheckArgs, required: &Required) -> Result<()> {
    let is_checked = checks.fail_on.iter().any(|limit| limit.check == PlanCheck::MissingTags);
    if is_checked && required.keys.is_empty() && required.by_type.is_empty() {
        return Err(usage_error("--fail-on missing-tags: the policy has no [require]: name the tags there"));
    }
    Ok(())
}

/// Says that the folders have files, and none of the time that was asked for.
fn quiet(args: &PlanArgs, files: u64) -> String {
    let times = [("from", args.since), ("until", args.until)];
    let times = times.into_iter().filter_map(|(word, time)| Some(format!("{word} {}", time?)));
    let time = times.collect::<Vec<_>>().join(" ");
    let paths = args.source.paths.join(", ");
    format!("no file of the time {time} in {paths}, which has {}", plural(files, "file"))
}
