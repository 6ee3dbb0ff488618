//! The inventory of the caller's account, region by region.

use super::caller::Caller;
use super::explorer::{GLOBAL, Index};
use super::listed::{Listed, OfRegion};
use crate::signed::{self, calls};
use crate::{Accounts, CallError};
use autotag_model::arn::Region;
use futures_util::stream::{self, StreamExt as _};

/// How many regions are asked at the same time.
const REGIONS: usize = 8;

/// Lists what exists in the caller's account.
#[derive(Debug)]
pub struct LiveInventory<'a> {
    caller: Caller<'a>,
}

impl<'a> LiveInventory<'a> {
    /// With the ambient credentials of `accounts`.
    pub fn new(accounts: &'a Accounts) -> Self {
        Self { caller: Caller::new(accounts) }
    }

    /// The regions that the account has enabled, by EC2.
    ///
    /// # Errors
    /// [`CallError`] if EC2 refuses or does not answer.
    pub async fn enabled_regions(&self) -> Result<Vec<Region>, CallError> {
        const OPERATION: &str = "DescribeRegions";
        let home =
            self.caller.accounts.home_region().ok_or_else(|| CallError::unsent(OPERATION, "NoRegion"))?;
        let config = self.caller.config(&home, OPERATION).await?;
        let answer = signed::send(&config, calls::enabled_regions(&home)).await?;
        let document = roxmltree::Document::parse(&answer);
        let document = document.map_err(|_| CallError::unsent(OPERATION, "UnreadableAnswer"))?;
        let names = document.descendants().filter(|node| node.has_tag_name("regionName"));
        let mut regions: Vec<Region> = names.filter_map(|node| Region::new(node.text()?.trim())).collect();
        regions.sort();
        regions.dedup();
        // Every account has regions, so an answer without any is not understood.
        if regions.is_empty() { Err(CallError::unsent(OPERATION, "UnreadableAnswer")) } else { Ok(regions) }
    }

    /// The resources of these regions. What fails is in the answer, by region.
    pub async fn list(&self, regions: &[Region]) -> Listed {
        let mut listed = Listed::default();
        let indexes: Vec<_> = regions.iter().map(|region| self.caller.index(region)).collect();
        let indexes: Vec<_> = stream::iter(indexes).buffered(REGIONS).collect().await;
        let mut left: Vec<(&Region, Option<Index>)> = Vec::new();
        for (region, index) in regions.iter().zip(indexes) {
            let index = index.unwrap_or_else(|error| {
                listed.unexplored.push((region.clone(), error));
                None
            });
            left.push((region, index));
        }
        self.ask_aggregator(&mut left, &mut listed).await;
        let answers: Vec<_> = left.into_iter().map(|(region, index)| self.of_region(region, index)).collect();
        let mut answers = stream::iter(answers).buffered(REGIONS);
        while let Some(answer) = answers.next().await {
            listed.add(answer);
        }
        listed.without_copies()
    }

    /// Asks the aggregator index, if there is one, and takes out the regions that it answers for.
    async fn ask_aggregator(&self, left: &mut Vec<(&Region, Option<Index>)>, listed: &mut Listed) {
        let aggregators = left.iter().filter_map(|(region, index)| Some((*region, index.as_ref()?)));
        let Some((at, index)) = aggregators.into_iter().find(|(_, index)| index.is_aggregator()) else {
            return;
        };
        // A region whose own index is not complete is not complete in the aggregator.
        let has_index = |(region, of_region): &(&Region, Option<Index>)| {
            (of_region.is_some() && (*region == at || index.replicates(region))).then(|| (*region).clone())
        };
        let covered: Vec<Region> = left.iter().filter_map(has_index).collect();
        let names: Vec<&str> = covered.iter().map(Region::as_str).chain([GLOBAL]).collect();
        match self.caller.explored(at, &index.view, &format!("region:{}", names.join(","))).await {
            Ok(resources) => {
                listed.resources.extend(resources);
                left.retain(|(region, _)| !covered.contains(region));
                listed.explored.extend(covered);
            }
            Err(error) => listed.unexplored.push((at.clone(), error)),
        }
    }

    /// The resources of one region, by its own index if it has a view that shows all, otherwise by the tagging API.
    async fn of_region(&self, region: &Region, index: Option<Index>) -> OfRegion {
        let mut answer = OfRegion {
            region: region.clone(),
            resources: Vec::new(),
            is_explored: false,
            unexplored: None,
            failure: None,
        };
        if let Some(index) = index {
            match self.caller.explored(region, &index.view, "").await {
                Ok(resources) => {
                    (answer.resources, answer.is_explored) = (resources, true);
                    return answer;
                }
                Err(error) => answer.unexplored = Some(error),
            }
        }
        answer.failure = self.caller.tagged(region, &mut answer.resources).await.err();
        answer
    }
}
