use super::*;
use crate::arn::{AccountId, Partition, Region};
use crate::rule::ServiceRules;
use serde_json::{Value, json};

const RULES: &str = r#"source = "sqs.amazonaws.com"
name = "SQS"
[[rule]]
event = "CreateQueue"
type = "AWS::SQS::Queue"
id = "response.queueUrl"
arn = "arn:{partition}:sqs:{region}:{account}:{id|last}"
[[rule]]
event = "CreateThing"
type = "AWS::SQS::Thing"
id = "response.thingArn"
kind = "sqs:thing/*"
[[rule]]
event = "ImportQueue"
type = "AWS::SQS::Two"
id = "response.queueUrl"
arn = "arn:{partition}:sqs:{region}:{account}:two/{id}"
[[rule]]
event = "MoveQueue"
type = "AWS::SQS::Two"
id = "response.queueUrl"
arn = "arn:{partition}:sqs:{region}:{account}:{id}"
"#;

fn rules(deletion: &str) -> Result<ServiceRules, String> {
    let file = format!("{RULES}[[deletion]]\nevent = \"DeleteQueue\"\n{deletion}\n");
    ServiceRules::from_toml(&file).map_err(|error| error.to_string())
}

fn gone(deletion: &str, request: Value, response: Value) -> Vec<String> {
    let rules = rules(deletion).unwrap();
    let parsed = ParsedRecord { request, response, ..ParsedRecord::default() };
    let scope = Scope {
        partition: Partition::default(),
        region: Region::new("eu-west-1"),
        account: AccountId::new("111122223333"),
    };
    match rules.deletions[0].locate(&parsed, &scope) {
        Located::Resources(found) => found.iter().map(|found| found.key().to_string()).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn a_deletion_names_the_resource_as_its_creation_does() {
    let queue = r#"type = "AWS::SQS::Queue"
        id = "request.queueUrl""#;
    let request = json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/orders"});
    assert_eq!(gone(queue, request, Value::Null), ["- arn:aws:sqs:eu-west-1:111122223333:orders"]);

    let by_template = r#"type = "AWS::SQS::Thing"
        id = "request.name"
        arn = "arn:{partition}:sqs:{region}:{account}:thing/{id}""#;
    let named = json!({"name": "a"});
    assert_eq!(gone(by_template, named, Value::Null), ["- arn:aws:sqs:eu-west-1:111122223333:thing/a"]);
    let kind = by_template.replace("thing/{id}", "other/{id}");
    assert!(gone(&kind, json!({"name": "a"}), Value::Null).is_empty(), "of another kind than the creation");
}

#[test]
fn an_arn_of_the_request_counts_where_one_is_expected() {
    let own = "arn:aws:sqs:eu-west-1:111122223333:thing/a";
    let arn = r#"type = "AWS::SQS::Thing"
        id = "request.thingArn""#;
    assert_eq!(gone(arn, json!({"thingArn": own}), Value::Null), [format!("- {own}")]);
    let either = r#"type = "AWS::SQS::Thing"
        id = "request.name"
        takes_arns = true"#;
    assert_eq!(gone(either, json!({"name": own}), Value::Null), [format!("- {own}")]);
    let name = r#"type = "AWS::SQS::Thing"
        id = "request.name"
        arn = "arn:{partition}:sqs:{region}:{account}:thing/{id}""#;
    let found = gone(name, json!({"name": own}), Value::Null);
    assert_eq!(
        found,
        [format!("- arn:aws:sqs:eu-west-1:111122223333:thing/{own}")],
        "a name like an ARN is a name"
    );
    for other in ["arn:aws:iam::111122223333:role/Admin", "arn:aws:sqs:us-east-1:111122223333:thing/a"] {
        assert!(gone(arn, json!({"thingArn": other}), Value::Null).is_empty(), "{other}");
    }
}

#[test]
fn conditions_of_a_deletion() {
    let version = r#"type = "AWS::SQS::Queue"
        id = "request.queueUrl"
        unless = "request.version""#;
    assert_eq!(gone(version, json!({"queueUrl": "q"}), Value::Null).len(), 1);
    assert!(gone(version, json!({"queueUrl": "q", "version": "1"}), Value::Null).is_empty());
}

#[test]
fn a_wrong_deletion_is_refused_with_its_position() {
    for (deletion, line, expected) in [
        (
            "type = \"AWS::SQS::Other\"\nid = \"request.queueUrl\"",
            25,
            "a type that a [[rule]] of this file creates",
        ),
        (
            "type = \"AWS::SQS::Two\"\nid = \"request.queueUrl\"",
            25,
            "the rules of its type have different templates",
        ),
        ("type = \"AWS::SQS::Thing\"\nid = \"request.name\"", 26, "expected `arn`, or only paths of ARNs"),
        ("type = \"AWS::SQS::Queue\"\nid = \"queueUrl\"", 26, "`queueUrl` is not a path"),
        ("type = \"AWS::SQS::Queue\"", 23, "missing field `id`"),
        ("type = \"AWS::SQS::Queue\"\nid = \"request.a\"\ntag = \"x\"", 27, "unknown field `tag`"),
    ] {
        let error = rules(deletion).unwrap_err();
        assert!(error.contains(expected), "{deletion}: {error}");
        assert!(error.contains(&format!("line {line}")), "{deletion}: {error}");
    }
    let file = format!(
        "{RULES}[[deletion]]\nevent = \"Delete Queue\"\ntype = \"AWS::SQS::Queue\"\nid = \"request.a\"\n"
    );
    let error = ServiceRules::from_toml(&file).unwrap_err().to_string();
    assert!(error.contains("expected an event name such as \"DeleteQueue\""), "{error}");
}

#[test]
fn a_deletion_is_derived_unless_it_says_more() {
    let queue = "type = \"AWS::SQS::Queue\"\nid = \"request.queueUrl\"";
    assert_eq!(rules(queue).unwrap().deletions[0].evidence(), Evidence::Derived);
    let seen = format!("{queue}\nevidence = \"seen\"");
    assert_eq!(rules(&seen).unwrap().deletions[0].evidence(), Evidence::Seen);
    let by_name = "type = \"AWS::SQS::Queue\"\nid = \"request.queueName\"";
    assert!(rules(by_name).unwrap().deletions[0].is_by_name());
    assert!(!rules(queue).unwrap().deletions[0].is_by_name());
}
