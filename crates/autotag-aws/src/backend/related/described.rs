//! Reads the instances and images that EC2 describes, as far as their resources need it.
//!
//! These calls do not use the SDK crate of EC2: its types for an instance and an image have hundreds of fields, which would be
//! 0.2 MB of a function.

use crate::backend::{AwsBackend, declared_calls};
use crate::errors;
use crate::signed::Request;
use autotag_handlers::error::BackendError;
use autotag_model::rule::Resource;
use jiff::Timestamp;
use roxmltree::{Document, Node};

/// An instance or image, and the ids of its resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) id: String,
    /// True if AWS is still making it.
    pub(super) is_pending: bool,
    /// The last start of an instance.
    pub(super) started: Option<Timestamp>,
    pub(super) volumes: Vec<Attached>,
    pub(super) network_interfaces: Vec<Attached>,
    pub(super) snapshots: Vec<String>,
}

/// A volume or network interface of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attached {
    pub(super) id: String,
    pub(super) since: Option<Timestamp>,
}

/// A call, and the places in its answer.
struct Call {
    operation: &'static str,
    /// The parameter with an id, without its number.
    id_parameter: &'static str,
    /// The things that the call describes.
    items: &'static [&'static str],
    id: &'static [&'static str],
    state: &'static [&'static str],
}

const INSTANCES: Call = Call {
    operation: "DescribeInstances",
    id_parameter: "InstanceId",
    items: &["reservationSet", "item", "instancesSet", "item"],
    id: &["instanceId"],
    state: &["instanceState", "name"],
};

const IMAGES: Call = Call {
    operation: "DescribeImages",
    id_parameter: "ImageId",
    items: &["imagesSet", "item"],
    id: &["imageId"],
    state: &["imageState"],
};

impl AwsBackend {
    /// Instances by their ids. Pages and ids exclude each other; AWS takes as many ids as a launch may have.
    pub(super) async fn instances(
        &self,
        of: &Resource,
        ids: &[String],
    ) -> Result<Vec<Described>, BackendError> {
        self.describe(&INSTANCES, of, ids).await
    }

    /// Images by their ids.
    pub(super) async fn images(&self, of: &Resource, ids: &[String]) -> Result<Vec<Described>, BackendError> {
        self.describe(&IMAGES, of, ids).await
    }

    /// Sends a call, in the account and region of the resource `of`.
    async fn describe(
        &self,
        call: &Call,
        of: &Resource,
        ids: &[String],
    ) -> Result<Vec<Described>, BackendError> {
        let ids = ids
            .iter()
            .zip(1..)
            .map(|(id, number)| format!("&{}.{number}={}", call.id_parameter, declared_calls::encoded(id)));
        let form = format!("Version=2016-11-15{}", ids.collect::<String>());
        let request = Request::query("ec2", call.operation, &self.region(of)?, &form);
        let answer = self.send(of, request).await?;
        read(call, &answer).ok_or_else(|| errors::unreadable(call.operation))
    }
}

/// Reads an answer. `None` if it is not one to this call.
fn read(call: &Call, answer: &str) -> Option<Vec<Described>> {
    let document = Document::parse(answer).ok()?;
    let root = document.root_element();
    if root.tag_name().name().strip_suffix("Response") != Some(call.operation) {
        return None;
    }
    let described = |item: Node<'_, '_>| {
        Some(Described {
            id: texts(item, call.id).pop()?,
            is_pending: texts(item, call.state) == ["pending"],
            started: time(item, &["launchTime"]),
            volumes: attached(item, &["blockDeviceMapping", "item", "ebs"], "volumeId", &["attachTime"]),
            network_interfaces: attached(
                item,
                &["networkInterfaceSet", "item"],
                "networkInterfaceId",
                &["attachment", "attachTime"],
            ),
            snapshots: texts(item, &["blockDeviceMapping", "item", "ebs", "snapshotId"]),
        })
    };
    Some(at(root, call.items).into_iter().filter_map(described).collect())
}

/// The things of a list that have an id, and the time since when each is attached.
fn attached(item: Node<'_, '_>, list: &[&str], id: &str, since: &[&str]) -> Vec<Attached> {
    let one = |node| Some(Attached { id: texts(node, &[id]).pop()?, since: time(node, since) });
    at(item, list).into_iter().filter_map(one).collect()
}

/// The time at a path.
fn time(node: Node<'_, '_>, path: &[&str]) -> Option<Timestamp> {
    texts(node, path).pop()?.parse().ok()
}

/// The elements at a path of names below a node.
fn at<'a, 'i>(node: Node<'a, 'i>, path: &[&str]) -> Vec<Node<'a, 'i>> {
    let Some((name, rest)) = path.split_first() else { return vec![node] };
    node.children().filter(|child| child.has_tag_name(*name)).flat_map(|child| at(child, rest)).collect()
}

/// The texts of the elements at a path, without empty ones.
fn texts(node: Node<'_, '_>, path: &[&str]) -> Vec<String> {
    let texts = at(node, path).into_iter().filter_map(|element| element.text());
    texts.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_the_call_is_read() {
        let images = "<DescribeImagesResponse><imagesSet><item><imageId>ami-1</imageId></item><item/></imagesSet>\
                      </DescribeImagesResponse>";
        let ids = |call, answer| {
            read(call, answer).map(|all| all.into_iter().map(|one| one.id).collect::<Vec<_>>())
        };
        assert_eq!(ids(&IMAGES, images), Some(vec!["ami-1".to_owned()]), "one without an id is left out");
        assert_eq!(ids(&INSTANCES, images), None);
        assert_eq!(ids(&IMAGES, "<DescribeImagesResponse/>"), Some(Vec::new()));
        for answer in ["", "<html>", "{\"imagesSet\": []}"] {
            assert_eq!(ids(&IMAGES, answer), None, "{answer}");
        }
    }

    #[test]
    fn an_image_of_an_instance_is_not_its_volume() {
        let answer = "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><reservationSet><item>\
                      <instancesSet><item><instanceId>i-1</instanceId><launchTime>2026-03-02T09:00:00.000Z</launchTime><instanceState><name>running</name></instanceState>\
                      <blockDeviceMapping><item><ebs><volumeId>vol-1</volumeId></ebs></item><item><ebs/></item>\
                      </blockDeviceMapping><networkInterfaceSet><item><networkInterfaceId> eni-1 </networkInterfaceId>\
                      <attachment><networkInterfaceId>eni-2</networkInterfaceId></attachment></item></networkInterfaceSet>\
                      </item></instancesSet></item></reservationSet></DescribeInstancesResponse>";
        let [one] = read(&INSTANCES, answer).unwrap().try_into().unwrap();
        let ids = |attached: &[Attached]| attached.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
        assert_eq!(
            (ids(&one.volumes), ids(&one.network_interfaces)),
            (vec!["vol-1".into()], vec!["eni-1".into()])
        );
        assert_eq!(one.started, "2026-03-02T09:00:00Z".parse().ok());
        assert!(one.snapshots.is_empty() && !one.is_pending);
    }
}
