//! IAM tags of roles and users: one call for many events, kept for a while.

use super::{AwsPorts, client_of};
use crate::errors;
use autotag_handlers::outcome::BackendError;
use autotag_handlers::ports::{Clock as _, PrincipalTags, Tags};
use autotag_model::arn::{Arn, Partition};
use autotag_model::rule::{Resource, Scope};
use aws_sdk_iam::Client;
use session_store::SessionStore;

impl<S: SessionStore> PrincipalTags for AwsPorts<S> {
    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        let Ok(parsed) = arn.parse::<Arn>() else { return Ok(Vec::new()) };
        self.principals.at(self.now()).get(arn, self.iam_tags(&parsed)).await
    }
}

impl<S: SessionStore> AwsPorts<S> {
    async fn iam_tags(&self, arn: &Arn) -> Result<Tags, BackendError> {
        let partition: &Partition = arn.partition();
        let place =
            Scope { partition: partition.clone(), region: partition.global_region(), account: arn.account() };
        let (kind, path) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let principal = Resource::new("AWS::IAM::Principal", &name, None, &place);
        let client = match self.client(&principal, client_of!(aws_sdk_iam)).await {
            Ok(client) => client,
            // A caller of an account that is not ours: his tags are no business of ours, the resource is.
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
