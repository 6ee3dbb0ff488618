//! Region groups: regions that are reported under one name, by a data file.

use autotag_model::arn::Region;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The groups of the known report.
const DEFAULT: &str = include_str!("../../region-groups.toml");

/// The group of an account that is active in several groups.
const SEVERAL: &str = "multi";

/// The group of each region. A region belongs to at most one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RegionGroups {
    by_region: BTreeMap<Region, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    groups: BTreeMap<String, Vec<String>>,
}

impl RegionGroups {
    /// Parses a file (TOML): the table `[groups]`, with a list of regions for each group.
    ///
    /// # Errors
    /// The fault of the file, for people.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut by_region = BTreeMap::new();
        for (group, regions) in file.groups {
            if group.is_empty() || group == SEVERAL {
                return Err(format!("a group cannot be called `{group}`: accounts in several groups are"));
            }
            for code in regions {
                let region =
                    Region::new(&code).ok_or_else(|| format!("`{code}` in {group} is not a region"))?;
                if let Some(other) = by_region.insert(region, group.clone()) {
                    return Err(format!("`{code}` is in {other} and in {group}"));
                }
            }
        }
        Ok(Self { by_region })
    }

    /// The regions that belong to a group.
    pub(crate) fn mapped<'r>(&self, regions: &'r BTreeSet<Region>) -> impl Iterator<Item = &'r Region> {
        regions.iter().filter(|region| self.by_region.contains_key(*region))
    }

    /// The regions that belong to no group.
    pub(crate) fn unmapped<'r>(&self, regions: &'r BTreeSet<Region>) -> impl Iterator<Item = &'r Region> {
        regions.iter().filter(|region| !self.by_region.contains_key(*region))
    }

    /// The group of all regions that belong to one; `multi` if there are several, empty if there is none.
    pub(crate) fn group(&self, regions: &BTreeSet<Region>) -> &str {
        let groups: BTreeSet<&str> =
            regions.iter().filter_map(|region| self.by_region.get(region)).map(String::as_str).collect();
        match groups.len() {
            0 => "",
            1 => groups.first().copied().unwrap_or_default(),
            _ => SEVERAL,
        }
    }
}

impl Default for RegionGroups {
    fn default() -> Self {
        // A test parses this file. If parsing failed, no region would belong to a group.
        Self::parse(DEFAULT).unwrap_or(Self { by_region: BTreeMap::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions(codes: &[&str]) -> BTreeSet<Region> {
        codes.iter().map(|code| Region::new(code).unwrap()).collect()
    }

    #[test]
    fn the_shipped_groups_are_those_of_the_known_report() {
        let groups = RegionGroups::default();
        for (codes, group) in [
            (&["us-east-1", "us-west-2"][..], "US"),
            (&["us-east-2", "us-west-1"], "US"),
            (&["eu-west-2"], "UK"),
            (&["eu-north-1", "eu-west-1"], "EU"),
            (&["sa-east-1"], "BR"),
            (&["eu-west-1", "eu-west-2"], "multi"),
            (&["eu-central-1"], ""),
            (&["eu-central-1", "sa-east-1"], "BR"),
            (&[], ""),
        ] {
            assert_eq!(groups.group(&regions(codes)), group, "{codes:?}");
        }
        let found = regions(&["ap-south-1", "eu-west-1"]);
        assert_eq!(groups.mapped(&found).map(Region::as_str).collect::<Vec<_>>(), ["eu-west-1"]);
        assert_eq!(groups.unmapped(&found).map(Region::as_str).collect::<Vec<_>>(), ["ap-south-1"]);
    }

    #[test]
    fn ambiguous_files_are_refused() {
        for (text, said) in [
            ("[groups]\nA = [\"eu-west-1\"]\nB = [\"eu-west-1\"]", "is in A and in B"),
            ("[groups]\nmulti = [\"eu-west-1\"]", "cannot be called `multi`"),
            ("[groups]\nA = [\"Frankfurt!\"]", "is not a region"),
            ("groups = 1", "invalid type"),
            ("[group]\nA = []", "unknown field"),
        ] {
            let error = RegionGroups::parse(text).unwrap_err();
            assert!(error.contains(said), "{text:?}: {error}");
        }
    }
}
