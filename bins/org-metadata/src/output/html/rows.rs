//! The accounts as rows of a table.

use super::problems::{self, Problem};
use super::text::visible;
use super::values::{NO_GROUP, NO_NAME, NOT_ENTERED, NOT_SAID, NOWHERE, Value};
use crate::report::record::{AIDE_ID, ENVIRONMENT, Record};
use crate::report::{Account, Report};

/// One account.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: Value,
    pub(super) management: bool,
    pub(super) organization: Value,
    pub(super) state: Value,
    pub(super) group: Value,
    pub(super) regions: Regions,
    pub(super) environment: Value,
    pub(super) aide: Value,
    /// Other tags that the report asks for.
    pub(super) tags: Vec<(String, String)>,
    pub(super) tags_unknown: Option<String>,
    pub(super) status: Value,
    pub(super) tone: Tone,
}

/// The regions of an account.
#[derive(Debug)]
pub(super) struct Regions {
    /// With whether they belong to a group.
    pub(super) active: Vec<(String, bool)>,
    /// What is not known of them, and why.
    pub(super) unknown: Option<String>,
    /// Why there are none.
    pub(super) none: &'static str,
}

impl Regions {
    /// Why something is not known of them.
    pub(super) fn reason(&self) -> &str {
        self.unknown.as_deref().unwrap_or_default()
    }
}

/// How a status is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// All is known.
    Good,
    /// All that was looked for is known.
    Quiet,
    /// Something is not known.
    Bad,
}

impl Tone {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Quiet => "quiet",
            Self::Bad => "bad",
        }
    }
}

/// All accounts, in the order of the report. `records` are those of its accounts.
pub(super) fn rows(report: &Report, records: &[Record]) -> Vec<Row> {
    report.accounts().zip(records).map(|(account, record)| Row::new(account, record)).collect()
}

impl Row {
    fn new(account: &Account, record: &Record) -> Self {
        let problems = problems::of_account(account);
        let (of_tags, of_regions): (Vec<_>, Vec<_>) = problems.iter().partition(|problem| problem.tags);
        let (of_tags, of_regions) = (reason(&of_tags), reason(&of_regions));
        let tag = |value: &Option<String>| Value::tag(value.as_deref(), of_tags.as_ref());
        let known = |key: &str| ENVIRONMENT.contains(&key) || AIDE_ID.contains(&key);
        let others = record.tags.iter().filter(|(key, _)| !known(key));
        Self {
            id: record.account_id.clone(),
            name: Value::said(Some(&record.account_name), NO_NAME),
            management: record.management,
            organization: Value::said(Some(&record.org_id), NOT_SAID),
            state: Value::said(record.billing_account_state.as_deref(), NOT_SAID),
            group: group(account, record, of_regions.as_ref()),
            regions: regions(account, record, of_regions),
            environment: tag(&record.environment),
            aide: tag(&record.aide_id),
            tags: others.map(|(key, value)| (visible(key), visible(value))).collect(),
            tags_unknown: of_tags,
            status: Value::said(Some(&record.scan_status), NOT_SAID),
            tone: match () {
                () if !account.gaps.is_empty() => Tone::Bad,
                () if account.listed.is_open() => Tone::Good,
                () => Tone::Quiet,
            },
        }
    }

    pub(super) fn has_problems(&self) -> bool {
        self.tone == Tone::Bad
    }

    /// Whether there is a group, and more regions than are known may belong to another.
    pub(super) fn is_partly_grouped(&self) -> bool {
        !self.group.is_unknown() && self.regions.unknown.is_some()
    }

    /// Whether one of the two tags that every account should have says nothing.
    pub(super) fn lacks_tags(&self) -> bool {
        self.environment.is_nothing() || self.aide.is_nothing()
    }
}

fn group(account: &Account, record: &Record, unknown: Option<&String>) -> Value {
    match (record.region_group.as_str(), unknown) {
        ("", Some(reason)) => Value::Unknown(reason.clone()),
        ("", None) if !account.listed.is_open() => Value::Nothing(NOT_ENTERED),
        ("", None) if account.active.is_empty() => Value::Nothing(NOWHERE),
        ("", None) => Value::Nothing(NO_GROUP),
        (group, _) => Value::Known(visible(group)),
    }
}

fn regions(account: &Account, record: &Record, unknown: Option<String>) -> Regions {
    let active = record.all_regions.iter();
    let active = active.map(|region| (region.clone(), !record.unmapped_regions.contains(region)));
    let none = if account.listed.is_open() { NOWHERE.words } else { NOT_ENTERED.words };
    Regions { active: active.collect(), unknown, none }
}

/// All reasons as one.
fn reason(problems: &[&Problem]) -> Option<String> {
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    (!said.is_empty()).then(|| said.join("; "))
}
