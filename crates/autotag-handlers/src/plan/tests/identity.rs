//! What makes two resources of a batch one.

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
    let world = world();
    let (anna, ben) = (user("anna"), user("ben"));
    let records = [object("09:00:00", &anna, Some("v1")), object("09:01:00", &ben, Some("v2"))];
    let rows = rows(&world, &records);
    assert_eq!(rows.iter().map(owner_written).collect::<Vec<_>>(), [Some("anna"), Some("ben")]);
    assert!(rows.iter().all(|row| row.status == Outcome::Tagged && row.notes.is_empty()), "{rows:?}");
    let versions: Vec<_> = world
        .writes()
        .iter()
        .flat_map(|write| &write.resources)
        .filter_map(|taggable| taggable.resource.version.clone())
        .collect();
    assert_eq!(versions, ["v1", "v2"]);
}

#[test]
fn two_versions_by_one_writer_are_both_tagged() {
    let world = world();
    let anna = user("anna");
    let records = [object("09:00:00", &anna, Some("v1")), object("09:01:00", &anna, Some("v2"))];
    let rows = rows(&world, &records);
    assert!(rows.iter().all(|row| row.status == Outcome::Tagged), "{rows:?}");
}

/// Without versions the second call replaces the object: its writer is no forger of the first one's tags.
#[test]
fn overwriting_an_object_is_not_reported_as_forged() {
    let world = world();
    let records = [object("09:00:00", &user("anna"), None), object("09:01:00", &user("ben"), None)];
    let rows = rows(&world, &records);
    assert_eq!(rows.iter().map(owner_written).collect::<Vec<_>>(), [Some("anna"), Some("ben")]);
    assert!(rows.iter().all(|row| row.notes.is_empty()), "{rows:?}");
    assert_eq!(world.tags_on("arn:aws:s3:::states/terraform.tfstate")["Owner"], "ben");
}

#[test]
fn equal_ids_in_two_accounts_are_two_resources() {
    let world = world();
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
    let mut creations = creations(world.sessions(), &[instances(HERE), instances("444455556666")]);
    for target in creations.iter_mut().flat_map(|request| &mut request.creation.targets) {
        // As in `apply`, where the first writer wins.
        target.may_have_existed = true;
    }
    let rows = run(&Policy::default(), &world, creations);
    let tagged = rows.iter().filter(|row| row.status == Outcome::Tagged).count();
    assert_eq!(tagged, 2, "{rows:?}");
}
