//! Tests that decide if two resources of a batch are one.

use super::*;

/// `PutObject` of one key; `version` where the bucket keeps versions.
fn object(time: &str, who: &Value, version: Option<&str>) -> Value {
    let response = version.map_or(Value::Null, |version| json!({"x-amz-version-id": version}));
    call(time, who, "s3:PutObject", &json!({"bucketName": "states", "key": "terraform.tfstate"}), &response)
}

fn owner_written(row: &ResourceOutcome) -> Option<&str> {
    row.tags.get("Owner").map(autotag_model::tags::TagValue::as_str)
}

#[test]
fn each_version_of_an_object_is_tagged_for_its_writer() {
    let memory = memory();
    let (anna, ben) = (user("anna"), user("ben"));
    let records = [object("09:00:00", &anna, Some("v1")), object("09:01:00", &ben, Some("v2"))];
    let rows = rows(&memory, &records);
    assert_eq!(rows.iter().map(owner_written).collect::<Vec<_>>(), [Some("anna"), Some("ben")]);
    assert!(rows.iter().all(|row| row.status == Outcome::Tagged && row.notes.is_empty()), "{rows:?}");
    let versions: Vec<_> = memory
        .writes()
        .iter()
        .flat_map(|write| &write.resources)
        .filter_map(|taggable| taggable.resource.version.clone())
        .collect();
    assert_eq!(versions, ["v1", "v2"]);
}

#[test]
fn two_versions_by_one_writer_are_both_tagged() {
    let memory = memory();
    let anna = user("anna");
    let records = [object("09:00:00", &anna, Some("v1")), object("09:01:00", &anna, Some("v2"))];
    let rows = rows(&memory, &records);
    assert!(rows.iter().all(|row| row.status == Outcome::Tagged), "{rows:?}");
}

fn owner_named(row: &ResourceOutcome) -> Option<&str> {
    row.owner.as_ref()?.name.as_deref()
}

/// Without versions the second call replaces the object: its writer did not forge the tags of the first one.
#[test]
fn overwriting_an_object_is_not_reported_as_forged() {
    let memory = memory();
    let records = [object("09:00:00", &user("anna"), None), object("09:01:00", &user("ben"), None)];
    let rows = rows(&memory, &records);
    assert_eq!(rows.iter().map(owner_named).collect::<Vec<_>>(), [Some("anna"), Some("ben")]);
    assert_eq!(rows.iter().map(owner_written).collect::<Vec<_>>(), [None, Some("ben")]);
    assert!(rows.iter().all(|row| row.notes.is_empty()), "{rows:?}");
    assert_eq!(memory.tags_on("arn:aws:s3:::states/terraform.tfstate")["Owner"], "ben");
}

/// The session of somebody who assumed the role `jump` with a tag that no other session has, and a call in it.
fn in_a_session_with_a_tag(tags: &Value) -> (Value, Value) {
    let caller = role("jump", "", "anna", "ASIAONE");
    let request =
        json!({"roleArn": format!("arn:aws:iam::{HERE}:role/jump"), "roleSessionName": "anna", "tags": tags});
    let response = json!({"credentials": {"accessKeyId": "ASIAONE"},
        "assumedRoleUser": {"assumedRoleId": "AROAjump:anna"}});
    (caller, call("08:00:00", &user("anna"), "sts:AssumeRole", &request, &response))
}

/// S3 keeps no tag of an object that is written over. Tags of the first writer, written after the second call, would be
/// tags of the second writer's object.
#[test]
fn an_object_that_is_written_over_has_no_tag_of_its_first_writer() {
    let arn = "arn:aws:s3:::states/terraform.tfstate";
    let (anna, session) = in_a_session_with_a_tag(&json!([{"key": "Project", "value": "apollo"}]));
    let first = object("09:00:00", &anna, None);
    let second = object("09:01:00", &user("ben"), None);
    let alone = memory();
    rows(&alone, &[session.clone(), first.clone()]);
    assert_eq!(tag(&alone, arn, "Project").as_deref(), Some("apollo"), "the tag of the session is copied");
    for records in [[&session, &first, &second], [&second, &first, &session]] {
        let memory = memory();
        let rows = rows(&memory, &records.map(Clone::clone));
        assert_eq!(outcome_of(&rows, arn), [&Outcome::Skipped(SkipReason::Replaced), &Outcome::Tagged]);
        assert_eq!(owner_on(&memory, arn).as_deref(), Some("ben"));
        assert_eq!(tag(&memory, arn, "Project"), None);
    }
}

/// Nor while the writer who replaced it is unknown.
#[test]
fn an_object_that_somebody_unknown_has_written_over_is_not_tagged_for_its_first_writer() {
    let arn = "arn:aws:s3:::states/terraform.tfstate";
    let fault = |operation: &str, what: &str| {
        (operation == "principal" && what.ends_with("user/ben")).then_some(ErrorClass::Throttled)
    };
    let failing = Failing { memory: memory(), fault };
    let records = [object("09:00:00", &user("anna"), None), object("09:01:00", &user("ben"), None)];
    let creations = creations(failing.memory.sessions(), &records);
    let rows = run(&Policy::default(), &failing, creations);
    let ends = outcome_of(&rows, arn);
    assert_eq!(ends[0], &Outcome::Skipped(SkipReason::Replaced));
    assert!(matches!(ends[1], Outcome::Deferred(_)), "{ends:?}");
    assert!(failing.memory.tags_on(arn).is_empty());
}

#[test]
fn equal_ids_in_two_accounts_are_two_resources() {
    let memory = memory();
    let instances = |account: &str| {
        let call = call(
            "09:00:00",
            &user("anna"),
            "lightsail:CreateInstances",
            &json!({"instanceNames": ["web"]}),
            &Value::Null,
        );
        let call = with(call, "recipientAccountId", json!(account));
        with(call, "eventID", json!(format!("lightsail-{account}")))
    };
    let mut creations = creations(memory.sessions(), &[instances(HERE), instances("444455556666")]);
    for target in creations.iter_mut().flat_map(|request| &mut request.creation.targets) {
        // As in `apply`, where the first writer wins.
        target.may_have_existed = true;
    }
    let rows = run(&Policy::default(), &memory, creations);
    let tagged = rows.iter().filter(|row| row.status == Outcome::Tagged).count();
    assert_eq!(tagged, 2, "{rows:?}");
}
