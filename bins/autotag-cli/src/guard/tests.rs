use super::action::{PREFIXES, prefix, without_version};
use super::own_part::{self, Place};
use super::request::Request;
use super::statement::{Statement, guards};
use super::tags::NamedTags;
use super::verdict::Verdict::{self, Denied, NotDenied, Unknown};
use crate::generate::controls::{Exempt, ROLE_ACTIONS};
use crate::generate::inventory::Inventory;
use crate::generate::own_parts::{ACTIONS, MAPPING_ACTIONS};
use autotag_handlers::catalog::Catalog;
use autotag_model::arn::{AccountId, Region};
use autotag_model::identity::Principal;
use autotag_model::policy::Policy;
use autotag_model::record::Record;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ROLE: &str = "arn:aws:iam::111122223333:role/deploy";

fn inventory(policy: &str) -> Inventory {
    Inventory::new(Catalog::embedded().services().unwrap(), Policy::from_toml(policy).unwrap())
}

/// Every form of the guards: if a change generates a new form, this test shows that the evaluation lacks it.
#[test]
fn every_statement_that_is_generated_can_be_evaluated() {
    let policies = [
        "",
        "[policy]\nprofile = \"declared\"",
        "[existing]\nenforce = [\"Owner\", \"PrincipalId\", \"CreatedBy\"]",
        "[trust]\nsource_identity = [\"arn:aws:iam::111122223333:role/Broker\"]",
    ];
    let exempt = Exempt {
        roles: vec!["break-glass".to_owned()],
        values: BTreeMap::from([("Owner".to_owned(), vec!["shared".to_owned()])]),
    };
    let mut count = 0;
    for policy in policies {
        for few in [vec![], vec!["sqs".to_owned(), "ec2".to_owned(), "s3".to_owned()]] {
            for exempt in [&Exempt::default(), &exempt] {
                count +=
                    guards(&inventory(policy).only(&few).unwrap(), "proof", exempt).unwrap().statements.len();
            }
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn what_is_not_known_is_an_error_and_no_verdict() {
    let with = |name: &str, value: Value| {
        let mut statement = json!({"Sid": "S", "Effect": "Deny", "Action": "sqs:*", "Resource": "*"});
        statement[name] = value;
        Statement::parse("scp", &statement).map(|_| ())
    };
    assert!(with("Condition", json!({"Null": {"aws:TagKeys": "true"}})).is_ok());
    for (name, value) in [
        ("Effect", json!("Allow")),
        ("NotResource", json!("*")),
        ("Condition", json!({"StringLike": {"aws:PrincipalArn": "*"}})),
        ("Condition", json!({"Null": {"aws:SourceIp": "true"}})),
        ("Condition", json!({"Null": {"aws:TagKeys": ["true", "false"]}})),
        ("Condition", json!({"StringNotEquals": {"aws:TagKeys": "Owner"}})),
    ] {
        assert!(with(name, value.clone()).is_err(), "{name} {value}");
    }
}

/// The verdict of a statement with this condition about a call.
fn judged(condition: &Value, request: &Request) -> Verdict {
    let statement =
        json!({"Sid": "S", "Effect": "Deny", "Action": "sqs:*", "Resource": "*", "Condition": condition});
    Statement::parse("scp", &statement).unwrap().judge(request)
}

fn call(tags: NamedTags) -> Request {
    let actions = vec!["sqs:CreateQueue".to_owned()];
    Request {
        principal: ROLE.to_owned(),
        user_id: Some("AROAEXAMPLE:x".to_owned()),
        actions,
        tags,
        ..Request::default()
    }
}

fn naming(tags: &[(&str, &str)]) -> NamedTags {
    let written = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    NamedTags { written, ..NamedTags::default() }
}

#[test]
fn any_string_equals_ignores_the_case_of_keys() {
    let guarded = json!({"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": ["Owner", "PrincipalId"]}});
    let part = |tags: &[(&str, &str)]| NamedTags { complete: false, ..naming(tags) };
    let removing = NamedTags { removed: vec!["principalid".to_owned()], ..NamedTags::default() };
    for (tags, expected) in [
        (naming(&[]), NotDenied),
        (naming(&[("Team", "a")]), NotDenied),
        (naming(&[("Team", "a"), ("OWNER", "b")]), Denied),
        (naming(&[("Owner ", "b")]), NotDenied),
        (removing, Denied),
        (part(&[]), Unknown),
        (part(&[("Team", "a")]), Unknown),
        (part(&[("Owner", "a")]), Denied),
        // Tags of objects have a condition key of their own.
        (NamedTags { of_objects: true, ..naming(&[("Owner", "a")]) }, NotDenied),
    ] {
        assert_eq!(judged(&guarded, &call(tags.clone())), expected, "{tags:?}");
    }
    let objects = json!({"ForAnyValue:StringEqualsIgnoreCase": {"s3:RequestObjectTagKeys": ["Owner"]}});
    assert_eq!(judged(&objects, &call(naming(&[("Owner", "a")]))), NotDenied);
    assert_eq!(judged(&objects, &call(NamedTags { of_objects: true, ..naming(&[("owner", "a")]) })), Denied);
}

#[test]
fn string_not_equals_lets_expected_values_through() {
    let expected = json!({"StringNotEquals": {"aws:RequestTag/Owner": ["IoTDeviceTester", "${aws:userid}"]}});
    let removing = NamedTags { removed: vec!["Owner".to_owned()], complete: false, ..NamedTags::default() };
    for (tags, verdict) in [
        (naming(&[("Owner", "IoTDeviceTester")]), NotDenied),
        (naming(&[("owner", "IoTDeviceTester")]), NotDenied),
        (naming(&[("Owner", "AROAEXAMPLE:x")]), NotDenied),
        (naming(&[("Owner", "iotdevicetester")]), Denied),
        (naming(&[("Owner", "${aws:userid}")]), Denied),
        (naming(&[("Owner", "IoTDeviceTester"), ("owner", "mallory")]), Unknown),
        (naming(&[]), Denied),
        (removing, Denied),
        (NamedTags { complete: false, ..naming(&[]) }, Unknown),
    ] {
        assert_eq!(judged(&expected, &call(tags.clone())), verdict, "{tags:?}");
    }
    let nobody = Request { user_id: None, ..call(naming(&[("Owner", "x")])) };
    assert_eq!(judged(&expected, &nobody), Unknown);
    let other = json!({"StringNotEquals": {"aws:RequestTag/Owner": "${aws:PrincipalTag/owner}"}});
    assert_eq!(judged(&other, &call(naming(&[("Owner", "x")]))), Unknown);
}

#[test]
fn null_asks_for_the_presence_of_a_key() {
    let of = |key: &str, value: &str| json!({"Null": {key: value}});
    let part = NamedTags { complete: false, ..naming(&[]) };
    let some = naming(&[("Team", "a")]);
    for (tags, none, any) in
        [(naming(&[]), Denied, NotDenied), (some.clone(), NotDenied, Denied), (part, Unknown, Unknown)]
    {
        assert_eq!(judged(&of("aws:TagKeys", "true"), &call(tags.clone())), none, "{tags:?}");
        assert_eq!(judged(&of("aws:TagKeys", "false"), &call(tags.clone())), any, "{tags:?}");
    }
    let partly = NamedTags { complete: false, ..some };
    assert_eq!(judged(&of("aws:TagKeys", "true"), &call(partly)), NotDenied);
    assert_eq!(judged(&of("s3:ExistingObjectTag/Owner", "false"), &call(naming(&[]))), Unknown);
    let by = |source_identity| Request { source_identity, ..call(naming(&[])) };
    assert_eq!(judged(&of("aws:SourceIdentity", "true"), &by(None)), Denied);
    assert_eq!(judged(&of("aws:SourceIdentity", "true"), &by(Some("mara".to_owned()))), NotDenied);
}

#[test]
fn arns_are_compared_part_by_part() {
    let not_like = |pattern: &str| json!({"ArnNotLike": {"aws:PrincipalArn": [pattern]}});
    let plain = call(naming(&[]));
    for (pattern, expected) in [
        (ROLE, NotDenied),
        ("arn:aws:iam::*:role/deploy", NotDenied),
        ("arn:aws:iam::*:role/dep*", NotDenied),
        ("arn:aws:iam::*:role/Deploy", Denied),
        ("arn:aws:iam::*:role/team/deploy", Denied),
        ("arn:aws:*:role/deploy", Denied),
    ] {
        assert_eq!(judged(&not_like(pattern), &plain), expected, "{pattern}");
    }
    assert_eq!(judged(&not_like(ROLE), &Request { principal: String::new(), ..call(naming(&[])) }), Unknown);
    let like = json!({"ArnLike": {"lambda:FunctionArn": "arn:aws:lambda:*:*:function:autotag-*"}});
    let on = |name: &str| Request {
        function: Some(format!("arn:aws:lambda:eu-west-1:111122223333:function:{name}")),
        ..call(naming(&[]))
    };
    assert_eq!(judged(&like, &on("autotag-tag-handler")), Denied);
    assert_eq!(judged(&like, &on("shop")), NotDenied);
    assert_eq!(judged(&like, &plain), Unknown);
}

#[test]
fn all_parts_of_a_statement_have_to_hold() {
    let parse = |statement: Value| Statement::parse("scp", &statement).unwrap();
    let request = call(naming(&[("Owner", "a")]));
    let other = parse(json!({"Effect": "Deny", "NotAction": ["SQS:*", "sts:*"], "Resource": "*"}));
    assert_eq!(other.judge(&request), NotDenied);
    let all_but = parse(json!({"Effect": "Deny", "NotAction": "sts:*", "Resource": "*"}));
    assert_eq!(all_but.judge(&request), Denied);
    let queue = |name: &str| Request {
        resources: vec![format!("arn:aws:sqs:eu-west-1:111122223333:{name}")],
        ..call(naming(&[]))
    };
    let own = parse(json!({"Effect": "Deny", "Action": "sqs:*", "Resource": "arn:aws:sqs:*:*:autotag-*"}));
    assert_eq!(own.judge(&queue("autotag-tag")), Denied);
    assert_eq!(own.judge(&queue("orders")), NotDenied);
    assert_eq!(own.judge(&request), Unknown, "the record does not say which queue");
    let both = json!({"Null": {"aws:TagKeys": "true"}, "ArnNotLike": {"aws:PrincipalArn": ROLE}});
    assert_eq!(judged(&both, &call(NamedTags { complete: false, ..naming(&[]) })), NotDenied);
}

#[test]
fn actions_have_the_prefix_of_their_service() {
    for service in Catalog::embedded().services().unwrap() {
        let known = prefix(&service.source);
        let of_rules = service.rules.iter().flat_map(|rule| rule.iam_actions());
        let prefixes: Vec<&str> = of_rules.filter_map(|action| action.split(':').next()).collect();
        // Snapshots of `ebs` and stacks are tagged by calls of other services.
        let is_own = prefixes.is_empty() || prefixes.contains(&known);
        assert!(
            is_own || ["ebs", "cloudformation"].contains(&known),
            "{}: {known}, not {prefixes:?}",
            service.source
        );
    }
    assert!(PREFIXES.is_sorted());
    assert_eq!(prefix("sqs.amazonaws.com"), "sqs");
    for (name, plain) in [
        ("UpdateFunctionCode20150331v2", "UpdateFunctionCode"),
        ("DeleteFunction20150331", "DeleteFunction"),
        ("CreateDistribution2020_05_31", "CreateDistribution"),
        ("PutObject", "PutObject"),
        ("CreateJobV2", "CreateJobV2"),
        ("20150331", "20150331"),
        ("", ""),
    ] {
        assert_eq!(without_version(name), plain);
    }
}

fn record(source: &str, name: &str, request: &Value, more: &Value) -> String {
    let mut all = json!({
        "eventSource": source, "eventName": name, "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
        "requestParameters": request,
    });
    let members = all.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    all.to_string()
}

fn request_of(text: &str) -> Request {
    let record: Record<'_> = serde_json::from_str(text).unwrap();
    let principal = Principal::of(&record).unwrap();
    Request::of(&record, &principal, record.recipient_account().as_ref(), &Catalog::embedded()).unwrap()
}

/// Otherwise the statements that keep autotag's own parts would never deny anything here.
#[test]
fn each_call_about_an_own_part_names_it() {
    let queue = "https://sqs.eu-west-1.amazonaws.com/111122223333/autotag-tag";
    let request = json!({
        "roleName": "autotag-member", "policyArn": "arn:aws:iam::111122223333:policy/autotag-1", "stackName": "autotag-hub",
        "alarmName": "autotag-a", "alarmNames": ["autotag-b"], "name": "autotag-c", "eventBusName": "default",
        "rule": "autotag-d", "functionName": "autotag-tag-handler", "queueUrl": queue,
    });
    let actions = ACTIONS.iter().chain(&ROLE_ACTIONS).filter(|action| **action != "iam:PassRole");
    for action in actions {
        let (service, name) = action.split_once(':').unwrap();
        let source = if service == "cloudwatch" { "monitoring" } else { service };
        let text = record(&format!("{source}.amazonaws.com"), name, &request, &json!({}));
        let found = request_of(&text);
        assert_eq!(found.actions, [*action]);
        let has_own = |arn: &String| arn.contains("autotag") || arn.ends_with("event-bus/default");
        assert!(!found.resources.is_empty() && found.resources.iter().all(has_own), "{action}: {found:?}");
    }
    for action in MAPPING_ACTIONS {
        let name = format!("{}20150331", action.split_once(':').unwrap().1);
        let answer = json!({"responseElements": {"functionArn": "arn:aws:lambda:eu-west-1:111122223333:function:autotag-x"}});
        let found = request_of(&record("lambda.amazonaws.com", &name, &json!({"uUID": "u"}), &answer));
        assert_eq!(found.actions, [action]);
        assert!(found.function.unwrap().ends_with(":autotag-x"));
    }
}

#[test]
fn own_parts_are_named_in_every_form() {
    let (region, account) = (Region::new("eu-west-1").unwrap(), AccountId::new("111122223333").unwrap());
    let arns = |service: &str, name: &str, request: Value| {
        let text = record(&format!("{service}.amazonaws.com"), name, &request, &json!({}));
        let record: Record<'_> = serde_json::from_str(&text).unwrap();
        own_part::arns(&record, &record.parsed().unwrap(), &Place::new(Some(&region), Some(&account)))
            .join(" ")
    };
    let here = "eu-west-1:111122223333";
    for (service, name, request, expected) in [
        ("events", "PutRule", json!({"name": "a"}), format!("arn:aws:events:{here}:rule/a")),
        (
            "events",
            "PutTargets",
            json!({"rule": "a", "eventBusName": "b"}),
            format!("arn:aws:events:{here}:rule/b/a"),
        ),
        (
            "events",
            "DisableRule",
            json!({"name": "a", "eventBusName": format!("arn:aws:events:{here}:event-bus/b")}),
            format!("arn:aws:events:{here}:rule/b/a"),
        ),
        ("events", "DeleteEventBus", json!({"name": "b"}), format!("arn:aws:events:{here}:event-bus/b")),
        (
            "cloudformation",
            "DeleteStack",
            json!({"stackName": format!("arn:aws:cloudformation:{here}:stack/autotag/id")}),
            format!("arn:aws:cloudformation:{here}:stack/autotag/id"),
        ),
        (
            "lambda",
            "DeleteFunction20150331",
            json!({"functionName": "111122223333:function:f"}),
            format!("arn:aws:lambda:{here}:function:f"),
        ),
        (
            "iam",
            "CreateRole",
            json!({"roleName": "r", "path": "/p/"}),
            "arn:aws:iam::111122223333:role/p/r".to_owned(),
        ),
        ("sqs", "PurgeQueue", json!({"queueUrl": "no url"}), String::new()),
        ("sqs", "SendMessage", json!({}), String::new()),
    ] {
        assert_eq!(arns(service, name, request), expected, "{service} {name}");
    }
}

#[test]
fn the_tags_of_a_record() {
    let of = |source: &str, name: &str, request: Value| {
        request_of(&record(source, name, &request, &json!({}))).tags
    };
    let (ec2, s3, sqs) = ("ec2.amazonaws.com", "s3.amazonaws.com", "sqs.amazonaws.com");
    let untag = of(sqs, "UntagQueue", json!({"queueUrl": "q", "tagKeys": ["Owner"]}));
    assert_eq!((untag.removed.len(), untag.complete), (1, true));
    let all =
        of(ec2, "DeleteTags", json!({"resourcesSet": {"items": [{"resourceId": "i-1"}]}, "tagSet": {}}));
    assert!(all.keys().is_empty() && all.complete, "EC2 removes all tags: {all:?}");
    let run = json!({"tagSpecificationSet": {"items": [{"resourceType": "instance", "tags": [{"key": "Owner", "value": "x"}]}]}});
    assert_eq!(of(ec2, "RunInstances", run).keys(), ["Owner"]);
    let hidden = json!({"queueName": "q", "tags": {"HIDDEN_DUE_TO_SECURITY_REASONS": "HIDDEN_DUE_TO_SECURITY_REASONS"}});
    assert!(!of(sqs, "CreateQueue", hidden).complete);
    assert!(!of(sqs, "CreateQueue", Value::Null).complete, "a record without its request");
    assert!(of(ec2, "StopInstances", Value::Null).complete, "a call that takes no tags");
    let cut = json!({"omitted": true, "originalSize": 120_000});
    assert!(!of(sqs, "CreateQueue", cut).complete);
    let object =
        of(s3, "PutObject", json!({"bucketName": "b", "key": "k", "x-amz-tagging": "Owner=x&Team=a"}));
    assert!(object.of_objects && object.names("owner"), "{object:?}");
    assert!(
        !of(s3, "PutObjectTagging", json!({"bucketName": "b", "key": "k"})).complete,
        "the tags are in the body"
    );
}

#[test]
fn a_source_identity_needs_an_action_of_its_own() {
    let of =
        |request: Value| request_of(&record("sts.amazonaws.com", "AssumeRole", &request, &json!({}))).actions;
    assert_eq!(of(json!({"roleArn": "r"})), ["sts:AssumeRole"]);
    assert_eq!(
        of(json!({"roleArn": "r", "sourceIdentity": "boss"})),
        ["sts:AssumeRole", "sts:SetSourceIdentity"]
    );
}

#[test]
fn arns_of_other_partitions_are_those_of_the_files() {
    let more = json!({"userIdentity": {"type": "AssumedRole", "arn": "arn:aws-cn:sts::111122223333:assumed-role/autotag-member/s",
        "accountId": "111122223333", "principalId": "AROAEXAMPLE:s"}});
    let found = request_of(&record("sqs.amazonaws.com", "TagQueue", &json!({}), &more));
    assert_eq!(found.principal, "arn:aws:iam::111122223333:role/autotag-member");
}
