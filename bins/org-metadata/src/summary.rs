//! The summary at the end of a run, for people.

use crate::completion::Completion;
use crate::console::{printable, say};
use crate::output::Written;
use crate::report::{Report, Tenant, TenantOutcome};
use crate::resume_cache::ResumeCache;
use autotag_page::text::counted;
use std::fmt::Write as _;

/// The number of lines that are shown of each list. The manifest has all.
const SHOWN: usize = 20;

/// Prints what was reported and what is missing.
pub(crate) fn write(
    report: &Report,
    written: &[Written],
    (calls, throttled): (u64, u64),
    cache: &ResumeCache,
    completion: Completion,
    can_resume: bool,
) {
    let seconds = report.ended.duration_since(report.began).as_secs_f64();
    let organizations = counted(report.organizations().count(), "organization", "organizations");
    let accounts = counted(report.accounts().count(), "account", "accounts");
    let calls = counted(usize::try_from(calls).unwrap_or(usize::MAX), "call", "calls");
    let mut text = format!("{organizations}, {accounts}, {calls} ({throttled} throttled), {seconds:.1} s\n");
    list(&mut text, "skipped", &skipped(report));
    list(&mut text, "missing", &missing(report));
    let problems = written
        .iter()
        .flat_map(|file| file.problems.iter().map(move |problem| format!("{}: {problem}", file.name)));
    list(&mut text, "not written", &problems.collect::<Vec<_>>());
    if let Some(error) = cache.write_error() {
        // Writing to a string never fails.
        let _ = writeln!(text, "answers could not be saved for --resume: {error}");
    }
    for file in written {
        let places: Vec<&str> =
            [&file.local, &file.uploaded].into_iter().flatten().map(String::as_str).collect();
        if !places.is_empty() {
            let _ = writeln!(text, "wrote {}", places.join(" and "));
        }
    }
    if completion == Completion::Partial {
        let how = if can_resume {
            ": remove the causes and run again with --resume, which reads only missing data"
        } else {
            ""
        };
        let what = if report.is_whole() {
            "the report is complete, but not all of its files are written"
        } else {
            "the report is not complete"
        };
        let _ = writeln!(text, "{what}{how}");
    }
    say(text.trim_end());
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
    let line = |tenant: &Tenant| match &tenant.outcome {
        TenantOutcome::NotManagement(management) => {
            Some(format!("{} is not a management account: {management} manages its organization", tenant.id))
        }
        TenantOutcome::Reported(_) | TenantOutcome::Failed(_) => None,
    };
    report.tenants.iter().filter_map(line).collect()
}

fn missing(report: &Report) -> Vec<String> {
    let unusable = report.unusable_tenants.iter().map(|id| format!("tenant `{id}` is not an account id"));
    let tenants = report.tenants.iter().flat_map(|tenant| match &tenant.outcome {
        TenantOutcome::NotManagement(_) => Vec::new(),
        TenantOutcome::Failed(failure) => vec![format!("organization of {}: {failure}", tenant.id)],
        TenantOutcome::Reported(organization) => {
            let truncated_by = organization.truncated_by.iter();
            let truncated_by = truncated_by
                .map(|failure| format!("accounts of {} beyond those listed: {failure}", tenant.id));
            let missing = organization.accounts.iter().filter(|account| !account.missing.is_empty());
            truncated_by
                .chain(missing.map(|account| format!("{}: {}", account.listed.id, account.problem())))
                .collect()
        }
    });
    unusable.chain(tenants).collect()
}
