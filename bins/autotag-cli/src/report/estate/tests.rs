//! The join, on estates with a known result.

use super::super::inventory::{Source, read as read_inventory};
use super::super::made::tests::{call, creations};
use super::super::money::Amount;
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::Write as _;

pub(in crate::report) const ACCOUNT: &str = "111122223333";

pub(in crate::report) fn arn(id: &str) -> String {
    format!("arn:aws:ec2:eu-west-1:{ACCOUNT}:volume/{id}")
}

pub(in crate::report) fn volume(id: &str, user: &str) -> Value {
    let at = "2026-03-02T09:00:00Z";
    call(at, &format!("{id}-{user}"), user, ("ec2", "CreateVolume"), &json!({}), &json!({"volumeId": id}))
}

/// The same call by a role session that no STS record explains.
pub(in crate::report) fn by_session(id: &str, session: &str) -> Value {
    let mut record = volume(id, session);
    record["userIdentity"] = json!({"type": "AssumedRole", "accountId": ACCOUNT, "principalId": format!("AROAEXAMPLE:{session}"),
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/deploy/{session}"), "accessKeyId": "ASIAEXAMPLE",
        "sessionContext": {"attributes": {"creationDate": "2026-03-02T08:00:00Z"}, "sessionIssuer": {"type": "Role",
            "principalId": "AROAEXAMPLE", "arn": format!("arn:aws:iam::{ACCOUNT}:role/deploy"), "userName": "deploy"}}});
    record
}

pub(in crate::report) fn by_service(id: &str) -> Value {
    let mut record = volume(id, "x");
    record["userIdentity"] = json!({"type": "AWSService", "invokedBy": "backup.amazonaws.com"});
    record
}

pub(in crate::report) fn items(lines: &[Value]) -> Vec<Item> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for line in lines {
        writeln!(file, "{line}").unwrap();
    }
    let mut items = Vec::new();
    read_inventory(&Source::File(file.path().to_owned()), &[], |item| items.push(item)).unwrap();
    items
}

fn costs(lines: &[(&str, &str, &str)]) -> Costs {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "ResourceId,BilledCost,BillingCurrency,SubAccountId").unwrap();
    for (resource, cost, currency) in lines {
        writeln!(file, "{resource},{cost},{currency},{ACCOUNT}").unwrap();
    }
    let mut costs = Costs::default();
    assert_eq!(costs.read(file.path(), &[]).unwrap().faulty, 0);
    costs
}

fn joined(items: Option<Vec<Item>>, records: Option<&[Value]>, costs: Costs) -> Estate {
    let (policy, coverage) = (Policy::default(), Coverage::of(&Catalog::embedded()).unwrap());
    let keys = ["Owner".to_owned()];
    Joiner::new(&policy, &coverage, &keys).join(items, records.map(creations), costs)
}

fn class_of(estate: &Estate, id: &str) -> Class {
    let of_id: Vec<&Entry> = estate.entries.iter().filter(|entry| entry.resource.id == id).collect();
    assert_eq!(of_id.len(), 1, "{id} is there once");
    of_id[0].class()
}

#[test]
fn a_trail_alone_shows_what_was_created() {
    let estate =
        joined(None, Some(&[volume("vol-1", "mara"), by_session("vol-2", "night-job")]), Costs::default());
    assert_eq!(class_of(&estate, "vol-1"), Class::ProvenPerson);
    assert_eq!(class_of(&estate, "vol-2"), Class::NameOnly);
    assert!(estate.entries.iter().all(|entry| entry.listed.is_none()));
    let name = &estate.entries[1].verdict;
    assert!(name.next.contains(&format!("add the trail of account {ACCOUNT}")), "{name:?}");
}

#[test]
fn an_inventory_alone_proves_nothing() {
    let lines = [
        json!({"arn": arn("vol-1"), "tags": [{"Key": "Owner", "Value": "mara"}]}),
        json!({"arn": arn("vol-2"), "tags": []}),
        json!({"arn": "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"}),
        json!({"arn": arn("vol-2")}),
    ];
    let estate = joined(Some(items(&lines)), None, Costs::default());
    let classes: Vec<Class> = estate.entries.iter().map(Entry::class).collect();
    assert_eq!(classes, [Class::DeclaredOnly, Class::Unknown, Class::ServiceMade]);
    assert_eq!(estate.listed_again, 1);
    assert_eq!(estate.entries[1].verdict.next, "add --trail");
}

#[test]
fn what_the_inventory_does_not_list_is_there_and_not_counted() {
    let lines = [json!({"arn": arn("vol-1")})];
    let records = [volume("vol-1", "mara"), volume("vol-2", "mara")];
    let estate = joined(Some(items(&lines)), Some(&records), Costs::default());
    assert_eq!(
        (estate.entries.len(), estate.counted().count(), estate.count(Class::ProvenPerson)),
        (2, 1, 1)
    );
}

#[test]
fn the_reason_says_why_a_creation_is_not_known() {
    let lines = [
        json!({"arn": arn("vol-9")}),
        json!({"arn": arn("vol-8"), "createdAt": "2025-01-01T00:00:00Z"}),
        json!({"arn": "arn:aws:ec2:eu-west-1:444455556666:volume/vol-7"}),
        json!({"arn": "arn:aws:nosuchservice:eu-west-1:111122223333:thing/x", "resourceType": "AWS::NoSuch::Thing"}),
        json!({"arn": "arn:aws:nosuchservice:eu-west-1:111122223333:thing/y", "resourceType": "nosuchservice:thing"}),
    ];
    let estate = joined(Some(items(&lines)), Some(&[volume("vol-1", "mara")]), Costs::default());
    let reasons: Vec<&str> = estate.entries.iter().map(|entry| &*entry.verdict.reason).take(5).collect();
    let expected = [
        "its creation is not in the trail, whose first creation is of 2026-03-02",
        "created before the first creation of the trail, which is of 2026-03-02",
        "the trail has no creation in its account",
        "no rule for this type",
        "no rule for this type",
    ];
    assert_eq!(reasons, expected);
}

#[test]
fn costs_find_their_resource_by_arn_and_by_id() {
    let lines =
        [json!({"arn": arn("vol-1")}), json!({"arn": arn("vol-2")}), json!({"arn": "arn:aws:s3:::logs"})];
    let bill = [
        (&*arn("vol-1"), "1.10", "USD"),
        ("vol-2", "2.20", "USD"),
        ("vol-2", "3", "EUR"),
        ("logs", "0.01", "USD"),
        ("vol-3", "5", "USD"),
        ("", "7", "USD"),
        ("arn:aws:ec2:us-east-1:111122223333:volume/vol-1", "1", "USD"),
    ];
    let estate = joined(Some(items(&lines)), None, costs(&bill));
    let told: Vec<String> = estate.entries.iter().map(|entry| entry.cost.rounded()).collect();
    assert_eq!(told, ["1.10 USD", "3.00 EUR; 2.20 USD", "0.01 USD"]);
    assert_eq!(estate.costs_without_resource().rounded(), "13.00 USD");
    assert_eq!(estate.costs().rounded(), "16.31 USD; 3.00 EUR");
}

#[test]
fn a_cost_that_two_resources_may_have_is_of_neither() {
    let lines = [
        json!({"arn": "arn:aws:sqs:eu-west-1:111122223333:orders"}),
        json!({"arn": "arn:aws:sns:eu-west-1:111122223333:orders"}),
        json!({"arn": "arn:aws:sqs:eu-west-1:444455556666:jobs"}),
    ];
    let estate = joined(Some(items(&lines)), None, costs(&[("orders", "1", "USD"), ("jobs", "2", "USD")]));
    assert!(
        estate.entries.iter().all(|entry| entry.cost.is_empty()),
        "one is ambiguous, the other of another account"
    );
    assert_eq!(estate.costs_without_resource().rounded(), "3.00 USD");
}

/// A bill whose rows say their service, as CUR or FOCUS does.
fn bill(columns: &str, lines: &[&str]) -> Costs {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{columns}\n{}", lines.join("\n")).unwrap();
    let mut costs = Costs::default();
    assert_eq!(costs.read(file.path(), &[]).unwrap().faulty, 0);
    costs
}

const CUR: &str = "line_item_resource_id,line_item_unblended_cost,line_item_currency_code,line_item_usage_account_id,\
                   line_item_product_code";
const FOCUS: &str = "ResourceId,BilledCost,BillingCurrency,SubAccountId,ServiceName";

#[test]
fn the_name_of_a_bucket_is_that_of_the_bucket_if_the_service_is_s3() {
    let lines = [
        json!({"arn": "arn:aws:s3:::orders", "account": ACCOUNT}),
        json!({"arn": format!("arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/orders")}),
        json!({"arn": "arn:aws:s3:::logs/orders"}),
        json!({"arn": "arn:aws:s3:::i-0ccb832274bc05523"}),
        json!({"arn": "arn:aws:s3:::jobs"}),
    ];
    let of_table = |service: &str| format!("orders,2,USD,{ACCOUNT},{service}");
    for (columns, s3, archive, dynamodb, ec2) in [
        (CUR, "AmazonS3", "AmazonS3GlacierDeepArchive", "AmazonDynamoDB", "AmazonEC2"),
        (
            FOCUS,
            "Amazon Simple Storage Service",
            "Amazon S3 Glacier",
            "Amazon DynamoDB",
            "Amazon Elastic Compute Cloud",
        ),
    ] {
        let costs = bill(
            columns,
            &[
                &format!("orders,1,USD,{ACCOUNT},{s3}"),
                &format!("orders,0.50,USD,{ACCOUNT},{archive}"),
                &of_table(dynamodb),
                &format!("i-0ccb832274bc05523,4,USD,{ACCOUNT},{ec2}"),
                &format!("jobs,8,USD,{ACCOUNT},{dynamodb}"),
                &format!("jobs,16,USD,{ACCOUNT},{s3}"),
            ],
        );
        let estate = joined(Some(items(&lines)), None, costs);
        let told: Vec<String> = estate.entries.iter().map(|entry| entry.cost.rounded()).collect();
        assert_eq!(told, ["1.50 USD", "2.00 USD", "", "", "16.00 USD"], "{columns}");
        assert_eq!(estate.costs_without_resource().rounded(), "12.00 USD");
        assert_eq!(estate.costs().rounded(), "31.50 USD");
    }
}

#[test]
fn a_bucket_that_a_trail_shows_gets_its_cost_and_so_its_owner() {
    let at = "2026-03-02T09:00:00Z";
    let made =
        call(at, "e-1", "mara", ("s3", "CreateBucket"), &json!({"bucketName": "orders"}), &json!(null));
    let costs = bill(CUR, &[&format!("orders,1,USD,{ACCOUNT},AmazonS3")]);
    let estate = joined(None, Some(&[made]), costs);
    let told: Vec<_> = estate.entries.iter().map(|entry| (entry.owner(), entry.cost.rounded())).collect();
    assert_eq!(told, [(Some("mara"), "1.00 USD".to_owned())]);
}

#[test]
fn a_name_that_was_used_before_is_that_of_what_exists() {
    let at = "2026-03-02T09:00:00Z";
    let made =
        call(at, "e-1", "mara", ("s3", "CreateBucket"), &json!({"bucketName": "orders"}), &json!(null));
    let lines = [json!({"arn": "arn:aws:s3:::orders", "createdAt": "2026-03-20T09:00:00Z"})];
    let costs = || bill(CUR, &[&format!("orders,1,USD,{ACCOUNT},AmazonS3")]);
    let estate = joined(Some(items(&lines)), Some(&[made]), costs());
    let told: Vec<_> = estate.entries.iter().map(|entry| (entry.listed, entry.cost.rounded())).collect();
    assert_eq!(told, [(Some(true), "1.00 USD".to_owned()), (Some(false), String::new())]);
}

#[test]
fn a_name_with_slashes_is_that_of_a_resource_if_the_product_is_of_its_service() {
    let regional = |service: &str, resource: &str| json!({"arn": format!("arn:aws:{service}:eu-west-1:{ACCOUNT}:{resource}")});
    let lines = [
        regional("logs", "log-group:/aws/lambda/orders"),
        regional("lambda", "function:orders"),
        regional("ecr", "repository/team/app"),
        regional("ecr", "repository/app"),
        regional("ssm", "parameter/team/key"),
        regional("secretsmanager", "secret:team/app-AbCdEf"),
        regional("logs", "log-group:/team/jobs:*"),
    ];
    for (columns, [logs, lambda, ecr, ssm, secrets]) in [
        (CUR, ["AmazonCloudWatch", "AWSLambda", "AmazonECR", "AWSSystemsManager", "AWSSecretsManager"]),
        (
            FOCUS,
            [
                "AmazonCloudWatch",
                "AWS Lambda",
                "Amazon EC2 Container Registry (ECR)",
                "AWS Systems Manager",
                "AWS Secrets Manager",
            ],
        ),
    ] {
        let rows = [
            ("/aws/lambda/orders", "1", logs),
            ("orders", "2", lambda),
            ("team/app", "3", ecr),
            ("app", "4", ecr),
            ("/team/key", "5", ssm),
            ("team/app-AbCdEf", "6", secrets),
            ("/team/jobs", "7", logs),
            // The product is of another service.
            ("/aws/lambda/orders", "10", lambda),
            ("team/app", "20", "AmazonEC2"),
            ("orders", "40", logs),
            ("key", "80", ssm),
        ];
        let rows = rows.map(|(name, cost, product)| format!("{name},{cost},USD,{ACCOUNT},{product}"));
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let estate = joined(Some(items(&lines)), None, bill(columns, &rows));
        let told: Vec<String> = estate.entries.iter().map(|entry| entry.cost.rounded()).collect();
        let expected = ["1.00 USD", "2.00 USD", "3.00 USD", "4.00 USD", "5.00 USD", "6.00 USD", "7.00 USD"];
        assert_eq!(told, expected, "{columns}");
        assert_eq!(estate.costs_without_resource().rounded(), "150.00 USD");
    }
}

#[test]
fn a_name_with_slashes_that_two_resources_may_have_is_of_neither() {
    let lines = [
        json!({"arn": format!("arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/team/jobs")}),
        json!({"arn": format!("arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:/team/jobs")}),
        json!({"arn": format!("arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/team/app")}),
        json!({"arn": format!("arn:aws:ecr:us-east-1:{ACCOUNT}:repository/team/app")}),
        json!({"arn": "arn:aws:ecr:us-east-1:444455556666:repository/team/other"}),
    ];
    let rows = [("/team/jobs", "AmazonCloudWatch"), ("team/app", "AmazonECR"), ("team/other", "AmazonECR")];
    let rows = rows.map(|(name, product)| format!("{name},1,USD,{ACCOUNT},{product}"));
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let estate = joined(Some(items(&lines)), None, bill(CUR, &rows));
    assert!(estate.entries.iter().all(|entry| entry.cost.is_empty()));
    assert_eq!(estate.costs_without_resource().rounded(), "3.00 USD");
    let unnamed =
        joined(Some(items(&lines)), None, costs(&[("team/other", "1", "USD"), ("other", "2", "USD")]));
    assert_eq!(unnamed.costs_without_resource().rounded(), "3.00 USD", "they are of another account");
}

/// Inventories and bills have parts in ARNs that no record tells.
#[test]
fn one_resource_has_one_arn_whoever_writes_it() {
    let group = |uuid: &str| {
        format!("arn:aws:autoscaling:eu-west-1:{ACCOUNT}:autoScalingGroup:{uuid}:autoScalingGroupName/web")
    };
    let logs = |end: &str| format!("arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/app{end}");
    let at = "2026-03-02T09:00:00Z";
    let records = || {
        [
            call(
                at,
                "e-1",
                "mara",
                ("autoscaling", "CreateAutoScalingGroup"),
                &json!({"autoScalingGroupName": "web"}),
                &json!(null),
            ),
            call(
                at,
                "e-2",
                "mara",
                ("logs", "CreateLogGroup"),
                &json!({"logGroupName": "/app"}),
                &json!(null),
            ),
        ]
    };
    let bill =
        || costs(&[(&group("5f0c6d14"), "7", "USD"), (&logs(":*"), "3", "USD"), (&logs(""), "0.50", "USD")]);
    let lines = [json!({"arn": group("5f0c6d14")}), json!({"arn": logs(":*")}), json!({"arn": logs("")})];
    for items in [Some(items(&lines)), None] {
        let estate = joined(items, Some(&records()), bill());
        let told: Vec<_> = estate.entries.iter().map(|entry| (entry.owner(), entry.cost.rounded())).collect();
        assert_eq!(told, [(Some("mara"), "7.00 USD".to_owned()), (Some("mara"), "3.50 USD".to_owned())]);
        assert!(estate.other_costs.is_empty());
    }
    let stream = "arn:aws:logs:eu-west-1:111122223333:log-group:/app:log-stream:*";
    let estate = joined(Some(super::tests::items(&[json!({"arn": stream})])), None, Costs::default());
    assert_eq!(estate.entries[0].arn().as_deref(), Some(stream), "a stream is not a group");
}

#[test]
fn a_blank_owner_tag_does_not_hide_the_next_one() {
    let (policy, coverage) = (Policy::default(), Coverage::of(&Catalog::embedded()).unwrap());
    let keys = ["Owner".to_owned(), "Team".to_owned()];
    for (tags, declared) in [
        (json!({"Owner": "", "Team": "payments"}), Some("payments")),
        (json!({"Owner": "  ", "owner": "mara", "Team": "payments"}), Some("mara")),
        (json!({"Owner": " boss ", "Team": "payments"}), Some("boss")),
        (json!({"Owner": "", "Team": " "}), None),
    ] {
        let items = items(&[json!({"arn": arn("vol-1"), "tags": tags.clone()})]);
        let estate = Joiner::new(&policy, &coverage, &keys).join(Some(items), None, Costs::default());
        assert_eq!(estate.entries[0].owner(), declared, "{tags}");
    }
}

/// A row of the report as data.
fn rows(estate: &Estate) -> Vec<Value> {
    let mut out = Vec::new();
    super::super::table::jsonl(estate, &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_declared_owner_has_no_proof_of_somebody_else() {
    let tagged = |id: &str| json!({"arn": arn(id), "tags": [{"Key": "Owner", "Value": "boss"}]});
    let lines = [tagged("vol-1"), tagged("vol-2"), tagged("vol-3")];
    let records = [by_service("vol-1"), by_session("vol-2", "night-job"), volume("vol-3", "mara")];
    let estate = joined(Some(items(&lines)), Some(&records), Costs::default());
    let told: Vec<Vec<Value>> = rows(&estate)
        .iter()
        .map(|row| {
            ["class", "owner", "proof", "owner_source", "owner_account", "person"]
                .map(|column| row[column].clone())
                .into()
        })
        .collect();
    let null = Value::Null;
    let declared =
        vec!["declared-only".into(), "boss".into(), null.clone(), null.clone(), null.clone(), null];
    assert_eq!(told[..2], [declared.clone(), declared]);
    assert_eq!(told[2][..4], ["disagree", "mara", "person", "iam-user"]);
    assert_eq!(told[2][4], ACCOUNT);
    let page = super::super::page(&estate, &super::super::Run::default()).unwrap();
    assert!(!page.contains("role-session"), "the page has the same proofs");
}

/// Ids that bills write without an ARN.
#[test]
fn bare_ids_of_ec2_find_their_resource() {
    let kinds = [
        ("instance", "i-0ccb832274bc05523"),
        ("volume", "vol-0ccb832274bc05523"),
        ("natgateway", "nat-0ccb832274bc05523"),
        ("elastic-ip", "eipalloc-0ccb832274bc05523"),
        ("snapshot", "snap-0ccb832274bc05523"),
        ("vpc-endpoint", "vpce-0ccb832274bc05523"),
    ];
    let lines =
        kinds.map(|(kind, id)| json!({"arn": format!("arn:aws:ec2:eu-west-1:{ACCOUNT}:{kind}/{id}")}));
    let rows = kinds.map(|(_, id)| format!("{id},1,USD,{ACCOUNT},AmazonEC2"));
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let estate = joined(Some(items(&lines)), None, bill(CUR, &rows));
    for entry in &estate.entries {
        assert_eq!(entry.cost.rounded(), "1.00 USD", "{}", entry.resource.id);
    }
}

/// How a resource of a generated estate came to be.
#[derive(Debug, Clone, Copy)]
enum Truth {
    Person,
    TaggedPerson,
    Disagree,
    Tampered,
    Name,
    DeclaredName,
    Service,
    Declared,
    Untagged,
    Unlisted,
}

const TRUTHS: [Truth; 10] = [
    Truth::Person,
    Truth::TaggedPerson,
    Truth::Disagree,
    Truth::Tampered,
    Truth::Name,
    Truth::DeclaredName,
    Truth::Service,
    Truth::Declared,
    Truth::Untagged,
    Truth::Unlisted,
];

impl Truth {
    fn class(self) -> Class {
        match self {
            Self::Person | Self::TaggedPerson | Self::Unlisted => Class::ProvenPerson,
            Self::Disagree => Class::Disagree,
            Self::Tampered => Class::Tampered,
            Self::Name => Class::NameOnly,
            Self::DeclaredName | Self::Declared => Class::DeclaredOnly,
            Self::Service => Class::ServiceMade,
            Self::Untagged => Class::Unknown,
        }
    }

    fn record(self, id: &str, user: &str) -> Option<Value> {
        match self {
            Self::Person | Self::TaggedPerson | Self::Disagree | Self::Tampered | Self::Unlisted => {
                Some(volume(id, user))
            }
            Self::Name | Self::DeclaredName => Some(by_session(id, user)),
            Self::Service => Some(by_service(id)),
            Self::Declared | Self::Untagged => None,
        }
    }

    fn line(self, id: &str, user: &str) -> Option<Value> {
        let written = [
            json!({"Key": "PrincipalId", "Value": format!("AIDA{user}")}),
            json!({"Key": "CreatedBy", "Value": format!("arn:aws:iam::{ACCOUNT}:user/{user}")}),
        ];
        let owner = |name: &str| json!({"Key": "Owner", "Value": name});
        let tags = match self {
            Self::Person | Self::Name | Self::Service | Self::Untagged => vec![],
            Self::TaggedPerson => [vec![owner(user)], written.to_vec()].concat(),
            Self::Tampered => [vec![owner("thief")], written.to_vec()].concat(),
            Self::Disagree | Self::DeclaredName | Self::Declared => vec![owner("boss")],
            Self::Unlisted => return None,
        };
        Some(json!({"arn": arn(id), "resourceType": "AWS::EC2::Volume", "tags": tags}))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_class_of_a_generated_estate_is_right(
        truths in proptest::collection::vec((proptest::sample::select(&TRUTHS[..]), 0_usize..4, 0_i64..10_000_000), 1..80),
    ) {
        let users = ["mara", "jonas", "priya", "lena"];
        let named = |at: usize, user: usize| (format!("vol-{at:05}"), users[user]);
        let each = || truths.iter().enumerate().map(|(at, (truth, user, cents))| (named(at, *user), *truth, *cents));
        let records: Vec<Value> = each().filter_map(|((id, user), truth, _)| truth.record(&id, user)).collect();
        let lines: Vec<Value> = each().filter_map(|((id, user), truth, _)| truth.line(&id, user)).collect();
        let bill: Vec<(String, String)> =
            each().map(|((id, _), _, cents)| (id, format!("{}.{:02}", cents / 100, cents % 100))).collect();
        let bill: Vec<_> = bill.iter().map(|(id, cost)| (id.as_str(), cost.as_str(), "USD")).chain([("other", "0.01", "USD")]).collect();
        let estate = joined(Some(items(&lines)), Some(&records), costs(&bill));
        prop_assert_eq!(estate.entries.len(), truths.len());
        for ((id, user), truth, cents) in each() {
            let entry = estate.entries.iter().find(|entry| entry.resource.id == id).unwrap();
            prop_assert_eq!(entry.class(), truth.class(), "{} {:?}: {:?}", id, truth, entry.verdict);
            prop_assert_eq!(entry.listed, Some(!matches!(truth, Truth::Unlisted)));
            if matches!(entry.class(), Class::ProvenPerson | Class::NameOnly) {
                prop_assert_eq!(entry.owner(), Some(user));
            }
            let cost = Amount::parse(&format!("{}.{:02}", cents / 100, cents % 100)).unwrap();
            prop_assert_eq!(entry.cost.of("USD").unwrap_or_default(), cost);
        }
        let sum: i64 = truths.iter().map(|(_, _, cents)| cents).sum::<i64>() + 1;
        let whole = Amount::parse(&format!("{}.{:02}", sum / 100, sum % 100)).unwrap();
        prop_assert_eq!(estate.costs().of("USD"), Some(whole));
        let classes: usize = Class::ALL.iter().map(|class| estate.count(*class)).sum();
        prop_assert_eq!(classes, estate.counted().count(), "each counted resource has one class");
    }
}
