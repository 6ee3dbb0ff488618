//! The origin of volumes and snapshots, by EC2: no record names it.

use super::CloudTrailHistory;
use crate::{client_config, errors};
use async_trait::async_trait;
use autotag_handlers::error::{BackendError, ErrorClass};
use autotag_handlers::whois::{CameWith, Origins, Place};
use autotag_model::rule::{Resource, Scope};
use aws_config::SdkConfig;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::Filter;
use aws_smithy_types::DateTime;
use jiff::Timestamp;

/// Needs `ec2:DescribeVolumes`, `ec2:DescribeSnapshots` and `ec2:DescribeImages`.
#[async_trait]
impl Origins for CloudTrailHistory {
    async fn came_with(&self, place: &Place, id: &str) -> Result<Option<CameWith>, BackendError> {
        let account = self.entered(place.account.as_ref()).await?;
        let client = self.accounts.client(account, &place.region, client).await;
        let client = client.map_err(|error| errors::of_account(&error))?;
        let found = match id.split_once('-') {
            Some(("vol", _)) => instance_of(&client, id).await,
            Some(("snap", _)) => image_of(&client, id).await,
            _ => Ok(None),
        };
        let (with, kind, created) = match found {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            // It was deleted. Then no source tells what it came with.
            Err(error) if error.class == ErrorClass::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let account = match &place.account {
            Some(account) => account.clone(),
            None => self.accounts.own().await.map_err(|error| errors::of_account(&error))?.clone(),
        };
        let partition = autotag_model::arn::Partition::of_region(&place.region).unwrap_or_default();
        let arn = format!("arn:{partition}:ec2:{}:{account}:{}/{id}", place.region, kind.to_lowercase());
        let scope = Scope { partition, region: Some(place.region.clone()), account: Some(account) };
        let resource = Resource::new(&format!("AWS::EC2::{kind}"), id, arn.parse().ok(), &scope);
        Ok(Some(CameWith { resource, with, created }))
    }
}

fn client(config: &SdkConfig) -> Client {
    Client::from_conf(client_config!(aws_sdk_ec2, config).build())
}

/// An id, the kind of the resource that came with it, and when that was created.
type Found = Option<(String, &'static str, Timestamp)>;

async fn instance_of(client: &Client, volume: &str) -> Result<Found, BackendError> {
    let answer = client.describe_volumes().volume_ids(volume).send().await;
    let answer = answer.map_err(|error| errors::of_sdk("DescribeVolumes", &error))?;
    let volume = answer.volumes().first();
    Ok(volume.and_then(|volume| {
        let instance = volume.attachments().iter().find_map(|attachment| attachment.instance_id())?;
        Some((instance.to_owned(), "Volume", time(volume.create_time()?)?))
    }))
}

async fn image_of(client: &Client, snapshot: &str) -> Result<Found, BackendError> {
    let of_snapshot = Filter::builder().name("block-device-mapping.snapshot-id").values(snapshot).build();
    let images = client.describe_images().owners("self").filters(of_snapshot).send().await;
    let images = images.map_err(|error| errors::of_sdk("DescribeImages", &error))?;
    // A snapshot that several images have came with none of them for certain.
    let [image] = images.images() else { return Ok(None) };
    let described = client.describe_snapshots().snapshot_ids(snapshot).send().await;
    let described = described.map_err(|error| errors::of_sdk("DescribeSnapshots", &error))?;
    let started = described.snapshots().first().and_then(|snapshot| time(snapshot.start_time()?));
    Ok(image.image_id().zip(started).map(|(image, started)| (image.to_owned(), "Snapshot", started)))
}

fn time(time: &DateTime) -> Option<Timestamp> {
    Timestamp::from_second(time.secs()).ok()
}
