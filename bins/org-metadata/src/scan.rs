//! All organizations, accounts and regions at once, as far as turns and places allow.
//!
//! ```text
//! tenant ── assume role ── DescribeOrganization ── ListAccounts ──┬── account ── tags
//!                                                  (page by page) │           └─ assume role ── regions
//!                                                                 ├── account ...
//! ```
//!
//! Everything that is found out goes through [`Answers`]; a failure is a gap of its account, or of its organization, and
//! ends nothing else.

use crate::answers::Answers;
use crate::aws::{Aws, Entry, Failure, Place};
use crate::organization::{self, Described, Pages};
use crate::progress::Progress;
use crate::regions::{ActiveRegions, Found, Visit};
use crate::report::{About, Account, Gap, Listed, Organization, Tenant, TenantOutcome};
use autotag_aws::MemberRole;
use autotag_model::arn::AccountId;
use futures_util::future::join;
use futures_util::stream::{self, StreamExt as _};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// How many organizations are looked into at once.
const ORGANIZATIONS: usize = 100;

/// What is looked for, and how.
pub(crate) struct Scan<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) answers: &'a Answers,
    pub(crate) progress: &'a Progress,
    /// The role of management accounts.
    pub(crate) role: &'a MemberRole,
    /// The role of member accounts, assumed with the credentials of the other.
    pub(crate) member_role: &'a MemberRole,
    /// The keys of account tags that the report wants.
    pub(crate) tags: &'a BTreeSet<String>,
    pub(crate) ways: &'a dyn ActiveRegions,
    /// How many accounts are entered at once.
    pub(crate) visits: Semaphore,
    pub(crate) concurrency: usize,
}

impl Scan<'_> {
    /// Every tenant, in their order.
    pub(crate) async fn tenants(&self, here: Place, tenants: &[AccountId]) -> Vec<Tenant> {
        let here = &Entry::here(here);
        let tenant = |id| async move {
            let began = Instant::now();
            let outcome = match self.tenant(here, id).await {
                Ok(outcome) => outcome,
                Err(failure) => TenantOutcome::Failed(failure),
            };
            let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            Tenant { id: id.clone(), outcome, millis }
        };
        stream::iter(tenants).map(tenant).buffered(ORGANIZATIONS).collect().await
    }

    async fn tenant(&self, here: &Entry<'_>, id: &AccountId) -> Result<TenantOutcome, Failure> {
        let entry = Entry::by_role(self.aws, here, id, self.role);
        let described: Described = self
            .answers
            .ask(&format!("organization {id}"), async {
                organization::describe(self.aws, entry.place().await?).await
            })
            .await?;
        if described.management != *id {
            return Ok(TenantOutcome::NotManagement(described.management));
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        let (cut, accounts) = join(self.list(&entry, id, sender), self.accounts(&entry, id, receiver)).await;
        if let (Some(failure), true) = (&cut, accounts.is_empty()) {
            return Err(failure.clone());
        }
        Ok(TenantOutcome::Reported(Organization { id: described.id, management: id.clone(), accounts, cut }))
    }

    /// Lists the accounts, each once; they are visited while further pages are asked for. Why the list broke off, if it did.
    async fn list(
        &self,
        entry: &Entry<'_>,
        id: &AccountId,
        found: UnboundedSender<Listed>,
    ) -> Option<Failure> {
        let question = format!("accounts {id}");
        // Nobody listens only if the visits were dropped, and then this is, too.
        let send = |listed: &Listed| drop(found.send(listed.clone()));
        if let Some(list) = self.answers.known::<Vec<Listed>>(&question) {
            list.iter().for_each(send);
            return None;
        }
        let place = match entry.place().await {
            Ok(place) => place,
            Err(failure) => return Some(failure),
        };
        let mut pages = Pages::of_accounts(self.aws, place);
        let (mut list, mut ids) = (Vec::new(), BTreeSet::new());
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => {
                    for listed in organization::accounts(&page).filter(|listed| ids.insert(listed.id.clone()))
                    {
                        send(&listed);
                        list.push(listed);
                    }
                }
                Err(failure) => return Some(failure),
            }
        }
        self.answers.keep(&question, &list);
        None
    }

    async fn accounts(
        &self,
        entry: &Entry<'_>,
        management: &AccountId,
        found: UnboundedReceiver<Listed>,
    ) -> Vec<Account> {
        let found = stream::unfold(found, |mut found| async { Some((found.recv().await?, found)) });
        let visits = found.enumerate().map(|(at, listed)| async move {
            self.progress.found();
            let account = self.account(entry, management, listed).await;
            self.progress.done(self.aws);
            (at, account)
        });
        let mut accounts: Vec<(usize, Account)> = visits.buffer_unordered(self.concurrency).collect().await;
        accounts.sort_by_key(|(at, account)| (!account.management, *at));
        accounts.into_iter().map(|(_, account)| account).collect()
    }

    async fn account(&self, entry: &Entry<'_>, management: &AccountId, listed: Listed) -> Account {
        let is_management = listed.id == *management;
        let (tags, found) =
            join(self.tags(entry, &listed.id), self.regions(entry, is_management, &listed)).await;
        let Found { active, unknown, mut gaps } = found;
        let tags = tags.unwrap_or_else(|failure| {
            gaps.insert(0, Gap { about: About::Tags, failure });
            BTreeMap::new()
        });
        Account { listed, management: is_management, tags, active, unknown, gaps }
    }

    async fn tags(&self, entry: &Entry<'_>, id: &AccountId) -> Result<BTreeMap<String, String>, Failure> {
        let asked = async { organization::tags(self.aws, entry.place().await?, id, self.tags).await };
        self.answers.ask(&format!("tags {id}"), asked).await
    }

    /// Accounts that are not open are not entered.
    async fn regions(&self, entry: &Entry<'_>, is_management: bool, listed: &Listed) -> Found {
        if !listed.is_open() {
            return Found::default();
        }
        // A semaphore that nobody closes always gives.
        let _visit = self.visits.acquire().await;
        let member = Entry::by_role(self.aws, entry, &listed.id, self.member_role);
        let account = if is_management { entry } else { &member };
        let visit =
            Visit { aws: self.aws, answers: self.answers, id: &listed.id, organization: entry, account };
        self.ways.find(&visit).await
    }
}
