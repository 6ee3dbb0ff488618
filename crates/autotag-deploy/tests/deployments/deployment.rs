//! Tests of the deployment that follows from templates, parameters and existing resources.

use autotag_deploy::DeployError;
use autotag_deploy::deployment::Deployment;
use autotag_deploy::existing::Existing;
use autotag_deploy::formation::{Stack, Status};
use autotag_deploy::layout::Layout;
use autotag_deploy::packages::{Function, Packages};
use autotag_deploy::template::Template;
use autotag_model::arn::{AccountId, Region};
use std::collections::BTreeMap;

const HUB: &str = "\
Parameters:
  Name:
    Type: String
    Default: autotag
  Release:
    Type: String
  TagHandlerKey:
    Type: String
  LiveVersion:
    Type: String
    Default: \"\"
  MemorySize:
    Type: Number
    Default: 256
  AlarmTopicArn:
    Type: String
    Default: \"\"
Resources:
  Queue:
    Type: AWS::SQS::Queue
";

const REGION: &str = "\
Parameters:
  HubBusArn:
    Type: String
  AlarmTopicArn:
    Type: String
    Default: \"\"
Resources:
  Rule:
    Type: AWS::Events::Rule
";

fn region(name: &str) -> Region {
    Region::new(name).unwrap()
}

fn deployment(parameters: &[(&str, &str)]) -> Deployment {
    let template = |name: &str, text: &str| (name.to_owned(), Template::new(name, text).unwrap());
    Deployment {
        name: "autotag".into(),
        account: AccountId::new("111122223333").unwrap(),
        hub: region("eu-west-1"),
        regions: vec![region("us-east-1")],
        layout: Layout::Single,
        templates: [template("single", HUB), template("region", REGION)].into(),
        parameters: parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        release: "1".into(),
        bucket: "autotag-code-0123456789ab".into(),
        minutes: 5,
    }
}

/// The stack that a deployment leaves.
fn left_by(deployment: &Deployment, before: &Existing) -> Existing {
    let (target, template) = deployment.central(before).unwrap().remove(0);
    let defaults =
        template.parameters.iter().filter_map(|(key, default)| Some((key.clone(), default.clone()?)));
    let mut parameters: BTreeMap<String, String> = defaults.collect();
    if let Some(stack) = before.hub() {
        parameters.extend(stack.parameters.clone());
    }
    parameters.extend(target.parameters);
    let stack = Stack {
        id: "arn:aws:cloudformation:eu-west-1:111122223333:stack/autotag/1".into(),
        status: Status("CREATE_COMPLETE".into()),
        reason: None,
        updated: None,
        parameters,
        outputs: BTreeMap::new(),
    };
    Existing { layout: Some(Layout::Single), stacks: [("single", stack)].into() }
}

fn packages(content: &str) -> Packages {
    let bytes = format!("PK {content}").into_bytes();
    let file = |function: Function| (function, function.file().to_owned(), bytes.clone());
    Packages::new(Function::ALL.map(file).to_vec(), None).unwrap()
}

#[test]
fn the_same_deployment_has_the_same_release_in_each_run() {
    let first = deployment(&[("MemorySize", "512")]);
    let name = |deployment: &Deployment, existing: &Existing| {
        deployment.release_name("0.1.0+a", &packages("1"), existing)
    };
    let release = name(&first, &Existing::default());
    assert!(release.starts_with("0.1.0-a-"), "{release}");
    let there = left_by(&first, &Existing::default());
    assert_eq!(name(&first, &there), release, "a second run");
    assert_eq!(
        name(&deployment(&[]), &there),
        release,
        "a parameter that is not named again keeps its value"
    );
    assert_ne!(name(&deployment(&[("MemorySize", "256")]), &there), release, "another value");
    assert_ne!(first.release_name("0.1.0+a", &packages("2"), &there), release, "other packages");
    let mut other = first.clone();
    other
        .templates
        .insert("region".into(), Template::new("region", &format!("{REGION}  B:\n    Type: X\n")).unwrap());
    assert_ne!(name(&other, &there), release, "another template");
}

#[test]
fn a_pinned_version_stays_until_another_release() {
    let mut first = deployment(&[("LiveVersion", "7")]);
    let there = left_by(&first, &Existing::default());
    first.parameters.clear();
    let parameters = |deployment: &Deployment| deployment.central(&there).unwrap().remove(0).0.parameters;
    assert_eq!(parameters(&first).get("LiveVersion"), None, "the previous value");
    first.release = "2".into();
    assert_eq!(parameters(&first)["LiveVersion"], "");
}

#[test]
fn a_topic_is_for_alarms_of_its_region_only() {
    let topic = "arn:aws:sns:us-east-1:111122223333:t";
    let deployment = deployment(&[("AlarmTopicArn", topic)]);
    let (hub, _) = deployment.central(&Existing::default()).unwrap().remove(0);
    assert_eq!(hub.parameters.get("AlarmTopicArn"), None);
    let (region, _) = deployment.regional(&Existing::default(), &Existing::default()).unwrap().remove(0);
    assert_eq!(region.parameters["AlarmTopicArn"], topic);
    assert_eq!(region.parameters["HubBusArn"], "arn:aws:events:eu-west-1:111122223333:event-bus/autotag");
}

#[test]
fn wrong_parameters_and_names_are_refused() {
    assert_eq!(deployment(&[("MemorySize", "1"), ("region.AlarmTopicArn", "a")]).check(), Ok(()));
    for wrong in ["Memory", "region.MemorySize", "other.MemorySize", "Release", "single.TagHandlerKey"] {
        let error = deployment(&[(wrong, "1")]).check().unwrap_err();
        assert!(matches!(&error, DeployError::Usage(text) if text.contains(wrong)), "{error}");
    }
    let mut named = deployment(&[]);
    named.name = "autotag-test".into();
    assert!(named.check().is_err(), "region.yaml has no parameter `Name`");
}
