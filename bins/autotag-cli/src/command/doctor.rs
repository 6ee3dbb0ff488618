//! `autotag doctor`: checks every link of a deployment and names the broken ones.

use crate::cli::{DoctorArgs, DoctorFormat};
use crate::completion::Completion;
use crate::doctor::canary::{self, CanaryReport};
use crate::doctor::{DeploymentView, DoctorOptions, Expected, Finding, State, examine};
use crate::generate::inventory::Inventory;
use crate::output::{printable, styled};
use crate::setup;
use anyhow::{Context as _, Result};
use autotag_aws::{Accounts, Settings};
use serde::Serialize;
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

impl<'r> Report<'r> {
    fn new(checks: &'r [Finding], canary: Option<&'r CanaryReport>) -> Self {
        let count = |state| checks.iter().filter(|finding| finding.state == state).count();
        let [ok, broken, unknown] = [State::Ok, State::Broken, State::Unknown].map(count);
        Self { ok, broken, unknown, checks, canary }
    }

    fn completion(&self, strict: bool) -> Completion {
        let interrupted = self.canary.is_some_and(|canary| canary.interrupted);
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
    let (findings, canary) = runtime.block_on(check(args, expected));
    let report = Report::new(&findings, canary.as_ref());
    let mut out = anstream::stdout().lock();
    match args.format {
        DoctorFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &report)?;
            writeln!(out)?;
        }
        DoctorFormat::Text => write_text(&mut out, &report)?,
    }
    Ok(report.completion(args.strict))
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
        show_messages: args.show_messages,
    }
}

async fn check(args: &DoctorArgs, expected: Expected) -> (Vec<Finding>, Option<CanaryReport>) {
    let accounts = Accounts::connect(Settings::default()).await;
    let view = match Box::pin(DeploymentView::open(&accounts, &options(args), expected)).await {
        Ok(view) => view,
        Err(findings) => return (findings, None),
    };
    // These futures are too large for the stack.
    let mut findings = [view.findings.clone(), Box::pin(examine(&view)).await].concat();
    if !args.canary {
        return (findings, None);
    }
    let canary = Box::pin(canary::run(&view, Duration::from_secs(args.wait))).await;
    findings.extend(canary.finding.clone());
    (findings, Some(canary))
}

fn write_text(out: &mut impl Write, report: &Report<'_>) -> Result<()> {
    let longest =
        |part: fn(&Finding) -> &str| report.checks.iter().map(|one| part(one).len()).max().unwrap_or(0);
    let (checks, places) = (longest(|finding| finding.check), longest(|finding| &finding.place));
    for finding in report.checks {
        let (style, state) = match finding.state {
            State::Ok => (styled::GOOD, "ok     "),
            State::Broken => (styled::BAD, "BROKEN "),
            State::Unknown => (styled::CAREFUL, "unknown"),
        };
        let state = styled::text(style, state);
        let (check, place) = (finding.check, printable(&finding.place));
        writeln!(out, "{state} {check:checks$}  {place:places$}  {}", printable(&finding.seen))?;
        if let Some(fix) = &finding.fix {
            writeln!(out, "        {}", styled::text(styled::QUIET, &format!("-> {}", printable(fix))))?;
        }
    }
    for (key, value) in report.canary.iter().flat_map(|canary| &canary.tags) {
        writeln!(out, "        {}", printable(&format!("{key} = {value}")))?;
    }
    writeln!(out, "{} ok, {} broken, {} unknown", report.ok, report.broken, report.unknown)?;
    Ok(())
}
