//! The releases in the bucket: the templates and parameters of each, and its predecessor.

use crate::DeployError;
use crate::bucket::CodeBucket;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The key of a rollback that has begun. It is removed when the rollback is done, so that one that was ended goes on.
pub const ROLLBACK: &str = "rollback.json";

/// The inputs of a release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// The release that was there before.
    pub previous: Option<String>,
    /// The parameters: the name of a template, a full stop and the name of the parameter, each with its value.
    pub parameters: BTreeMap<String, String>,
}

impl Release {
    fn key(name: &str) -> String {
        format!("{name}/release.json")
    }

    /// Writes it down, before anything is deployed.
    ///
    /// # Errors
    /// S3 refuses the call.
    pub async fn write(&self, bucket: &CodeBucket) -> Result<(), DeployError> {
        let text = json!({"release": self.name, "previous": self.previous, "parameters": self.parameters});
        bucket.replace(&Self::key(&self.name), format!("{text:#}\n").as_bytes()).await
    }

    /// Reads what was written down; `None` if it was deployed in another way.
    ///
    /// # Errors
    /// S3 refuses the call.
    pub async fn read(bucket: &CodeBucket, name: &str) -> Result<Option<Self>, DeployError> {
        let Some(bytes) = bucket.read(&Self::key(name)).await? else { return Ok(None) };
        let unreadable =
            || DeployError::stopped(format!("s3://{}/{} cannot be read", bucket.name(), Self::key(name)));
        Self::parse(name, &bytes).map(Some).ok_or_else(unreadable)
    }

    fn parse(name: &str, bytes: &[u8]) -> Option<Self> {
        let written: Value = serde_json::from_slice(bytes).ok()?;
        let parameters = written.get("parameters")?.as_object()?;
        let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        Some(Self {
            name: name.to_owned(),
            previous: written.get("previous").and_then(Value::as_str).map(str::to_owned),
            parameters: parameters.iter().map(text).collect::<Option<_>>()?,
        })
    }
}

/// The release to roll back to: the wanted one, that of a rollback which was ended, or the one before `current`.
///
/// # Errors
/// There is none, or S3 refuses a call.
pub async fn rollback_target(
    bucket: &CodeBucket,
    current: &str,
    wanted: Option<&str>,
) -> Result<Release, DeployError> {
    let name = match wanted {
        Some(wanted) => wanted.to_owned(),
        None => match begun(bucket, current).await? {
            Some(begun) => begun,
            None => before(bucket, current).await?,
        },
    };
    let missing = || {
        DeployError::stopped(format!(
            "release {name} has no templates in s3://{}: it was not made by `autotag deploy`",
            bucket.name()
        ))
    };
    Release::read(bucket, &name).await?.ok_or_else(missing)
}

/// The release that was there before this one.
async fn before(bucket: &CodeBucket, current: &str) -> Result<String, DeployError> {
    let known = Release::read(bucket, current).await?;
    let none = || {
        DeployError::stopped(format!(
            "no release is known before {current}: name one of those in s3://{} with --rollback RELEASE",
            bucket.name()
        ))
    };
    known.and_then(|release| release.previous).ok_or_else(none)
}

/// The target of a rollback that was ended before it was done, if it is about this release.
async fn begun(bucket: &CodeBucket, current: &str) -> Result<Option<String>, DeployError> {
    let Some(bytes) = bucket.read(ROLLBACK).await? else { return Ok(None) };
    Ok(target_of(&bytes, current))
}

fn target_of(bytes: &[u8], current: &str) -> Option<String> {
    let written: Value = serde_json::from_slice(bytes).ok()?;
    let [from, to] = ["from", "to"].map(|key| written.get(key).and_then(Value::as_str));
    // The stack of the hub has one of the two, and others may have the other.
    let is_about = from == Some(current) || to == Some(current);
    to.filter(|_| is_about).map(str::to_owned)
}

/// Writes down that a rollback has begun.
///
/// # Errors
/// S3 refuses the call.
pub async fn begin_rollback(bucket: &CodeBucket, from: &str, to: &str) -> Result<(), DeployError> {
    // The release from which an ended rollback came stays.
    if begun(bucket, from).await?.is_some_and(|begun| begun == to) {
        return Ok(());
    }
    let text = json!({"from": from, "to": to});
    bucket.replace(ROLLBACK, text.to_string().as_bytes()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_that_was_ended_has_the_same_target_at_any_point() {
        let written = br#"{"from": "2", "to": "1"}"#;
        assert_eq!(target_of(written, "2").as_deref(), Some("1"), "no stack has changed yet");
        assert_eq!(target_of(written, "1").as_deref(), Some("1"), "the hub has changed");
        assert_eq!(target_of(written, "3"), None, "another release was deployed since");
        assert_eq!(target_of(b"", "2"), None);
    }

    #[test]
    fn what_is_written_is_read() {
        let text = br#"{"release": "2", "previous": null, "parameters": {"hub.Accounts": "own"}}"#;
        let release = Release::parse("2", text).unwrap();
        assert_eq!(release.parameters["hub.Accounts"], "own");
        assert_eq!(release.previous, None);
        for wrong in ["", "[]", "{}", r#"{"parameters": {"a": 1}}"#] {
            assert_eq!(Release::parse("2", wrong.as_bytes()), None, "{wrong}");
        }
    }
}
