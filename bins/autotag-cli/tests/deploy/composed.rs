//! The templates that are composed of others, `single.yaml` and `org.yaml`, in the emulator: their resources are those of the parts,
//! and the real binaries finish events that begin in each region, and in another account.
//!
//! What `end_to_end.rs` lists is not emulated here either. Besides, moto's `CloudFormation` makes neither stack sets nor trails:
//! `composed.py` makes the calls of `StackSets` for the resources of the template, and the trail is checked as text.

use crate::end_to_end::{ACCOUNT, Deployment, ago, record};
use crate::{generated, resources};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The region of the stack.
const HOME: &str = "eu-west-1";
const REGION: &str = "eu-central-1";

/// A stack of `single.yaml`, and one of `region.yaml` in another region.
fn single(parameters: &[&str]) -> Deployment {
    Deployment::made_by("composed.py", &generated(), "single", parameters)
}

/// A stack of `org.yaml`, in an organization with another account.
fn org(own_region: &str) -> Deployment {
    Deployment::made_by("composed.py", &generated(), "org", &[own_region])
}

impl Deployment {
    /// Puts the record of a new volume on the default bus of a region, and returns the volume.
    fn create_volume(&self, region: &str, account: &str) -> String {
        let made = self.run(&["volume", region, account], &Value::Null);
        let volume = made["id"].as_str().unwrap().to_owned();
        let caller = json!({"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA", "accountId": account,
            "arn": format!("arn:aws:iam::{account}:user/mara")});
        let mut event = record(
            "made",
            region,
            ("ec2.amazonaws.com", "CreateVolume"),
            &json!({"recipientAccountId": account, "userIdentity": caller}),
        );
        event["responseElements"] = json!({"volumeId": volume});
        self.run(&["put", region, account], &event);
        volume
    }

    /// The messages of a queue that has events of one account.
    fn received(&self, function: &str, account: &str) -> Value {
        self.run(&["receive", self.stacks[function]["queue"].as_str().unwrap(), account], &Value::Null)
    }

    /// Asserts that a creation arrives once, and that the binary tags it.
    async fn tags_a_volume(&self, region: &str, account: &str) {
        let volume = self.create_volume(region, account);
        let batch = self.received("tag", account);
        assert_eq!(batch["Records"].as_array().unwrap().len(), 1, "{region} {account}: {batch}");
        let logs = self.invoke("tag", &batch).await;
        let tags = self.run(&["tags", region, account, &volume], &Value::Null);
        assert_eq!(tags["Owner"], "mara", "{region} {account}: {tags}\n{logs}");
    }
}

fn names(value: &Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_stack_tags_what_is_created_in_its_region_and_in_others() {
    let deployment = single(&[]);
    deployment.tags_a_volume(HOME, ACCOUNT).await;
    deployment.tags_a_volume(REGION, ACCOUNT).await;
}

/// The STS record of the own region goes to the session queue alone, and names the person behind a role.
#[tokio::test(flavor = "multi_thread")]
async fn a_single_stack_keeps_the_sessions_of_its_region() {
    let deployment = single(&[]);
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/ops/ops-shift");
    let issued = ago(60);
    let mut assumed = record(
        "assumed",
        HOME,
        ("sts.amazonaws.com", "AssumeRole"),
        &json!({"readOnly": true, "eventTime": issued,
            "userIdentity": {"type": "IAMUser", "userName": "victor", "principalId": "AIDAVICTOR", "accountId": ACCOUNT,
                "arn": format!("arn:aws:iam::{ACCOUNT}:user/victor"), "accessKeyId": "AKIAEXAMPLE"},
            "requestParameters": {"roleArn": format!("arn:aws:iam::{ACCOUNT}:role/ops"), "roleSessionName": "ops-shift"}}),
    );
    assumed["responseElements"] = json!({"credentials": {"accessKeyId": "ASIAEXAMPLE", "expiration": "Mar 2, 2030, 10:00:00 AM"},
        "assumedRoleUser": {"assumedRoleId": "AROAEXAMPLEOPS:ops-shift", "arn": session}});
    deployment.run(&["put", HOME, ACCOUNT], &assumed);
    let sessions = deployment.received("session", ACCOUNT);
    assert_eq!(sessions["Records"].as_array().unwrap().len(), 1, "{sessions}");
    assert_eq!(deployment.received("tag", ACCOUNT)["Records"], json!([]));
    let logs = deployment.invoke("session", &sessions).await;
    assert!(logs.contains("Kept"), "{logs}");
}

/// One set of names on each bus, and the same on the default bus of every region.
#[test]
fn a_single_stack_has_the_rules_of_hub_and_region_and_makes_the_table() {
    let deployment = single(&[]);
    let stacks = &deployment.stacks;
    assert_eq!(names(&stacks["rules"]), names(&stacks["region_rules"]));
    assert_eq!(names(&stacks["rules"]), names(&stacks["hub_rules"]));
    assert!(stacks["rules"].as_array().unwrap().len() > 10, "{}", stacks["rules"]);
    assert_eq!(stacks["tables"], json!(["autotag-sessions"]));
    for (function, queue) in [("tag", "autotag-tag"), ("session", "autotag-session")] {
        let stack = &stacks[function];
        assert_eq!(stack["environment"]["AUTOTAG_SESSION_TABLE"], "autotag-sessions", "{stack}");
        let [mapping] = stack["mappings"].as_array().unwrap().as_slice() else { panic!("{stack}") };
        assert!(mapping["EventSourceArn"].as_str().unwrap().ends_with(&format!(":{queue}")), "{mapping}");
    }
}

#[test]
fn the_table_and_the_trail_of_a_single_stack_are_optional() {
    let without = single(&["CreateSessionTable=false"]);
    assert_eq!(without.stacks["tables"], json!([]));
    assert!(!names(&without.stacks["made"]).contains("TrailLogs"), "{}", without.stacks["made"]);
    assert!(without.stacks["outputs"]["TrailLogsName"].is_null());
    let with = single(&["CreateTrail=true"]);
    assert!(names(&with.stacks["made"]).contains("TrailLogs"), "{}", with.stacks["made"]);
    assert!(with.stacks["outputs"]["TrailLogsName"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_deployment_of_another_name_stands_beside_the_first() {
    let deployment = Deployment::made_by("composed.py", &generated(), "two", &[]);
    let rules = names(&deployment.stacks["rules"]);
    let of_test = rules.iter().filter(|name| name.starts_with("autotag-test-")).count();
    assert_eq!(rules.len(), 2 * of_test, "{rules:?}");
    let volume = deployment.create_volume(HOME, ACCOUNT);
    let [first, second] = ["tag", "test"].map(|function| deployment.received(function, ACCOUNT));
    for batch in [&first, &second] {
        assert_eq!(batch["Records"].as_array().unwrap().len(), 1, "{batch}");
    }
    let logs = deployment.invoke("tag", &first).await;
    let tags = deployment.run(&["tags", HOME, ACCOUNT, &volume], &Value::Null);
    assert_eq!(tags["Owner"], "mara", "{tags}\n{logs}");
    let tables = &deployment.stacks["test"]["environment"]["AUTOTAG_SESSION_TABLE"];
    assert_eq!(tables, "autotag-test-sessions");
}

/// The part of a template that moto does not make.
#[test]
fn the_trail_logs_every_region_and_stays_with_its_bucket() {
    let folder = generated();
    let resources = resources(&folder.join("single.yaml"));
    let parts = ["TrailLogs", "TrailLogsPolicy", "Trail"].map(|id| (id, &resources[id]));
    for (id, part) in parts {
        assert_eq!(part["Condition"], "MakesTrail", "{id}");
        assert!(part["DeletionPolicy"].as_str().unwrap().starts_with("Retain"), "{id}: {part}");
        assert_eq!(part["UpdateReplacePolicy"], "Retain", "{id}");
    }
    let [bucket, policy, trail] = parts.map(|(_, part)| &part["Properties"]);
    for switch in ["IsLogging", "IsMultiRegionTrail", "IncludeGlobalServiceEvents", "EnableLogFileValidation"]
    {
        assert_eq!(trail[switch], true, "{switch}");
    }
    // `AssumeRole` only reads, by CloudTrail's account.
    assert_eq!(trail["EventSelectors"], json!([{"ReadWriteType": "All", "IncludeManagementEvents": true}]));
    assert!(bucket["PublicAccessBlockConfiguration"].as_object().unwrap().values().all(|on| on == true));
    assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled");
    assert!(bucket["BucketEncryption"].is_object());
    let name = &trail["TrailName"];
    let allowed: Vec<&Value> = policy["PolicyDocument"]["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|statement| statement["Effect"] == "Allow")
        .collect();
    assert_eq!(allowed.len(), 2);
    for statement in allowed {
        let source = &statement["Condition"]["StringEquals"]["aws:SourceArn"]["Fn::Sub"];
        let name = name["Fn::Sub"].as_str().or(name.as_str()).unwrap();
        assert!(source.as_str().unwrap().ends_with(&format!(":trail/{name}")), "{statement}");
    }
}

/// The rules of the own region have the patterns of `region.yaml` and the targets of the hub's rules.
#[test]
fn rules_of_the_own_region_match_what_a_region_forwards_and_send_to_the_queues() {
    let folder = generated();
    let of = |template: &str| resources(&folder.join(template));
    let region = of("region.yaml");
    for template in ["single.yaml", "org.yaml"] {
        let all = of(template);
        let own: Vec<(&str, &Value)> = rules(&all).filter(|(id, _)| id.starts_with("Own")).collect();
        assert_eq!(own.len(), rules(&region).count(), "{template}");
        for (id, rule) in own {
            let name = id.trim_start_matches("Own");
            let on_hub_bus = &all[name]["Properties"];
            let forwarding = if name == "SessionRule" { "Sessions" } else { name };
            let properties = &rule["Properties"];
            assert_eq!(properties["EventPattern"], region[forwarding]["Properties"]["EventPattern"], "{id}");
            assert_eq!(properties["Name"], region[forwarding]["Properties"]["Name"], "{id}");
            assert_eq!(properties["Targets"], on_hub_bus["Targets"], "{id}");
            assert!(properties["EventBusName"].is_null(), "{id}");
            let queue = properties["Targets"][0]["Arn"]["Fn::GetAtt"].as_str().unwrap();
            let queue = queue.trim_end_matches(".Arn");
            assert!(
                admits(&all[&format!("{queue}Policy")], properties),
                "{template}: {queue} does not admit {id}"
            );
            let dead = properties["Targets"][0]["DeadLetterConfig"]["Arn"]["Fn::GetAtt"].as_str().unwrap();
            let dead = dead.trim_end_matches(".Arn");
            assert!(
                admits(&all[&format!("{dead}Policy")], properties),
                "{template}: {dead} does not admit {id}"
            );
        }
    }
}

fn rules(resources: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    let rules = resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::Events::Rule");
    rules.map(|(id, rule)| (id.as_str(), rule))
}

/// True if a queue's policy names a rule of the default bus.
fn admits(policy: &Value, rule: &Value) -> bool {
    let text = |value: &Value| value["Fn::Sub"].as_str().or(value.as_str()).map(str::to_owned);
    let name = text(&rule["Name"]).unwrap();
    let condition = &policy["Properties"]["PolicyDocument"]["Statement"][0]["Condition"];
    let sources = ["ArnLike", "ArnEquals"]
        .into_iter()
        .filter_map(|operator| condition[operator]["aws:SourceArn"].as_array());
    let admitted = sources
        .flatten()
        .filter_map(text)
        .filter_map(|arn| arn.split_once(":rule/").map(|(_, rule)| rule.to_owned()));
    admitted.into_iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_tagged_in_each_account_and_region_the_hubs_own_among_them() {
    let deployment = org("false");
    let account = deployment.stacks["account"].as_str().unwrap().to_owned();
    // Once each: where the stack set makes rules, the stack makes none.
    deployment.tags_a_volume(HOME, ACCOUNT).await;
    deployment.tags_a_volume(REGION, ACCOUNT).await;
    deployment.tags_a_volume(HOME, &account).await;
    deployment.tags_a_volume(REGION, &account).await;
}

#[test]
fn stack_sets_bring_roles_and_rules_to_the_accounts() {
    let deployment = org("false");
    let stacks = &deployment.stacks;
    // The hub's own account gets its rules from the stack set, as every account.
    assert_eq!(stacks["rules"], json!([]));
    let account = stacks["account"].as_str().unwrap();
    let every = |regions: &[&str]| {
        let pairs = [account, ACCOUNT]
            .into_iter()
            .flat_map(|account| regions.iter().map(move |region| json!([account, region])));
        pairs.collect::<Vec<Value>>()
    };
    let sorted = |mut pairs: Vec<Value>| {
        pairs.sort_by_key(ToString::to_string);
        json!(pairs)
    };
    assert_eq!(stacks["instances"]["MemberStackSet"], sorted(every(&[HOME])));
    assert_eq!(stacks["instances"]["RegionStackSet"], sorted(every(&[HOME, REGION, "us-east-1"])));
    assert!(stacks["member_rules"].as_array().unwrap().len() > 10);
    for set in ["MemberStackSet", "RegionStackSet"] {
        let set = &stacks["sets"][set];
        assert_eq!(set["PermissionModel"], "SERVICE_MANAGED");
        assert_eq!(set["CallAs"], "DELEGATED_ADMIN");
        assert_eq!(set["ManagedExecution"], json!({"Active": true}));
        assert_eq!(set["AutoDeployment"]["Enabled"], true);
        assert_eq!(set["AutoDeployment"]["RetainStacksOnAccountRemoval"], false);
        assert_eq!(set["OperationPreferences"]["FailureTolerancePercentage"], 100);
        assert_eq!(set["OperationPreferences"]["RegionConcurrencyType"], "PARALLEL");
    }
    // Stack sets of a delegated administrator belong to the management account.
    let after = &stacks["sets"]["RegionStackSet"]["AutoDeployment"]["DependsOn"];
    assert_eq!(*after, json!(["arn:aws:cloudformation:eu-west-1:999999999999:stackset/autotag-member:1"]));
    let tag = &stacks["tag"]["environment"];
    assert_eq!(tag["AUTOTAG_ACCOUNTS"], "organization");
    assert_eq!(tag["AUTOTAG_MEMBER_ROLE"], "autotag-member");
    assert_eq!(tag["AUTOTAG_EXTERNAL_ID"], stacks["organization"]);
}

/// The stack sets do not reach the management account.
#[test]
fn the_hub_in_the_management_account_makes_the_rules_of_its_region_itself() {
    let deployment = org("true");
    assert_eq!(names(&deployment.stacks["rules"]), names(&deployment.stacks["member_rules"]));
}
