use super::*;
use autotag_model::rule::TagCall;
use std::collections::BTreeSet;

#[test]
fn every_embedded_file_is_sound() {
    let catalog = Catalog::embedded();
    for (name, text) in files::FILES {
        let rules =
            ServiceRules::from_toml(text).unwrap_or_else(|error| panic!("catalog/{name}.toml: {error}"));
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

/// What users are promised, by type.
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
