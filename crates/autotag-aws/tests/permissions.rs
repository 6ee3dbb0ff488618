//! The IAM actions that we ask for are those that our calls need: no call without one, none without a call.
#![cfg(feature = "backend")]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use autotag_aws::backend::permissions::PERMISSIONS;
use autotag_handlers::catalog::Catalog;
use autotag_model::rule::{NativeCall, Rule, ServiceRules, TagCall};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// How the operations begin that tag, read and look up.
const VERBS: [&str; 9] = ["Add", "Create", "Describe", "Get", "List", "Put", "Search", "Tag", "Untag"];

/// Files that name codes of errors, which look like operations, or operations that others call.
const NO_ADAPTERS: [&str; 3] = ["documented_answer", "errors", "permissions"];

/// Actions that are not called like the operation of the rule's call, and who asks for them.
const NAMED_OTHERWISE: &[(&str, &str)] = &[
    ("apigateway:POST", "API Gateway names its actions by HTTP's methods: TagResource of version 2"),
    ("apigateway:PUT", "API Gateway names its actions by HTTP's methods: TagResource of version 1"),
    ("codebuild:UpdateProject", "the tagging API updates the project, as there is no tag call"),
    ("elasticbeanstalk:AddTags", "the action behind UpdateTagsForResource that adds tags"),
    ("elasticfilesystem:CreateTags", "the older call, which the tagging API may make"),
    ("s3:GetJobTagging", "the tagging API reads the tags of a job, as writing replaces them"),
    ("s3:PutJobTagging", "the tagging API writes all tags of a job"),
    ("s3:PutObjectVersionTagging", "PutObjectTagging of an object with a version"),
];

fn services() -> Vec<ServiceRules> {
    Catalog::embedded().services().unwrap()
}

/// The operations that a source of ours names, in texts.
fn operations(source: &str) -> BTreeSet<&str> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let texts = code.flat_map(|line| line.split('"').skip(1).step_by(2));
    texts
        .filter(|text| {
            let rest = VERBS.iter().find_map(|verb| text.strip_prefix(verb));
            rest.is_some_and(|rest| {
                rest.starts_with(|c: char| c.is_ascii_uppercase())
                    && rest.bytes().all(|b| b.is_ascii_alphanumeric())
            })
        })
        .collect()
}

/// The adapters: file and text, without the tests in them.
fn adapters() -> BTreeMap<String, String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = fs::read_dir(sources.join("backend")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.chain([sources.join("trail.rs")]);
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let named = files.map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), code)
    });
    named.filter(|(name, _)| !NO_ADAPTERS.contains(&name.as_str())).collect()
}

fn operation(action: &str) -> &str {
    action.split_once(':').map_or(action, |(_, operation)| operation)
}

/// The operations that some action allows: those of the table to their adapter, those of the catalogue to all.
fn allowed(adapter: &str, services: &[ServiceRules]) -> BTreeSet<String> {
    let of_table = PERMISSIONS.iter().filter(|one| one.adapter == adapter).map(|one| one.action);
    let rules = || services.iter().flat_map(|service| &service.rules);
    let of_rules = rules().flat_map(|rule| rule.iam_actions().into_iter().chain(rule.read_actions()));
    of_table.chain(of_rules).map(|action| operation(action).to_owned()).collect()
}

/// The operations of an adapter that nothing allows.
fn not_allowed(adapter: &str, source: &str, services: &[ServiceRules]) -> Vec<String> {
    let allowed = allowed(adapter, services);
    operations(source).into_iter().filter(|name| !allowed.contains(*name)).map(str::to_owned).collect()
}

#[test]
fn every_call_of_an_adapter_is_allowed_by_something() {
    let services = services();
    for (adapter, source) in adapters() {
        let missing = not_allowed(&adapter, &source, &services);
        assert!(
            missing.is_empty(),
            "src/backend/{adapter}.rs calls {missing:?}: add a line to PERMISSIONS in src/backend/permissions.rs"
        );
    }
}

#[test]
fn a_call_that_nothing_allows_is_found() {
    let source = "let x = client.describe_addresses();\nerrors::of_sdk(\"DescribeAddresses\", &error)\n// \"GetNothing\"";
    assert_eq!(not_allowed("related", source, &services()), ["DescribeAddresses"]);
    assert_eq!(not_allowed("related", "\"DescribeInstances\"", &services()), <[&str; 0]>::default());
    let elsewhere = not_allowed("users", "\"DescribeInstances\"", &services());
    assert_eq!(elsewhere, ["DescribeInstances"], "a line allows its own adapter only");
}

#[test]
fn every_line_is_for_a_call_that_is_made() {
    let adapters = adapters();
    for one in PERMISSIONS {
        let source = adapters.get(one.adapter).unwrap_or_else(|| panic_no_file(one.adapter));
        assert!(
            operations(source).contains(operation(one.action)),
            "{} is for src/backend/{}.rs, which does not call it",
            one.action,
            one.adapter
        );
    }
}

#[expect(clippy::panic, reason = "helpers of tests are tests")]
fn panic_no_file(name: &str) -> ! {
    panic!("src/backend/{name}.rs is not there")
}

/// The calls that a rule may send when it tags.
fn calls(rule: &Rule) -> Vec<&NativeCall> {
    let own = match &rule.call {
        TagCall::Native(call) => Some(&**call),
        _ => None,
    };
    own.into_iter().chain(rule.fallback.as_deref()).collect()
}

/// The actions of a rule that nothing of it calls. Without a call of its own, the tagging API needs them; whether they are
/// those of the kind of resource is checked against IAM's data (`conformance.rs` of autotag-handlers).
fn needless(rule: &Rule) -> Vec<&str> {
    let calls = calls(rule);
    if calls.is_empty() && rule.call == TagCall::TaggingApi {
        return Vec::new();
    }
    let called = |action: &&str| {
        let of_write = calls.iter().any(|call| call.write.name == operation(action));
        let of_read =
            calls.iter().any(|call| call.replaces && call.read_actions.iter().any(|one| one == action));
        of_write || of_read
    };
    let actions = rule.actions.iter().map(String::as_str);
    actions
        .filter(|action| !called(action) && !NAMED_OTHERWISE.iter().any(|(name, _)| name == action))
        .collect()
}

#[test]
fn every_action_of_a_rule_is_called_by_the_rule() {
    let mut wrong = BTreeMap::new();
    for service in services() {
        for rule in &service.rules {
            for action in needless(rule) {
                let calls: Vec<&str> = calls(rule).iter().map(|call| call.write.name.as_str()).collect();
                wrong.insert(action.to_owned(), format!("{} {:?} {}", rule.event, calls, rule.call.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "needed by no call: {wrong:#?}");
}

/// An exception that no call needs any more must be removed.
#[test]
fn every_exception_is_one() {
    let services = services();
    let rules = || services.iter().flat_map(|service| &service.rules);
    for (action, why) in NAMED_OTHERWISE {
        assert!(rules().any(|rule| rule.actions.iter().any(|one| one == action)), "{action}: {why}");
    }
}

#[test]
fn an_action_that_no_call_needs_is_found() {
    let text = "source = \"x.amazonaws.com\"\nname = \"X\"\nactions = [\"sqs:TagQueue\", \"sqs:DeleteQueue\"]\n\
                tag = \"TagQueue\"\n[native.TagQueue]\napi = \"sdk\"\nparams = {}\ntags = \"Tags\"\nshape = \"map\"\n\
                [[rule]]\nevent = \"E\"\ntype = \"AWS::X::Y\"\nid = \"response.x\"\n";
    let rules = ServiceRules::from_toml(text).unwrap();
    assert_eq!(rules.rules.iter().flat_map(|rule| needless(rule)).collect::<Vec<_>>(), ["sqs:DeleteQueue"]);
}

#[test]
fn every_rule_can_have_its_tags_read() {
    for service in services() {
        for rule in service.rules.iter().filter(|rule| rule.call != TagCall::None) {
            assert!(!rule.read_actions().is_empty(), "{} {}", service.source, rule.event);
        }
    }
}
