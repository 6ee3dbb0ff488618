//! The same creations, in any order and any number of copies, end in the same tags.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

use autotag_handlers::classify::Creation;
use autotag_handlers::outcome::Outcome;
use common::{call, instance, queue, service_linked, table, user};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[expect(dead_code, reason = "each test file uses a part of it")]
mod common;

const CASES: u32 = 10_000;

/// Two people at one queue; a table with a replica; an instance of a group; a forged tag; a call with a copy for another
/// account that knows less.
fn creations() -> Vec<Creation> {
    let (mara, noor) = (user("mara"), user("noor"));
    let auto_scaling = service_linked("AWSServiceRoleForAutoScaling", "autoscaling.amazonaws.com");
    let replication =
        service_linked("AWSServiceRoleForDynamoDBReplication", "replication.dynamodb.amazonaws.com");
    let replica = json!({"tableName": "orders", "replicaUpdates": [{"create": {"regionName": "us-east-1"}}]});
    let object = json!({"bucketName": "shop", "key": "a.txt"});
    let mut put = call(9, &noor, "s3:PutObject", &object, &Value::Null);
    put["sharedEventID"] = json!("shared");
    put["resources"] =
        json!([{"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::shop", "accountId": "444455556666"}]);
    let mut copy = put.clone();
    copy["eventID"] = json!("copy");
    copy["recipientAccountId"] = json!("444455556666");
    copy["userIdentity"] = json!({"type": "AWSAccount", "accountId": common::HERE});
    let records = [
        queue(1, &mara, "orders"),
        queue(2, &noor, "orders"),
        table(3, &mara, "orders", "eu-west-1"),
        table(4, &replication, "orders", "us-east-1"),
        call(5, &mara, "dynamodb:UpdateTable", &replica, &Value::Null),
        call(
            6,
            &noor,
            "autoscaling:CreateAutoScalingGroup",
            &json!({"autoScalingGroupName": "web"}),
            &Value::Null,
        ),
        instance(7, &auto_scaling, "i-1", &[("aws:autoscaling:groupName", "web")]),
        instance(8, &mara, "i-2", &[("PrincipalId", "AIDAboss"), ("Name", "web")]),
        put,
        copy,
    ];
    let classifier = common::classifier();
    records.iter().map(|record| common::creation(&classifier, record)).collect()
}

/// The tags in the end, and how many resources were written.
fn end_of(creations: Vec<Creation>) -> (BTreeMap<String, BTreeMap<String, String>>, usize) {
    let setup = common::setup();
    let arns: Vec<String> =
        creations.iter().flat_map(|found| &found.targets).map(|target| target.resource.display()).collect();
    let rows = common::run(&setup, creations);
    let tagged = rows.iter().filter(|row| row.status == Outcome::Tagged).count();
    (arns.into_iter().map(|arn| (arn.clone(), setup.backend.tags_on(&arn))).collect(), tagged)
}

#[test]
fn any_order_and_any_copies_end_in_the_same_tags() {
    let all = creations();
    let (want, tagged) = end_of(all.clone());
    assert_eq!(want["arn:aws:sqs:eu-west-1:111122223333:orders"]["Owner"], "mara");
    assert_eq!(want["arn:aws:dynamodb:us-east-1:111122223333:table/orders"]["Owner"], "mara");
    assert_eq!(want["arn:aws:ec2:eu-west-1:111122223333:instance/i-1"]["Owner"], "noor");
    assert_eq!(want["arn:aws:ec2:eu-west-1:111122223333:instance/i-2"]["PrincipalId"], "AIDAmara");
    assert_eq!(want["arn:aws:s3:::shop/a.txt"]["Owner"], "noor");

    let last = all.len() - 1;
    let order = prop::collection::vec(0..=last, 0..20).prop_flat_map(move |copies| {
        let each: Vec<usize> = (0..=last).chain(copies).collect();
        Just(each).prop_shuffle()
    });
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(CASES) });
    let result = runner.run(&order, |order| {
        let delivered = order.iter().map(|at| all[*at].clone()).collect();
        let (end, written) = end_of(delivered);
        prop_assert_eq!(&end, &want);
        prop_assert_eq!(written, tagged, "as many resources written as without copies");
        Ok(())
    });
    result.unwrap();
}
