use super::*;
use crate::catalog::Catalog;
use crate::classify::{Classification, Classifier, account_of_path};
use crate::error::{BackendError, ErrorClass};
use crate::memory::MemoryBackend;
use crate::outcome::Outcome;
use crate::plan::{PlannedResource, Planner};
use crate::records::{self, ClassifiedRecords, RecordSink};
use crate::row::Status as _;
use async_trait::async_trait;
use autotag_model::arn::{AccountId, Region};
use autotag_model::envelope::{LocatedRecord, Malformed};
use autotag_model::policy::Policy;
use autotag_model::record::Record;
use futures_executor::block_on;
use jiff::Timestamp;
use serde_json::{Value, json};
use session_store::MemoryStore;
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::ops::RangeInclusive;
use std::path::Path;

pub(super) const HERE: &str = "111122223333";
pub(super) const THERE: &str = "444455556666";

fn classifier() -> Classifier {
    Classifier::new(Catalog::embedded(), Policy::default())
}

pub(super) fn user(name: &str, account: &str) -> Value {
    json!({"type": "IAMUser", "userName": name, "principalId": format!("AIDA{name}"), "accountId": account,
        "accessKeyId": format!("AKIA{name}"), "arn": format!("arn:aws:iam::{account}:user/{name}")})
}

/// A session of the role `deploy`, under a name that its caller chose.
fn session(key: &str) -> Value {
    json!({"type": "AssumedRole", "principalId": "AROADEPLOY:ci", "accountId": HERE, "accessKeyId": key,
        "arn": format!("arn:aws:sts::{HERE}:assumed-role/deploy/ci"),
        "sessionContext": {"attributes": {"creationDate": "2026-03-02T08:00:00Z"},
            "sessionIssuer": {"type": "Role", "principalId": "AROADEPLOY", "userName": "deploy", "accountId": HERE,
                "arn": format!("arn:aws:iam::{HERE}:role/deploy")}}})
}

pub(super) fn call(
    id: &str,
    minute: u32,
    event: &str,
    who: &Value,
    request: &Value,
    response: &Value,
) -> Value {
    let (service, name) = event.split_once(':').unwrap();
    json!({"eventID": id, "eventTime": format!("2026-03-02T09:{minute:02}:00Z"), "eventName": name,
        "eventSource": format!("{service}.amazonaws.com"), "awsRegion": "eu-west-1",
        "recipientAccountId": who["accountId"], "requestParameters": request, "responseElements": response,
        "userIdentity": who, "readOnly": false})
}

pub(super) fn table(id: &str, minute: u32, who: &Value) -> Value {
    let account = who["accountId"].as_str().unwrap();
    let arn = format!("arn:aws:dynamodb:eu-west-1:{account}:table/orders");
    let response = json!({"tableDescription": {"tableArn": arn, "tableName": "orders"}});
    call(id, minute, "dynamodb:CreateTable", who, &json!({"tableName": "orders"}), &response)
}

pub(super) const TABLE: &str = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders";

/// The STS record of a session of `deploy`.
fn assumed(key: &str, by: &Value) -> Value {
    let mut record = call(
        &format!("sts-{key}"),
        0,
        "sts:AssumeRole",
        by,
        &json!({"roleArn": format!("arn:aws:iam::{HERE}:role/deploy"), "roleSessionName": "ci"}),
        &json!({"credentials": {"accessKeyId": key, "sessionToken": "CANARY", "expiration": "Mar 2, 2026, 10:00:00 AM"},
            "assumedRoleUser": {"assumedRoleId": "AROADEPLOY:ci",
                "arn": format!("arn:aws:sts::{HERE}:assumed-role/deploy/ci")}}),
    );
    record["eventTime"] = json!("2026-03-02T08:00:00Z");
    record
}

/// The text of every record of a folder or file, with the account in its path, each event once.
fn texts_of(path: &Path) -> Vec<(String, Option<AccountId>)> {
    struct Texts(Vec<(String, Option<AccountId>)>);
    impl RecordSink for Texts {
        fn record(&mut self, record: &LocatedRecord<'_>, account: Option<&AccountId>, _: Classification) {
            self.0.push((record.raw.to_owned(), account.cloned()));
        }
        fn wants_all(&self) -> bool {
            true
        }
        fn others(&mut self, _: u64) {}
        fn malformed(&mut self, _: &Malformed) {}
    }
    let mut texts = Texts(Vec::new());
    let mut paths = vec![path.to_owned()];
    while let Some(path) = paths.pop() {
        if path.ends_with("CloudTrail-Digest") {
        } else if path.is_dir() {
            paths.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "json" || ending == "gz") {
            let account = account_of_path(path.to_str().unwrap());
            records::read(File::open(&path).unwrap(), &classifier(), account.as_ref(), &mut texts);
        }
    }
    texts.0
}

fn fixtures(folder: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(folder)
}

/// A trail of these records, in memory.
fn ask_trail(records: &[(String, Option<AccountId>)], asked: &[Asked]) -> Vec<Answer> {
    let classifier = classifier();
    let mut read = TrailRecords::new(RecordFilter::new(&classifier, asked));
    for (text, account) in records {
        records::read(text.as_bytes(), &classifier, account.as_ref(), &mut read);
    }
    let sessions: MemoryStore = std::mem::take(&mut read.sessions).into_iter().collect();
    let source = block_on(TrailSource::new(read, classifier.policy(), &sessions));
    asked.iter().map(|asked| block_on(answer(asked, &source))).collect()
}

pub(super) fn ask(records: &[Value], asked: &str) -> Answer {
    let records: Vec<_> = records.iter().map(|record| (record.to_string(), None)).collect();
    ask_trail(&records, &[Asked::parse(asked).unwrap()]).remove(0)
}

pub(super) fn owner(answer: &Answer) -> Option<&str> {
    answer.creation.as_ref()?.owner_name()
}

/// The rows of a plan that have a resource and an owner, by the resource.
fn planned(records: &[(String, Option<AccountId>)]) -> BTreeMap<String, Vec<PlannedResource>> {
    let classifier = classifier();
    let mut read = ClassifiedRecords::default();
    for (text, account) in records {
        records::read(text.as_bytes(), &classifier, account.as_ref(), &mut read);
    }
    let (sessions, backend) = (MemoryStore::new(), MemoryBackend::offline());
    let planner = Planner::new(classifier.policy(), &sessions, &backend, Timestamp::UNIX_EPOCH);
    let mut rows: BTreeMap<String, Vec<PlannedResource>> = BTreeMap::new();
    for row in block_on(planner.plan(read)).into_resources() {
        if let (Some(arn), Some(_)) = (row.arn(), &row.owner) {
            rows.entry(arn).or_default().push(row);
        }
    }
    rows
}

/// The answer has the owner of the row of its event, with the same evidence.
fn assert_as_planned(answer: &Answer, rows: &[PlannedResource]) {
    let creation = answer.creation.as_ref().unwrap();
    let row = rows.iter().find(|row| row.event.id == creation.event.id);
    let row = row.unwrap_or_else(|| panic!("{}: no row of {:?}", answer.asked, creation.event));
    assert_eq!(creation.owner, row.owner, "{}", answer.asked);
    // An earlier row counts only if the plan leaves the later ones alone.
    let later = rows.iter().filter(|row| row.event.timestamp() > creation.event.timestamp());
    for row in later {
        assert!(
            matches!(row.status.outcome(), Some(Outcome::AlreadyTagged(_) | Outcome::Skipped(_))),
            "{row:?}"
        );
    }
}

#[test]
fn a_trail_answers_with_the_owners_of_its_plan() {
    for (folder, least) in [("trail", 130), ("odd", 10)] {
        let records = texts_of(&fixtures(folder));
        let rows = planned(&records);
        let asked: Vec<Asked> = rows.keys().map(|arn| Asked::parse(arn).unwrap()).collect();
        assert!(asked.len() >= least, "{}", asked.len());
        for answer in ask_trail(&records, &asked) {
            assert!(answer.is_known(), "{answer:?}");
            assert_as_planned(&answer, &rows[&answer.asked]);
        }
    }
}

/// A record in a history: account, region, text, names and time.
type Recorded = (AccountId, String, String, HashSet<String>, Option<Timestamp>);

/// An event history with AWS's rule of one attribute, over records in memory.
#[derive(Default)]
pub(super) struct History {
    records: Vec<Recorded>,
    /// A name for which the history fails.
    refused: Option<&'static str>,
    class: Option<ErrorClass>,
}

impl History {
    fn of(records: impl IntoIterator<Item = (String, Option<AccountId>)>) -> Self {
        let mut history = Self::default();
        for (text, path_account) in records {
            let record: Record<'_> = serde_json::from_str(&text).unwrap();
            // Only management events are in a history.
            if record.event_category.as_deref() == Some("Data") {
                continue;
            }
            let Some(account) = record.recipient_account().or(path_account) else { continue };
            let region = record.aws_region.as_deref().unwrap_or("us-east-1").replace("global", "us-east-1");
            let (mut names, time) = (HashSet::new(), record.time());
            let parsed = record.parsed().unwrap();
            for part in [&parsed.request, &parsed.response, &parsed.resources] {
                let mut texts = Vec::new();
                tag_change::texts(part, &mut texts);
                names.extend(texts.into_iter().map(str::to_owned));
            }
            history.records.push((account, region, text, names, time));
        }
        history
    }
}

#[async_trait]
impl EventHistory for History {
    async fn naming(&self, place: &Place, name: &str, between: Option<&RangeInclusive<Timestamp>>) -> Lookup {
        let mut lookup = Lookup { records: Vec::new(), calls: 1, failure: None };
        if self.refused.is_some_and(|refused| name.contains(refused)) {
            let class = self.class.unwrap_or(ErrorClass::Denied);
            lookup.failure = Some(BackendError::new(class, "LookupEvents", "AccessDeniedException"));
            return lookup;
        }
        let account = place.account.as_ref().map_or(HERE, AccountId::as_str);
        for (of, region, text, names, time) in &self.records {
            let is_in_time = between.is_none_or(|between| time.is_some_and(|time| between.contains(&time)));
            if of.as_str() == account
                && *region == place.region.as_str()
                && names.contains(name)
                && is_in_time
            {
                lookup.records.push(text.clone());
            }
        }
        lookup
    }
}

fn regions() -> Regions {
    Regions { home: Region::new("eu-west-1").unwrap(), more: Vec::new() }
}

pub(super) fn ask_history(history: &History, asked: &str) -> Answer {
    let classifier = classifier();
    let source = HistorySource::new(&classifier, history, regions());
    block_on(answer(&Asked::parse(asked).unwrap(), &source))
}

pub(super) fn history(records: &[Value]) -> History {
    History::of(records.iter().map(|record| (record.to_string(), None)))
}

/// Never another owner than the plan's; none is allowed.
#[test]
fn an_event_history_answers_with_the_owners_of_a_plan_or_with_none() {
    let records = texts_of(&fixtures("trail"));
    let (rows, history) = (planned(&records), History::of(records));
    let mut known = 0;
    for (arn, rows) in &rows {
        let answer = ask_history(&history, arn);
        let Some(owner) = answer.owner() else {
            assert!(!answer.reasons.is_empty(), "{answer:?}");
            continue;
        };
        known += 1;
        let row = rows.iter().find(|row| row.event.id == answer.creation.as_ref().unwrap().event.id).unwrap();
        let planned = row.owner.as_deref().unwrap();
        let facts = |owner: &crate::owner::Owner| {
            (
                owner.name.clone(),
                owner.proof,
                owner.account.clone(),
                owner.channel.clone(),
                owner.claimed.clone(),
            )
        };
        assert_eq!(facts(owner), facts(planned), "{arn}");
    }
    // The others are objects, buckets of another account, replicas in another region.
    assert!(known >= 116, "{known} of {} are known", rows.len());
}

#[test]
fn a_chain_takes_as_many_calls_as_it_has_hops_and_two() {
    let history = History::of(texts_of(&fixtures("trail")));
    let mut chains = 0;
    for arn in planned(&texts_of(&fixtures("trail"))).keys() {
        let answer = ask_history(&history, arn);
        let Some(owner) = answer.owner().filter(|owner| owner.pending.is_none()) else { continue };
        let hops = owner.chain.len() as u64;
        chains += u64::from(hops > 1);
        // An AssumeRole across accounts is recorded in both, and only the account of the caller tells who called.
        let accounts: HashSet<&str> =
            owner.chain.iter().filter_map(|link| link.session.split(':').nth(4)).collect();
        let across = accounts.len().saturating_sub(1) as u64;
        // A bucket may be in the region of the caller or in the global one.
        let url = u64::from(arn.starts_with("arn:aws:sqs:"));
        let regions = if arn.starts_with("arn:aws:s3") || arn.starts_with("arn:aws:rds::") { 2 } else { 0 };
        let most = hops + 2 + across + regions + url;
        assert!(answer.calls <= most, "{arn}: {hops} hops, {} calls: {:?}", answer.calls, answer.questions);
        // No access key is shown whole.
        assert!(answer.questions.iter().all(|question| !question.contains("ASIA")), "{:?}", answer.questions);
    }
    assert!(chains >= 3, "{chains}");
}

#[test]
fn an_iam_user_takes_two_calls() {
    let history = history(&[table("e1", 1, &user("mara", HERE))]);
    let answer = ask_history(&history, TABLE);
    assert_eq!((owner(&answer), answer.calls), (Some("mara"), 2));
}

/// `DeleteQueue` names the URL and nothing else, so a queue takes one more call.
#[test]
fn a_deletion_that_names_a_url_is_found() {
    let (arn, url) = (
        "arn:aws:sqs:eu-west-1:111122223333:orders",
        "https://sqs.eu-west-1.amazonaws.com/111122223333/orders",
    );
    let made = |id, minute, by: &str| {
        let request = json!({"queueName": "orders"});
        call(id, minute, "sqs:CreateQueue", &user(by, HERE), &request, &json!({"queueUrl": url}))
    };
    let gone = call("e2", 5, "sqs:DeleteQueue", &user("eve", HERE), &json!({"queueUrl": url}), &Value::Null);
    let answer = ask_history(&history(&[made("e1", 1, "mara"), gone.clone()]), arn);
    assert_eq!((owner(&answer), answer.calls), (Some("mara"), 3));
    assert_eq!(answer.deletion.unwrap().deletion.event.name, "DeleteQueue");
    // A queue that was made again belongs to who made it last.
    let answer = ask_history(&history(&[made("e1", 1, "mara"), gone, made("e3", 9, "noor")]), arn);
    assert_eq!((owner(&answer), answer.deletion.is_some()), (Some("noor"), false));
}

#[test]
fn of_two_creations_of_a_name_the_latest_counts() {
    let records = [table("e1", 1, &user("mara", HERE)), table("e2", 5, &user("noor", HERE))];
    for answer in [ask(&records, TABLE), ask(&records, "orders"), ask_history(&history(&records), TABLE)] {
        assert_eq!((owner(&answer), answer.creations), (Some("noor"), 2), "{answer:?}");
        assert!(answer.reasons.iter().any(|why| why.contains("2 creations")), "{:?}", answer.reasons);
    }
}

#[test]
fn a_name_in_two_accounts_has_no_owner_unless_it_is_the_same() {
    let different = [table("e1", 1, &user("mara", HERE)), table("e2", 5, &user("mara", THERE))];
    let answer = ask(&different, "orders");
    assert_eq!((owner(&answer), answer.candidates.len()), (None, 2), "{answer:?}");
    assert!(answer.reasons.iter().any(|why| why.contains("different owners")), "{:?}", answer.reasons);
    assert_eq!(owner(&ask(&different, TABLE)), Some("mara"), "the ARN names one of them");

    let mara = user("mara", HERE);
    let url = json!({"queueUrl": format!("https://sqs.eu-west-1.amazonaws.com/{HERE}/orders")});
    let queue = call("e3", 7, "sqs:CreateQueue", &mara, &json!({"queueName": "orders"}), &url);
    assert_eq!(owner(&ask(&[table("e1", 1, &mara), queue], "orders")), Some("mara"));
}

#[test]
fn later_changes_of_identity_tags_are_listed() {
    let mara = user("mara", HERE);
    let untag = |id: &str, minute, keys: Value| {
        let request = json!({"resourceARNList": [TABLE], "tagKeys": keys});
        call(id, minute, "tagging:UntagResources", &user("eve", HERE), &request, &Value::Null)
    };
    let mut other = untag("other", 6, json!(["Owner"]));
    other["requestParameters"]["resourceARNList"] =
        json!(["arn:aws:dynamodb:eu-west-1:111122223333:table/invoices"]);
    let mut failed = untag("failed", 6, json!(["Owner"]));
    failed["errorCode"] = json!("AccessDenied");
    let records = [
        table("e1", 3, &mara),
        untag("before", 1, json!(["Owner"])),
        untag("taken", 5, json!(["Owner", "Team"])),
        untag("team", 7, json!(["Team"])),
        other,
        failed,
    ];
    for answer in [ask(&records, TABLE), ask_history(&history(&records), TABLE)] {
        let changes: Vec<_> = answer
            .tag_changes
            .iter()
            .map(|change| {
                let by = change.by.as_ref().and_then(|owner| owner.name.as_deref());
                (change.event.id.as_deref(), change.keys.join(","), by)
            })
            .collect();
        assert_eq!(changes, [(Some("taken"), "Owner".to_owned(), Some("eve"))], "{answer:?}");
        assert_eq!(owner(&answer), Some("mara"));
    }
}

/// A call that replaces all tags of a project removes its owner, and names no key.
#[test]
fn an_update_that_replaces_tags_is_listed() {
    const PROJECT: &str = "arn:aws:codebuild:eu-west-1:111122223333:project/build";
    let who = |name| user(name, HERE);
    let made = json!({"project": {"arn": PROJECT, "name": "build"}});
    let update = |id: &str, minute, request: Value| {
        call(id, minute, "codebuild:UpdateProject", &who("eve"), &request, &Value::Null)
    };
    let records = [
        call("e1", 1, "codebuild:CreateProject", &who("mara"), &json!({"name": "build"}), &made),
        update("description", 2, json!({"name": "build", "description": "new"})),
        update("tags", 3, json!({"name": "build", "tags": []})),
    ];
    let answer = ask(&records, PROJECT);
    let changes: Vec<_> = answer.tag_changes.iter().map(|change| change.event.id.as_deref()).collect();
    assert_eq!(changes, [Some("tags")], "{answer:?}");
}

#[test]
fn two_people_under_one_role_and_session_name_are_not_mixed_up() {
    let records = [
        assumed("ASIA1", &user("anna", HERE)),
        assumed("ASIA2", &user("ben", HERE)),
        table("e1", 1, &session("ASIA2")),
    ];
    for answer in [ask(&records, TABLE), ask_history(&history(&records), TABLE)] {
        assert_eq!(owner(&answer), Some("ben"), "{answer:?}");
        assert_eq!(answer.owner().unwrap().chain.len(), 1);
    }
}

/// With the record of the call's own session gone, the other person's session fits by its name and its second.
#[test]
fn another_session_of_the_same_name_is_not_taken_for_a_missing_one() {
    let records = [assumed("ASIA1", &user("anna", HERE)), table("e1", 1, &session("ASIA2"))];
    let answer = ask_history(&history(&records), TABLE);
    assert_ne!(owner(&answer), Some("anna"), "{answer:?}");
    assert!(
        answer.reasons.iter().any(|why| why.contains("STS record missing of account 111122223333")),
        "{answer:?}"
    );
}

#[test]
fn an_owner_whose_evidence_could_not_be_asked_for_is_unknown() {
    let records = [assumed("ASIA1", &user("anna", HERE)), table("e1", 1, &session("ASIA1"))];
    for class in [ErrorClass::Denied, ErrorClass::Throttled, ErrorClass::Transport] {
        for refused in ["ASIA1", "orders"] {
            let history = History { refused: Some(refused), class: Some(class), ..history(&records) };
            let answer = ask_history(&history, TABLE);
            assert!(!answer.is_known() && answer.failed, "{answer:?}");
            assert!(
                answer.reasons[0].contains("cloudtrail:LookupEvents in eu-west-1 of 111122223333"),
                "{answer:?}"
            );
        }
    }
    let history = History { refused: Some("ASIA"), ..history(&[table("e1", 1, &user("mara", HERE))]) };
    assert_eq!(owner(&ask_history(&history, TABLE)), Some("mara"), "no session is asked for");
}

struct Attached(&'static str);

#[async_trait]
impl Origins for Attached {
    async fn came_with(&self, place: &Place, id: &str) -> Result<Option<CameWith>, BackendError> {
        let scope = autotag_model::rule::Scope {
            partition: autotag_model::arn::Partition::default(),
            region: Some(place.region.clone()),
            account: AccountId::new(HERE),
        };
        let arn = format!("arn:aws:ec2:eu-west-1:{HERE}:volume/{id}").parse().ok();
        let resource = autotag_model::rule::Resource::new("AWS::EC2::Volume", id, arn, &scope);
        Ok(Some(CameWith { resource, with: "i-1".to_owned(), created: self.0.parse().unwrap() }))
    }
}

/// Only EC2 tells which volumes an instance came with; the record of the instance tells whose it is.
#[test]
fn a_volume_leads_to_the_instance_that_it_came_with() {
    let response = json!({"instancesSet": {"items": [{"instanceId": "i-1"}]}});
    let run = call("e1", 1, "ec2:RunInstances", &session("ASIA1"), &json!({}), &response);
    let history = history(&[assumed("ASIA1", &user("anna", HERE)), run]);
    let classifier = classifier();
    let ask = |created: &'static str, asked: &str| {
        let origins = Attached(created);
        let source = HistorySource::new(&classifier, &history, regions()).with_origins(&origins);
        block_on(answer(&Asked::parse(asked).unwrap(), &source))
    };
    for asked in ["vol-1", "arn:aws:ec2:eu-west-1:111122223333:volume/vol-1"] {
        let answer = ask("2026-03-02T09:01:02Z", asked);
        assert_eq!(owner(&answer), Some("anna"), "{answer:?}");
        assert_eq!(answer.creation.unwrap().resource.resource_type, "AWS::EC2::Volume");
    }
    let attached_later = ask("2026-03-02T19:01:02Z", "vol-1");
    assert!(!attached_later.is_known(), "{attached_later:?}");
}

#[test]
fn what_no_rule_covers_is_named() {
    let response = json!({"id": "docs-1"});
    let index =
        call("e1", 1, "example:CreateThing", &user("mara", HERE), &json!({"name": "docs"}), &response);
    let answer = ask(&[index], "docs-1");
    assert!(!answer.is_known());
    assert!(answer.reasons.iter().any(|why| why.contains("example:CreateThing")), "{:?}", answer.reasons);
    let nothing = ask(&[], "docs-1");
    assert_eq!(nothing.reasons, ["no creation in the trail names it"]);
    assert_eq!(ask_history(&history(&[]), "docs-1").reasons, ["no creation in the last 90 days names it"]);
}

/// The answer to a call that is sent again names the resource of the first. Whether it does cannot be told.
#[test]
fn a_call_that_may_repeat_anothers_leaves_the_owner_open() {
    let volume = |id: &str, minute, who: &Value| {
        let mut request = json!({"size": 8});
        request["clientToken"] = json!("once");
        call(id, minute, "ec2:CreateVolume", who, &request, &json!({"volumeId": "vol-1"}))
    };
    let mara = user("mara", HERE);
    let answer = ask(&[volume("e1", 1, &mara), volume("e2", 2, &mara)], "vol-1");
    assert_eq!((owner(&answer), answer.creations), (Some("mara"), 1), "{answer:?}");
    let answer = ask(&[volume("e1", 1, &mara), volume("e2", 2, &user("noor", HERE))], "vol-1");
    assert_eq!((owner(&answer), answer.candidates.len()), (None, 2), "{answer:?}");
}

#[test]
fn what_is_asked_for_is_an_arn_or_a_name() {
    assert_eq!(Asked::parse(" "), Err(AskedError::NoName));
    assert_eq!(Asked::parse("a\u{1b}b"), Err(AskedError::NoName));
    assert!(matches!(Asked::parse("arn:aws:sqs"), Err(AskedError::NoArn(_))));
    let names = |text: &str| Asked::parse(text).unwrap().names()[0].clone();
    assert_eq!(names("arn:aws:s3:::shop/a/b"), "shop/a/b");
    assert_eq!(names("arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/a:*"), "/aws/lambda/a");
    let group = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:0a1b:autoScalingGroupName/web";
    assert_eq!(names(group), "web");
}
