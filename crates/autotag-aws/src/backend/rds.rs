//! RDS, with `DocumentDB` and Neptune, which share its API.

use super::tagger::arn;
use super::{AwsBackend, client_of};
use crate::errors;
use autotag_handlers::backend::Tags;
use autotag_handlers::error::BackendError;
use autotag_model::rule::Resource;
use autotag_model::tags::TagSet;
use aws_sdk_rds::types::Tag;

impl AwsBackend {
    pub(super) async fn tag_rds(&self, resource: &Resource, tags: &TagSet) -> Result<(), BackendError> {
        let operation = "AddTagsToResource";
        let arn = arn(resource, operation)?;
        let client = self.client(resource, client_of!(aws_sdk_rds)).await?;
        let tags = tags.pairs().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let sent =
            client.add_tags_to_resource().resource_name(arn).set_tags(Some(tags.collect())).send().await;
        sent.map(drop).map_err(|error| errors::of_sdk(operation, &error))
    }

    pub(super) async fn rds_tags(&self, resource: &Resource) -> Result<Tags, BackendError> {
        let operation = "ListTagsForResource";
        let arn = arn(resource, operation)?;
        let client = self.client(resource, client_of!(aws_sdk_rds)).await?;
        let answer = client.list_tags_for_resource().resource_name(arn).send().await;
        let answer = answer.map_err(|error| errors::of_sdk(operation, &error))?;
        let tags = answer.tag_list.unwrap_or_default().into_iter();
        Ok(tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect())
    }
}
