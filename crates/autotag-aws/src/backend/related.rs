//! Resources that a new instance or image brings with it, and that no record names.

use super::{AwsBackend, client_of};
use crate::errors;
use autotag_handlers::backend::RelatedQuery;
use autotag_handlers::error::{BackendError, ErrorClass};
use autotag_model::rule::{Resource, Scope};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Image, ImageState, Instance, InstanceStateName};

/// The code of what is not whole yet: asked again until it is.
const STILL_BEING_MADE: &str = "StillBeingMade";

impl AwsBackend {
    /// The resources that belong to the new resource `of`.
    pub(super) async fn related_resources(
        &self,
        of: &Resource,
        query: &RelatedQuery,
    ) -> Result<Vec<Resource>, BackendError> {
        let client = self.client(of, client_of!(aws_sdk_ec2)).await?;
        match query {
            RelatedQuery::AttachedTo { instances } => attached(&client, of, instances).await,
            RelatedQuery::SnapshotsOf { image } => snapshots(&client, of, image).await,
            _ => Err(errors::invalid("looking up", "UnknownQuery")),
        }
    }
}

async fn attached(client: &Client, of: &Resource, ids: &[String]) -> Result<Vec<Resource>, BackendError> {
    let operation = "DescribeInstances";
    // Pages and ids exclude each other; AWS takes as many ids as a launch may have.
    let answer = client.describe_instances().set_instance_ids(Some(ids.to_vec())).send().await;
    let answer = answer.map_err(|error| errors::of_sdk(operation, &error))?;
    let instances: Vec<Instance> = answer
        .reservations
        .unwrap_or_default()
        .into_iter()
        .flat_map(|one| one.instances.unwrap_or_default())
        .collect();
    let pending = |instance: &Instance| {
        instance.state().and_then(|state| state.name()) == Some(&InstanceStateName::Pending)
    };
    if instances.len() < ids.len() {
        return Err(BackendError::new(ErrorClass::NotFound, operation, "InvalidInstanceID.NotFound"));
    }
    // The volumes of an instance are listed when it runs.
    if instances.iter().any(pending) {
        return Err(BackendError::new(ErrorClass::WrongState, operation, STILL_BEING_MADE));
    }
    let mut found = Vec::new();
    for instance in &instances {
        let volumes =
            instance.block_device_mappings().iter().filter_map(|mapping| mapping.ebs()?.volume_id());
        found.extend(volumes.map(|id| ec2_resource(of, "AWS::EC2::Volume", "volume", id)));
        let cards = instance.network_interfaces().iter().filter_map(|card| card.network_interface_id());
        found.extend(cards.map(|id| ec2_resource(of, "AWS::EC2::NetworkInterface", "network-interface", id)));
    }
    Ok(found)
}

async fn snapshots(client: &Client, of: &Resource, id: &str) -> Result<Vec<Resource>, BackendError> {
    let operation = "DescribeImages";
    let answer = client.describe_images().image_ids(id).send().await;
    let answer = answer.map_err(|error| errors::of_sdk(operation, &error))?;
    let images = answer.images.unwrap_or_default();
    let Some(image) = images.first() else {
        return Err(BackendError::new(ErrorClass::NotFound, operation, "InvalidAMIID.NotFound"));
    };
    let snapshots: Vec<&str> =
        image.block_device_mappings().iter().filter_map(|mapping| mapping.ebs()?.snapshot_id()).collect();
    if snapshots.is_empty() && is_pending(image) {
        return Err(BackendError::new(ErrorClass::WrongState, operation, STILL_BEING_MADE));
    }
    Ok(snapshots.into_iter().map(|id| ec2_resource(of, "AWS::EC2::Snapshot", "snapshot", id)).collect())
}

fn is_pending(image: &Image) -> bool {
    image.state() == Some(&ImageState::Pending)
}

/// A resource beside `of`. ARNs of snapshots have no account.
fn ec2_resource(of: &Resource, resource_type: &str, kind: &str, id: &str) -> Resource {
    let place = Scope { partition: of.partition(), region: of.region.clone(), account: of.account.clone() };
    let region = of.region.as_ref().map_or("", autotag_model::arn::Region::as_str);
    let account = of.account.as_ref().map_or("", autotag_model::arn::AccountId::as_str);
    let account = if kind == "snapshot" { "" } else { account };
    let arn = format!("arn:{}:ec2:{region}:{account}:{kind}/{id}", place.partition);
    Resource::new(resource_type, id, arn.parse().ok(), &place)
}
