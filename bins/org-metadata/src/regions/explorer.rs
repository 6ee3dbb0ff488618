//! Active regions by Resource Explorer: regions that have resources, tagged or not. It needs a default view in the management
//! account that shows all accounts, and lags by hours.
//!
//! A search returns at most a thousand resources, so each search leaves out the regions that are known already. An account
//! needs one search per active region, and one more.

use super::context::{AccountContext, RegionScan};
use crate::aws::Failure;
use crate::report::{MissingData, MissingField};
use autotag_aws::paginate::Paginator;
use autotag_aws::signed::calls;
use autotag_model::arn::Region;
use serde_json::Value;
use std::collections::BTreeSet;

/// The region of resources that have none, as Resource Explorer calls it.
const GLOBAL: &str = "global";

/// Finds the active regions by the management account's default view in the region `at`.
pub(super) async fn scan(context: &AccountContext<'_>, at: &Region) -> RegionScan {
    let mut active = BTreeSet::new();
    let question = format!("explored {}", context.id);
    let complete = context.cache.get_or_fetch(&question, async {
        search(context, at, &mut active).await?;
        Ok(active.clone())
    });
    match complete.await {
        Ok(active) => RegionScan { active, ..RegionScan::default() },
        Err(failure) => {
            let missing = vec![MissingData { field: MissingField::OtherRegions, failure }];
            RegionScan { active, unknown: BTreeSet::new(), missing }
        }
    }
}

/// Searches until there is no new region. The regions found before a search fails stay in `active`.
async fn search(
    context: &AccountContext<'_>,
    at: &Region,
    active: &mut BTreeSet<Region>,
) -> Result<(), Failure> {
    loop {
        let known = active.iter().map(Region::as_str).chain([GLOBAL]);
        let known: Vec<String> = known.map(|region| format!("-region:{region}")).collect();
        let query = format!("accountid:{} {}", context.id, known.join(" "));
        let before = active.len();
        find_new_region(context, at, &query, active).await?;
        if active.len() == before {
            return Ok(());
        }
    }
}

/// Makes one search, and reads its pages until one has a new region.
async fn find_new_region(
    context: &AccountContext<'_>,
    at: &Region,
    query: &str,
    active: &mut BTreeSet<Region>,
) -> Result<(), Failure> {
    const OPERATION: &str = "Search";
    let before = active.len();
    let mut pages = Paginator::new(OPERATION);
    while pages.has_next() && active.len() == before {
        let session = context.organization.get().await?;
        let request = calls::search_resources(at, query, pages.token());
        let page = context.aws.json(session, request).await?;
        let resources = page.get("Resources").and_then(Value::as_array).into_iter().flatten();
        let regions = resources.filter_map(|resource| resource.get("Region")?.as_str());
        active.extend(regions.filter(|region| *region != GLOBAL).filter_map(Region::new));
        pages.advance(page.get("NextToken").and_then(Value::as_str).map(str::to_owned))?;
    }
    Ok(())
}
