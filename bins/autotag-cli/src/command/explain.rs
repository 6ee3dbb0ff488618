//! `autotag explain`: one creation after the other, step by step, with the facts that each step used.

use crate::cli::ExplainArgs;
use crate::completion::Completion;
use crate::explanation::Explainer;
use crate::gather::{Facts, Gathered, Gatherer};
use crate::input::{self, Days, Input};
use crate::kept::{Origin, Place};
use crate::offline::known_sessions;
use crate::output::{plural, printable, write_unread};
use crate::planned::ToPlan;
use crate::scan::{Scanner, TimeRange};
use crate::setup;
use crate::shown_as::ShownAs;
use crate::spill::Room;
use anyhow::Result;
use autotag_handlers::classify::{Classifier, Creation};
use autotag_handlers::plan::{Plan, PlannedResource};
use autotag_handlers::records::PlanRequest;
use autotag_handlers::row::OriginId;
use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

pub(crate) fn run(args: &ExplainArgs) -> Result<Completion> {
    let source = &args.source;
    let classifier =
        Classifier::new(setup::catalog(&source.rules)?, setup::policy(source.policy.as_deref())?);
    let (inputs, unlisted) = input::find(&source.paths, &Days::default())?;
    let gatherer = Gatherer {
        range: TimeRange::default(),
        shown: ShownAs::Explanations(args.event.clone()),
        filter: Arc::default(),
        deletions: false,
        room: Room::new(source.state.as_deref(), args.memory),
    };
    let scanner = Scanner { classifier: &classifier, jobs: source.jobs };
    let Gathered { creations, packer, foresight, sessions, mut rows, facts } =
        gatherer.gather(&scanner, &inputs)?;
    let Facts { summary, oldest, .. } = facts;
    let store = known_sessions(source.state.as_deref(), sessions, oldest)?;
    let out = BufWriter::new(anstream::stdout().lock());
    let mut report = Report { explainer: Explainer { out }, inputs: &inputs, explained: 0 };
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
    write_unread(&mut anstream::stderr().lock(), &unlisted, &summary.unreadable)?;
    if explained == 0 {
        let (records, sessions) = (summary.counts.records, summary.counts.sessions);
        let read = plural(records, "record");
        let why = match &args.event {
            Some(id) => format!(
                "no creation has the eventID `{id}` ({read} read); `autotag identify` says who made any other call"
            ),
            None => format!("no record is a creation ({read} read, {sessions} of STS sessions)"),
        };
        writeln!(anstream::stderr(), "nothing to explain: {}", printable(&why))?;
    }
    let is_read = unlisted.is_empty() && summary.unreadable.is_empty();
    Ok(if is_read && explained > 0 { Completion::Complete } else { Completion::Partial })
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
