//! The columns of the CSV.

use super::account_row::AccountRow;
use std::fmt;
use std::str::FromStr;

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Column {
    AccountId,
    AccountName,
    OrgId,
    TenantName,
    Csp,
    BillingAccountState,
    RegionGroup,
    Regions,
    TenantId,
    Environment,
    AideId,
    ScanStatus,
    ScanProblems,
    AllRegions,
    UnmappedRegions,
    UnknownRegions,
    OuPath,
    JoinedMethod,
    Joined,
    Owner,
    Email,
    /// The account tag with exactly this key.
    Tag(String),
}

use Column::{
    AccountId, AccountName, AideId, AllRegions, BillingAccountState, Csp, Email, Environment, Joined,
    JoinedMethod, OrgId, OuPath, Owner, RegionGroup, Regions, ScanProblems, ScanStatus, TenantId, TenantName,
    UnknownRegions, UnmappedRegions,
};

/// The columns of the known report, in its order.
pub(crate) const KNOWN: [Column; 11] = [
    AccountId,
    AccountName,
    OrgId,
    TenantName,
    Csp,
    BillingAccountState,
    RegionGroup,
    Regions,
    TenantId,
    Environment,
    AideId,
];

/// Other columns.
const MORE: [Column; 10] = [
    ScanStatus,
    ScanProblems,
    AllRegions,
    UnmappedRegions,
    UnknownRegions,
    OuPath,
    JoinedMethod,
    Joined,
    Owner,
    Email,
];

/// The prefix of columns of tags, before the key.
const TAG: &str = "Tag:";

impl Column {
    /// The cell of an account. Regions have commas between them.
    pub(crate) fn cell(&self, account_row: &AccountRow) -> String {
        let known = |text: &Option<String>| text.clone().unwrap_or_default();
        match self {
            AccountId => account_row.account_id.clone(),
            AccountName => account_row.account_name.clone(),
            OrgId => account_row.org_id.clone(),
            TenantName => account_row.tenant_name.clone(),
            Csp => account_row.csp.to_owned(),
            BillingAccountState => known(&account_row.billing_account_state),
            RegionGroup => account_row.region_group.clone(),
            Regions => account_row.regions.join(","),
            TenantId => account_row.tenant_id.clone(),
            Environment => known(&account_row.environment),
            AideId => known(&account_row.aide_id),
            ScanStatus => account_row.scan_status.clone(),
            ScanProblems => account_row.scan_problems.join("; "),
            AllRegions => account_row.all_regions.join(","),
            UnmappedRegions => account_row.unmapped_regions.join(","),
            UnknownRegions => account_row.unknown_regions.join(","),
            OuPath => known(&account_row.ou_path),
            JoinedMethod => known(&account_row.joined_method),
            Joined => known(&account_row.joined),
            Owner => known(&account_row.owner),
            Email => known(&account_row.email),
            Self::Tag(key) => account_row.tags.get(key).cloned().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AccountId => "Account_Id",
            AccountName => "Account_Name",
            OrgId => "Org_ID",
            TenantName => "Tenant_Name",
            Csp => "CSP",
            BillingAccountState => "Billing_Account_State",
            RegionGroup => "Region_Group",
            Regions => "Regions",
            TenantId => "Tenant_ID",
            Environment => "Environment",
            AideId => "Aide_ID",
            ScanStatus => "Scan_Status",
            ScanProblems => "Scan_Problems",
            AllRegions => "All_Regions",
            UnmappedRegions => "Unmapped_Regions",
            UnknownRegions => "Unknown_Regions",
            OuPath => "OU_Path",
            JoinedMethod => "Joined_Method",
            Joined => "Joined",
            Owner => "Owner",
            Email => "Email",
            Self::Tag(key) => return write!(f, "{TAG}{key}"),
        })
    }
}

impl FromStr for Column {
    type Err = String;

    /// By the name in the header.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if let Some(key) = name.strip_prefix(TAG) {
            let key = (!key.is_empty()).then(|| Self::Tag(key.to_owned()));
            return key.ok_or_else(|| format!("`{TAG}`: expected the key of an account tag after it"));
        }
        let mut known = KNOWN.into_iter().chain(MORE);
        known.find(|column| column.to_string() == name).ok_or_else(|| {
            let names: Vec<String> = KNOWN.iter().chain(&MORE).map(ToString::to_string).collect();
            format!("no column `{name}`: expected {}, or {TAG}KEY for an account tag", names.join(", "))
        })
    }
}

/// Parses a list of column names with commas between them. With a plus before the first name, the columns follow the known
/// columns; otherwise they replace them.
///
/// # Errors
/// All names that are wrong.
pub(crate) fn parse(list: &str) -> Result<Vec<Column>, Vec<String>> {
    let more = list.trim_start().starts_with('+');
    let mut columns = if more { KNOWN.to_vec() } else { Vec::new() };
    let mut wrong = Vec::new();
    for name in
        list.split(',').map(|name| name.trim().trim_start_matches('+')).filter(|name| !name.is_empty())
    {
        match name.parse() {
            Ok(column) if columns.contains(&column) => wrong.push(format!("duplicate column `{name}`")),
            Ok(column) => columns.push(column),
            Err(why) => wrong.push(why),
        }
    }
    if columns.is_empty() && wrong.is_empty() {
        wrong.push("expected at least one column".to_owned());
    }
    if wrong.is_empty() { Ok(columns) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Vec<String> {
        parse(list).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn known_columns_have_the_order_of_the_known_report() {
        let header: Vec<String> = KNOWN.iter().map(ToString::to_string).collect();
        assert_eq!(
            header.join(", "),
            "Account_Id, Account_Name, Org_ID, Tenant_Name, CSP, Billing_Account_State, Region_Group, Regions, \
             Tenant_ID, Environment, Aide_ID"
        );
    }

    #[test]
    fn a_plus_adds_and_a_list_replaces() {
        let added = names("+Scan_Status,+OU_Path,Tag:Cost Center");
        assert_eq!(added.get(..11).unwrap(), KNOWN.map(|column| column.to_string()));
        assert_eq!(added.get(11..).unwrap(), ["Scan_Status", "OU_Path", "Tag:Cost Center"]);
        assert_eq!(names("Account_Id, Regions"), ["Account_Id", "Regions"]);
    }

    #[test]
    fn every_column_is_found_by_its_name() {
        for column in KNOWN.into_iter().chain(MORE) {
            assert_eq!(column.to_string().parse(), Ok(column));
        }
    }

    #[test]
    fn all_wrong_names_are_reported_at_once() {
        let wrong = parse("Account_Id,Nope,+CSP,CSP,Tag:").unwrap_err();
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(wrong.first().unwrap().contains("no column `Nope`"), "{wrong:?}");
        assert_eq!(parse(" , ").unwrap_err().len(), 1);
    }
}
