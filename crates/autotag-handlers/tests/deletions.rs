//! Every deletion of the catalogue names its resource as the creation does.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::{Classifier, Envelope};
use autotag_handlers::deletion::{Deletion, Deletions, deleting_events};
use autotag_model::record::Record;
use autotag_model::rule::{DeletionRule, Resource, Rule, ServiceRules};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[expect(dead_code, reason = "each test file uses a part of it")]
mod common;
#[path = "common/found.rs"]
mod found;
#[path = "common/made.rs"]
mod made;

use made::{arn_of, record_for};

fn deleted(classifier: &Classifier, record: &Value) -> Vec<Deletion> {
    let text = record.to_string();
    let record: Record<'_> = serde_json::from_str(&text).unwrap();
    Deletions::of_catalog(classifier).of(&record, Envelope::default())
}

fn every_deletion(mut visit: impl FnMut(&Classifier, &ServiceRules, &DeletionRule)) {
    let classifier = common::classifier();
    for service in classifier.catalog().services().unwrap() {
        for rule in &service.deletions {
            visit(&classifier, &service, rule);
        }
    }
}

/// The only resource that a creation record and a deletion record name, found by these paths.
fn both(
    classifier: &Classifier,
    service: &ServiceRules,
    (creation, by): (&Rule, &str),
    (deletion, path): (&DeletionRule, &str),
) -> Result<(Resource, Resource), String> {
    let created = |value: &str| -> Result<Resource, String> {
        let record = record_for(service, creation, by, value)?;
        let mut found = found::resources(common::classify(classifier, &record));
        found.retain(|resource| resource.resource_type == creation.resource_type);
        if found.len() == 1 { Ok(found.remove(0)) } else { Err(format!("creates {found:?} by `{value}`")) }
    };
    let gone = |value: &str| -> Result<Resource, String> {
        let record = record_for(service, deletion.as_rule(), path, value)?;
        let mut found = deleted(classifier, &record);
        if found.len() == 1 {
            Ok(found.remove(0).resource)
        } else {
            Err(format!("deletes {found:?} by `{value}`"))
        }
    };
    let by_arn = path.to_lowercase().ends_with("arn") || deletion.needs_arn();
    let arn = |resource: &Resource| resource.arn.as_ref().map(ToString::to_string);
    if creation.arn.is_some() {
        let created = created("some-name")?;
        let value = arn(&created).filter(|_| by_arn);
        Ok((gone(value.as_deref().unwrap_or("some-name"))?, created))
    } else if by_arn {
        let value = arn_of(creation, common::HERE);
        Ok((gone(&value)?, created(&value)?))
    } else {
        let gone = gone("some-name")?;
        let value = arn(&gone).unwrap_or_else(|| "some-name".to_owned());
        Ok((gone, created(&value)?))
    }
}

#[test]
fn a_deletion_has_the_key_of_the_creation() {
    let (mut faults, mut tried) = (Vec::new(), 0);
    every_deletion(|classifier, service, deletion| {
        let creating = service.rules.iter().filter(|rule| rule.resource_type == deletion.resource_type());
        for creation in creating.filter(|rule| !rule.in_any_region) {
            for path in deletion.id().iter().map(ToString::to_string) {
                for by in creation.id.iter().map(ToString::to_string) {
                    tried += 1;
                    let found = both(classifier, service, (creation, &by), (deletion, &path));
                    let why = match found {
                        Ok((gone, created)) if gone.key() == created.key() => continue,
                        Ok((gone, created)) => format!("{} is not {}", gone.key(), created.key()),
                        Err(why) => why,
                    };
                    let (source, event) = (&service.source, deletion.event());
                    faults.push(format!("{source} {event} {path} / {} {by}: {why}", creation.event));
                }
            }
        }
    });
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
    assert!(tried >= 700, "{tried}");
}

#[test]
fn the_most_used_types_have_deletions() {
    let mut types = BTreeSet::new();
    every_deletion(|_, _, deletion| {
        types.insert(deletion.resource_type().to_owned());
    });
    assert!(types.len() >= 450, "{}", types.len());
    for promised in "EC2::Instance EC2::Volume EC2::Snapshot EC2::Image EC2::SecurityGroup EC2::VPC EC2::Subnet EC2::EIP \
        EC2::NatGateway EC2::KeyPair EC2::LaunchTemplate EC2::NetworkInterface EC2::InternetGateway EC2::RouteTable \
        EC2::NetworkAcl EC2::VPCEndpoint EC2::VPCPeeringConnection EC2::TransitGateway EC2::FlowLog S3::Bucket S3::Object \
        RDS::DBInstance RDS::DBCluster RDS::DBSnapshot RDS::ClusterSnapshot RDS::DBSubnetGroup RDS::DBParameterGroup \
        DynamoDB::Table Lambda::Function SQS::Queue SNS::Topic IAM::Role IAM::User IAM::ManagedPolicy IAM::InstanceProfile \
        KMS::Key ECS::Cluster ECS::Service EKS::Cluster EKS::Nodegroup ECR::Repository ElasticLoadBalancingV2::LoadBalancer \
        ElasticLoadBalancingV2::TargetGroup ElasticLoadBalancing::LoadBalancer AutoScaling::AutoScalingGroup \
        CloudFormation::Stack Logs::LogGroup Events::Rule Events::EventBus StepFunctions::StateMachine \
        SecretsManager::Secret SSM::Parameter ApiGateway::RestApi ApiGatewayV2::Api CloudFront::Distribution \
        Route53::HostedZone EFS::FileSystem FSx::FileSystem ElastiCache::CacheCluster ElastiCache::ReplicationGroup \
        OpenSearchService::Domain Redshift::Cluster Kinesis::Stream KinesisFirehose::DeliveryStream Glue::Job Glue::Database \
        Glue::Table Glue::Crawler Athena::WorkGroup SageMaker::Endpoint SageMaker::NotebookInstance Bedrock::Agent \
        Bedrock::KnowledgeBase Batch::JobQueue EMR::Cluster MSK::Cluster CodeBuild::Project CodePipeline::Pipeline \
        CodeCommit::Repository Cognito::UserPool WAFv2::WebACL CertificateManager::Certificate Backup::BackupVault \
        CloudWatch::Alarm CloudTrail::Trail GuardDuty::Detector Transfer::Server"
        .split_whitespace()
    {
        assert!(types.contains(&format!("AWS::{promised}")), "{promised}");
    }
}

#[test]
fn the_deleting_events_are_those_of_the_rules() {
    let classifier = common::classifier();
    let events = deleting_events(classifier.catalog()).unwrap();
    let deletions = Deletions::of_catalog(&classifier);
    assert!(events.iter().all(|(source, name)| deletions.wants(source, name)));
    assert!(events.contains(&("sqs.amazonaws.com".to_owned(), "DeleteQueue".to_owned())));
    assert!(!deletions.wants("sqs.amazonaws.com", "CreateQueue"));
    assert!(!deletions.wants("kms.amazonaws.com", "ScheduleKeyDeletion"), "the key exists");
    assert_eq!(deleting_events(&Catalog::empty()).unwrap(), []);
}

#[test]
fn a_call_that_changes_nothing_deletes_nothing() {
    let mut faults = Vec::new();
    every_deletion(|classifier, service, deletion| {
        let Some(path) = deletion.id().first().map(ToString::to_string) else { return };
        let by_arn = path.to_lowercase().ends_with("arn") || deletion.needs_arn();
        let own = arn_of(deletion.as_rule(), common::HERE);
        let record =
            record_for(service, deletion.as_rule(), &path, if by_arn { &own } else { "some-name" }).unwrap();
        assert_eq!(deleted(classifier, &record).len(), 1, "{record}");
        for (member, value) in [
            ("errorCode", json!("AccessDenied")),
            ("errorMessage", json!("no")),
            ("errorCode", json!("Client.DryRunOperation")),
            ("readOnly", json!(true)),
        ] {
            let mut record = record.clone();
            record.as_object_mut().unwrap().insert(member.to_owned(), value);
            if !deleted(classifier, &record).is_empty() {
                faults.push(format!("{} {} {member}", service.source, deletion.event()));
            }
        }
        let theirs = arn_of(deletion.as_rule(), "444455556666");
        let record = record_for(service, deletion.as_rule(), &path, &theirs).unwrap();
        let foreign = deleted(classifier, &record).into_iter().find(|found| {
            found.resource.arn.as_ref().is_some_and(|arn| arn.account_field() == "444455556666")
        });
        faults.extend(
            foreign.map(|found| format!("{} {}: {:?}", service.source, deletion.event(), found.resource)),
        );
    });
    assert_eq!(faults, Vec::<String>::new());
}
