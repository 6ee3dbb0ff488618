//! The ways to break a deployment, and what is named.

use crate::deployment::{self, ACCOUNT, HUB, KEEPER, TAGGER, World, bus_arn, queue_arn, select, trust};
use crate::{named, report};
use autotag_aws::signed::{CLOUDTRAIL, DYNAMODB, EVENTS, KMS, ORGANIZATIONS, SQS};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What doctor must name as broken (`check @ place`), and the checks that cannot be looked at without them.
struct Named {
    broken: Vec<String>,
    unknown: Vec<String>,
}

fn only(broken: &[&str]) -> Named {
    with(broken, &[])
}

fn with(broken: &[&str], unknown: &[&str]) -> Named {
    let owned = |list: &[&str]| list.iter().map(|&one| one.to_owned()).collect();
    Named { broken: owned(broken), unknown: owned(unknown) }
}

/// Why the report is not as it must be.
fn judge(report: &Value, wanted: &Named) -> Result<(), String> {
    let (broken, unknown) = (named(report, "broken"), named(report, "unknown"));
    let expected = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
    if broken != expected(&wanted.broken) {
        return Err(format!("broken are {broken:?}, not {:?}", wanted.broken));
    }
    if unknown != expected(&wanted.unknown) {
        return Err(format!("unknown are {unknown:?}, not {:?}", wanted.unknown));
    }
    let fixes = report["checks"].as_array().unwrap().iter().filter(|check| check["state"] != "ok");
    for check in fixes {
        let fix = check["fix"].as_str().unwrap_or_default();
        if fix.is_empty() || fix.contains('\n') {
            return Err(format!("{} has no fix in one line", check["check"]));
        }
    }
    Ok(())
}

/// Breaks, looks, mends; all that was not as it must be is told at once.
struct Ward {
    world: World,
    wrong: Vec<String>,
    seen: usize,
}

impl Ward {
    async fn new() -> Self {
        Self { world: World::new().await, wrong: Vec::new(), seen: 0 }
    }

    fn look(&mut self, how: &str, wanted: &Named) {
        let output = self.world.doctor(&["--format", "json"]);
        let report = report(&output);
        self.seen += 1;
        if let Err(why) = judge(&report, wanted) {
            self.wrong.push(format!("{how}: {why}"));
        }
        if output.status.code() != Some(1) {
            self.wrong.push(format!("{how}: the exit code is {:?}", output.status.code()));
        }
        for check in report["checks"].as_array().unwrap().iter().filter(|check| check["state"] == "broken") {
            eprintln!("{how} | {} @ {} | {}", check["check"], check["place"], check["seen"]);
        }
    }

    /// All is mended again; otherwise a later break would be judged by an earlier one.
    fn finish(self) {
        let output = self.world.doctor(&["--format", "json"]);
        let well = judge(&report(&output), &only(&[]));
        assert_eq!(well, Ok(()), "not all was mended");
        assert!(self.wrong.is_empty(), "of {} breaks:\n{}", self.seen, self.wrong.join("\n"));
    }
}

/// Events of an account in a region have no way in without a trail: both regions say so, and what the trail does not log
/// of STS is not asked any more.
const NO_TRAIL: [&str; 2] = ["trail @ eu-west-1", "trail @ us-east-1"];
const NO_STS: [&str; 2] = ["trail.sessions @ eu-west-1", "trail.sessions @ us-east-1"];

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_trail_is_named() {
    let mut ward = Ward::new().await;
    let hand = ward.world.hub.clone();
    let named = json!({"Name": "everything"});
    hand.json(CLOUDTRAIL, "StopLogging", HUB, named.clone()).await;
    ward.look("trail not logging", &with(&NO_TRAIL, &NO_STS));
    hand.json(CLOUDTRAIL, "StartLogging", HUB, named.clone()).await;

    select(&hand, json!([{"ReadWriteType": "All", "IncludeManagementEvents": false}])).await;
    ward.look("trail without management events", &with(&NO_TRAIL, &NO_STS));
    select(&hand, json!([{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true}])).await;
    ward.look("trail without reads, as AssumeRole is one", &only(&NO_STS));
    select(&hand, json!([{"ReadWriteType": "All", "IncludeManagementEvents": true}])).await;

    hand.json(CLOUDTRAIL, "DeleteTrail", HUB, named.clone()).await;
    ward.look("no trail", &with(&NO_TRAIL, &NO_STS));
    let input = json!({"Name": "everything", "S3BucketName": format!("trail-of-{ACCOUNT}"), "IsMultiRegionTrail": false});
    hand.json(CLOUDTRAIL, "CreateTrail", HUB, input).await;
    hand.json(CLOUDTRAIL, "StartLogging", HUB, named.clone()).await;
    select(&hand, json!([{"ReadWriteType": "All", "IncludeManagementEvents": true}])).await;
    ward.look("trail of one region", &with(&[NO_TRAIL[1]], &[NO_STS[1]]));
    let input = json!({"Name": "everything", "IsMultiRegionTrail": true});
    hand.json(CLOUDTRAIL, "UpdateTrail", HUB, input).await;
    ward.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_rules_are_named() {
    let mut ward = Ward::new().await;
    let hand = ward.world.hub.clone();
    let rule = |name: &str, bus: &str| json!({"Name": name, "EventBusName": bus});
    for (how, name, bus, at, check) in [
        ("rule disabled", "autotag-creations-1", "default", "us-east-1", "rule.creations @ us-east-1"),
        ("STS rule disabled", "autotag-sessions", "default", "us-east-1", "rule.sessions @ us-east-1"),
        ("hub's rule disabled", "autotag-creations-2", "autotag", HUB, "bus.creations @ eu-west-1 autotag"),
        ("hub's STS rule disabled", "autotag-sessions", "autotag", HUB, "bus.sessions @ eu-west-1 autotag"),
    ] {
        hand.json(EVENTS, "DisableRule", at, rule(name, bus)).await;
        ward.look(how, &only(&[check]));
        hand.json(EVENTS, "EnableRule", at, rule(name, bus)).await;
    }
    let member = ward.world.member.clone();
    member.json(EVENTS, "DisableRule", HUB, rule("autotag-creations-1", "default")).await;
    let place = format!("rule.creations @ {} eu-west-1", ward.world.member_account);
    ward.look("rule disabled in a member account", &only(&[&place]));
    member.json(EVENTS, "EnableRule", HUB, rule("autotag-creations-1", "default")).await;

    // An older catalogue knew fewer events.
    let pattern = ward.world.patterns[0].clone();
    for (how, bus, check) in [
        ("stale rule pattern", "default", "rule.creations.pattern @ eu-west-1"),
        ("stale pattern of the hub's rule", "autotag", "bus.creations.pattern @ eu-west-1 autotag"),
    ] {
        let mut old = pattern.clone();
        old["detail"]["$or"][0]["eventName"].as_array_mut().unwrap().pop();
        let put = |pattern: &Value| {
            json!({"Name": "autotag-creations-1", "EventBusName": bus,
            "State": "ENABLED", "EventPattern": pattern.to_string()})
        };
        hand.json(EVENTS, "PutRule", HUB, put(&old)).await;
        ward.look(how, &only(&[check]));
        hand.json(EVENTS, "PutRule", HUB, put(&pattern)).await;
    }
    ward.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_targets_and_their_permissions_are_named() {
    let mut ward = Ward::new().await;
    let hand = ward.world.hub.clone();
    for (how, bus, id, check) in [
        ("target missing", "default", "hub", "rule.creations.target @ eu-west-1"),
        ("target of the hub's rule missing", "autotag", "queue", "bus.creations.target @ eu-west-1 autotag"),
    ] {
        let name = json!({"Rule": "autotag-creations-1", "EventBusName": bus});
        let targets = hand.json(EVENTS, "ListTargetsByRule", HUB, name.clone()).await["Targets"].clone();
        let mut removed = name.clone();
        removed["Ids"] = json!([id]);
        hand.json(EVENTS, "RemoveTargets", HUB, removed).await;
        ward.look(how, &only(&[check]));
        let mut back = name;
        back["Targets"] = targets;
        hand.json(EVENTS, "PutTargets", HUB, back).await;
    }
    // One role serves all rules of the account; so all of them say so.
    hand.allow("autotag-forward", json!([{"Effect": "Allow", "Action": "events:PutEvents", "Resource": "arn:aws:events:eu-west-1:123456789012:event-bus/other"}])).await;
    let everywhere = [
        "rule.creations.role @ eu-west-1",
        "rule.creations.role @ us-east-1",
        "rule.sessions.role @ eu-west-1",
        "rule.sessions.role @ us-east-1",
    ];
    // The member's role of the same name is the same to our simulator.
    let member = &ward.world.member_account;
    let there = ["creations", "sessions"]
        .map(|kind| deployment::REGIONS.map(|at| format!("rule.{kind}.role @ {member} {at}")));
    let there = there.concat();
    let both: Vec<&str> = everywhere.iter().copied().chain(there.iter().map(String::as_str)).collect();
    ward.look("the rules' role may not put events on the hub's bus", &only(&both));
    hand.allow(
        "autotag-forward",
        json!([{"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus_arn()}]),
    )
    .await;

    ward.world.bus_policy(&[ACCOUNT]).await;
    ward.look("bus policy without the member account", &only(&["bus.policy @ eu-west-1 autotag"]));
    ward.world.bus_policy(&[ACCOUNT, &ward.world.member_account]).await;
    ward.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_queues_are_named() {
    let mut ward = Ward::new().await;
    let hand = ward.world.hub.clone();
    let arn = queue_arn(HUB, ACCOUNT, "autotag-tag");
    let rules = |rules: &str| {
        deployment::rules_send(&arn, &format!("arn:aws:events:{HUB}:{ACCOUNT}:rule/{rules}")).to_string()
    };
    ward.world.set("autotag-tag", json!({"Policy": ""})).await;
    ward.look("queue policy missing", &only(&["queue.policy @ autotag-tag"]));
    ward.world.set("autotag-tag", json!({"Policy": rules("other/*")})).await;
    ward.look("queue policy for other rules", &only(&["queue.policy @ autotag-tag"]));
    ward.world.set("autotag-tag", json!({"Policy": rules("autotag/autotag-creations-*")})).await;

    ward.world.set("autotag-tag", json!({"VisibilityTimeout": "60"})).await;
    ward.look("visibility too short", &only(&["queue.visibility @ autotag-tag"]));
    ward.world.set("autotag-tag", json!({"VisibilityTimeout": "360"})).await;

    let redrive = |dead: &str| json!({"RedrivePolicy": json!({"deadLetterTargetArn": queue_arn(HUB, ACCOUNT, dead), "maxReceiveCount": 5}).to_string()});
    ward.world.set("autotag-session", redrive("autotag-tag-dead")).await;
    ward.look("dead letters to another queue", &only(&["queue.redrive @ autotag-session"]));
    ward.world.set("autotag-session", redrive("autotag-session-dead")).await;

    for (how, queue, check) in [
        ("full dead-letter queue", "autotag-tag-dead", "dead-letters @ autotag-tag-dead"),
        ("full dead-letter queue of sessions", "autotag-session-dead", "dead-letters @ autotag-session-dead"),
        (
            "full dead-letter queue of the hub's rules",
            "autotag-rule-dead",
            "rule.dead-letters @ eu-west-1 autotag autotag-rule-dead",
        ),
        (
            "full dead-letter queue of a region's rules",
            "autotag-forward-dead",
            "rule.dead-letters @ eu-west-1 autotag-forward-dead",
        ),
    ] {
        ward.world.send(queue, "{}", json!({})).await;
        ward.look(how, &only(&[check]));
        hand.json(SQS, "PurgeQueue", HUB, json!({"QueueUrl": ward.world.url(queue)})).await;
    }
    let policy = hand
        .json(
            SQS,
            "GetQueueAttributes",
            HUB,
            json!({"QueueUrl": ward.world.url("autotag-rule-dead"), "AttributeNames": ["Policy"]}),
        )
        .await;
    ward.world.set("autotag-rule-dead", json!({"Policy": ""})).await;
    ward.look(
        "policy of a rule's dead-letter queue missing",
        &only(&["rule.dead-letters.policy @ eu-west-1 autotag autotag-rule-dead"]),
    );
    ward.world.set("autotag-rule-dead", json!({"Policy": policy["Attributes"]["Policy"]})).await;

    // A key of one's own as it is made: EventBridge may not use it.
    let key = hand.json(KMS, "CreateKey", HUB, json!({})).await["KeyMetadata"]["KeyId"].clone();
    ward.world.set("autotag-tag", json!({"KmsMasterKeyId": key})).await;
    ward.look("key that EventBridge may not use", &only(&["queue.key @ autotag-tag"]));
    ward.world.set("autotag-tag", json!({"KmsMasterKeyId": ""})).await;
    ward.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_does_not_move_is_named() {
    let mut ward = Ward::new().await;
    ward.world.metric("AWS/SQS", "ApproximateAgeOfOldestMessage", ("QueueName", "autotag-tag"), 9000.0).await;
    ward.look("the oldest message is too old", &only(&["queue.age @ autotag-tag"]));
    ward.world.metric("AWS/Lambda", "Errors", ("FunctionName", KEEPER), 3.0).await;
    ward.look(
        "and session-handler fails",
        &only(&["queue.age @ autotag-tag", "function.errors @ autotag-session-handler"]),
    );
    assert!(ward.wrong.is_empty(), "{:?}", ward.wrong);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_functions_are_named() {
    let mut ward = Ward::new().await;
    let hand = ward.world.hub.clone();
    let alias = format!("/{TAGGER}/aliases/live");
    let version = hand.lambda("GET", &alias, json!({})).await["FunctionVersion"].clone();
    hand.lambda("PUT", &alias, json!({"FunctionVersion": "$LATEST"})).await;
    ward.look("alias to $LATEST", &only(&["function.alias @ autotag-tag-handler"]));
    hand.lambda("DELETE", &alias, json!({})).await;
    ward.look("alias missing", &only(&["function.alias @ autotag-tag-handler"]));
    hand.lambda("POST", &format!("/{TAGGER}/aliases"), json!({"Name": "live", "FunctionVersion": version}))
        .await;

    for (how, name, value, check) in [
        ("event source mapping disabled", "State", json!("Disabled"), "function.source"),
        (
            "event source mapping to $LATEST",
            "FunctionArn",
            json!(format!("arn:aws:lambda:{HUB}:{ACCOUNT}:function:{TAGGER}")),
            "function.source",
        ),
        ("no partial batch responses", "FunctionResponseTypes", json!([]), "function.answers"),
    ] {
        let before = {
            let mut kept = ward.world.kept.lock().unwrap();
            std::mem::replace(&mut kept.mappings[0][name], value)
        };
        ward.look(how, &only(&[&format!("{check} @ {TAGGER}")]));
        ward.world.kept.lock().unwrap().mappings[0][name] = before;
    }
    let mapping = ward.world.kept.lock().unwrap().mappings.remove(0);
    let source = ["function.source @ autotag-tag-handler"];
    ward.look("no event source mapping", &with(&source, &["function.answers @ autotag-tag-handler"]));
    ward.world.kept.lock().unwrap().mappings.insert(0, mapping);

    for (how, function, name, value, check) in [
        (
            "environment names another table",
            TAGGER,
            "AUTOTAG_SESSION_TABLE",
            "sessions",
            "function.environment",
        ),
        (
            "environment of session-handler names another region",
            KEEPER,
            "AUTOTAG_SESSION_REGION",
            "us-east-1",
            "function.environment",
        ),
        (
            "environment names another dead-letter queue",
            TAGGER,
            "AUTOTAG_DEAD_LETTER_QUEUE_URL",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/old",
            "function.environment",
        ),
        ("another number of receives", TAGGER, "AUTOTAG_MAX_RECEIVES", "9", "function.receives"),
    ] {
        ward.world.tell(function, json!({name: value})).await;
        ward.look(how, &only(&[&format!("{check} @ {function}")]));
        ward.world.tell(function, json!({})).await;
    }

    let mut config = hand.lambda("GET", &format!("/{TAGGER}/configuration"), json!({})).await;
    config["State"] = "Failed".into();
    config["StateReason"] = "the role cannot be assumed".into();
    ward.world.kept.lock().unwrap().function = Some((TAGGER.to_owned(), config.clone()));
    ward.look("function failed", &only(&["function @ autotag-tag-handler"]));
    config["State"] = "Active".into();
    config["LastUpdateStatus"] = "Failed".into();
    ward.world.kept.lock().unwrap().function = Some((TAGGER.to_owned(), config));
    ward.look("update of the function failed", &only(&["function @ autotag-tag-handler"]));
    ward.world.kept.lock().unwrap().function = None;
    ward.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_table_is_named() {
    let mut ward = Ward::new().await;
    let hand = ward.world.hub.clone();
    ward.world.expiry(false).await;
    ward.look("table without TTL", &only(&["table.expiry @ eu-west-1 autotag-sessions"]));
    hand.json(DYNAMODB, "DeleteTable", HUB, json!({"TableName": "autotag-sessions"})).await;
    let (table, expiry) = ("table @ eu-west-1 autotag-sessions", "table.expiry @ eu-west-1 autotag-sessions");
    ward.look("table missing", &with(&[table], &[expiry]));
    let input = json!({"TableName": "autotag-sessions", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]});
    hand.json(DYNAMODB, "CreateTable", HUB, input).await;
    ward.world.expiry(true).await;
    ward.look("table with other keys", &only(&[table]));
    hand.json(DYNAMODB, "DeleteTable", HUB, json!({"TableName": "autotag-sessions"})).await;
    ward.world.table().await;
    ward.finish();
}

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
async fn missing_permissions_are_named() {
    let mut ward = Ward::new().await;
    let hand = ward.world.hub.clone();
    let needs = ward.world.needs(TAGGER);
    for (how, action, check) in [
        ("missing permission on one service", "sns:TagResource", "permission.tagging"),
        ("tags may not be read", "tag:GetResources", "permission.reading"),
        ("the queue may not be read", "sqs:DeleteMessage", "permission.working"),
    ] {
        hand.allow(TAGGER, without(&needs, action)).await;
        ward.look(how, &only(&[&format!("{check} @ {TAGGER}")]));
    }
    let mut denied = needs.clone();
    denied
        .as_array_mut()
        .unwrap()
        .push(json!({"Effect": "Deny", "Action": "ec2:CreateTags", "Resource": "*"}));
    hand.allow(TAGGER, denied).await;
    ward.look("a permission is denied", &only(&["permission.tagging @ autotag-tag-handler"]));
    hand.allow(TAGGER, needs).await;
    let needs = ward.world.needs(KEEPER);
    hand.allow(KEEPER, json!([needs[0], needs[1]])).await;
    ward.look(
        "session-handler may not write its table",
        &only(&["permission.working @ autotag-session-handler"]),
    );
    hand.allow(KEEPER, needs).await;
    ward.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_keeps_us_out_is_named() {
    let mut ward = Ward::new().await;
    let (hand, member) = (ward.world.member.clone(), ward.world.member_account.clone());
    let (role, tagging) = (format!("member.role @ {member}"), format!("member.tagging @ {member}"));
    let trusts = async |trusted: Value| {
        let policy = json!({"Version": "2012-10-17", "Statement": [trusted]}).to_string();
        hand.iam("UpdateAssumeRolePolicy", &[("RoleName", "autotag-member"), ("PolicyDocument", &policy)])
            .await;
    };
    trusts(trust("another")).await;
    ward.look("another external id", &only(&[&role]));
    let mut stranger = trust(deployment::EXTERNAL_ID);
    stranger["Principal"] = json!({"AWS": "arn:aws:iam::111122223333:root"});
    trusts(stranger).await;
    ward.look("role not assumable", &only(&[&role]));
    trusts(trust(deployment::EXTERNAL_ID)).await;

    let all = ward.world.member_needs();
    hand.allow("autotag-member", without(&all, "rds:AddTagsToResource")).await;
    ward.look("missing permission on one service in a member account", &only(&[&tagging]));
    hand.allow("autotag-member", all.clone()).await;

    // Without the role its permissions cannot be asked for.
    hand.iam("DeleteRolePolicy", &[("RoleName", "autotag-member"), ("PolicyName", "needed")]).await;
    hand.iam("DeleteRole", &[("RoleName", "autotag-member")]).await;
    let reading = format!("member.reading @ {member}");
    ward.look("no member role", &with(&[&role], &[&tagging, &reading]));
    hand.role("autotag-member", &trust(deployment::EXTERNAL_ID), all).await;
    ward.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_the_organization_is_named() {
    let mut ward = Ward::new().await;
    let hand = ward.world.hub.clone();
    let at = "us-east-1";
    let roots = hand.json(ORGANIZATIONS, "ListRoots", at, json!({})).await;
    let root = roots["Roots"][0]["Id"].clone();
    let deny = |condition: Value| {
        json!({"Version": "2012-10-17", "Statement": [{"Sid": "NoTags", "Effect": "Deny",
        "Action": ["ec2:CreateTags"], "Resource": "*", "Condition": condition}]})
        .to_string()
    };
    let input = json!({"Name": "no-tags", "Description": "", "Type": "SERVICE_CONTROL_POLICY",
        "Content": deny(json!({}))});
    let policy = hand.json(ORGANIZATIONS, "CreatePolicy", at, input).await;
    let id = policy["Policy"]["PolicySummary"]["Id"].clone();
    let attached = json!({"PolicyId": id, "TargetId": ward.world.member_account});
    hand.json(ORGANIZATIONS, "AttachPolicy", at, attached.clone()).await;
    // The hub is the management account here, for which such policies do not count.
    let member = format!("organization.policy @ {}", ward.world.member_account);
    ward.look("service control policy on a member account", &only(&[&member]));
    hand.json(ORGANIZATIONS, "DetachPolicy", at, attached).await;
    let attached = json!({"PolicyId": id, "TargetId": root});
    hand.json(ORGANIZATIONS, "AttachPolicy", at, attached.clone()).await;
    ward.look("service control policy on the root", &only(&[&member]));
    // Those that `autotag generate` writes exempt the tagger.
    for name in ["scp.json", "scp-strict.json"] {
        let content = ward.world.generated(name);
        hand.json(ORGANIZATIONS, "UpdatePolicy", at, json!({"PolicyId": id, "Content": content})).await;
        let report = report(&ward.world.doctor(&["--format", "json"]));
        assert_eq!(judge(&report, &only(&[])), Ok(()), "{name}");
    }
    ward.finish();
}

/// Of what is missing as a whole one check says so, and those that hang on it are unknown.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_as_a_whole_is_named_once() {
    let mut ward = Ward::new().await;
    let hand = ward.world.hub.clone();
    let url = ward.world.url("autotag-session");
    hand.json(SQS, "DeleteQueue", HUB, json!({"QueueUrl": url})).await;
    let hanging = ["queue.policy", "queue.key", "queue.redrive", "queue.visibility", "queue.age"]
        .map(|check| format!("{check} @ autotag-session"));
    let mut hanging: Vec<&str> = hanging.iter().map(String::as_str).collect();
    hanging.push("function.receives @ autotag-session-handler");
    ward.look("queue missing", &with(&["queue @ autotag-session"], &hanging));
    assert!(ward.wrong.is_empty(), "{:?}", ward.wrong);

    let mut ward = Ward::new().await;
    let hand = ward.world.hub.clone();
    hand.lambda("DELETE", &format!("/{KEEPER}"), json!({})).await;
    let hanging = ["alias", "source", "environment", "receives", "errors"]
        .map(|check| format!("function.{check} @ {KEEPER}"));
    let mut hanging: Vec<&str> = hanging.iter().map(String::as_str).collect();
    hanging.extend(["queue.visibility @ autotag-session", "permission.working @ autotag-session-handler"]);
    ward.look("function missing", &with(&["function @ autotag-session-handler"], &hanging));
    assert!(ward.wrong.is_empty(), "{:?}", ward.wrong);

    let mut ward = Ward::new().await;
    let hand = ward.world.hub.clone();
    for (name, _) in ward.world.all_patterns() {
        let rule = json!({"Name": name, "Rule": name, "EventBusName": "autotag", "Ids": ["queue"]});
        hand.json(EVENTS, "RemoveTargets", HUB, rule.clone()).await;
        hand.json(EVENTS, "DeleteRule", HUB, rule).await;
    }
    hand.json(EVENTS, "DeleteEventBus", HUB, json!({"Name": "autotag"})).await;
    let hub = [
        "policy",
        "creations",
        "creations.pattern",
        "creations.target",
        "sessions",
        "sessions.pattern",
        "sessions.target",
    ]
    .map(|check| format!("bus.{check} @ eu-west-1 autotag"));
    let mut hanging: Vec<&str> = hub.iter().map(String::as_str).collect();
    hanging.push("rule.dead-letters @ eu-west-1 autotag");
    ward.look("bus missing", &with(&["bus @ eu-west-1 autotag"], &hanging));
    assert!(ward.wrong.is_empty(), "{:?}", ward.wrong);
}

/// The judge of the tests above can fail: it notices what is not named, what is named beside, and a fix that is missing.
#[test]
fn the_judge_notices() {
    let check = |check: &str, state: &str, fix: Value| json!({"check": check, "place": "here", "state": state, "fix": fix});
    let report = |checks: &[Value]| json!({"checks": checks});
    let (well, hurt) = (check("a", "ok", Value::Null), check("b", "broken", json!("mend it")));
    let wanted = only(&["b @ here"]);
    assert_eq!(judge(&report(&[well.clone(), hurt.clone()]), &wanted), Ok(()));
    assert!(judge(&report(std::slice::from_ref(&well)), &wanted).is_err(), "not named");
    let beside = check("c", "broken", json!("mend it"));
    assert!(judge(&report(&[hurt.clone(), beside]), &wanted).is_err(), "named beside");
    let doubt = check("c", "unknown", json!("look"));
    assert!(judge(&report(&[hurt, doubt]), &wanted).is_err(), "unknown beside");
    assert!(judge(&report(&[check("b", "broken", Value::Null)]), &wanted).is_err(), "no fix");
}
