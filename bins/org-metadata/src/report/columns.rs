//! The columns of the CSV.

use super::record::Record;
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
    /// The account tag with exactly this key.
    Tag(String),
}

use Column::{
    AccountId, AccountName, AideId, AllRegions, BillingAccountState, Csp, Environment, Joined, JoinedMethod,
    OrgId, OuPath, RegionGroup, Regions, ScanProblems, ScanStatus, TenantId, TenantName, UnknownRegions,
    UnmappedRegions,
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

/// What else there is.
const MORE: [Column; 8] =
    [ScanStatus, ScanProblems, AllRegions, UnmappedRegions, UnknownRegions, OuPath, JoinedMethod, Joined];

/// What stands before the key of a tag.
const TAG: &str = "Tag:";

impl Column {
    /// What stands in this column for an account. Several regions have commas between them.
    pub(crate) fn cell(&self, record: &Record) -> String {
        let known = |text: &Option<String>| text.clone().unwrap_or_default();
        match self {
            AccountId => record.account_id.clone(),
            AccountName => record.account_name.clone(),
            OrgId => record.org_id.clone(),
            TenantName => record.tenant_name.clone(),
            Csp => record.csp.to_owned(),
            BillingAccountState => known(&record.billing_account_state),
            RegionGroup => record.region_group.clone(),
            Regions => record.regions.join(","),
            TenantId => record.tenant_id.clone(),
            Environment => known(&record.environment),
            AideId => known(&record.aide_id),
            ScanStatus => record.scan_status.clone(),
            ScanProblems => record.scan_problems.join("; "),
            AllRegions => record.all_regions.join(","),
            UnmappedRegions => record.unmapped_regions.join(","),
            UnknownRegions => record.unknown_regions.join(","),
            OuPath => known(&record.ou_path),
            JoinedMethod => known(&record.joined_method),
            Joined => known(&record.joined),
            Self::Tag(key) => record.tags.get(key).cloned().unwrap_or_default(),
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
            Self::Tag(key) => return write!(f, "{TAG}{key}"),
        })
    }
}

impl FromStr for Column {
    type Err = String;

    /// By the name as it stands in the header.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if let Some(key) = name.strip_prefix(TAG) {
            let key = (!key.is_empty()).then(|| Self::Tag(key.to_owned()));
            return key.ok_or_else(|| format!("`{TAG}` wants the key of an account tag behind it"));
        }
        let mut known = KNOWN.into_iter().chain(MORE);
        known.find(|column| column.to_string() == name).ok_or_else(|| {
            let names: Vec<String> = KNOWN.iter().chain(&MORE).map(ToString::to_string).collect();
            format!(
                "there is no column `{name}`; there are {}, and {TAG}KEY for any account tag",
                names.join(", ")
            )
        })
    }
}

/// Columns as they are asked for: names with commas between them. With a plus before the first one, they come behind the
/// known columns; without, they are all there are.
///
/// # Errors
/// Every name that is none.
pub(crate) fn parse(list: &str) -> Result<Vec<Column>, Vec<String>> {
    let more = list.trim_start().starts_with('+');
    let mut columns = if more { KNOWN.to_vec() } else { Vec::new() };
    let mut wrong = Vec::new();
    for name in
        list.split(',').map(|name| name.trim().trim_start_matches('+')).filter(|name| !name.is_empty())
    {
        match name.parse() {
            Ok(column) if columns.contains(&column) => wrong.push(format!("`{name}` stands there twice")),
            Ok(column) => columns.push(column),
            Err(why) => wrong.push(why),
        }
    }
    if columns.is_empty() && wrong.is_empty() {
        wrong.push("no column is named".to_owned());
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
    fn the_known_columns_stand_in_their_order() {
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
    fn all_wrong_names_are_told_at_once() {
        let wrong = parse("Account_Id,Nope,+CSP,CSP,Tag:").unwrap_err();
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(wrong.first().unwrap().contains("no column `Nope`"), "{wrong:?}");
        assert_eq!(parse(" , ").unwrap_err().len(), 1);
    }
}
