//! The calls of each mode are in the policy that `autotag deploy iam-policy` prints for it.

use crate::common::{autotag_in, root, stderr, stdout};
use crate::estate::{Estate, REGIONS, emulator};
use autotag_deploy::handlers::unknown_types;
use autotag_deploy::template::Template;
use autotag_testkit::{Call, Fault};
use serde_json::Value;
use std::collections::BTreeSet;

fn allowed(mode: &str) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let output = autotag_in(folder.path(), &["deploy", "iam-policy", "--for", mode]);
    let policy: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

/// The action of a call, in the words of IAM.
fn action(call: &Call) -> String {
    if call.service != "s3" {
        return format!("{}:{}", call.service, call.operation);
    }
    let is_object = call.path.trim_matches('/').contains('/');
    let query = call.query.split(['=', '&']).next().unwrap_or_default();
    let name = match (call.method.as_str(), query) {
        ("GET", _) if call.path == "/" => "ListAllMyBuckets",
        ("HEAD", _) if !is_object => "ListBucket",
        ("HEAD" | "GET", "" | "x-id") if is_object => "GetObject",
        ("PUT", "" | "x-id") if is_object => "PutObject",
        ("DELETE", _) if is_object => "DeleteObject",
        ("PUT", "" | "x-id") => "CreateBucket",
        ("GET", "tagging") => "GetBucketTagging",
        ("PUT", "tagging") => "PutBucketTagging",
        ("PUT", "encryption") => "PutEncryptionConfiguration",
        ("PUT", "publicAccessBlock") => "PutBucketPublicAccessBlock",
        ("PUT", "versioning") => "PutBucketVersioning",
        other => panic!("{other:?} {call:?}"),
    };
    format!("s3:{name}")
}

fn made(estate: &Estate) -> BTreeSet<String> {
    let made = estate.proxy.calls().iter().map(action).collect();
    estate.proxy.forget_calls();
    made
}

#[test]
fn every_call_of_a_mode_is_in_its_policy() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-may");
    estate.proxy.keep_bodies();
    let is_in = |mode: &str| {
        let (made, allowed) = (made(&estate), allowed(mode));
        let missing: Vec<&String> = made.difference(&allowed).collect();
        assert!(missing.is_empty(), "{mode}: {missing:?}");
        made
    };
    estate.deploy(&["--plan", "--regions", REGIONS]);
    is_in("read");
    estate.deployed(&[]);
    let deployed = is_in("deploy");
    assert!(deployed.contains("cloudformation:ExecuteChangeSet"), "{deployed:?}");
    estate.deploy(&["--status"]);
    is_in("read");
    estate.package("2");
    estate.deploy(&["--plan"]);
    is_in("plan");
    estate.deployed(&[]);
    estate.deploy(&["--rollback", "--yes"]);
    estate.deploy(&["--destroy", "--yes"]);
    is_in("deploy");
}

#[test]
fn a_plan_with_rights_to_read_compares_templates() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-read");
    estate.deployed(&[]);
    estate.package("2");
    let text = std::fs::read_to_string(estate.folder.path().join("templates/region.yaml")).unwrap();
    estate.write("templates/region.yaml", &format!("{text}  Other:\n    Type: AWS::SNS::Topic\n"));
    let read = allowed("read");
    estate.proxy.rule(move |call| {
        let denied =
            Fault::Refused { status: 403, code: "AccessDenied".to_owned(), message: "denied".to_owned() };
        (!read.contains(&action(call))).then_some(denied)
    });
    let before = estate.end_state();
    let plan = estate.deploy(&["--plan"]);
    assert_eq!(plan.status.code(), Some(0), "{}", stderr(&plan));
    let lines = stdout(&plan);
    let region = lines.lines().last().unwrap();
    assert!(
        region.contains("\"logical_id\":\"Other\"") && region.contains("compared by the templates"),
        "{region}"
    );
    assert!(lines.lines().next().unwrap().contains("changed parameters: "), "{lines}");
    assert_eq!(estate.end_state(), before);
}

#[test]
fn every_type_of_the_templates_has_its_actions() {
    for name in ["single", "hub", "session", "region", "org"] {
        let text = std::fs::read_to_string(root().join(format!("deploy/{name}.yaml"))).unwrap();
        let template = Template::new(name, &text).unwrap();
        let types = template.resources.values().map(|resource| resource.kind.as_str());
        let unknown: BTreeSet<&str> = unknown_types(types).into_iter().collect();
        assert!(
            unknown.is_empty(),
            "{name}.yaml: `autotag deploy iam-policy` does not know what these need: {unknown:?}"
        );
    }
}
