use super::*;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::owner::{Owner, Proof};
use autotag_model::arn::{AccountId, Partition, Region};
use autotag_model::rule::{Resource, Scope};

fn filter(args: &FilterArgs) -> Filter {
    Filter::new(args, &CheckArgs::default(), &Catalog::embedded()).unwrap()
}

/// The filters of a command line.
fn args(line: &str) -> FilterArgs {
    use clap::Parser as _;
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        filter: FilterArgs,
    }
    Line::try_parse_from(["plan"].into_iter().chain(line.split_whitespace())).unwrap().filter
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
    for (args, matches) in [
        (args("--owner mara@example.com"), true),
        (args("--owner bob,mara@*"), true),
        (args("--owner mara"), false),
        (args("--owner mara@* --service ec2"), true),
        (args("--owner mara@* --service EC2.amazonaws.com"), true),
        (args("--owner mara@* --service s3"), false),
        (args("--owner bob --service ec2"), false),
    ] {
        assert_eq!(filter(&args).matches(&row()), matches, "{args:?}");
    }
}

#[test]
fn account_region_and_type_are_those_of_the_resource() {
    let row = row();
    for (args, matches) in [
        (args("--account 111122223333"), true),
        (args("--account 444455556666"), false),
        (args("--region eu-*"), true),
        (args("--region us-*"), false),
        (args("--type AWS::EC2::Volume"), true),
        (args("--type ec2::volume"), true),
        (args("--type EC2::*"), true),
        (args("--type EC2::VPC"), false),
        (args("--proof person"), true),
        (args("--proof name-only,service"), false),
    ] {
        assert_eq!(filter(&args).matches(&row), matches, "{args:?}");
    }
}

#[test]
fn a_row_without_an_owner_matches_no_name() {
    let mut row = row();
    row.owner = None;
    assert!(filter(&FilterArgs::default()).matches(&row));
    assert!(!filter(&args("--owner *")).matches(&row));
}

/// Otherwise an error would be hidden, and `apply` would take the file of its record for done.
#[test]
fn a_row_that_could_not_be_decided_is_of_every_owner() {
    let why = || "why".to_owned();
    for outcome in [Outcome::Deferred(why()), Outcome::Refused(why()), Outcome::Malformed(why())] {
        let of_somebody = row().with_status(outcome);
        let mut of_nobody = of_somebody.clone();
        of_nobody.owner = None;
        for (args, matches) in [
            (args("--owner bob"), true),
            (args("--proof service"), true),
            (args("--owner bob --service s3"), false),
            (args("--type EC2::VPC"), false),
        ] {
            assert_eq!(filter(&args).matches(&of_somebody), matches, "{args:?}");
            assert_eq!(filter(&args).matches(&of_nobody), matches, "{args:?}");
        }
        of_nobody.resource_type = None;
        let of_one_type = args("--type EC2::VPC");
        assert!(filter(&of_one_type).matches(&of_nobody));
    }
}

#[test]
fn a_type_of_no_rule_is_refused_with_the_nearest_one() {
    for (wrong, near) in [("EC2::Volum", "EC2::Volume"), ("VPC", "EC2::VPC")] {
        let args = args(&format!("--type {wrong}"));
        let error = Filter::new(&args, &CheckArgs::default(), &Catalog::embedded()).unwrap_err().to_string();
        let hint = format!("did you mean `{near}`?");
        assert!(error.contains(&format!("--type {wrong}")) && error.contains(&hint), "{error}");
    }
}

#[test]
fn a_service_that_is_not_known_is_refused_with_the_nearest_one() {
    let of = |service: &str| {
        let args = args(&format!("--service {service}"));
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
    let filter = filter(&args("--owner mara@*,bob,maria@example.com --service lamda.amazonaws.com,ec2"));
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
        (args("--account 444455556666"), true),
        (args("--account 111122223333"), false),
        (args("--owner bob"), true),
        (args("--type EC2::*"), false),
    ] {
        assert_eq!(filter(&args).counts_uncovered(&event), counts, "{args:?}");
    }
}

#[test]
fn it_is_described_as_on_the_command_line() {
    let args = args("--owner a,b --proof name-only");
    assert_eq!(filter(&args).describe(), "--owner a,b --proof name-only");
    assert_eq!(filter(&FilterArgs::default()).describe(), "");
}
