//! The expected report of an estate, computed from its content and not from the calls of the program.

use super::{Account, Estate, Organization};
use std::collections::BTreeSet;

/// The columns of the known report.
pub const HEADER: [&str; 11] = [
    "Account_Id",
    "Account_Name",
    "Org_ID",
    "Tenant_Name",
    "CSP",
    "Billing_Account_State",
    "Region_Group",
    "Regions",
    "Tenant_ID",
    "Environment",
    "Aide_ID",
];

/// Which region belongs to which group.
const GROUPS: [(&str, &[&str]); 4] = [
    ("US", &["us-east-1", "us-east-2", "us-west-1", "us-west-2"]),
    ("UK", &["eu-west-2"]),
    ("EU", &["eu-north-1", "eu-west-1"]),
    ("BR", &["sa-east-1"]),
];

impl Organization {
    /// The rows of its report, without the header.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let (first, others): (Vec<&Account>, Vec<&Account>) =
            self.accounts.iter().partition(|account| account.id == self.management);
        first.into_iter().chain(others).map(|account| self.row(account)).collect()
    }

    fn row(&self, account: &Account) -> Vec<String> {
        let active: Vec<&str> = if account.is_open() { account.active().collect() } else { Vec::new() };
        let group_of = |region: &str| GROUPS.iter().find(|(_, regions)| regions.contains(&region));
        let mapped: BTreeSet<&str> = active.into_iter().filter(|region| group_of(region).is_some()).collect();
        let groups: BTreeSet<&str> =
            mapped.iter().filter_map(|region| group_of(region)).map(|(group, _)| *group).collect();
        let group = if groups.len() > 1 { "multi" } else { groups.first().copied().unwrap_or_default() };
        let tag = |keys: [&str; 6]| {
            let find = |key: &&str| account.tags.iter().find(|(name, _)| name == key);
            keys.iter().find_map(find).map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        let cells = [
            account.id.as_str(),
            &account.name,
            &self.id,
            &self.management,
            "AWS",
            account.state.unwrap_or_default(),
            group,
            &mapped.into_iter().collect::<Vec<_>>().join(","),
            &self.management,
            tag(["environment", "Environment", "ENVIRONMENT", "env", "Env", "ENV"]),
            tag(["aide-id", "AIDE_ID", "AIDE-ID", "aide_id", "aideId", "AideId"]),
        ];
        cells.iter().map(|text| harmless(text)).collect()
    }
}

/// A text as a cell has it: no spreadsheet evaluates it.
fn harmless(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']);
    if formula { format!("'{text}") } else { text.to_owned() }
}

impl Estate {
    /// The organization of a management account.
    pub fn organization(&self, management: &str) -> &Organization {
        self.organizations.iter().find(|organization| organization.management == management).unwrap()
    }
}
