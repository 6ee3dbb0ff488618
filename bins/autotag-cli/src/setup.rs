//! Catalogue and policy from the command line.

use crate::suggest::did_you_mean;
use anyhow::{Context as _, Result, anyhow};
use autotag_handlers::catalog::Catalog;
use autotag_model::policy::Policy;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The most bytes of a policy or a file of rules.
const MOST_BYTES: u64 = 16 << 20;

/// Wrong usage or configuration. The program ends with exit code 2.
#[derive(Debug)]
pub(crate) struct UsageError(String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// A [`UsageError`] with this message.
pub(crate) fn usage_error(message: impl Into<String>) -> anyhow::Error {
    anyhow!(UsageError(message.into()))
}

/// The embedded catalogue with the user's rule files.
///
/// # Errors
/// A [`UsageError`] that names every wrong file, not only the first.
pub(crate) fn catalog(rules: &[PathBuf]) -> Result<Catalog> {
    let mut catalog = Catalog::embedded();
    let mut wrong = Vec::new();
    for path in rules {
        let added = read(path).map_err(|error| format!("{error:#}")).and_then(|text| {
            catalog.add(&path.display().to_string(), &text).map_err(|error| {
                let error = error.to_string();
                let hint = did_you_mean(&error);
                error + &hint
            })
        });
        wrong.extend(added.err());
    }
    if wrong.is_empty() { Ok(catalog) } else { Err(usage_error(wrong.join("\n"))) }
}

/// The default policy file, in the current folder.
pub(crate) const POLICY_FILE: &str = "autotag.toml";

/// The policy of a file; without a path that of [`POLICY_FILE`] if it exists, otherwise the built-in one.
///
/// # Errors
/// A [`UsageError`] if the file cannot be read or is wrong.
pub(crate) fn policy(path: Option<&Path>) -> Result<Policy> {
    let default = Path::new(POLICY_FILE);
    let Some(path) = path.or_else(|| default.is_file().then_some(default)) else {
        return Ok(Policy::default());
    };
    let text = read(path).map_err(|error| usage_error(format!("{error:#}")))?;
    Policy::from_toml(&text).map_err(|error| {
        let error = error.to_string();
        let hint = did_you_mean(&error);
        usage_error(format!("policy `{}`: {}{hint}", path.display(), error.trim_end()))
    })
}

/// The source from which [`policy`] reads the policy, for people.
pub(crate) fn policy_name(path: Option<&Path>) -> String {
    match path {
        Some(path) => path.display().to_string(),
        None if Path::new(POLICY_FILE).is_file() => format!("./{POLICY_FILE}"),
        None => "built-in".to_owned(),
    }
}

fn read(path: &Path) -> Result<String> {
    let read = || {
        let mut text = String::new();
        File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MOST_BYTES {
            return Err(io::Error::other(format!("larger than {} MB", MOST_BYTES >> 20)));
        }
        Ok(text)
    };
    read().with_context(|| format!("cannot read `{}`", path.display()))
}
