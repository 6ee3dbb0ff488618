//! Which call writes the tags of a resource.

use super::{AwsPorts, described, errors, together};
use crate::outcome::{ErrorClass, PortError};
use crate::ports::{Item, Tagger, Write};
use autotag_model::arn::Arn;
use autotag_model::rule::{Api, NativeCall, Resource, TagCall};
use autotag_model::tags::TagSet;
use aws_accounts::signed;
use session_store::SessionStore;
use std::sync::Arc;

/// The answers for the resources of one write, in order.
pub(super) type Answers = Vec<Result<(), PortError>>;

impl<S: SessionStore> Tagger for AwsPorts<S> {
    async fn write(&self, write: &Write) -> Answers {
        let tags = &write.tags;
        match &write.call {
            TagCall::TaggingApi => self.tag_resources(&write.items, tags).await,
            TagCall::Native(call) if call.api.is_none() && call.write.name == "CreateTags" => {
                self.create_tags(&write.items, tags).await
            }
            TagCall::Native(call) => {
                let each = write.items.iter().map(|item| self.native(call, &item.resource, tags));
                together(each.collect()).await
            }
            _ => write.items.iter().map(|_| Err(errors::invalid("none", "CannotBeTagged"))).collect(),
        }
    }
}

/// Which code of ours sends a call that is the SDK's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sdk {
    CreateTags,
    Rds,
    DynamoDb,
    Bucket,
    Object,
}

/// By AWS's names of operation and service: a user's own rules may name any.
fn sdk(call: &NativeCall, service: &str) -> Option<Sdk> {
    Some(match (call.write.name.as_str(), service) {
        ("CreateTags", "ec2") => Sdk::CreateTags,
        ("AddTagsToResource", "rds") => Sdk::Rds,
        ("TagResource", "dynamodb") => Sdk::DynamoDb,
        ("PutBucketTagging", "s3") => Sdk::Bucket,
        ("PutObjectTagging", "s3") => Sdk::Object,
        _ => return None,
    })
}

impl<S: SessionStore> AwsPorts<S> {
    /// A service's own call for one resource.
    pub(super) async fn native(
        &self,
        call: &NativeCall,
        resource: &Resource,
        tags: &TagSet,
    ) -> Result<(), PortError> {
        if let Some(api) = &call.api {
            return self.described(api, call, resource, tags).await;
        }
        match sdk(call, resource.arn.as_ref().map_or("", Arn::service)) {
            Some(Sdk::CreateTags) => {
                self.create_tags_of(std::slice::from_ref(&resource.id), resource, tags).await
            }
            Some(Sdk::Rds) => self.tag_rds(resource, tags).await,
            Some(Sdk::DynamoDb) => self.tag_dynamodb(resource, tags).await,
            Some(Sdk::Bucket) => self.tag_bucket(resource, tags).await,
            Some(Sdk::Object) => self.tag_object(resource, tags).await,
            None => Err(errors::invalid(&call.write.name, "NoSuchCall")),
        }
    }

    /// A call that the catalogue describes; in parts, if it takes fewer tags than there are.
    pub(super) async fn described(
        &self,
        api: &Arc<Api>,
        call: &NativeCall,
        resource: &Resource,
        tags: &TagSet,
    ) -> Result<(), PortError> {
        let operation = call.write.name.as_str();
        let region = self.region(resource)?;
        let pairs: Vec<(&str, &str)> =
            tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        for part in pairs.chunks(call.max_per_call.unwrap_or(usize::MAX).max(1)) {
            let request = described::write_request(api, call, resource, &region, part)
                .map_err(|why| errors::invalid(operation, &why))?;
            self.send(resource, request).await?;
        }
        Ok(())
    }

    /// Sends a request about a resource, with the credentials of its account.
    pub(super) async fn send(
        &self,
        resource: &Resource,
        request: signed::Request,
    ) -> Result<String, PortError> {
        let region = self.region(resource)?;
        self.turn(resource, &region).await;
        let config = self.accounts.client(resource.account.as_ref(), &region, Clone::clone).await;
        let config = config.map_err(|error| errors::of_account(&error))?;
        signed::send(&config, request).await.map_err(|error| errors::of_signed(&error))
    }
}

/// The ARN of a resource, for calls that take one.
pub(super) fn arn(resource: &Resource, operation: &str) -> Result<String, PortError> {
    resource.arn.as_ref().map(Arn::to_string).ok_or_else(|| errors::invalid(operation, "NoArn"))
}

/// Whether the tagging API's refusal of a resource may only mean that it does not know its type.
pub(super) fn may_be_unknown_type(error: &PortError) -> bool {
    error.class == ErrorClass::Invalid || error.code.starts_with("InternalService")
}

/// The items whose answers are failures of one kind, by index.
pub(super) fn failed(
    items: &[Item],
    answers: &Answers,
    which: impl Fn(&PortError) -> bool,
) -> Vec<(usize, Item)> {
    let failed = answers.iter().enumerate().filter(|(_, answer)| answer.as_ref().is_err_and(&which));
    failed.filter_map(|(index, _)| Some((index, items.get(index)?.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn every_call_of_the_catalogue_can_be_sent() {
        for service in Catalog::embedded().services().unwrap() {
            for call in service.native.values() {
                let name = service.source.split('.').next().unwrap();
                let can = call.api.is_some() || sdk(call, name).is_some();
                assert!(can, "{}: {} is described nowhere", service.source, call.name);
            }
        }
    }
}
