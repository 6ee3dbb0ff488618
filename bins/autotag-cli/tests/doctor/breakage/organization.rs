//! Broken conditions on the organization, and its policies.

use super::suite::{BreakageSuite, only};
use crate::deployment::{bus_arn, queue_arn};
use crate::names::{ACCOUNT, HUB, TAG_HANDLER};
use autotag_aws::signed::{EVENTS, KMS, ORGANIZATIONS};
use serde_json::{Value, json};

async fn organization(suite: &BreakageSuite) -> String {
    let client = suite.deployment.hub.clone();
    let described = client.json(ORGANIZATIONS, "DescribeOrganization", "us-east-1", json!({})).await;
    described["Organization"]["Id"].as_str().unwrap().to_owned()
}

/// Lets in the roles of this name in an organization.
async fn bus_policy(suite: &BreakageSuite, id: &str, role: &str) {
    let condition = json!({"StringEquals": {"aws:PrincipalOrgID": id},
        "ArnLike": {"aws:PrincipalArn": format!("arn:aws:iam::*:role/{role}")}});
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "in", "Effect": "Allow", "Principal": "*",
        "Action": "events:PutEvents", "Resource": bus_arn(), "Condition": condition}]});
    let input = json!({"EventBusName": "autotag", "Policy": policy.to_string()});
    suite.deployment.hub.json(EVENTS, "PutPermission", HUB, input).await;
}

/// The statements of tag-handler's role in the mode of an organization.
fn needs(suite: &BreakageSuite) -> Value {
    let mut needs = suite.deployment.needs(TAG_HANDLER);
    for statement in needs.as_array_mut().unwrap() {
        if statement["Action"] == "sts:AssumeRole" {
            statement["Condition"] = json!({"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}});
        }
    }
    needs
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_on_the_organization_are_evaluated() {
    let mut suite = BreakageSuite::new().await;
    let client = suite.deployment.hub.clone();
    let id = organization(&suite).await;
    bus_policy(&suite, "o-another000", "autotag-forward-*").await;
    suite.check("bus policy with a wrong organization id", &only(&["bus.policy @ eu-west-1 autotag"]));
    bus_policy(&suite, &id, "autotag-test-forward-*").await;
    suite.check("bus policy for another deployment", &only(&["bus.policy @ eu-west-1 autotag"]));
    bus_policy(&suite, &id, "autotag-forward-*").await;
    suite.healthy("bus policy with the organization's id and the forward roles");

    let all = needs(&suite);
    client.allow(TAG_HANDLER, all.clone()).await;
    suite.healthy("member roles of the organization only");
    let mut missing = all.clone();
    missing.as_array_mut().unwrap().retain(|statement| statement["Action"] != "dynamodb:Query");
    client.allow(TAG_HANDLER, missing).await;
    suite.check(
        "a permission is missing beside conditions",
        &only(&["permission.working @ autotag-tag-handler"]),
    );
    let mut wrong = all;
    for statement in wrong.as_array_mut().unwrap().iter_mut().filter(|one| one["Action"] == "sts:AssumeRole")
    {
        statement["Condition"] = json!({"StringEquals": {"aws:ResourceOrgID": "o-another000"}});
    }
    client.allow(TAG_HANDLER, wrong).await;
    suite.check("member roles of another organization", &only(&["permission.working @ autotag-tag-handler"]));
    client.allow(TAG_HANDLER, suite.deployment.needs(TAG_HANDLER)).await;
    suite.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_queue_is_for_the_account() {
    let mut suite = BreakageSuite::new().await;
    let client = suite.deployment.hub.clone();
    let key = client.json(KMS, "CreateKey", HUB, json!({})).await["KeyMetadata"]["Arn"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut needs = suite.deployment.needs(TAG_HANDLER);
    needs
        .as_array_mut()
        .unwrap()
        .push(json!({"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": key}));
    client.allow(TAG_HANDLER, needs).await;
    suite.deployment.set("autotag-tag", json!({"KmsMasterKeyId": key})).await;
    let policy = async |condition: Value| {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "kms:*", "Resource": "*"},
            {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
                "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*", "Condition": condition}]});
        let input = json!({"KeyId": key, "PolicyName": "default", "Policy": policy.to_string()});
        client.json(KMS, "PutKeyPolicy", HUB, input).await;
    };
    policy(json!({"StringEquals": {"aws:SourceAccount": "111122223333"}})).await;
    suite.check("key for rules of another account", &only(&["queue.key @ autotag-tag"]));
    let other = queue_arn(HUB, ACCOUNT, "other");
    policy(json!({"StringEquals": {"kms:EncryptionContext:aws:sqs:arn": other}})).await;
    suite.check("key for another queue", &only(&["queue.key @ autotag-tag"]));
    policy(json!({"StringEquals": {"aws:SourceAccount": ACCOUNT}})).await;
    suite.healthy("an encrypted queue");
    client.allow(TAG_HANDLER, suite.deployment.needs(TAG_HANDLER)).await;
    suite.check(
        "the function may not use the queue's key",
        &only(&["permission.working @ autotag-tag-handler"]),
    );
    suite.deployment.set("autotag-tag", json!({"KmsMasterKeyId": ""})).await;
    suite.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_of_the_organization_that_list_what_is_allowed_are_read() {
    let mut suite = BreakageSuite::new().await;
    let (client, at) = (suite.deployment.hub.clone(), "us-east-1");
    let member = suite.deployment.member_account.clone();
    let content = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "ec2:Describe*"], "Resource": "*"}]});
    let input = json!({"Name": "list", "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": content.to_string()});
    let made = client.json(ORGANIZATIONS, "CreatePolicy", at, input).await;
    let id = made["Policy"]["PolicySummary"]["Id"].clone();
    client.json(ORGANIZATIONS, "AttachPolicy", at, json!({"PolicyId": id, "TargetId": member})).await;
    suite.healthy("a list beside FullAWSAccess");
    let full = json!({"PolicyId": "p-FullAWSAccess", "TargetId": member});
    client.json(ORGANIZATIONS, "DetachPolicy", at, full.clone()).await;
    let place = format!("organization.policy @ {member}");
    suite.check("a list without tag actions", &only(&[&place]));
    client.json(ORGANIZATIONS, "AttachPolicy", at, full).await;
    client.json(ORGANIZATIONS, "DetachPolicy", at, json!({"PolicyId": id, "TargetId": member})).await;
    suite.finish();
}
