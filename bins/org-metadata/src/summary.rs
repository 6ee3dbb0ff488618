//! What people read at the end of a run.

use crate::aws::Aws;
use crate::output::Written;
use crate::report::{Report, TenantOutcome};
use std::fmt::Write as _;

/// How much is shown of each list; the manifest has all.
const SHOWN: usize = 20;

/// Says what was reported and what is missing.
pub(crate) fn write(
    report: &Report,
    written: &[Written],
    aws: &Aws,
    lost: Option<&str>,
    done: bool,
    can_resume: bool,
) {
    let (calls, throttled) = aws.totals();
    let seconds = report.ended.duration_since(report.started).as_secs_f64();
    let mut text = format!(
        "{} organizations, {} accounts, {calls} calls ({throttled} throttled), {seconds:.1} s\n",
        report.organizations().count(),
        report.accounts().count(),
    );
    list(&mut text, "skipped", &skipped(report));
    list(&mut text, "missing", &missing(report));
    let problems = written
        .iter()
        .flat_map(|file| file.problems.iter().map(move |problem| format!("{}: {problem}", file.name)));
    list(&mut text, "not written", &problems.collect::<Vec<_>>());
    if let Some(why) = lost {
        // A text takes whatever is written to it.
        let _ = writeln!(text, "answers could not be kept for --resume: {why}");
    }
    for place in written.iter().filter_map(|file| file.local.as_ref().or(file.uploaded.as_ref())) {
        let _ = writeln!(text, "wrote {place}");
    }
    if !done {
        let how =
            if can_resume { ": mend it and run again with --resume, which asks only for that" } else { "" };
        let _ = writeln!(text, "the report is not whole{how}");
    }
    crate::say(text.trim_end());
}

fn list(text: &mut String, name: &str, lines: &[String]) {
    for line in lines.iter().take(SHOWN) {
        let _ = writeln!(text, "{name}: {}", printable(line));
    }
    if lines.len() > SHOWN {
        let _ = writeln!(text, "{name}: {} more, in the manifest", lines.len() - SHOWN);
    }
}

fn skipped(report: &Report) -> Vec<String> {
    let line = |tenant: &crate::report::Tenant| match &tenant.outcome {
        TenantOutcome::NotManagement(management) => {
            Some(format!("{} is not a management account: {management} manages its organization", tenant.id))
        }
        TenantOutcome::Reported(_) | TenantOutcome::Failed(_) => None,
    };
    report.tenants.iter().filter_map(line).collect()
}

fn missing(report: &Report) -> Vec<String> {
    let unusable = report.unusable_tenants.iter().map(|id| format!("tenant `{id}` is no account id"));
    let tenants = report.tenants.iter().flat_map(|tenant| match &tenant.outcome {
        TenantOutcome::NotManagement(_) => Vec::new(),
        TenantOutcome::Failed(failure) => vec![format!("organization of {}: {failure}", tenant.id)],
        TenantOutcome::Reported(organization) => {
            let cut = organization.cut.iter();
            let cut = cut.map(|failure| format!("accounts of {} beyond those listed: {failure}", tenant.id));
            let gaps = organization.accounts.iter().filter(|account| !account.gaps.is_empty());
            cut.chain(gaps.map(|account| format!("{}: {}", account.listed.id, account.problem()))).collect()
        }
    });
    unusable.chain(tenants).collect()
}

/// Texts of others must not move the cursor.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
