//! `[require]`: the tag keys that resources must have.

use super::pattern::Pattern;
use crate::tags::{TagConstraints, TagKey};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use std::collections::BTreeMap;

/// The tag keys that resources must have. autotag reports which are missing; it writes none of them.
///
/// ```
/// use autotag_model::policy::Policy;
///
/// let policy = Policy::from_toml(
///     "[require]\nkeys = [\"CostCenter\"]\n[require.types]\n\"AWS::EC2::*\" = [\"Name\"]\n",
/// )?;
/// let missing = |resource_type: &str| policy.required.missing(resource_type, |key| key == "Name");
/// assert_eq!(missing("AWS::EC2::Instance"), ["CostCenter"]);
/// # Ok::<(), autotag_model::policy::PolicyError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Required {
    /// The keys of every resource.
    pub keys: Vec<String>,
    /// Further keys of resources whose type matches the pattern.
    pub by_type: Vec<(Pattern, Vec<String>)>,
}

impl Required {
    /// The keys that a resource of this type must have and does not have, each once. `has` tells which it has. Upper and
    /// lower case of keys count, as they do to AWS: in costs `costcenter` is another key than `CostCenter`.
    pub fn missing(&self, resource_type: &str, has: impl Fn(&str) -> bool) -> Vec<String> {
        let of_type = self.by_type.iter().filter(|(pattern, _)| pattern.matches(resource_type));
        let wanted = self.keys.iter().chain(of_type.flat_map(|(_, keys)| keys));
        let mut missing: Vec<String> = Vec::new();
        for key in wanted {
            if !has(key) && !missing.contains(key) {
                missing.push(key.clone());
            }
        }
        missing
    }
}

/// `[require]` as the policy file has it.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RequireFile {
    keys: Vec<Key>,
    types: BTreeMap<TypePattern, Vec<Key>>,
}

struct Key(String);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct TypePattern(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match TagKey::sanitize(&text, &TagConstraints::default()) {
            Ok((_, None)) => Ok(Self(text)),
            Ok((_, Some(adjusted))) => {
                Err(D::Error::custom(format!("`{text}` is not a valid tag key: {adjusted} would be needed")))
            }
            Err(error) => Err(D::Error::custom(format!("`{text}`: {error}"))),
        }
    }
}

impl<'de> Deserialize<'de> for TypePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !text.contains("::") {
            return Err(D::Error::custom(format!(
                "`{text}` is not a pattern for resource types: expected `AWS::EC2::Instance` or `AWS::EC2::*`; \
                 keys of all resources are in `require.keys`"
            )));
        }
        Ok(Self(text))
    }
}

impl From<RequireFile> for Required {
    fn from(file: RequireFile) -> Self {
        let keys = |keys: Vec<Key>| keys.into_iter().map(|key| key.0).collect();
        let by_type = file.types.into_iter();
        Self {
            keys: keys(file.keys),
            by_type: by_type.map(|(pattern, wanted)| (Pattern::new(&pattern.0), keys(wanted))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::Policy;

    fn missing(require: &str, resource_type: &str, there: &[&str]) -> Vec<String> {
        let policy = Policy::from_toml(&format!("[require]\n{require}")).unwrap();
        policy.required.missing(resource_type, |key| there.contains(&key))
    }

    #[test]
    fn keys_of_all_resources_and_of_types_are_wanted_once() {
        let require = "keys = [\"CostCenter\", \"Team\"]\n\
                       [types]\n\"AWS::EC2::*\" = [\"Name\", \"Team\"]\n\"AWS::EC2::Instance\" = [\"Name\", \"Backup\"]";
        let require = require.replace("[types]", "[require.types]");
        let of = |resource_type: &str, there: &[&str]| missing(&require, resource_type, there);
        assert_eq!(of("AWS::SQS::Queue", &[]), ["CostCenter", "Team"]);
        assert_eq!(of("AWS::EC2::Volume", &["Team"]), ["CostCenter", "Name"]);
        assert_eq!(of("AWS::EC2::Instance", &["CostCenter"]), ["Team", "Name", "Backup"]);
        assert_eq!(of("AWS::EC2::Instance", &["CostCenter", "Team", "Name", "Backup"]), [""; 0]);
        assert_eq!(of("AWS::EC2", &[]), ["CostCenter", "Team"]);
    }

    #[test]
    fn a_key_in_another_case_is_another_key() {
        assert_eq!(missing("keys = [\"CostCenter\"]", "AWS::SQS::Queue", &["costcenter"]), ["CostCenter"]);
    }

    #[test]
    fn without_the_table_nothing_is_missing() {
        assert_eq!(Policy::default().required.missing("AWS::SQS::Queue", |_| false), [""; 0]);
    }

    #[test]
    fn what_no_resource_can_have_is_refused_with_its_position() {
        for (require, why) in [
            ("keys = \"Team\"", "expected a sequence"),
            ("keys = [\"\"]", "empty"),
            ("keys = [\"aws:createdBy\"]", "aws:"),
            ("keys = [\"Team;\"]", "is not a valid tag key"),
            ("key = [\"Team\"]", "unknown field"),
            ("types = { \"ec2\" = [\"Name\"] }", "is not a pattern for resource types"),
            ("types = { \"*\" = [\"Name\"] }", "`require.keys`"),
            ("types = { \"\" = [\"Name\"] }", "is not a pattern for resource types"),
        ] {
            let error = Policy::from_toml(&format!("[require]\n{require}")).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("line 2"), "{require}: {error}");
        }
    }
}
