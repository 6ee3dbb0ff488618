//! The Resource Groups Tagging API: the usual call, by ARN, for resources of all services at once.

use super::tagger::{Answers, arn, failed, may_be_unknown_type, with};
use super::{AwsBackend, client_of, together};
use crate::errors;
use autotag_handlers::backend::TaggableResource;
use autotag_handlers::error::BackendError;
use autotag_model::failure::classify;
use autotag_model::tags::TagSet;
use aws_sdk_resourcegroupstagging::types::FailureInfo;
use std::collections::HashMap;

/// How many ARNs a call takes.
const ARNS: usize = 20;
const OPERATION: &str = "TagResources";

impl AwsBackend {
    /// Tags resources of one account and region; what the API does not know is tagged by the service itself.
    pub(super) async fn tag_resources(&self, items: &[TaggableResource], tags: &TagSet) -> Answers {
        let parts = items.chunks(ARNS).map(|part| self.tag_part(part, tags));
        together(parts.collect()).await.concat()
    }

    async fn tag_part(&self, items: &[TaggableResource], tags: &TagSet) -> Answers {
        let answers = self.tag_at_once(items, tags).await;
        let unsure = failed(items, &answers, may_be_unknown_type);
        let again = unsure.iter().map(|(index, taggable)| async move {
            // One wrong ARN fails the whole call, and the error does not name it.
            let alone = match &taggable.rule.fallback {
                Some(call) => self.native(call, taggable, tags).await,
                None if items.len() > 1 => {
                    self.tag_at_once(std::slice::from_ref(taggable), tags).await.pop()?
                }
                None => return None,
            };
            Some((*index, alone))
        });
        with(answers, together(again.collect()).await.into_iter().flatten())
    }

    async fn tag_at_once(&self, items: &[TaggableResource], tags: &TagSet) -> Answers {
        let Some(first) = items.first() else { return Vec::new() };
        let arns: Vec<Result<String, BackendError>> =
            items.iter().map(|taggable| arn(&taggable.resource, OPERATION)).collect();
        let client = match self.client(&first.resource, client_of!(aws_sdk_resourcegroupstagging)).await {
            Ok(client) => client,
            Err(error) => return items.iter().map(|_| Err(error.clone())).collect(),
        };
        let map = tags.pairs().map(|(key, value)| (key.to_owned(), value.to_owned()));
        let list = arns.iter().filter_map(|arn| arn.as_ref().ok().cloned()).collect();
        let answer = client
            .tag_resources()
            .set_resource_arn_list(Some(list))
            .set_tags(Some(map.collect()))
            .send()
            .await;
        match answer {
            Ok(answer) => {
                let refused = answer.failed_resources_map.unwrap_or_default();
                let others = only_asked(&arns, &refused);
                arns.into_iter().map(|arn| arn.and_then(|arn| one(&arn, &refused, &others))).collect()
            }
            Err(error) => {
                let error = errors::of_sdk(OPERATION, &error);
                arns.into_iter().map(|arn| arn.and(Err(error.clone()))).collect()
            }
        }
    }
}

/// The result of the resources that the answer does not name. A failure of an ARN that was not asked for may be the failure of
/// any of them.
fn only_asked(
    arns: &[Result<String, BackendError>],
    refused: &HashMap<String, FailureInfo>,
) -> Result<(), BackendError> {
    let is_asked = |name: &String| arns.iter().any(|arn| arn.as_ref() == Ok(name));
    if refused.keys().all(is_asked) { Ok(()) } else { Err(errors::unreadable(OPERATION)) }
}

/// The result of one resource; `others` is that of the resources that the answer does not name.
fn one(
    arn: &str,
    refused: &HashMap<String, FailureInfo>,
    others: &Result<(), BackendError>,
) -> Result<(), BackendError> {
    let Some(failure) = refused.get(arn) else { return others.clone() };
    let code = failure.error_code.as_ref().map(|code| code.as_str().to_owned());
    let code = code.unwrap_or_else(|| format!("Http{}", failure.status_code));
    let status = u16::try_from(failure.status_code).ok();
    Err(BackendError::new(classify(&code, status), OPERATION, &code))
}
