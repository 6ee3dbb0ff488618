//! Access key ids.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An access key id. `Display` and `Debug` show only its last four characters, so that logs never hold a whole one.
///
/// ```
/// use autotag_model::identity::AccessKeyId;
///
/// let key = AccessKeyId::new("ASIAEXAMPLE1234ABCD").ok_or("empty")?;
/// assert_eq!(key.to_string(), "...ABCD");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccessKeyId(String);

impl AccessKeyId {
    /// The access key id of this text; `None` if it is empty.
    pub fn new(id: &str) -> Option<Self> {
        (!id.is_empty()).then(|| Self(id.to_owned()))
    }

    /// The whole id, for comparisons and for the sort key of a store. Do not log it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.chars().count();
        write!(f, "...{}", self.0.chars().skip(length.saturating_sub(4)).collect::<String>())
    }
}

impl fmt::Debug for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessKeyId({self})")
    }
}
