//! Reads IAM tags of roles and users: one call serves many events, and its answer is kept for a while.

use super::{AwsBackend, client_of};
use crate::errors;
use autotag_handlers::backend::Tags;
use autotag_handlers::error::BackendError;
use autotag_model::arn::{Arn, Partition};
use autotag_model::rule::{Resource, Scope};
use aws_sdk_iam::Client;

impl AwsBackend {
    /// The tags of an IAM role or user.
    pub(super) async fn cached_iam_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        let Ok(parsed) = arn.parse::<Arn>() else { return Ok(Vec::new()) };
        self.principals.get(arn, Box::pin(self.iam_tags(&parsed))).await
    }

    async fn iam_tags(&self, arn: &Arn) -> Result<Tags, BackendError> {
        let partition: &Partition = arn.partition();
        let place =
            Scope { partition: partition.clone(), region: partition.global_region(), account: arn.account() };
        let (kind, path) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let principal = Resource::new("AWS::IAM::Principal", &name, None, &place);
        let client = match self.client(&principal, client_of!(aws_sdk_iam)).await {
            Ok(client) => client,
            // The account of the caller is out of scope: skip their IAM tags, but still tag the resource.
            Err(error) if errors::is_closed_account(&error) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        match kind {
            "role" => role_tags(&client, &name).await,
            "user" => user_tags(&client, &name).await,
            _ => Ok(Vec::new()),
        }
    }
}

async fn role_tags(client: &Client, name: &str) -> Result<Tags, BackendError> {
    let (mut tags, mut marker) = (Vec::new(), None);
    loop {
        let page = client.list_role_tags().role_name(name).set_marker(marker).send().await;
        let page = page.map_err(|error| errors::of_sdk("ListRoleTags", &error))?;
        tags.extend(page.tags.into_iter().map(|tag| (tag.key, tag.value)));
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            return Ok(tags);
        }
    }
}

async fn user_tags(client: &Client, name: &str) -> Result<Tags, BackendError> {
    let (mut tags, mut marker) = (Vec::new(), None);
    loop {
        let page = client.list_user_tags().user_name(name).set_marker(marker).send().await;
        let page = page.map_err(|error| errors::of_sdk("ListUserTags", &error))?;
        tags.extend(page.tags.into_iter().map(|tag| (tag.key, tag.value)));
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            return Ok(tags);
        }
    }
}
