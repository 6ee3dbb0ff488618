use super::*;
use crate::classify::{Classification, Classifier, Envelope};
use crate::outcome::{Outcome, SkipReason};
use autotag_model::envelope::{Limits, read_records};
use autotag_model::policy::Policy;
use autotag_model::rule::{Evidence, TagCall};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[test]
fn every_embedded_file_is_sound() {
    let catalog = Catalog::embedded();
    for (name, packed) in files::FILES {
        let rules = ServiceRules::from_toml(&unpacked(packed))
            .unwrap_or_else(|error| panic!("catalog/{name}.toml: {error}"));
        assert_eq!(rules.source, format!("{name}{SOURCE_SUFFIX}"), "a file is named after its event source");
        let events: Vec<(&str, &str)> =
            rules.rules.iter().map(|rule| (rule.event.as_str(), rule.resource_type.as_str())).collect();
        assert!(events.is_sorted(), "catalog/{name}.toml: rules stand in the order of event and type");
        assert!(rules.not_a_resource.is_sorted(), "catalog/{name}.toml: not_a_resource stands in order");
        for rule in &rules.rules {
            let what = format!("catalog/{name}.toml: {}", rule.event);
            assert!(!rules.not_a_resource.contains(&rule.event), "{what} has a rule and is no resource");
            assert!(
                rule.call == TagCall::None || !rule.actions.is_empty(),
                "{what}: IAM actions are missing"
            );
            let starred = rule.arn.as_ref().is_some_and(|arn| arn.as_str().contains('*'));
            assert!(
                !(starred && rule.call == TagCall::TaggingApi),
                "{what}: no call can find an ARN with a star"
            );
            for action in &rule.actions {
                let (service, verb) = action.split_once(':').unwrap_or_default();
                assert!(!service.is_empty() && !verb.is_empty() && !verb.contains('*'), "{what}: {action}");
            }
        }
        assert!(catalog.find(&rules.source, "NoSuchEvent").unwrap().is_empty());
    }
}

/// The types that users are promised.
const PROMISED: &str = "
    AWS::EC2::Instance AWS::EC2::NetworkInterface AWS::EC2::Volume AWS::EC2::Image AWS::EC2::Snapshot
    AWS::EC2::SecurityGroup AWS::EC2::NetworkAcl AWS::EC2::EIP AWS::EC2::LaunchTemplate AWS::EC2::KeyPair AWS::EC2::VPC
    AWS::EC2::Subnet AWS::EC2::InternetGateway AWS::EC2::NatGateway AWS::EC2::TransitGateway AWS::EC2::CustomerGateway
    AWS::EC2::VPNGateway AWS::EC2::VPCEndpoint AWS::EC2::RouteTable AWS::EC2::VPCPeeringConnection AWS::EC2::FlowLog
    AWS::ElasticLoadBalancing::LoadBalancer AWS::ElasticLoadBalancingV2::LoadBalancer
    AWS::ElasticLoadBalancingV2::TargetGroup AWS::SSM::Document AWS::SSM::Parameter AWS::SSM::OpsItem
    AWS::SSM::PatchBaseline AWS::SSM::MaintenanceWindow AWS::DynamoDB::Table AWS::DynamoDB::GlobalTable
    AWS::DynamoDB::Backup AWS::RDS::DBInstance AWS::RDS::DBSnapshot AWS::RDS::DBCluster AWS::RDS::ClusterSnapshot
    AWS::RDS::GlobalCluster AWS::Lambda::Function AWS::S3::Bucket AWS::S3::Object AWS::ElastiCache::CacheCluster
    AWS::ElastiCache::ReplicationGroup AWS::ElastiCache::Snapshot AWS::Athena::WorkGroup AWS::Athena::DataCatalog
    AWS::Glue::Database AWS::Glue::Job AWS::Glue::Crawler AWS::Glue::Trigger AWS::Glue::Workflow AWS::ECS::Cluster
    AWS::ECS::Service AWS::ECS::TaskSet AWS::ECS::TaskDefinition AWS::EKS::Cluster AWS::EKS::Nodegroup AWS::SNS::Topic
    AWS::SQS::Queue AWS::SecretsManager::Secret AWS::EFS::FileSystem AWS::EFS::AccessPoint AWS::IAM::Role AWS::IAM::User
    AWS::IAM::ManagedPolicy AWS::IAM::InstanceProfile AWS::CloudWatch::Alarm AWS::Logs::LogGroup
    AWS::AutoScaling::AutoScalingGroup AWS::KMS::Key AWS::ECR::Repository AWS::Kinesis::Stream
    AWS::StepFunctions::StateMachine";

#[test]
fn every_promised_type_has_a_rule() {
    let catalog = Catalog::embedded();
    let services = catalog.services().unwrap();
    let known: BTreeSet<&str> =
        services.iter().flat_map(|service| &service.rules).map(|rule| rule.resource_type.as_str()).collect();
    let missing: Vec<&str> =
        PROMISED.split_whitespace().filter(|promised| !known.contains(promised)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn rules_are_found_by_exactly_source_and_name() {
    let catalog = Catalog::embedded();
    assert_eq!(catalog.find("sqs.amazonaws.com", "CreateQueue").unwrap().len(), 1);
    assert!(catalog.find("sqs.amazonaws.com", "createqueue").unwrap().is_empty());
    assert!(catalog.find("sns.amazonaws.com", "CreateQueue").unwrap().is_empty());
    assert!(catalog.find("evil.example.com", "CreateQueue").unwrap().is_empty());
    assert!(catalog.is_not_a_resource("ec2.amazonaws.com", "CreateTags"));
    assert!(!catalog.is_not_a_resource("ec2.amazonaws.com", "RunInstances"));
}

#[test]
fn a_users_file_adds_and_replaces() {
    let mut catalog = Catalog::embedded();
    let file = |event: &str, kind: &str| {
        format!(
            "source = \"sqs.amazonaws.com\"\nname = \"Mine\"\nnot_a_resource = [\"CreateNothing\"]\n[[rule]]\nevent = \"{event}\"\ntype = \"{kind}\"\nid = \"response.queueUrl\"\n"
        )
    };
    catalog.add("mine.toml", &file("CreateQueue", "My::Own::Queue")).unwrap();
    catalog.add("more.toml", &file("CreateBulkQueue", "My::Bulk::Queue")).unwrap();
    let kinds = |event| {
        let rules = catalog.find("sqs.amazonaws.com", event).unwrap();
        rules.iter().map(|rule| rule.resource_type.clone()).collect::<Vec<_>>()
    };
    assert_eq!(kinds("CreateQueue"), ["My::Own::Queue"]);
    assert_eq!(kinds("CreateBulkQueue"), ["My::Bulk::Queue"]);
    assert!(catalog.is_not_a_resource("sqs.amazonaws.com", "CreateNothing"));
    assert!(!catalog.find("ec2.amazonaws.com", "RunInstances").unwrap().is_empty());
    let services = catalog.services().unwrap();
    let sqs: Vec<_> = services.iter().filter(|service| service.source == "sqs.amazonaws.com").collect();
    let listed: Vec<&str> = sqs[0].rules.iter().map(|rule| rule.resource_type.as_str()).collect();
    assert_eq!((sqs.len(), listed), (1, vec!["My::Bulk::Queue", "My::Own::Queue"]));
    let error = catalog.add("wrong.toml", "source = 1").unwrap_err().to_string();
    assert!(error.contains("wrong.toml") && error.contains("line 1, column 10"), "{error}");
}

/// Without a kind, an answer that names another resource would lead to it.
#[test]
fn every_rule_that_takes_an_arn_from_a_record_says_its_kind() {
    let mut missing = Vec::new();
    for service in Catalog::embedded().services().unwrap() {
        for rule in service.rules.iter().filter(|rule| rule.kinds.is_empty()) {
            let of_answer = |path: &&autotag_model::rule::Path| !path.to_string().starts_with("request.");
            let named_so =
                |path: &autotag_model::rule::Path| path.to_string().to_lowercase().ends_with("arn");
            // The id of what cannot be tagged is shown as it is.
            if rule.id.iter().filter(of_answer).any(|path| rule.call != TagCall::None || named_so(path)) {
                missing.push(format!("{} {} {}", service.source, rule.event, rule.resource_type));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "these rules need a `kind`");
}

#[test]
fn every_embedded_file_says_its_evidence() {
    let silent = |text: &str| {
        let head = text.split("[[rule]]").next().unwrap_or_default();
        !head.lines().any(|line| line.starts_with("evidence = "))
    };
    let files: Vec<&str> =
        files::FILES.iter().filter(|(_, packed)| silent(&unpacked(packed))).map(|(name, _)| *name).collect();
    assert_eq!(files, Vec::<&str>::new(), "these files need `evidence` in their head");
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect();
    files.sort();
    files
}

/// The rules that find a resource in a record of `fixtures/`, by source, event and type.
fn met_by_a_fixture() -> BTreeSet<(String, String, String)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    let mut met = BTreeSet::new();
    for file in files_below(&fixtures) {
        let bytes = std::fs::read(&file).unwrap();
        read_records(bytes.as_slice(), &Limits::default(), &mut |item| {
            let Ok(located) = item else { return };
            let envelope = Envelope { event_bridge: located.event_bridge.as_ref(), account: None };
            let (targets, rejected) = match classifier.classify_in(&located.record, envelope) {
                Classification::Creation(creation) => (creation.targets, creation.rejected),
                Classification::Rejected(rows) => (Vec::new(), rows),
                _ => return,
            };
            let cannot_tag = rejected.iter().filter_map(|row| match row.status {
                Outcome::Skipped(SkipReason::CannotTag(_)) => row.resource_type.clone(),
                _ => None,
            });
            let types = targets.iter().map(|target| target.rule.resource_type.clone()).chain(cannot_tag);
            met.extend(types.map(|resource_type| {
                (
                    located.record.event_source.to_string(),
                    located.record.event_name.to_string(),
                    resource_type,
                )
            }));
        });
    }
    met
}

/// The catalogue must neither claim evidence that does not exist, nor omit existing evidence.
#[test]
fn a_rule_is_seen_exactly_if_a_fixture_meets_it() {
    let met = met_by_a_fixture();
    let (mut not_met, mut not_said) = (Vec::new(), Vec::new());
    for service in Catalog::embedded().services().unwrap() {
        for rule in &service.rules {
            let key = (service.source.clone(), rule.event.clone(), rule.resource_type.clone());
            let name = format!("{} {} {}", key.0, key.1, key.2);
            match (rule.evidence == Evidence::Seen, met.contains(&key)) {
                (true, false) => not_met.push(name),
                (false, true) => not_said.push(name),
                _ => {}
            }
        }
    }
    assert_eq!(not_met, Vec::<String>::new(), "`seen` needs a record in fixtures/");
    assert_eq!(
        not_said,
        Vec::<String>::new(),
        "a record in fixtures/ meets these: say `evidence = \"seen\"`"
    );
    assert!(met.len() >= 91, "{}", met.len());
}
