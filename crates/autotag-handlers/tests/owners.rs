//! Tests of owners, by the scenarios of `fixtures/owners`: each file holds the records of one creation and of the
//! STS calls before it, and `expected.csv` says the owner that they lead to.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::Classifier;
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::plan::{Action, PlannedResource, Planner};
use autotag_handlers::records::ClassifiedRecords;
use autotag_model::policy::{Policy, TagTemplate};
use autotag_model::subject::examples;
use futures_executor::block_on;
use session_store::MemoryStore;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One row of `expected.csv`.
struct Expected<'t> {
    file: &'t str,
    /// A policy file of the folder; empty for the built-in policy.
    policy: &'t str,
    /// Owner, source, proof, claimed, channel; empty if the row has none.
    owner: [&'t str; 5],
    /// `Key=value` of a tag that is written, `Key=` of one that is not; empty if the row says nothing of other tags.
    tag: &'t str,
}

impl<'t> Expected<'t> {
    fn of(line: &'t str) -> Self {
        let fields: Vec<&str> = line.split(',').collect();
        let &[file, policy, owner, source, proof, claimed, channel, tag, why] = fields.as_slice() else {
            panic!("`{line}` has not nine fields");
        };
        assert!(!why.is_empty(), "{file}: a reader has to learn why");
        Self { file, policy, owner: [owner, source, proof, claimed, channel], tag }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn folder() -> PathBuf {
    root().join("fixtures/owners")
}

fn table() -> String {
    fs::read_to_string(folder().join("expected.csv")).unwrap()
}

fn rows(table: &str) -> Vec<Expected<'_>> {
    table.lines().skip(1).map(Expected::of).collect()
}

/// The only resource that the records of a file lead to, as it is planned with a policy.
fn planned(expected: &Expected<'_>) -> PlannedResource {
    let policy = match expected.policy {
        "" => Policy::default(),
        file => Policy::from_toml(&fs::read_to_string(folder().join(file)).unwrap()).unwrap(),
    };
    let classifier = Classifier::new(Catalog::embedded(), policy.clone());
    let records = ClassifiedRecords::read(fs::File::open(folder().join(expected.file)).unwrap(), &classifier);
    let (sessions, backend) = (MemoryStore::new(), MemoryBackend::new());
    let now = "2026-06-08T12:00:00Z".parse().unwrap();
    let plan = block_on(Planner::new(&policy, &sessions, &backend, now).plan(records));
    let mut resources: Vec<PlannedResource> = plan.into_resources().collect();
    assert_eq!(resources.len(), 1, "{}: {resources:?}", expected.file);
    resources.remove(0)
}

/// The differences between the plan and the table; empty if there are none.
fn differences(expected: &Expected<'_>) -> Vec<String> {
    let row = planned(expected);
    let mut differences = Vec::new();
    // Without a person behind a call, the built-in policy has no tag.
    if matches!(row.status, Action::Tag(_)) == expected.owner[0].is_empty() {
        differences.push(format!("{}: {:?}", expected.file, row.status));
    }
    let found = [row.owner_name(), row.owner_source(), row.proof(), row.claimed(), row.channel()]
        .map(Option::unwrap_or_default);
    if found != expected.owner {
        let chain = row.owner.as_ref().map(|owner| &owner.chain);
        differences
            .push(format!("{}: expected {:?}, found {found:?}, by {chain:?}", expected.file, expected.owner));
    }
    if let Some((key, value)) = expected.tag.split_once('=')
        && row.tags.get(key).map_or("", |known| known.as_str()) != value
    {
        differences
            .push(format!("{}: expected the tag {}, found {:?}", expected.file, expected.tag, row.tags));
    }
    differences
}

#[test]
fn every_scenario_leads_to_the_owner_of_the_table() {
    let table = table();
    let differences: Vec<String> = rows(&table).iter().flat_map(differences).collect();
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[test]
fn the_table_has_every_file_once() {
    let table = table();
    let rows = rows(&table);
    let named: BTreeSet<String> = rows.iter().map(|row| row.file.to_owned()).collect();
    assert_eq!(named.len(), rows.len(), "no file has two rows");
    let scenarios: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.split_once('.').is_some_and(|(_, extension)| extension == "jsonl"))
        .collect();
    assert_eq!(named, scenarios);
    assert!(named.len() >= 40, "{} scenarios", named.len());
}

/// Two mechanisms, two commits, two phases: one owner.
#[test]
fn what_changes_from_run_to_run_does_not_change_the_owner() {
    let table = table();
    let owner_of = |name: &str| {
        let rows = rows(&table);
        let row = rows.iter().find(|row| row.file.contains(name)).unwrap();
        planned(row).owner_name().unwrap().to_owned()
    };
    for (one, other) in [
        ("-github.jsonl", "-github-immutable-subject.jsonl"),
        ("-buildkite.jsonl", "-buildkite-another-commit.jsonl"),
        ("-terraform-plan.jsonl", "-terraform-apply.jsonl"),
        ("-pod-identity.jsonl", "-service-account-by-oidc.jsonl"),
    ] {
        assert_eq!(owner_of(one), owner_of(other), "{one}, {other}");
    }
}

#[test]
fn the_pages_have_every_source_channel_and_subject() {
    let output = fs::read_to_string(root().join("docs/output.md")).unwrap();
    assert!(output.contains("(subjects.md)"), "docs/output.md does not link to the table of subjects");
    let subjects = fs::read_to_string(root().join("docs/subjects.md")).unwrap();
    for example in examples() {
        let row = format!("| `{}` | `{}` |", example.subject, example.owner);
        assert!(subjects.contains(&row), "docs/subjects.md has no row {row}");
    }
    let table = table();
    for [_, source, proof, _, channel] in rows(&table).into_iter().map(|row| row.owner) {
        for name in
            [source, proof, channel].into_iter().filter(|name| !name.is_empty() && !name.contains('.'))
        {
            assert!(output.contains(&format!("`{name}`")), "docs/output.md does not say what `{name}` is");
        }
    }
}

#[test]
fn every_placeholder_is_documented() {
    let read = |page: &str| fs::read_to_string(root().join(page)).unwrap();
    let (configuration, subjects) = (read("docs/configuration.md"), read("docs/subjects.md"));
    let has = |page: &str, name: &str| page.lines().any(|line| line.contains(&format!("`{name}`")));
    let documented = |name: &str| {
        // The table of subjects names the parts of a subject without `subject.`.
        let part = name.strip_prefix("subject.").is_some_and(|part| has(&subjects, part));
        has(&configuration, name) || part || has(&subjects, name)
    };
    let missing: Vec<&&str> = TagTemplate::placeholders().iter().filter(|name| !documented(name)).collect();
    assert!(missing.is_empty(), "neither docs/configuration.md nor docs/subjects.md has {missing:?}");
}
