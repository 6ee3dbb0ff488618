//! Missing data and its reasons.

use crate::aws::Failure;
use crate::report::{Account, MissingField, Report, Tenant, TenantOutcome};
use autotag_page::text::{plain, visible};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Missing data of an account, for one reason. Regions with the same reason are one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// The missing data, in words.
    pub(super) what: String,
    pub(super) operation: String,
    pub(super) code: String,
    /// True if the account's tags are missing.
    pub(super) tags: bool,
}

/// A problem, with its tenant and account.
#[derive(Debug)]
pub(super) struct ProblemLine {
    pub(super) tenant: String,
    /// Id and name; `None` for a problem of the whole organization.
    pub(super) account: Option<(String, String)>,
    /// True if it is the first problem of its account.
    pub(super) first: bool,
    pub(super) problem: Problem,
}

/// How many accounts and organizations have the same error.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ErrorCount {
    pub(super) operation: String,
    pub(super) code: String,
    pub(super) accounts: usize,
    pub(super) organizations: usize,
}

impl Problem {
    fn new(what: String, failure: &Failure, tags: bool) -> Self {
        let Failure { operation, code, .. } = failure;
        // Attributes of the page have them too.
        Self { what, operation: plain(operation), code: plain(code), tags }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, operation, code, .. } = self;
        write!(f, "{what} unknown: {operation} answered {code}")
    }
}

/// The problems of an account.
pub(super) fn of_account(account: &Account) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut by_error: BTreeMap<(&str, &str), (&Failure, BTreeSet<&str>)> = BTreeMap::new();
    for missing in &account.missing {
        let Failure { operation, code, .. } = &missing.failure;
        let what = match &missing.field {
            MissingField::Region(region) => {
                let (_, regions) =
                    by_error.entry((operation, code)).or_insert_with(|| (&missing.failure, BTreeSet::new()));
                regions.insert(region.as_str());
                continue;
            }
            MissingField::Tags => "tags",
            MissingField::Entry => "regions",
            MissingField::EnabledRegions => "enabled regions",
            MissingField::OtherRegions => "other regions",
        };
        problems.push(Problem::new(what.to_owned(), &missing.failure, missing.field == MissingField::Tags));
    }
    let in_regions = by_error.into_values();
    problems.extend(in_regions.map(|(failure, names)| Problem::new(regions(&names), failure, false)));
    problems
}

/// All problems of the report.
pub(super) fn lines(report: &Report) -> Vec<ProblemLine> {
    report.tenants.iter().flat_map(of_tenant).collect()
}

fn of_tenant(tenant: &Tenant) -> Vec<ProblemLine> {
    let organization_wide = |what: &str, failure: &Failure| ProblemLine {
        tenant: tenant.id.to_string(),
        account: None,
        first: false,
        problem: Problem::new(what.to_owned(), failure, false),
    };
    let organization = match &tenant.outcome {
        TenantOutcome::NotManagement(_) => return Vec::new(),
        TenantOutcome::Failed(failure) => return vec![organization_wide("the whole organization", failure)],
        TenantOutcome::Reported(organization) => organization,
    };
    let truncated_by = organization
        .truncated_by
        .iter()
        .map(|failure| organization_wide("accounts beyond those listed", failure));
    let accounts = organization.accounts.iter().flat_map(|account| {
        of_account(account).into_iter().enumerate().map(move |(at, problem)| ProblemLine {
            tenant: tenant.id.to_string(),
            account: Some((account.listed.id.to_string(), visible(&account.listed.name))),
            first: at == 0,
            problem,
        })
    });
    truncated_by.chain(accounts).collect()
}

/// The accounts and the organizations of an error.
type Affected<'l> = (BTreeSet<&'l str>, BTreeSet<&'l str>);

/// The errors that caused the problems, the most frequent first.
pub(super) fn error_counts(lines: &[ProblemLine]) -> Vec<ErrorCount> {
    let mut by_error: BTreeMap<(&str, &str), Affected<'_>> = BTreeMap::new();
    for line in lines {
        let Problem { operation, code, .. } = &line.problem;
        let (accounts, organizations) = by_error.entry((operation, code)).or_default();
        organizations.insert(&line.tenant);
        accounts.extend(line.account.as_ref().map(|(id, _)| id.as_str()));
    }
    let count =
        |((operation, code), (accounts, organizations)): ((&str, &str), (BTreeSet<_>, BTreeSet<_>))| {
            ErrorCount {
                operation: operation.to_owned(),
                code: code.to_owned(),
                accounts: accounts.len(),
                organizations: organizations.len(),
            }
        };
    let mut counts: Vec<ErrorCount> = by_error.into_iter().map(count).collect();
    counts.sort_by_key(|count| std::cmp::Reverse((count.accounts, count.organizations)));
    counts
}

/// `eu-west-1`, `3 regions: eu-west-1, eu-west-2, us-east-1`
fn regions(regions: &BTreeSet<&str>) -> String {
    let names: Vec<&str> = regions.iter().copied().collect();
    match names.len() {
        1 => names.concat(),
        count => format!("{count} regions: {}", names.join(", ")),
    }
}
