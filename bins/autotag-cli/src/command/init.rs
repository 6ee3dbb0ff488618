//! `autotag init`: a policy file that has every setting, with its default, as a comment.

use crate::cli::InitArgs;
use crate::completion::Completion;
use crate::console;
use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};

/// The file. A line that begins with `#` and a setting has the default of this setting.
pub(crate) const COMMENTED_POLICY: &str = include_str!("init/autotag.toml");

pub(crate) fn run(args: &InitArgs) -> Result<Completion> {
    let path = args.file.display();
    let mut file = OpenOptions::new().write(true).create_new(true).open(&args.file).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::AlreadyExists => "it exists, and is not overwritten; name another file".to_owned(),
            _ => error.to_string(),
        };
        usage_error(format!("cannot write `{path}`: {why}"))
    })?;
    file.write_all(COMMENTED_POLICY.as_bytes()).with_context(|| format!("cannot write `{path}`"))?;
    let mut notes = console::notes();
    writeln!(notes, "wrote `{path}`: as it is, it changes nothing")?;
    writeln!(
        notes,
        "next: remove the # before a setting to change it, then run `autotag policy check {path}`"
    )?;
    Ok(Completion::Complete)
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_model::policy::Policy;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// A line with a setting that is commented out, without the `#`.
    fn setting(line: &str) -> Option<&str> {
        line.strip_prefix('#').filter(|rest| rest.contains(" = ") && !rest.starts_with([' ', '#']))
    }

    /// The file without the `#` before some settings.
    fn with(wanted: impl Fn(&str) -> bool) -> String {
        let lines =
            COMMENTED_POLICY.lines().map(|line| setting(line).filter(|line| wanted(line)).unwrap_or(line));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_file_is_the_built_in_policy() {
        assert_eq!(Policy::from_toml(COMMENTED_POLICY), Ok(Policy::default()));
    }

    #[test]
    fn each_setting_has_its_default() {
        let settings: Vec<&str> = COMMENTED_POLICY.lines().filter_map(setting).collect();
        assert!(settings.len() > 15, "{settings:?}");
        for wanted in &settings {
            let text = with(|line| line == *wanted);
            assert_eq!(Policy::from_toml(&text), Ok(Policy::default()), "{wanted}");
        }
        assert_eq!(Policy::from_toml(&with(|_| true)), Ok(Policy::default()), "all settings");
    }

    #[test]
    fn every_setting_of_the_schema_is_in_the_file() {
        let schema: Value = serde_json::from_str(crate::schema::POLICY).unwrap();
        let mut missing = BTreeSet::new();
        for (table, settings) in schema["properties"].as_object().unwrap() {
            if !COMMENTED_POLICY.contains(&format!("[{table}]")) {
                missing.insert(table.clone());
            }
            let none = serde_json::Map::new();
            for (name, about) in settings["properties"].as_object().unwrap_or(&none) {
                let is_earlier_form = about["deprecated"] == true;
                let as_table = format!("[{table}.{name}]");
                if !is_earlier_form
                    && !COMMENTED_POLICY.contains(&format!("{name} = "))
                    && !COMMENTED_POLICY.contains(&as_table)
                {
                    missing.insert(format!("{table}.{name}"));
                }
            }
        }
        assert!(missing.is_empty(), "not in command/init/autotag.toml: {missing:?}");
    }

    #[test]
    fn examples_in_comments_are_right() {
        // Each example by itself, in the table whose heading is nearest: before it, or after it for a table's own comment.
        for (line, table) in [
            ("opt_out = \"autotag-ignore\"", "existing"),
            ("allow = [\"Team\", \"CostCenter\"]", "copy"),
            ("actor_tag = \"Actor\"", "trust"),
            ("ManagedBy = \"autotag\"", "static"),
            ("\"gitlab.example.com\" = \"gitlab\"", "trust.issuers"),
            ("\"alice@example.com\" = [\"arn:aws:iam::111122223333:user/alice\"]", "people"),
            ("\"AWS::EC2::*\" = [\"Name\"]", "require.types"),
        ] {
            assert!(COMMENTED_POLICY.contains(&format!("\n# {line}\n")), "{line}");
            let read = Policy::from_toml(&format!("[{table}]\n{line}\n"));
            assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
        }
    }
}
