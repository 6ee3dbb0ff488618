//! A plan in parts has the rows of the plan as a whole.

use super::*;
use crate::row::Status as _;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The parts of a record with few names, people and ids.
#[derive(Debug, Clone)]
struct Made {
    kind: u8,
    name: u8,
    second: u8,
    who: u8,
    id: u8,
}

fn made() -> impl Strategy<Value = Made> {
    let parts = (0..9_u8, 0..3_u8, 0..20_u8, 0..3_u8, 0..40_u8);
    parts.prop_map(|(kind, name, second, who, id)| Made { kind, name, second, who, id })
}

impl Made {
    fn record(&self) -> Value {
        let time = format!("09:00:{:02}", self.second);
        let (who, name) = (user(&format!("user-{}", self.who)), format!("name-{}", self.name));
        let group_tags = json!([{"resourceType": "instance",
            "tags": [{"key": "aws:autoscaling:groupName", "value": name}]}]);
        let record = match self.kind {
            0 | 1 => queue(&time, &who, &name),
            2 | 3 => {
                let object = json!({"bucketName": "states", "key": name});
                call(&time, &who, "s3:PutObject", &object, &Value::Null)
            }
            4 => {
                let group = json!({"autoScalingGroupName": name});
                call(&time, &who, "autoscaling:CreateAutoScalingGroup", &group, &Value::Null)
            }
            5 => instance(&time, &auto_scaling(), &format!("i-{}", self.id), &group_tags),
            6 => instance(&time, &who, &format!("i-{}", self.name), &json!([])),
            7 => {
                let request = json!({"clientToken": name, "serviceName": name});
                let arn = format!("arn:aws:ecs:eu-west-1:{HERE}:service/c/{name}");
                let answer = json!({"service": {"serviceArn": arn, "createdAt": "2026-03-02T09:00:05Z"}});
                call(&time, &who, "ecs:CreateService", &request, &answer)
            }
            // The copy of the other account, which names only the account of the caller.
            _ => {
                let account = json!({"type": "AWSAccount", "accountId": HERE});
                queue(&time, &account, &name)
            }
        };
        // Few ids: some events have several copies, also of other times and of other resources.
        with(record, "eventID", json!(format!("event-{}", self.id)))
    }
}

/// Parts that end where `cuts` says, if the second ends there.
fn split(creations: Vec<PlanRequest>, cuts: &[bool]) -> Vec<Vec<PlanRequest>> {
    let time = |request: &PlanRequest| request.creation.event.timestamp();
    let mut parts: Vec<Vec<PlanRequest>> = vec![Vec::new()];
    for (request, cut) in creations.into_iter().zip(cuts.iter().cycle()) {
        let last = parts.last_mut().unwrap();
        if *cut && last.last().is_some_and(|last| time(last) != time(&request)) {
            parts.push(vec![request]);
        } else {
            last.push(request);
        }
    }
    parts
}

fn in_parts(planner: Planner<'_>, parts: &[Vec<PlanRequest>]) -> Plan {
    let mut events: HashMap<ResourceKey, BTreeSet<usize>> = HashMap::new();
    let mut copies: HashMap<(String, String), BTreeSet<usize>> = HashMap::new();
    let owned = |(id, name): (&str, &str)| (id.to_owned(), name.to_owned());
    for (number, request) in
        parts.iter().enumerate().flat_map(|(part, all)| all.iter().map(move |one| (part, one)))
    {
        for named in request.named_resources() {
            events.entry(named.key).or_default().insert(number);
        }
        copies.entry(owned(request.copy_key().unwrap())).or_default().insert(number);
    }
    let is_named_later = |key: &ResourceKey| events[key].len() > 1;
    let run = |is_replaced: &(dyn Fn(RowNumber) -> bool + Sync)| {
        let mut asker = PartAsker::new(planner);
        for request in parts.iter().flatten() {
            if copies[&owned(request.copy_key().unwrap())].len() > 1 {
                asker.foresee_copy(request);
            }
        }
        let mut decider = PartDecider::new(&planner, &is_named_later, is_replaced);
        let mut whole = Plan::default();
        for part in parts {
            whole.rows.extend(decider.decide(block_on(asker.ask(part.clone()))).rows);
        }
        (whole, decider.replaced())
    };
    let (_, replaced) = run(&|_| false);
    run(&|row| replaced.contains(&row)).0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn parts_have_the_rows_of_the_whole(
        made in prop::collection::vec(made(), 1..30),
        cuts in prop::collection::vec(any::<bool>(), 1..7),
        fails in any::<bool>(),
    ) {
        let memory = Failing {
            memory: memory(),
            fault: |operation: &str, what: &str| {
                (fails && operation == "read" && what.contains("name-1")).then_some(ErrorClass::Throttled)
            },
        };
        let records: Vec<Value> = made.iter().map(Made::record).collect();
        let mut creations = creations(memory.memory.sessions(), &records);
        let whole = plan(&Policy::default(), &memory, creations.clone());
        oldest_first(&mut creations);
        let (sessions, backend, now) = memory.parts();
        let policy = Policy::default();
        let planner = Planner::new(&policy, sessions, backend, now);
        let parts = split(creations, &cuts);
        prop_assert_eq!(in_parts(planner, &parts), whole);
    }
}

#[test]
fn an_object_of_an_earlier_part_is_replaced() {
    let put = |second, who| Made { kind: 2, name: 0, second, who, id: second }.record();
    let creations = creations(&MemoryStore::new(), &[put(1, 0), put(2, 1), put(3, 2)]);
    let memory = memory();
    let policy = Policy::default();
    let planner = Planner::new(&policy, &memory.sessions, &memory.backend, memory.now);
    let rows = in_parts(planner, &split(creations, &[true]));
    let outcomes: Vec<_> = rows.resources().map(|row| row.status.outcome().cloned()).collect();
    let replaced = Some(Outcome::Skipped(SkipReason::Replaced));
    assert_eq!(outcomes, [replaced.clone(), replaced, None]);
}
