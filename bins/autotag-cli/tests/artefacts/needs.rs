//! Policies that do not depend on the catalogue: those of the backfill, of org-metadata, and of people. Each allows exactly the
//! actions that are listed here with their callers.

use crate::permissions::{Caller, Policies, of_template, texts};
use crate::{deploy, read};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

const ROLES: &str = "crates/autotag-aws/src/role.rs";
const ACCOUNT_TAGS: &str = "bins/org-metadata/src/account_tags.rs";
const ORGANIZATION: &str = "bins/org-metadata/src/organization.rs";
const REGIONS: &str = "bins/org-metadata/src/regions/enabled.rs";
const TAGGING: &str = "bins/org-metadata/src/regions/tagging.rs";
const BACKFILL: &str = "bins/autotag-cli/templates/deploy/backfill.yaml";

/// The permissions for logs of a state machine, as AWS documents them.
const MACHINE_LOGS: Caller = Caller::Aws("Step Functions, to write its log lines to a log group");
const MAP_RUNS: Caller = Caller::Aws("Step Functions, for the executions of a distributed map");
const MAP_RESULTS: Caller = Caller::Aws("Step Functions, for the results of a distributed map");
const CONSOLE: Caller = Caller::People("see instances and what one is made of, as EC2's console shows them");
const MANAGE: Caller = Caller::People("manage instances of one's own");

/// A template with parameters, and the actions that its policies allow.
type Needs = (&'static str, &'static [&'static str], &'static [(&'static str, Caller)]);

const NEEDS: [Needs; 5] = [
    (
        "backfill.yaml",
        &[
            "TrailBucket=trail",
            "TrailKeyArn=arn:aws:kms:eu-west-1:111122223333:key/x",
            "TagHandlerRoleName=tag",
            "SessionHandlerRoleName=session",
        ],
        &[
            (
                "kms:Decrypt",
                Caller::Aws("S3, to give log files to the functions that are encrypted with this key"),
            ),
            ("lambda:InvokeFunction", Caller::Ours(BACKFILL, ":states:::lambda:invoke")),
            ("logs:CreateLogDelivery", MACHINE_LOGS),
            ("logs:DeleteLogDelivery", MACHINE_LOGS),
            ("logs:DescribeLogGroups", MACHINE_LOGS),
            ("logs:DescribeResourcePolicies", MACHINE_LOGS),
            ("logs:GetLogDelivery", MACHINE_LOGS),
            ("logs:ListLogDeliveries", MACHINE_LOGS),
            ("logs:PutResourcePolicy", MACHINE_LOGS),
            ("logs:UpdateLogDelivery", MACHINE_LOGS),
            ("s3:AbortMultipartUpload", MAP_RESULTS),
            // The functions read log files, and Step Functions reads its results.
            ("s3:GetObject", Caller::Ours("crates/autotag-aws/src/trail.rs", ".get_object()")),
            ("s3:ListBucket", Caller::Ours(BACKFILL, ":states:::s3:listObjectsV2")),
            ("s3:ListMultipartUploadParts", MAP_RESULTS),
            ("s3:PutObject", Caller::Ours(BACKFILL, ":states:::s3:putObject")),
            ("states:DescribeExecution", MAP_RUNS),
            ("states:RedriveExecution", MAP_RUNS),
            ("states:StartExecution", MAP_RUNS),
            ("states:StopExecution", MAP_RUNS),
        ],
    ),
    (
        "org-metadata.yaml",
        &["Place=tool"],
        &[
            ("dynamodb:Scan", Caller::Ours("bins/org-metadata/src/tenants.rs", "\"Scan\"")),
            ("s3:PutObject", Caller::Ours("bins/org-metadata/src/output/bucket.rs", ".put_object()")),
            ("sts:AssumeRole", Caller::Ours(ROLES, ".assume_role()")),
        ],
    ),
    (
        "org-metadata.yaml",
        &["Place=management", "ResourceExplorer=yes", "ExternalId=x"],
        &[
            ("account:ListRegions", Caller::Ours(REGIONS, "\"ListRegions\"")),
            ("ec2:DescribeRegions", Caller::Ours(REGIONS, "\"DescribeRegions\"")),
            ("organizations:DescribeOrganization", Caller::Ours(ORGANIZATION, "\"DescribeOrganization\"")),
            ("organizations:ListAccounts", Caller::Ours(ORGANIZATION, "\"ListAccounts\"")),
            ("organizations:ListTagsForResource", Caller::Ours(ACCOUNT_TAGS, "\"ListTagsForResource\"")),
            (
                "resource-explorer-2:Search",
                Caller::Ours("bins/org-metadata/src/regions/explorer.rs", "\"Search\""),
            ),
            ("s3:GetBucketLocation", Caller::Ours(TAGGING, "\"GetBucketLocation\"")),
            ("sts:AssumeRole", Caller::Ours(ROLES, ".assume_role()")),
            ("tag:GetResources", Caller::Ours(TAGGING, "\"GetResources\"")),
        ],
    ),
    (
        "org-metadata.yaml",
        &["Place=member"],
        &[
            ("account:ListRegions", Caller::Ours(REGIONS, "\"ListRegions\"")),
            ("ec2:DescribeRegions", Caller::Ours(REGIONS, "\"DescribeRegions\"")),
            ("s3:GetBucketLocation", Caller::Ours(TAGGING, "\"GetBucketLocation\"")),
            ("tag:GetResources", Caller::Ours(TAGGING, "\"GetResources\"")),
        ],
    ),
    ("guard.yaml", &[], &OWNERS),
];

/// The actions of people who manage their own instances, in `guard.yaml` and in `iam/owners.json`.
const OWNERS: [(&str, Caller); 25] = [
    ("ec2:CreateTags", Caller::People("run an instance with tags")),
    ("ec2:DescribeAddresses", CONSOLE),
    ("ec2:DescribeAvailabilityZones", CONSOLE),
    ("ec2:DescribeImages", CONSOLE),
    ("ec2:DescribeInstanceStatus", CONSOLE),
    ("ec2:DescribeInstanceTypeOfferings", CONSOLE),
    ("ec2:DescribeInstanceTypes", CONSOLE),
    ("ec2:DescribeInstances", CONSOLE),
    ("ec2:DescribeKeyPairs", CONSOLE),
    ("ec2:DescribeLaunchTemplateVersions", CONSOLE),
    ("ec2:DescribeLaunchTemplates", CONSOLE),
    ("ec2:DescribeNetworkInterfaces", CONSOLE),
    ("ec2:DescribePlacementGroups", CONSOLE),
    ("ec2:DescribeRegions", CONSOLE),
    ("ec2:DescribeSecurityGroups", CONSOLE),
    ("ec2:DescribeSnapshots", CONSOLE),
    ("ec2:DescribeSubnets", CONSOLE),
    ("ec2:DescribeTags", CONSOLE),
    ("ec2:DescribeVolumes", CONSOLE),
    ("ec2:DescribeVpcs", CONSOLE),
    ("ec2:RebootInstances", MANAGE),
    ("ec2:RunInstances", Caller::People("run an instance")),
    ("ec2:StartInstances", MANAGE),
    ("ec2:StopInstances", MANAGE),
    ("ec2:TerminateInstances", MANAGE),
];

/// The allowed actions. Denied actions are ignored.
fn allowed(policies: &Policies) -> BTreeSet<String> {
    let statements = policies.values().flat_map(|document| document["Statement"].as_array().unwrap());
    let allowing = statements.filter(|statement| statement["Effect"] == "Allow");
    allowing.flat_map(|statement| texts(&statement["Action"])).collect()
}

/// Actions that are allowed and not needed, or needed and not allowed.
fn differences(policies: &Policies, needs: &[(&str, Caller)]) -> Vec<String> {
    let needed: BTreeSet<String> = needs.iter().map(|(action, _)| (*action).to_owned()).collect();
    let allowed = allowed(policies);
    let unneeded = allowed.difference(&needed).map(|action| format!("{action} is not needed"));
    let missing = needed.difference(&allowed).map(|action| format!("{action} is missing"));
    unneeded.chain(missing).collect()
}

fn owners(folder: &Path) -> Policies {
    Policies::from_iter([("owners".to_owned(), read(folder, "iam/owners.json"))])
}

#[test]
fn exactly_the_needed_actions_are_allowed() {
    let folder = deploy(None);
    for (template, parameters, needs) in NEEDS {
        let wrong = differences(&of_template(folder.path(), template, parameters), needs);
        assert!(wrong.is_empty(), "{template} {parameters:?}: {wrong:#?}");
    }
    assert_eq!(differences(&owners(folder.path()), &OWNERS), <[String; 0]>::default());
}

#[test]
fn callers_call_their_actions() {
    for (action, caller) in NEEDS.iter().flat_map(|(_, _, needs)| *needs) {
        caller.calls(action);
    }
}

#[test]
fn unneeded_and_missing_actions_are_found() {
    let statements = json!([{"Effect": "Allow", "Action": ["sqs:SendMessage", "ec2:RunInstances"], "Resource": "*"},
        {"Effect": "Deny", "Action": "ec2:CreateTags", "Resource": "*"}]);
    let policies =
        Policies::from_iter([("x".to_owned(), json!({"Version": "2012-10-17", "Statement": statements}))]);
    let needs = [("ec2:RunInstances", MANAGE), ("ec2:CreateTags", MANAGE)];
    assert_eq!(
        differences(&policies, &needs),
        ["sqs:SendMessage is not needed", "ec2:CreateTags is missing"]
    );
}
