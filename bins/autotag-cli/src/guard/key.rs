//! The condition keys of the guards.

use anyhow::{Result, bail};

/// The subject of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Principal,
    SourceIdentity,
    Function,
    /// The keys that a call names; of S3 objects.
    TagKeys {
        of_objects: bool,
    },
    /// The value of a tag that a call sets; of S3 objects.
    RequestTag {
        key: String,
        of_objects: bool,
    },
    /// A tag that is on the object. No record says it.
    ExistingObjectTag,
}

impl Key {
    /// The key of a name.
    ///
    /// # Errors
    /// The guards do not use it yet.
    pub(super) fn parse(name: &str) -> Result<Self> {
        if let Some(key) = name.strip_prefix("aws:RequestTag/") {
            return Ok(Self::RequestTag { key: key.to_owned(), of_objects: false });
        }
        if let Some(key) = name.strip_prefix("s3:RequestObjectTag/") {
            return Ok(Self::RequestTag { key: key.to_owned(), of_objects: true });
        }
        Ok(match name {
            "aws:PrincipalArn" => Self::Principal,
            "aws:SourceIdentity" => Self::SourceIdentity,
            "lambda:FunctionArn" => Self::Function,
            "aws:TagKeys" => Self::TagKeys { of_objects: false },
            "s3:RequestObjectTagKeys" => Self::TagKeys { of_objects: true },
            _ if name.starts_with("s3:ExistingObjectTag/") => Self::ExistingObjectTag,
            _ => bail!("the condition key `{name}` is not known"),
        })
    }
}
