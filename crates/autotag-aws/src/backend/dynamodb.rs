//! DynamoDB: tables, backups.

use super::tagger::arn;
use super::{AwsBackend, client_of};
use crate::errors;
use crate::paginate::Paginator;
use autotag_handlers::backend::Tags;
use autotag_handlers::error::BackendError;
use autotag_model::rule::Resource;
use autotag_model::tags::TagSet;
use aws_sdk_dynamodb::types::Tag;

impl AwsBackend {
    pub(super) async fn tag_dynamodb(&self, resource: &Resource, tags: &TagSet) -> Result<(), BackendError> {
        let operation = "TagResource";
        let arn = arn(resource, operation)?;
        let client = self.client(resource, client_of!(aws_sdk_dynamodb)).await?;
        let tags: Result<Vec<Tag>, _> =
            tags.pairs().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
        let tags = tags.map_err(|_| errors::invalid(operation, "IncompleteTag"))?;
        let sent = client.tag_resource().resource_arn(arn).set_tags(Some(tags)).send().await;
        sent.map(drop).map_err(|error| errors::of_sdk(operation, &error))
    }

    pub(super) async fn dynamodb_tags(&self, resource: &Resource) -> Result<Tags, BackendError> {
        let operation = "ListTagsOfResource";
        let arn = arn(resource, operation)?;
        let client = self.client(resource, client_of!(aws_sdk_dynamodb)).await?;
        let (mut tags, mut pages) = (Vec::new(), Paginator::new(operation));
        while pages.has_next() {
            let call = client.list_tags_of_resource().resource_arn(&arn).set_next_token(pages.token());
            let page = call.send().await.map_err(|error| errors::of_sdk(operation, &error))?;
            tags.extend(page.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
            pages.advance(page.next_token).map_err(errors::of_paging)?;
        }
        Ok(tags)
    }
}
