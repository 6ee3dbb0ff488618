//! EC2: the volumes, interfaces and snapshots that an instance or an image brings with it.

use super::handler::{RecordContext, ServiceHandler, TagTarget};
use crate::backend::RelatedQuery;
use autotag_model::rule::Resource;
use serde_json::Value;

#[derive(Debug)]
pub(super) struct Ec2;

/// Resources that are made together with an instance or an image, and are looked up.
const COME_ALONG: [&str; 3] = ["AWS::EC2::Volume", "AWS::EC2::NetworkInterface", "AWS::EC2::Snapshot"];

impl ServiceHandler for Ec2 {
    fn event_source(&self) -> &'static str {
        "ec2.amazonaws.com"
    }

    fn refine(&self, context: &RecordContext<'_>, targets: &mut Vec<TagTarget>) {
        for target in targets.iter_mut() {
            // A tag specification counts for one kind of resource only: the instance's tags are not the volume's.
            let rule = &target.rule;
            target.requested = rule.requested_tags(context.parsed, kind(&target.resource.resource_type));
            target.requested_for = COME_ALONG
                .iter()
                .map(|resource_type| (*resource_type, context.parsed.requested_tags(kind(resource_type))))
                .collect();
            match present_before(context, &target.resource) {
                Some(PresentBefore::Certainly) => target.is_older = true,
                Some(PresentBefore::Possibly) => target.may_have_existed = true,
                None => {}
            }
        }
        ask(targets);
    }
}

/// The certainty that a call attached a resource that was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PresentBefore {
    Certainly,
    Possibly,
}

/// Tells if a network interface of a new instance may be older than the instance: `RunInstances` also attaches existing
/// interfaces, of any owner.
///
/// The call names it, or a launch template does. EC2 deletes an interface with its instance only if both were made
/// together, so one with `deleteOnTermination` is new:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceNetworkInterfaceSpecification.html>.
fn present_before(context: &RecordContext<'_>, resource: &Resource) -> Option<PresentBefore> {
    if resource.resource_type != "AWS::EC2::NetworkInterface" || context.record.event_name != "RunInstances" {
        return None;
    }
    let is_it = |interface: &&Value| text(interface, "networkInterfaceId") == Some(resource.id.as_str());
    if items(&context.parsed.request, "networkInterfaceSet").any(|named| is_it(&named)) {
        return Some(PresentBefore::Certainly);
    }
    let mut instances = items(&context.parsed.response, "instancesSet");
    let interface = instances.find_map(|instance| items(instance, "networkInterfaceSet").find(is_it))?;
    let is_kept = interface.pointer("/attachment/deleteOnTermination") == Some(&Value::Bool(false));
    is_kept.then_some(PresentBefore::Possibly)
}

/// The elements of a list as EC2 records write it: `{"items": [...]}`.
fn items<'v>(value: &'v Value, list: &str) -> impl Iterator<Item = &'v Value> {
    let items = value.get(list).and_then(|list| list.get("items")).and_then(Value::as_array);
    items.into_iter().flatten()
}

fn text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value.get(member)?.as_str()
}

/// The kind by which tag specifications name a resource type.
fn kind(resource_type: &str) -> Option<&'static str> {
    Some(match resource_type {
        "AWS::EC2::Instance" => "instance",
        "AWS::EC2::Volume" => "volume",
        "AWS::EC2::NetworkInterface" => "network-interface",
        "AWS::EC2::Image" => "image",
        "AWS::EC2::Snapshot" => "snapshot",
        "AWS::EC2::EC2Fleet" => "fleet",
        "AWS::EC2::SpotFleet" => "spot-fleet-request",
        _ => return None,
    })
}

/// Volumes of new instances are in no record, and often not all network interfaces; nor are the snapshots of an image.
fn ask(targets: &mut [TagTarget]) {
    let ids = |kind: &str, targets: &[TagTarget]| -> Vec<String> {
        let of_kind = targets.iter().filter(|target| target.resource.resource_type == kind);
        of_kind.map(|target| target.resource.id.clone()).collect()
    };
    let instances = ids("AWS::EC2::Instance", targets);
    if let Some(first) =
        targets.iter_mut().find(|target| target.resource.resource_type == "AWS::EC2::Instance")
    {
        first.queries.push(RelatedQuery::AttachedTo { instances });
    }
    let from_instance = |target: &&mut TagTarget| {
        target.resource.resource_type == "AWS::EC2::Image" && target.rule.event == "CreateImage"
    };
    if let Some(image) = targets.iter_mut().find(from_instance) {
        image.queries.push(RelatedQuery::SnapshotsOf { image: image.resource.id.clone() });
    }
}
