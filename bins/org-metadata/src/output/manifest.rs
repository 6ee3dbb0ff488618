//! The manifest: content, missing data, calls and files of the report. Programs read it, so its names do not change.

use super::file::{File, Written};
use crate::aws::{Failure, OperationCalls};
use crate::report::groups::RegionGroups;
use crate::report::{Account, MissingField, Report, Tenant, TenantOutcome};
use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Manifest<'r> {
    run: String,
    version: &'static str,
    started: String,
    ended: String,
    /// Of this run only, as `calls`.
    duration_seconds: f64,
    /// True if this run continues an earlier one. `calls` are those of this run only.
    resumed: bool,
    /// True if nothing is missing.
    whole: bool,
    counts: Counts,
    tenants: Vec<TenantLine<'r>>,
    unusable_tenants: &'r [String],
    errors: Vec<ErrorLine<'r>>,
    /// The number of active accounts, by region without a group.
    unmapped_regions: BTreeMap<String, usize>,
    calls: &'r BTreeMap<String, OperationCalls>,
    files: &'r [Written],
    /// When this run itself began; later than `started` if it continues an earlier one.
    began: String,
}

#[derive(Serialize)]
struct Counts {
    organizations: usize,
    accounts: usize,
    by_status: BTreeMap<String, usize>,
    by_region_group: BTreeMap<String, usize>,
    active_regions: usize,
    calls: u64,
    retries: u64,
    throttled: u64,
}

#[derive(Serialize)]
struct TenantLine<'r> {
    id: &'r str,
    outcome: &'static str,
    /// `o-...`
    org_id: Option<&'r str>,
    /// The management account of an organization that the tenant does not manage.
    managed_by: Option<&'r str>,
    accounts: usize,
    millis: u64,
}

/// Something that could not be read.
#[derive(Serialize)]
struct ErrorLine<'r> {
    tenant: &'r str,
    account: Option<&'r str>,
    /// `organization`, `accounts`, `tags`, `entry`, `enabled_regions`, `region`, `other_regions`
    about: &'static str,
    region: Option<&'r str>,
    operation: &'r str,
    code: &'r str,
}

pub(super) fn file(
    report: &Report,
    calls: &BTreeMap<String, OperationCalls>,
    groups: &RegionGroups,
    files: &[Written],
    all_written: bool,
) -> Result<File> {
    let mut unmapped = BTreeMap::new();
    for region in report.accounts().flat_map(|account| groups.unmapped(&account.active)) {
        *unmapped.entry(region.to_string()).or_default() += 1;
    }
    let manifest = Manifest {
        run: report.name(),
        version: autotag_model::VERSION,
        started: report.started.to_string(),
        ended: report.ended.to_string(),
        duration_seconds: report.ended.duration_since(report.began).as_secs_f64(),
        resumed: report.resumed,
        whole: report.is_whole() && all_written,
        counts: counts(report, calls, groups),
        tenants: report.tenants.iter().map(tenant_line).collect(),
        unusable_tenants: &report.unusable_tenants,
        errors: report.tenants.iter().flat_map(errors).collect(),
        unmapped_regions: unmapped,
        calls,
        files,
        began: report.began.to_string(),
    };
    let mut bytes = serde_json::to_vec_pretty(&manifest)?;
    bytes.push(b'\n');
    Ok(File { name: name(report), content_type: "application/json", bytes })
}

/// The name of the manifest's file.
pub(super) fn name(report: &Report) -> String {
    format!("aws-org-metadata-{}.manifest.json", report.name())
}

fn counts(report: &Report, calls: &BTreeMap<String, OperationCalls>, groups: &RegionGroups) -> Counts {
    let by = |word: &dyn Fn(&Account) -> String| {
        let mut counts = BTreeMap::new();
        for account in report.accounts() {
            *counts.entry(word(account)).or_default() += 1;
        }
        counts
    };
    let sum = |count: fn(&OperationCalls) -> u64| calls.values().map(count).sum();
    Counts {
        organizations: report.organizations().count(),
        accounts: report.accounts().count(),
        by_status: by(&Account::status),
        by_region_group: by(&|account| groups.group(&account.active).to_owned()),
        active_regions: report.accounts().map(|account| account.active.len()).sum(),
        calls: sum(|counts| counts.calls),
        retries: sum(|counts| counts.retries),
        throttled: sum(|counts| counts.throttled),
    }
}

fn tenant_line(tenant: &Tenant) -> TenantLine<'_> {
    let organization = tenant.organization();
    let (outcome, managed_by) = match &tenant.outcome {
        TenantOutcome::Reported(organization) if organization.truncated_by.is_some() => ("cut", None),
        TenantOutcome::Reported(_) => ("reported", None),
        TenantOutcome::NotManagement(management) => ("not a management account", Some(management.as_str())),
        TenantOutcome::Failed(_) => ("failed", None),
    };
    TenantLine {
        id: tenant.id.as_str(),
        outcome,
        org_id: organization.map(|organization| organization.id.as_str()),
        managed_by,
        accounts: organization.map_or(0, |organization| organization.accounts.len()),
        millis: tenant.millis,
    }
}

fn errors(tenant: &Tenant) -> Vec<ErrorLine<'_>> {
    let organization = match &tenant.outcome {
        TenantOutcome::Failed(failure) => return vec![error(tenant, None, "organization", None, failure)],
        TenantOutcome::NotManagement(_) => return Vec::new(),
        TenantOutcome::Reported(organization) => organization,
    };
    let truncated_by =
        organization.truncated_by.iter().map(|failure| error(tenant, None, "accounts", None, failure));
    let missing = organization.accounts.iter().flat_map(|account| {
        account.missing.iter().map(move |missing| {
            let (about, region) = match &missing.field {
                MissingField::Tags => ("tags", None),
                MissingField::Entry => ("entry", None),
                MissingField::EnabledRegions => ("enabled_regions", None),
                MissingField::Region(region) => ("region", Some(region.as_str())),
                MissingField::OtherRegions => ("other_regions", None),
            };
            error(tenant, Some(account.listed.id.as_str()), about, region, &missing.failure)
        })
    });
    truncated_by.chain(missing).collect()
}

fn error<'r>(
    tenant: &'r Tenant,
    account: Option<&'r str>,
    about: &'static str,
    region: Option<&'r str>,
    failure: &'r Failure,
) -> ErrorLine<'r> {
    let Failure { operation, code, .. } = failure;
    ErrorLine { tenant: tenant.id.as_str(), account, about, region, operation, code }
}
