//! Active is where something is tagged: by the Resource Groups Tagging API, a call a region, whatever is in it.
//!
//! `GetResources` also has what was tagged once (without tags), pages that are empty and still not the last, and ARNs
//! without a region. The first resource that counts ends the search.

use super::{ActiveRegions, Found, Named as _, Visit, enabled};
use crate::aws::Failure;
use crate::report::{About, Gap};
use autotag_aws::signed::{Request, TAGGING};
use autotag_model::arn::{Arn, Region};
use autotag_model::failure::ErrorClass;
use futures_util::future::{LocalBoxFuture, join_all};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use std::collections::BTreeSet;

/// Active regions by what is tagged in them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByTags;

impl ActiveRegions for ByTags {
    fn find<'v>(&'v self, visit: &'v Visit<'v>) -> LocalBoxFuture<'v, Found> {
        Box::pin(find(visit))
    }
}

async fn find(visit: &Visit<'_>) -> Found {
    let question = format!("enabled {}", visit.id);
    let regions = match visit.answers.ask(&question, enabled(visit)).await {
        Ok(regions) => regions,
        Err(failure) => {
            let entered = visit.account.refusal().is_none();
            return Found::nothing(if entered { About::EnabledRegions } else { About::Entry }, failure);
        }
    };
    let looked_into = join_all(regions.iter().map(|region| async move {
        let question = format!("active {} {region}", visit.id);
        visit.answers.ask(&question, is_active(visit, region)).await
    }));
    let mut found = Found::default();
    for (region, active) in regions.iter().zip(looked_into.await) {
        match active {
            Ok(true) => drop(found.active.insert(region.clone())),
            Ok(false) => {}
            Err(failure) => {
                found.unknown.insert(region.clone());
                found.gaps.push(Gap { about: About::Region(region.clone()), failure });
            }
        }
    }
    if let Some(refusal) = visit.account.refusal() {
        // One refusal, however many regions it keeps from being known.
        found.gaps = vec![Gap { about: About::Entry, failure: refusal.clone() }];
    }
    found
}

/// What is asked of an account to tell whether a region is active.
trait Resources {
    /// The page of tagged resources that begins at a token; the first one at the empty token.
    async fn page(&self, region: &Region, token: &str) -> Result<Page, Failure>;

    /// Whether a bucket lies in the region.
    async fn holds(&self, region: &Region, bucket: &str) -> Result<bool, Failure>;
}

/// One page of `GetResources`.
#[derive(Debug, Clone, Default, Deserialize)]
struct Page {
    #[serde(rename = "ResourceTagMappingList", default)]
    resources: Vec<Tagged>,
    /// Empty, or not there, on the last page.
    #[serde(rename = "PaginationToken", default)]
    token: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Tagged {
    #[serde(rename = "ResourceARN")]
    arn: String,
    /// Empty where the resource was tagged once, and is no more.
    #[serde(rename = "Tags", default)]
    tags: Vec<IgnoredAny>,
}

/// Where a resource lies.
enum Lies {
    In(Region),
    /// A bucket: its ARN does not say.
    Somewhere(String),
    /// In no region: a resource of a global service, or nothing that we understand.
    Nowhere,
}

impl Tagged {
    fn lies(&self) -> Lies {
        let Ok(arn) = self.arn.parse::<Arn>() else { return Lies::Nowhere };
        match arn.region() {
            Some(region) => Lies::In(region.clone()),
            None if arn.service() == "s3" => {
                Lies::Somewhere(arn.resource().split('/').next().unwrap_or_default().to_owned())
            }
            None => Lies::Nowhere,
        }
    }
}

/// Whether the region has a tagged resource.
///
/// Buckets are asked for their region only where nothing else counts. What is found counts even if the list breaks off
/// behind it; that nothing is found counts only if the list is whole.
async fn active(resources: &impl Resources, region: &Region) -> Result<bool, Failure> {
    let (mut token, mut seen, mut buckets) = (String::new(), BTreeSet::new(), BTreeSet::new());
    let mut broken = None;
    loop {
        let page = match resources.page(region, &token).await {
            Ok(page) => page,
            Err(failure) => {
                broken = Some(failure);
                break;
            }
        };
        for tagged in page.resources.iter().filter(|tagged| !tagged.tags.is_empty()) {
            match tagged.lies() {
                Lies::In(found) if found == *region => return Ok(true),
                Lies::Somewhere(bucket) => drop(buckets.insert(bucket)),
                Lies::In(_) | Lies::Nowhere => {}
            }
        }
        token = page.token.unwrap_or_default();
        if token.is_empty() {
            break;
        }
        if !seen.insert(token.clone()) {
            broken = Some(Failure::new("GetResources", "PagingDoesNotEnd", None));
            break;
        }
    }
    for bucket in buckets {
        match resources.holds(region, &bucket).await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(failure) => broken = broken.or(Some(failure)),
        }
    }
    broken.map_or(Ok(false), Err)
}

async fn is_active(visit: &Visit<'_>, region: &Region) -> Result<bool, Failure> {
    visit.account.place().await?;
    active(visit, region).await
}

/// What stays as it is in a path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Resources for Visit<'_> {
    async fn page(&self, region: &Region, token: &str) -> Result<Page, Failure> {
        const OPERATION: &str = "GetResources";
        let body = if token.is_empty() {
            json!({"ResourcesPerPage": 100})
        } else {
            json!({"ResourcesPerPage": 100, "PaginationToken": token})
        };
        let request = Request::json(TAGGING, OPERATION, region, &body);
        let answer = self.aws.text(self.account.place().await?, request).await?;
        serde_json::from_str(&answer).map_err(|_| Failure::new(OPERATION, "UnreadableAnswer", None))
    }

    /// Asked in the region itself: buckets of opt-in regions are not known elsewhere.
    async fn holds(&self, region: &Region, bucket: &str) -> Result<bool, Failure> {
        const OPERATION: &str = "GetBucketLocation";
        let target = format!("/{}?location", utf8_percent_encode(bucket, PATH));
        let request = Request::new("s3", OPERATION, region, "GET", &target);
        match self.aws.text(self.account.place().await?, request).await {
            Ok(answer) => location(&answer).map(|found| found == region.as_str()),
            Err(failure) if is_elsewhere(&failure) => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

/// What S3 says in a region of a bucket that lies in another one, or is not there any more.
fn is_elsewhere(failure: &Failure) -> bool {
    const SAID: [&str; 4] = [
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "PermanentRedirect",
        "TemporaryRedirect",
    ];
    SAID.contains(&failure.code.as_str())
        || ["Http301", "Http307"].contains(&failure.code.as_str())
        || failure.class == ErrorClass::NotFound
}

/// The region in S3's answer, which has names of its own for the two oldest.
fn location(answer: &str) -> Result<String, Failure> {
    let unreadable = |_| Failure::new("GetBucketLocation", "UnreadableAnswer", None);
    let document = roxmltree::Document::parse(answer).map_err(unreadable)?;
    let named = document.descendants().find(|node| node.has_tag_name_of("LocationConstraint"));
    Ok(match named.and_then(|node| node.text()).map(str::trim).unwrap_or_default() {
        "" => "us-east-1".to_owned(),
        "EU" => "eu-west-1".to_owned(),
        region => region.to_owned(),
    })
}

#[cfg(test)]
mod tests;
