//! `autotag policy check`: mistakes are named, and so are keys on which AWS's own policies rest.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::{autotag_in, stderr, stdout};
use serde_json::Value;
use std::fs;
use std::process::Output;
use tempfile::TempDir;

fn check(policy: Option<&str>, format: &str) -> Output {
    let folder = TempDir::new().unwrap();
    if let Some(text) = policy {
        fs::write(folder.path().join("autotag.toml"), text).unwrap();
    }
    autotag_in(folder.path(), &["policy", "check", "--format", format])
}

#[test]
fn the_default_policy_is_fine_and_its_keys_are_listed() {
    let output = check(None, "jsonl");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let keys: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let row = |key: &Value| {
        let policies: usize = key["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["policies"].as_array().unwrap().len())
            .sum();
        (key["key"].as_str().unwrap().to_owned(), key["enforced"].as_bool().unwrap(), policies > 0)
    };
    let rows: Vec<(String, bool, bool)> = keys.iter().map(row).collect();
    let expected = [("Owner", true, true), ("PrincipalId", true, false), ("CreatedBy", false, true)];
    assert_eq!(rows, expected.map(|(key, enforced, known)| (key.to_owned(), enforced, known)));
    let shown = stdout(&check(None, "text"));
    assert!(
        shown.contains("kept on ec2: `IoTDeviceTester`, for AWSIoTDeviceTesterForFreeRTOSFullAccess"),
        "{shown}"
    );
}

#[test]
fn a_key_that_takes_a_permission_away_whatever_its_value_ends_with_one() {
    let output = check(Some("[static]\nGuardDutyExcluded = \"no\"\n"), "text");
    assert_eq!(output.status.code(), Some(1));
    let shown = stdout(&output);
    assert!(
        shown.contains("breaks: no tag may be there for AmazonGuardDutyMalwareProtectionServiceRolePolicy"),
        "{shown}"
    );
    assert!(stderr(&output).contains("rename the keys"), "{}", stderr(&output));
}

#[test]
fn the_first_line_is_the_verdict() {
    let shown = stdout(&check(Some("[static]\nTeam = \"data\"\n"), "text"));
    assert!(
        shown.starts_with("`./autotag.toml` can be used: Owner, PrincipalId, CreatedBy, Team\n"),
        "{shown}"
    );
    let built_in = check(None, "jsonl");
    assert!(stderr(&built_in).starts_with("the built-in policy can be used: Owner"), "{}", stderr(&built_in));
}

#[test]
fn a_setting_without_effect_ends_with_one_and_says_what_to_write() {
    for (policy, says) in [
        (
            "[ignore]\nevents = [\"CreateLogGroup\"]\n",
            "`CreateLogGroup` can never match: write `logs:CreateLogGroup`",
        ),
        ("[ignore]\nevents = [\"Create*\"]\n", "`Create*` can never match: write `*:Create*`"),
        ("[ignore]\nevents = [\"log:CreateLogGroup\"]\n", "write `logs:CreateLogGroup`"),
        ("[ignore]\nevents = [\"logs.amazonaws.com:Create*\"]\n", "write `logs:Create*`"),
        ("[ignore]\nservices = [\"S3\"]\n", "`S3` can never match: write `s3`"),
        ("[ignore]\nprincipals = [\"bob\"]\n", "`bob` matches no ARN and no principalId"),
        ("[identity]\nOwner = \"\"\n", "`Owner` is empty"),
    ] {
        let output = check(Some(policy), "text");
        assert_eq!(output.status.code(), Some(1), "{policy}");
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
    let fine = "[ignore]\nevents = [\"logs:CreateLogGroup\", \"*:Copy*\", \"*Group\", \"new:Create*\"]\n\
        principals = [\"AIDAMARA\", \"arn:aws:iam::*:user/bob\", \"*bob\"]\nservices = [\"s3.amazonaws.com\"]\n";
    let output = check(Some(fine), "text");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_policy_that_cannot_be_used_ends_with_two_and_says_what_to_do() {
    for (policy, says) in [
        (
            "[existing]\nopt_out = \"owner\"\n",
            "`existing.opt_out`: autotag itself writes `owner`; choose a key",
        ),
        ("[ignore]\nservices = [\"\"]\n", "an empty pattern matches nothing: remove it"),
    ] {
        let output = check(Some(policy), "text");
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()));
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
}
