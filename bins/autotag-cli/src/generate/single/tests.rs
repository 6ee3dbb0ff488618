use super::*;
use autotag_handlers::catalog::Catalog;
use autotag_model::policy::Policy;

fn inventory() -> Inventory {
    Inventory::new(Catalog::embedded().services().unwrap(), Policy::from_toml("").unwrap())
}

/// The parts as they are generated.
fn parts() -> (Template, Template) {
    let of = |files: Result<Vec<GeneratedFile>>| Template::parse(&text(files.unwrap()).unwrap());
    (of(hub::files(&inventory())), of(session::files(&inventory())))
}

/// AWS reads templates of at most a megabyte from S3, with at most 500 resources and 200 parameters.
#[test]
fn it_is_within_the_limits_of_aws() {
    let file = files(&inventory()).unwrap().remove(0);
    assert!(file.text.len() < 1_000_000, "{} bytes", file.text.len());
    let template = Template::parse(&file.text);
    assert!(template.of(Section::Resources).count() <= 500);
    assert!(template.of(Section::Parameters).count() <= 200);
}

/// A resource that a part gets is in the composed template, without a change of it.
#[test]
fn what_the_hub_and_the_sessions_have_is_there() {
    let all = hub_and_sessions(&inventory()).unwrap();
    let (hub, session) = parts();
    for section in
        [Section::Parameters, Section::Conditions, Section::Rules, Section::Resources, Section::Outputs]
    {
        for entry in hub.of(section) {
            assert!(all.has(section, &entry.id), "{section:?} lacks {} of the hub", entry.id);
        }
    }
    for entry in session.of(Section::Resources) {
        assert!(all.has(Section::Resources, &entry.id), "{} of the sessions", entry.id);
    }
}

#[test]
fn a_parameter_of_both_parts_without_a_decision_fails() {
    let (mut hub, mut session) = parts();
    let further = "Parameters:\n  Further:\n    Type: String\n    Default: 1\n";
    hub.merge(Template::parse(further), "").unwrap();
    session.merge(Template::parse(&further.replace('1', "2")), "").unwrap();
    let error = add_sessions(&mut hub, &mut session).unwrap_err().to_string();
    assert!(error.contains("`Further` in Parameters of session.yaml differs"), "{error}");
}

#[test]
fn a_shared_parameter_that_the_hub_does_not_have_fails() {
    let (mut hub, mut session) = parts();
    hub.remove(Section::Parameters, "Invoke").unwrap();
    let error = add_sessions(&mut hub, &mut session).unwrap_err().to_string();
    assert!(error.contains("`Invoke`"), "{error}");
}

/// A quick-create link gives the bucket; everything else has a default.
#[test]
fn only_the_code_bucket_has_to_be_given() {
    let template = Template::parse(&files(&inventory()).unwrap().remove(0).text);
    let without = |entry: &&Entry| entry.property(4, "Default").is_none();
    let needed: Vec<&str> =
        template.of(Section::Parameters).filter(without).map(|entry| entry.id.as_str()).collect();
    assert_eq!(needed, ["CodeBucket"]);
}
