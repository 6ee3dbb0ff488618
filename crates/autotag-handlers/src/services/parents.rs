//! Finds the resource that a new one belongs to, by the tags that AWS itself sets in the creating call.

use super::handler::{RecordContext, TagTarget};
use crate::backend::TaggableResource;
use autotag_model::arn::{Arn, Region};
use autotag_model::identity::PrincipalKind;
use autotag_model::rule::Resource;
use std::sync::Arc;

/// A tag whose value names the resource to which another one belongs.
struct Parent {
    /// The tag's key.
    tag: &'static str,
    /// The event by which the parent is created: its rule says how its tags are read.
    event: (&'static str, &'static str),
    resource_type: &'static str,
    /// The parent's ARN, `{id}` for the tag's value; a value that is an ARN of the parent's service counts as it is.
    arn: &'static str,
}

/// The nearest first: an instance of a group belongs to the group, which may belong to a stack.
///
/// Only AWS can set tags that begin with `aws:`. Anybody can set those of EKS, so they count only if EKS itself
/// called.
const PARENTS: &[Parent] = &[
    Parent {
        tag: "aws:autoscaling:groupName",
        event: ("autoscaling.amazonaws.com", "CreateAutoScalingGroup"),
        resource_type: "AWS::AutoScaling::AutoScalingGroup",
        // The same spelling as the catalogue's: no record tells the group's UUID.
        arn: "arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/{id}",
    },
    Parent {
        tag: "aws:ec2:fleet-id",
        event: ("ec2.amazonaws.com", "CreateFleet"),
        resource_type: "AWS::EC2::EC2Fleet",
        arn: "arn:{partition}:ec2:{region}:{account}:fleet/{id}",
    },
    Parent {
        tag: "aws:ec2spot:fleet-request-id",
        event: ("ec2.amazonaws.com", "RequestSpotFleet"),
        resource_type: "AWS::EC2::SpotFleet",
        arn: "arn:{partition}:ec2:{region}:{account}:spot-fleet-request/{id}",
    },
    Parent {
        tag: "aws:batch:compute-environment",
        event: ("batch.amazonaws.com", "CreateComputeEnvironment"),
        resource_type: "AWS::Batch::ComputeEnvironment",
        arn: "arn:{partition}:batch:{region}:{account}:compute-environment/{id}",
    },
    Parent {
        tag: "aws:elasticmapreduce:job-flow-id",
        event: ("elasticmapreduce.amazonaws.com", "RunJobFlow"),
        resource_type: "AWS::EMR::Cluster",
        arn: "arn:{partition}:elasticmapreduce:{region}:{account}:cluster/{id}",
    },
    Parent {
        tag: NODEGROUP,
        event: ("eks.amazonaws.com", "CreateNodegroup"),
        resource_type: "AWS::EKS::Nodegroup",
        arn: "arn:{partition}:eks:{region}:{account}:nodegroup/{id}",
    },
    Parent {
        tag: CLUSTER,
        event: ("eks.amazonaws.com", "CreateCluster"),
        resource_type: "AWS::EKS::Cluster",
        arn: "arn:{partition}:eks:{region}:{account}:cluster/{id}",
    },
    Parent {
        tag: "aws:cloudformation:stack-id",
        event: ("cloudformation.amazonaws.com", "CreateStack"),
        resource_type: "AWS::CloudFormation::Stack",
        arn: "{id}",
    },
];

/// The events (source and name) by which parents are created: the tags of these resources are read, whatever is created.
pub fn parent_events() -> impl Iterator<Item = (&'static str, &'static str)> {
    PARENTS.iter().map(|parent| parent.event)
}

/// By which EKS says what the groups of its nodes belong to.
const NODEGROUP: &str = "eks:nodegroup-name";
const CLUSTER: &str = "eks:cluster-name";

/// The principal that Service Catalog provisions for.
const PROVISIONER: &str = "aws:servicecatalog:provisioningPrincipalArn";

type Tags = [(String, String)];

/// The ARN of the principal that a service names as the requester of a creation.
pub(super) fn requester(target: &TagTarget) -> Option<String> {
    value(&target.requested, PROVISIONER).filter(|arn| arn.parse::<Arn>().is_ok()).map(str::to_owned)
}

/// The resource that a new one belongs to.
pub(super) fn parent(context: &RecordContext<'_>, target: &TagTarget) -> Option<TaggableResource> {
    let requested = &target.requested;
    PARENTS.iter().find_map(|parent| {
        let reserved = parent.tag.starts_with("aws:");
        let id = value(requested, parent.tag).filter(|_| reserved || by_eks(context))?;
        let id = if parent.tag == NODEGROUP { nodegroup(target, id)? } else { id.to_owned() };
        item(parent, &id, context)
    })
}

fn value<'t>(tags: &'t Tags, key: &str) -> Option<&'t str> {
    let (_, value) = tags.iter().find(|(known, value)| known == key && !value.is_empty())?;
    Some(value)
}

/// True if EKS called, in its own name or by a role that only EKS can assume. Other services call so too, and pass
/// on tags that their users have chosen: AWS Backup those of a resource that it restores, Auto Scaling those of a
/// group.
fn by_eks(context: &RecordContext<'_>) -> bool {
    let principal = context.principal;
    let service = match principal.kind {
        PrincipalKind::AwsService => principal.invoking_service(),
        _ => principal.linked_service(),
    };
    let name = service.and_then(|service| service.split('.').next());
    name.is_some_and(|name| name == "eks" || name.starts_with("eks-"))
}

/// A node group's ARN ends in the UUID that also ends the name of its Auto Scaling group: `eks-<name>-<uuid>`.
fn nodegroup(target: &TagTarget, name: &str) -> Option<String> {
    let uuid = target.resource.id.strip_prefix("eks-")?.strip_prefix(name)?.strip_prefix('-')?;
    Some(format!("{}/{name}/{uuid}", value(&target.requested, CLUSTER)?))
}

/// The parent with the rule by which its tags are read; `None` if the ARN is of another service or account.
fn item(parent: &Parent, id: &str, context: &RecordContext<'_>) -> Option<TaggableResource> {
    let (source, event) = parent.event;
    let rule = context.catalog.find(source, event).ok()?.first()?;
    let arn = if id.starts_with("arn:") { id.to_owned() } else { parent.arn_of(id, context) };
    let resource = Resource::new(parent.resource_type, id, arn.parse().ok(), context.scope);
    let ours = |arn: &Arn| {
        let account = context.scope.account.as_ref();
        source.split('.').next() == Some(arn.service())
            && account.is_none_or(|account| arn.can_belong_to(account))
    };
    resource.arn.as_ref().is_some_and(ours).then(|| TaggableResource { resource, rule: Arc::clone(rule) })
}

impl Parent {
    fn arn_of(&self, id: &str, context: &RecordContext<'_>) -> String {
        let scope = context.scope;
        self.arn
            .replace("{partition}", &scope.partition.to_string())
            .replace("{region}", scope.region.as_ref().map_or("", Region::as_str))
            .replace("{account}", context.account())
            .replace("{id}", id)
    }
}
