//! A simulated AWS: organizations with their accounts, and a table of tenants. It answers behind the routes of a stub or
//! proxy, is the same for the same seed, and counts what it is asked for.
//!
//! Credentials are checked: a role is assumed only by its trusted caller, Organizations answers only the management account, and
//! an account answers only a role of its own. Access keys name their account.

mod answers;
mod expected;
mod limits;
mod plan;

pub use expected::HEADER;
pub use limits::Limits;
pub use plan::{Account, Holdings, Organization, Size, random};

use autotag_testkit::{Call, Proxy, Reply};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

/// The roles and the table of all estates.
pub const ROLE: &str = "organization-reader";
pub const MEMBER_ROLE: &str = "account-reader";
pub const TABLE: &str = "tenants";

/// The access key that the program is started with: that of `Proxy::environment`.
const AMBIENT: &str = "testing";

/// See the module.
#[derive(Debug)]
pub struct Estate {
    pub organizations: Vec<Organization>,
    /// True if `GetResources` lists the tags of accounts.
    pub lists_account_tags: bool,
    limits: Limits,
    /// The position of each account: its organization, and its index there.
    places: HashMap<String, (usize, usize)>,
    counts: Mutex<BTreeMap<(String, String), Count>>,
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
}

/// The calls of an operation about an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub calls: u64,
    /// Those for a page behind the first, answered.
    pub further: u64,
    /// Those above the limit.
    pub throttled: u64,
}

/// The owner of the credentials for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller<'c> {
    /// Those that the program was started with.
    Ambient,
    /// Those of a role that the ambient ones assumed, in this account.
    Organization(&'c str),
    /// Those of a role that an organization's assumed, in this account.
    Member(&'c str),
    Stranger,
}

impl<'c> Caller<'c> {
    fn of(key: &'c str) -> Self {
        match (key, key.strip_prefix("ASIAO"), key.strip_prefix("ASIAM")) {
            (AMBIENT, ..) => Self::Ambient,
            (_, Some(account), _) => Self::Organization(account),
            (.., Some(account)) => Self::Member(account),
            _ => Self::Stranger,
        }
    }

    /// The account that these credentials are of. The ambient ones are of none in the estate.
    fn account(self) -> &'c str {
        match self {
            Self::Organization(account) | Self::Member(account) => account,
            Self::Ambient | Self::Stranger => "",
        }
    }
}

impl Estate {
    /// An estate without limits.
    pub fn new(seed: u64, size: Size) -> Self {
        let organizations: Vec<Organization> =
            (0..size.organizations).map(|number| Organization::new(seed, number, size)).collect();
        let places = organizations.iter().enumerate().flat_map(|(number, organization)| {
            let accounts = organization.accounts.iter().enumerate();
            accounts.map(move |(place, account)| (account.id.clone(), (number, place)))
        });
        let places = places.collect();
        let (counts, objects) = (Mutex::default(), Mutex::default());
        Self { organizations, lists_account_tags: true, limits: Limits::none(), places, counts, objects }
    }

    /// The same with limits.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Lets it answer all calls that come through the proxy.
    pub fn behind(self, proxy: &Proxy) -> Arc<Self> {
        let estate = Arc::new(self);
        let answering = Arc::clone(&estate);
        proxy.route("/", move |call| Some(answering.answer(call)));
        estate
    }

    /// All accounts.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.organizations.iter().flat_map(|organization| &organization.accounts)
    }

    /// The calls since [`Estate::forget_calls`], by operation and the account it was about: the account of a role, of
    /// tags, or of the credentials.
    pub fn counts(&self) -> BTreeMap<(String, String), Count> {
        self.counts.lock().unwrap().clone()
    }

    /// The calls of an operation about any account.
    pub fn count(&self, operation: &str) -> Count {
        let counts = self.counts();
        let of = counts.iter().filter(|((name, _), _)| name == operation).map(|(_, count)| *count);
        of.fold(Count::default(), Count::plus)
    }

    /// All calls.
    pub fn total(&self) -> Count {
        self.counts().into_values().fold(Count::default(), Count::plus)
    }

    /// The accounts that an operation was called about.
    pub fn asked_about(&self, operation: &str) -> BTreeSet<String> {
        self.counts().into_keys().filter(|(name, _)| name == operation).map(|(_, account)| account).collect()
    }

    /// The operations that were called.
    pub fn operations(&self) -> BTreeSet<String> {
        self.counts().into_keys().map(|(name, _)| name).collect()
    }

    /// Counts from zero again.
    pub fn forget_calls(&self) {
        self.counts.lock().unwrap().clear();
    }

    /// The objects that were put, by `bucket/key`.
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        self.objects.lock().unwrap().clone()
    }

    /// The answer to a call.
    pub fn answer(&self, call: &Call) -> Reply {
        let (operation, caller, body) = (operation(call), Caller::of(&call.access_key), call.json());
        let region = if operation == "GetResources" { call.region.as_str() } else { "" };
        let allowed = self.limits.allow(&operation, caller.account(), region);
        let about = about(call, &body).unwrap_or(caller.account().to_owned());
        self.note(&operation, about, is_further(&body), !allowed);
        if !allowed {
            return answers::throttled(call);
        }
        answers::answer(self, call, &operation, caller, &body)
    }

    fn note(&self, operation: &str, about: String, further: bool, throttled: bool) {
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry((operation.to_owned(), about)).or_default();
        let further = u64::from(further && !throttled);
        let one = Count { calls: 1, further, throttled: u64::from(throttled) };
        *count = count.plus(one);
    }

    fn account(&self, id: &str) -> Option<(&Organization, &Account)> {
        let (number, place) = self.places.get(id)?;
        let organization = self.organizations.get(*number)?;
        Some((organization, organization.accounts.get(*place)?))
    }
}

impl Count {
    fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            further: self.further + other.further,
            throttled: self.throttled + other.throttled,
        }
    }
}

/// AWS's name of the operation, by header or path.
fn operation(call: &Call) -> String {
    let name = match (call.service.as_str(), call.method.as_str()) {
        ("account", _) if call.path == "/listRegions" => "ListRegions",
        ("s3", "GET") if call.query_values("location").next().is_some() => "GetBucketLocation",
        ("s3", "PUT") => "PutObject",
        _ => &call.operation,
    };
    name.to_owned()
}

/// The account that the call names.
fn about(call: &Call, body: &Value) -> Option<String> {
    let of_role = || call.field("RoleArn")?.split(':').nth(4).map(str::to_owned);
    body["ResourceId"].as_str().map(str::to_owned).or_else(of_role)
}

fn is_further(body: &Value) -> bool {
    let tokens = ["NextToken", "PaginationToken", "ExclusiveStartKey"];
    tokens.iter().any(|token| !body[token].is_null() && body[token] != "")
}
