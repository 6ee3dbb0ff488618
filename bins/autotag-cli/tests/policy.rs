//! `autotag policy check`: mistakes are named, and so are keys on which AWS's own policies rest.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde_json::Value;
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

fn check(policy: Option<&str>, format: &str) -> Output {
    let folder = TempDir::new().unwrap();
    if let Some(text) = policy {
        fs::write(folder.path().join("autotag.toml"), text).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_autotag"));
    command.args(["policy", "check", "--format", format]).current_dir(folder.path()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_default_policy_is_fine_and_its_keys_are_listed() {
    let output = check(None, "jsonl");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let keys: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
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
    let shown = text(&check(None, "text").stdout);
    assert!(
        shown.contains("kept on ec2: `IoTDeviceTester`, for AWSIoTDeviceTesterForFreeRTOSFullAccess"),
        "{shown}"
    );
}

#[test]
fn a_key_that_takes_a_permission_away_whatever_its_value_ends_with_one() {
    let output = check(Some("[static]\nGuardDutyExcluded = \"no\"\n"), "text");
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stdout);
    assert!(
        shown.contains("breaks: no tag may be there for AmazonGuardDutyMalwareProtectionServiceRolePolicy"),
        "{shown}"
    );
    assert!(text(&output.stderr).contains("rename the keys"), "{}", text(&output.stderr));
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
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()));
        assert!(text(&output.stderr).contains(says), "{}", text(&output.stderr));
    }
}
