//! Records and events of `aws.tag` as changes.

use crate::catalog::Catalog;
use crate::classify::{Classifier, Envelope};
use crate::tamper::{NoTagChange, OwnRoles, TagChange, TagChanges, TamperWatch, TouchedKeys};
use autotag_model::policy::Policy;
use autotag_model::record::Record;
use serde_json::{Value, json};

const OWN: &str = "arn:aws:iam::999999999999:role/autotag/autotag-tag-handler";

fn read(policy: &str, record: &Value) -> TagChanges {
    let classifier = Classifier::new(Catalog::embedded(), Policy::from_toml(policy).unwrap());
    let own = OwnRoles::new([OWN]).unwrap().with_member_role("autotag-member");
    let text = record.to_string();
    let record: Record<'_> = serde_json::from_str(&text).unwrap();
    TamperWatch::new(&classifier, &own).read(&record, Envelope::default())
}

fn session(arn: &str, issuer: &str) -> Value {
    json!({"type": "AssumedRole", "arn": arn, "principalId": "AROAEXAMPLE:x", "accountId": "111122223333",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": issuer}}})
}

fn call(source: &str, name: &str, request: &Value) -> Value {
    json!({
        "eventSource": source, "eventName": name, "eventTime": "2026-11-30T10:00:00Z", "eventID": "e-1",
        "awsRegion": "eu-west-1", "recipientAccountId": "111122223333", "requestParameters": request,
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/eve", "accountId": "111122223333"},
    })
}

/// Resource and keys of each change.
fn found(changes: TagChanges) -> Vec<(Vec<String>, TouchedKeys)> {
    let TagChanges::Changes(changes) = changes else { panic!("{changes:?}") };
    let each = changes.into_iter().map(|TagChange { resource, keys, .. }| {
        (resource.candidates.iter().map(autotag_model::rule::Resource::display).collect(), keys)
    });
    each.collect()
}

fn keys(keys: &[&str]) -> TouchedKeys {
    TouchedKeys::Keys(keys.iter().map(|key| (*key).to_owned()).collect())
}

/// A call as CloudTrail writes it: service, name, request, the resource, and the keys in question.
type Form = (&'static str, &'static str, Value, &'static str, TouchedKeys);

fn forms() -> Vec<Form> {
    let mut forms = first_forms();
    forms.extend(further_forms());
    forms
}

fn first_forms() -> Vec<Form> {
    let owner = || keys(&["Owner"]);
    let any = || TouchedKeys::Any;
    vec![
        (
            "sqs",
            "UntagQueue",
            json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/orders", "tagKeys": ["Owner", "Team"]}),
            "arn:aws:sqs:eu-west-1:111122223333:orders",
            owner(),
        ),
        (
            "lambda",
            "UntagResource20170331v2",
            json!({"resource": "arn:aws:lambda:eu-west-1:111122223333:function:resize", "tagKeys": ["owner"]}),
            "arn:aws:lambda:eu-west-1:111122223333:function:resize",
            owner(),
        ),
        (
            "rds",
            "RemoveTagsFromResource",
            json!({"resourceName": "arn:aws:rds:eu-west-1:111122223333:db:shop", "tagKeys": ["Owner"]}),
            "arn:aws:rds:eu-west-1:111122223333:db:shop",
            owner(),
        ),
        (
            "s3",
            "PutBucketTagging",
            json!({"bucketName": "logs-of-shop", "tagging": "", "Host": "s3.eu-west-1.amazonaws.com",
                "Tagging": {"xmlns": "http://s3", "TagSet": {"Tag": {"Key": "Team", "Value": "shop"}}}}),
            "arn:aws:s3:::logs-of-shop",
            any(),
        ),
        (
            "s3",
            "DeleteBucketTagging",
            json!({"bucketName": "logs-of-shop", "tagging": ""}),
            "arn:aws:s3:::logs-of-shop",
            any(),
        ),
        (
            "s3",
            "DeleteObjectTagging",
            json!({"bucketName": "b", "key": "arn:aws:s3:::victim/x"}),
            "arn:aws:s3:::b/arn:aws:s3:::victim/x",
            any(),
        ),
        (
            "iam",
            "UntagRole",
            json!({"roleName": "ci", "tagKeys": ["PrincipalId"]}),
            "arn:aws:iam::111122223333:role/ci",
            keys(&["PrincipalId"]),
        ),
    ]
}

fn further_forms() -> Vec<Form> {
    let owner = || keys(&["Owner"]);
    let any = || TouchedKeys::Any;
    vec![
        (
            "route53",
            "ChangeTagsForResource",
            json!({"resourceType": "hostedzone", "resourceId": "Z1", "removeTagKeys": ["Owner"]}),
            "arn:aws:route53:::hostedzone/Z1",
            owner(),
        ),
        (
            "autoscaling",
            "DeleteTags",
            json!({"tags": [{"resourceId": "web", "resourceType": "auto-scaling-group", "key": "Owner", "propagateAtLaunch": true}]}),
            "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:*:autoScalingGroupName/web",
            owner(),
        ),
        (
            "kms",
            "UntagResource",
            json!({"keyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "tagKeys": ["Owner"]}),
            "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            owner(),
        ),
        (
            "ssm",
            "RemoveTagsFromResource",
            json!({"resourceType": "Parameter", "resourceId": "/shop/url", "tagKeys": ["Owner"]}),
            "arn:aws:ssm:eu-west-1:111122223333:parameter/shop/url",
            owner(),
        ),
        (
            "codebuild",
            "UpdateProject",
            json!({"name": "build", "tags": []}),
            "arn:aws:codebuild:eu-west-1:111122223333:project/build",
            any(),
        ),
        (
            "elasticloadbalancing",
            "RemoveTags",
            json!({"loadBalancerNames": ["old"], "tags": [{"key": "Owner"}]}),
            "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/old",
            owner(),
        ),
        (
            "cloudfront",
            "UntagResource",
            json!({"resource": "arn:aws:cloudfront::111122223333:distribution/E1", "tagKeys": {"items": ["CreatedBy"]}}),
            "arn:aws:cloudfront::111122223333:distribution/E1",
            keys(&["CreatedBy"]),
        ),
        (
            "tagging",
            "UntagResources",
            json!({"resourceARNList": ["arn:aws:sns:eu-west-1:111122223333:news"], "tagKeys": ["Owner"]}),
            "arn:aws:sns:eu-west-1:111122223333:news",
            owner(),
        ),
    ]
}

#[test]
fn the_resource_is_found_in_the_form_of_each_service() {
    for (service, name, request, arn, touched) in forms() {
        let source = format!("{service}.amazonaws.com");
        let all = found(read("", &call(&source, name, &request)));
        assert_eq!(all, [(vec![arn.to_owned()], touched)], "{service} {name}");
    }
}

#[test]
fn an_id_of_ec2_leads_to_the_key_that_its_creation_has() {
    let request = json!({"resourcesSet": {"items": [{"resourceId": "i-0abc"}, {"resourceId": "vol-0def"}]},
        "tagSet": {"items": [{"key": "Owner", "value": "ana"}]}});
    let all = found(read("", &call("ec2.amazonaws.com", "DeleteTags", &request)));
    let [(instance, _), (volume, _)] = all.as_slice() else { panic!("{all:?}") };
    assert!(instance.contains(&"arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc".to_owned()));
    assert!(volume.contains(&"arn:aws:ec2:eu-west-1:111122223333:volume/vol-0def".to_owned()));
    // A reader of the ledger asks for all of them at once: DynamoDB takes 100 keys.
    assert!(instance.len() <= 100, "{}", instance.len());
}

#[test]
fn tags_that_are_written_over_are_a_change_too() {
    let request = json!({"resourceArn": "arn:aws:sns:eu-west-1:111122223333:news", "tags": [{"key": "Owner", "value": "eve"}]});
    assert_eq!(found(read("", &call("sns.amazonaws.com", "TagResource", &request))).len(), 1);
    let request = json!({"resourceArn": "arn:aws:sns:eu-west-1:111122223333:news", "tags": [{"key": "Team", "value": "x"}]});
    let changes = read("", &call("sns.amazonaws.com", "TagResource", &request));
    assert_eq!(changes, TagChanges::None(NoTagChange::OtherTags));
}

#[test]
fn calls_that_did_nothing_are_no_change() {
    let request = json!({"queueUrl": "https://sqs/111122223333/orders", "tagKeys": ["Owner"]});
    let record = call("sqs.amazonaws.com", "UntagQueue", &request);
    for (member, value) in [
        ("errorCode", json!("AccessDenied")),
        ("errorMessage", json!("not allowed")),
        ("readOnly", json!(true)),
    ] {
        let mut record = record.clone();
        record[member] = value;
        assert_eq!(read("", &record), TagChanges::None(NoTagChange::NothingDone), "{member}");
    }
    let list = call("sqs.amazonaws.com", "ListQueueTags", &request);
    assert_eq!(read("", &list), TagChanges::None(NoTagChange::OtherCall));
}

#[test]
fn only_autotags_own_roles_are_itself() {
    let request = json!({"queueUrl": "https://sqs/111122223333/orders", "tagKeys": ["Owner"]});
    let by = |arn: &str, issuer: &str| {
        let mut record = call("sqs.amazonaws.com", "UntagQueue", &request);
        record["userIdentity"] = session(arn, issuer);
        record["userAgent"] = json!("autotag");
        read("", &record)
    };
    let own = TagChanges::None(NoTagChange::Own);
    let function = "arn:aws:sts::999999999999:assumed-role/autotag-tag-handler/tag-handler";
    assert_eq!(by(function, OWN), own);
    let member = "arn:aws:iam::111122223333:role/autotag-member";
    assert_eq!(by("arn:aws:sts::111122223333:assumed-role/autotag-member/autotag", member), own);
    for (arn, issuer) in [
        // A session that is named like autotag's.
        ("arn:aws:sts::111122223333:assumed-role/Dev/autotag-member", "arn:aws:iam::111122223333:role/Dev"),
        // A role of the same name in another account than that of the resource, or of the function's name elsewhere.
        (
            "arn:aws:sts::444455556666:assumed-role/autotag-member/x",
            "arn:aws:iam::444455556666:role/autotag-member",
        ),
        (
            "arn:aws:sts::111122223333:assumed-role/autotag-tag-handler/x",
            "arn:aws:iam::111122223333:role/autotag-tag-handler",
        ),
    ] {
        assert_eq!(found(by(arn, issuer)).len(), 1, "{arn}");
    }
    assert!(OwnRoles::new(["arn:aws:iam::999999999999:user/autotag"]).is_err());
    assert!(OwnRoles::new(["autotag"]).is_err());
}

#[test]
fn what_the_policy_ignores_is_no_change() {
    let request = json!({"queueUrl": "https://sqs/111122223333/orders", "tagKeys": ["Owner"]});
    let record = call("sqs.amazonaws.com", "UntagQueue", &request);
    for ignore in [
        "principals = [\"*user/eve\"]",
        "services = [\"sqs\"]",
        "events = [\"sqs:UntagQueue\"]",
        "accounts = [\"111122223333\"]",
    ] {
        let changes = read(&format!("[ignore]\n{ignore}\n"), &record);
        assert!(matches!(changes, TagChanges::None(NoTagChange::Ignored(_))), "{ignore}: {changes:?}");
    }
}

fn tag_event(change: impl FnOnce(&mut Value)) -> TagChanges {
    let mut event = json!({
        "version": "0", "id": "b1", "detail-type": "Tag Change on Resource", "source": "aws.tag",
        "account": "111122223333", "time": "2026-11-30T10:00:01Z", "region": "eu-west-1",
        "resources": ["arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc"],
        "detail": {"changed-tag-keys": ["owner", "Team"], "service": "ec2", "resource-type": "instance",
            "version": 5, "tags": {"Team": "shop"}},
    });
    change(&mut event);
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    TamperWatch::new(&classifier, &OwnRoles::default()).read_tag_event(&event.to_string())
}

#[test]
fn an_event_of_aws_tag_says_that_something_changed_and_not_who_did_it() {
    let TagChanges::Changes(changes) = tag_event(|_| {}) else { panic!() };
    let [change] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!((&change.principal, &change.keys), (&None, &keys(&["Owner"])));
    assert_eq!(change.resource.candidates[0].resource_type, "AWS::EC2::Instance");
    assert_eq!(change.event_id(), Some("b1"));
}

#[test]
fn events_that_aws_did_not_send_are_no_change() {
    let none = |change: fn(&mut Value)| match tag_event(change) {
        TagChanges::None(why) => why,
        changes => panic!("{changes:?}"),
    };
    assert_eq!(none(|event| event["source"] = json!("custom.tag")), NoTagChange::NotFromAws);
    assert_eq!(none(|event| event["detail-type"] = json!("Tag Change")), NoTagChange::NotFromAws);
    assert_eq!(none(|event| event["account"] = json!("444455556666")), NoTagChange::NoResource);
    assert_eq!(none(|event| event["detail"]["changed-tag-keys"] = json!(["Team"])), NoTagChange::OtherTags);
    assert_eq!(none(|event| event["resources"] = json!(["x"])), NoTagChange::NoResource);
    assert_eq!(none(|event| event["detail"] = json!(null)), NoTagChange::Malformed);
}
