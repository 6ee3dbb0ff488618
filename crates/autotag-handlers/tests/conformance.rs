//! Every rule of the catalogue, compared with AWS's own data: botocore's models, the Service Authorization Reference and
//! `CloudFormation`'s schemas. A rule that contradicts them is refused, unless `conformance/reviewed.toml` lists it with a
//! reason.
//!
//! `docs/adding-a-service.md` says what each gate refuses and what to do.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

#[path = "conformance/botocore.rs"]
mod botocore;
#[path = "conformance/census.rs"]
mod census;
#[expect(dead_code, reason = "each test file uses a part of it")]
mod common;
#[path = "conformance/decoys.rs"]
mod decoys;
#[path = "common/found.rs"]
mod found;
#[path = "conformance/gates.rs"]
mod gates;
#[path = "conformance/mutants.rs"]
mod mutants;
#[path = "conformance/naming.rs"]
mod naming;
#[path = "conformance/subject.rs"]
mod subject;
#[path = "conformance/tables.rs"]
mod tables;

use botocore::{Botocore, Facts};
use gates::{Finding, GATES};
use mutants::Mutant;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use subject::Subject;
use tables::Tables;

/// The rules with what botocore knows about them, their mutants, and AWS's data.
struct Catalogue {
    tables: Tables,
    rules: Vec<(Subject, Facts)>,
    mutants: Vec<(Mutant, Facts)>,
    misled: Vec<(Subject, Facts)>,
}

/// Creations whose answer has an ARN of another resource, which a tool took for that of the new one: source, event, type,
/// path, and the kind that the type has.
const MISLED: &[[&str; 5]] = &[
    [
        "grafana",
        "CreateWorkspace",
        "AWS::Grafana::Workspace",
        "workspace.workspaceRoleArn",
        "grafana:/workspaces/*",
    ],
    [
        "ec2",
        "CreateLocalGatewayRouteTableVpcAssociation",
        "AWS::EC2::LocalGatewayRouteTableVPCAssociation",
        "localGatewayRouteTableVpcAssociation.localGatewayRouteTableArn",
        "ec2:local-gateway-route-table-vpc-association/*",
    ],
    [
        "ec2",
        "CreateLocalGatewayRouteTableVirtualInterfaceGroupAssociation",
        "AWS::EC2::LocalGatewayRouteTableVirtualInterfaceGroupAssociation",
        "localGatewayRouteTableVirtualInterfaceGroupAssociation.localGatewayRouteTableArn",
        "ec2:local-gateway-route-table-virtual-interface-group-association/*",
    ],
    [
        "ec2",
        "CreateVpcBlockPublicAccessExclusion",
        "AWS::EC2::VPCBlockPublicAccessExclusion",
        "vpcBlockPublicAccessExclusion.resourceArn",
        "ec2:vpc-block-public-access-exclusion/*",
    ],
    [
        "glue",
        "CreateIntegrationResourceProperty",
        "AWS::Glue::IntegrationResourceProperty",
        "resourceArn",
        "glue:integrationresourceproperty/*",
    ],
    [
        "networkmanager",
        "CreateDirectConnectGatewayAttachment",
        "AWS::NetworkManager::DirectConnectGatewayAttachment",
        "directConnectGatewayAttachment.directConnectGatewayArn",
        "networkmanager:attachment/*",
    ],
    [
        "networkmanager",
        "CreateTransitGatewayPeering",
        "AWS::NetworkManager::TransitGatewayPeering",
        "transitGatewayPeering.transitGatewayArn",
        "networkmanager:peering/*",
    ],
    [
        "networkmanager",
        "CreateTransitGatewayRouteTableAttachment",
        "AWS::NetworkManager::TransitGatewayRouteTableAttachment",
        "transitGatewayRouteTableAttachment.transitGatewayRouteTableArn",
        "networkmanager:attachment/*",
    ],
];

fn misled() -> Vec<Subject> {
    let rules = MISLED.iter().map(|[source, event, kind_of_resource, path, kind]| {
        let head = format!("source = \"{source}.amazonaws.com\"\nname = \"x\"\nactions = [\"{source}:TagResource\"]\n");
        let rule = format!(
            "event = \"{event}\"\ntype = \"{kind_of_resource}\"\nid = \"response.{path}\"\nkind = \"{kind}\"\n"
        );
        Subject::new(&head.parse().unwrap(), &rule.parse().unwrap()).unwrap()
    });
    rules.collect()
}

fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let tables = Tables::read();
        let mut botocore = Botocore::start();
        let subjects = subject::all();
        let facts = botocore.ask(&subjects);
        let rules: Vec<(Subject, Facts)> = subjects.into_iter().zip(facts).collect();
        let mutants = mutants::all(&rules, &tables);
        let facts = botocore.ask(mutants.iter().map(|mutant| &mutant.subject));
        let mutants = mutants.into_iter().zip(facts).collect();
        let misled = misled();
        let facts = botocore.ask(&misled);
        let misled = misled.into_iter().zip(facts).collect();
        Catalogue { tables, rules, mutants, misled }
    })
}

/// The rules of the catalogue that a gate refuses, with and without those that people have reviewed.
fn findings(gate: &str) -> Vec<Finding> {
    let all = catalogue();
    let (_, check) = GATES.iter().find(|(name, _)| *name == gate).unwrap();
    all.rules.iter().flat_map(|(rule, facts)| check(rule, facts, &all.tables)).collect()
}

/// Fails with the list of rules that the gate refuses and that are not reviewed.
fn passes(gate: &str, advice: &str) {
    let all = catalogue();
    let open: BTreeSet<String> = findings(gate)
        .into_iter()
        .filter(|finding| !all.tables.is_reviewed(gate, &finding.key))
        .map(|finding| format!("  {:?}, # {}", finding.key, finding.why))
        .collect();
    let list: Vec<String> = open.into_iter().collect();
    assert!(
        list.is_empty(),
        "{} rules. {advice}\nIf a rule is right all the same, list it in conformance/reviewed.toml (gate = \"{gate}\") \
         with the reason:\n{}",
        list.len(),
        list.join("\n")
    );
}

#[test]
fn operations_exist_and_change_something() {
    passes("operation", "Write the event as the API's operation is called.");
}

#[test]
fn paths_are_members_of_requests_and_answers() {
    passes("paths", "Write the path with the members of the operation's request or answer.");
}

#[test]
fn members_are_named_after_the_resource() {
    passes("member", "Take the member that is named after the type, not one of another resource.");
}

#[test]
fn kinds_are_resources_that_the_tag_actions_take() {
    passes("kind", "Write `kind`, `arn` and `actions` as the Service Authorization Reference has them.");
}

#[test]
fn kinds_are_called_like_the_type() {
    passes("kind-name", "Write the `kind` of the resource that the type is.");
}

#[test]
fn arns_of_other_resources_are_never_taken() {
    passes("decoys", "Give the rule a `kind`, or another path.");
}

#[test]
fn types_are_created_by_the_operation() {
    passes("type", "Write the type as CloudFormation calls it.");
}

#[test]
fn sources_of_derived_rules_are_not_ambiguous() {
    passes("source", "Find a record or a page that has the event source, and raise `evidence`.");
}

#[test]
fn calls_that_may_find_an_older_resource_say_so() {
    passes("repeats", "Write `existing = true`.");
}

/// An exception that is none any more hides the next mistake.
#[test]
fn every_reviewed_exception_is_one_and_has_a_reason() {
    let all = catalogue();
    let keys =
        |gate: &str| findings(gate).into_iter().map(|finding| finding.key).collect::<BTreeSet<String>>();
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut faults = Vec::new();
    for entry in &all.tables.reviewed {
        if entry.reason.trim().len() < 10 {
            faults.push(format!("{:?}: a reason is missing", entry.rules));
        }
        if !GATES.iter().any(|(name, _)| *name == entry.gate) {
            faults.push(format!("{}: expected one of the gates of tests/conformance.rs", entry.gate));
            continue;
        }
        let found = found.entry(&entry.gate).or_insert_with(|| keys(&entry.gate));
        let idle = entry.rules.iter().filter(|rule| !found.contains(*rule));
        faults.extend(idle.map(|rule| format!("{}: `{rule}` is listed for nothing", entry.gate)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_type_and_every_tagging_call_has_a_rule_or_a_reason() {
    let all = catalogue();
    let rules: Vec<&Subject> = all.rules.iter().map(|(rule, _)| rule).collect();
    let census = census::take(&rules, &all.tables);
    println!("{census}");
    assert!(census.faults.is_empty(), "{} faults:\n{}", census.faults.len(), census.faults.join("\n"));
    // The package has no README of the workspace; the workspace has.
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md"));
    let counted = census.types_in_words();
    assert!(readme.is_ok_and(|text| text.contains(&counted)), "README.md does not say `{counted}`");
}

/// Rules that a tool derived from AWS's models and that would have tagged another resource.
#[test]
fn arns_that_misled_others_are_refused_by_their_names() {
    let all = catalogue();
    for (rule, facts) in &all.misled {
        assert_eq!((&facts.error, &facts.unknown), (&None, &Vec::new()), "{}", rule.name());
        assert_eq!(gates::member(rule, facts, &all.tables).len(), 1, "{}", rule.name());
        assert_eq!(gates::decoys(rule, facts, &all.tables).len(), 1, "{}", rule.name());
    }
}

/// The gate that refuses a mutant, if any.
fn refused_by(mutant: &Mutant, facts: &Facts, tables: &Tables) -> Option<&'static str> {
    let refuses = |check: &fn(&Subject, &Facts, &Tables) -> Vec<Finding>, gate: &str| {
        check(&mutant.subject, facts, tables).iter().any(|finding| !tables.is_reviewed(gate, &finding.key))
    };
    GATES.iter().find(|(gate, check)| refuses(check, gate)).map(|(gate, _)| *gate)
}

/// Rules are made wrong on purpose: a gate must refuse each.
#[test]
fn wrong_rules_are_refused() {
    let all = catalogue();
    let mut refused: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut survivors = BTreeSet::new();
    for (mutant, facts) in &all.mutants {
        match refused_by(mutant, facts, &all.tables) {
            Some(gate) => *refused.entry((mutant.change, gate)).or_default() += 1,
            None => {
                survivors.insert(mutant.name.clone());
            }
        }
    }
    println!("{} mutants, {} survive, refused: {refused:#?}", all.mutants.len(), survivors.len());
    let equivalent: BTreeSet<String> =
        all.tables.equivalent.iter().flat_map(|entry| entry.mutants.clone()).collect();
    let open: Vec<&String> = survivors.difference(&equivalent).collect();
    assert!(open.is_empty(), "{} wrong rules pass all gates:\n{open:#?}", open.len());
    assert!(all.tables.equivalent.iter().all(|entry| entry.reason.trim().len() >= 10), "reasons are missing");
    assert!(all.mutants.len() >= 500, "{}", all.mutants.len());
}
