//! Tags that a creating call asks for outside of the usual members.

use super::*;

/// Creating calls, and where each has its tags: `@` means a map, `#` a list.
fn calls() -> Vec<(&'static str, Value, Value)> {
    let map = json!({"Owner": "boss", "owner": "boss2", "Team": "mine"});
    let list = json!([{"key": "Owner", "value": "boss"}, {"key": "owner", "value": "boss2"},
        {"key": "Team", "value": "mine"}]);
    let here = |service: &str, resource: &str| format!("arn:aws:{service}:eu-west-1:{HERE}:{resource}");
    let interface = |kind: &str| json!({kind: {"virtualInterfaceName": "v", "tags": list}});
    let made = json!({"virtualInterfaceId": "dxvif-1", "region": "eu-west-1", "ownerAccount": HERE});
    vec![
        (
            "cognito-idp:CreateUserPool",
            json!({"poolName": "p", "userPoolTags": map}),
            json!({"userPool": {"id": "eu-west-1_a", "arn": here("cognito-idp", "userpool/eu-west-1_a")}}),
        ),
        (
            "cognito-identity:CreateIdentityPool",
            json!({"identityPoolName": "p", "identityPoolTags": map}),
            json!({"identityPoolId": "eu-west-1:1111-2222"}),
        ),
        (
            "backup:CreateBackupVault",
            json!({"backupVaultName": "v", "backupVaultTags": map}),
            json!({"backupVaultName": "v", "backupVaultArn": here("backup", "backup-vault:v")}),
        ),
        (
            "backup:CreateBackupPlan",
            json!({"backupPlan": {"backupPlanName": "p"}, "backupPlanTags": map}),
            json!({"backupPlanId": "1111", "backupPlanArn": here("backup", "backup-plan:1111")}),
        ),
        (
            "bedrock:CreateModelCustomizationJob",
            json!({"jobName": "p", "jobTags": list}),
            json!({"jobArn": here("bedrock", "model-customization-job/x.y/z")}),
        ),
        (
            "cloudfront:CreateDistributionWithTags",
            json!({"distributionConfigWithTags": {"distributionConfig": {}, "tags": {"items": list}}}),
            json!({"distribution": {"id": "E1", "aRN": format!("arn:aws:cloudfront::{HERE}:distribution/E1")}}),
        ),
        (
            "directconnect:CreatePrivateVirtualInterface",
            interface("newPrivateVirtualInterface"),
            made.clone(),
        ),
        ("directconnect:CreatePublicVirtualInterface", interface("newPublicVirtualInterface"), made.clone()),
        (
            "directconnect:CreateTransitVirtualInterface",
            interface("newTransitVirtualInterface"),
            json!({"virtualInterface": made}),
        ),
        (
            "ec2:RequestSpotFleet",
            json!({"spotFleetRequestConfig": {"iamFleetRole": "x", "tagSpecificationSet": {"items": [
                {"resourceType": "spot-fleet-request", "tags": list}]}}}),
            json!({"spotFleetRequestId": "sfr-1"}),
        ),
        (
            "workspaces:CreateWorkspaces",
            json!({"workspaces": [{"directoryId": "d-1", "userName": "u", "tags": list}]}),
            json!({"pendingRequests": [{"workspaceId": "ws-1"}]}),
        ),
        (
            "iot:CreateTopicRule",
            json!({"ruleName": "r", "tags": "Owner=boss&owner=boss2&Team=mine"}),
            Value::Null,
        ),
    ]
}

#[test]
fn tags_of_the_creating_call_are_seen_wherever_the_service_takes_them() {
    let mut faults = Vec::new();
    for (event, request, answer) in calls() {
        let memory = memory();
        let tags = json!([{"key": "Team", "value": "of the session"}]);
        creations(memory.sessions(), &[assume(&user("mallory"), "Deploy", "work", "ASIAONE", &tags)]);
        let made = call("09:00:00", &role("Deploy", "", "work", "ASIAONE"), event, &request, &answer);
        let rows = rows(&memory, &[made]);
        let row = &rows[0];
        for key in ["Owner", "owner"] {
            let forged =
                row.notes.iter().any(|note| matches!(note, Note::Forged { key: known, .. } if known == key));
            if !forged {
                faults.push(format!("{event}: `{key}` of the call is not reported"));
            }
        }
        if row.tags.get("Team").is_some() {
            faults.push(format!("{event}: the caller's own Team is overwritten"));
        }
        assert_eq!(row.owner_name(), Some("mallory"), "{event}");
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
