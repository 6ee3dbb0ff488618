//! Chooses the call that writes the tags of a resource.

use super::sdk_calls::{SdkCall, sdk_call_for};
use super::{AwsBackend, declared_calls, together};
use crate::errors;
use crate::signed;
use autotag_handlers::backend::{TagWrite, TaggableResource};
use autotag_handlers::error::{BackendError, ErrorClass};
use autotag_model::arn::Arn;
use autotag_model::rule::{Api, NativeCall, Resource, TagCall};
use autotag_model::tags::TagSet;
use std::sync::Arc;

/// The answers for the resources of one write, in order.
pub(super) type Answers = Vec<Result<(), BackendError>>;

impl AwsBackend {
    /// Writes the tags to each resource; one answer a resource, in order.
    pub(super) async fn write(&self, write: &TagWrite) -> Answers {
        match &write.call {
            TagCall::TaggingApi => self.tag_resources(&write.resources, &write.tags).await,
            TagCall::Native(call) => self.tag_by_service(call, &write.resources, &write.tags).await,
            _ => write.resources.iter().map(|_| Err(errors::invalid("none", "CannotBeTagged"))).collect(),
        }
    }

    /// A service's own call, many resources at once where it takes them; and the rule's other call for what it refuses.
    async fn tag_by_service(&self, call: &NativeCall, items: &[TaggableResource], tags: &TagSet) -> Answers {
        let at_once =
            items.iter().all(|taggable| sdk_call_for(call, &taggable.resource) == Some(SdkCall::CreateTags));
        let answers = if at_once {
            self.create_tags(items, tags).await
        } else {
            together(items.iter().map(|taggable| self.native(call, taggable, tags)).collect()).await
        };
        let refused = failed(items, &answers, may_be_unfit_call);
        let again = refused.iter().filter_map(|(index, taggable)| {
            let fallback = taggable.rule.fallback.as_ref()?;
            Some(async move { (*index, self.native(fallback, taggable, tags).await) })
        });
        let again = together(again.collect()).await;
        // If both are refused, the first refusal is the answer: it is about the call that is meant for the resource.
        with(answers, again.into_iter().filter(|(_, answer)| answer.is_ok()))
    }

    /// A service's own call for one resource.
    pub(super) async fn native(
        &self,
        call: &NativeCall,
        taggable: &TaggableResource,
        tags: &TagSet,
    ) -> Result<(), BackendError> {
        let resource = &taggable.resource;
        if let Some(api) = &call.api {
            return self.described(api, call, resource, tags).await;
        }
        let no_call = || errors::invalid(&call.write.name, "NoSuchCall");
        match sdk_call_for(call, resource).ok_or_else(no_call)? {
            SdkCall::CreateTags => {
                let mut answers = self.create_tags(std::slice::from_ref(taggable), tags).await;
                answers.pop().unwrap_or_else(|| Err(no_call()))
            }
            SdkCall::Rds => self.tag_rds(resource, tags).await,
            SdkCall::DynamoDb => self.tag_dynamodb(resource, tags).await,
            SdkCall::Bucket => self.tag_bucket(resource, tags).await,
            SdkCall::Object => self.tag_object(resource, tags).await,
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
            let request = declared_calls::write_request(api, call, resource, &region, part)
                .map_err(|why| errors::invalid(operation, &why))?;
            let body = self.send(resource, request).await?;
            if !declared_calls::is_documented_success(api, operation, &body) {
                return Err(errors::unreadable(operation));
            }
            if let Some(code) = call.fails.as_ref().and_then(|fails| declared_calls::failure_in(fails, &body))
            {
                return Err(errors::in_answer(operation, &code));
            }
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
        self.wait_for_rate(resource, &region).await;
        let config = self.accounts.client(resource.account.as_ref(), &region, Clone::clone).await;
        let config = config.map_err(|error| errors::of_account(&error))?;
        signed::send(&config, request).await.map_err(|error| errors::of_signed(&error))
    }
}

/// The ARN of a resource, for calls that take one.
pub(super) fn arn(resource: &Resource, operation: &str) -> Result<String, BackendError> {
    resource.arn.as_ref().map(Arn::to_string).ok_or_else(|| errors::invalid(operation, "NoArn"))
}

/// True if a service's refusal of a resource may only mean that this is not the call for it. Which code says so is not
/// documented. Where there is no room for more tags, another call finds no more.
pub(super) fn may_be_unfit_call(error: &BackendError) -> bool {
    error.class == ErrorClass::Invalid && !errors::is_about_room(&error.code)
}

/// True if the tagging API's refusal of a resource may only mean that it does not know its type.
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
    items: &[TaggableResource],
    answers: &Answers,
    which: impl Fn(&BackendError) -> bool,
) -> Vec<(usize, TaggableResource)> {
    let failed = answers.iter().enumerate().filter(|(_, answer)| answer.as_ref().is_err_and(&which));
    failed.filter_map(|(index, _)| Some((index, items.get(index)?.clone()))).collect()
}
