//! Active regions by the Resource Groups Tagging API: regions that have a tagged resource. It takes one call per region in most
//! cases, whatever the number of resources.
//!
//! `GetResources` also returns resources that were tagged once (without tags), pages that are empty and not the last one,
//! and ARNs without a region. The first resource that counts ends the search.

use super::context::{AccountContext, RegionScan};
use super::enabled::enabled;
use crate::aws::Failure;
use crate::report::{MissingData, MissingField};
use autotag_aws::paginate::Paginator;
use autotag_model::arn::{Arn, Region};
use autotag_model::failure::ErrorClass;
use aws_sdk_s3::types::BucketLocationConstraint;
use futures_util::future::join_all;
use std::collections::BTreeSet;

/// Finds the active regions among those that the account has enabled.
pub(super) async fn scan(context: &AccountContext<'_>) -> RegionScan {
    let question = format!("enabled {}", context.id);
    let regions = match context.cache.get_or_fetch(&question, enabled(context)).await {
        Ok(regions) => regions,
        Err(failure) => {
            let is_open = context.account.refusal().is_none();
            let field = if is_open { MissingField::EnabledRegions } else { MissingField::Entry };
            return RegionScan::failed(field, failure);
        }
    };
    let scans = join_all(regions.iter().map(|region| async move {
        let question = format!("active {} {region}", context.id);
        context.cache.get_or_fetch(&question, is_active(context, region)).await
    }));
    let mut result = RegionScan::default();
    for (region, active) in regions.iter().zip(scans.await) {
        match active {
            Ok(true) => drop(result.active.insert(region.clone())),
            Ok(false) => {}
            Err(failure) => {
                result.unknown.insert(region.clone());
                result.missing.push(MissingData { field: MissingField::Region(region.clone()), failure });
            }
        }
    }
    if let Some(refusal) = context.account.refusal() {
        // One refusal, however many regions are unknown because of it.
        result.missing = vec![MissingData { field: MissingField::Entry, failure: refusal.clone() }];
    }
    result
}

/// The calls that tell whether a region is active.
trait Resources {
    /// The page of resources at a token; the first one without a token.
    async fn page(&self, region: &Region, token: Option<String>) -> Result<Page, Failure>;

    /// True if a bucket is in the region.
    async fn bucket_in_region(&self, region: &Region, bucket: &str) -> Result<bool, Failure>;
}

/// One page of `GetResources`.
#[derive(Debug, Clone, Default)]
struct Page {
    resources: Vec<ListedResource>,
    /// Empty or missing on the last page.
    next_token: Option<String>,
}

/// A resource that `GetResources` returns.
#[derive(Debug, Clone)]
struct ListedResource {
    arn: String,
    /// True if it has tags. Otherwise it was tagged once.
    is_tagged: bool,
}

/// The region of a resource.
enum ResourceRegion {
    Known(Region),
    /// A bucket, whose ARN does not name its region.
    BucketLookup(String),
    /// The resource of a global service, or an ARN that cannot be parsed.
    Unknown,
}

impl ListedResource {
    fn region(&self) -> ResourceRegion {
        let Ok(arn) = self.arn.parse::<Arn>() else { return ResourceRegion::Unknown };
        let bucket = arn.resource().split('/').next().unwrap_or_default();
        match arn.region() {
            Some(region) => ResourceRegion::Known(region.clone()),
            None if arn.service() == "s3" && !bucket.is_empty() => {
                ResourceRegion::BucketLookup(bucket.to_owned())
            }
            None => ResourceRegion::Unknown,
        }
    }
}

/// True if the region has a tagged resource.
///
/// Buckets are looked up only if no other resource counts. A resource that counts is enough even if the list fails after it.
/// "No resource" is the result only if the list is complete.
async fn has_tagged_resource(resources: &impl Resources, region: &Region) -> Result<bool, Failure> {
    let mut buckets = BTreeSet::new();
    let mut failure = match is_listed(resources, region, &mut buckets).await {
        Ok(true) => return Ok(true),
        Ok(false) => None,
        Err(failure) => Some(failure),
    };
    for bucket in buckets {
        match resources.bucket_in_region(region, &bucket).await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(false), Err)
}

/// Reads pages until a tagged resource has an ARN of the region. Adds the tagged buckets of these pages to `buckets`.
async fn is_listed(
    resources: &impl Resources,
    region: &Region,
    buckets: &mut BTreeSet<String>,
) -> Result<bool, Failure> {
    let mut pages = Paginator::new("GetResources");
    while pages.has_next() {
        let page = resources.page(region, pages.token()).await?;
        for resource in page.resources.iter().filter(|resource| resource.is_tagged) {
            match resource.region() {
                ResourceRegion::Known(found) if found == *region => return Ok(true),
                ResourceRegion::BucketLookup(bucket) => drop(buckets.insert(bucket)),
                ResourceRegion::Known(_) | ResourceRegion::Unknown => {}
            }
        }
        pages.advance(page.next_token)?;
    }
    Ok(false)
}

async fn is_active(context: &AccountContext<'_>, region: &Region) -> Result<bool, Failure> {
    context.account.get().await?;
    has_tagged_resource(context, region).await
}

impl Resources for AccountContext<'_> {
    async fn page(&self, region: &Region, token: Option<String>) -> Result<Page, Failure> {
        let session = self.account.get().await?;
        // The client is made for the attempt: thousands of regions wait for their turn, and a client takes kilobytes.
        let send = async || {
            let client = aws_sdk_resourcegroupstagging::Client::new(&session.config_in(region));
            let call = client.get_resources().resources_per_page(100);
            call.set_pagination_token(token.clone()).send().await
        };
        let page = self.aws.call(session, "GetResources", region, send).await?;
        let resources = page.resource_tag_mapping_list.unwrap_or_default().into_iter();
        let resources = resources.filter_map(|resource| {
            Some(ListedResource { is_tagged: !resource.tags().is_empty(), arn: resource.resource_arn? })
        });
        Ok(Page { resources: resources.collect(), next_token: page.pagination_token })
    }

    /// The region itself is asked: other regions do not know the buckets of opt-in regions.
    async fn bucket_in_region(&self, region: &Region, bucket: &str) -> Result<bool, Failure> {
        let session = self.account.get().await?;
        let send = async || {
            let client = autotag_aws::s3_client(&session.config_in(region));
            client.get_bucket_location().bucket(bucket).send().await
        };
        match self.aws.call(session, "GetBucketLocation", region, send).await {
            Ok(answer) => {
                let location = answer.location_constraint().map(BucketLocationConstraint::as_str);
                Ok(bucket_region(location.unwrap_or_default()) == region.as_str())
            }
            Err(failure) if is_other_region_error(&failure) => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

/// True if S3 answers that a bucket is in another region, or does not exist any more.
fn is_other_region_error(failure: &Failure) -> bool {
    const CODES: [&str; 6] = [
        "AuthorizationHeaderMalformed",
        "Http301",
        "Http307",
        "IllegalLocationConstraintException",
        "PermanentRedirect",
        "TemporaryRedirect",
    ];
    CODES.contains(&failure.code.as_str()) || failure.class == ErrorClass::NotFound
}

/// The region of a location constraint. The two oldest regions have names of their own.
fn bucket_region(location: &str) -> &str {
    match location {
        "" => "us-east-1",
        "EU" => "eu-west-1",
        region => region,
    }
}

#[cfg(test)]
mod tests;
