//! Reads the tags that resources have, in bulk if AWS has a call for that.

use super::sdk_calls::{SdkCall, sdk_call_for};
use super::tagger::arn;
use super::{AwsBackend, client_of, declared_calls, together};
use crate::errors;
use crate::paginate::Paginator;
use autotag_handlers::backend::{TaggableResource, Tags};
use autotag_handlers::error::{BackendError, ErrorClass};
use autotag_model::arn::Arn;
use autotag_model::rule::{NativeCall, Resource, TagCall};
use autotag_model::tags::normalized_key;
use std::collections::HashMap;

/// How many ARNs `GetResources` takes, and how many values a filter of `DescribeTags`.
const ARNS: usize = 100;
const IDS: usize = 200;

/// Up to so many resources are read from their services one by one. Most new resources have no tags, and the service has
/// to be asked for every resource that `GetResources` does not list.
const DIRECT_READ_THRESHOLD: usize = 3;

/// Resources that one kind of request reads, in one place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum ReadStrategy {
    /// `GetResources`, then the service itself for what it does not list.
    TaggingApi,
    /// `DescribeTags` of EC2.
    Ec2,
    /// One request a resource.
    Single,
}

fn read_strategy(taggable: &TaggableResource) -> ReadStrategy {
    match &taggable.rule.call {
        TagCall::TaggingApi => ReadStrategy::TaggingApi,
        TagCall::Native(call) if sdk_call_for(call, &taggable.resource) == Some(SdkCall::CreateTags) => {
            ReadStrategy::Ec2
        }
        _ => ReadStrategy::Single,
    }
}

impl AwsBackend {
    /// The tags on each resource, in order.
    pub(super) async fn read_tags(&self, items: &[TaggableResource]) -> Answers {
        let mut groups: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, taggable) in items.iter().enumerate() {
            let resource = &taggable.resource;
            let key = (read_strategy(taggable), resource.account.clone(), resource.region.clone());
            groups.entry(key).or_default().push(index);
        }
        let parts = groups.into_iter().flat_map(|((strategy, _, _), indices)| {
            let size = match strategy {
                ReadStrategy::TaggingApi => ARNS,
                ReadStrategy::Ec2 => IDS,
                ReadStrategy::Single => 1,
            };
            let parts: Vec<_> = indices.chunks(size).map(|part| (strategy.clone(), part.to_vec())).collect();
            parts
        });
        let reads = parts.map(|(strategy, part)| async move {
            let of_part: Vec<&TaggableResource> = part.iter().filter_map(|index| items.get(*index)).collect();
            let answers = match strategy {
                ReadStrategy::TaggingApi => self.read_tagging_api(&of_part).await,
                ReadStrategy::Ec2 => self.read_ec2(&of_part).await,
                ReadStrategy::Single => self.read_single(&of_part).await,
            };
            part.into_iter().zip(answers).collect::<Vec<_>>()
        });
        let mut answers: Vec<_> = together(reads.collect()).await.concat();
        answers.sort_by_key(|(index, _)| *index);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }
}

type Answers = Vec<Result<Tags, BackendError>>;

fn all(items: &[&TaggableResource], error: &BackendError) -> Answers {
    items.iter().map(|_| Err(error.clone())).collect()
}

impl AwsBackend {
    async fn read_tagging_api(&self, items: &[&TaggableResource]) -> Answers {
        let few = items.len() <= DIRECT_READ_THRESHOLD
            && items.iter().all(|taggable| taggable.rule.fallback.is_some());
        let listed = if few { Ok(HashMap::new()) } else { self.list(items).await };
        let listed = match listed {
            Ok(listed) => listed,
            // One ARN that it does not take fails them all; each is asked for alone.
            Err(error) if error.class == ErrorClass::Invalid => HashMap::new(),
            Err(error) => return all(items, &error),
        };
        let each = items.iter().map(|taggable| async {
            let known = taggable.resource.arn.as_ref().and_then(|arn| listed.get(&arn.to_string()));
            match (known, &taggable.rule.fallback) {
                (Some(tags), _) => Ok(tags.clone()),
                // Not listed is either "never tagged" or "not a type that is listed": the service knows.
                (None, Some(call)) => self.native_tags(call, &taggable.resource).await,
                (None, None) => self.list_alone(taggable).await,
            }
        });
        together(each.collect()).await
    }

    /// One resource that no service can be asked for.
    async fn list_alone(&self, taggable: &TaggableResource) -> Result<Tags, BackendError> {
        let arn = arn(&taggable.resource, "GetResources")?;
        Ok(self.list(&[taggable]).await?.remove(&arn).unwrap_or_default())
    }

    /// Lists the tags of these resources by `GetResources`, by ARN.
    async fn list(&self, items: &[&TaggableResource]) -> Result<HashMap<String, Tags>, BackendError> {
        let operation = "GetResources";
        let arns =
            items.iter().filter_map(|taggable| taggable.resource.arn.as_ref().map(Arn::to_string)).collect();
        let Some(first) = items.first() else { return Ok(HashMap::new()) };
        let client = self.client(&first.resource, client_of!(aws_sdk_resourcegroupstagging)).await?;
        let answer = client.get_resources().set_resource_arn_list(Some(arns)).send().await;
        let answer = answer.map_err(|error| errors::of_sdk(operation, &error))?;
        let listed = answer.resource_tag_mapping_list.unwrap_or_default().into_iter().filter_map(|listed| {
            let tags = listed.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
            Some((listed.resource_arn?, tags))
        });
        Ok(listed.collect())
    }

    async fn read_ec2(&self, items: &[&TaggableResource]) -> Answers {
        let Some(first) = items.first() else { return Vec::new() };
        let ids: Vec<String> = items.iter().map(|taggable| taggable.resource.id.clone()).collect();
        match self.ec2_tags(&first.resource, &ids).await {
            Ok(tags) => ids.iter().map(|id| Ok(tags.get(id).cloned().unwrap_or_default())).collect(),
            Err(error) => all(items, &error),
        }
    }

    async fn ec2_tags(
        &self,
        place: &Resource,
        ids: &[String],
    ) -> Result<HashMap<String, Tags>, BackendError> {
        use aws_sdk_ec2::types::Filter;
        let client = self.client(place, client_of!(aws_sdk_ec2)).await?;
        let of_ids = Filter::builder().name("resource-id").set_values(Some(ids.to_vec())).build();
        let mut pages = client.describe_tags().filters(of_ids).into_paginator().send();
        let mut tags: HashMap<String, Tags> = HashMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| errors::of_sdk("DescribeTags", &error))?;
            for tag in page.tags.unwrap_or_default() {
                if let (Some(id), Some(key)) = (tag.resource_id, tag.key) {
                    tags.entry(id).or_default().push((key, tag.value.unwrap_or_default()));
                }
            }
        }
        Ok(tags)
    }

    async fn read_single(&self, items: &[&TaggableResource]) -> Answers {
        let each = items.iter().map(|taggable| async {
            match &taggable.rule.call {
                TagCall::Native(call) => self.native_tags(call, &taggable.resource).await,
                _ => match &taggable.rule.read_with {
                    Some(call) => self.native_tags(call, &taggable.resource).await,
                    None => Ok(Vec::new()),
                },
            }
        });
        together(each.collect()).await
    }

    /// The tags of one resource, by the service's own call.
    async fn native_tags(&self, call: &NativeCall, resource: &Resource) -> Result<Tags, BackendError> {
        if call.api.is_some() {
            return self.described_tags(call, resource).await;
        }
        match sdk_call_for(call, resource) {
            Some(SdkCall::CreateTags) => {
                let mut tags = self.ec2_tags(resource, std::slice::from_ref(&resource.id)).await?;
                Ok(tags.remove(&resource.id).unwrap_or_default())
            }
            Some(SdkCall::Rds) => self.rds_tags(resource).await,
            Some(SdkCall::DynamoDb) => self.dynamodb_tags(resource).await,
            Some(SdkCall::Bucket | SdkCall::Object) => self.s3_tags(resource).await,
            None => Err(errors::invalid(&call.write.name, "NoSuchCall")),
        }
    }

    async fn described_tags(&self, call: &NativeCall, resource: &Resource) -> Result<Tags, BackendError> {
        let (Some(api), Some(read)) = (&call.api, &call.read) else {
            // Not knowing is not the same as none: an owner would be lost.
            return Err(errors::invalid(&call.write.name, "TagsCannotBeRead"));
        };
        let operation = read.operation.name.as_str();
        let region = self.region(resource)?;
        let (mut tags, mut pages) = (Tags::new(), Paginator::new(operation));
        while pages.has_next() {
            let token = pages.token();
            let request = declared_calls::read_request(api, read, resource, &region, token.as_deref());
            let request = request.map_err(|why| errors::invalid(operation, &why))?;
            let body = self.send(resource, request).await?;
            let found = declared_calls::tags_in(api, read, &body);
            tags.extend(found.ok_or_else(|| errors::unreadable(operation))?);
            pages.advance(declared_calls::next_page(api, read, &body)).map_err(errors::of_paging)?;
        }
        tags.sort_by_cached_key(|(key, _)| (normalized_key(key), key.clone()));
        tags.dedup();
        Ok(tags)
    }
}
