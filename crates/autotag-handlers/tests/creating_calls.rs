//! What the catalogue says about the parameters of creating calls, compared with botocore's models: where a call can ask
//! for tags, which parameter names the account of the resource, which one makes the call repeatable.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

use autotag_handlers::catalog::Catalog;
use autotag_model::record::ParsedRecord;
use autotag_model::rule::Rule;
use autotag_testkit::Emulator;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;

/// Tags of a request that the new resource does not get, and what they are.
const TAGS_OF_OTHERS: &[(&str, &str, &str)] = &[
    ("backup CreateBackupPlan", "backupPlan.rules[].recoveryPointTags", "tags of recovery points"),
    ("batch CreateComputeEnvironment", "computeResources.capacityTags", "tags of instances"),
    ("batch CreateComputeEnvironment", "computeResources.tags", "tags of instances"),
    ("bedrock CreateModelCustomizationJob", "customModelTags", "tags of the model that the job makes"),
    ("codedeploy CreateDeploymentGroup", "ec2TagFilters", "a filter"),
    ("codedeploy CreateDeploymentGroup", "onPremisesInstanceTagFilters", "a filter"),
    ("directconnect CreateLag", "childConnectionTags", "tags of connections"),
    ("dlm CreateLifecyclePolicy", "exclusions.excludeTags", "a filter"),
    ("dlm CreateLifecyclePolicy", "policyDetails.exclusions.excludeTags", "a filter"),
    ("dlm CreateLifecyclePolicy", "policyDetails.parameters.excludeDataVolumeTags", "a filter"),
    ("dlm CreateLifecyclePolicy", "policyDetails.schedules[].tagsToAdd", "tags of snapshots"),
    ("dlm CreateLifecyclePolicy", "policyDetails.schedules[].variableTags", "tags of snapshots"),
    ("dlm CreateLifecyclePolicy", "policyDetails.targetTags", "a filter"),
    ("ec2 CreateIpamPool", "allocationResourceTags", "a condition on others"),
    ("ec2 CreateLaunchTemplate", "launchTemplateData.tagSpecifications[].tags", "tags of instances"),
    (
        "ec2 RequestSpotFleet",
        "spotFleetRequestConfig.launchSpecifications[].tagSpecifications[].tags",
        "tags of instances",
    ),
    (
        "ecs CreateService",
        "volumeConfigurations[].managedEBSVolume.tagSpecifications[].tags",
        "tags of volumes",
    ),
    ("ecs RunTask", "volumeConfigurations[].managedEBSVolume.tagSpecifications[].tags", "tags of volumes"),
    ("ecs StartTask", "volumeConfigurations[].managedEBSVolume.tagSpecifications[].tags", "tags of volumes"),
    ("iot CreateTopicRule", "topicRulePayload.actions[].influxDB.tags", "tags of data points"),
    ("iot CreateTopicRule", "topicRulePayload.errorAction.influxDB.tags", "tags of data points"),
    ("s3 CreateJob", "operation.s3PutObjectCopy.newObjectTagging", "tags of objects"),
    ("s3 CreateJob", "operation.s3PutObjectTagging.tagSet", "tags of objects"),
    ("s3 CreateStorageLensGroup", "storageLensGroup.filter.and.matchAnyTag", "a filter"),
    ("s3 CreateStorageLensGroup", "storageLensGroup.filter.matchAnyTag", "a filter"),
    ("s3 CreateStorageLensGroup", "storageLensGroup.filter.or.matchAnyTag", "a filter"),
];

/// Parameters with the name of an account that is not the account of the new resource, and whose it is.
const OTHER_ACCOUNTS: &[(&str, &str, &str)] = &[
    ("appmesh CreateGatewayRoute", "meshOwner", "the mesh's; the answer has the ARN"),
    ("appmesh CreateRoute", "meshOwner", "the mesh's; the answer has the ARN"),
    ("appmesh CreateVirtualGateway", "meshOwner", "the mesh's; the answer has the ARN"),
    ("appmesh CreateVirtualNode", "meshOwner", "the mesh's; the answer has the ARN"),
    ("appmesh CreateVirtualRouter", "meshOwner", "the mesh's; the answer has the ARN"),
    ("appmesh CreateVirtualService", "meshOwner", "the mesh's; the answer has the ARN"),
    ("athena CreateWorkGroup", "configuration.resultConfiguration.expectedBucketOwner", "a bucket's"),
    (
        "cloudfront CreateDistribution",
        "distributionConfig.origins.items[].vpcOriginConfig.ownerAccountId",
        "an origin's",
    ),
    ("codepipeline CreatePipeline", "pipeline.stages[].actions[].actionTypeId.owner", "no account"),
    ("cognito-idp CreateUserPool", "emailConfiguration.emailSendingAccount", "no account"),
    ("dynamodb ImportTable", "s3BucketSource.s3BucketOwner", "a bucket's"),
    ("ec2 AuthorizeSecurityGroupEgress", "sourceSecurityGroupOwnerId", "the other group's"),
    ("ec2 AuthorizeSecurityGroupIngress", "sourceSecurityGroupOwnerId", "the other group's"),
    ("ec2 CreateIpam", "meteredAccount", "no account"),
    ("ec2 CreateIpamPool", "sourceResource.resourceOwner", "a subnet's"),
    ("ec2 CreateTransitGatewayPeeringAttachment", "peerAccountId", "the peer's"),
    ("ec2 CreateVpcPeeringConnection", "peerOwnerId", "the peer's"),
    ("eks CreateAddon", "podIdentityAssociations[].serviceAccount", "no account"),
    ("eks CreatePodIdentityAssociation", "serviceAccount", "no account"),
    (
        "firehose CreateDeliveryStream",
        "extendedS3DestinationConfiguration.dataFormatConversionConfiguration.schemaConfiguration.catalogId",
        "a schema's",
    ),
    ("glue CreateCrawler", "catalogId", "that of what the crawler finds"),
    ("glue CreateCrawler", "lakeFormationConfiguration.accountId", "that of what the crawler reads"),
    ("glue CreateDataQualityRuleset", "targetTable.catalogId", "a table's"),
    ("glue CreateDatabase", "databaseInput.targetDatabase.catalogId", "that of the database behind a link"),
    ("glue CreateJob", "sourceControlDetails.owner", "no account"),
    ("glue CreateMLTransform", "inputRecordTables[].catalogId", "a table's"),
    ("glue CreateTable", "tableInput.owner", "no account"),
    ("glue CreateTable", "tableInput.targetTable.catalogId", "that of the table behind a link"),
    ("monitoring PutMetricAlarm", "metrics[].accountId", "a metric's"),
    ("redshift RestoreFromClusterSnapshot", "ownerAccount", "the snapshot's"),
    ("s3 CompleteMultipartUpload", "x-amz-expected-bucket-owner", "the bucket's; the handler of S3 reads it"),
    ("s3 CopyObject", "x-amz-expected-bucket-owner", "the bucket's; the handler of S3 reads it"),
    ("s3 CopyObject", "x-amz-source-expected-bucket-owner", "that of the bucket that is copied from"),
    ("s3 CreateAccessPoint", "bucketAccountId", "the bucket's"),
    ("s3 CreateJob", "manifestGenerator.s3JobManifestGenerator.expectedBucketOwner", "a bucket's"),
    (
        "s3 CreateJob",
        "manifestGenerator.s3JobManifestGenerator.manifestOutputLocation.expectedManifestBucketOwner",
        "a bucket's",
    ),
    ("s3 CreateJob", "report.expectedBucketOwner", "a bucket's"),
    ("s3 PutObject", "x-amz-expected-bucket-owner", "the bucket's; the handler of S3 reads it"),
    ("sagemaker CreateDomain", "domainSettings.unifiedStudioSettings.domainAccountId", "another domain's"),
];

/// A creating call of the catalogue, and what botocore says about it.
struct Known {
    name: String,
    rule: Arc<Rule>,
    facts: Value,
}

impl Known {
    fn paths(&self, of: &str) -> Vec<String> {
        let paths = self.facts[of].as_array().unwrap().iter();
        paths.map(|path| path.as_str().unwrap().to_owned()).collect()
    }
}

/// All calls of the catalogue that botocore has. The other one is the service event `CreateAccountResult`.
fn calls() -> &'static [Known] {
    static CALLS: OnceLock<Vec<Known>> = OnceLock::new();
    CALLS.get_or_init(|| {
        let services = Catalog::embedded().services().unwrap();
        let rules = services.iter().flat_map(|service| {
            let source = service.source.split('.').next().unwrap();
            service.rules.iter().map(move |rule| (source.to_owned(), Arc::clone(rule)))
        });
        let rules: Vec<(String, Arc<Rule>)> = rules.collect();
        let questions = rules.iter().map(|(source, rule)| {
            let created = rule.created.as_ref().map(|path| path.to_string().replace("response.", ""));
            json!({"source": source, "event": rule.event, "created": created})
        });
        let answers = botocore(questions.collect());
        let all = rules.into_iter().zip(answers).filter(|(_, facts)| facts["error"].is_null());
        let known = all.map(|((source, rule), facts)| {
            let name = format!("{source} {}", rule.event);
            Known { name, rule, facts }
        });
        known.collect()
    })
}

/// What the script beside this file says to each question, in order.
fn botocore(questions: Vec<Value>) -> Vec<Value> {
    let count = questions.len();
    let python = Emulator::python(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/creating_calls.py");
    let mut python =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = python.stdin.take().unwrap();
    let asking = thread::spawn(move || {
        for question in questions {
            writeln!(stdin, "{question}").unwrap();
        }
    });
    let said = python.wait_with_output().unwrap().stdout;
    asking.join().unwrap();
    let said: Vec<Value> =
        String::from_utf8(said).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(said.len(), count, "the script said less than it was asked");
    said
}

/// A record's request with `value` at `path`.
fn request(path: &str, value: &Value) -> ParsedRecord {
    let nested = path.rsplit('.').fold(value.clone(), |inside, step| match step.strip_suffix("[]") {
        Some(name) => json!({ name: [inside] }),
        None => json!({ step: inside }),
    });
    ParsedRecord { request: nested, ..ParsedRecord::default() }
}

/// What is in `found` and not listed, and what is listed and not found.
fn differences(found: &BTreeSet<(String, String)>, listed: &[(&str, &str, &str)]) -> Vec<String> {
    let listed: BTreeSet<(String, String)> =
        listed.iter().map(|(call, path, _)| ((*call).to_owned(), (*path).to_owned())).collect();
    let more = found.difference(&listed).map(|(call, path)| format!("{call}: {path} is not known"));
    let less = listed.difference(found).map(|(call, path)| format!("{call}: {path} is listed for nothing"));
    more.chain(less).collect()
}

#[test]
fn botocore_knows_the_calls() {
    assert!(calls().len() >= 349, "{}", calls().len());
}

#[test]
fn tags_are_seen_wherever_a_call_can_ask_for_them() {
    let mut unseen = BTreeSet::new();
    let mut seen = 0;
    for call in calls() {
        for place in call.facts["tags"].as_array().unwrap() {
            let path = place["path"].as_str().unwrap();
            let tags = match place["shape"].as_str().unwrap() {
                "map" => json!({"Owner": "boss"}),
                "list" => json!([{"key": "Owner", "value": "boss"}]),
                _ => json!("Owner=boss"),
            };
            let found = call.rule.requested_tags(&request(path, &tags), None);
            if found.iter().any(|(key, value)| key == "Owner" && value == "boss") {
                seen += 1;
            } else {
                unseen.insert((call.name.clone(), path.to_owned()));
            }
        }
    }
    let faults = differences(&unseen, TAGS_OF_OTHERS);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen >= 250, "{seen}");
}

#[test]
fn parameters_that_name_an_account_are_known() {
    let mut unknown = BTreeSet::new();
    for call in calls() {
        let accounts: Vec<String> =
            call.rule.account.iter().map(|path| path.to_string().to_lowercase()).collect();
        for path in call.paths("accounts") {
            if !accounts.contains(&format!("request.{}", path.to_lowercase())) {
                unknown.insert((call.name.clone(), path));
            }
        }
    }
    let faults = differences(&unknown, OTHER_ACCOUNTS);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Of calls that AWS knows again, a record without such a token is one of a call that was not repeated.
#[test]
fn every_token_by_which_aws_knows_a_call_again_is_known() {
    let mut faults = BTreeSet::new();
    for call in calls() {
        for token in call.paths("tokens") {
            if !call.rule.has_idempotency_token(&request(&token, &json!("token-1"))) {
                faults.insert(format!("{}: {token}", call.name));
            }
        }
    }
    assert_eq!(faults, BTreeSet::new());
    assert!(!calls()[0].rule.has_idempotency_token(&request("name", &json!("token-1"))));
}

#[test]
fn times_of_creation_are_where_the_models_have_them() {
    let timed = calls().iter().filter(|call| call.rule.created.is_some());
    let (right, wrong): (Vec<&Known>, Vec<&Known>) =
        timed.partition(|call| call.facts["created"].as_bool() == Some(true));
    let wrong: Vec<String> =
        wrong.iter().map(|call| format!("{}: {}", call.name, call.rule.created.as_ref().unwrap())).collect();
    assert_eq!(wrong, Vec::<String>::new());
    assert!(right.len() >= 43, "{}", right.len());
}
