//! The JSON schemas that describe what people write and what programs read. The files in `docs/schemas` are
//! their source. They are written by hand: a derived schema would have neither the patterns nor the words. The tests below compare them with
//! the keys that are read, and `tests/artefacts/schemas.rs` with real files and output.

/// A policy file.
pub(crate) const POLICY: &str = include_str!("../../../docs/schemas/policy.json");

/// A rule file.
pub(crate) const RULES: &str = include_str!("../../../docs/schemas/rules.json");

/// A row of `plan` and `apply` in JSON.
pub(crate) const ROW: &str = include_str!("../../../docs/schemas/row.json");

/// The summary of `plan` and `apply` in JSON.
pub(crate) const SUMMARY: &str = include_str!("../../../docs/schemas/summary.json");

/// A line of `explain` in JSON.
pub(crate) const EXPLANATION: &str = include_str!("../../../docs/schemas/explanation.json");

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_model::policy::Policy;
    use autotag_model::rule::ServiceRules;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// The names that the reader of a file would have taken in the place of `unknown`.
    fn expected(error: &str) -> BTreeSet<String> {
        let (_, known) =
            error.split_once("unknown field `unknown`, expected ").unwrap_or_else(|| panic!("{error}"));
        known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    fn properties(schema: &str, pointer: &str) -> BTreeSet<String> {
        let schema: Value = serde_json::from_str(schema).unwrap();
        let table = schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"));
        assert_eq!(table["additionalProperties"], false, "{pointer} takes unknown keys");
        table["properties"].as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn the_schema_of_policies_has_the_settings_that_are_read() {
        let refused = |text: &str| expected(&Policy::from_toml(text).unwrap_err().to_string());
        assert_eq!(refused("unknown = 1"), properties(POLICY, ""));
        for table in ["policy", "copy", "existing", "ignore", "trust", "require", "tamper"] {
            let read = refused(&format!("[{table}]\nunknown = 1"));
            assert_eq!(read, properties(POLICY, &format!("/properties/{table}")), "[{table}]");
        }
    }

    #[test]
    fn the_schema_of_rules_has_the_keys_that_are_read() {
        let head = "source = \"sqs.amazonaws.com\"\nname = \"SQS\"\n";
        let refused = |text: &str| {
            expected(
                &ServiceRules::from_toml(&format!("{head}{text}\nunknown = 1\n")).unwrap_err().to_string(),
            )
        };
        let each = "/additionalProperties";
        for (table, pointer) in [
            ("", String::new()),
            ("[[rule]]", "/properties/rule/items".to_owned()),
            ("[[deletion]]", "/properties/deletion/items".to_owned()),
            ("[limits]", "/properties/limits".to_owned()),
            ("[native.Call]", format!("/properties/native{each}")),
            ("[native.Call.read]", format!("/properties/native{each}/properties/read")),
            ("[tag_changes.Event]", format!("/properties/tag_changes{each}")),
        ] {
            assert_eq!(refused(table), properties(RULES, &pointer), "{table}");
        }
    }
}
