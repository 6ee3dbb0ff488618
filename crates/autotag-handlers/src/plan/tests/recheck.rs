//! The recheck of a creation whose session was not known at the first evaluation.

use super::*;

const NINE: &str = "2026-03-02T09:00:00Z";

fn assumed() -> Value {
    json!({"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "eventID": "sts",
        "eventTime": "2026-03-02T08:00:00Z", "recipientAccountId": HERE, "userIdentity": user("mara"),
        "requestParameters": {"tags": [{"key": "Team", "value": "shop"}]},
        "responseElements": {"assumedRoleUser": {"assumedRoleId": "AROADeploy:build"},
            "credentials": {"accessKeyId": "ASIAONE"}}})
}

fn caller() -> Value {
    role("Deploy", "", "build", "ASIAONE")
}

/// Evaluates a record; on a recheck with the tags of the first evaluation.
fn evaluate(memory: &InMemory, record: &Value, previous: Option<&TagSet>) -> Vec<ResourceOutcome> {
    let mut records = ClassifiedRecords::default();
    records.creations = requests(memory, record, previous);
    let policy = Policy::default();
    let planner = Planner::new(&policy, &memory.sessions, &memory.backend, memory.now);
    execute(memory, block_on(planner.rechecks(true).plan(records)))
}

fn requests(memory: &InMemory, record: &Value, previous: Option<&TagSet>) -> Vec<PlanRequest> {
    let mut requests = creations(memory.sessions(), std::slice::from_ref(record));
    if let Some(previous) = previous {
        for request in &mut requests {
            let tags = previous.pairs().map(|(key, value)| (key.to_owned(), value.to_owned()));
            request.previous_tags = Some(tags.collect());
        }
    }
    requests
}

/// `CreateQueue` also succeeds for an existing queue: the first writer wins, but may correct their own tags.
#[test]
fn an_owner_that_the_first_look_has_written_is_replaced() {
    let memory = just_after();
    let record = queue(NINE, &caller(), "orders");
    let first = evaluate(&memory, &record, None);
    assert!(first[0].owner.as_ref().unwrap().pending.is_some());
    assert_eq!(tag(&memory, &queue_arn("orders"), "Owner").as_deref(), Some("build"));
    creations(memory.sessions(), &[assumed()]);
    let second = evaluate(&memory, &record, Some(&first[0].decided));
    assert_eq!(second[0].status, Outcome::Tagged);
    assert!(second[0].notes.is_empty(), "nobody has forged anything: {:?}", second[0].notes);
    assert_eq!(tag(&memory, &queue_arn("orders"), "Owner").as_deref(), Some("mara"));
    assert_eq!(tag(&memory, &queue_arn("orders"), "Team").as_deref(), Some("shop"));
}

/// The ids of the events for which a recheck could be asked, and the outcomes.
fn unwritten(memory: &InMemory, record: &Value) -> (Vec<String>, Vec<ResourceOutcome>) {
    let plan = plan(&Policy::default(), memory, requests(memory, record, None));
    let ids = plan.unwritten().filter_map(|row| row.event.id.clone()).collect();
    (ids, execute(memory, plan))
}

/// Mallory takes the session name of a colleague, and calls for the colleague's queue before the STS record
/// arrives.
#[test]
fn nobody_takes_over_a_resource_under_the_session_name_of_its_owner() {
    let memory = just_after();
    let record = queue(NINE, &caller(), "orders");
    let hers = [("Owner", "build"), ("PrincipalId", "AROADeploy:build")];
    memory.put_tags(&queue_arn("orders"), &hers);
    let (asked, rows) = unwritten(&memory, &record);
    assert!(matches!(rows[0].status, Outcome::AlreadyTagged(_)), "{:?}", rows[0].status);
    assert_eq!(asked, Vec::<String>::new(), "nothing is written, so nothing of it is ours");
}

#[test]
fn what_is_to_be_written_is_asked_about_first_and_can_be_withheld() {
    let memory = just_after();
    let (asked, rows) = unwritten(&memory, &queue(NINE, &caller(), "orders"));
    assert_eq!((asked.len(), &rows[0].status), (1, &Outcome::Tagged));
    let records = [queue(NINE, &caller(), "withheld"), queue(NINE, &user("ana"), "others")];
    let creations = creations(memory.sessions(), &records);
    let withheld = creations[0].creation.event.id.clone().unwrap();
    let why = Outcome::Deferred("not now".to_owned());
    let mut plan = plan(&Policy::default(), &memory, creations);
    plan.defer(&HashMap::from([(withheld, why.clone())]));
    let rows = execute(&memory, plan);
    assert_eq!(row_of(&rows, &queue_arn("withheld")).status, why);
    assert!(memory.tags_on(&queue_arn("withheld")).is_empty());
    assert_eq!(row_of(&rows, &queue_arn("others")).status, Outcome::Tagged);
    assert_eq!(tag(&memory, &queue_arn("others"), "Owner").as_deref(), Some("ana"));
}

/// Between the looks the table was deleted, and somebody else made one of the same name.
#[test]
fn what_was_made_again_under_the_same_name_is_somebody_elses() {
    let memory = just_after();
    let record = table(NINE, &caller(), "orders");
    let arn = format!("arn:aws:dynamodb:eu-west-1:{HERE}:table/orders");
    let first = evaluate(&memory, &record, None);
    evaluate(&memory, &table("2026-03-02T09:00:05Z", &user("ana"), "orders"), None);
    assert_eq!(tag(&memory, &arn, "Owner").as_deref(), Some("ana"));
    creations(memory.sessions(), &[assumed()]);
    let second = evaluate(&memory, &record, Some(&first[0].decided));
    assert!(matches!(second[0].status, Outcome::AlreadyTagged(_)), "{:?}", second[0].status);
    assert_eq!(tag(&memory, &arn, "Owner").as_deref(), Some("ana"));
    assert_eq!(tag(&memory, &arn, "Team"), None);
}

/// To STS `team` is the role's `Team`; to the resource they are two.
#[test]
fn a_session_tag_replaces_what_the_first_look_has_spelt_otherwise() {
    let memory = just_after();
    memory.put_principal(&format!("arn:aws:iam::{HERE}:role/Deploy"), &[("TEAM", "platform")]);
    let record = table(NINE, &caller(), "orders");
    let first = evaluate(&memory, &record, None);
    creations(memory.sessions(), &[assumed()]);
    evaluate(&memory, &record, Some(&first[0].decided));
    let tags = memory.tags_on(&format!("arn:aws:dynamodb:eu-west-1:{HERE}:table/orders"));
    let teams: Vec<_> = tags.iter().filter(|(key, _)| key.eq_ignore_ascii_case("team")).collect();
    assert_eq!(teams, [(&"TEAM".to_owned(), &"shop".to_owned())]);
}

/// One resource of the call has asked for the tag itself; of another it was only copied.
#[test]
fn a_tag_that_the_call_asked_for_is_the_users_own() {
    let memory = just_after();
    memory.put_principal(&format!("arn:aws:iam::{HERE}:role/Deploy"), &[("Team", "platform")]);
    let asked = json!([{"resourceType": "instance", "tags": [{"key": "Team", "value": "platform"}]}]);
    let record = instance(NINE, &caller(), "i-1", &asked);
    memory.put_tags(&ec2_arn("instance", "i-1"), &[("Team", "platform")]);
    let first = evaluate(&memory, &record, None);
    let mut ours = first[0].decided.clone();
    let rules = autotag_model::tags::TagConstraints::default();
    let fit = |key, value| {
        use autotag_model::tags::{TagKey, TagValue};
        (TagKey::sanitize(key, &rules).unwrap().0, TagValue::sanitize(value, &rules).0)
    };
    let (key, value) = fit("Team", "platform");
    ours.add(key, value);
    creations(memory.sessions(), &[assumed()]);
    evaluate(&memory, &record, Some(&ours));
    assert_eq!(tag(&memory, &ec2_arn("instance", "i-1"), "Team").as_deref(), Some("platform"));
    assert_eq!(tag(&memory, &ec2_arn("instance", "i-1"), "Owner").as_deref(), Some("mara"));
}

/// An instance is launched before its group has been tagged.
#[test]
fn a_child_whose_parent_has_no_owner_yet_is_looked_at_again() {
    let memory = just_after();
    let tags =
        json!([{"resourceType": "instance", "tags": [{"key": "aws:autoscaling:groupName", "value": "web"}]}]);
    let record = instance(NINE, &auto_scaling(), "i-1", &tags);
    let first = evaluate(&memory, &record, None);
    let awaited = first[0].owner.as_ref().unwrap().pending.clone().unwrap();
    assert!(awaited.of.ends_with("autoScalingGroupName/web"), "{awaited:?}");
    let group = format!("arn:aws:autoscaling:eu-west-1:{HERE}:autoScalingGroup:*:autoScalingGroupName/web");
    memory.put_tags(&group, &[("Owner", "mara")]);
    evaluate(&memory, &record, Some(&first[0].decided));
    assert_eq!(tag(&memory, &ec2_arn("instance", "i-1"), "Owner").as_deref(), Some("mara"));
}

#[test]
fn an_owner_of_somebody_else_stays() {
    let memory = just_after();
    let record = queue(NINE, &caller(), "orders");
    memory.put_tags(&queue_arn("orders"), &[("Owner", "ana")]);
    let first = evaluate(&memory, &record, None);
    assert!(matches!(first[0].status, Outcome::AlreadyTagged(_)));
    creations(memory.sessions(), &[assumed()]);
    let second = evaluate(&memory, &record, Some(&first[0].decided));
    assert!(matches!(second[0].status, Outcome::AlreadyTagged(_)), "{:?}", second[0].status);
    assert_eq!(tag(&memory, &queue_arn("orders"), "Owner").as_deref(), Some("ana"));
}

#[test]
fn what_a_user_has_changed_since_stays_and_what_the_first_look_copied_does_not() {
    let memory = just_after();
    memory.put_principal(
        &format!("arn:aws:iam::{HERE}:role/Deploy"),
        &[("Team", "platform"), ("Stage", "prod")],
    );
    let record = table(NINE, &caller(), "orders");
    let arn = format!("arn:aws:dynamodb:eu-west-1:{HERE}:table/orders");
    let first = evaluate(&memory, &record, None);
    memory.put_tags(&arn, &[("Stage", "mine")]);
    creations(memory.sessions(), &[assumed()]);
    evaluate(&memory, &record, Some(&first[0].decided));
    let has = |key: &str| tag(&memory, &arn, key);
    assert_eq!((has("Team").as_deref(), has("Stage").as_deref()), (Some("shop"), Some("mine")));
    assert_eq!(has("Owner").as_deref(), Some("mara"));
}

/// A message that was thought lost is in the batch beside the recheck of the same event.
#[test]
fn a_copy_of_the_first_beside_the_second_changes_nothing() {
    for first_copy_leads in [true, false] {
        let memory = just_after();
        let record = queue(NINE, &caller(), "orders");
        let first = evaluate(&memory, &record, None);
        creations(memory.sessions(), &[assumed()]);
        let mut both = requests(&memory, &record, None);
        both.extend(requests(&memory, &record, Some(&first[0].decided)));
        if !first_copy_leads {
            both.reverse();
        }
        let rows = run(&Policy::default(), &memory, both);
        assert!(rows.iter().all(|row| !row.status.is_returned()), "{rows:?}");
        assert_eq!(tag(&memory, &queue_arn("orders"), "Owner").as_deref(), Some("mara"));
    }
}

#[test]
fn what_is_still_unknown_is_left_as_it_is() {
    let memory = just_after();
    let record = queue(NINE, &caller(), "orders");
    let first = evaluate(&memory, &record, None);
    let writes = memory.writes().len();
    let second = evaluate(&memory, &record, Some(&first[0].decided));
    assert!(matches!(second[0].status, Outcome::AlreadyTagged(_)), "{:?}", second[0].status);
    assert_eq!(memory.writes().len(), writes, "nothing is written twice");
}

/// A call that a service forwards has no access key. While mallory's record is missing, the call seems to be from
/// anna's session of the same name and second.
#[test]
fn session_tags_are_left_to_the_recheck_while_another_session_may_be_meant() {
    let assumed_by = |who: &str, key: &str, team: &str| {
        let mut record = assumed();
        record["eventID"] = json!(format!("sts-{key}"));
        record["userIdentity"] = user(who);
        record["requestParameters"]["tags"][0]["value"] = json!(team);
        record["responseElements"]["credentials"]["accessKeyId"] = json!(key);
        record
    };
    let arn = queue_arn("orders");
    for (late, owner, team) in
        [(Some(assumed_by("mallory", "ASIATWO", "evil")), "build", None), (None, "anna", Some("shop"))]
    {
        let memory = InMemory { now: "2026-03-02T08:10:00Z".parse().unwrap(), ..just_after() };
        let mut record = queue("2026-03-02T08:05:00Z", &caller(), "orders");
        record["userIdentity"].as_object_mut().unwrap().remove("accessKeyId");
        creations(memory.sessions(), &[assumed_by("anna", "ASIAONE", "shop")]);
        let first = evaluate(&memory, &record, None);
        assert!(first[0].owner.as_ref().unwrap().pending.is_some());
        assert_eq!(tag(&memory, &arn, "Team"), None, "a tag that is written cannot be taken back");
        creations(memory.sessions(), &late.into_iter().collect::<Vec<_>>());
        evaluate(&memory, &record, Some(&first[0].decided));
        assert_eq!(tag(&memory, &arn, "Owner").as_deref(), Some(owner));
        assert_eq!(tag(&memory, &arn, "Team").as_deref(), team);
    }
}

/// Mallory knows which tags the first evaluation would write under the session name of their choice, and asks for them.
#[test]
fn tags_that_a_call_asks_for_as_the_first_evaluation_writes_them_are_rechecked() {
    let memory = just_after();
    let predicted = [
        ("Owner", "build"),
        ("PrincipalId", "AROADeploy:build"),
        ("CreatedBy", "arn:aws:sts::111122223333:assumed-role/Deploy/build"),
    ];
    let set: Value = predicted.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    let record = instance(NINE, &caller(), "i-1", &json!([{"resourceType": "instance", "tags": set}]));
    memory.put_tags(&ec2_arn("instance", "i-1"), &predicted);
    let (asked, _) = unwritten(&memory, &record);
    assert_eq!(asked.len(), 1, "a recheck is asked for");
    let first = evaluate(&memory, &record, None);
    creations(memory.sessions(), &[assumed()]);
    let second = evaluate(&memory, &record, Some(&row_of(&first, &ec2_arn("instance", "i-1")).decided));
    assert_eq!(row_of(&second, &ec2_arn("instance", "i-1")).status, Outcome::Tagged);
    assert_eq!(tag(&memory, &ec2_arn("instance", "i-1"), "Owner").as_deref(), Some("mara"));
}
