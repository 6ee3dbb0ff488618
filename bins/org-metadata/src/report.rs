//! The result of a run: organizations, their accounts, and missing data.
//!
//! Unknown and empty are different: every question has either an answer or a [`MissingData`].

pub(crate) mod account_row;
pub(crate) mod columns;
pub(crate) mod groups;

use crate::aws::Failure;
use autotag_model::arn::{AccountId, Region};
use autotag_model::failure::ErrorClass;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many regions with one reason a text names.
const NAMED_REGIONS: usize = 3;

/// The result of one run.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// The start of the run, which names the run and its files. A resumed run keeps the start of the first one.
    pub(crate) started: Timestamp,
    /// The start of this run itself.
    pub(crate) began: Timestamp,
    /// The time of the last answer.
    pub(crate) ended: Timestamp,
    /// True if this run continues an earlier one.
    pub(crate) resumed: bool,
    /// In the order of the tenants.
    pub(crate) tenants: Vec<Tenant>,
    /// Ids in the tenant table that are not account ids.
    pub(crate) unusable_tenants: Vec<String>,
}

/// One management account of the configuration, and its result.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    /// The account id of the configuration.
    pub(crate) id: AccountId,
    pub(crate) outcome: TenantOutcome,
    /// The duration, in milliseconds.
    pub(crate) millis: u64,
}

#[derive(Debug, Clone)]
pub(crate) enum TenantOutcome {
    /// The organization that it manages.
    Reported(Organization),
    /// The account is in an organization that this other account manages.
    NotManagement(AccountId),
    /// Nothing is known about it.
    Failed(Failure),
}

/// One organization.
#[derive(Debug, Clone)]
pub(crate) struct Organization {
    /// `o-...`
    pub(crate) id: String,
    pub(crate) management: AccountId,
    /// The management account first, then in the order of `ListAccounts`.
    pub(crate) accounts: Vec<Account>,
    /// Why the list of accounts is incomplete, if it is.
    pub(crate) truncated_by: Option<Failure>,
}

/// An account as `ListAccounts` describes it. Serialized in the file for `--resume`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedAccount {
    pub(crate) id: AccountId,
    /// The account itself chooses it. Do not trust its content.
    pub(crate) name: String,
    /// `State`, otherwise `Status`; `None` if AWS returns neither.
    pub(crate) state: Option<String>,
    /// Ids of the organizational units from the root down, `r-.../ou-.../ou-...`.
    pub(crate) ou_path: Option<String>,
    /// `INVITED` or `CREATED`.
    pub(crate) joined_method: Option<String>,
    /// When it joined the organization.
    pub(crate) joined: Option<Timestamp>,
    /// The mail address of its root user.
    #[serde(default)]
    pub(crate) email: Option<String>,
}

/// One account.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) listed: ListedAccount,
    /// True if it is the management account.
    pub(crate) management: bool,
    /// The tags that the report needs, by key. Do not trust their content.
    pub(crate) tags: BTreeMap<String, String>,
    /// The regions with a resource that counts.
    pub(crate) active: BTreeSet<Region>,
    /// Enabled regions that could not be scanned.
    pub(crate) unknown: BTreeSet<Region>,
    pub(crate) missing: Vec<MissingData>,
}

/// Something about an account that could not be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MissingData {
    pub(crate) field: MissingField,
    pub(crate) failure: Failure,
}

/// The kind of missing data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MissingField {
    /// The account's tags.
    Tags,
    /// All regions, because the account could not be entered.
    Entry,
    /// The list of enabled regions, so that none of them was scanned.
    EnabledRegions,
    /// The state of this region.
    Region(Region),
    /// The state of the regions that were not found active.
    OtherRegions,
}

impl ListedAccount {
    /// True if the account is entered: it is active, or AWS does not say its state.
    pub(crate) fn is_open(&self) -> bool {
        self.state.as_deref().is_none_or(|state| state == "ACTIVE")
    }
}

impl Account {
    /// The status of the scan in one word: `ok`; the state in lower case if the account was not entered because of it;
    /// otherwise the reason for missing data: `role_denied`, `throttled`, `denied`, `failed`.
    pub(crate) fn status(&self) -> String {
        let class = |class| self.missing.iter().any(|missing| missing.failure.class == class);
        let entry_denied = |missing: &MissingData| {
            missing.field == MissingField::Entry && missing.failure.class == ErrorClass::Denied
        };
        let word = match () {
            () if self.missing.is_empty() && !self.listed.is_open() => {
                return self.listed.state.as_deref().unwrap_or_default().to_lowercase();
            }
            () if self.missing.is_empty() => "ok",
            () if self.missing.iter().any(entry_denied) => "role_denied",
            () if class(ErrorClass::Throttled) => "throttled",
            () if class(ErrorClass::Denied) => "denied",
            () => "failed",
        };
        word.to_owned()
    }

    /// All missing data with the reasons, for people.
    pub(crate) fn problem(&self) -> String {
        let (mut texts, mut by_failure) = (Vec::new(), BTreeMap::<(&str, &str), Vec<&str>>::new());
        for missing in &self.missing {
            match &missing.field {
                MissingField::Region(region) => {
                    let Failure { operation, code, .. } = &missing.failure;
                    by_failure.entry((operation, code)).or_default().push(region.as_str());
                }
                _ => texts.push(missing.to_string()),
            }
        }
        texts.extend(by_failure.into_iter().map(|((operation, code), regions)| {
            let more = regions.len().saturating_sub(NAMED_REGIONS);
            let named = regions.iter().take(NAMED_REGIONS).copied().collect::<Vec<_>>().join(", ");
            let more = match more {
                0 => String::new(),
                1 => " and 1 more region".to_owned(),
                more => format!(" and {more} more regions"),
            };
            format!("{named}{more} unknown: {operation} answered {code}")
        }));
        texts.join("; ")
    }
}

impl std::fmt::Display for MissingData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Failure { operation, code, .. } = &self.failure;
        match &self.field {
            MissingField::Tags => write!(f, "tags unknown: {operation} answered {code}"),
            MissingField::Entry => write!(f, "regions unknown: {operation} answered {code}"),
            MissingField::EnabledRegions => write!(f, "enabled regions unknown: {operation} answered {code}"),
            MissingField::Region(region) => write!(f, "{region} unknown: {operation} answered {code}"),
            MissingField::OtherRegions => write!(f, "other regions unknown: {operation} answered {code}"),
        }
    }
}

impl Tenant {
    /// The reported organization, if there is one.
    pub(crate) fn organization(&self) -> Option<&Organization> {
        match &self.outcome {
            TenantOutcome::Reported(organization) => Some(organization),
            TenantOutcome::NotManagement(_) | TenantOutcome::Failed(_) => None,
        }
    }
}

impl Report {
    /// The reported organizations.
    pub(crate) fn organizations(&self) -> impl Iterator<Item = &Organization> {
        self.tenants.iter().filter_map(Tenant::organization)
    }

    /// The reported accounts.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.organizations().flat_map(|organization| &organization.accounts)
    }

    /// True if nothing is missing. A tenant that is not a management account is reported as such, and is not
    /// missing.
    pub(crate) fn is_whole(&self) -> bool {
        let has_failed = |tenant: &Tenant| matches!(tenant.outcome, TenantOutcome::Failed(_));
        self.unusable_tenants.is_empty()
            && !self.tenants.iter().any(has_failed)
            && self.organizations().all(|organization| organization.truncated_by.is_none())
            && self.accounts().all(|account| account.missing.is_empty())
    }

    /// The name of the run: its start, for example `2026-03-02T09-00-00Z`.
    pub(crate) fn name(&self) -> String {
        run_name(self.started)
    }
}

/// The name of a run that started at this time; valid in file names.
pub(crate) fn run_name(started: Timestamp) -> String {
    started.strftime("%Y-%m-%dT%H-%M-%SZ").to_string()
}
