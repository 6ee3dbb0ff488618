//! Remarks about a decision for users, for example that a tag was shortened.

use crate::tags::{Adjustment, invisible_character};
use std::fmt;

/// Something that users should know about a tag that was or was not decided.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The caller set an identity key.
    Forged {
        /// The key as the caller wrote it.
        key: String,
        /// True if its value is replaced.
        replaced: bool,
    },
    /// A key or value was changed to fit.
    Adjusted(String, Adjustment),
    /// A session or IAM tag with a key of the policy was not copied.
    Protected(String),
    /// A tag with a key that begins with `aws:` was not copied.
    Reserved(String),
    /// The resource has no room for the tag of this key.
    NoRoom(String),
    /// A placeholder of the tag of this key has no value for this event.
    NoValue(String),
    /// The user's own tag of this key is kept.
    Kept(String),
    /// The identity key that an AWS service set at creation is kept.
    SetByService(String),
    /// The identity key that the caller set is kept, because conditions in AWS's managed policies expect its value.
    ExpectedByAws(String),
    /// A session or IAM tag was not copied, because its key or value has characters that cannot be seen.
    Invisible(String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forged { key, replaced: true } => write!(f, "`{key}` set by the caller is replaced"),
            Self::Forged { key, replaced: false } => write!(f, "`{key}` was set by the caller"),
            Self::Adjusted(key, what) => write!(f, "`{key}`: {what}"),
            Self::Protected(key) => {
                write!(f, "tag `{key}` of the session or role is not copied: protected key")
            }
            Self::Reserved(key) => write!(f, "tag `{key}` is not copied: AWS keeps `aws:` keys for itself"),
            Self::NoRoom(key) => write!(f, "no room for `{key}`"),
            Self::NoValue(key) => write!(f, "`{key}` has no value here"),
            Self::Kept(key) => write!(f, "the user's own `{key}` is kept"),
            Self::SetByService(key) => write!(f, "`{key}` set by an AWS service is kept"),
            Self::ExpectedByAws(key) => write!(f, "`{key}` is kept: AWS's own policies expect this value"),
            Self::Invisible(key) => {
                let key = Visible(key);
                write!(f, "tag `{key}` of the session or role is not copied: invisible characters")
            }
        }
    }
}

/// A text with its invisible characters as escapes.
struct Visible<'a>(&'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split_inclusive(|_| true).try_for_each(|c| match invisible_character(c) {
            Some(invisible) => write!(f, "{}", invisible.escape_unicode()),
            None => f.write_str(c),
        })
    }
}
