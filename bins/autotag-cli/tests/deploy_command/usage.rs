//! Wrong usage is refused before anything is changed, with exit code 2.

use crate::common::{autotag_in, stderr, stdout};
use crate::estate::{Estate, emulator};
use serde_json::Value;

#[test]
fn what_is_wrong_with_files_and_parameters_is_said_before_a_change() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-wrong");
    let refused = |args: &[&str], part: &str| {
        let output = estate.deploy(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(part), "{args:?}: {}", stderr(&output));
    };
    refused(&["--yes", "--packages", "templates"], "tag-handler.zip");
    refused(&["--yes", "--parameter", "Memory=1"], "--parameter Memory: no such parameter");
    refused(&["--yes", "--parameter", "single.MemorySise=1"], "did you mean `MemorySize`?");
    refused(&["--yes", "--parameter", "Release=1"], "sets it itself");
    refused(&["--yes", "--regions", "xx-nowhere-1"], "not enabled");
    refused(&["--plan", "--destroy"], "cannot be used with");
    refused(&["--rollback", "--parameter", "MemorySize=1"], "cannot be used with");
    refused(&[], "--yes");
    estate.write("dist/SHA256SUMS", &format!("{}  tag-handler.zip\n", "0".repeat(64)));
    refused(&["--yes"], "has the hash");
    assert!(estate.buckets().is_empty());
    assert_eq!(estate.proxy.count("cloudformation", "CreateChangeSet"), 0);
}

#[test]
fn the_policy_needs_no_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let policy = |mode: &str| -> Value {
        let args =
            ["deploy", "iam-policy", "--for", mode, "--account", "111122223333", "--region", "cn-north-1"];
        let output = autotag_in(folder.path(), &args);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_str(&stdout(&output)).unwrap()
    };
    let deploy = policy("deploy").to_string();
    assert!(deploy.contains("arn:aws-cn:cloudformation:*:111122223333:stack/autotag-*/*"), "{deploy}");
    assert!(!policy("read").to_string().contains("Create"));
}
