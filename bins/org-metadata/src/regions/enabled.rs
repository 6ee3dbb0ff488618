//! The regions that an account has enabled.

use super::context::AccountContext;
use crate::aws::Failure;
use autotag_aws::paginate::paginate;
use autotag_aws::signed::calls;
use autotag_model::arn::Region;
use aws_sdk_account::types::RegionOptStatus;
use std::collections::BTreeSet;

/// The regions that an account has enabled, by the Account API. If that fails, by EC2.
pub(super) async fn enabled(context: &AccountContext<'_>) -> Result<BTreeSet<Region>, Failure> {
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

async fn by_ec2(context: &AccountContext<'_>) -> Result<BTreeSet<Region>, Failure> {
    const OPERATION: &str = "DescribeRegions";
    let session = context.account.get().await?;
    let request = calls::enabled_regions(&context.aws.organizations_region());
    let answer = context.aws.text(session, request).await?;
    let document = roxmltree::Document::parse(&answer).map_err(|_| Failure::unreadable(OPERATION))?;
    let names = document.descendants().filter(|node| node.has_tag_name("regionName"));
    let regions: BTreeSet<Region> = names.filter_map(|node| Region::new(node.text()?.trim())).collect();
    if regions.is_empty() { Err(Failure::unreadable(OPERATION)) } else { Ok(regions) }
}
