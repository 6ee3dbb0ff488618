//! The rows of the table of accounts.

use super::cell::{NO_GROUP, NO_NAME, NOT_ENTERED, NOT_SAID, NOWHERE, Value};
use super::problems::{self, Problem};
use crate::report::account_row::{AIDE_ID, AccountRow, ENVIRONMENT, OWNER};
use crate::report::{Account, Report};
use autotag_page::text::visible;

/// One account.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: Value,
    pub(super) management: bool,
    /// The account's own tag.
    pub(super) owner: Value,
    /// The mail address of the account.
    pub(super) email: Value,
    pub(super) organization: Value,
    pub(super) state: Value,
    pub(super) group: Value,
    pub(super) regions: Regions,
    pub(super) environment: Value,
    pub(super) aide: Value,
    /// Other tags of the report.
    pub(super) tags: Vec<(String, String)>,
    pub(super) tags_unknown: Option<String>,
    pub(super) status: Value,
    pub(super) severity: Severity,
}

/// The regions of an account.
#[derive(Debug)]
pub(super) struct Regions {
    /// Each with whether it belongs to a group.
    pub(super) active: Vec<(String, bool)>,
    /// The unknown regions with the reasons, if there are any.
    pub(super) unknown: Option<String>,
    /// Why no region is active.
    pub(super) none: &'static str,
}

impl Regions {
    /// Why regions are unknown.
    pub(super) fn reason(&self) -> &str {
        self.unknown.as_deref().unwrap_or_default()
    }
}

/// The severity of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    /// Nothing is missing.
    Good,
    /// Nothing is missing, and the account was not entered.
    Quiet,
    /// Something is missing.
    Bad,
}

impl Severity {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Quiet => "quiet",
            Self::Bad => "bad",
        }
    }
}

/// The rows of all accounts, in the order of the report. `account_rows` are the flat rows of the same accounts.
pub(super) fn rows(report: &Report, account_rows: &[AccountRow]) -> Vec<Row> {
    report.accounts().zip(account_rows).map(|(account, account_row)| Row::new(account, account_row)).collect()
}

impl Row {
    fn new(account: &Account, account_row: &AccountRow) -> Self {
        let problems = problems::of_account(account);
        let (of_tags, of_regions): (Vec<_>, Vec<_>) = problems.iter().partition(|problem| problem.tags);
        let (of_tags, of_regions) = (reason(&of_tags), reason(&of_regions));
        let tag = |value: &Option<String>| Value::tag(value.as_deref(), of_tags.as_ref());
        let known = |key: &str| [&ENVIRONMENT[..], &AIDE_ID, &OWNER].iter().any(|keys| keys.contains(&key));
        let others = account_row.tags.iter().filter(|(key, _)| !known(key));
        Self {
            id: account_row.account_id.clone(),
            name: Value::of_text(Some(&account_row.account_name), NO_NAME),
            management: account_row.management,
            owner: tag(&account_row.owner),
            email: Value::of_text(account_row.email.as_deref(), NOT_SAID),
            organization: Value::of_text(Some(&account_row.org_id), NOT_SAID),
            state: Value::of_text(account_row.billing_account_state.as_deref(), NOT_SAID),
            group: group(account, account_row, of_regions.as_ref()),
            regions: regions(account, account_row, of_regions),
            environment: tag(&account_row.environment),
            aide: tag(&account_row.aide_id),
            tags: others.map(|(key, value)| (visible(key), visible(value))).collect(),
            tags_unknown: of_tags,
            status: Value::of_text(Some(&account_row.scan_status), NOT_SAID),
            severity: match () {
                () if !account.missing.is_empty() => Severity::Bad,
                () if account.listed.is_open() => Severity::Good,
                () => Severity::Quiet,
            },
        }
    }

    pub(super) fn has_problems(&self) -> bool {
        self.severity == Severity::Bad
    }

    /// True if a group is known, and unknown regions may belong to another one.
    pub(super) fn is_partly_grouped(&self) -> bool {
        !self.group.is_unknown() && self.regions.unknown.is_some()
    }

    /// True if `Environment` or `Aide_ID` is missing or empty.
    pub(super) fn lacks_tags(&self) -> bool {
        self.environment.is_absent() || self.aide.is_absent()
    }
}

fn group(account: &Account, account_row: &AccountRow, unknown: Option<&String>) -> Value {
    match (account_row.region_group.as_str(), unknown) {
        ("", Some(reason)) => Value::Unknown(reason.clone()),
        ("", None) if !account.listed.is_open() => Value::Absent(NOT_ENTERED),
        ("", None) if account.active.is_empty() => Value::Absent(NOWHERE),
        ("", None) => Value::Absent(NO_GROUP),
        (group, _) => Value::Known(visible(group)),
    }
}

fn regions(account: &Account, account_row: &AccountRow, unknown: Option<String>) -> Regions {
    let active = account_row.all_regions.iter();
    let active = active.map(|region| (region.clone(), !account_row.unmapped_regions.contains(region)));
    let none = if account.listed.is_open() { NOWHERE.words } else { NOT_ENTERED.words };
    Regions { active: active.collect(), unknown, none }
}

/// All problems in one text.
fn reason(problems: &[&Problem]) -> Option<String> {
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    (!said.is_empty()).then(|| said.join("; "))
}
