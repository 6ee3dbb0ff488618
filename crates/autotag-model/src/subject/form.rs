//! The forms that subjects have.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use std::fmt;

/// The name of a form of subjects that a policy may give to an issuer of one's own: `gitlab`, `kubernetes`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FormName(String);

/// The forms that exist.
const FORMS: [&str; 3] = ["github", "gitlab", "kubernetes"];

impl FormName {
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
        if FORMS.contains(&text.as_str()) {
            return Ok(Self(text));
        }
        Err(D::Error::custom(format!("no form `{text}` of subjects; there are {}", FORMS.join(", "))))
    }
}
