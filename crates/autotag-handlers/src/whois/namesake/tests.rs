use crate::whois::Answer;
use crate::whois::tests::{HERE, TABLE, THERE, ask, ask_history, call, history, owner, table, user};
use proptest::prelude::*;
use serde_json::{Value, json};

const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:orders";

fn at(mut record: Value, second: u32) -> Value {
    record["eventTime"] = json!(format!("2026-03-02T09:{:02}:{:02}Z", second / 60, second % 60));
    record
}

/// The actions of a person on one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Creating it succeeds also if it exists.
    Queue,
    /// Creating it fails if it exists.
    Table,
    /// Creating it fails if it exists, and the call carries a token by which AWS knows it again.
    Cluster,
}

impl Kind {
    fn arn(self) -> String {
        match self {
            Self::Queue => QUEUE.to_owned(),
            Self::Table => TABLE.to_owned(),
            Self::Cluster => format!("arn:aws:eks:eu-west-1:{HERE}:cluster/orders"),
        }
    }

    fn create(self, id: &str, who: &Value) -> Value {
        let account = who["accountId"].as_str().unwrap();
        match self {
            Self::Queue => queue(id, who),
            Self::Table => table(id, 0, who),
            Self::Cluster => call(
                id,
                0,
                "eks:CreateCluster",
                who,
                &json!({"name": "orders", "clientRequestToken": "once"}),
                &json!({"cluster": {"name": "orders", "arn": self.arn().replace(HERE, account)}}),
            ),
        }
    }

    fn delete(self, id: &str, who: &Value) -> Value {
        match self {
            Self::Queue => unqueue(id, who),
            Self::Table => {
                call(id, 0, "dynamodb:DeleteTable", who, &json!({"tableName": "orders"}), &Value::Null)
            }
            Self::Cluster => call(id, 0, "eks:DeleteCluster", who, &json!({"name": "orders"}), &Value::Null),
        }
    }
}

fn url(who: &Value) -> Value {
    json!({"queueUrl": format!("https://sqs.eu-west-1.amazonaws.com/{}/orders", who["accountId"].as_str().unwrap())})
}

fn queue(id: &str, who: &Value) -> Value {
    call(id, 0, "sqs:CreateQueue", who, &json!({"queueName": "orders"}), &url(who))
}

fn unqueue(id: &str, who: &Value) -> Value {
    call(id, 0, "sqs:DeleteQueue", who, &url(who), &Value::Null)
}

fn failed(mut record: Value) -> Value {
    record["errorCode"] = json!("AccessDenied");
    record["responseElements"] = Value::Null;
    record
}

fn deleter(answer: &Answer) -> Option<&str> {
    answer.deletion.as_ref()?.by.as_ref()?.name.as_deref()
}

#[test]
fn a_name_that_is_used_again_belongs_to_who_used_it_last() {
    let (mara, noor, omar) = (user("mara", HERE), user("noor", HERE), user("omar", HERE));
    for kind in [Kind::Queue, Kind::Table, Kind::Cluster] {
        let records = [
            at(kind.create("e1", &mara), 10),
            at(kind.delete("e2", &omar), 20),
            at(kind.create("e3", &noor), 30),
        ];
        let mut answers = vec![ask(&records, &kind.arn()), ask(&records, "orders")];
        // The record of DeleteQueue has only the URL of the queue, so an event history does not find it by its name.
        answers.extend((kind != Kind::Queue).then(|| ask_history(&history(&records), &kind.arn())));
        for answer in answers {
            assert_eq!((owner(&answer), answer.creations), (Some("noor"), 2), "{kind:?}: {answer:?}");
            assert_eq!(answer.deletion, None, "{kind:?}");
            assert!(!answer.reasons.iter().any(|why| why.contains("may be older")), "{:?}", answer.reasons);
        }
    }
}

#[test]
fn a_deleted_resource_is_said_to_be_deleted() {
    let (mara, omar) = (user("mara", HERE), user("omar", HERE));
    let kind = Kind::Table;
    let records = [
        at(kind.create("e1", &mara), 10),
        at(kind.delete("e2", &omar), 20),
        at(kind.delete("e3", &mara), 30),
    ];
    for answer in [ask(&records, TABLE), ask(&records, "orders"), ask_history(&history(&records), TABLE)] {
        assert_eq!((owner(&answer), deleter(&answer)), (Some("mara"), Some("omar")), "{answer:?}");
        let event = &answer.deletion.as_ref().unwrap().deletion.event;
        assert_eq!(event.id.as_deref(), Some("e2"), "the first deletion after the creation was of it");
    }
    // Without its creation, it is known that it is gone.
    let answer = ask(&records[1..], TABLE);
    assert_eq!((owner(&answer), deleter(&answer)), (None, Some("mara")), "{answer:?}");
}

#[test]
fn deletions_cost_an_event_history_no_question() {
    let (mara, omar) = (user("mara", HERE), user("omar", HERE));
    let records = [at(Kind::Table.create("e1", &mara), 10), at(Kind::Table.delete("e2", &omar), 20)];
    let calls = |records: &[Value]| ask_history(&history(records), TABLE).calls;
    assert_eq!(calls(&records[..1]), calls(&records));
}

#[test]
fn a_failed_or_foreign_deletion_makes_nobody_the_owner() {
    let (mara, noor) = (user("mara", HERE), user("noor", HERE));
    let stranger = user("noor", THERE);
    let mut elsewhere = unqueue("e2", &noor);
    elsewhere["awsRegion"] = json!("us-east-1");
    let mut read_only = unqueue("e2", &noor);
    read_only["readOnly"] = json!(true);
    let mut dry = unqueue("e2", &noor);
    dry["errorCode"] = json!("Client.DryRunOperation");
    for deletion in [failed(unqueue("e2", &noor)), unqueue("e2", &stranger), elsewhere, read_only, dry] {
        let records = [at(queue("e1", &mara), 10), at(deletion, 20), at(queue("e3", &noor), 30)];
        let answer = ask(&records, QUEUE);
        assert_eq!((owner(&answer), &answer.deletion), (Some("mara"), &None), "{answer:?}");
    }
}

/// The order of two events of one second is not known: only those who could be meant are named.
#[test]
fn in_the_second_of_a_deletion_no_other_owner_is_named() {
    let (mara, noor) = (user("mara", HERE), user("noor", HERE));
    for ids in [("a", "b"), ("b", "a")] {
        let records =
            [at(queue("e1", &mara), 10), at(unqueue(ids.0, &noor), 20), at(queue(ids.1, &noor), 20)];
        let answer = ask(&records, QUEUE);
        assert_eq!((owner(&answer), answer.candidates.len()), (None, 2), "{answer:?}");
        assert_eq!(answer.deletion, None);
        assert!(
            answer.reasons.iter().any(|why| why.contains("no record tells which")),
            "{:?}",
            answer.reasons
        );
        // A call that fails where the resource exists made it, so the deletion was before.
        let records = [
            at(table("e1", 0, &mara), 10),
            at(Kind::Table.delete(ids.0, &noor), 20),
            at(table(ids.1, 0, &noor), 20),
        ];
        assert_eq!(owner(&ask(&records, TABLE)), Some("noor"));
        // Of the same person, it does not matter.
        let records =
            [at(queue("e1", &mara), 10), at(unqueue(ids.0, &noor), 20), at(queue(ids.1, &mara), 20)];
        assert_eq!(owner(&ask(&records, QUEUE)), Some("mara"));
    }
}

/// An id that AWS gave is never used again. A call that names it after its deletion repeats the one that made it.
#[test]
fn a_repeated_call_does_not_bring_back_what_has_an_id() {
    let (mara, noor) = (user("mara", HERE), user("noor", HERE));
    let volume = |id: &str, who: &Value| {
        let request = json!({"size": 8, "clientToken": "once"});
        call(id, 0, "ec2:CreateVolume", who, &request, &json!({"volumeId": "vol-1"}))
    };
    let deletion = call("e2", 0, "ec2:DeleteVolume", &mara, &json!({"volumeId": "vol-1"}), &Value::Null);
    let records = [at(volume("e1", &mara), 10), at(deletion, 20), at(volume("e3", &noor), 30)];
    let answer = ask(&records, "vol-1");
    assert_eq!((owner(&answer), answer.candidates.len()), (None, 2), "{answer:?}");
}

#[test]
fn a_role_is_deleted_by_its_name_alone() {
    let (mara, noor) = (user("mara", HERE), user("noor", HERE));
    let arn = format!("arn:aws:iam::{HERE}:role/team/deploy");
    let role = call(
        "e1",
        0,
        "iam:CreateRole",
        &mara,
        &json!({"roleName": "deploy", "path": "/team/"}),
        &json!({"role": {"arn": arn, "roleName": "deploy"}}),
    );
    let gone = call("e2", 0, "iam:DeleteRole", &noor, &json!({"roleName": "deploy"}), &Value::Null);
    let answer = ask(&[at(role, 10), at(gone, 20)], &arn);
    assert_eq!((owner(&answer), deleter(&answer)), (Some("mara"), Some("noor")), "{answer:?}");
}

#[test]
fn each_version_of_an_object_is_deleted_by_itself() {
    let (mara, noor) = (user("mara", HERE), user("noor", HERE));
    let arn = "arn:aws:s3:::shop/report.csv";
    let resources = json!([{"type": "AWS::S3::Object", "ARN": arn},
        {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::shop", "accountId": HERE}]);
    let object = |id: &str, who: &Value, event: &str, version: Option<&str>| {
        let mut request = json!({"bucketName": "shop", "key": "report.csv"});
        let mut response = Value::Null;
        match (event, version) {
            ("PutObject", Some(version)) => response = json!({"x-amz-version-id": version}),
            (_, Some(version)) => request["versionId"] = json!(version),
            _ => {}
        }
        let mut record = call(id, 0, &format!("s3:{event}"), who, &request, &response);
        record["resources"] = resources.clone();
        record
    };
    let first = at(object("e1", &mara, "PutObject", Some("v1")), 10);
    let second = at(object("e2", &noor, "PutObject", Some("v2")), 20);
    let newest = at(object("e3", &mara, "DeleteObject", Some("v2")), 30);
    let oldest = at(object("e4", &mara, "DeleteObject", Some("v1")), 40);
    let records = [first.clone(), second.clone(), newest.clone()];
    let answer = ask(&records, arn);
    assert_eq!(
        (owner(&answer), &answer.deletion),
        (Some("mara"), &None),
        "the first version is left: {answer:?}"
    );
    let answer = ask(&[first.clone(), second, newest, oldest], arn);
    assert_eq!((owner(&answer), deleter(&answer)), (Some("noor"), Some("mara")), "{answer:?}");
    // A marker over the object deletes no version of it.
    let mut marker = object("e5", &noor, "DeleteObject", None);
    marker["responseElements"] = json!({"x-amz-delete-marker": "true", "x-amz-version-id": "m1"});
    assert_eq!(ask(&[first, at(marker, 50)], arn).deletion, None);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Create,
    Delete,
    DeniedDeletion,
    ForeignDeletion,
}

fn steps() -> impl Strategy<Value = Vec<(Step, usize, u32)>> {
    let step = prop_oneof![
        4 => Just(Step::Create),
        3 => Just(Step::Delete),
        1 => Just(Step::DeniedDeletion),
        1 => Just(Step::ForeignDeletion),
    ];
    prop::collection::vec((step, 0_usize..3, 0_u32..3), 1..12)
}

/// The records of steps that are done one after the other, and what is true afterwards.
struct Done {
    records: Vec<Value>,
    /// The maker of the resource that had the name last.
    owner: Option<&'static str>,
    exists: bool,
    /// True if a creation is of the second of a deletion, or of the creation of another.
    is_unclear: bool,
}

fn done(kind: Kind, steps: &[(Step, usize, u32)], ids: &[u16]) -> Done {
    let mut done = Done { records: Vec::new(), owner: None, exists: false, is_unclear: false };
    let (mut second, mut created, mut deleted) = (0, None, None);
    for (number, ((step, person, wait), id)) in steps.iter().zip(ids).enumerate() {
        second += wait;
        let name = ["mara", "noor", "omar"][*person];
        let (who, id) = (user(name, HERE), format!("{id:05}-{number}"));
        let record = match step {
            Step::Create if done.exists && kind != Kind::Queue => failed(kind.create(&id, &who)),
            Step::Create => {
                if !done.exists {
                    (done.owner, done.exists) = (Some(name), true);
                }
                done.is_unclear |= created == Some(second);
                created = Some(second);
                kind.create(&id, &who)
            }
            Step::Delete if !done.exists => failed(kind.delete(&id, &who)),
            Step::Delete => {
                done.exists = false;
                deleted = Some(second);
                kind.delete(&id, &who)
            }
            Step::DeniedDeletion => failed(kind.delete(&id, &who)),
            Step::ForeignDeletion => kind.delete(&id, &user(name, THERE)),
        };
        done.is_unclear |= created.is_some() && created == deleted;
        done.records.push(at(record, second));
    }
    done
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Creations and deletions of one name by three people, in any order of the records: the owner is who made the resource
    /// that had the name last. Only where events of one second leave it open, no owner is named.
    #[test]
    fn no_order_of_events_gives_a_name_to_another(
        steps in steps(),
        ids in prop::collection::vec(any::<u16>(), 12),
        kind in prop_oneof![Just(Kind::Queue), Just(Kind::Table), Just(Kind::Cluster)],
        by_history: bool,
    ) {
        let mut done = done(kind, &steps, &ids);
        done.records.sort_by_key(|record| record["eventID"].as_str().unwrap().to_owned());
        let answer = if by_history && kind != Kind::Queue {
            ask_history(&history(&done.records), &kind.arn())
        } else {
            ask(&done.records, &kind.arn())
        };
        let named = owner(&answer);
        prop_assert!(named.is_none() || named == done.owner, "{:?} is not {:?}: {answer:?}", named, done.owner);
        prop_assert!(answer.deletion.is_none() || !done.exists, "it exists: {answer:?}");
        if !done.is_unclear {
            prop_assert_eq!(named, done.owner, "{:?}", &answer);
            prop_assert_eq!(answer.deletion.is_some(), !done.exists && done.owner.is_some(), "{:?}", &answer);
        }
    }
}
