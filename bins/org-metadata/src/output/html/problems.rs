//! What could not be seen, and why.

use super::text::{plain, regions, visible};
use crate::aws::Failure;
use crate::report::{About, Account, Report, Tenant, TenantOutcome};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Something about an account that is not known, for one reason. Regions with the same reason are one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// What is not known.
    pub(super) what: String,
    pub(super) operation: String,
    pub(super) code: String,
    /// Whether it is about tags.
    pub(super) tags: bool,
}

/// A problem, and where it is.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) tenant: String,
    /// Nothing where it is about the whole organization.
    pub(super) account: Option<(String, String)>,
    /// Whether it is the first of its account.
    pub(super) first: bool,
    pub(super) problem: Problem,
}

/// How often there was the same answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) operation: String,
    pub(super) code: String,
    pub(super) accounts: usize,
    pub(super) organizations: usize,
}

impl Problem {
    fn new(what: String, failure: &Failure, tags: bool) -> Self {
        let Failure { operation, code, .. } = failure;
        // They stand in attributes, too.
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
    let mut by_answer: BTreeMap<(&str, &str), (&Failure, BTreeSet<&str>)> = BTreeMap::new();
    for gap in &account.gaps {
        let Failure { operation, code, .. } = &gap.failure;
        let what = match &gap.about {
            About::Region(region) => {
                let (_, regions) =
                    by_answer.entry((operation, code)).or_insert_with(|| (&gap.failure, BTreeSet::new()));
                regions.insert(region.as_str());
                continue;
            }
            About::Tags => "tags",
            About::Entry => "regions",
            About::EnabledRegions => "enabled regions",
            About::OtherRegions => "other regions",
        };
        problems.push(Problem::new(what.to_owned(), &gap.failure, gap.about == About::Tags));
    }
    let in_regions = by_answer.into_values();
    problems.extend(in_regions.map(|(failure, names)| Problem::new(regions(&names), failure, false)));
    problems
}

/// All problems of the report.
pub(super) fn lines(report: &Report) -> Vec<Line> {
    report.tenants.iter().flat_map(of_tenant).collect()
}

fn of_tenant(tenant: &Tenant) -> Vec<Line> {
    let whole = |what: &str, failure: &Failure| Line {
        tenant: tenant.id.to_string(),
        account: None,
        first: false,
        problem: Problem::new(what.to_owned(), failure, false),
    };
    let organization = match &tenant.outcome {
        TenantOutcome::NotManagement(_) => return Vec::new(),
        TenantOutcome::Failed(failure) => return vec![whole("the whole organization", failure)],
        TenantOutcome::Reported(organization) => organization,
    };
    let cut = organization.cut.iter().map(|failure| whole("accounts beyond those listed", failure));
    let accounts = organization.accounts.iter().flat_map(|account| {
        of_account(account).into_iter().enumerate().map(move |(at, problem)| Line {
            tenant: tenant.id.to_string(),
            account: Some((account.listed.id.to_string(), visible(&account.listed.name))),
            first: at == 0,
            problem,
        })
    });
    cut.chain(accounts).collect()
}

/// The accounts and organizations that something is about.
type Whose<'l> = (BTreeSet<&'l str>, BTreeSet<&'l str>);

/// The answers behind the problems, the most frequent first.
pub(super) fn answers(lines: &[Line]) -> Vec<Answer> {
    let mut by_answer: BTreeMap<(&str, &str), Whose<'_>> = BTreeMap::new();
    for line in lines {
        let Problem { operation, code, .. } = &line.problem;
        let (accounts, organizations) = by_answer.entry((operation, code)).or_default();
        organizations.insert(&line.tenant);
        accounts.extend(line.account.as_ref().map(|(id, _)| id.as_str()));
    }
    let answer =
        |((operation, code), (accounts, organizations)): ((&str, &str), (BTreeSet<_>, BTreeSet<_>))| Answer {
            operation: operation.to_owned(),
            code: code.to_owned(),
            accounts: accounts.len(),
            organizations: organizations.len(),
        };
    let mut answers: Vec<Answer> = by_answer.into_iter().map(answer).collect();
    answers.sort_by_key(|answer| std::cmp::Reverse((answer.accounts, answer.organizations)));
    answers
}
