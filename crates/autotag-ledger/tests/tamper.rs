//! Identity tags that others remove are written again from the ledger, until that is undone twice.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::{Classifier, Envelope};
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::plan::{Execution, Planner};
use autotag_handlers::records::ClassifiedRecords;
use autotag_handlers::tamper::{NoReaction, OwnRoles, Reaction, TagChange, TagChanges, TamperWatch};
use autotag_ledger::{
    Action, Answered, Entry, EntryKey, LedgerError, LedgerReader, LedgerWriter, MemoryLedger, State,
    TamperResponder,
};
use autotag_model::policy::Policy;
use autotag_model::record::Record;
use futures_executor::block_on;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use session_store::MemoryStore;

const ARN: &str = "arn:aws:sqs:eu-west-1:111122223333:orders";
const URL: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders";

fn user(name: &str) -> Value {
    json!({"type": "IAMUser", "userName": name, "principalId": format!("AIDA{name}"), "accountId": "111122223333",
        "arn": format!("arn:aws:iam::111122223333:user/{name}")})
}

fn call(id: &str, minute: i64, event: &str, who: &Value, request: &Value) -> Value {
    json!({"eventVersion": "1.11", "eventSource": "sqs.amazonaws.com", "eventName": event, "eventID": id,
        "eventTime": at(minute).to_string(), "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
        "readOnly": false, "userIdentity": who, "requestParameters": request,
        "responseElements": if event == "CreateQueue" { json!({"queueUrl": URL}) } else { Value::Null }})
}

fn at(minute: i64) -> Timestamp {
    let begin: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    begin + SignedDuration::from_mins(minute)
}

/// A queue of mara, tagged and in the ledger.
struct Estate {
    classifier: Classifier,
    backend: MemoryBackend,
    ledger: MemoryLedger,
    sessions: MemoryStore,
    own: OwnRoles,
}

impl Estate {
    fn new(policy: &str) -> Self {
        let classifier = Classifier::new(Catalog::embedded(), Policy::from_toml(policy).unwrap());
        let own = OwnRoles::new(["arn:aws:iam::111122223333:role/autotag-tag-handler"]).unwrap();
        let estate = Self {
            classifier,
            backend: MemoryBackend::new(),
            ledger: MemoryLedger::default(),
            sessions: MemoryStore::new(),
            own,
        };
        estate.created("create", 0, "mara");
        estate
    }

    fn created(&self, id: &str, minute: i64, who: &str) {
        let record = call(id, minute, "CreateQueue", &user(who), &json!({"queueName": "orders"}));
        let records = ClassifiedRecords::read(record.to_string().as_bytes(), &self.classifier);
        let planner = Planner::new(self.classifier.policy(), &self.sessions, &self.backend, at(minute));
        block_on(async {
            let plan = planner.plan(records).await;
            for row in plan.execute(&self.backend, &Execution::at(at(minute))).await {
                self.ledger.put(&Entry::of_row(&row, None).unwrap()).await.unwrap();
            }
        });
    }

    fn change(&self, record: &Value) -> Option<TagChange> {
        let text = record.to_string();
        let record: Record<'_> = serde_json::from_str(&text).unwrap();
        match TamperWatch::new(&self.classifier, &self.own).read(&record, Envelope::default()) {
            TagChanges::Changes(mut changes) => changes.pop(),
            _ => None,
        }
    }

    fn responder<'a>(&'a self, ledger: &'a dyn autotag_ledger::Ledger) -> TamperResponder<'a> {
        TamperResponder {
            ledger,
            reader: &self.backend,
            writer: &self.backend,
            sessions: &self.sessions,
            catalog: self.classifier.catalog(),
            policy: self.classifier.policy(),
        }
    }

    /// Somebody takes the owner off, and the record arrives.
    fn untag(&self, id: &str, minute: i64, who: &str) -> Answered {
        self.backend.remove_tags(ARN, &["Owner"]);
        let change = self.change(&untag_call(id, minute, who)).unwrap();
        block_on(self.responder(&self.ledger).answer(&change, at(minute + 1))).unwrap()
    }

    fn owner(&self) -> Option<String> {
        self.backend.tags_on(ARN).remove("Owner")
    }
}

fn untag_call(id: &str, minute: i64, who: &str) -> Value {
    call(id, minute, "UntagQueue", &user(who), &json!({"queueUrl": URL, "tagKeys": ["Owner"]}))
}

const REPAIR: &str = "[tamper]\naction = \"repair\"\n";

#[test]
fn the_owner_is_written_again_until_that_is_undone_twice() {
    let estate = Estate::new(REPAIR);
    assert_eq!(estate.owner().as_deref(), Some("mara"));
    for round in 1..=2 {
        let answered = estate.untag(&format!("untag-{round}"), round * 10, "eve");
        assert!(matches!(answered.reaction, Reaction::Repair { .. }), "{round}: {answered:?}");
        assert_eq!(estate.owner().as_deref(), Some("mara"), "{round}");
    }
    let third = estate.untag("untag-3", 30, "eve");
    let Reaction::Truce { truce, .. } = &third.reaction else { panic!("{third:?}") };
    assert_eq!(truce.with(), Some("arn:aws:iam::111122223333:user/eve"));
    assert_eq!(estate.owner(), None);
    assert!(!matches!(estate.untag("untag-4", 40, "eve").reaction, Reaction::Repair { .. }));
    let kept = estate.ledger.entries();
    let changes: Vec<&Entry> = kept.iter().filter(|entry| entry.action == Action::TagsChanged).collect();
    assert!(changes.len() >= 3, "{changes:?}");
    assert!(changes.iter().all(|entry| entry.owner.name.as_deref() == Some("eve")), "{changes:?}");
    assert_eq!(changes.iter().filter(|entry| entry.tagging.state == State::Tagged).count(), 2);
    assert!(
        changes.iter().any(|entry| entry
            .tagging
            .reason
            .as_deref()
            .is_some_and(|why| why.contains("ignore_tags")))
    );
}

#[test]
fn by_default_it_is_only_reported_and_a_copy_is_reported_once() {
    let estate = Estate::new("");
    let first = estate.untag("untag", 10, "eve");
    assert!(matches!(first.reaction, Reaction::Report { .. }), "{first:?}");
    assert_eq!(estate.owner(), None);
    let again = estate.untag("untag", 10, "eve");
    assert_eq!(again.reaction, Reaction::Nothing(NoReaction::Known));
}

/// Otherwise the owner of the deleted resource would be written onto the new one.
#[test]
fn the_owner_of_a_deleted_resource_is_not_written() {
    let estate = Estate::new(REPAIR);
    let event = autotag_handlers::event::EventSummary::of(
        &serde_json::from_str(
            &call("delete", 5, "DeleteQueue", &user("tomas"), &json!({"queueUrl": URL})).to_string(),
        )
        .unwrap(),
        None,
    );
    let mut deleted = Entry::of_event(&event, Action::Deleted);
    deleted.resource = estate.ledger.entries().pop().unwrap().resource;
    block_on(estate.ledger.put(&deleted)).unwrap();
    estate.backend.remove_tags(ARN, &["Owner", "PrincipalId", "CreatedBy"]);
    let answered = estate.untag("untag", 10, "eve");
    assert!(!matches!(answered.reaction, Reaction::Repair { .. }), "{answered:?}");
    assert_eq!(estate.owner(), None);
    estate.created("again", 15, "priya");
    assert_eq!(estate.owner().as_deref(), Some("priya"));
    estate.untag("untag-2", 20, "eve");
    assert_eq!(estate.owner().as_deref(), Some("priya"), "the owner is that of the new queue");
}

/// The tag has a session name, although the ledger knows the person by now.
#[test]
fn a_name_that_nothing_proved_is_not_written_again() {
    let estate = Estate::new(REPAIR);
    let mut entry = estate.ledger.entries().remove(0);
    entry.tagging.proof = Some(autotag_handlers::owner::Proof::NameOnly);
    entry.tagging.tags.insert("Owner".to_owned(), "ci".to_owned());
    let unproven = Estate { ledger: MemoryLedger::default(), ..estate };
    block_on(unproven.ledger.put(&entry)).unwrap();
    let answered = unproven.untag("untag", 10, "eve");
    assert!(matches!(answered.reaction, Reaction::Report { .. }), "{answered:?}");
    assert_eq!(unproven.owner(), None);
}

/// `CreateQueue` succeeds for a queue that exists. Without tags on it, the caller looks like its creator.
#[test]
fn who_calls_again_after_taking_the_tags_off_is_not_the_owner_who_is_kept() {
    let estate = Estate::new(REPAIR);
    estate.backend.remove_tags(ARN, &["Owner", "PrincipalId", "CreatedBy"]);
    estate.created("again", 5, "eve");
    assert_eq!(estate.owner().as_deref(), Some("eve"), "the live path cannot know better");
    let answered = estate.untag("untag", 10, "mara");
    assert!(!matches!(answered.reaction, Reaction::Repair { .. }), "{answered:?}");
    assert_eq!(estate.owner(), None);
}

/// The entries of a resource are read for each change of it.
#[test]
fn a_program_that_changes_tags_every_minute_makes_one_entry_a_day() {
    let estate = Estate::new("");
    for minute in 1..=60 {
        estate.untag(&format!("untag-{minute}"), minute, "eve");
    }
    let entries = estate.ledger.entries();
    assert_eq!(entries.iter().filter(|entry| entry.action == Action::TagsChanged).count(), 1);
}

/// autotag's own writes come back as events of `aws.tag`, which name no caller.
#[test]
fn an_event_without_a_caller_makes_no_entry_if_the_tags_are_there() {
    let estate = Estate::new(REPAIR);
    let event = json!({"version": "0", "id": "tag-event", "source": "aws.tag", "account": "111122223333",
        "detail-type": "Tag Change on Resource", "time": at(1).to_string(), "region": "eu-west-1", "resources": [ARN],
        "detail": {"changed-tag-keys": ["Owner"], "service": "sqs", "resource-type": "queue", "tags": {"Owner": "mara"}}});
    let watch = TamperWatch::new(&estate.classifier, &estate.own);
    let TagChanges::Changes(changes) = watch.read_tag_event(&event.to_string()) else { panic!("{event}") };
    for change in &changes {
        let answered = block_on(estate.responder(&estate.ledger).answer(change, at(2))).unwrap();
        assert_eq!(answered.reaction, Reaction::Nothing(NoReaction::AsExpected));
    }
    assert!(estate.ledger.entries().iter().all(|entry| entry.action == Action::Created));
}

/// An object that is overwritten has versions of several owners.
#[test]
fn a_version_of_an_object_gets_the_owner_of_that_version() {
    let policy = Policy::from_toml(REPAIR).unwrap();
    let classifier = Classifier::new(Catalog::embedded(), policy);
    let (backend, ledger, sessions) = (MemoryBackend::new(), MemoryLedger::default(), MemoryStore::new());
    let own = OwnRoles::default();
    let object = |id: &str, minute: i64, event: &str, who: &str, version: &str, parameters: Value| {
        let mut request = json!({"bucketName": "data", "key": "report.csv"});
        request.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
        json!({"eventVersion": "1.11", "eventSource": "s3.amazonaws.com", "eventName": event, "eventID": id,
            "eventTime": at(minute).to_string(), "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
            "readOnly": false, "userIdentity": user(who), "requestParameters": request,
            "responseElements": {"x-amz-version-id": version},
            "resources": [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::data/report.csv"},
                {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::data", "accountId": "111122223333"}]})
    };
    for (minute, who, version) in [(0, "mara", "v1"), (5, "priya", "v2")] {
        let record = object(version, minute, "PutObject", who, version, json!({}));
        let records = ClassifiedRecords::read(record.to_string().as_bytes(), &classifier);
        let planner = Planner::new(classifier.policy(), &sessions, &backend, at(minute));
        block_on(async {
            let plan = planner.plan(records).await;
            for row in plan.execute(&backend, &Execution::at(at(minute))).await {
                ledger.put(&Entry::of_row(&row, None).unwrap()).await.unwrap();
            }
        });
    }
    assert_eq!(ledger.entries().len(), 2);
    let untag = object("untag", 10, "DeleteObjectTagging", "eve", "v1", json!({"versionId": "v1"}));
    let text = untag.to_string();
    let record: Record<'_> = serde_json::from_str(&text).unwrap();
    let TagChanges::Changes(changes) = TamperWatch::new(&classifier, &own).read(&record, Envelope::default())
    else {
        panic!("{untag}")
    };
    for taggable in backend.writes().iter().flat_map(|write| &write.resources) {
        backend.remove_tags(&taggable.resource.key().to_string(), &["Owner", "PrincipalId", "CreatedBy"]);
    }
    let responder = TamperResponder {
        ledger: &ledger,
        reader: &backend,
        writer: &backend,
        sessions: &sessions,
        catalog: classifier.catalog(),
        policy: classifier.policy(),
    };
    let answered = block_on(responder.answer(&changes[0], at(11))).unwrap();
    let Reaction::Repair { tags, .. } = &answered.reaction else { panic!("{answered:?}") };
    assert!(tags.contains(&("Owner".to_owned(), "mara".to_owned())), "{tags:?}");
}

#[test]
fn own_calls_are_no_change() {
    let estate = Estate::new(REPAIR);
    let own = json!({"type": "AssumedRole", "principalId": "AROAX:autotag", "accountId": "111122223333",
        "arn": "arn:aws:sts::111122223333:assumed-role/autotag-tag-handler/x",
        "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "autotag-tag-handler",
            "arn": "arn:aws:iam::111122223333:role/autotag-tag-handler", "accountId": "111122223333"}}});
    let record = call("own", 10, "UntagQueue", &own, &json!({"queueUrl": URL, "tagKeys": ["Owner"]}));
    assert_eq!(estate.change(&record), None);
}

/// A ledger that answers nothing.
#[derive(Debug)]
struct Outage;

#[async_trait::async_trait]
impl LedgerReader for Outage {
    async fn get(&self, _: &[EntryKey]) -> Result<Vec<Option<Entry>>, LedgerError> {
        Err(outage())
    }

    async fn named(&self, _: &str) -> Result<Vec<Entry>, LedgerError> {
        Err(outage())
    }

    async fn of_resource(&self, _: &str) -> Result<Vec<Entry>, LedgerError> {
        Err(outage())
    }
}

#[async_trait::async_trait]
impl LedgerWriter for Outage {
    async fn put(&self, _: &Entry) -> Result<(), LedgerError> {
        Err(outage())
    }
}

fn outage() -> LedgerError {
    LedgerError::Unavailable { table: "ledger".to_owned(), source: "Timeout".into() }
}

#[test]
fn an_outage_of_the_ledger_returns_the_message_and_writes_nothing() {
    let estate = Estate::new(REPAIR);
    estate.backend.remove_tags(ARN, &["Owner", "PrincipalId", "CreatedBy"]);
    let change = estate.change(&untag_call("untag", 10, "eve")).unwrap();
    let answer = block_on(estate.responder(&Outage).answer(&change, at(11)));
    assert!(matches!(answer, Err(Outcome::Deferred(_))), "{answer:?}");
    assert_eq!(estate.owner(), None);
}
