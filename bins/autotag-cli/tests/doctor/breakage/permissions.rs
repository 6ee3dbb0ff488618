//! Missing permissions: of the functions, of member accounts, and by policies of the organization.

use super::suite::{BreakageSuite, compare, only, with};
use crate::deployment::trust;
use crate::names::{EXTERNAL_ID, SESSION_HANDLER, TAG_HANDLER};
use crate::report;
use autotag_aws::signed::ORGANIZATIONS;
use serde_json::{Value, json};

/// The statements of a policy without one action.
fn without(statements: &Value, action: &str) -> Value {
    let mut statements = statements.clone();
    for statement in statements.as_array_mut().unwrap() {
        if let Some(actions) = statement["Action"].as_array_mut() {
            actions.retain(|one| one != action);
        }
    }
    statements
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_permissions_are_reported() {
    let mut suite = BreakageSuite::new().await;
    let client = suite.deployment.hub.clone();
    let needs = suite.deployment.needs(TAG_HANDLER);
    for (how, action, check) in [
        ("missing permission on one service", "sns:TagResource", "permission.tagging"),
        ("tags may not be read", "tag:GetResources", "permission.reading"),
        ("the queue may not be read", "sqs:DeleteMessage", "permission.working"),
    ] {
        client.allow(TAG_HANDLER, without(&needs, action)).await;
        suite.check(how, &only(&[&format!("{check} @ {TAG_HANDLER}")]));
    }
    let mut denied = needs.clone();
    denied
        .as_array_mut()
        .unwrap()
        .push(json!({"Effect": "Deny", "Action": "ec2:CreateTags", "Resource": "*"}));
    client.allow(TAG_HANDLER, denied).await;
    suite.check("a permission is denied", &only(&["permission.tagging @ autotag-tag-handler"]));
    client.allow(TAG_HANDLER, needs).await;
    let needs = suite.deployment.needs(SESSION_HANDLER);
    client.allow(SESSION_HANDLER, json!([needs[0], needs[1]])).await;
    suite.check(
        "session-handler may not write its table",
        &only(&["permission.working @ autotag-session-handler"]),
    );
    client.allow(SESSION_HANDLER, needs).await;
    suite.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_account_without_access_is_reported() {
    let mut suite = BreakageSuite::new().await;
    let (client, member) = (suite.deployment.member.clone(), suite.deployment.member_account.clone());
    let (role, tagging) = (format!("member.role @ {member}"), format!("member.tagging @ {member}"));
    let trusts = async |trusted: Value| {
        let policy = json!({"Version": "2012-10-17", "Statement": [trusted]}).to_string();
        client
            .iam("UpdateAssumeRolePolicy", &[("RoleName", "autotag-member"), ("PolicyDocument", &policy)])
            .await;
    };
    trusts(trust("another")).await;
    suite.check("another external id", &only(&[&role]));
    let mut foreign = trust(EXTERNAL_ID);
    foreign["Principal"] = json!({"AWS": "arn:aws:iam::111122223333:root"});
    trusts(foreign).await;
    suite.check("role not assumable", &only(&[&role]));
    trusts(trust(EXTERNAL_ID)).await;

    let all = suite.deployment.member_needs();
    client.allow("autotag-member", without(&all, "rds:AddTagsToResource")).await;
    suite.check("missing permission on one service in a member account", &only(&[&tagging]));
    client.allow("autotag-member", all.clone()).await;

    // Without the role its permissions cannot be simulated.
    client.iam("DeleteRolePolicy", &[("RoleName", "autotag-member"), ("PolicyName", "needed")]).await;
    client.iam("DeleteRole", &[("RoleName", "autotag-member")]).await;
    let reading = format!("member.reading @ {member}");
    suite.check("no member role", &with(&[&role], &[&tagging, &reading]));
    client.role("autotag-member", &trust(EXTERNAL_ID), all).await;
    suite.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_the_organization_is_reported() {
    let mut suite = BreakageSuite::new().await;
    let client = suite.deployment.hub.clone();
    let at = "us-east-1";
    let roots = client.json(ORGANIZATIONS, "ListRoots", at, json!({})).await;
    let root = roots["Roots"][0]["Id"].clone();
    let deny = |condition: Value| {
        json!({"Version": "2012-10-17", "Statement": [{"Sid": "NoTags", "Effect": "Deny",
        "Action": ["ec2:CreateTags"], "Resource": "*", "Condition": condition}]})
        .to_string()
    };
    let input = json!({"Name": "no-tags", "Description": "", "Type": "SERVICE_CONTROL_POLICY",
        "Content": deny(json!({}))});
    let policy = client.json(ORGANIZATIONS, "CreatePolicy", at, input).await;
    let id = policy["Policy"]["PolicySummary"]["Id"].clone();
    let attached = json!({"PolicyId": id, "TargetId": suite.deployment.member_account});
    client.json(ORGANIZATIONS, "AttachPolicy", at, attached.clone()).await;
    // The hub is the management account here, to which such policies do not apply.
    let member = format!("organization.policy @ {}", suite.deployment.member_account);
    suite.check("service control policy on a member account", &only(&[&member]));
    client.json(ORGANIZATIONS, "DetachPolicy", at, attached).await;
    let attached = json!({"PolicyId": id, "TargetId": root});
    client.json(ORGANIZATIONS, "AttachPolicy", at, attached.clone()).await;
    suite.check("service control policy on the root", &only(&[&member]));
    // The policies of `autotag generate` exempt the roles that tag.
    for name in ["scp.json", "scp-strict.json"] {
        let content = suite.deployment.generated(name);
        client.json(ORGANIZATIONS, "UpdatePolicy", at, json!({"PolicyId": id, "Content": content})).await;
        let report = report(&suite.deployment.doctor(&["--format", "json"]));
        assert_eq!(compare(&report, &only(&[])), Ok(()), "{name}");
    }
    suite.finish();
}
