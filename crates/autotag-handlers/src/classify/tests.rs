use super::*;
use crate::records::ClassifiedRecords;
use autotag_model::arn::Region;
use autotag_model::envelope::{Limits, read_records};
use serde_json::{Value, json};

mod believed;
mod kinds;
mod wanted;

const SQS: &str = "sqs.amazonaws.com";

/// A record of a call by the user mara in 111122223333, eu-west-1.
#[expect(clippy::needless_pass_by_value, reason = "so that calls read as the record does")]
fn record(source: &str, name: &str, request: Value, response: Value) -> Value {
    json!({"eventVersion": "1.08", "eventSource": source, "eventName": name, "eventTime": "2026-03-02T09:00:00Z",
        "awsRegion": "eu-west-1", "recipientAccountId": "111122223333", "eventID": "e-1", "eventType": "AwsApiCall",
        "userIdentity": {"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA",
            "arn": "arn:aws:iam::111122223333:user/mara", "accountId": "111122223333"},
        "requestParameters": request, "responseElements": response})
}

fn queue() -> Value {
    let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders";
    record(SQS, "CreateQueue", json!({"queueName": "orders"}), json!({"queueUrl": url}))
}

fn with(mut record: Value, field: &str, value: Value) -> Value {
    record[field] = value;
    record
}

fn without(mut record: Value, field: &str) -> Value {
    record.as_object_mut().unwrap().remove(field);
    record
}

/// The `EventBridge` event by which CloudTrail sends a record.
fn event(detail: &Value) -> Value {
    json!({"version": "0", "id": "x", "detail-type": "AWS API Call via CloudTrail", "source": "aws.sqs",
        "account": "111122223333", "time": "2026-03-02T09:00:00Z", "region": "eu-west-1", "resources": [],
        "detail": detail})
}

fn classify_with(delivery: &Value, policy: &Policy, account: Option<&AccountId>) -> Classification {
    classify_text(&delivery.to_string(), policy, account)
}

fn classify_text(text: &str, policy: &Policy, account: Option<&AccountId>) -> Classification {
    let classifier = Classifier::new(Catalog::embedded(), policy.clone());
    let mut all = Vec::new();
    read_records(text.as_bytes(), &Limits::default(), &mut |read| {
        let located = read.unwrap_or_else(|error| panic!("{error}: {text}"));
        let envelope = Envelope { event_bridge: located.event_bridge.as_ref(), account };
        all.push(classifier.classify_in(&located.record, envelope));
    });
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0)
}

fn classify(delivery: &Value) -> Classification {
    classify_with(delivery, &Policy::default(), None)
}

fn creation(classified: Classification) -> Creation {
    match classified {
        Classification::Creation(found) => *found,
        other => panic!("{other:?}"),
    }
}

fn arns(found: &Creation) -> Vec<String> {
    found.targets.iter().map(|target| target.resource.display()).collect()
}

/// The one outcome of a record that leads to nothing.
fn outcome(classified: Classification) -> Outcome {
    match classified {
        Classification::Rejected(mut rows) if rows.len() == 1 => rows.remove(0).status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_queue() {
    let found = creation(classify(&queue()));
    assert_eq!(arns(&found), ["arn:aws:sqs:eu-west-1:111122223333:orders"]);
    assert_eq!(found.targets[0].resource.resource_type, "AWS::SQS::Queue");
    assert!(found.targets[0].may_have_existed);
    assert_eq!(found.principal.user_name.as_deref(), Some("mara"));
    assert_eq!(found.event.id.as_deref(), Some("e-1"));
    assert_eq!(arns(&creation(classify(&event(&queue())))), arns(&found), "the same by EventBridge");
}

#[test]
fn a_failed_call_created_nothing() {
    let failed = with(queue(), "errorCode", json!("AccessDenied"));
    assert_eq!(outcome(classify(&failed)), Outcome::CallFailed("AccessDenied".to_owned()));
    let dry = with(queue(), "errorCode", json!("Client.DryRunOperation"));
    assert_eq!(outcome(classify(&dry)), Outcome::Skipped(SkipReason::DryRun));
    let not_failed = with(queue(), "errorCode", json!(""));
    assert_eq!(creation(classify(&not_failed)).targets.len(), 1, "an empty code is none");
}

#[test]
fn creations_without_a_rule_are_named_and_nothing_else_is() {
    let named = |name: &str, more: &[(&str, Value)]| {
        let mut unknown = record("brandnew.amazonaws.com", name, json!({}), json!({}));
        for (field, value) in more {
            unknown[*field] = value.clone();
        }
        match classify(&unknown) {
            Classification::Uncovered(event) => {
                assert_eq!(event.name, name);
                true
            }
            Classification::Other => false,
            other => panic!("{other:?}"),
        }
    };
    for name in ["CreateThing", "RunThing", "CopyThing", "ImportThing", "CreateThing20260101", "Create"] {
        assert!(named(name, &[]), "{name}");
    }
    for name in
        ["CreatedThing", "Runtime", "DeleteThing", "PutThing", "Importantly", "createThing", "DescribeCreate"]
    {
        assert!(!named(name, &[]), "{name}");
    }
    assert!(!named("CreateThing", &[("readOnly", json!(true))]));
    assert!(!named("CreateThing", &[("readOnly", json!("true"))]), "a text is a flag too");
    assert!(named("CreateThing", &[("readOnly", json!(false))]));
    assert!(!named("CreateThing", &[("errorCode", json!("AccessDenied"))]));
    let tags = record("ec2.amazonaws.com", "CreateTags", json!({}), json!({"_return": true}));
    assert_eq!(classify(&tags), Classification::Other, "the catalogue says that it makes nothing");
}

#[test]
fn creating_events_are_known_by_awss_own_data_and_not_by_their_verbs() {
    // Without rules, so that a rule for one of them does not hide what the list says.
    let classifier = Classifier::new(Catalog::empty(), Policy::default());
    let what = |source: &str, name: &str| {
        let text = record(&format!("{source}.amazonaws.com"), name, json!({"name": "x"}), json!({"id": "x"}));
        classifier.classify(&serde_json::from_str(&text.to_string()).unwrap())
    };
    let listed = |source: &str, name: &str| matches!(what(source, name), Classification::Uncovered(_));
    for (source, name) in [
        ("securityhub", "EnableSecurityHub"),
        ("config", "PutConformancePack"),
        ("config", "PutConfigRule"),
        ("ebs", "StartSnapshot"),
        ("storagegateway", "ActivateGateway"),
        ("signer", "PutSigningProfile"),
        ("iot", "OpenTunnel"),
        ("mediaconnect", "AddFlowOutputs"),
        ("finspace", "CreateEnvironment"),
    ] {
        assert!(listed(source, name), "{source} {name}");
    }
    for (source, name) in [
        ("ssmmessages", "CreateControlChannel"),
        ("ssmmessages", "CreateDataChannel"),
        ("sso-oauth", "CreateToken"),
        ("sso", "CreateToken"),
        ("signin", "CreateToken"),
        ("s3express", "CreateSession"),
        ("ivschat", "CreateChatToken"),
        ("gamelift", "CreateGameSession"),
        ("gamelift", "CreatePlayerSessions"),
        ("securityhub", "UpdateSecurityHubConfiguration"),
        ("ec2", "CreateTags"),
    ] {
        assert_eq!(what(source, name), Classification::Other, "{source} {name}");
    }
}

#[test]
fn an_event_that_cloudtrail_does_not_send_is_not_believed() {
    let forged = |field: &str, value: &str| outcome(classify(&with(event(&queue()), field, json!(value))));
    let is_foreign = |outcome: Outcome| matches!(outcome, Outcome::Skipped(SkipReason::NotFromCloudTrail(_)));
    for source in ["custom.sqs", "aws", "AWS.sqs", "xaws.sqs", ""] {
        assert!(is_foreign(forged("source", source)), "{source}");
    }
    for kind in ["aws api call via cloudtrail", "AWS API Call via CloudTrail ", "Scheduled Event"] {
        assert!(is_foreign(forged("detail-type", kind)), "{kind}");
    }
    let disagree = forged("account", "444455556666");
    assert!(matches!(disagree, Outcome::Skipped(SkipReason::AccountsDisagree(_))), "{disagree:?}");
    let service = with(event(&queue()), "detail-type", json!("AWS Service Event via CloudTrail"));
    assert_eq!(creation(classify(&service)).targets.len(), 1);
}

fn assume_role() -> Value {
    record(
        "sts.amazonaws.com",
        "AssumeRole",
        json!({"roleArn": "arn:aws:iam::111122223333:role/jump", "roleSessionName": "mara"}),
        json!({"credentials": {"accessKeyId": "ASIAONE", "expiration": "Mar 2, 2026, 10:00:00 AM"},
            "assumedRoleUser": {"assumedRoleId": "AROAJUMP:mara",
                "arn": "arn:aws:sts::111122223333:assumed-role/jump/mara"}}),
    )
}

#[test]
fn sts_records_are_sessions() {
    let sts_event = with(event(&assume_role()), "source", json!("aws.sts"));
    for delivery in [assume_role(), sts_event] {
        assert!(
            matches!(classify(&delivery), Classification::Session(session) if session.role_session == "AROAJUMP:mara")
        );
    }
    let refused = with(assume_role(), "errorCode", json!("AccessDenied"));
    assert!(matches!(classify(&refused), Classification::NoSession(_)));
    let whoami = record("sts.amazonaws.com", "GetCallerIdentity", Value::Null, Value::Null);
    assert_eq!(classify(&whoami), Classification::Other);
}

/// A sender of events to a forwarded bus must not put sessions into the store. Otherwise they could put any person
/// at the origin of any role session.
#[test]
fn a_session_that_cloudtrail_did_not_send_is_not_believed() {
    let good = with(event(&assume_role()), "source", json!("aws.sts"));
    for (field, value) in
        [("source", "custom.sts"), ("detail-type", "AssumeRole for fun"), ("account", "444455556666")]
    {
        let classified = classify(&with(good.clone(), field, json!(value)));
        assert!(!matches!(classified, Classification::Session(_)), "{field} `{value}`: {classified:?}");
    }
}

#[test]
fn a_resource_of_another_account_is_not_touched() {
    let topic = record(
        "sns.amazonaws.com",
        "CreateTopic",
        json!({"name": "alarms"}),
        json!({"topicArn": "arn:aws:sns:eu-west-1:444455556666:alarms"}),
    );
    let classified = classify(&topic);
    let Classification::Rejected(rows) = classified else { panic!("{classified:?}") };
    assert!(matches!(&rows[0].status, Outcome::Skipped(SkipReason::AccountsDisagree(_))), "{rows:?}");
    assert_eq!(
        rows[0].resource.as_ref().map(autotag_model::rule::Resource::display).as_deref(),
        Some("arn:aws:sns:eu-west-1:444455556666:alarms"),
        "the row names what was left alone"
    );
    let owned_by_aws = record(
        "iam.amazonaws.com",
        "CreatePolicy",
        json!({}),
        json!({"policy": {"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}),
    );
    assert!(matches!(classify(&owned_by_aws), Classification::Rejected(_)));
}

/// A Glue job or an S3 object can be named after the ARN of somebody else's resource.
#[test]
fn a_name_that_looks_like_an_arn_leads_to_nobody_elses_resource() {
    let victim = "arn:aws:sqs:eu-west-1:111122223333:orders";
    let job = record("glue.amazonaws.com", "CreateJob", json!({"name": victim}), json!({"name": victim}));
    let object = record(
        "s3.amazonaws.com",
        "PutObject",
        json!({"bucketName": "shop", "key": victim}),
        json!({"x-amz-server-side-encryption": "AES256"}),
    );
    for record in [job, object] {
        if let Classification::Creation(found) = classify(&record) {
            for target in &found.targets {
                assert_ne!(target.resource.display(), victim, "{}", record["eventName"]);
            }
        }
    }
}

#[test]
fn what_cloudtrail_cut_away_is_reported() {
    let cut = json!({"omitted": true, "originalSize": 120_000, "reason": "too large"});
    let run = record("ec2.amazonaws.com", "RunInstances", json!({}), cut.clone());
    assert!(
        matches!(outcome(classify(&run)), Outcome::Malformed(why) if why.contains("responseElements")),
        "the instances are there, and nobody sees them"
    );
    // If the request names the resource as well, nothing is lost.
    let table = record("dynamodb.amazonaws.com", "CreateTable", json!({"tableName": "orders"}), cut);
    assert_eq!(arns(&creation(classify(&table))), ["arn:aws:dynamodb:eu-west-1:111122223333:table/orders"]);
    let nameless = record(SQS, "CreateQueue", json!({}), Value::Null);
    assert_eq!(outcome(classify(&nameless)), Outcome::Skipped(SkipReason::NoId));
}

#[test]
fn deep_nesting_spoils_only_its_record() {
    let deep = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
    let text = queue().to_string().replace("{\"queueName\":\"orders\"}", &deep);
    assert!(text.contains(&deep));
    let classified = classify_text(&text, &Policy::default(), None);
    assert!(matches!(outcome(classified), Outcome::Malformed(why) if why.contains("requestParameters")));
    let identity = queue()["userIdentity"].to_string();
    let text = queue().to_string().replace(&identity, &deep);
    let classified = classify_text(&text, &Policy::default(), None);
    assert!(matches!(outcome(classified), Outcome::Malformed(why) if why.contains("userIdentity")));
}

fn ignoring(rules: &str) -> Policy {
    Policy::from_toml(&format!("[ignore]\n{rules}\n")).unwrap()
}

#[test]
fn what_the_policy_ignores_is_skipped_and_says_so() {
    let role = with(
        queue(),
        "userIdentity",
        json!({"type": "AssumedRole", "principalId": "AROAX:s", "arn": "arn:aws:sts::111122223333:assumed-role/Tagger/s",
            "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/ops/Tagger"}}}),
    );
    for (rule, record) in [
        ("services = [\"sqs\"]", queue()),
        ("services = [\"sqs.amazonaws.com\"]", queue()),
        ("events = [\"sqs:Create*\"]", queue()),
        ("accounts = [\"111122223333\"]", queue()),
        ("principals = [\"arn:aws:iam::*:user/mara\"]", queue()),
        ("principals = [\"AIDAMARA\"]", queue()),
        ("principals = [\"arn:aws:iam::111122223333:role/ops/Tagger\"]", role.clone()),
        ("principals = [\"arn:aws:sts::111122223333:assumed-role/Tagger/*\"]", role.clone()),
    ] {
        let classified = classify_with(&record, &ignoring(rule), None);
        assert!(matches!(outcome(classified), Outcome::Skipped(SkipReason::Ignored(_))), "{rule}");
    }
    for rule in ["services = [\"sns\"]", "events = [\"sqs:Delete*\"]", "accounts = [\"444455556666\"]"] {
        let classified = classify_with(&queue(), &ignoring(rule), None);
        assert_eq!(creation(classified).targets.len(), 1, "{rule}");
    }
}

// Guards against: only `recipientAccountId` is held against `ignore.accounts`; a record that lacks it is tagged
// in the ignored account, because `scope` knows the account by the path, the delivery or the caller.
#[test]
fn an_ignored_account_is_ignored_however_it_is_known() {
    let policy = ignoring("accounts = [\"111122223333\"]");
    let old = without(queue(), "recipientAccountId");
    let path = account_of_path("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/02/x.json.gz");
    for (how, classified) in [
        ("path", classify_with(&old, &policy, path.as_ref())),
        ("delivery", classify_with(&event(&old), &policy, None)),
        ("caller", classify_with(&old, &policy, None)),
    ] {
        assert!(matches!(classified, Classification::Rejected(_)), "by the {how}: {classified:?}");
    }
}

#[test]
fn an_old_record_gets_its_account_from_the_path_then_from_the_caller() {
    let old = without(queue(), "recipientAccountId");
    let by = |account| arns(&creation(classify_with(&old, &Policy::default(), account)));
    let path = account_of_path("bucket/AWSLogs/o-org/444455556666/CloudTrail/eu-west-1/2014/03/06/x.json.gz");
    assert_eq!(by(path.as_ref()), ["arn:aws:sqs:eu-west-1:444455556666:orders"]);
    assert_eq!(by(None), ["arn:aws:sqs:eu-west-1:111122223333:orders"]);
    let odd = with(queue(), "recipientAccountId", json!("none"));
    assert_eq!(arns(&creation(classify(&odd))), ["arn:aws:sqs:eu-west-1:111122223333:orders"]);
    // The account of a call across accounts is the recipient's, not the caller's.
    let across = with(queue(), "recipientAccountId", json!("444455556666"));
    assert_eq!(arns(&creation(classify(&across))), ["arn:aws:sqs:eu-west-1:444455556666:orders"]);
}

#[test]
fn hints_of_paths() {
    for (path, account) in [
        ("AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/02/f.json.gz", Some("111122223333")),
        (
            "s3://b/CloudTrail/AWSLogs/o-x/111122223333/CloudTrail/us-east-1/2026/03/02/f.json.gz",
            Some("111122223333"),
        ),
        (r"C:\trail\111122223333\CloudTrail\us-east-1\2026\03\02\f.json", Some("111122223333")),
        ("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/03/02/f.json.gz", None),
        ("some/file.json", None),
        ("CloudTrail/f.json", None),
        ("", None),
    ] {
        assert_eq!(account_of_path(path).as_ref().map(AccountId::as_str), account, "{path}");
    }
}

#[test]
fn global_is_the_partitions_global_region() {
    let at = |region: Value, caller: &str| {
        let mut record = with(queue(), "awsRegion", region);
        record["userIdentity"]["arn"] = json!(caller);
        let found = creation(classify(&record));
        found.targets[0].resource.display()
    };
    let plain = "arn:aws:iam::111122223333:user/mara";
    assert_eq!(at(json!("global"), plain), "arn:aws:sqs:us-east-1:111122223333:orders");
    assert_eq!(
        at(json!("global"), "arn:aws-cn:iam::111122223333:user/mara"),
        "arn:aws-cn:sqs:cn-north-1:111122223333:orders"
    );
    assert_eq!(at(json!("cn-northwest-1"), plain), "arn:aws-cn:sqs:cn-northwest-1:111122223333:orders");
    // A region of tomorrow: its partition is the caller's.
    assert_eq!(
        at(json!("moon-east-1"), "arn:aws-moon:iam::111122223333:user/mara"),
        "arn:aws-moon:sqs:moon-east-1:111122223333:orders"
    );
    assert_eq!(at(json!("moon-east-1"), "no arn"), "arn:aws:sqs:moon-east-1:111122223333:orders");
    let role = |region: &str| {
        let record = record(
            "iam.amazonaws.com",
            "CreateRole",
            json!({}),
            json!({"role": {"arn": "arn:aws:iam::111122223333:role/x"}}),
        );
        creation(classify(&with(record, "awsRegion", json!(region)))).targets[0].resource.region.clone()
    };
    assert_eq!(role("eu-west-1"), Region::new("us-east-1"), "IAM is tagged in its partition's global region");
}

#[test]
fn every_resource_of_a_record_is_found_once() {
    let run = record(
        "ec2.amazonaws.com",
        "RunInstances",
        json!({}),
        json!({"instancesSet": {"items": [
            {"instanceId": "i-1", "networkInterfaceSet": {"items": [{"networkInterfaceId": "eni-1"}]}},
            {"instanceId": "i-2", "networkInterfaceSet": {"items": [{"networkInterfaceId": "eni-2"}]}},
            {"instanceId": "i-1", "networkInterfaceSet": {"items": [{"networkInterfaceId": "eni-1"}]}}]}}),
    );
    let mut ids = arns(&creation(classify(&run)));
    ids.sort();
    let arn = |id: &str| format!("arn:aws:ec2:eu-west-1:111122223333:{id}");
    assert_eq!(
        ids,
        [
            arn("instance/i-1"),
            arn("instance/i-2"),
            arn("network-interface/eni-1"),
            arn("network-interface/eni-2")
        ]
    );
}

#[test]
fn what_aws_cannot_tag_gets_a_row_that_says_why() {
    let backup = record(
        "dynamodb.amazonaws.com",
        "CreateBackup",
        json!({}),
        json!({"backupDetails": {"backupArn": "arn:aws:dynamodb:eu-west-1:111122223333:table/orders/backup/01"}}),
    );
    let classified = classify(&backup);
    let Classification::Creation(creation) = classified else { panic!("{classified:?}") };
    assert_eq!(creation.targets, []);
    let rows = creation.rejected;
    assert_eq!(rows[0].resource_type.as_deref(), Some("AWS::DynamoDB::Backup"));
    assert!(matches!(&rows[0].status, Outcome::Skipped(SkipReason::CannotTag(why)) if !why.is_empty()));
}

#[test]
fn an_event_that_creates_only_sometimes_is_no_creation_the_other_times() {
    let update = record(
        "dynamodb.amazonaws.com",
        "UpdateTable",
        json!({"tableName": "orders", "billingMode": "PAY_PER_REQUEST"}),
        json!({}),
    );
    assert_eq!(classify(&update), Classification::Other);
}

#[test]
fn an_account_of_an_arn_is_not_believed_if_the_record_names_none() {
    let arn = "arn:aws:kafka:eu-west-1:999999999999:cluster/c/u";
    let request = json!({"clusterName": "c"});
    let call = record("kafka.amazonaws.com", "CreateCluster", request, json!({"clusterArn": arn}));
    let mary = json!({"type": "IAMUser", "userName": "mary"});
    let call = with(without(call, "recipientAccountId"), "userIdentity", mary);
    let classified = outcome(classify(&call));
    assert!(
        matches!(&classified, Outcome::Skipped(SkipReason::AccountsDisagree(why)) if why.contains("names no account")),
        "{classified:?}"
    );
}

/// Rekognition writes the ARN of a collection without its beginning.
#[test]
fn a_resource_without_an_arn_is_not_planned_if_only_the_tagging_api_could_tag_it() {
    let rules = "source = \"rekognition.amazonaws.com\"\nname = \"Rekognition\"\n\n[[rule]]\nevent = \"CreateCollection\"\ntype = \"AWS::Rekognition::Collection\"\nid = [\"response.collectionArn\"]\n";
    let mut catalog = Catalog::empty();
    catalog.add("rekognition.toml", rules).unwrap();
    let response = json!({"collectionArn": "aws:rekognition:eu-west-1:111122223333:collection/faces"});
    let call = record("rekognition.amazonaws.com", "CreateCollection", json!({}), response);
    let mut records = ClassifiedRecords::default();
    crate::records::read(
        call.to_string().as_bytes(),
        &Classifier::new(catalog, Policy::default()),
        None,
        &mut records,
    );
    assert!(records.creations.is_empty(), "{:?}", records.creations);
    assert!(
        matches!(&records.rejected[0].status, Outcome::Malformed(why) if why.contains("is not an ARN")),
        "{:?}",
        records.rejected
    );
}

/// The serial number of a virtual MFA device is its ARN, which a published trail may leave out.
#[test]
fn a_resource_without_an_arn_is_not_planned_if_its_tag_call_takes_one() {
    let of = |serial: &str| {
        let response = json!({"virtualMFADevice": {"serialNumber": serial}});
        let request = json!({"virtualMFADeviceName": "mary"});
        classify(&record("iam.amazonaws.com", "CreateVirtualMFADevice", request, response))
    };
    let classified = outcome(of("..."));
    assert!(
        matches!(&classified, Outcome::Malformed(why) if why.contains("TagMFADevice takes only ARNs")),
        "{classified:?}"
    );
    let whole = of("arn:aws:iam::111122223333:mfa/mary");
    assert!(matches!(whole, Classification::Creation(_)), "{whole:?}");
}
