//! EC2: what comes with an instance or an image, and to which group an instance belongs.

use super::{Creation, ServiceHandler, Target, account, resource};
use crate::ports::{Item, Question};
use autotag_model::arn::Region;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Ec2;

/// Auto Scaling puts the name of the group on each instance, in the very call that launches it.
const GROUP_TAG: &str = "aws:autoscaling:groupName";

/// What comes along with an instance or an image, and is looked up.
const COME_ALONG: [&str; 3] = ["AWS::EC2::Volume", "AWS::EC2::NetworkInterface", "AWS::EC2::Snapshot"];

impl ServiceHandler for Ec2 {
    fn event_source(&self) -> &'static str {
        "ec2.amazonaws.com"
    }

    fn refine(&self, creation: &Creation<'_>, targets: &mut Vec<Target>) {
        for target in targets.iter_mut() {
            // A tag specification counts for one kind of resource only: the instance's tags are not the volume's.
            target.requested = creation.trees.requested_tags(kind(&target.resource.resource_type));
            target.requested_for = COME_ALONG
                .iter()
                .map(|resource_type| (*resource_type, creation.trees.requested_tags(kind(resource_type))))
                .collect();
        }
        let group = targets.iter().find_map(|target| {
            let group = target.requested.iter().find(|(key, _)| key == GROUP_TAG)?;
            Some(group.1.clone())
        });
        for target in targets.iter_mut() {
            target.parent = group.as_deref().and_then(|name| auto_scaling_group(name, creation));
        }
        ask(targets);
    }
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

fn auto_scaling_group(name: &str, creation: &Creation<'_>) -> Option<Item> {
    let rules = creation.catalog.find("autoscaling.amazonaws.com", "CreateAutoScalingGroup").ok()?;
    let place = creation.place;
    let region = place.region.as_ref().map_or("", Region::as_str);
    // The same spelling as the catalogue's: no record tells the group's UUID.
    let arn = format!(
        "arn:{}:autoscaling:{region}:{}:autoScalingGroup:*:autoScalingGroupName/{name}",
        place.partition,
        account(place)
    );
    let group = resource("AWS::AutoScaling::AutoScalingGroup", name, &arn, place);
    Some(Item { resource: group, rule: Arc::clone(rules.first()?) })
}

/// Volumes of new instances are in no record, and often not all network interfaces; nor are the snapshots of an image.
fn ask(targets: &mut [Target]) {
    let ids = |kind: &str, targets: &[Target]| -> Vec<String> {
        let of_kind = targets.iter().filter(|target| target.resource.resource_type == kind);
        of_kind.map(|target| target.resource.id.clone()).collect()
    };
    let instances = ids("AWS::EC2::Instance", targets);
    if let Some(first) =
        targets.iter_mut().find(|target| target.resource.resource_type == "AWS::EC2::Instance")
    {
        first.questions.push(Question::AttachedTo { instances });
    }
    let from_instance = |target: &&mut Target| {
        target.resource.resource_type == "AWS::EC2::Image" && target.rule.event == "CreateImage"
    };
    if let Some(image) = targets.iter_mut().find(from_instance) {
        image.questions.push(Question::SnapshotsOf { image: image.resource.id.clone() });
    }
}
