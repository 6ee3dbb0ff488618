//! Active regions compared with an exhaustive scan of the same estate. Unknown regions are never reported as empty.

use super::*;
use futures_util::future::FutureExt as _;
use proptest::prelude::*;
use std::collections::BTreeMap;

const REGIONS: [&str; 6] =
    ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "sa-east-1", "ap-southeast-2"];

/// A resource that `GetResources` lists in a region.
#[derive(Debug, Clone)]
struct Entry {
    arn: String,
    tags: usize,
}

/// The list of one region: pages, of which any may be empty, and the faults of the list.
#[derive(Debug, Clone, Default)]
struct Listing {
    pages: Vec<Vec<Entry>>,
    /// The page that cannot be read.
    broken: Option<usize>,
    /// The page after which the list returns to its first page.
    loops: Option<usize>,
}

/// One account.
#[derive(Debug, Clone, Default)]
struct Estate {
    regions: BTreeMap<String, Listing>,
    /// The region of each bucket. Looking up another bucket is denied.
    buckets: BTreeMap<String, String>,
}

impl Resources for Estate {
    async fn page(&self, region: &Region, token: Option<String>) -> Result<Page, Failure> {
        let listing = self.regions.get(region.as_str()).cloned().unwrap_or_default();
        let number = token.map_or(0, |token| token.trim_start_matches("page ").parse().unwrap());
        if listing.broken == Some(number) {
            return Err(Failure::new("GetResources", "InternalServiceException", Some(500)));
        }
        let listed = |entry: &Entry| ListedResource { arn: entry.arn.clone(), is_tagged: entry.tags > 0 };
        let page = listing.pages.get(number).map(Vec::as_slice).unwrap_or_default();
        let next = if listing.loops == Some(number) { 0 } else { number + 1 };
        let token = (next < listing.pages.len()).then(|| format!("page {next}"));
        // The last token is empty in one service's answers, and not there in another's.
        let token = token.or_else(|| number.is_multiple_of(2).then(String::new));
        Ok(Page { resources: page.iter().map(listed).collect(), next_token: token })
    }

    async fn bucket_in_region(&self, region: &Region, bucket: &str) -> Result<bool, Failure> {
        match self.buckets.get(bucket) {
            Some(found) => Ok(found == region.as_str()),
            None => Err(Failure::new("GetBucketLocation", "AccessDenied", Some(403))),
        }
    }
}

impl Estate {
    /// The regions that have a resource that counts, by all resources of all pages.
    fn exhaustively(&self) -> BTreeSet<&str> {
        let listed = self.regions.iter().flat_map(|(region, listing)| {
            listing.pages.iter().flatten().map(move |entry| (region.as_str(), entry))
        });
        let counts = |(region, entry): &(&str, &Entry)| {
            let bucket = entry.arn.strip_prefix("arn:aws:s3:::").and_then(|bucket| self.buckets.get(bucket));
            let found = bucket.map_or(entry.arn.split(':').nth(3).unwrap_or_default(), String::as_str);
            entry.tags > 0 && found == *region
        };
        listed.filter(counts).map(|(region, _)| region).collect()
    }

    fn active(&self, region: &str) -> Result<bool, Failure> {
        let region = Region::new(region).unwrap();
        // The estate answers at once.
        has_tagged_resource(self, &region).now_or_never().unwrap()
    }
}

fn bucket_of(number: u8) -> String {
    format!("bucket-{number}")
}

/// Resources of the region and of others, global ones, buckets, and malformed ARNs. Most were only tagged once.
fn entries(region: &'static str) -> impl Strategy<Value = Entry> {
    let other = prop::sample::select(&REGIONS[..]);
    let arn = prop_oneof![
        2 => Just(format!("arn:aws:sqs:{region}:111122223333:orders")),
        2 => other.prop_map(|other| format!("arn:aws:ec2:{other}:111122223333:volume/vol-1")),
        2 => any::<u8>().prop_map(|number| format!("arn:aws:s3:::{}", bucket_of(number % 12))),
        1 => Just("arn:aws:iam::111122223333:role/deploy".to_owned()),
        1 => Just("arn:aws:cloudfront::111122223333:distribution/E1".to_owned()),
        1 => "\\PC{0,12}",
    ];
    let tags = prop_oneof![3 => Just(0_usize), 2 => 1..3_usize];
    (arn, tags).prop_map(|(arn, tags)| Entry { arn, tags })
}

fn estates() -> impl Strategy<Value = Estate> {
    let page = |region| prop::collection::vec(entries(region), 0..4);
    let listing = move |region| {
        let pages = prop::collection::vec(page(region), 0..5);
        pages.prop_map(move |pages| (region.to_owned(), Listing { pages, ..Listing::default() }))
    };
    let regions = prop::sample::subsequence(REGIONS.to_vec(), 0..=REGIONS.len());
    let listings = regions.prop_flat_map(move |regions| regions.into_iter().map(listing).collect::<Vec<_>>());
    let buckets = prop::collection::vec(prop::sample::select(&REGIONS[..]), 12);
    (listings, buckets).prop_map(|(regions, buckets)| Estate {
        regions: regions.into_iter().collect(),
        buckets: (0..).map(bucket_of).zip(buckets.into_iter().map(str::to_owned)).collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn active_regions_are_those_of_an_exhaustive_scan(estate in estates()) {
        let found: BTreeSet<&str> =
            REGIONS.into_iter().filter(|region| estate.active(region).unwrap()).collect();
        prop_assert_eq!(found, estate.exhaustively());
    }

    /// Pages fail, lists do not end, and lookups of buckets are denied.
    #[test]
    fn unknown_is_never_empty(
        mut estate in estates(),
        broken in prop::option::of(0..4_usize),
        loops in prop::option::of(0..4_usize),
        denied in prop::collection::btree_set(0..12_u8, 0..6),
    ) {
        let expected: Vec<String> = estate.exhaustively().into_iter().map(str::to_owned).collect();
        for listing in estate.regions.values_mut() {
            (listing.broken, listing.loops) = (broken, loops);
        }
        for number in denied {
            estate.buckets.remove(&bucket_of(number));
        }
        for region in REGIONS {
            match estate.active(region) {
                Ok(active) => prop_assert_eq!(active, expected.iter().any(|found| found == region), "{}", region),
                Err(failure) => prop_assert!(!failure.code.is_empty()),
            }
        }
    }
}

fn one_region(pages: &[&[(&str, usize)]]) -> Estate {
    let entry = |(arn, tags): &(&str, usize)| Entry { arn: (*arn).to_owned(), tags: *tags };
    let pages = pages.iter().map(|page| page.iter().map(entry).collect()).collect();
    let listing = Listing { pages, ..Listing::default() };
    Estate { regions: BTreeMap::from([("eu-west-1".to_owned(), listing)]), ..Estate::default() }
}

const QUEUE: (&str, usize) = ("arn:aws:sqs:eu-west-1:111122223333:orders", 1);

#[test]
fn empty_pages_are_followed() {
    assert_eq!(one_region(&[&[], &[], &[QUEUE]]).active("eu-west-1"), Ok(true));
    assert_eq!(one_region(&[&[], &[], &[]]).active("eu-west-1"), Ok(false));
}

#[test]
fn previously_tagged_resources_do_not_count() {
    let once = (QUEUE.0, 0);
    assert_eq!(one_region(&[&[once, once], &[once]]).active("eu-west-1"), Ok(false));
    assert_eq!(one_region(&[&[once], &[once, QUEUE]]).active("eu-west-1"), Ok(true));
}

#[test]
fn a_repeated_token_is_an_error() {
    let mut estate = one_region(&[&[], &[], &[QUEUE]]);
    estate.regions.get_mut("eu-west-1").unwrap().loops = Some(1);
    assert_eq!(estate.active("eu-west-1").unwrap_err().code, "PagingDoesNotEnd");
}

#[test]
fn buckets_count_in_their_own_region() {
    let mut estate = one_region(&[&[("arn:aws:s3:::logs", 1)]]);
    assert_eq!(estate.active("eu-west-1").unwrap_err().code, "AccessDenied");
    estate.buckets.insert("logs".to_owned(), "us-east-1".to_owned());
    assert_eq!(estate.active("eu-west-1"), Ok(false));
    estate.buckets.insert("logs".to_owned(), "eu-west-1".to_owned());
    assert_eq!(estate.active("eu-west-1"), Ok(true));
}

#[test]
fn the_first_resource_that_counts_ends_the_search() {
    // The lookup of the bucket is denied, and the next page fails.
    let mut estate = one_region(&[&[("arn:aws:s3:::logs", 1), QUEUE], &[]]);
    estate.regions.get_mut("eu-west-1").unwrap().broken = Some(1);
    assert_eq!(estate.active("eu-west-1"), Ok(true));
}

#[test]
fn location_constraints_name_regions() {
    assert_eq!(bucket_region(""), "us-east-1");
    assert_eq!(bucket_region("EU"), "eu-west-1");
    assert_eq!(bucket_region("ap-southeast-2"), "ap-southeast-2");
}
