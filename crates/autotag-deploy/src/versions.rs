//! The versions of a function. A release publishes one, and they stay: a rollback makes an earlier one live.

use crate::DeployError;
use crate::actions;
use autotag_aws::query::{AwsQuery, encoded};
use autotag_model::arn::Region;
use serde_json::Value;

/// A version of a function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Its number. Later ones have greater numbers.
    pub number: u64,
    /// The release that made it: the description of the version.
    pub release: String,
}

/// The versions of a function, the oldest first.
///
/// # Errors
/// AWS does not answer.
pub async fn versions(aws: &AwsQuery, region: &Region, function: &str) -> Result<Vec<Version>, DeployError> {
    let target = format!("/2015-03-31/functions/{}/versions?MaxItems=50", encoded(function));
    let all = aws.lambda_list(actions::FUNCTION_VERSIONS.name, region, &target, "Versions").await?;
    let mut versions: Vec<Version> = all.iter().filter_map(version).collect();
    versions.sort();
    Ok(versions)
}

fn version(version: &Value) -> Option<Version> {
    // `$LATEST` is no version.
    let number = version.get("Version")?.as_str()?.parse().ok()?;
    let release = version.get("Description").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Version { number, release })
}

/// The version to roll back to from a release: the newest one before it that another release made, or the one of `wanted`.
///
/// It depends on the release only, not on what is live: a rollback that was ended and begins anew goes back once.
pub fn target<'v>(versions: &'v [Version], release: &str, wanted: Option<&str>) -> Option<&'v Version> {
    let of = |name: &str| versions.iter().rev().find(|version| version.release == name);
    if let Some(wanted) = wanted {
        return of(wanted);
    }
    let now = of(release).map_or(u64::MAX, |version| version.number);
    versions.iter().rev().find(|version| version.number < now && version.release != release)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_before_the_release_is_the_target_however_often_it_is_asked_for() {
        let all: Vec<Version> = [(1, "a"), (2, "b"), (3, "b"), (4, "c")]
            .map(|(number, release)| Version { number, release: release.into() })
            .to_vec();
        let number = |release: &str, wanted| target(&all, release, wanted).map(|version| version.number);
        assert_eq!(number("c", None), Some(3));
        assert_eq!(number("b", None), Some(1));
        assert_eq!(number("a", None), None, "there is none before the first");
        assert_eq!(number("c", Some("a")), Some(1));
        assert_eq!(number("c", Some("x")), None);
        assert_eq!(number("never published", None), Some(4));
        assert_eq!(target(&[], "a", None), None);
    }
}
