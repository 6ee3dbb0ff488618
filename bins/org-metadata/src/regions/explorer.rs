//! Active is where Resource Explorer knows something: what was never tagged, too. It needs a default view in the
//! management account that shows all accounts, and lags by hours.
//!
//! One search shows at most a thousand resources, so each search leaves out the regions that are known already: as many
//! searches as there are active regions, and one more.

use super::{ActiveRegions, Found, Visit};
use crate::aws::Failure;
use crate::report::{About, Gap};
use autotag_aws::signed::Request;
use autotag_model::arn::Region;
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What Resource Explorer calls the region of what has none.
const GLOBAL: &str = "global";

/// Active regions by the management account's default view in a region.
#[derive(Debug, Clone)]
pub(crate) struct ByExplorer {
    pub(crate) region: Region,
}

impl ActiveRegions for ByExplorer {
    fn find<'v>(&'v self, visit: &'v Visit<'v>) -> LocalBoxFuture<'v, Found> {
        Box::pin(async move {
            let mut active = BTreeSet::new();
            let question = format!("explored {}", visit.id);
            let whole = visit.answers.ask(&question, async {
                search(visit, &self.region, &mut active).await?;
                Ok(active.clone())
            });
            match whole.await {
                Ok(active) => Found { active, ..Found::default() },
                Err(failure) => {
                    let gaps = vec![Gap { about: About::OtherRegions, failure }];
                    Found { active, unknown: BTreeSet::new(), gaps }
                }
            }
        })
    }
}

/// Searches until nothing new is found; what was found stays in `active` even if a search fails.
async fn search(visit: &Visit<'_>, at: &Region, active: &mut BTreeSet<Region>) -> Result<(), Failure> {
    const OPERATION: &str = "Search";
    loop {
        let known = active.iter().map(Region::as_str).chain([GLOBAL]);
        let known: Vec<String> = known.map(|region| format!("-region:{region}")).collect();
        let query = format!("accountid:{} {}", visit.id, known.join(" "));
        let mut body = json!({"QueryString": query, "MaxResults": 1000});
        let (before, mut seen) = (active.len(), BTreeSet::new());
        while active.len() == before {
            let place = visit.organization.place().await?;
            let request = Request::rest_json("resource-explorer-2", OPERATION, at, "/Search", &body);
            let page = visit.aws.json(place, request).await?;
            let resources = page.get("Resources").and_then(Value::as_array).into_iter().flatten();
            let regions = resources.filter_map(|resource| resource.get("Region")?.as_str());
            active.extend(regions.filter(|region| *region != GLOBAL).filter_map(Region::new));
            // A page may be empty, and still not the last one.
            let token = page.get("NextToken").and_then(Value::as_str).filter(|token| !token.is_empty());
            let Some(token) = token else { break };
            if !seen.insert(token.to_owned()) {
                return Err(Failure::new(OPERATION, "PagingDoesNotEnd", None));
            }
            if let Some(body) = body.as_object_mut() {
                body.insert("NextToken".to_owned(), json!(token));
            }
        }
        if active.len() == before {
            return Ok(());
        }
    }
}
