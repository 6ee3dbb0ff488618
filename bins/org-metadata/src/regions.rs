//! The regions in which an account is active.

mod explorer;
mod tagging;

use crate::aws::{Aws, Failure, LazyAccountSession};
use crate::report::{MissingData, MissingField};
use crate::resume_cache::ResumeCache;
use autotag_aws::paginate::paginate;
use autotag_aws::signed::Request;
use autotag_model::arn::{AccountId, Region};
use aws_sdk_account::types::RegionOptStatus;
use std::collections::BTreeSet;

/// How the active regions of an account are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RegionDetector {
    /// By tagged resources, with the Resource Groups Tagging API.
    Tagging,
    /// By all resources, with the default view of Resource Explorer in this region.
    Explorer(Region),
}

impl RegionDetector {
    /// Finds the active regions of an account. What cannot be found out is missing data, and does not end the run.
    pub(crate) async fn scan(&self, context: &AccountContext<'_>) -> RegionScan {
        match self {
            Self::Tagging => tagging::scan(context).await,
            Self::Explorer(region) => explorer::scan(context, region).await,
        }
    }
}

/// An account whose regions are scanned.
#[derive(Debug)]
pub(crate) struct AccountContext<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) cache: &'a ResumeCache,
    pub(crate) id: &'a AccountId,
    /// The management account of its organization.
    pub(crate) organization: &'a LazyAccountSession<'a>,
    /// The account itself.
    pub(crate) account: &'a LazyAccountSession<'a>,
}

/// The result of a scan of an account's regions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RegionScan {
    pub(crate) active: BTreeSet<Region>,
    /// Enabled regions that could not be scanned.
    pub(crate) unknown: BTreeSet<Region>,
    pub(crate) missing: Vec<MissingData>,
}

impl RegionScan {
    /// No region is known, for one reason.
    fn failed(field: MissingField, failure: Failure) -> Self {
        Self { missing: vec![MissingData { field, failure }], ..Self::default() }
    }
}

/// The regions that an account has enabled, by the Account API. If that fails, by EC2.
async fn enabled(context: &AccountContext<'_>) -> Result<BTreeSet<Region>, Failure> {
    match by_account_api(context).await {
        Ok(regions) => Ok(regions),
        Err(failure) if context.account.refusal().is_some() => Err(failure),
        // If EC2 fails too, the first failure is reported: its permission is the one that the report asks for.
        Err(failure) => by_ec2(context).await.map_err(|_| failure),
    }
}

async fn by_account_api(context: &AccountContext<'_>) -> Result<BTreeSet<Region>, Failure> {
    const OPERATION: &str = "ListRegions";
    let session = context.account.get().await?;
    let region = context.aws.organizations_region();
    let regions = paginate::<_, Failure>(OPERATION, async |token| {
        let send = async || {
            let client = aws_sdk_account::Client::new(&session.config_in(&region));
            let call = client.list_regions().max_results(50).set_next_token(token.clone());
            let call = call.region_opt_status_contains(RegionOptStatus::Enabled);
            call.region_opt_status_contains(RegionOptStatus::EnabledByDefault).send().await
        };
        let page = context.aws.call(session, OPERATION, &region, send).await?;
        Ok((page.regions.unwrap_or_default(), page.next_token))
    });
    let regions = regions.await?;
    let regions: BTreeSet<Region> =
        regions.iter().filter_map(|region| Region::new(region.region_name()?)).collect();
    // Every account has regions, so an answer without any is not understood.
    if regions.is_empty() { Err(Failure::unreadable(OPERATION)) } else { Ok(regions) }
}

/// Signed by hand: the SDK crate of EC2 is far larger than this call is worth.
async fn by_ec2(context: &AccountContext<'_>) -> Result<BTreeSet<Region>, Failure> {
    const OPERATION: &str = "DescribeRegions";
    let session = context.account.get().await?;
    let request = Request::query("ec2", OPERATION, &context.aws.organizations_region(), "Version=2016-11-15");
    let answer = context.aws.text(session, request).await?;
    let document = roxmltree::Document::parse(&answer).map_err(|_| Failure::unreadable(OPERATION))?;
    let names = document.descendants().filter(|node| node.has_tag_name("regionName"));
    let regions: BTreeSet<Region> = names.filter_map(|node| Region::new(node.text()?.trim())).collect();
    if regions.is_empty() { Err(Failure::unreadable(OPERATION)) } else { Ok(regions) }
}
