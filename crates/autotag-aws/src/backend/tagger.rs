//! Which call writes the tags of a resource.

use super::sdk::{Sdk, sdk_for};
use super::{AwsPorts, described, together};
use crate::errors;
use crate::signed;
use autotag_handlers::outcome::{BackendError, ErrorClass};
use autotag_handlers::ports::{Item, Tagger, Write};
use autotag_model::arn::Arn;
use autotag_model::rule::{Api, NativeCall, Resource, TagCall};
use autotag_model::tags::TagSet;
use session_store::SessionStore;
use std::sync::Arc;

/// The answers for the resources of one write, in order.
pub(super) type Answers = Vec<Result<(), BackendError>>;

impl<S: SessionStore> Tagger for AwsPorts<S> {
    async fn write(&self, write: &Write) -> Answers {
        match &write.call {
            TagCall::TaggingApi => self.tag_resources(&write.items, &write.tags).await,
            TagCall::Native(call) => self.tag_by_service(call, &write.items, &write.tags).await,
            _ => write.items.iter().map(|_| Err(errors::invalid("none", "CannotBeTagged"))).collect(),
        }
    }
}

impl<S: SessionStore> AwsPorts<S> {
    /// A service's own call, many resources at once where it takes them; and the rule's other call for what it refuses.
    async fn tag_by_service(&self, call: &NativeCall, items: &[Item], tags: &TagSet) -> Answers {
        let at_once = items.iter().all(|item| sdk_for(call, &item.resource) == Some(Sdk::CreateTags));
        let answers = if at_once {
            self.create_tags(items, tags).await
        } else {
            together(items.iter().map(|item| self.native(call, item, tags)).collect()).await
        };
        let refused = failed(items, &answers, may_be_unfit_call);
        let again = refused.iter().filter_map(|(index, item)| {
            let fallback = item.rule.fallback.as_ref()?;
            Some(async move { (*index, self.native(fallback, item, tags).await) })
        });
        let again = together(again.collect()).await;
        // If both are refused, the first refusal is the answer: it is about the call that is meant for the resource.
        with(answers, again.into_iter().filter(|(_, answer)| answer.is_ok()))
    }

    /// A service's own call for one resource.
    pub(super) async fn native(
        &self,
        call: &NativeCall,
        item: &Item,
        tags: &TagSet,
    ) -> Result<(), BackendError> {
        let resource = &item.resource;
        if let Some(api) = &call.api {
            return self.described(api, call, resource, tags).await;
        }
        let no_call = || errors::invalid(&call.write.name, "NoSuchCall");
        match sdk_for(call, resource).ok_or_else(no_call)? {
            Sdk::CreateTags => {
                let mut answers = self.create_tags(std::slice::from_ref(item), tags).await;
                answers.pop().unwrap_or_else(|| Err(no_call()))
            }
            Sdk::Rds => self.tag_rds(resource, tags).await,
            Sdk::DynamoDb => self.tag_dynamodb(resource, tags).await,
            Sdk::Bucket => self.tag_bucket(resource, tags).await,
            Sdk::Object => self.tag_object(resource, tags).await,
        }
    }

    /// A call that the catalogue describes; in parts, if it takes fewer tags than there are.
    pub(super) async fn described(
        &self,
        api: &Arc<Api>,
        call: &NativeCall,
        resource: &Resource,
        tags: &TagSet,
    ) -> Result<(), BackendError> {
        let operation = call.write.name.as_str();
        let region = self.region(resource)?;
        let pairs: Vec<(&str, &str)> = tags.pairs().collect();
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
    ) -> Result<String, BackendError> {
        let region = self.region(resource)?;
        self.turn(resource, &region).await;
        let config = self.accounts.client(resource.account.as_ref(), &region, Clone::clone).await;
        let config = config.map_err(|error| errors::of_account(&error))?;
        signed::send(&config, request).await.map_err(|error| errors::of_signed(&error))
    }
}

/// The ARN of a resource, for calls that take one.
pub(super) fn arn(resource: &Resource, operation: &str) -> Result<String, BackendError> {
    resource.arn.as_ref().map(Arn::to_string).ok_or_else(|| errors::invalid(operation, "NoArn"))
}

/// Whether a service's refusal of a resource may only mean that this is not the call for it. Which code says so is not
/// documented. Where there is no room for more tags, another call finds no more.
pub(super) fn may_be_unfit_call(error: &BackendError) -> bool {
    error.class == ErrorClass::Invalid && !errors::is_about_room(&error.code)
}

/// Whether the tagging API's refusal of a resource may only mean that it does not know its type.
pub(super) fn may_be_unknown_type(error: &BackendError) -> bool {
    may_be_unfit_call(error) || error.code.starts_with("InternalService")
}

/// The answers with others in the place of some, by index.
pub(super) fn with(
    mut answers: Answers,
    others: impl Iterator<Item = (usize, Result<(), BackendError>)>,
) -> Answers {
    for (index, other) in others {
        if let Some(place) = answers.get_mut(index) {
            *place = other;
        }
    }
    answers
}

/// The items whose answers are failures of one kind, by index.
pub(super) fn failed(
    items: &[Item],
    answers: &Answers,
    which: impl Fn(&BackendError) -> bool,
) -> Vec<(usize, Item)> {
    let failed = answers.iter().enumerate().filter(|(_, answer)| answer.as_ref().is_err_and(&which));
    failed.filter_map(|(index, _)| Some((index, items.get(index)?.clone()))).collect()
}
