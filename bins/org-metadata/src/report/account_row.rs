//! One account as a flat row, for the CSV, JSON lines, Parquet and the page.

use super::groups::RegionGroups;
use super::{Account, Organization};
use autotag_model::arn::Region;
use serde::Serialize;
use std::collections::BTreeMap;

/// The keys of the tag that the report calls `Environment`. The first one that the account has counts.
pub(crate) const ENVIRONMENT: [&str; 6] = ["environment", "Environment", "ENVIRONMENT", "env", "Env", "ENV"];
/// The keys of the tag that the report calls `Aide_ID`.
pub(crate) const AIDE_ID: [&str; 6] = ["aide-id", "AIDE_ID", "AIDE-ID", "aide_id", "aideId", "AideId"];

/// The keys of the tag that the report calls `Owner`: who is responsible for the account.
pub(crate) const OWNER: [&str; 6] =
    ["Owner", "owner", "OWNER", "AccountOwner", "account-owner", "account_owner"];

/// One account. Files have the fields in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AccountRow {
    pub(crate) account_id: String,
    pub(crate) account_name: String,
    pub(crate) org_id: String,
    /// The management account's id, as in `tenant_id`.
    pub(crate) tenant_name: String,
    pub(crate) csp: &'static str,
    pub(crate) billing_account_state: Option<String>,
    /// The group of `regions`; `multi` if there are several, empty if there is none.
    pub(crate) region_group: String,
    /// Active regions that belong to a group.
    pub(crate) regions: Vec<String>,
    pub(crate) tenant_id: String,
    /// `None` if the account has no such tag, or if its tags are unknown: see `scan_problems`.
    pub(crate) environment: Option<String>,
    pub(crate) aide_id: Option<String>,
    pub(crate) management: bool,
    /// See [`Account::status`].
    pub(crate) scan_status: String,
    pub(crate) scan_problems: Vec<String>,
    /// All active regions.
    pub(crate) all_regions: Vec<String>,
    /// Active regions that belong to no group.
    pub(crate) unmapped_regions: Vec<String>,
    /// Enabled regions that could not be scanned.
    pub(crate) unknown_regions: Vec<String>,
    pub(crate) ou_path: Option<String>,
    pub(crate) joined_method: Option<String>,
    /// RFC 3339, UTC.
    pub(crate) joined: Option<String>,
    /// The tags that the report needs, by key.
    pub(crate) tags: BTreeMap<String, String>,
    /// The tag with one of the keys [`OWNER`].
    pub(crate) owner: Option<String>,
    /// The mail address of the account's root user.
    pub(crate) email: Option<String>,
}

impl AccountRow {
    pub(crate) fn new(organization: &Organization, account: &Account, groups: &RegionGroups) -> Self {
        let first = |keys: &[&str]| keys.iter().find_map(|key| account.tags.get(*key)).cloned();
        let listed = &account.listed;
        Self {
            account_id: listed.id.to_string(),
            account_name: listed.name.clone(),
            org_id: organization.id.clone(),
            tenant_name: organization.management.to_string(),
            csp: "AWS",
            billing_account_state: listed.state.clone(),
            region_group: groups.group(&account.active).to_owned(),
            regions: texts(groups.mapped(&account.active)),
            tenant_id: organization.management.to_string(),
            environment: first(&ENVIRONMENT),
            aide_id: first(&AIDE_ID),
            management: account.management,
            scan_status: account.status(),
            scan_problems: account.missing.iter().map(ToString::to_string).collect(),
            all_regions: texts(account.active.iter()),
            unmapped_regions: texts(groups.unmapped(&account.active)),
            unknown_regions: texts(account.unknown.iter()),
            ou_path: listed.ou_path.clone(),
            joined_method: listed.joined_method.clone(),
            joined: listed.joined.map(|joined| joined.to_string()),
            tags: account.tags.clone(),
            owner: first(&OWNER),
            email: listed.email.clone(),
        }
    }
}

fn texts<'r>(regions: impl Iterator<Item = &'r Region>) -> Vec<String> {
    regions.map(ToString::to_string).collect()
}
