//! `autotag doctor`: when nothing gets tagged, which link is broken.

use crate::cli::{DoctorArgs, DoctorFormat};
use crate::completion::Completion;
use crate::doctor::canary::{self, Flight};
use crate::doctor::{Aim, Expected, Finding, State, World, examine};
use crate::generate::inventory::Inventory;
use crate::output::{printable, styled};
use crate::setup;
use anyhow::{Context as _, Result};
use autotag_aws::{Accounts, Settings};
use serde::Serialize;
use std::io::Write;
use std::time::Duration;
use tokio::runtime::Runtime;

/// What programs see. The names are a contract.
#[derive(Serialize)]
struct Report<'r> {
    ok: usize,
    broken: usize,
    unknown: usize,
    checks: &'r [Finding],
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<&'r Flight>,
}

impl<'r> Report<'r> {
    fn of(checks: &'r [Finding], canary: Option<&'r Flight>) -> Self {
        let count = |state| checks.iter().filter(|finding| finding.state == state).count();
        let [ok, broken, unknown] = [State::Ok, State::Broken, State::Unknown].map(count);
        Self { ok, broken, unknown, checks, canary }
    }
}

pub(crate) fn run(args: &DoctorArgs) -> Result<Completion> {
    let services = setup::catalog(&args.rules)?.services()?;
    let expected = Expected::of(&Inventory::new(services, setup::policy(args.policy.as_deref())?))?;
    let runtime = Runtime::new().context("cannot start the threads that call AWS")?;
    let (findings, flight) = runtime.block_on(look(args, expected));
    let report = Report::of(&findings, flight.as_ref());
    let mut out = anstream::stdout().lock();
    match args.format {
        DoctorFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &report)?;
            writeln!(out)?;
        }
        DoctorFormat::Text => text(&mut out, &report)?,
    }
    let ended = flight.as_ref().is_none_or(|flight| !flight.interrupted);
    let well = ended && report.broken == 0 && (report.unknown == 0 || !args.strict);
    Ok(if well { Completion::Complete } else { Completion::Partial })
}

async fn look(args: &DoctorArgs, expected: Expected) -> (Vec<Finding>, Option<Flight>) {
    let accounts = Accounts::connect(Settings::default()).await;
    let aim = Aim {
        hub: args.region.clone(),
        regions: args.regions.clone(),
        accounts: args.accounts.clone(),
        member_role: args.member_role.clone(),
        external_id: args.external_id.clone(),
        look_in_role: args.look_in_role.clone(),
        hub_stack: args.stack.clone(),
        session_stack: args.session_stack.clone(),
        peek: args.peek,
    };
    let world = match Box::pin(World::open(&accounts, &aim, expected)).await {
        Ok(world) => world,
        Err(findings) => return (findings, None),
    };
    // Every check at once: too large for a stack.
    let mut findings = [world.findings.clone(), Box::pin(examine(&world)).await].concat();
    if !args.canary {
        return (findings, None);
    }
    let flight = canary::fly(&world, Duration::from_secs(args.wait)).await;
    findings.extend(flight.finding.clone());
    (findings, Some(flight))
}

fn text(out: &mut impl Write, report: &Report<'_>) -> Result<()> {
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
    for (key, value) in report.canary.iter().flat_map(|flight| &flight.tags) {
        writeln!(out, "        {}", printable(&format!("{key} = {value}")))?;
    }
    writeln!(out, "{} ok, {} broken, {} unknown", report.ok, report.broken, report.unknown)?;
    Ok(())
}
