//! Calls that AWS answers with a resource that an earlier call has made.

use super::*;

const TOKEN: &str = "token-1";

/// `RunInstances` with a client token; the answer says when the instance was launched.
fn run(day: &str, who: &str, launched: &Value, tags: &Value) -> Value {
    let request = json!({"clientToken": TOKEN, "tagSpecificationSet": {"items": tags}});
    let answer = json!({"instancesSet": {"items": [{"instanceId": "i-1", "launchTime": launched}]}});
    let made = call("09:00:00", &user(who), "ec2:RunInstances", &request, &answer);
    with(made, "eventTime", json!(format!("2026-03-{day}T09:00:00Z")))
}

/// Nine o'clock of 2 March 2026 in milliseconds, as EC2 writes it.
const NINE: i64 = 1_772_442_000_000;

fn health_check(time: &str, who: &str) -> Value {
    let request = json!({"callerReference": TOKEN, "healthCheckConfig": {"type": "TCP"}});
    call(time, &user(who), "route53:CreateHealthCheck", &request, &json!({"healthCheck": {"id": "aaaa-1"}}))
}

const HEALTH_CHECK: &str = "arn:aws:route53:::healthcheck/aaaa-1";

fn certificate(time: &str, who: &str) -> Value {
    let request = json!({"domainName": "x.example.com", "idempotencyToken": TOKEN});
    let arn = format!("arn:aws:acm:eu-west-1:{HERE}:certificate/1111-2222");
    call(time, &user(who), "acm:RequestCertificate", &request, &json!({"certificateArn": arn}))
}

fn service(time: &str, who: &str, created: &str) -> Value {
    let arn = format!("arn:aws:ecs:eu-west-1:{HERE}:service/c/web");
    let answer = json!({"service": {"serviceArn": arn, "createdAt": created}});
    call(time, &user(who), "ecs:CreateService", &json!({"clientToken": TOKEN, "serviceName": "web"}), &answer)
}

/// The owner of a resource after two calls, evaluated together or one after the other.
fn owners(arn: &str, first: &Value, second: &Value) -> [Option<String>; 3] {
    let together = memory();
    rows(&together, &[first.clone(), second.clone()]);
    let reversed = memory();
    rows(&reversed, &[second.clone(), first.clone()]);
    let apart = memory();
    rows(&apart, std::slice::from_ref(first));
    rows(&apart, std::slice::from_ref(second));
    [together, reversed, apart].map(|memory| owner_on(&memory, arn))
}

fn all(name: &str) -> [Option<String>; 3] {
    [name; 3].map(|name| Some(name.to_owned()))
}

#[test]
fn a_repeated_launch_takes_no_instance_from_who_launched_it() {
    let instance = ec2_arn("instance", "i-1");
    let (first, second) =
        (run("02", "ana", &json!(NINE), &json!([])), run("04", "mallory", &json!(NINE), &json!([])));
    assert_eq!(owners(&instance, &first, &second), all("ana"));
}

/// The instance was launched before autotag was there, or its launch was not recorded.
#[test]
fn who_repeats_the_launch_of_an_older_instance_without_an_owner_does_not_become_its_owner() {
    let memory = memory();
    let instance = ec2_arn("instance", "i-1");
    let rows = rows(&memory, &[run("04", "mallory", &json!(NINE), &json!([]))]);
    assert_eq!(row_of(&rows, &instance).status, Outcome::Skipped(SkipReason::Older));
    assert!(memory.writes().is_empty());
}

#[test]
fn a_repeated_call_takes_nothing_from_who_made_the_first_one() {
    assert_eq!(
        owners(HEALTH_CHECK, &health_check("09:00:00", "ana"), &health_check("09:30:00", "mallory")),
        all("ana")
    );
    let arn = format!("arn:aws:acm:eu-west-1:{HERE}:certificate/1111-2222");
    assert_eq!(
        owners(&arn, &certificate("09:00:00", "ana"), &certificate("09:30:00", "mallory")),
        all("ana")
    );
    let arn = format!("arn:aws:ecs:eu-west-1:{HERE}:service/c/web");
    let made = "Mar 2, 2026, 9:00:00 AM";
    assert_eq!(
        owners(&arn, &service("09:00:00", "ana", made), &service("09:30:00", "mallory", made)),
        all("ana")
    );
}

/// Within a minute the answer's time does not tell the second call from the first.
#[test]
fn of_two_calls_in_one_plan_that_name_the_same_new_resource_the_earlier_one_made_it() {
    let arn = format!("arn:aws:ecs:eu-west-1:{HERE}:service/c/web");
    let made = "Mar 2, 2026, 9:00:00 AM";
    let [together, reversed, _] =
        owners(&arn, &service("09:00:00", "ana", made), &service("09:00:30", "mallory", made));
    assert_eq!([together.as_deref(), reversed.as_deref()], [Some("ana"), Some("ana")]);
}

/// A service that was deleted and made again is new, and so is its owner.
#[test]
fn what_was_made_again_under_the_same_name_belongs_to_who_made_it_again() {
    let arn = format!("arn:aws:ecs:eu-west-1:{HERE}:service/c/web");
    let first = service("09:00:00", "ana", "Mar 2, 2026, 9:00:00 AM");
    let again = service("09:30:00", "noor", "Mar 2, 2026, 9:30:00 AM");
    assert_eq!(owners(&arn, &first, &again), all("noor"));
}

/// Nearly every SDK sends a token, so a token alone must not save a forged owner.
#[test]
fn a_forged_owner_on_an_ordinary_launch_is_replaced_although_the_call_has_a_token() {
    let forged = json!([{"resourceType": "instance", "tags": [{"key": "Owner", "value": "boss"}]}]);
    let instance = ec2_arn("instance", "i-1");
    for launched in [json!(NINE), Value::Null] {
        let memory = memory();
        memory.put_tags(&instance, &[("Owner", "boss")]);
        let rows = rows(&memory, &[run("02", "mallory", &launched, &forged)]);
        assert_eq!(owner_on(&memory, &instance).as_deref(), Some("mallory"), "{launched}");
        assert_eq!(rows[0].notes, [Note::Forged { key: "Owner".into(), replaced: true }]);
    }
}

/// Route 53 takes no tags in the creating call. A tool that sets `Owner` right after it does not show an earlier
/// owner of the zone.
#[test]
fn an_owner_without_the_other_identity_tags_is_not_one_that_an_earlier_call_got() {
    let memory = memory();
    memory.put_tags(HEALTH_CHECK, &[("Owner", "team-web")]);
    rows(&memory, &[health_check("09:00:00", "mara")]);
    assert_eq!(owner_on(&memory, HEALTH_CHECK).as_deref(), Some("mara"));
}

/// The very record comes twice, and the session of its caller has become known in between.
#[test]
fn the_recheck_of_a_call_with_a_token_may_correct_itself() {
    let memory = just_after();
    let made = with(health_check("09:00:00", "x"), "userIdentity", role("Deploy", "", "build", "ASIAONE"));
    let first = rows(&memory, std::slice::from_ref(&made));
    assert_eq!(owner_on(&memory, HEALTH_CHECK).as_deref(), Some("build"));
    creations(memory.sessions(), &[assume(&user("mara"), "Deploy", "build", "ASIAONE", &json!([]))]);
    let mut again = creations(memory.sessions(), &[made]);
    let wrote = first[0].decided.pairs().map(|(key, value)| (key.to_owned(), value.to_owned()));
    again[0].previous_tags = Some(wrote.collect());
    run_requests(&memory, again);
    assert_eq!(owner_on(&memory, HEALTH_CHECK).as_deref(), Some("mara"));
}

fn run_requests(memory: &InMemory, requests: Vec<PlanRequest>) {
    super::run(&Policy::default(), memory, requests);
}

// ---- First created, not first evaluated ----

/// A policy that also writes the time of the event.
fn with_time() -> Policy {
    let text =
        "[identity]\nOwner = \"{owner}\"\nPrincipalId = \"{principal.id}\"\nCreatedAt = \"{event.time}\"\n";
    Policy::from_toml(text).unwrap()
}

#[test]
fn with_the_time_of_the_event_among_the_identity_tags_the_first_creation_wins_in_any_order_of_delivery() {
    let (first, second) =
        (queue("09:00:00", &user("ana"), "pay"), queue("09:00:10", &user("mallory"), "pay"));
    for order in [[&first, &second], [&second, &first]] {
        let memory = just_after();
        for record in order {
            let creations = creations(memory.sessions(), std::slice::from_ref(record));
            super::run(&with_time(), &memory, creations);
        }
        assert_eq!(owner_on(&memory, &queue_arn("pay")).as_deref(), Some("ana"));
        assert_eq!(tag(&memory, &queue_arn("pay"), "CreatedAt").as_deref(), Some("2026-03-02T09:00:00Z"));
    }
}

#[test]
fn with_that_time_the_first_of_two_calls_with_one_token_wins_in_any_order_of_delivery() {
    let arn = format!("arn:aws:acm:eu-west-1:{HERE}:certificate/1111-2222");
    let (first, second) = (certificate("09:00:00", "ana"), certificate("09:00:05", "mallory"));
    for order in [[&first, &second], [&second, &first]] {
        let memory = just_after();
        for record in order {
            super::run(&with_time(), &memory, creations(memory.sessions(), std::slice::from_ref(record)));
        }
        assert_eq!(owner_on(&memory, &arn).as_deref(), Some("ana"));
    }
}

/// A time that the earlier call itself has put there proves nothing, and neither does a time that cannot be read.
#[test]
fn a_time_that_proves_nothing_changes_no_owner() {
    let memory = just_after();
    let hers = [("Owner", "ana"), ("PrincipalId", "AIDAana"), ("CreatedAt", "tomorrow")];
    memory.put_tags(&queue_arn("pay"), &hers);
    let mut made = queue("09:00:00", &user("mallory"), "pay");
    super::run(&with_time(), &memory, creations(memory.sessions(), std::slice::from_ref(&made)));
    assert_eq!(owner_on(&memory, &queue_arn("pay")).as_deref(), Some("ana"));

    memory.put_tags(&queue_arn("pay"), &[("CreatedAt", "2026-03-02T09:00:20Z")]);
    made["requestParameters"]["tags"] = json!({"CreatedAt": "2026-03-02T09:00:20Z"});
    super::run(&with_time(), &memory, creations(memory.sessions(), &[made]));
    assert_eq!(owner_on(&memory, &queue_arn("pay")).as_deref(), Some("ana"));
}

// ---- A version that proves an older resource ----

fn parameter(who: &str, version: &Value) -> Value {
    call(
        "09:00:00",
        &user(who),
        "ssm:PutParameter",
        &json!({"name": "/a/b", "type": "String"}),
        &json!({"version": version}),
    )
}

#[test]
fn who_changes_an_older_parameter_does_not_become_its_owner() {
    let arn = format!("arn:aws:ssm:eu-west-1:{HERE}:parameter/a/b");
    for (version, owner) in [(json!(1), Some("mara")), (Value::Null, Some("mara")), (json!(7), None)] {
        let memory = memory();
        let classifier = Classifier::new(Catalog::embedded(), Policy::default());
        let record = parameter("mara", &version).to_string();
        let read = ClassifiedRecords::read(record.as_bytes(), &classifier);
        let (sessions, backend, now) = memory.parts();
        let plan = block_on(Planner::new(&Policy::default(), sessions, backend, now).plan(read));
        let rows = execute(&memory, plan);
        assert_eq!(owner_on(&memory, &arn).as_deref(), owner, "{version}");
        assert_eq!(rows.len(), 1, "{version}: the call is reported");
        assert_eq!(row_of(&rows, &arn).status == Outcome::Tagged, owner.is_some(), "{version}");
    }
}
