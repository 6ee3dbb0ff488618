//! Owners of parents that are corrected after their children were tagged.

use super::*;
use crate::recheck;

fn group(tags: &Value) -> Value {
    let request = json!({"autoScalingGroupName": "web", "tags": tags});
    call("09:00:00", &user("mallory"), "autoscaling:CreateAutoScalingGroup", &request, &Value::Null)
}

fn launched() -> Value {
    let tags =
        json!([{"resourceType": "instance", "tags": [{"key": "aws:autoscaling:groupName", "value": "web"}]}]);
    instance("09:00:05", &auto_scaling(), "i-1", &tags)
}

/// Evaluates records, and answers with the requests that come back for a recheck.
fn evaluate(memory: &InMemory, records: &[Value]) -> Vec<(Value, TagSet)> {
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    let text = records.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let mut read = ClassifiedRecords::read(text.as_bytes(), &classifier);
    let texts = std::mem::take(&mut read.recheckable);
    let (sessions, backend, now) = memory.parts();
    let plan = block_on(Planner::new(&Policy::default(), sessions, backend, now).plan(read));
    let needed = recheck::needed(&plan, &texts, now);
    let rows = execute(memory, plan);
    let back = needed.iter().map(|one| {
        let row = rows.iter().find(|row| row.event.id == one.event.id).unwrap();
        (one.record.parse().unwrap(), row.decided.clone())
    });
    back.collect()
}

fn recheck_all(memory: &InMemory, back: Vec<(Value, TagSet)>) {
    for (record, decided) in back {
        let mut requests = creations(memory.sessions(), &[record]);
        for request in &mut requests {
            let tags = decided.pairs().map(|(key, value)| (key.to_owned(), value.to_owned()));
            request.previous_tags = Some(tags.collect());
        }
        run(&Policy::default(), memory, requests);
    }
}

fn forged() -> Value {
    json!([
        {"key": "Owner", "value": "boss"},
        {"key": "PrincipalId", "value": "AIDAboss"},
        {"key": "CreatedBy", "value": "arn:aws:iam::111122223333:user/boss"},
    ])
}

#[test]
fn an_owner_forged_on_a_group_does_not_stay_on_its_instances_in_either_order_of_delivery() {
    let instance = ec2_arn("instance", "i-1");
    for instance_first in [true, false] {
        let memory = just_after();
        // AWS has put the tags of the call on the group before anybody evaluates it.
        let boss = [
            ("Owner", "boss"),
            ("PrincipalId", "AIDAboss"),
            ("CreatedBy", "arn:aws:iam::111122223333:user/boss"),
        ];
        memory.put_tags(GROUP, &boss);
        let order =
            if instance_first { [launched(), group(&forged())] } else { [group(&forged()), launched()] };
        let mut back = Vec::new();
        for record in order {
            back.extend(evaluate(&memory, &[record]));
        }
        assert_eq!(owner_on(&memory, GROUP).as_deref(), Some("mallory"));
        recheck_all(&memory, back);
        assert_eq!(
            owner_on(&memory, &instance).as_deref(),
            Some("mallory"),
            "instance first: {instance_first}"
        );
    }
}

#[test]
fn an_instance_planned_with_its_group_has_the_owner_decided_for_the_group_and_waits_for_nothing() {
    let memory = just_after();
    memory.put_tags(GROUP, &[("Owner", "boss")]);
    let back = evaluate(&memory, &[launched(), group(&forged())]);
    assert_eq!(owner_on(&memory, &ec2_arn("instance", "i-1")).as_deref(), Some("mallory"));
    assert!(back.is_empty(), "the owner of the group is decided: {back:?}");
}

/// The group is made in a session whose STS record is late: what its instances inherit is as provisional.
#[test]
fn a_child_is_evaluated_again_with_a_parent_whose_own_owner_may_still_change() {
    let memory = just_after();
    let mut caller = role("Deploy", "", "build", "ASIAONE");
    caller["sessionContext"]["attributes"]["creationDate"] = json!("2026-03-02T08:59:00Z");
    let made = with(group(&json!([])), "userIdentity", caller);
    let back = evaluate(&memory, &[made, launched()]);
    assert_eq!(owner_on(&memory, &ec2_arn("instance", "i-1")).as_deref(), Some("build"));
    let known = assume(&user("mara"), "Deploy", "build", "ASIAONE", &json!([]));
    creations(memory.sessions(), &[with(known, "eventTime", json!("2026-03-02T08:59:00Z"))]);
    assert_eq!(back.len(), 2, "{back:?}");
    recheck_all(&memory, back);
    assert_eq!(owner_on(&memory, &ec2_arn("instance", "i-1")).as_deref(), Some("mara"));
}

/// Whatever service has made the child for whatever parent, an owner that is only read from the parent is provisional.
#[test]
fn an_owner_that_is_only_read_from_a_parent_is_provisional_for_every_kind_of_parent() {
    let linked =
        |service: &str| role("Linked", &format!("aws-service-role/{service}.amazonaws.com/"), "x", "");
    let arn = |service: &str, resource: &str| format!("arn:aws:{service}:eu-west-1:{HERE}:{resource}");
    for (key, value, caller, parent) in [
        ("aws:autoscaling:groupName", "web", "autoscaling", GROUP.to_owned()),
        ("aws:ec2:fleet-id", "fleet-1", "ec2fleet", arn("ec2", "fleet/fleet-1")),
        ("aws:ec2spot:fleet-request-id", "sfr-1", "spotfleet", arn("ec2", "spot-fleet-request/sfr-1")),
        ("aws:batch:compute-environment", "nights", "batch", arn("batch", "compute-environment/nights")),
        (
            "aws:elasticmapreduce:job-flow-id",
            "j-1",
            "elasticmapreduce",
            arn("elasticmapreduce", "cluster/j-1"),
        ),
        ("eks:cluster-name", "prod", "eks", arn("eks", "cluster/prod")),
    ] {
        let memory = just_after();
        memory.put_tags(&parent, &[("Owner", "boss")]);
        let tags = json!([{"resourceType": "instance", "tags": [{"key": key, "value": value}]}]);
        let back = evaluate(&memory, &[instance("09:00:05", &linked(caller), "i-1", &tags)]);
        assert_eq!(back.len(), 1, "{key}");
        memory.put_tags(&parent, &[("Owner", "mallory")]);
        recheck_all(&memory, back);
        assert_eq!(owner_on(&memory, &ec2_arn("instance", "i-1")).as_deref(), Some("mallory"), "{key}");
    }
}

/// autotag writes no tag on a stack, so nothing that it does corrects the owner there.
#[test]
fn what_a_stack_makes_is_not_evaluated_again_for_an_owner_that_nobody_corrects() {
    let memory = just_after();
    let stack =
        "arn:aws:cloudformation:eu-west-1:111122223333:stack/web/0f1e2d3c-0000-4000-8000-000000000001";
    memory.put_tags(stack, &[("Owner", "noor")]);
    let mut by_stack = auto_scaling();
    by_stack["invokedBy"] = json!("cloudformation.amazonaws.com");
    let tags = json!([{"resourceType": "instance", "tags": [{"key": "aws:cloudformation:stack-id", "value": stack}]}]);
    let back = evaluate(&memory, &[instance("09:00:05", &by_stack, "i-1", &tags)]);
    assert_eq!(owner_on(&memory, &ec2_arn("instance", "i-1")).as_deref(), Some("noor"));
    assert!(back.is_empty(), "{back:?}");
}
