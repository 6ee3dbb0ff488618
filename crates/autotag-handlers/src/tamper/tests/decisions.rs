//! The reaction to a change, for each state of knowledge.

use crate::event::EventSummary;
use crate::owner::Proof;
use crate::tamper::{
    ExpectedTags, NoReaction, NotRepaired, Reaction, RecordedChange, RecordedRepair, TagChange,
    TamperHistory, TamperInput, TouchedKeys, TruceReason, decide,
};
use autotag_model::identity::Principal;
use autotag_model::policy::Policy;
use autotag_model::rule::ChangedResource;
use autotag_model::tags::TagConstraints;
use jiff::Timestamp;
use serde_json::json;
use std::sync::Arc;

const REPAIR: &str = "[tamper]\naction = \"repair\"\n";
pub(super) const EVE: &str = "arn:aws:iam::111122223333:user/eve";
pub(super) const TERRAFORM: &str = "arn:aws:iam::111122223333:role/Terraform";

fn time(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
}

fn by_user(event: &str, minute: i64) -> TagChange {
    let principal = Principal::from_value(&json!({"type": "IAMUser", "arn": EVE}));
    change(event, minute, Some(principal))
}

fn by_terraform(event: &str, minute: i64) -> TagChange {
    let arn = format!("arn:aws:sts::111122223333:assumed-role/Terraform/run-{minute}");
    change(event, minute, Some(Principal::from_value(&json!({"type": "AssumedRole", "arn": arn}))))
}

fn of_arn(arn: &str) -> ChangedResource {
    let scope = autotag_model::rule::Scope {
        partition: autotag_model::arn::Partition::default(),
        region: None,
        account: None,
    };
    ChangedResource::of_arn(arn.parse().unwrap(), &[], &scope)
}

pub(super) fn change(event: &str, minute: i64, principal: Option<Principal>) -> TagChange {
    let event = EventSummary {
        id: Some(event.to_owned()),
        dedup_id: Some(event.to_owned()),
        time: Some(time(minute).to_string()),
        ..EventSummary::default()
    };
    let resource = of_arn("arn:aws:sns:eu-west-1:111122223333:news");
    TagChange {
        event: Arc::new(event),
        principal,
        resource,
        keys: TouchedKeys::Keys(vec!["Owner".to_owned()]),
    }
}

pub(super) fn pairs(tags: &[(&str, &str)]) -> Vec<(String, String)> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The ledger's facts about a resource of Ana.
fn expected() -> ExpectedTags {
    ExpectedTags {
        tags: pairs(&[
            ("Owner", "ana"),
            ("PrincipalId", "AIDAEXAMPLE"),
            ("CreatedBy", "arn:aws:iam::111122223333:user/ana"),
        ]),
        proof: Some(Proof::Person),
        owner_arn: Some("arn:aws:iam::111122223333:user/ana".to_owned()),
    }
}

struct Case {
    policy: &'static str,
    change: TagChange,
    expected: Option<ExpectedTags>,
    present: Vec<(String, String)>,
    history: TamperHistory,
    tags: usize,
}

/// Eve took off the owner, and the policy repairs.
fn case() -> Case {
    let present = expected().tags.into_iter().filter(|(key, _)| key != "Owner").collect();
    Case {
        policy: REPAIR,
        change: by_user("e-1", 1),
        expected: Some(expected()),
        present,
        history: TamperHistory::default(),
        tags: 50,
    }
}

impl Case {
    fn reaction(&self) -> Reaction {
        let policy = Policy::from_toml(self.policy).unwrap();
        let mut constraints = TagConstraints::default();
        constraints.tags = self.tags;
        decide(&TamperInput {
            change: &self.change,
            expected: self.expected.as_ref(),
            present: &self.present,
            history: &self.history,
            policy: &policy,
            constraints: &constraints,
        })
    }

    fn set(&mut self, key: &str, value: &str) {
        self.present.retain(|(known, _)| known != key);
        self.present.push((key.to_owned(), value.to_owned()));
    }

    fn why_not(&self) -> NotRepaired {
        match self.reaction() {
            Reaction::Report { why, .. } => why,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_gone_is_repaired_and_nothing_else_is_written() {
    let mut case = case();
    case.set("Team", "shop");
    let Reaction::Repair { tampering, tags } = case.reaction() else { panic!() };
    assert_eq!(tags, pairs(&[("Owner", "ana")]));
    assert_eq!((tampering.by.as_deref(), tampering.missing), (Some(EVE), vec!["Owner".to_owned()]));
    case.set("Owner", "eve");
    let Reaction::Repair { tampering, tags } = case.reaction() else { panic!() };
    assert_eq!((tags, tampering.changed), (pairs(&[("Owner", "ana")]), vec!["Owner".to_owned()]));
}

#[test]
fn tags_that_are_as_they_should_be_cause_no_reaction() {
    let mut case = case();
    case.set("Owner", "ana");
    assert_eq!(case.reaction(), Reaction::Nothing(NoReaction::AsExpected));
}

#[test]
fn why_nothing_is_written() {
    let reports = |change: fn(&mut Case)| {
        let mut case = case();
        change(&mut case);
        case.why_not()
    };
    assert_eq!(reports(|case| case.policy = ""), NotRepaired::Policy);
    assert_eq!(reports(|case| case.change.principal = None), NotRepaired::NoAuthor);
    assert_eq!(reports(|case| case.change.principal = Some(Principal::default())), NotRepaired::NoAuthor);
    assert_eq!(reports(|case| case.expected = None), NotRepaired::NoExpectation);
    assert_eq!(
        reports(|case| case.expected = Some(ExpectedTags { proof: Some(Proof::NameOnly), ..expected() })),
        NotRepaired::NotProven
    );
    assert_eq!(
        reports(|case| case.expected = Some(ExpectedTags { proof: None, ..expected() })),
        NotRepaired::NotProven
    );
    assert_eq!(reports(|case| case.tags = 2), NotRepaired::NoRoom);
    let excepted = |case: &mut Case| {
        case.policy = "[tamper]\naction = \"repair\"\nexcept = [\"arn:aws:iam::*:role/Terraform\"]\n";
        case.change = by_terraform("e-1", 1);
    };
    assert_eq!(reports(excepted), NotRepaired::Excepted);
    let event = EventSummary::default();
    let mut case = case();
    case.change.event = Arc::new(event);
    assert_eq!(case.why_not(), NotRepaired::NoEvent);
}

#[test]
fn without_an_entry_only_a_key_that_was_taken_off_is_told() {
    let mut case = case();
    case.expected = None;
    case.set("Owner", "anybody");
    assert_eq!(case.reaction(), Reaction::Nothing(NoReaction::NoExpectation));
    case.present.clear();
    case.change.keys = TouchedKeys::Any;
    assert_eq!(case.reaction(), Reaction::Nothing(NoReaction::NoExpectation));
}

#[test]
fn a_value_that_the_policy_lets_callers_declare_is_no_tampering() {
    let mut declared = case();
    declared.policy = "[policy]\nprofile = \"declared\"\n[tamper]\naction = \"repair\"\n";
    declared.set("Owner", "team-shop");
    assert_eq!(declared.reaction(), Reaction::Nothing(NoReaction::AsExpected));
    declared.policy = REPAIR;
    assert!(matches!(declared.reaction(), Reaction::Repair { .. }));
    let mut created_by = case();
    created_by.set("Owner", "ana");
    created_by.set("CreatedBy", "terraform");
    assert_eq!(created_by.reaction(), Reaction::Nothing(NoReaction::AsExpected));
}

#[test]
fn the_other_name_of_a_person_and_the_word_of_a_trusted_principal_are_no_tampering() {
    let mut case = case();
    case.set("Owner", "ana@example.com");
    case.policy = "[tamper]\naction = \"repair\"\n[people]\n\"ana@example.com\" = [\"arn:aws:iam::111122223333:user/ana\"]\n";
    assert_eq!(case.reaction(), Reaction::Nothing(NoReaction::AsExpected));
    case.set("Owner", "eve");
    assert!(matches!(case.reaction(), Reaction::Repair { .. }));
    case.policy =
        "[tamper]\naction = \"repair\"\n[trust]\nsource_identity = [\"arn:aws:iam::*:role/Terraform\"]\n";
    case.change = by_terraform("e-1", 1);
    assert_eq!(case.reaction(), Reaction::Nothing(NoReaction::AsExpected));
    // It is trusted to name an owner, not to take the tag off.
    case.present.retain(|(key, _)| key != "Owner");
    assert!(matches!(case.reaction(), Reaction::Repair { .. }));
}

#[test]
fn a_resource_that_opted_out_is_left_alone() {
    let mut case = case();
    case.policy = "[existing]\nopt_out = \"keep-out\"\n[tamper]\naction = \"repair\"\n";
    case.set("keep-out", "true");
    assert_eq!(case.reaction(), Reaction::Nothing(NoReaction::OptedOut));
    case.set("keep-out", "false");
    assert!(matches!(case.reaction(), Reaction::Repair { .. }));
}

#[test]
fn another_delivery_of_an_event_is_answered_once() {
    let mut case = case();
    let reaction = case.reaction();
    case.history = reaction.recorded(&case.change, time(2));
    // Somebody took it off again; the event of that is still to come.
    assert_eq!(case.reaction(), Reaction::Nothing(NoReaction::Known));
    let mut reported = self::case();
    reported.policy = "";
    reported.history = reported.reaction().recorded(&reported.change, time(2));
    assert_eq!(reported.reaction(), Reaction::Nothing(NoReaction::Known));
}

#[test]
fn an_event_of_aws_tag_is_reported_only_without_the_record_of_its_call() {
    let mut case = case();
    case.change = change("b-1", 1, None);
    assert_eq!(case.why_not(), NotRepaired::NoAuthor);
    case.history = TamperHistory::of_change(RecordedChange {
        time: time(1),
        event: "e-1".to_owned(),
        by: EVE.to_owned(),
    });
    assert_eq!(case.reaction(), Reaction::Nothing(NoReaction::Known));
    case.history = TamperHistory::of_change(RecordedChange {
        time: time(9),
        event: "e-1".to_owned(),
        by: EVE.to_owned(),
    });
    assert_eq!(case.why_not(), NotRepaired::NoAuthor);
}

/// Terraform takes the tag off at each of its runs.
/// The role may not update projects, so a repair would end as a dead letter.
#[test]
fn resources_without_a_tag_call_are_repaired_only_if_the_policy_opts_in() {
    let mut case = case();
    case.change.resource = of_arn("arn:aws:codebuild:eu-west-1:111122223333:project/build");
    assert_eq!(case.why_not(), NotRepaired::Policy);
    case.policy = "[tamper]\naction = \"repair\"\n[policy]\nopt_in = [\"codebuild\"]";
    assert!(matches!(case.reaction(), Reaction::Repair { .. }));
}

#[test]
fn who_undoes_two_repairs_gets_a_truce_that_names_them() {
    let mut history = TamperHistory::default();
    let mut case = case();
    let mut reactions = Vec::new();
    for run in 1..=5 {
        case.change = by_terraform(&format!("e-{run}"), 10 * run);
        case.history = history.clone();
        let reaction = case.reaction();
        history = history.merge(reaction.recorded(&case.change, time(10 * run + 1)));
        reactions.push(reaction);
    }
    let [first, second, third, fourth, fifth] = reactions.as_slice() else { panic!() };
    assert!(matches!((first, second), (Reaction::Repair { .. }, Reaction::Repair { .. })));
    let Reaction::Truce { truce, .. } = third else { panic!("{third:?}") };
    assert_eq!((truce.with(), &truce.reason), (Some(TERRAFORM), &TruceReason::Undone(TERRAFORM.to_owned())));
    let text = truce.to_string();
    assert!(text.starts_with(TERRAFORM), "{text}");
    assert!(
        text.contains("  ignore_tags {\n    keys = [\"Owner\", \"PrincipalId\", \"CreatedBy\"]\n  }"),
        "{text}"
    );
    for later in [fourth, fifth] {
        assert!(matches!(later, Reaction::Report { why: NotRepaired::Truce, .. }), "{later:?}");
    }
    // A person ends it.
    case.history = history.merge(TamperHistory::of_resumption(time(60)));
    assert_eq!(case.reaction(), Reaction::Nothing(NoReaction::Past));
    case.change = by_terraform("e-9", 70);
    assert!(matches!(case.reaction(), Reaction::Repair { .. }));
}

#[test]
fn several_who_undo_one_repair_each_get_a_truce_in_the_end() {
    let repair = |number: i64| {
        TamperHistory::of_repair(RecordedRepair { time: time(number), answers: format!("e-{number}") })
    };
    let mut case = case();
    case.change = by_user("e-99", 99);
    case.history = (1..=8).map(repair).fold(TamperHistory::default(), TamperHistory::merge);
    let Reaction::Truce { truce, .. } = case.reaction() else { panic!() };
    assert_eq!((truce.with(), &truce.reason), (None, &TruceReason::TooManyRepairs));
}

#[test]
fn a_program_that_declares_the_owner_is_not_told_to_ignore_it() {
    let mut case = case();
    case.policy = "[policy]\nprofile = \"declared\"\n[tamper]\naction = \"repair\"\n";
    case.history = (1..=8)
        .map(|number| {
            TamperHistory::of_repair(RecordedRepair { time: time(number), answers: format!("x-{number}") })
        })
        .fold(TamperHistory::default(), TamperHistory::merge);
    case.change = by_user("e-99", 99);
    let Reaction::Truce { truce, .. } = case.reaction() else { panic!() };
    assert_eq!(truce.ignored_keys, ["PrincipalId", "CreatedBy"]);
}
