//! Tests of the step from a trail's records to creations.

use super::*;
use autotag_handlers::classify::Classifier;
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::plan::Planner;
use autotag_handlers::records::ClassifiedRecords;
use futures_executor::block_on;
use serde_json::{Value, json};
use session_store::MemoryStore;

const ACCOUNT: &str = "111122223333";

/// A call by an IAM user.
pub(in crate::report) fn call(
    at: &str,
    id: &str,
    user: &str,
    what: (&str, &str),
    request: &Value,
    answer: &Value,
) -> Value {
    json!({"eventVersion": "1.08", "eventSource": format!("{}.amazonaws.com", what.0), "eventName": what.1,
        "eventTime": at, "eventID": id, "awsRegion": "eu-west-1", "recipientAccountId": ACCOUNT,
        "userIdentity": {"type": "IAMUser", "userName": user, "accountId": ACCOUNT, "principalId": format!("AIDA{user}"),
            "arn": format!("arn:aws:iam::{ACCOUNT}:user/{user}")},
        "requestParameters": request, "responseElements": answer})
}

fn volume(at: &str, id: &str, user: &str) -> Value {
    call(at, &format!("{id}-{user}"), user, ("ec2", "CreateVolume"), &json!({}), &json!({"volumeId": id}))
}

/// The creations in the plan of these records.
pub(in crate::report) fn creations(records: &[Value]) -> Creations {
    planned(records, Policy::default(), Creations::default())
}

/// The creations in their plan by a policy, added to `creations`.
pub(in crate::report) fn planned(records: &[Value], policy: Policy, mut creations: Creations) -> Creations {
    let classifier = Classifier::new(Catalog::embedded(), policy);
    let text = json!({"Records": records}).to_string();
    let records = ClassifiedRecords::read(text.as_bytes(), &classifier);
    let (store, backend) = (MemoryStore::default(), MemoryBackend::offline());
    let planner = Planner::new(classifier.policy(), &store, &backend, Timestamp::UNIX_EPOCH);
    for row in block_on(planner.plan(records)).resources() {
        creations.add(row, classifier.policy(), classifier.catalog());
    }
    creations
}

fn owners(creations: &mut Creations) -> Vec<(String, Option<String>)> {
    creations.rest().map(|made| (made.resource.id.clone(), made.maker.name.clone())).collect()
}

#[test]
fn a_resource_has_the_owner_of_its_creation() {
    let mut all = creations(&[
        volume("2026-03-02T09:00:00Z", "vol-1", "mara"),
        volume("2026-03-03T09:00:00Z", "vol-2", "jonas"),
        // Nothing was created.
        json!({"eventSource": "ec2.amazonaws.com", "eventName": "CreateVolume", "eventTime": "2026-03-01T09:00:00Z",
            "errorCode": "UnauthorizedOperation", "awsRegion": "eu-west-1", "recipientAccountId": ACCOUNT,
            "userIdentity": {"type": "IAMUser", "userName": "eve"}}),
    ]);
    assert_eq!(
        all.span.map(|(first, last)| (first.to_string(), last.to_string())),
        Some(("2026-03-02T09:00:00Z".to_owned(), "2026-03-03T09:00:00Z".to_owned()))
    );
    let expected =
        [("vol-1".to_owned(), Some("mara".to_owned())), ("vol-2".to_owned(), Some("jonas".to_owned()))];
    assert_eq!(owners(&mut all), expected);
}

#[test]
fn a_name_that_is_used_again_has_the_last_owner() {
    let table = |at: &str, id: &str, user: &str| {
        let arn = format!("arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/orders");
        let answer = json!({"tableDescription": {"tableArn": arn, "tableName": "orders"}});
        call(at, id, user, ("dynamodb", "CreateTable"), &json!({"tableName": "orders"}), &answer)
    };
    let records = [table("2026-03-02T09:00:00Z", "1", "mara"), table("2026-03-05T09:00:00Z", "2", "jonas")];
    let all = creations(&records);
    let resource = all.all.first().unwrap().as_ref().unwrap().resource.clone();
    let taken = |created: &str| {
        let found = creations(&records).take(&resource, Some(created.parse::<Timestamp>().unwrap().into()));
        match found {
            Found::Creation(made) => made.maker.name.clone(),
            Found::Reused(_) | Found::OtherTime => Some("another time".to_owned()),
            Found::None => None,
        }
    };
    assert_eq!(taken("2026-03-05T09:00:03Z").as_deref(), Some("jonas"));
    // A service may take a while to make it.
    assert_eq!(taken("2026-03-05T09:40:00Z").as_deref(), Some("jonas"));
    // That one was made by somebody else, before or after.
    assert_eq!(taken("2026-03-02T09:00:01Z").as_deref(), Some("another time"));
    assert_eq!(taken("2026-04-01T00:00:00Z").as_deref(), Some("another time"));
}

fn glue_table(at: &str, id: &str, user: &str) -> Value {
    let request = json!({"databaseName": "sales", "tableInput": {"name": "orders"}});
    call(at, id, user, ("glue", "CreateTable"), &request, &json!(null))
}

fn queue(at: &str, id: &str, user: &str, tags: &Value) -> Value {
    let answer = json!({"queueUrl": format!("https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/jobs")});
    call(at, id, user, ("sqs", "CreateQueue"), &json!({"queueName": "jobs", "tags": tags}), &answer)
}

#[test]
fn what_gets_no_tags_has_an_owner_as_well() {
    let once = creations(&[glue_table("2026-03-02T09:00:00Z", "1", "mara")]);
    let made = once.all.first().unwrap().as_ref().unwrap();
    assert_eq!(made.maker.name.as_deref(), Some("mara"));
    // Only a deletion in between lets AWS make it again.
    let mut twice = creations(&[
        glue_table("2026-03-02T09:00:00Z", "1", "mara"),
        glue_table("2026-03-05T09:00:00Z", "2", "jonas"),
    ]);
    assert_eq!(twice.again, 1);
    assert_eq!(owners(&mut twice), [("orders".to_owned(), Some("jonas".to_owned()))]);
    // The plan leaves the tags that the call asked for, because the queue may be an older one.
    let asked = json!({"Owner": "mara", "PrincipalId": "AIDAmara"});
    let records = [
        queue("2026-03-02T09:00:00Z", "1", "mara", &asked),
        queue("2026-03-03T09:00:00Z", "2", "eve", &json!({})),
    ];
    let mut all = creations(&records);
    let names: Vec<Option<String>> = owners(&mut all).into_iter().map(|(_, owner)| owner).collect();
    assert_eq!(names, [Some("mara".to_owned())], "the first call counts");
}

#[test]
fn resources_are_found_without_an_arn_if_only_one_can_be_meant() {
    let records = [volume("2026-03-02T09:00:00Z", "vol-1", "mara")];
    let full = creations(&records).all.remove(0).unwrap().resource;
    let mut without = full.clone();
    without.arn = None;
    assert!(matches!(creations(&records).take(&without, None), Found::Creation(_)));
    let mut elsewhere = without.clone();
    elsewhere.account = autotag_model::arn::AccountId::new("444455556666");
    assert!(matches!(creations(&records).take(&elsewhere, None), Found::None));
    let mut all = creations(&records);
    assert!(matches!(all.take(&full, None), Found::Creation(_)));
    assert!(matches!(all.take(&full, None), Found::None), "a creation is of one resource");
}
