//! Resources that were found by rules without a confirming record.

use super::*;
use crate::row::Status as _;
use autotag_model::policy::DerivedRules;
use autotag_model::rule::Evidence;

const THING: &str = "arn:aws:sqs:eu-west-1:111122223333:derived";

/// The requests of an event of a derived rule and of one that the catalogue has.
fn requests(policy: &Policy) -> Vec<PlanRequest> {
    let rules = "source = \"sqs.amazonaws.com\"\nname = \"SQS\"\nevidence = \"derived\"\n\n[[rule]]\n\
                 event = \"CreateThing\"\ntype = \"AWS::SQS::Thing\"\nid = \"response.arn\"\nkind = \"sqs:*\"\n";
    let mut catalog = Catalog::embedded();
    catalog.add("derived.toml", rules).unwrap();
    let classifier = Classifier::new(catalog, policy.clone());
    let ana = user("ana");
    let records = [
        call("09:00:00", &ana, "sqs:CreateThing", &json!({}), &json!({"arn": THING})),
        queue("09:00:01", &ana, "seen"),
    ];
    let text = records.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    ClassifiedRecords::read(text.as_bytes(), &classifier).creations
}

fn policy(derived: DerivedRules) -> Policy {
    let mut policy = Policy::default();
    policy.derived = derived;
    policy
}

#[test]
fn by_default_derived_rules_tag_like_all_others_and_rows_say_so() {
    let memory = memory();
    let rows = run(&Policy::default(), &memory, requests(&Policy::default()));
    assert_eq!(owner_on(&memory, THING).as_deref(), Some("ana"));
    assert_eq!(row_of(&rows, THING).evidence, Some(Evidence::Derived));
    assert_eq!(row_of(&rows, &queue_arn("seen")).evidence, Some(Evidence::Seen));
    let line = serde_json::to_string(row_of(&rows, THING)).unwrap();
    assert!(line.contains(",\"evidence\":\"derived\","), "{line}");
}

/// The permission to tag a project is one to change what it runs.
#[test]
fn resources_without_a_tag_call_have_an_owner_and_get_tags_only_if_the_policy_opts_in() {
    const PROJECT: &str = "arn:aws:codebuild:eu-west-1:111122223333:project/build";
    let answer = json!({"project": {"arn": PROJECT, "name": "build"}});
    let record =
        call("09:00:00", &user("ana"), "codebuild:CreateProject", &json!({"name": "build"}), &answer);
    for (policy, tagged) in [("", false), ("[policy]\nopt_in = [\"codebuild\"]", true)] {
        let (memory, policy) = (memory(), Policy::from_toml(policy).unwrap());
        let classifier = Classifier::new(Catalog::embedded(), policy.clone());
        let requests = ClassifiedRecords::read(record.to_string().as_bytes(), &classifier).creations;
        let rows = run(&policy, &memory, requests);
        let row = row_of(&rows, PROJECT);
        assert_eq!(row.owner_name(), Some("ana"));
        assert_eq!(row.status == Outcome::Skipped(SkipReason::NotOptedIn), !tagged, "{:?}", row.status);
        assert_eq!(owner_on(&memory, PROJECT).as_deref(), tagged.then_some("ana"));
        assert!(!row.status.is_returned(), "its message is done");
    }
}

#[test]
fn with_the_policy_plan_a_derived_rule_shows_its_tags_and_writes_none() {
    let (memory, policy) = (memory(), policy(DerivedRules::Plan));
    let planned = plan(&policy, &memory, requests(&policy));
    let row = planned.resources().find(|row| row.arn().as_deref() == Some(THING)).unwrap();
    assert_eq!(row.tags.get("Owner").map(ToString::to_string).as_deref(), Some("ana"), "shown");
    assert_eq!(row.owner_name(), Some("ana"));
    let why = row.status.reason().unwrap();
    assert!(why.contains("`derived = \"plan\"`"), "{why}");
    assert_eq!(planned.writes(), 1);
    let rows = execute(&memory, planned);
    assert_eq!(row_of(&rows, THING).status, Outcome::Skipped(SkipReason::DerivedRule));
    assert!(memory.tags_on(THING).is_empty());
    assert_eq!(owner_on(&memory, &queue_arn("seen")).as_deref(), Some("ana"), "other rules write");
    assert!(!row_of(&rows, THING).status.is_returned(), "its message is done");
}
