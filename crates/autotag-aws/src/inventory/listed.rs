//! The result of an inventory: the listed resources, and the places that could not be listed.

use crate::CallError;
use autotag_model::arn::{Arn, Region};
use std::collections::HashSet;

/// A resource that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedResource {
    /// Its ARN, as AWS writes it.
    pub arn: String,
    /// Its type as Resource Explorer names it (`ec2:instance`); `None` if AWS does not say it.
    pub resource_type: Option<String>,
    /// Its region; `None` if it has none, or AWS does not say it.
    pub region: Option<String>,
    /// Its account, if AWS says it beside the ARN.
    pub account: Option<String>,
    /// Its tags; `None` if the view does not show tags.
    pub tags: Option<Vec<(String, String)>>,
}

/// The places where resources were listed, and those that could not be listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// The resources, in the order of the regions.
    pub resources: Vec<ListedResource>,
    /// The regions that Resource Explorer answered for.
    pub explored: Vec<Region>,
    /// The regions that the tagging API answered for.
    pub tagged: Vec<Region>,
    /// The regions that could not be listed, or not to the end.
    pub failed: Vec<(Region, CallError)>,
    /// The regions where Resource Explorer could not be asked, so that the tagging API was.
    pub unexplored: Vec<(Region, CallError)>,
}

/// The answer of one region.
#[derive(Debug)]
pub(super) struct OfRegion {
    pub(super) region: Region,
    pub(super) resources: Vec<ListedResource>,
    pub(super) is_explored: bool,
    pub(super) unexplored: Option<CallError>,
    pub(super) failure: Option<CallError>,
}

impl Listed {
    pub(super) fn add(&mut self, answer: OfRegion) {
        let OfRegion { region, resources, is_explored, unexplored, failure } = answer;
        self.resources.extend(resources);
        self.unexplored.extend(unexplored.map(|error| (region.clone(), error)));
        match failure {
            Some(error) => self.failed.push((region, error)),
            None if is_explored => self.explored.push(region),
            None => self.tagged.push(region),
        }
    }

    /// Resources without a region are listed in several.
    pub(super) fn without_copies(mut self) -> Self {
        let mut known: HashSet<String> = HashSet::new();
        self.resources.retain(|resource| {
            let is_of_region = resource.arn.parse::<Arn>().is_ok_and(|arn| arn.region().is_some());
            is_of_region || known.insert(resource.arn.clone())
        });
        for regions in [&mut self.explored, &mut self.tagged] {
            regions.sort();
        }
        self
    }
}
