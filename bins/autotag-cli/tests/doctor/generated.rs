//! The generated files of a deployment.

use serde_json::Value;
use std::path::Path;

/// The patterns of the rules, and of the one for sessions.
pub fn patterns(folder: &Path) -> (Vec<Value>, Value) {
    let read = |path: &Path| serde_json::from_str::<Value>(&std::fs::read_to_string(path).ok()?).ok();
    let folder = folder.join("event-patterns");
    let creations = (1..).map_while(|n| read(&folder.join(format!("creations-{n}.json"))));
    (creations.collect(), read(&folder.join("sessions.json")).unwrap())
}

/// The version of the catalogue that the rules are stamped with.
pub fn version(folder: &Path) -> String {
    let template = std::fs::read_to_string(folder.join("region.yaml")).unwrap();
    let (_, rest) = template.split_once("Key: autotag-catalogue, Value: \"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// The statements of the generated policies of this family, for an account of a partition.
pub fn statements(folder: &Path, family: &str, partition: &str, account: &str) -> Vec<Value> {
    let read = |n: u32| std::fs::read_to_string(folder.join(format!("iam/{family}-{n}.json"))).ok();
    let texts: Vec<String> = (1..).map_while(read).collect();
    let all = texts.iter().flat_map(|text| {
        // The generated policies are for any account.
        let policy: Value = serde_json::from_str(text).unwrap();
        policy["Statement"].as_array().unwrap().clone()
    });
    let mut all: Vec<Value> = all.collect();
    assert!(!all.is_empty(), "no policies of the family {family}");
    for statement in &mut all {
        for resource in statement["Resource"].as_array_mut().unwrap() {
            let mut parts: Vec<&str> = resource.as_str().unwrap().splitn(6, ':').collect();
            if parts.len() == 6 {
                parts[1] = partition;
                if parts[4] == "*" {
                    parts[4] = account;
                }
            }
            *resource = parts.join(":").into();
        }
    }
    all
}
