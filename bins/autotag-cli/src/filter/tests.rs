use super::*;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::owner::{Owner, Proof};
use autotag_model::arn::{AccountId, Partition, Region};
use autotag_model::rule::{Resource, Scope};

fn filter(args: &FilterArgs) -> Filter {
    Filter::new(args, &CheckArgs::default(), &Catalog::embedded()).unwrap()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The volume of Mara.
fn row() -> Row<Outcome> {
    let mut event = EventSummary::default();
    event.source = "ec2.amazonaws.com".to_owned();
    // The account of the event is another one than that of the resource.
    event.account = Some("444455556666".to_owned());
    let place = Scope {
        partition: Partition::default(),
        region: Region::new("eu-west-1"),
        account: AccountId::new("111122223333"),
    };
    let resource = Resource::new("AWS::EC2::Volume", "vol-1", None, &place);
    let mut row = Row::of_resource(Arc::new(event), resource, Outcome::Tagged);
    let mut owner = Owner::default();
    (owner.name, owner.proof) = (Some("Mara@example.com".to_owned()), Some(Proof::Person));
    row.owner = Some(Arc::new(owner));
    row
}

#[test]
fn values_of_one_option_are_alternatives_and_options_must_all_match() {
    let of = |owner: &[&str], service: &[&str]| FilterArgs {
        owner: texts(owner),
        service: texts(service),
        ..FilterArgs::default()
    };
    for (args, matches) in [
        (of(&["mara@example.com"], &[]), true),
        (of(&["bob", "mara@*"], &[]), true),
        (of(&["mara"], &[]), false),
        (of(&["mara@*"], &["ec2"]), true),
        (of(&["mara@*"], &["EC2.amazonaws.com"]), true),
        (of(&["mara@*"], &["s3"]), false),
        (of(&["bob"], &["ec2"]), false),
    ] {
        assert_eq!(filter(&args).matches(&row()), matches, "{args:?}");
    }
}

#[test]
fn account_region_and_type_are_those_of_the_resource() {
    let (none, row) = (FilterArgs::default, row());
    for (args, matches) in [
        (FilterArgs { account: texts(&["111122223333"]), ..none() }, true),
        (FilterArgs { account: texts(&["444455556666"]), ..none() }, false),
        (FilterArgs { region: texts(&["eu-*"]), ..none() }, true),
        (FilterArgs { region: texts(&["us-*"]), ..none() }, false),
        (FilterArgs { resource_type: texts(&["AWS::EC2::Volume"]), ..none() }, true),
        (FilterArgs { resource_type: texts(&["ec2::volume"]), ..none() }, true),
        (FilterArgs { resource_type: texts(&["EC2::*"]), ..none() }, true),
        (FilterArgs { resource_type: texts(&["EC2::VPC"]), ..none() }, false),
        (FilterArgs { proof: vec![ProofArg::Person], ..none() }, true),
        (FilterArgs { proof: vec![ProofArg::NameOnly, ProofArg::Service], ..none() }, false),
    ] {
        assert_eq!(filter(&args).matches(&row), matches, "{args:?}");
    }
}

#[test]
fn a_row_without_an_owner_matches_no_name() {
    let mut row = row();
    row.owner = None;
    assert!(filter(&FilterArgs::default()).matches(&row));
    assert!(!filter(&FilterArgs { owner: texts(&["*"]), ..FilterArgs::default() }).matches(&row));
}

/// Otherwise an error would be hidden, and `apply` would take the file of its record for done.
#[test]
fn a_row_that_could_not_be_decided_is_of_every_owner() {
    let why = || "why".to_owned();
    let none = FilterArgs::default;
    for outcome in [Outcome::Deferred(why()), Outcome::Refused(why()), Outcome::Malformed(why())] {
        let of_somebody = row().with_status(outcome);
        let mut of_nobody = of_somebody.clone();
        of_nobody.owner = None;
        for (args, matches) in [
            (FilterArgs { owner: texts(&["bob"]), ..none() }, true),
            (FilterArgs { proof: vec![ProofArg::Service], ..none() }, true),
            (FilterArgs { owner: texts(&["bob"]), service: texts(&["s3"]), ..none() }, false),
            (FilterArgs { resource_type: texts(&["EC2::VPC"]), ..none() }, false),
        ] {
            assert_eq!(filter(&args).matches(&of_somebody), matches, "{args:?}");
            assert_eq!(filter(&args).matches(&of_nobody), matches, "{args:?}");
        }
        of_nobody.resource_type = None;
        let of_one_type = FilterArgs { resource_type: texts(&["EC2::VPC"]), ..none() };
        assert!(filter(&of_one_type).matches(&of_nobody));
    }
}

#[test]
fn a_type_of_no_rule_is_refused_with_the_nearest_one() {
    for (wrong, near) in [("EC2::Volum", "EC2::Volume"), ("VPC", "EC2::VPC")] {
        let args = FilterArgs { resource_type: texts(&[wrong]), ..FilterArgs::default() };
        let error = Filter::new(&args, &CheckArgs::default(), &Catalog::embedded()).unwrap_err().to_string();
        let hint = format!("did you mean `{near}`?");
        assert!(error.contains(&format!("--type {wrong}")) && error.contains(&hint), "{error}");
    }
}

#[test]
fn a_service_that_is_not_known_is_refused_with_the_nearest_one() {
    let of = |service: &str| {
        let args = FilterArgs { service: texts(&[service]), ..FilterArgs::default() };
        Filter::new(&args, &CheckArgs::default(), &Catalog::embedded())
    };
    let error = of("dynamo").unwrap_err().to_string();
    assert!(error.contains("--service dynamo") && error.contains("did you mean `dynamodb`?"), "{error}");
    // The second has no rule, and the last one is newer than the catalogue.
    for known in ["EC2", "finspace", "dyn*", "newservice.amazonaws.com"] {
        assert!(of(known).is_ok(), "{known}");
    }
}

#[test]
fn values_that_nothing_matched_are_named() {
    let filter = filter(&FilterArgs {
        owner: texts(&["mara@*", "bob", "maria@example.com"]),
        service: texts(&["lamda.amazonaws.com", "ec2"]),
        ..FilterArgs::default()
    });
    filter.matches(&row());
    let mut other = row();
    let mut owner = Owner::default();
    owner.name = Some("mario@example.com".to_owned());
    other.owner = Some(Arc::new(owner));
    filter.matches(&other);
    let said = filter.unmatched(&Catalog::embedded());
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said.iter().any(|text| text.ends_with("--owner bob")), "{said:?}");
    assert!(said.iter().any(|text| text.contains("did you mean `mario@example.com`?")), "{said:?}");
    assert!(
        said.iter().any(|text| text.ends_with("lamda.amazonaws.com; did you mean `lambda`?")),
        "{said:?}"
    );
}

#[test]
fn uncovered_events_are_counted_by_where_they_happened() {
    let event = row().event;
    for (args, counts) in [
        (FilterArgs { account: texts(&["444455556666"]), ..FilterArgs::default() }, true),
        (FilterArgs { account: texts(&["111122223333"]), ..FilterArgs::default() }, false),
        (FilterArgs { owner: texts(&["bob"]), ..FilterArgs::default() }, true),
        (FilterArgs { resource_type: texts(&["EC2::*"]), ..FilterArgs::default() }, false),
    ] {
        assert_eq!(filter(&args).counts_uncovered(&event), counts, "{args:?}");
    }
}

#[test]
fn it_is_described_as_on_the_command_line() {
    let args =
        FilterArgs { owner: texts(&["a", "b"]), proof: vec![ProofArg::NameOnly], ..FilterArgs::default() };
    assert_eq!(filter(&args).describe(), "--owner a,b --proof name-only");
    assert_eq!(filter(&FilterArgs::default()).describe(), "");
}
