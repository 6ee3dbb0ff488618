//! `autotag report`: shows who owns which resource.

#[cfg(feature = "aws")]
mod ledger;
#[cfg(feature = "aws")]
mod live;
mod output;

use crate::cli::{FailOn, FilterArgs, PlanArgs, ReportArgs, SourceArgs};
use crate::completion::Completion;
use crate::console;
use crate::gather::{Facts, Gathered};
use crate::offline::known_sessions;
use crate::output::{Detail, Screen, Summary, by_count, plural, printable, styled};
use crate::plan_input::PlanInput;
use crate::planned::ToPlan;
use crate::report::{self, Costs, Coverage, Creations, Estate, Fix, Joiner, Reading, Run, Source};
use crate::saved_plan::{Header, PlanFile};
use crate::setup::{self, UsageError};
use anstyle::Style;
use anyhow::Result;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::Classifier;
use output::Output;
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::iter;
use std::path::{Path, PathBuf};

/// The owner tag of a policy without one.
const OWNER: &str = "Owner";

pub(crate) fn run(args: &ReportArgs) -> Result<Completion> {
    let output = Output::of(args)?;
    let (classifier, trail) = trail(args)?;
    let policy = classifier.policy();
    let mut run = Run { policy: policy_name(args), ..Run::default() };
    let mut faults = Faults::default();
    let items = inventory(args, &mut run, &mut faults)?;
    #[cfg(feature = "aws")]
    let items = with_live(args, items, &mut run, &mut faults)?;
    let mut costs = Costs::default();
    for path in each_once(&args.cost) {
        let read = costs.read(path, &args.columns);
        faults.note(path, read)?;
        run.sources.push(format!("costs: {}", path.display()));
    }
    #[cfg_attr(not(feature = "aws"), expect(unused_mut, reason = "a ledger adds to them"))]
    let (mut creations, summary) = trail.unzip();
    #[cfg(feature = "aws")]
    if let Some(told) = ledger::join(args, &mut creations, policy)? {
        note_ledger(args, told, &mut run, &mut faults);
    }
    if let Some(summary) = &summary {
        run.sources.insert(0, format!("trail: {}", args.trail.join(", ")));
        run.uncovered = uncovered(&summary.uncovered);
        if summary.done() == Completion::Partial {
            run.faults.push("A part of the trail could not be read; the command has said which.".to_owned());
        }
    }
    run.period = creations.as_ref().and_then(|creations: &Creations| {
        let day = |time: jiff::Timestamp| time.strftime("%Y-%m-%d").to_string();
        creations.span.map(|(first, last)| (day(first), day(last)))
    });
    run.unnamed = creations.as_ref().map_or(0, |creations| creations.unnamed);
    let planned = summary.as_ref().map_or(0, |summary| summary.resources);
    let left_out = creations.as_ref().map(|creations| creations.left_out(planned)).unwrap_or_default();
    run.owner_tags = owner_tags(args, policy.owner_key());
    run.required = policy.required.clone();
    run.faults.extend(faults.told.iter().cloned());
    let coverage = Coverage::of(classifier.catalog())?;
    let estate = Joiner::new(policy, &coverage, &run.owner_tags).join(items, creations, costs);
    let fixed = args.fix.as_deref().map(|path| write_plan(path, &estate, &classifier)).transpose()?;
    output.write(&estate, &run)?;
    let mut err = Screen::stderr(anstream::stderr().lock());
    let read = summary.as_ref().map_or(Completion::Complete, Summary::done);
    tell_reported(&estate, &left_out, output.out)?;
    summary.as_ref().map_or(Ok(()), tell_read)?;
    faults.tell()?;
    let exceeds = tell_exceeded(&mut err, &estate, &args.fail_on)?;
    for line in fixed.iter().flatten() {
        tell_line(&mut console::notes(), "plan", line)?;
    }
    let complete = faults.told.is_empty() && read == Completion::Complete;
    Ok(match (complete, exceeds) {
        (false, _) => Completion::Partial,
        (true, true) => Completion::Exceeded,
        (true, false) => Completion::Complete,
    })
}

/// Says what of the trail was read.
fn tell_read(summary: &Summary) -> io::Result<()> {
    console::note_unread(summary.unread());
    summary.write_read(&mut console::notes(), Detail::Short)
}

/// Adds what exists now, if the arguments ask for it.
#[cfg(feature = "aws")]
fn with_live(
    args: &ReportArgs,
    items: Option<Vec<report::Item>>,
    run: &mut Run,
    faults: &mut Faults,
) -> Result<Option<Vec<report::Item>>> {
    let Some(live::Live { items: listed, sources, faults: told }) = live::list(args)? else {
        return Ok(items);
    };
    run.sources.extend(sources);
    for fault in told {
        faults.add(1, fault);
    }
    Ok(Some(items.into_iter().flatten().chain(listed).collect()))
}

#[cfg(feature = "aws")]
fn note_ledger(args: &ReportArgs, told: report::Told, run: &mut Run, faults: &mut Faults) {
    let name = args.ledger.as_deref().unwrap_or_default();
    run.sources.insert(0, format!("ledger: {name}, {}", plural(told.entries, "entry")));
    run.tamper_weeks = Some(told.weeks);
    run.uncovered = uncovered(&told.uncovered);
    if told.too_many > 0 {
        let resources = plural(told.too_many, "resource");
        let fault = format!("{resources} of the ledger have more than 10,000 entries and are left out");
        faults.add(told.too_many, fault);
    }
}

/// Creating events without a rule, the most frequent first.
fn uncovered(counts: &BTreeMap<(String, String), u64>) -> Vec<(String, String, u64)> {
    by_count(counts).map(|((source, name), count)| (source.clone(), name.clone(), count)).collect()
}

fn policy_name(args: &ReportArgs) -> String {
    match &args.policy {
        Some(path) => path.display().to_string(),
        None if Path::new(setup::POLICY_FILE).is_file() => setup::POLICY_FILE.to_owned(),
        None => "built-in".to_owned(),
    }
}

fn owner_tags(args: &ReportArgs, of_policy: Option<&str>) -> Vec<String> {
    match args.owner_tags.as_slice() {
        [] => vec![of_policy.unwrap_or(OWNER).to_owned()],
        given => given.to_vec(),
    }
}

/// Reads the trail, if there is one.
fn trail(args: &ReportArgs) -> Result<(Classifier, Option<(Creations, Summary)>)> {
    if args.trail.is_empty() {
        let catalog: Catalog = setup::catalog(&args.rules)?;
        return Ok((Classifier::new(catalog, setup::policy(args.policy.as_deref())?), None));
    }
    let source = SourceArgs {
        paths: args.trail.clone(),
        policy: args.policy.clone(),
        rules: args.rules.clone(),
        state: args.state.clone(),
        jobs: args.jobs,
    };
    let plan = PlanArgs {
        source,
        format: None,
        since: args.since,
        until: args.until,
        all: false,
        memory: None,
        filter: FilterArgs::default(),
    };
    let PlanInput { classifier, gathered, .. } = PlanInput::read(&plan, |_| Ok(()))?;
    let Gathered { creations, packer, foresight, sessions, facts, .. } = gathered;
    let Facts { mut summary, oldest, .. } = facts;
    let mut made = Creations::new(args.fix.is_some());
    let mut number = 0;
    let store = known_sessions(args.state.as_deref(), sessions, oldest)?;
    ToPlan { creations, packer, foresight }.each_part(&plan.source, &classifier, &*store, |plan| {
        for row in plan.resources() {
            summary.count(row, None, (0, number));
            number += 1;
            made.add(row, classifier.policy(), classifier.catalog());
        }
        Ok(())
    })?;
    Ok((classifier, Some((made, summary))))
}

fn inventory(args: &ReportArgs, run: &mut Run, faults: &mut Faults) -> Result<Option<Vec<report::Item>>> {
    if args.inventory.is_empty() {
        return Ok(None);
    }
    let mut items = Vec::new();
    for path in each_once(&args.inventory) {
        let source = Source::File(path.clone());
        let read = report::read_inventory(&source, &args.columns, |item| items.push(item));
        faults.note(path, read)?;
        run.sources.push(format!("inventory: {}", path.display()));
    }
    Ok(Some(items))
}

/// The files that paths name, each once, also if a link leads to it.
fn each_once(paths: &[PathBuf]) -> impl Iterator<Item = &PathBuf> {
    let mut seen = HashSet::new();
    paths.iter().filter(move |path| seen.insert(path.canonicalize().unwrap_or_else(|_| (*path).clone())))
}

/// Parts of inventories and costs that could not be read.
#[derive(Debug, Default)]
struct Faults {
    told: Vec<String>,
    /// How many rows, files and regions they are about.
    parts: u64,
}

impl Faults {
    /// A file that cannot be read does not stop the others.
    fn note(&mut self, path: &Path, read: Result<Reading>) -> Result<()> {
        match read {
            Ok(reading) if reading.faulty > 0 => {
                let (rows, why) = (plural(reading.faulty, "row"), reading.told());
                self.add(reading.faulty, format!("{rows} of `{}` cannot be used: {why}", path.display()));
            }
            Ok(_) => {}
            Err(error) if error.is::<UsageError>() => return Err(error),
            Err(error) => self.add(1, format!("{error:#}")),
        }
        Ok(())
    }

    fn add(&mut self, parts: u64, told: String) {
        self.parts += parts;
        self.told.push(told);
    }

    /// Says which they are. With `--quiet` the program ends with their number.
    fn tell(&self) -> io::Result<()> {
        console::note_unread(self.parts);
        let mut out = console::notes();
        self.told.iter().try_for_each(|fault| tell_line(&mut out, "not read", &printable(fault)))
    }
}

/// Says what the report has, what of the trail it leaves out, and where it is.
fn tell_reported(estate: &Estate, left_out: &[(u64, &'static str)], file: Option<&Path>) -> io::Result<()> {
    let note = |name: &str, text: &str| tell_line(&mut console::notes(), name, text);
    let counted = estate.counted().count();
    let deleted = estate.entries.iter().filter(|entry| entry.deleted.is_some()).count();
    let unlisted = estate.entries.len() - counted - deleted;
    let rest = [(unlisted, "not in the inventory"), (deleted, "deleted")];
    let rest =
        rest.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", and {count} {what}"));
    let rest: String = rest.collect();
    let left_out = left_out.iter().filter(|(count, _)| *count > 0);
    let left_out: Vec<String> = left_out.map(|(count, why)| format!("{count} {why}")).collect();
    let left_out =
        if left_out.is_empty() { String::new() } else { format!("; left out: {}", left_out.join(", ")) };
    let wrote =
        file.map_or(String::new(), |path| format!("; wrote {}", printable(&path.display().to_string())));
    note("reported", &format!("{}{rest}{left_out}{wrote}", plural(counted, "resource")))?;
    let classes = report::Class::ALL.into_iter().map(|class| (class, estate.count(class)));
    let classes: Vec<String> =
        classes.filter(|(_, count)| *count > 0).map(|(class, count)| format!("{count} {class}")).collect();
    note("classes", &classes.join(", "))?;
    let costs = estate.costs();
    if !costs.is_empty() {
        let others = estate.costs_without_resource();
        let others = if others.is_empty() {
            String::new()
        } else {
            format!(", of which {} without a resource", others.rounded())
        };
        note("cost", &format!("{}{others}", costs.rounded()))?;
    }
    Ok(())
}

/// Says which classes have more resources than `--fail-on` allows. Answers whether there are any.
fn tell_exceeded(err: &mut Screen<impl Write>, estate: &Estate, fail_on: &[FailOn]) -> io::Result<bool> {
    let mut exceeds = false;
    for FailOn { class, most } in fail_on {
        let count = estate.count(*class);
        if count > *most {
            exceeds = true;
            let text = format!("{} {class}, more than {most} (exit code 3)", plural(count, "resource"));
            tell_line(err, "fail-on", &text)?;
        }
    }
    Ok(exceeds)
}

fn tell_line(err: &mut Screen<impl Write>, name: &str, text: &str) -> io::Result<()> {
    let head = styled::text(styled::HEAD, &format!("{name:>12}"));
    err.line(&format!("{head} "), Style::new(), text)
}

/// Writes the plan of `--fix`. Answers with what is to be said about it.
fn write_plan(path: &Path, estate: &Estate, classifier: &Classifier) -> Result<Vec<String>> {
    let header = Header::new(classifier.catalog(), classifier.policy())?;
    let mut plan = PlanFile::create("--fix", path, &header)?;
    plan.add(estate.fix.rows())?;
    let Fix { others, tags_unknown, ambiguous, not_taggable, .. } = estate.fix;
    let left_out = [
        (others, "another owner or identity tag is there, and stays"),
        (tags_unknown, "the inventory does not have the tags"),
        (ambiguous, "the inventory has the resource several times, with different tags"),
        (not_taggable, "AWS or the policy leaves it without tags"),
    ];
    let left_out = left_out.into_iter().filter(|(count, _)| *count > 0);
    let left_out = left_out.map(|(count, why)| format!("{} left out: {why}", plural(count, "resource")));
    let count = plural(estate.fix.rows().count(), "resource");
    Ok(iter::once(format!("{count}; {}", plan.finish()?)).chain(left_out).collect())
}
