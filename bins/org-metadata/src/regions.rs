//! In which regions an account is active.

pub(crate) mod explorer;
pub(crate) mod tagging;

use crate::answers::Answers;
use crate::aws::{Aws, Entry, Failure};
use crate::report::{About, Gap};
use autotag_aws::signed::Request;
use autotag_model::arn::{AccountId, Region};
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A way to find the active regions of an account.
pub(crate) trait ActiveRegions {
    /// Looks for them. What cannot be found out is a gap, and ends nothing else.
    fn find<'v>(&'v self, visit: &'v Visit<'v>) -> LocalBoxFuture<'v, Found>;
}

/// An account that is looked into.
#[derive(Debug)]
pub(crate) struct Visit<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) answers: &'a Answers,
    pub(crate) id: &'a AccountId,
    /// The management account of its organization.
    pub(crate) organization: &'a Entry<'a>,
    /// The account itself.
    pub(crate) account: &'a Entry<'a>,
}

/// What was found out about the regions of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) active: BTreeSet<Region>,
    /// Enabled regions that could not be looked into.
    pub(crate) unknown: BTreeSet<Region>,
    pub(crate) gaps: Vec<Gap>,
}

impl Found {
    /// Nothing, for one reason.
    fn nothing(about: About, failure: Failure) -> Self {
        Self { gaps: vec![Gap { about, failure }], ..Self::default() }
    }
}

/// The regions that an account has enabled: by the Account API, else by EC2.
pub(crate) async fn enabled(visit: &Visit<'_>) -> Result<BTreeSet<Region>, Failure> {
    match by_account_api(visit).await {
        Ok(regions) => Ok(regions),
        Err(failure) if visit.account.refusal().is_some() => Err(failure),
        // If EC2 does not say either, the first answer is the one to mend.
        Err(failure) => by_ec2(visit).await.map_err(|_| failure),
    }
}

async fn by_account_api(visit: &Visit<'_>) -> Result<BTreeSet<Region>, Failure> {
    const OPERATION: &str = "ListRegions";
    let place = visit.account.place().await?;
    let region = visit.aws.organizations_region();
    let mut body = json!({"MaxResults": 50, "RegionOptStatusContains": ["ENABLED", "ENABLED_BY_DEFAULT"]});
    let (mut regions, mut seen) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let request = Request::rest_json("account", OPERATION, &region, "/listRegions", &body);
        let page = visit.aws.json(place, request).await?;
        let listed = page.get("Regions").and_then(Value::as_array).into_iter().flatten();
        regions.extend(listed.filter_map(|region| Region::new(region.get("RegionName")?.as_str()?)));
        let Some(token) = page.get("NextToken").and_then(Value::as_str).filter(|token| !token.is_empty())
        else {
            // An account that exists has regions: nothing at all is an answer that we do not understand.
            let unreadable = || Failure::new(OPERATION, "UnreadableAnswer", None);
            return if regions.is_empty() { Err(unreadable()) } else { Ok(regions) };
        };
        if !seen.insert(token.to_owned()) {
            return Err(Failure::new(OPERATION, "PagingDoesNotEnd", None));
        }
        if let Some(body) = body.as_object_mut() {
            body.insert("NextToken".to_owned(), json!(token));
        }
    }
}

async fn by_ec2(visit: &Visit<'_>) -> Result<BTreeSet<Region>, Failure> {
    const OPERATION: &str = "DescribeRegions";
    let place = visit.account.place().await?;
    let request = Request::query("ec2", OPERATION, &visit.aws.organizations_region(), "Version=2016-11-15");
    let answer = visit.aws.text(place, request).await?;
    let unreadable = || Failure::new(OPERATION, "UnreadableAnswer", None);
    let document = roxmltree::Document::parse(&answer).map_err(|_| unreadable())?;
    let named = document.descendants().filter(|node| node.has_tag_name_of("regionName"));
    let regions: BTreeSet<Region> = named.filter_map(|node| Region::new(node.text()?.trim())).collect();
    if regions.is_empty() { Err(unreadable()) } else { Ok(regions) }
}

/// Names compared without their namespace.
trait Named {
    fn has_tag_name_of(&self, name: &str) -> bool;
}

impl Named for roxmltree::Node<'_, '_> {
    fn has_tag_name_of(&self, name: &str) -> bool {
        self.tag_name().name() == name
    }
}
