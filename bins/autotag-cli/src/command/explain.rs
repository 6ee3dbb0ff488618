//! `autotag explain`: one creation after the other, step by step, with the facts that each step used.

use crate::cli::{CheckArgs, ExplainArgs};
use crate::completion::Completion;
use crate::explanation::Explainer;
use crate::filter::Filter;
use crate::gather::{Facts, Gathered, Gatherer};
use crate::input::{self, Days, Input};
use crate::kept::{Origin, Place};
use crate::offline::known_sessions;
use crate::output::{Screen, plural, printable, tell_unread};
use crate::planned::ToPlan;
use crate::saved_plan::refuse_plans;
use crate::scan::{Scanner, TimeRange};
use crate::setup;
use crate::shown_as::ShownAs;
use crate::spill::Storage;
use anyhow::Result;
use autotag_handlers::classify::{Classifier, Creation};
use autotag_handlers::counts::Counts;
use autotag_handlers::plan::{Plan, PlannedResource};
use autotag_handlers::records::PlanRequest;
use autotag_handlers::row::OriginId;
use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

pub(crate) fn run(args: &ExplainArgs) -> Result<Completion> {
    let source = &args.source;
    refuse_plans(&source.paths)?;
    let catalog = setup::catalog(&source.rules)?;
    let filter = Arc::new(Filter::new(&args.filter, &CheckArgs::default(), &catalog)?);
    let classifier = Classifier::new(catalog, setup::policy(source.policy.as_deref())?);
    let (inputs, unlisted) = input::find(&source.paths, &Days::default())?;
    let gatherer = Gatherer {
        range: TimeRange::default(),
        shown: ShownAs::Explanations(args.event.clone(), args.format),
        filter: Arc::clone(&filter),
        deletions: false,
        storage: Storage::new(source.state.as_deref(), args.memory),
    };
    let scanner = Scanner { classifier: &classifier, jobs: source.jobs };
    let Gathered { creations, packer, foresight, sessions, mut rows, facts } =
        gatherer.gather(&scanner, &inputs)?;
    let Facts { summary, oldest, .. } = facts;
    let store = known_sessions(source.state.as_deref(), sessions, oldest)?;
    let out = Screen::stdout(BufWriter::new(anstream::stdout().lock()));
    let mut report = Report {
        explainer: Explainer { out, format: args.format },
        inputs: &inputs,
        filter: &filter,
        explained: 0,
    };
    let mut creations_before = 0;
    let note = |origin: Origin, request: &mut PlanRequest| {
        // Rows tell by it which creation they belong to.
        request.set_origin(OriginId(creations_before));
        creations_before += 1;
        Explained::new(origin, request)
    };
    let to_plan = ToPlan { creations, packer, foresight };
    to_plan.each_noted(source, &classifier, &*store, note, |explained, plan| {
        Ok(report.part(explained.into_iter().flatten().collect(), &plan)?)
    })?;
    for row in rows.drain()? {
        report.rejected(&row?.text)?;
    }
    report.explainer.out.flush()?;
    let explained = report.explained;
    tell_unread(&unlisted, &summary.unreadable)?;
    if explained == 0 {
        let why = nothing(args, &filter, &summary.counts);
        let mut err = anstream::stderr().lock();
        writeln!(err, "nothing to explain: {}", printable(&why))?;
        for text in filter.unmatched(classifier.catalog()) {
            writeln!(err, "{}", printable(&text))?;
        }
    }
    let is_read = unlisted.is_empty() && summary.unreadable.is_empty();
    Ok(if is_read && explained > 0 { Completion::Complete } else { Completion::Partial })
}

/// Why nothing is explained.
fn nothing(args: &ExplainArgs, filter: &Filter, counts: &Counts) -> String {
    let read = plural(counts.records, "record");
    let of_filter = if filter.is_empty() { String::new() } else { format!(" fits {}", filter.describe()) };
    match &args.event {
        Some(id) if filter.is_empty() => format!(
            "no creation has the eventID `{id}` ({read} read); `autotag identify` says who made any other call"
        ),
        Some(id) => format!("no creation with the eventID `{id}`{of_filter} ({read} read)"),
        None if filter.is_empty() => {
            format!("no record is a creation ({read} read, {} of STS sessions)", counts.sessions)
        }
        None => format!("no creation{of_filter} ({read} read)"),
    }
}

/// A creation to explain.
struct Explained {
    /// Its rows in the plan have the same.
    origin: OriginId,
    place: Place,
    position: String,
    /// As its record says, copies of the event included.
    creation: Creation,
}

impl Explained {
    /// `None` if this creation is not asked for.
    fn new(origin: Origin, request: &PlanRequest) -> Option<Self> {
        let Origin { place, position } = origin;
        let creation = || request.creation.clone();
        position.map(|position| Self { origin: request.origin, place, position, creation: creation() })
    }
}

/// Prints the explanations.
struct Report<'a, W> {
    explainer: Explainer<W>,
    inputs: &'a [Input],
    filter: &'a Filter,
    explained: u64,
}

impl<W: Write> Report<'_, W> {
    /// The creations of a part of the plan, which are all later than those of the parts before. Creations of one time are in the
    /// order of the inputs.
    fn part(&mut self, mut explained: Vec<Explained>, plan: &Plan) -> io::Result<()> {
        if explained.is_empty() {
            return Ok(());
        }
        explained.sort_by_cached_key(|explained| (explained.creation.event.timestamp(), explained.place));
        let mut rows: HashMap<OriginId, Vec<&PlannedResource>> = HashMap::new();
        for row in plan.resources() {
            rows.entry(row.origin).or_default().push(row);
        }
        for Explained { origin, place, position, creation } in explained {
            let rows = rows.remove(&origin).unwrap_or_default();
            let is_chosen = self.filter.is_empty() || rows.iter().any(|&row| self.filter.matches(row));
            if !is_chosen {
                continue;
            }
            let input = usize::try_from(place.0).ok().and_then(|number| self.inputs.get(number));
            let place = format!("{}: {position}", input.map(Input::name).unwrap_or_default());
            self.explainer.creation(&place, &creation, &rows)?;
            self.explained += 1;
        }
        Ok(())
    }

    /// A record that leads to no resource, by its explanation.
    fn rejected(&mut self, explanation: &[u8]) -> io::Result<()> {
        self.explained += 1;
        self.explainer.out.write_all(explanation)
    }
}
