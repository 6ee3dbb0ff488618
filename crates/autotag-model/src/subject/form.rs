//! The names by which a policy refers to forms of subjects.

use super::table::TABLE;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use std::fmt;

/// The name of a form of subjects that a policy may give to an issuer of one's own: `gitlab`, `kubernetes`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FormName(String);

impl FormName {
    /// The form of this name, if a policy may use it.
    pub fn new(name: &str) -> Option<Self> {
        TABLE.forms.get(name).filter(|form| form.policy).map(|_| Self(name.to_owned()))
    }

    /// The names of all forms that a policy may use.
    pub fn all() -> impl Iterator<Item = &'static str> {
        TABLE.forms.iter().filter(|(_, form)| form.policy).map(|(name, _)| name.as_str())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FormName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FormName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).ok_or_else(|| {
            let all: Vec<&str> = Self::all().collect();
            D::Error::custom(format!("no form `{text}` of subjects; there are {}", all.join(", ")))
        })
    }
}
