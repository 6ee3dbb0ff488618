//! The plan of `--fix`, on estates with a known result.

use super::super::cost::Costs;
use super::super::estate::tests::{ACCOUNT, arn, by_service, by_session, items, volume};
use super::super::estate::{Coverage, Estate, Joiner};
use super::super::made::Creations;
use super::super::made::tests::planned;
use crate::saved_plan::{Header, PlanFile, SavedPlan, checked};
use autotag_handlers::catalog::Catalog;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::plan::{Action, PlannedResource};
use autotag_model::policy::Policy;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The estate of an inventory and a trail, by a policy.
fn joined(policy: &Policy, lines: &[Value], records: &[Value]) -> Estate {
    let coverage = Coverage::of(&Catalog::embedded()).unwrap();
    let keys = ["Owner".to_owned(), "Team".to_owned()];
    let creations = planned(records, policy.clone(), Creations::new(true));
    Joiner::new(policy, &coverage, &keys).join(Some(items(lines)), Some(creations), Costs::default())
}

/// The tags that would be written to each resource, by its id.
fn written(estate: &Estate) -> BTreeMap<String, Vec<(String, String)>> {
    let pairs = |row: &PlannedResource| {
        row.tags.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())).collect::<Vec<_>>()
    };
    let rows = estate.fix.rows().map(|row| (row.resource.clone().unwrap().id, pairs(row)));
    rows.collect()
}

fn line(id: &str, tags: &[(&str, &str)]) -> Value {
    let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    json!({"arn": arn(id), "resourceType": "AWS::EC2::Volume", "tags": tags})
}

/// The identity tags of a creation of Mara's.
fn of_mara() -> [(&'static str, &'static str); 3] {
    [("Owner", "mara"), ("PrincipalId", "AIDAmara"), ("CreatedBy", "arn:aws:iam::111122223333:user/mara")]
}

/// The keys that would be written to a volume of Mara's that has these tags.
fn keys(policy: &Policy, tags: &[(&str, &str)]) -> Vec<String> {
    let estate = joined(policy, &[line("vol-1", tags)], &[volume("vol-1", "mara")]);
    let mut written = written(&estate);
    assert!(written.len() <= 1);
    written.remove("vol-1").unwrap_or_default().into_iter().map(|(key, _)| key).collect()
}

#[test]
fn missing_identity_tags_are_planned_and_another_owner_stays() {
    let [owner, principal, by] = of_mara();
    let long = "x".repeat(100_000);
    for (case, tags, expected) in [
        ("none", &[][..], &["Owner", "PrincipalId", "CreatedBy"][..]),
        ("tags of users", &[("Name", "logs"), ("aws:x", "y")], &["Owner", "PrincipalId", "CreatedBy"]),
        ("all", &[owner, principal, by], &[]),
        ("the owner alone", &[owner], &["Owner", "PrincipalId", "CreatedBy"]),
        ("the owner under another case of the key", &[("owner", "mara")], &["PrincipalId", "CreatedBy"]),
        ("all but one", &[owner, by], &["Owner", "PrincipalId", "CreatedBy"]),
        ("another owner", &[("Owner", "boss")], &[]),
        ("another owner under another case of the key", &[("OWNER", "boss")], &[]),
        ("the owner as somebody else writes it", &[("Owner", "Mara")], &[]),
        ("an empty owner", &[("Owner", "")], &[]),
        ("another owner in a tag of people", &[("Team", "boss")], &[]),
        ("this owner in a tag of people", &[("Team", "mara")], &["Owner", "PrincipalId", "CreatedBy"]),
        ("another principal", &[("PrincipalId", "AIDAboss")], &[]),
        ("another owner beside the proof", &[("Owner", "boss"), principal, by], &[]),
        ("the owner was taken off", &[principal, by], &[]),
        ("a script", &[("Owner", "<script>alert(1)</script>")], &[]),
        ("an owner from right to left", &[("Owner", "\u{202e}aram")], &[]),
        ("a long owner", &[("Owner", &long)], &[]),
        ("a long key", &[(&long, "x")], &["Owner", "PrincipalId", "CreatedBy"]),
    ] {
        assert_eq!(keys(&Policy::default(), tags), expected, "{case}");
    }
}

#[test]
fn a_policy_that_replaces_owners_replaces_what_differs() {
    let policy = Policy::from_toml("[existing]\nreplace = true\n").unwrap();
    let [owner, principal, by] = of_mara();
    for (case, tags, expected) in [
        ("all", &[owner, principal, by][..], &[][..]),
        ("another owner", &[("Owner", "boss")], &["Owner", "PrincipalId", "CreatedBy"]),
        (
            "another owner beside the proof",
            &[("Owner", "boss"), principal, by],
            &["Owner", "PrincipalId", "CreatedBy"],
        ),
        ("the owner was taken off", &[principal, by], &["Owner", "PrincipalId", "CreatedBy"]),
        // A managed policy of AWS lets a service write to resources with this tag only.
        ("an owner that AWS expects", &[("Owner", "IoTDeviceTester")], &["PrincipalId", "CreatedBy"]),
    ] {
        assert_eq!(keys(&policy, tags), expected, "{case}");
    }
}

#[test]
fn the_policy_decides_what_is_left_alone() {
    let opt_out = Policy::from_toml("[existing]\nopt_out = \"autotag\"\n").unwrap();
    assert_eq!(keys(&opt_out, &[("autotag", "off")]), [""; 0]);
    assert_eq!(keys(&opt_out, &[("autotag", "false")]).len(), 3);
    let fixed = Policy::from_toml("[static]\nTeam2 = \"shop\"\n").unwrap();
    let [owner, principal, by] = of_mara();
    assert_eq!(keys(&fixed, &[owner, principal, by]), [""; 0], "no identity tag is missing");
    assert_eq!(keys(&fixed, &[owner, by]), ["Owner", "PrincipalId", "CreatedBy", "Team2"]);
    assert_eq!(keys(&fixed, &[owner, by, ("team2", "mine")]).len(), 3, "tags of users stay");
}

#[test]
fn more_tags_than_aws_takes_are_not_planned() {
    let names: Vec<String> = (0..60).map(|at| format!("key-{at}")).collect();
    let full = |count: usize| {
        let tags: Vec<(&str, &str)> = names.iter().take(count).map(|name| (name.as_str(), "x")).collect();
        keys(&Policy::default(), &tags)
    };
    assert_eq!(full(47), ["Owner", "PrincipalId", "CreatedBy"]);
    assert_eq!(full(49), ["Owner"]);
    assert_eq!(full(50), [""; 0]);
    assert_eq!(full(60), [""; 0]);
}

#[test]
fn what_is_not_certain_is_left_out_and_counted() {
    let untold = json!({"arn": arn("vol-1"), "resourceType": "AWS::EC2::Volume"});
    let estate = joined(&Policy::default(), &[untold], &[volume("vol-1", "mara")]);
    assert_eq!((estate.fix.rows().count(), estate.fix.tags_unknown), (0, 1));
    let twice =
        [line("vol-1", &[]), line("vol-2", &[]), line("vol-1", &[("Owner", "boss")]), line("vol-2", &[])];
    let records = [volume("vol-1", "mara"), volume("vol-2", "mara"), volume("vol-3", "mara")];
    let estate = joined(&Policy::default(), &twice, &records);
    assert_eq!(written(&estate).into_keys().collect::<Vec<_>>(), ["vol-2"], "vol-3 is not in the inventory");
    assert_eq!(estate.fix.ambiguous, 1);
    let mut other = line("vol-1", &[]);
    other["createdAt"] = "2026-06-01T00:00:00Z".into();
    let estate = joined(&Policy::default(), &[other], &[volume("vol-1", "mara")]);
    assert_eq!(estate.fix.rows().count(), 0, "it was created again, by a call that the trail does not have");
    let estate =
        joined(&Policy::default(), &[line("vol-1", &[("Owner", "boss")])], &[volume("vol-1", "mara")]);
    assert_eq!((estate.fix.rows().count(), estate.fix.others), (0, 1));
}

#[test]
fn apply_can_read_the_plan() {
    let policy = Policy::default();
    let lines = [line("vol-1", &[]), line("vol-2", &[of_mara()[0]]), line("vol-3", &[("Owner", "boss")])];
    let records = ["vol-1", "vol-2", "vol-3"].map(|id| volume(id, "mara"));
    let estate = joined(&policy, &lines, &records);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.jsonl");
    let catalog = Catalog::embedded();
    let header = Header::new(&catalog, &policy).unwrap();
    let mut file = PlanFile::create("--fix", &path, &header).unwrap();
    file.add(estate.fix.rows()).unwrap();
    file.finish().unwrap();
    let plan = SavedPlan::open(path.to_str().unwrap()).unwrap().unwrap();
    plan.expect(&header).unwrap();
    let targets = plan.check(&catalog).unwrap();
    assert_eq!((targets.count, targets.accounts.len()), (2, 1));
    let read: Vec<PlannedResource> = plan.rows(&catalog).unwrap().map(Result::unwrap).collect();
    for (read, row) in read.iter().zip(estate.fix.rows()) {
        assert_eq!((&read.status, &read.tags, &read.resource), (&row.status, &row.tags, &row.resource));
        assert_eq!((read.owner_name(), read.proof()), (Some("mara"), Some("person")));
    }
}

#[test]
fn apply_refuses_what_has_changed_since_the_inventory() {
    let estate = joined(&Policy::default(), &[line("vol-1", &[of_mara()[0]])], &[volume("vol-1", "mara")]);
    let row = estate.fix.rows().next().unwrap();
    let checked = |there: &[(&str, &str)]| {
        let there = there.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        checked(row.clone(), Ok(there), false, Timestamp::UNIX_EPOCH)
    };
    let [owner, principal, by] = of_mara();
    let same = checked(&[owner]);
    assert!(matches!(same.status, Action::Tag(_)) && same.tags.len() == 2, "{same:?}");
    let rest = checked(&[owner, principal, ("Name", "logs")]);
    assert!(matches!(rest.status, Action::Tag(_)) && rest.tags.len() == 1, "{rest:?}");
    // Also if the tag that has changed was there and is not missing.
    for there in
        [&[owner, ("PrincipalId", "AIDAboss")][..], &[owner, ("createdby", "boss")], &[("Owner", "boss")]]
    {
        let Action::Settled { outcome: Outcome::Refused(why), .. } = checked(there).status else {
            panic!("{there:?} is replaced");
        };
        assert!(why.contains("other tags than the plan expects"), "{why}");
    }
    let done = checked(&[owner, principal, by]);
    assert!(matches!(done.status, Action::Settled { outcome: Outcome::AlreadyTagged(_), .. }), "{done:?}");
}

/// The advice and the plan are made by different code.
#[test]
fn a_plan_is_advised_only_for_what_it_has() {
    let opt_out = "[existing]\nopt_out = \"autotag\"\n";
    let policies = ["", "[existing]\nreplace = true\n", opt_out, "policy.profile = \"declared\"\n"];
    let owners = [None, Some("mara"), Some("Mara"), Some("")];
    let principals = [None, Some("AIDAmara"), Some("AIDAboss")];
    let makers = [None, Some("arn:aws:iam::111122223333:user/mara"), Some("terraform")];
    let tags = owners.into_iter().flat_map(|owner| {
        principals.into_iter().flat_map(move |principal| makers.map(|by| (owner, principal, by)))
    });
    let tags = tags.flat_map(|(owner, principal, by)| {
        let own = [("Owner", owner), ("PrincipalId", principal), ("CreatedBy", by)];
        let own: Vec<(&str, &str)> = own.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        let others = [None, Some(("autotag", "off")), Some(("owner", "boss")), Some(("Name", "x"))];
        others.map(|more| own.iter().copied().chain(more).collect::<Vec<_>>())
    });
    let cases: Vec<(String, Vec<(&str, &str)>)> =
        tags.enumerate().map(|(at, tags)| (format!("vol-{at}"), tags)).collect();
    let lines: Vec<Value> = cases.iter().map(|(id, tags)| line(id, tags)).collect();
    let records: Vec<Value> = cases.iter().map(|(id, _)| volume(id, "mara")).collect();
    for policy in policies.map(|text| Policy::from_toml(text).unwrap()) {
        let estate = joined(&policy, &lines, &records);
        let planned = written(&estate);
        let advised = estate.entries.iter().filter(|entry| entry.verdict.next.contains("--fix"));
        let advised: Vec<&str> = advised.map(|entry| entry.resource.id.as_str()).collect();
        assert!(!advised.is_empty());
        for (id, tags) in cases.iter().filter(|(id, _)| advised.contains(&id.as_str())) {
            assert!(planned.contains_key(id), "{tags:?} are not in the plan");
        }
    }
}

/// How a resource of a generated estate came to be, and which tags it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    Untagged,
    Half,
    Complete,
    OfBoss,
    Name,
    Service,
    NotInTrail,
    NotListed,
}

const TRUTHS: [Truth; 8] = [
    Truth::Untagged,
    Truth::Half,
    Truth::Complete,
    Truth::OfBoss,
    Truth::Name,
    Truth::Service,
    Truth::NotInTrail,
    Truth::NotListed,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_rows_of_a_generated_estate_are_exactly_the_right_ones(
        truths in proptest::collection::vec((proptest::sample::select(&TRUTHS[..]), 0_usize..4), 1..80),
    ) {
        let users = ["mara", "jonas", "priya", "lena"];
        let (mut lines, mut records, mut expected) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (at, (truth, user)) in truths.iter().enumerate() {
            let (id, user) = (format!("vol-{at:05}"), users[*user]);
            let own = [("Owner", user.to_owned()), ("PrincipalId", format!("AIDA{user}")),
                ("CreatedBy", format!("arn:aws:iam::{ACCOUNT}:user/{user}"))];
            let own: Vec<(&str, &str)> = own.iter().map(|(key, value)| (*key, value.as_str())).collect();
            let tags = match truth {
                Truth::Half => &own[..1],
                Truth::Complete => &own[..],
                Truth::OfBoss => &[("Owner", "boss")][..],
                _ => &[][..],
            };
            match truth {
                Truth::Name => records.push(by_session(&id, user)),
                Truth::Service => records.push(by_service(&id)),
                Truth::NotInTrail => {}
                _ => records.push(volume(&id, user)),
            }
            if *truth != Truth::NotListed {
                lines.push(line(&id, tags));
            }
            if matches!(truth, Truth::Untagged | Truth::Half) {
                let missing = own.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
                expected.insert(id, missing.collect::<Vec<_>>());
            }
        }
        let estate = joined(&Policy::default(), &lines, &records);
        prop_assert_eq!(written(&estate), expected);
        let of_boss = truths.iter().filter(|(truth, _)| *truth == Truth::OfBoss).count();
        prop_assert_eq!(estate.fix.others, of_boss as u64);
    }
}
