//! `autotag guard --dry-run`: shows which callers the guards would have denied, by statement.

use crate::cli::{Format, GuardArgs, ProfileArg};
use crate::completion::Completion;
use crate::generate::controls::Exempt;
use crate::generate::inventory::Inventory;
use crate::guard::{Counts, Group, Guard, Reading, Subject, Tally, Verdict, guards, read};
use crate::input::{self, Days};
use crate::output::{LineTable, plural, printable, styled};
use crate::scan::TimeRange;
use crate::setup::{self, usage_error};
use crate::shown::{format_of, stdout};
use anstyle::Style;
use anyhow::Result;
use autotag_handlers::classify::Classifier;
use autotag_model::policy::{Policy, Profile};
use autotag_model::spreadsheet::neutralized;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// The columns of CSV, and the keys of JSON lines.
const COLUMNS: [&str; 12] = [
    "profile",
    "file",
    "statement",
    "verdict",
    "principal",
    "event_source",
    "event_name",
    "keys",
    "count",
    "first",
    "last",
    "event_id",
];

pub(crate) fn run(args: &GuardArgs) -> Result<Completion> {
    let catalog = setup::catalog(&args.rules)?;
    let policy = setup::policy(args.policy.as_deref())?;
    let services = catalog.services()?;
    let exempt = exempt(args, &policy)?;
    let mut tried = Vec::new();
    for (name, policy) in profiles(&args.profile, &policy) {
        if policy.enforced.is_empty() {
            writeln!(anstream::stderr(), "profile {name}: no key is enforced, so no guard is about tags")?;
        }
        tried.push(guards(&Inventory::new(services.clone(), policy), name, &exempt)?);
    }
    let (inputs, unlisted) = input::find(&args.paths, &Days::of(args.since, args.until))?;
    let classifier = Classifier::new(catalog, policy);
    let reading = Reading {
        classifier: &classifier,
        guards: &tried,
        range: TimeRange { since: args.since, until: args.until },
        exempt_accounts: &args.exempt_accounts,
        jobs: args.jobs,
    };
    let (tally, mut counts) = read(&reading, &inputs);
    counts.unreadable += unlisted.len() as u64;
    counts.unreadable_texts.splice(0..0, unlisted);
    let mut rows: Vec<(&Subject, &Group)> = tally.groups().collect();
    rows.retain(|(subject, _)| args.all || subject.verdict == Verdict::Denied);
    rows.sort_by_key(|(subject, group)| {
        (subject.profile, Reverse(subject.verdict), subject.statement, Reverse(group.count))
    });
    write_rows(format_of(args.format), &tried, &rows)?;
    crate::console::note_unread(counts.unreadable);
    write_summary(&mut crate::console::notes(), &tried, &tally, &counts, inputs.len())?;
    Ok(if counts.unreadable == 0 { Completion::Complete } else { Completion::Partial })
}

/// The profiles with their policies, each once.
fn profiles(chosen: &[ProfileArg], policy: &Policy) -> Vec<(&'static str, Policy)> {
    let name = |profile: Profile| if profile == Profile::Declared { "declared" } else { "proof" };
    if chosen.is_empty() {
        return vec![(name(policy.profile), policy.clone())];
    }
    let mut all = chosen.to_vec();
    all.sort_unstable();
    all.dedup();
    let of = |profile| match profile {
        ProfileArg::Proof => Profile::Proof,
        ProfileArg::Declared => Profile::Declared,
    };
    all.into_iter().map(of).map(|profile| (name(profile), policy.clone().with_profile(profile))).collect()
}

/// The roles and values that the guards let through.
fn exempt(args: &GuardArgs, policy: &Policy) -> Result<Exempt> {
    let mut exempt = Exempt { roles: args.exempt.clone(), ..Exempt::default() };
    for (key, value) in &args.exempt_value {
        if !policy.is_identity_key(key) {
            return Err(usage_error(format!("--exempt-value: `{key}` is not an identity key of the policy")));
        }
        exempt.values.entry(key.clone()).or_default().push(value.clone());
    }
    Ok(exempt)
}

/// A row as programs see it. The names are a contract.
#[derive(Debug, Serialize)]
struct Line<'r> {
    profile: &'r str,
    file: String,
    statement: &'r str,
    verdict: &'r str,
    principal: &'r str,
    event_source: &'r str,
    event_name: &'r str,
    keys: &'r [String],
    count: u64,
    first: Option<String>,
    last: Option<String>,
    event_id: Option<&'r str>,
}

impl<'r> Line<'r> {
    fn of(guards: &'r [Guard], subject: &'r Subject, group: &'r Group) -> Self {
        let guard = guards.get(subject.profile);
        let statement = guard.and_then(|guard| guard.statements.get(subject.statement));
        Self {
            profile: guard.map_or("", |guard| guard.profile),
            file: statement.map_or(String::new(), |one| format!("{}.json", one.file)),
            statement: statement.map_or("", |one| &one.sid),
            verdict: subject.verdict.as_str(),
            principal: &subject.principal,
            event_source: &subject.event_source,
            event_name: &subject.event_name,
            keys: &subject.keys,
            count: group.count,
            first: group.first.map(|time| time.to_string()),
            last: group.last.map(|time| time.to_string()),
            event_id: group.example(),
        }
    }

    fn csv(&self) -> Vec<String> {
        let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
        let cells = [
            self.profile.to_owned(),
            self.file.clone(),
            self.statement.to_owned(),
            self.verdict.to_owned(),
            self.principal.to_owned(),
            self.event_source.to_owned(),
            self.event_name.to_owned(),
            self.keys.join(" "),
            self.count.to_string(),
            or_empty(&self.first),
            or_empty(&self.last),
            self.event_id.unwrap_or_default().to_owned(),
        ];
        cells.iter().map(|cell| neutralized(cell).into_owned()).collect()
    }

    fn cells(&self) -> [(String, Style); 8] {
        let service = self.event_source.split('.').next().unwrap_or_default();
        let style = if self.verdict == Verdict::Denied.as_str() { styled::BAD } else { styled::CAREFUL };
        let plain = |text: String| (text, Style::new());
        [
            (self.principal.to_owned(), styled::NAME),
            plain(format!("{service}:{}", self.event_name)),
            (format!("{} {}", self.count, self.verdict), style),
            plain(self.statement.to_owned()),
            plain(self.keys.join(" ")),
            plain(self.last.clone().unwrap_or_default()),
            plain(self.profile.to_owned()),
            plain(self.event_id.unwrap_or_default().to_owned()),
        ]
    }
}

fn write_rows(format: Format, guards: &[Guard], rows: &[(&Subject, &Group)]) -> Result<()> {
    let lines = rows.iter().map(|(subject, group)| Line::of(guards, subject, group));
    let mut out = stdout(format);
    match format {
        Format::Table if rows.is_empty() => {}
        Format::Table => {
            let mut drawn = LineTable::new(
                &[("PRINCIPAL", 20), ("EVENT", 18)],
                &[
                    ("CALLS", 9),
                    ("STATEMENT", 16),
                    ("KEYS", 8),
                    ("LAST", 20),
                    ("PROFILE", 8),
                    ("EXAMPLE", 36),
                ],
            );
            lines.for_each(|line| drawn.add_row(line.cells()));
            drawn.write(&mut out)?;
        }
        Format::Jsonl => {
            for line in lines {
                serde_json::to_writer(&mut out, &line)?;
                writeln!(out)?;
            }
        }
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(&mut out);
            csv.write_record(COLUMNS)?;
            for line in lines {
                csv.write_record(line.csv())?;
            }
            csv.flush()?;
        }
    }
    Ok(out.flush()?)
}

/// A call that several statements deny is in the rows of each, and counts once: this says so.
fn by_statements(tally: &Tally, profile: usize) -> String {
    let denied = tally.groups().map(|(subject, _)| subject);
    let denied = denied.filter(|subject| subject.profile == profile && subject.verdict == Verdict::Denied);
    let statements: BTreeSet<usize> = denied.map(|subject| subject.statement).collect();
    if statements.len() > 1 { format!(" (by {} statements)", statements.len()) } else { String::new() }
}

fn write_summary(
    out: &mut impl Write,
    guards: &[Guard],
    tally: &Tally,
    counts: &Counts,
    files: usize,
) -> io::Result<()> {
    let mut line = |name: &str, text: &str| {
        writeln!(out, "{} {text}", styled::text(styled::HEAD, &format!("{name:>12}")))
    };
    line("records", &format!("{} in {}", counts.records, plural(files, "file")))?;
    let Counts { judged, denied_already, failed, no_subject, elsewhere, exempt, outside, rejected, .. } =
        counts;
    line(
        "of which",
        &format!(
            "{judged} evaluated + {denied_already} denied already + {failed} failed + {no_subject} of services + \
             {elsewhere} from other accounts + {exempt} exempt + {outside} of other times + {rejected} rejected"
        ),
    )?;
    for (number, (guard, (denied, unknown))) in guards.iter().zip(&counts.verdicts).enumerate() {
        let others = judged - denied - unknown;
        let by = by_statements(tally, number);
        line(guard.profile, &format!("{denied} denied{by} + {unknown} unknown + {others} not denied"))?;
    }
    if tally.others > 0 {
        line("not shown", &format!("{} of further principals and events", plural(tally.others, "call")))?;
    }
    line("unreadable", &counts.unreadable.to_string())?;
    for text in &counts.unreadable_texts {
        writeln!(out, "             {}", printable(text))?;
    }
    Ok(())
}
