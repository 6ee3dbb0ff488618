//! What a run has found out: organizations, their accounts, and what could not be seen.
//!
//! Unknown is not empty: whatever was asked for has either an answer or a [`Gap`].

pub(crate) mod columns;
pub(crate) mod groups;
pub(crate) mod record;

use crate::aws::Failure;
use autotag_model::arn::{AccountId, Region};
use autotag_model::failure::ErrorClass;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything one run has found out.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// When the run began; a resumed run keeps the time of the first one. It names the run and its files.
    pub(crate) started: Timestamp,
    /// When everything had been asked.
    pub(crate) ended: Timestamp,
    /// Whether an earlier run was continued.
    pub(crate) resumed: bool,
    /// In the order of the tenants.
    pub(crate) tenants: Vec<Tenant>,
    /// What the tenant table says that is no account id.
    pub(crate) unusable_tenants: Vec<String>,
}

/// One management account that was asked for, and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    /// The account id as it was asked for.
    pub(crate) id: AccountId,
    pub(crate) outcome: TenantOutcome,
    /// How long it took, in milliseconds.
    pub(crate) millis: u64,
}

#[derive(Debug, Clone)]
pub(crate) enum TenantOutcome {
    /// Its organization.
    Reported(Organization),
    /// It is in an organization, but does not manage it; the account that does.
    NotManagement(AccountId),
    /// Nothing is known of it.
    Failed(Failure),
}

/// One organization.
#[derive(Debug, Clone)]
pub(crate) struct Organization {
    /// `o-...`
    pub(crate) id: String,
    pub(crate) management: AccountId,
    /// The management account first, then as `ListAccounts` has them.
    pub(crate) accounts: Vec<Account>,
    /// Why the list of accounts is not whole, if it is not.
    pub(crate) cut: Option<Failure>,
}

/// An account as `ListAccounts` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) id: AccountId,
    /// Chosen by the account itself: hostile.
    pub(crate) name: String,
    /// `State`, else `Status`; neither may be there.
    pub(crate) state: Option<String>,
    /// Ids of the organizational units from the root down, `r-.../ou-.../ou-...`.
    pub(crate) ou_path: Option<String>,
    /// `INVITED` or `CREATED`.
    pub(crate) joined_method: Option<String>,
    /// When it joined.
    pub(crate) joined: Option<Timestamp>,
}

/// One account.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) listed: Listed,
    /// Whether it is the management account.
    pub(crate) management: bool,
    /// Those of its tags that the report asks for, by key. Whoever may tag the account writes them: hostile.
    pub(crate) tags: BTreeMap<String, String>,
    /// Where something is that counts.
    pub(crate) active: BTreeSet<Region>,
    /// Enabled regions that could not be looked into.
    pub(crate) unknown: BTreeSet<Region>,
    pub(crate) gaps: Vec<Gap>,
}

/// Something about an account that could not be found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) about: About,
    pub(crate) failure: Failure,
}

/// What a gap is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    /// Its tags.
    Tags,
    /// The account could not be entered, so none of its regions is known.
    Entry,
    /// Which regions it has enabled, so none of them was looked into.
    EnabledRegions,
    /// What is in this region.
    Region(Region),
    /// What is in all regions that were not found active.
    OtherRegions,
}

impl Listed {
    /// Whether the account is entered at all: it is active, or nobody says what it is.
    pub(crate) fn is_open(&self) -> bool {
        self.state.as_deref().is_none_or(|state| state == "ACTIVE")
    }
}

impl Account {
    /// One word for how the account went: `ok`; the state in lower case where it was not entered for it; else what kept
    /// something from being known: `role_denied`, `throttled`, `denied`, `failed`.
    pub(crate) fn status(&self) -> String {
        let class = |class| self.gaps.iter().any(|gap| gap.failure.class == class);
        let entry_denied = |gap: &Gap| gap.about == About::Entry && gap.failure.class == ErrorClass::Denied;
        let word = match () {
            () if self.gaps.is_empty() && !self.listed.is_open() => {
                return self.listed.state.as_deref().unwrap_or_default().to_lowercase();
            }
            () if self.gaps.is_empty() => "ok",
            () if self.gaps.iter().any(entry_denied) => "role_denied",
            () if class(ErrorClass::Throttled) => "throttled",
            () if class(ErrorClass::Denied) => "denied",
            () => "failed",
        };
        word.to_owned()
    }

    /// What is not known and why, for people.
    pub(crate) fn problem(&self) -> String {
        let gaps: Vec<String> = self.gaps.iter().map(ToString::to_string).collect();
        gaps.join("; ")
    }
}

impl std::fmt::Display for Gap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Failure { operation, code, .. } = &self.failure;
        match &self.about {
            About::Tags => write!(f, "tags unknown: {operation} answered {code}"),
            About::Entry => write!(f, "regions unknown: {operation} answered {code}"),
            About::EnabledRegions => write!(f, "enabled regions unknown: {operation} answered {code}"),
            About::Region(region) => write!(f, "{region} unknown: {operation} answered {code}"),
            About::OtherRegions => write!(f, "other regions unknown: {operation} answered {code}"),
        }
    }
}

impl Tenant {
    /// Its organization, if there is one to report.
    pub(crate) fn organization(&self) -> Option<&Organization> {
        match &self.outcome {
            TenantOutcome::Reported(organization) => Some(organization),
            TenantOutcome::NotManagement(_) | TenantOutcome::Failed(_) => None,
        }
    }
}

impl Report {
    /// The organizations that are reported.
    pub(crate) fn organizations(&self) -> impl Iterator<Item = &Organization> {
        self.tenants.iter().filter_map(Tenant::organization)
    }

    /// The accounts that are reported.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.organizations().flat_map(|organization| &organization.accounts)
    }

    /// Whether all that was asked for is in it. A tenant that is no management account is not missing: it is said.
    pub(crate) fn is_whole(&self) -> bool {
        let broken = |tenant: &Tenant| matches!(tenant.outcome, TenantOutcome::Failed(_));
        self.unusable_tenants.is_empty()
            && !self.tenants.iter().any(broken)
            && self.organizations().all(|organization| organization.cut.is_none())
            && self.accounts().all(|account| account.gaps.is_empty())
    }

    /// The name of the run, `2026-03-02T09-00-00Z`: its start, as file names take it.
    pub(crate) fn name(&self) -> String {
        run_name(self.started)
    }
}

/// A time as it stands in file names.
pub(crate) fn run_name(started: Timestamp) -> String {
    started.strftime("%Y-%m-%dT%H-%M-%SZ").to_string()
}
