//! The table of tag calls that an SDK client makes (`api = "sdk"`). Writing and reading both use it.

use autotag_model::arn::Arn;
use autotag_model::rule::{NativeCall, Resource};

/// Calls that code of ours sends over an SDK client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SdkCall {
    CreateTags,
    Rds,
    DynamoDb,
    Bucket,
    Object,
}

/// By AWS's names of operation and service. Both: several services have a `CreateTags`, and a user's own rules may name
/// any.
pub(super) fn sdk(call: &NativeCall, service: &str) -> Option<SdkCall> {
    if call.api.is_some() {
        return None;
    }
    Some(match (call.write.name.as_str(), service) {
        ("CreateTags", "ec2") => SdkCall::CreateTags,
        ("AddTagsToResource", "rds") => SdkCall::Rds,
        ("TagResource", "dynamodb") => SdkCall::DynamoDb,
        ("PutBucketTagging", "s3") => SdkCall::Bucket,
        ("PutObjectTagging", "s3") => SdkCall::Object,
        _ => return None,
    })
}

/// The same for a resource: its ARN names the service. What has no ARN is of the service of its type.
pub(super) fn sdk_call_for(call: &NativeCall, resource: &Resource) -> Option<SdkCall> {
    let of_type = || resource.resource_type.split("::").nth(1).unwrap_or_default().to_lowercase();
    let service = resource.arn.as_ref().map_or_else(of_type, |arn| Arn::service(arn).to_owned());
    sdk(call, &service)
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_handlers::catalog::Catalog;
    use autotag_model::arn::Partition;
    use autotag_model::rule::Scope;

    #[test]
    fn every_call_of_the_catalogue_can_be_sent() {
        for service in Catalog::embedded().services().unwrap() {
            for call in service.native.values() {
                let source = service.source.split('.').next().unwrap();
                // The snapshots of the EBS direct APIs are EC2's, and so are their ARNs.
                let name = if source == "ebs" { "ec2" } else { source };
                let can = call.api.is_some() || sdk(call, name).is_some();
                assert!(can, "{}: {} is described nowhere", service.source, call.name);
            }
        }
    }

    #[test]
    fn a_resource_without_an_arn_is_of_the_service_of_its_type() {
        let services = Catalog::embedded().services().unwrap();
        let ec2 = services.iter().find(|service| service.source == "ec2.amazonaws.com").unwrap();
        let place = Scope { partition: Partition::default(), region: None, account: None };
        let chosen = |kind: &str, arn: &str| {
            sdk_call_for(&ec2.native["CreateTags"], &Resource::new(kind, "x-1", arn.parse().ok(), &place))
        };
        assert_eq!(chosen("AWS::EC2::Instance", ""), Some(SdkCall::CreateTags));
        assert_eq!(chosen("AWS::Redshift::Cluster", ""), None);
        let cluster = "arn:aws:redshift:eu-west-1:111122223333:cluster:x-1";
        assert_eq!(chosen("AWS::EC2::Instance", cluster), None, "the ARN knows better than the type");
    }
}
