//! `autotag doctor`: checks every link of a deployment and names the broken ones.

use crate::cli::{DoctorArgs, DoctorFormat};
use crate::completion::Completion;
use crate::connection::connect;
use crate::doctor::canary::{self, CanaryReport};
use crate::doctor::groups::Groups;
use crate::doctor::{DoctorOptions, Expected, Finding, State, examine, open};
use crate::generate::inventory::Inventory;
use crate::output::{Screen, plural, printable, styled};
use crate::setup;
use anstyle::Style;
use anyhow::{Context as _, Result};
use autotag_aws::Settings;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;
use tokio::runtime::Runtime;

/// The report in JSON. The field names are a contract.
#[derive(Serialize)]
struct Report<'r> {
    ok: usize,
    broken: usize,
    unknown: usize,
    checks: &'r [Finding],
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<&'r CanaryReport>,
}

/// How many findings had each state.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    ok: usize,
    broken: usize,
    unknown: usize,
}

impl Counts {
    fn add(&mut self, state: State) {
        match state {
            State::Ok => self.ok += 1,
            State::Broken => self.broken += 1,
            State::Unknown => self.unknown += 1,
        }
    }

    fn completion(self, strict: bool, canary: Option<&CanaryReport>) -> Completion {
        let interrupted = canary.is_some_and(|canary| canary.interrupted);
        if interrupted || self.broken > 0 || (strict && self.unknown > 0) {
            Completion::Partial
        } else {
            Completion::Complete
        }
    }
}

pub(crate) fn run(args: &DoctorArgs) -> Result<Completion> {
    let services = setup::catalog(&args.rules)?.services()?;
    let policy = setup::policy(args.policy.as_deref())?;
    let expected = Expected::of(&Inventory::new(services, policy).only(&args.services)?)?;
    let runtime = Runtime::new().context("cannot start the threads that call AWS")?;
    let mut printer = Printer::new(args);
    let canary = runtime.block_on(check(args, expected, &mut printer))?;
    printer.finish(canary.as_ref())?;
    Ok(printer.counts.completion(args.strict, canary.as_ref()))
}

/// The standard output.
type Out = anstream::AutoStream<std::io::StdoutLock<'static>>;

/// Prints findings as they come; as one JSON object at the end.
struct Printer {
    format: DoctorFormat,
    only_broken: bool,
    counts: Counts,
    /// For JSON, and for the groups of text.
    kept: Vec<Finding>,
    groups: Groups,
    /// In text: the checks that another one blocks, by its name.
    blocked: BTreeMap<&'static str, Vec<&'static str>>,
    failed: Option<std::io::Error>,
}

impl Printer {
    fn new(args: &DoctorArgs) -> Self {
        Self {
            format: args.format,
            only_broken: args.only_broken,
            counts: Counts::default(),
            kept: Vec::new(),
            groups: Groups::default(),
            blocked: BTreeMap::new(),
            failed: None,
        }
    }

    fn add(&mut self, finding: Finding) {
        self.counts.add(finding.state);
        if self.only_broken && finding.state != State::Broken {
            return;
        }
        match self.format {
            DoctorFormat::Json => self.kept.push(finding),
            DoctorFormat::Jsonl => self.print(|out| {
                serde_json::to_writer(&mut *out, &finding)?;
                writeln!(out)
            }),
            DoctorFormat::Text => {
                if let Some(other) = finding.needs {
                    self.blocked.entry(other).or_default().push(finding.check);
                    return;
                }
                let ended = self.groups.add(finding);
                self.print(|out| ended.iter().try_for_each(|finding| write_finding(out, finding)));
            }
        }
    }

    fn print(&mut self, write: impl FnOnce(&mut Screen<Out>) -> std::io::Result<()>) {
        let mut out = Screen::stdout(anstream::stdout().lock());
        if let Err(error) = write(&mut out).and_then(|()| out.flush()) {
            self.failed.get_or_insert(error);
        }
    }

    fn finish(&mut self, canary: Option<&CanaryReport>) -> Result<()> {
        let Counts { ok, broken, unknown } = self.counts;
        match self.format {
            DoctorFormat::Json => {
                let report = Report { ok, broken, unknown, checks: &self.kept, canary };
                let mut out = anstream::stdout().lock();
                serde_json::to_writer_pretty(&mut out, &report)?;
                writeln!(out)?;
            }
            DoctorFormat::Jsonl => {
                writeln!(crate::console::notes(), "{ok} ok, {broken} broken, {unknown} unknown")?;
            }
            DoctorFormat::Text => {
                let (ended, blocked) = (self.groups.end(), std::mem::take(&mut self.blocked));
                self.print(|out| {
                    ended.iter().try_for_each(|finding| write_finding(out, finding))?;
                    blocked.iter().try_for_each(|(other, checks)| write_blocked(out, other, checks))?;
                    for (key, value) in canary.iter().flat_map(|canary| &canary.tags) {
                        out.line(BELOW, Style::new(), &printable(&format!("{key} = {value}")))?;
                    }
                    writeln!(out, "{ok} ok, {broken} broken, {unknown} unknown")
                });
            }
        }
        self.failed.take().map_or(Ok(()), |error| Err(error.into()))
    }
}

fn options(args: &DoctorArgs) -> DoctorOptions {
    DoctorOptions {
        hub: args.region.clone(),
        regions: args.regions.clone(),
        accounts: args.accounts.clone(),
        member_role: args.member_role.clone(),
        external_id: args.external_id.clone(),
        inspect_role: args.inspect_role.clone(),
        hub_stack: args.stack.clone(),
        session_stack: args.session_stack.clone(),
        sample: args.sample,
        since: args.since.saturating_mul(3600),
        show_messages: args.show_messages,
    }
}

/// Runs the checks, and the canary if it is wanted.
async fn check(args: &DoctorArgs, expected: Expected, printer: &mut Printer) -> Result<Option<CanaryReport>> {
    let accounts = connect(Settings::default()).await?;
    // These futures are too large for the stack.
    let view = match Box::pin(open(&accounts, &options(args), expected)).await {
        Ok(view) => view,
        Err(findings) => {
            for finding in findings {
                printer.add(finding);
            }
            return Ok(None);
        }
    };
    Box::pin(examine(&view, |finding| printer.add(finding))).await;
    if !args.canary {
        return Ok(None);
    }
    let canary = Box::pin(canary::run(&view, Duration::from_secs(args.wait), args.sample.is_some())).await;
    canary.findings.iter().cloned().for_each(|finding| printer.add(finding));
    Ok(Some(canary))
}

/// Blanks before the lines below a finding.
const BELOW: &str = "        ";

/// The least widths of the columns.
const WIDTHS: (usize, usize) = (26, 28);

/// How many blocked checks are named.
const NAMED: usize = 6;

/// The checks that need another one, in one line.
fn write_blocked(out: &mut Screen<impl Write>, other: &str, checks: &[&str]) -> std::io::Result<()> {
    let mut names: Vec<&str> = Vec::new();
    for check in checks {
        if !names.contains(check) {
            names.push(check);
        }
    }
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let more = if more == 0 { String::new() } else { format!(", {more} more") };
    let (state, count) = (styled::text(styled::CAREFUL, "unknown"), plural(checks.len(), "check"));
    let verb = if checks.len() == 1 { "needs" } else { "need" };
    let text = format!("{count} {verb} `{other}` to be ok: {}{more}", names.join(", "));
    out.line(&format!("{state} "), Style::new(), &text)?;
    out.line(BELOW, styled::QUIET, &format!("-> repair `{other}` first"))
}

fn write_finding(out: &mut Screen<impl Write>, finding: &Finding) -> std::io::Result<()> {
    let (style, state) = match finding.state {
        State::Ok => (styled::GOOD, "ok     "),
        State::Broken => (styled::BAD, "BROKEN "),
        State::Unknown => (styled::CAREFUL, "unknown"),
    };
    let state = styled::text(style, state);
    let (check, place, (checks, places)) = (finding.check, printable(&finding.place), WIDTHS);
    let (head, seen) = (format!("{check:checks$}  {place:places$}  "), printable(&finding.seen));
    if out.fits(BELOW.len() + head.chars().count() + seen.chars().count()) {
        writeln!(out, "{state} {head}{seen}")?;
    } else {
        out.line(&format!("{state} "), Style::new(), head.trim_end())?;
        out.line(BELOW, Style::new(), &seen)?;
    }
    let Some(fix) = &finding.fix else { return Ok(()) };
    let text = format!("-> {}", printable(fix));
    // A command is one line, so that it can be copied.
    if ["aws ", "autotag "].iter().any(|program| fix.contains(program)) {
        return writeln!(out, "{BELOW}{}", styled::text(styled::QUIET, &text));
    }
    out.line(BELOW, styled::QUIET, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_that_need_another_one_are_one_line() {
        let mut out = Screen::endless(Vec::new());
        let checks =
            ["queue.policy", "queue.age", "queue.age", "alias", "errors", "mapping", "memory", "role"];
        write_blocked(&mut out, "function", &checks).unwrap();
        let text = anstream::adapter::strip_str(&String::from_utf8(out.into_inner()).unwrap()).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].starts_with("unknown 8 checks need `function` to be ok: queue.policy, "), "{text}");
        assert!(lines[0].ends_with(", 1 more") && lines[1].contains("repair `function` first"), "{text}");
    }

    #[test]
    fn a_finding_fits_into_the_terminal_and_its_command_is_one_line() {
        let command = "aws sqs set-queue-attributes --queue-url URL --attributes VisibilityTimeout=360 --region eu-west-1";
        for (width, lines) in [(60, 4), (80, 4), (200, 2)] {
            let finding = Finding {
                check: "queue.visibility",
                place: "eu-west-1 autotag-events".to_owned(),
                question: "",
                state: State::Broken,
                seen: "a message is visible again after 30 s, while the function still works on it"
                    .to_owned(),
                fix: Some(command.to_owned()),
                needs: None,
            };
            let mut out = Screen::of_width(width, Vec::new());
            write_finding(&mut out, &finding).unwrap();
            let text =
                anstream::adapter::strip_str(&String::from_utf8(out.into_inner()).unwrap()).to_string();
            assert_eq!(text.lines().count(), lines, "{width}: {text}");
            for line in text.lines() {
                assert!(line.chars().count() <= width || line.ends_with(command), "{width}: {text}");
            }
        }
    }
}
