//! `autotag deploy` itself deploys to two accounts and three regions of the emulator, upgrades, rolls back and removes; the real
//! binary of the function then finishes an event of each region.
//!
//! Besides what `end_to_end.rs` lists, moto executes change sets at once and without failures, knows no outputs of stacks that
//! change sets have made, and no physical names of what it cannot make. `tests/deploy_command` has what AWS documents of these.

use crate::common::BIN;
use crate::end_to_end::{ACCOUNT, Deployment, record};
use serde_json::{Value, json};

/// The results or steps of a run, by stack and region.
fn results(run: &Value) -> Vec<String> {
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let line = |line: &Value| {
        let [stack, region, result, step] = ["stack", "region", "result", "step"].map(|key| text(line, key));
        format!("{stack} {region} {result}{step}")
    };
    run.as_array().unwrap().iter().map(line).collect()
}

fn all(hub: &str, region: &str) -> Vec<String> {
    ["eu-central-1", "us-east-1"].iter().fold(vec![format!("autotag eu-west-1 {hub}")], |mut lines, place| {
        lines.push(format!("autotag-region {place} {region}"));
        lines
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_deploys_upgrades_rolls_back_and_removes_and_each_region_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let deployment = Deployment::made_by("by_command.py", folder.path(), "deploy", &[BIN]);
    let steps = &deployment.stacks["steps"];
    assert_eq!(results(&steps["first"]), all("created", "created"));
    assert_eq!(results(&steps["again"]), all("unchanged", "unchanged"));
    for region in ["eu-west-1", "eu-central-1", "us-east-1"] {
        let volume = deployment.run(&["volume"], &Value::Null)["id"].as_str().unwrap().to_owned();
        // The emulator's volumes are in one region, whichever bus the record is put on.
        let event = json!({"responseElements": {"volumeId": volume}, "recipientAccountId": ACCOUNT});
        let record =
            record(&format!("made-{region}"), "eu-central-1", ("ec2.amazonaws.com", "CreateVolume"), &event);
        deployment.run(&["put", region], &record);
        let queue = deployment.stacks["tag"]["queue"].as_str().unwrap().to_owned();
        let batch = deployment.run(&["receive", &queue], &Value::Null);
        assert_eq!(batch["Records"].as_array().unwrap().len(), 1, "{region}: {batch}");
        let logs = deployment.invoke("tag", &batch).await;
        assert_eq!(deployment.run(&["tags", &volume], &Value::Null)["Owner"], "mara", "{region}: {logs}");
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let changed = deployment.run(&["change", folder, BIN], &Value::Null);
    let steps = &changed["steps"];
    assert_eq!(results(&steps["plan"]), all("update", "unchanged"));
    assert_eq!(results(&steps["upgrade"]), all("updated", "unchanged"));
    assert_eq!(results(&steps["rollback"]), all("updated", "unchanged"));
    assert_eq!(
        results(&steps["other"]),
        ["autotag eu-west-1 created", "autotag-region us-east-1 created"],
        "another account"
    );
    let code = &changed["code"];
    assert!(code[0] != code[1] && code[0] == code[2], "the package of before is back: {code}");
    let gone = deployment.run(&["destroy", folder, BIN], &Value::Null);
    assert_eq!(gone["stacks"], json!([]), "{gone}");
}
