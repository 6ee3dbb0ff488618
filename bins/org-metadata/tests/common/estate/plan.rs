//! The content of an estate. It is generated from a seed, so that only counts take memory.

use std::collections::BTreeMap;

/// The regions that every account has, in the order in which an estate takes them.
pub const REGIONS: [&str; 17] = [
    "us-east-1",
    "eu-west-2",
    "eu-west-1",
    "eu-central-1",
    "sa-east-1",
    "us-west-2",
    "ap-southeast-2",
    "us-east-2",
    "eu-north-1",
    "ap-northeast-1",
    "us-west-1",
    "eu-west-3",
    "ap-southeast-1",
    "ap-south-1",
    "ap-northeast-2",
    "ca-central-1",
    "ap-northeast-3",
];

/// The size of an estate.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub organizations: usize,
    /// In each organization.
    pub accounts: usize,
    /// Enabled in each account, of [`REGIONS`].
    pub regions: usize,
    /// In a region at most.
    pub resources: u64,
}

#[derive(Debug, Clone)]
pub struct Organization {
    pub id: String,
    pub management: String,
    /// In the order of `ListAccounts`; the management account is not the first.
    pub accounts: Vec<Account>,
    /// True if `ListAccounts` has an empty page after its first one.
    pub empty_page: bool,
}

#[derive(Debug, Clone)]
pub struct Account {
    pub id: String,
    pub name: String,
    /// `None` is said neither as `State` nor as `Status`.
    pub state: Option<&'static str>,
    /// In the order of `ListTagsForResource`.
    pub tags: Vec<(String, String)>,
    pub regions: BTreeMap<&'static str, Holdings>,
}

/// The resources that `GetResources` lists in a region, in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Pages with nothing on them, and a token.
    pub empty_pages: u64,
    /// Resources that had tags once.
    pub untagged: u64,
    /// Tagged resources of a global service.
    pub global: u64,
    /// Tagged buckets in another region.
    pub buckets_elsewhere: u64,
    /// Tagged buckets.
    pub buckets: u64,
    /// Tagged resources whose ARN names the region.
    pub tagged: u64,
}

impl Organization {
    pub(super) fn new(seed: u64, number: usize, size: Size) -> Self {
        let mut accounts: Vec<Account> =
            (0..size.accounts).map(|place| Account::new(seed, number, place, size)).collect();
        let management = size.accounts / 3;
        accounts[management].state = Some("ACTIVE");
        let (id, management) = (format!("o-estate{number:04}"), accounts[management].id.clone());
        Self { id, management, accounts, empty_page: number % 2 == 1 }
    }
}

impl Account {
    fn new(seed: u64, organization: usize, place: usize, size: Size) -> Self {
        let regions = REGIONS.iter().take(size.regions).enumerate();
        let regions = regions.map(|(region, name)| {
            let number = (organization * 100_000 + place) * 100 + region;
            (*name, Holdings::drawn(random(seed ^ random(number as u64)), size.resources))
        });
        Self {
            id: format!("{:04}{place:08}", 7000 + organization),
            name: name(place),
            state: state(place),
            tags: tags(place),
            regions: regions.collect(),
        }
    }

    /// True if it is entered at all.
    pub fn is_open(&self) -> bool {
        self.state.is_none_or(|state| state == "ACTIVE")
    }

    /// The regions with a tagged resource.
    pub fn active(&self) -> impl Iterator<Item = &'static str> {
        self.regions.iter().filter(|(_, holdings)| holdings.is_active()).map(|(region, _)| *region)
    }
}

impl Holdings {
    /// Every odd thing in one of sixteen regions; in most, tagged resources.
    fn drawn(random: u64, most: u64) -> Self {
        let tagged = Self { tagged: random % most + 1, ..Self::default() };
        match random >> 60 {
            0 | 1 => Self::default(),
            2 => Self { untagged: 3, ..Self::default() },
            3 => Self { untagged: 150, ..tagged },
            4 => Self { buckets: 1, buckets_elsewhere: 1, ..Self::default() },
            5 => Self { buckets_elsewhere: 2, ..Self::default() },
            6 => Self { empty_pages: 1, ..tagged },
            7 => Self { empty_pages: 2, global: 1, ..Self::default() },
            8 => Self { global: 2, buckets: 1, ..tagged },
            _ => tagged,
        }
    }

    pub fn is_active(&self) -> bool {
        self.tagged + self.buckets > 0
    }

    /// The number of pages, with this number of resources on each.
    pub fn pages(&self, size: u64) -> u64 {
        self.empty_pages + self.listed().div_ceil(size).max(1)
    }

    /// How many resources are listed.
    pub fn listed(&self) -> u64 {
        self.untagged + self.global + self.buckets_elsewhere + self.buckets + self.tagged
    }
}

/// Names as account owners choose them.
fn name(place: usize) -> String {
    match place % 8 {
        1 => format!("=HYPERLINK(\"http://example.com/{place}\")"),
        2 => format!("Zoë's, \"{place}\""),
        4 => format!("-{place}"),
        5 => format!("two\r\nlines {place}"),
        6 => format!("@{place}"),
        _ => format!("Shop {place}"),
    }
}

fn state(place: usize) -> Option<&'static str> {
    match place % 20 {
        7 => Some("SUSPENDED"),
        13 => Some("PENDING_CLOSURE"),
        17 => None,
        _ => Some("ACTIVE"),
    }
}

/// The keys that the report knows, with others around them; in every fifth account on the third page.
fn tags(place: usize) -> Vec<(String, String)> {
    let environment = ["environment", "Environment", "ENVIRONMENT", "env", "Env", "ENV", ""][place % 7];
    let aide = ["aide-id", "AIDE_ID", "AIDE-ID", "aide_id", "aideId", "AideId", "", ""][place % 8];
    let owned = |key: &str, value: String| (!key.is_empty()).then(|| (key.to_owned(), value));
    let others = if place.is_multiple_of(5) { 25 } else { 1 };
    let others = (0..others).map(|number| (format!("team-{number}"), "shop".to_owned()));
    let known = [
        // A later spelling beside an earlier one counts for nothing.
        owned(if place.is_multiple_of(3) { "ENV" } else { "" }, "not this one".to_owned())
            .filter(|_| environment != "ENV"),
        owned(environment, if place % 9 == 4 { "+prod".to_owned() } else { "prod".to_owned() }),
        owned(aide, format!("AI-{place}")),
    ];
    others.chain(known.into_iter().flatten()).collect()
}

/// Numbers that look random and are the same in every run (splitmix64).
pub fn random(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x2026_1125);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
