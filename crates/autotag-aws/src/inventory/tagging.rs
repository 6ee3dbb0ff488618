//! The resources that the Resource Groups Tagging API lists: those that have tags, or had tags once.

use super::caller::{Caller, note};
use super::listed::ListedResource;
use crate::paginate::Paginator;
use crate::{CallError, client_config};
use autotag_model::arn::Region;
use aws_sdk_resourcegroupstagging::Client;
use aws_sdk_resourcegroupstagging::types::ResourceTagMapping;

const OPERATION: &str = "GetResources";

/// The most that AWS answers with.
const PER_PAGE: i32 = 100;

impl Caller<'_> {
    /// Adds the resources of a region. If a page fails, those before it stay.
    pub(super) async fn tagged(
        &self,
        region: &Region,
        listed: &mut Vec<ListedResource>,
    ) -> Result<(), CallError> {
        let config = self.config(region, OPERATION).await?;
        let client = Client::from_conf(client_config!(aws_sdk_resourcegroupstagging, &config).build());
        let mut pages = Paginator::new(OPERATION);
        while pages.has_next() {
            let permit = self.permit("tagging", region).await;
            let call = client.get_resources().resources_per_page(PER_PAGE);
            let page = call.set_pagination_token(pages.token()).send().await;
            let page = page.map_err(|error| note(&permit, CallError::of_sdk(OPERATION, &error)))?;
            listed
                .extend(page.resource_tag_mapping_list.unwrap_or_default().into_iter().filter_map(resource));
            pages.advance(page.pagination_token)?;
        }
        Ok(())
    }
}

fn resource(mapping: ResourceTagMapping) -> Option<ListedResource> {
    let tags = mapping.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
    Some(ListedResource {
        arn: mapping.resource_arn?,
        resource_type: None,
        region: None,
        account: None,
        tags: Some(tags.collect()),
    })
}
