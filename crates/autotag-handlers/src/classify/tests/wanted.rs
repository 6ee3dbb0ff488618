//! Records that are skipped without parsing are neither sessions nor creations, nor anything else that is reported.

use super::*;

/// Names of events of every kind, with and without the version of an API.
const NAMES: &[&str] = &[
    "DescribeInstances",
    "AssumeRole",
    "AssumeRoot",
    "GetFederationToken",
    "GetCallerIdentity",
    "CreateSession",
    "CreateThing",
    "CopyThing",
    "Created",
    "CreateControlChannel",
    "DeleteQueue",
    "RunInstances",
    "CreateFunction20150331",
    "PutObject",
];

fn sources(catalog: &Catalog) -> Vec<String> {
    let covered = catalog.services().unwrap().into_iter().map(|service| service.source);
    covered
        .chain(["sts.amazonaws.com", "rolesanywhere.amazonaws.com", "new.amazonaws.com"].map(String::from))
        .collect()
}

#[test]
fn what_is_not_wanted_is_classified_as_other() {
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    let (mut wanted, mut others) = (0, 0);
    for source in sources(classifier.catalog()) {
        for name in NAMES {
            let text = record(&source, name, json!({}), json!({})).to_string();
            let record: Record<'_> = serde_json::from_str(&text).unwrap();
            let is_other = matches!(classifier.classify(&record), Classification::Other);
            if classifier.wants(&source, name) {
                wanted += 1;
            } else {
                others += 1;
                assert!(is_other, "{source} {name}");
            }
        }
    }
    assert!(wanted > 1_000 && others > 1_000, "{wanted} {others}");
}

#[test]
fn every_event_with_a_rule_is_wanted() {
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    for service in classifier.catalog().services().unwrap() {
        for rule in &service.rules {
            assert!(classifier.wants(&service.source, &rule.event), "{} {}", service.source, rule.event);
        }
    }
}
