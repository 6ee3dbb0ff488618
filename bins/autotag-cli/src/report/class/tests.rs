//! The classes, by a table and by properties.

use super::*;
use proptest::prelude::*;

fn maker(name: Option<&str>, proof: Option<Proof>) -> Maker<'_> {
    Maker {
        name,
        proof,
        written: None,
        is_service: false,
        missing_session: None,
        may_have_found: false,
        undecided: None,
    }
}

fn facts<'a>(maker: Option<Maker<'a>>, declared: Option<&'a str>) -> Facts<'a> {
    Facts {
        maker,
        declared,
        identity: Identity::NotCompared,
        by_service: false,
        changed_by: None,
        is_refused: false,
        unwritten: None,
        gap: Gap::NotFound(Some("2026-03-01")),
    }
}

fn told(facts: &Facts<'_>) -> (Class, String, String) {
    let verdict = classify(facts);
    (verdict.class, verdict.reason.into_owned(), verdict.next.into_owned())
}

#[test]
fn what_is_known_decides_the_class() {
    let person = || Some(maker(Some("mara"), Some(Proof::Person)));
    let workload = || Some(maker(Some("repo:shop"), Some(Proof::Workload)));
    let named = || Some(maker(Some("night-job"), Some(Proof::NameOnly)));
    let service = Some(Maker { is_service: true, ..maker(Some("autoscaling"), Some(Proof::Service)) });
    let of_parent = Some(maker(Some("mara"), Some(Proof::Service)));
    let with = |identity, facts: Facts<'static>| Facts { identity, ..facts };
    for (case, facts, class) in [
        ("a person", facts(person(), None), Class::ProvenPerson),
        ("a person with their tag", facts(person(), Some("mara")), Class::ProvenPerson),
        ("case and spaces do not count", facts(person(), Some(" Mara ")), Class::ProvenPerson),
        ("another one is declared", facts(person(), Some("boss")), Class::Disagree),
        ("a mail address may be of another one", facts(person(), Some("mara@example.com")), Class::Disagree),
        ("a workload", facts(workload(), None), Class::ProvenWorkload),
        ("a workload, and a person is declared", facts(workload(), Some("mara")), Class::Disagree),
        ("tags were changed", with(Identity::Changed, facts(person(), Some("boss"))), Class::Tampered),
        ("the owner tag was taken off", with(Identity::Changed, facts(workload(), None)), Class::Tampered),
        (
            "the ledger says that they were taken off",
            Facts { changed_by: Some("eve"), ..with(Identity::Missing, facts(person(), None)) },
            Class::Tampered,
        ),
        (
            "they were taken off, and nobody knows the tags now",
            Facts { changed_by: Some("eve"), ..facts(named(), None) },
            Class::Tampered,
        ),
        (
            "they were taken off, and are there again",
            Facts { changed_by: Some("eve"), ..with(Identity::Intact, facts(person(), Some("mara"))) },
            Class::ProvenPerson,
        ),
        (
            "without a creation no tags were autotag's",
            Facts { changed_by: Some("eve"), ..facts(None, Some("mara")) },
            Class::DeclaredOnly,
        ),
        ("tags are missing", with(Identity::Missing, facts(person(), None)), Class::ProvenPerson),
        ("tags are there", with(Identity::Intact, facts(person(), Some("mara"))), Class::ProvenPerson),
        ("a name", facts(named(), None), Class::NameOnly),
        ("a name that is in the tag", facts(named(), Some("night-job")), Class::NameOnly),
        ("a name, and another one is declared", facts(named(), Some("mara")), Class::DeclaredOnly),
        ("an owner without a proof", facts(Some(maker(Some("x"), None)), None), Class::NameOnly),
        ("a service", facts(service, None), Class::ServiceMade),
        ("a service, and somebody is declared", facts(service, Some("mara")), Class::DeclaredOnly),
        ("a service for the owner of the parent", facts(of_parent, Some("boss")), Class::ServiceMade),
        ("nobody is named", facts(Some(maker(None, None)), None), Class::Unknown),
        ("nobody is named but by the tag", facts(Some(maker(None, None)), Some("mara")), Class::DeclaredOnly),
        ("no creation", facts(None, None), Class::Unknown),
        ("no creation, and a tag", facts(None, Some("mara")), Class::DeclaredOnly),
        (
            "no creation, and a mark of AWS",
            Facts { by_service: true, ..facts(None, None) },
            Class::ServiceMade,
        ),
        (
            "no creation, a mark of AWS and a tag",
            Facts { by_service: true, ..facts(None, Some("mara")) },
            Class::DeclaredOnly,
        ),
    ] {
        assert_eq!(classify(&facts).class, class, "{case}");
    }
}

#[test]
fn the_next_step_follows_from_the_reason() {
    for (gap, reason, next) in [
        (Gap::NoTrail, "no trail was read", "add --trail"),
        (Gap::NoRule, "no rule for this type", "write a rule"),
        (
            Gap::BeforeTrail("2026-03-01"),
            "created before the first creation of the trail, which is of 2026-03-01",
            "the log files of its creation",
        ),
        (
            Gap::OtherAccount("111122223333"),
            "no creation in its account",
            "add the trail of account 111122223333",
        ),
        (Gap::OtherTime, "another resource", "the log files of its creation"),
        (
            Gap::NotFound(Some("2026-03-01")),
            "its creation is not in the trail, whose first creation is of 2026-03-01",
            "older log files",
        ),
        (Gap::NotFound(None), "its creation is not in the trail, which has no creation", "older log files"),
    ] {
        let (class, told_reason, told_next) = told(&Facts { gap, ..facts(None, None) });
        assert_eq!(class, Class::Unknown);
        assert!(told_reason.contains(reason) && told_next.contains(next), "{told_reason}; {told_next}");
    }
    let missing =
        |missing_session| Maker { missing_session, ..maker(Some("night-job"), Some(Proof::NameOnly)) };
    for (account, next) in [
        (Some("111122223333"), "add the trail of account 111122223333"),
        (Some(""), "add the trail with the AssumeRole record"),
        (None, "require a source identity"),
    ] {
        let (_, reason, told_next) = told(&facts(Some(missing(account)), None));
        assert!(told_next.contains(next), "{told_next}");
        assert_eq!(reason.contains("STS record of the session is missing"), account.is_some());
    }
    let untagged =
        Facts { identity: Identity::Missing, ..facts(Some(maker(Some("mara"), Some(Proof::Person))), None) };
    assert_eq!(told(&untagged).2, APPLY);
    let other =
        Facts { identity: Identity::Other, ..facts(Some(maker(Some("mara"), Some(Proof::Person))), None) };
    assert!(told(&other).2.contains("autotag apply --replace"), "a plan of --fix leaves it out");
    let undecided = Maker { undecided: Some("access denied"), ..maker(None, None) };
    assert!(told(&facts(Some(undecided), None)).1.contains("access denied"));
}

#[test]
fn nobody_is_told_to_tag_what_gets_no_tags() {
    let person = || Some(maker(Some("mara"), Some(Proof::Person)));
    let service = Some(Maker { is_service: true, ..maker(Some("autoscaling"), Some(Proof::Service)) });
    for (of, declared, identity) in [
        (person(), None, Identity::NotCompared),
        (person(), None, Identity::Missing),
        (person(), Some("mara"), Identity::Missing),
        (person(), Some("boss"), Identity::Missing),
        (service, None, Identity::NotCompared),
    ] {
        let untaggable = Facts { identity, unwritten: Some("AWS cannot tag it"), ..facts(of, declared) };
        let (class, reason, next) = told(&untaggable);
        assert!(!next.contains("apply") && !next.contains("by hand"), "{next}");
        assert_eq!(reason.ends_with("; AWS cannot tag it"), class == Class::ProvenPerson, "{reason}");
    }
}

#[test]
fn a_name_that_a_tag_cannot_have_is_known_as_it_was_written() {
    let odd = Maker { written: Some("o_neil"), ..maker(Some("o'neil"), Some(Proof::Person)) };
    for (declared, class) in
        [("o_neil", Class::ProvenPerson), ("o'neil", Class::ProvenPerson), ("oneil", Class::Disagree)]
    {
        assert_eq!(classify(&facts(Some(odd), Some(declared))).class, class, "{declared}");
    }
}

#[test]
fn a_call_that_may_have_found_the_resource_says_so() {
    let first = Maker { may_have_found: true, ..maker(Some("mara"), Some(Proof::Person)) };
    let (class, reason, _) = told(&facts(Some(first), None));
    assert!(class == Class::ProvenPerson && reason.contains("first call"), "{reason}");
}

#[test]
fn every_class_has_its_own_name() {
    for class in Class::ALL {
        let value = clap::ValueEnum::to_possible_value(&class).unwrap();
        assert_eq!(value.get_name(), class.as_str(), "help and output name it alike");
        assert_eq!(Class::ALL.iter().filter(|other| other.words() == class.words()).count(), 1);
    }
}

fn proofs() -> impl Strategy<Value = Option<Proof>> {
    proptest::option::of(proptest::sample::select(vec![
        Proof::Person,
        Proof::Workload,
        Proof::Service,
        Proof::NameOnly,
    ]))
}

fn names() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(
        proptest::sample::select(vec!["mara", "MARA", "bob", "a b", "\u{202e}x"]).prop_map(str::to_owned),
    )
}

proptest! {
    #[test]
    fn nothing_is_proven_that_the_trail_does_not_prove(
        has_maker in any::<bool>(),
        name in names(),
        proof in proofs(),
        declared in names(),
        identity in proptest::sample::select(vec![
            Identity::NotCompared, Identity::Intact, Identity::Missing, Identity::Other, Identity::Changed,
        ]),
        by_service in any::<bool>(),
        is_service in any::<bool>(),
        missing in proptest::option::of(Just("111122223333")),
    ) {
        let maker = Maker {
            name: name.as_deref(), proof,
            written: None,
            is_service,
            missing_session: missing, may_have_found: false, undecided: None,
        };
        let facts = Facts {
            maker: has_maker.then_some(maker),
            declared: declared.as_deref(),
            identity,
            by_service,
            changed_by: None,
            is_refused: false,
            unwritten: None,
            gap: Gap::NotFound(Some("2026-03-01")),
        };
        let verdict = classify(&facts);
        prop_assert!(!verdict.reason.is_empty());
        let proven = |wanted| has_maker && name.is_some() && proof == Some(wanted);
        match verdict.class {
            Class::ProvenPerson => prop_assert!(proven(Proof::Person)),
            Class::ProvenWorkload => prop_assert!(proven(Proof::Workload)),
            Class::Disagree => {
                prop_assert!(proven(Proof::Person) || proven(Proof::Workload));
                prop_assert!(declared.is_some() && declared != name);
            }
            Class::DeclaredOnly => {
                prop_assert!(declared.is_some());
                prop_assert!(!proven(Proof::Person) && !proven(Proof::Workload));
            }
            Class::NameOnly => prop_assert!(has_maker && name.is_some()),
            Class::ServiceMade => prop_assert!(proven(Proof::Service) || (!has_maker && by_service)),
            Class::Tampered => prop_assert!(has_maker && identity == Identity::Changed),
            Class::Unknown => prop_assert!(declared.is_none() && !(has_maker && name.is_some())),
        }
    }
}
