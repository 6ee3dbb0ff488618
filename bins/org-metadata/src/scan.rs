//! The scan: all organizations, accounts and regions concurrently, within the limits of rates and slots.
//!
//! ```text
//! tenant ── assume role ── DescribeOrganization ─┬─ tags of all accounts
//!                                                └─ ListAccounts ──┬── account ── tags, if they are not known yet
//!                                                   (page by page) │           └─ assume role ── regions
//!                                                                  ├── account ...
//! ```
//!
//! Every answer goes through the [`ResumeCache`]. A failure is missing data of its account or organization, and does not stop
//! the others.

use crate::account_tags::AccountTags;
use crate::aws::{AccountSession, Aws, Failure, LazyAccountSession};
use crate::organization::{self, Described};
use crate::progress::Progress;
use crate::regions::{AccountContext, RegionDetector, RegionScan};
use crate::report::{Account, ListedAccount, MissingData, MissingField, Organization, Tenant, TenantOutcome};
use crate::resume_cache::ResumeCache;
use autotag_aws::MemberRole;
use autotag_aws::paginate::Paginator;
use autotag_model::arn::AccountId;
use futures_util::future::{join, join3};
use futures_util::stream::{self, StreamExt as _};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OnceCell, Semaphore};

/// The number of organizations that are scanned at a time.
const ORGANIZATIONS: usize = 100;

/// The parameters of a scan.
pub(crate) struct Scan<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) cache: &'a ResumeCache,
    pub(crate) progress: &'a Progress,
    /// The role of management accounts.
    pub(crate) role: &'a MemberRole,
    /// The role of member accounts, assumed with the credentials of the management account's role.
    pub(crate) member_role: &'a MemberRole,
    /// The keys of the account tags to report.
    pub(crate) tags: &'a BTreeSet<String>,
    pub(crate) region_detector: &'a RegionDetector,
    /// Limits the number of accounts that are entered at a time.
    pub(crate) account_permits: Semaphore,
    pub(crate) concurrency: usize,
}

impl Scan<'_> {
    /// Scans the tenants. The result is in their order.
    pub(crate) async fn tenants(&self, caller: AccountSession, tenants: &[AccountId]) -> Vec<Tenant> {
        let caller = &LazyAccountSession::open(caller);
        let tenant = |id| async move {
            let started = Instant::now();
            let outcome = match self.tenant(caller, id).await {
                Ok(outcome) => outcome,
                Err(failure) => TenantOutcome::Failed(failure),
            };
            let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            Tenant { id: id.clone(), outcome, millis }
        };
        stream::iter(tenants).map(tenant).buffered(ORGANIZATIONS).collect().await
    }

    async fn tenant(
        &self,
        caller: &LazyAccountSession<'_>,
        id: &AccountId,
    ) -> Result<TenantOutcome, Failure> {
        let session = LazyAccountSession::by_role(self.aws, caller, id, self.role);
        let described: Described = self
            .cache
            .get_or_fetch(&format!("organization {id}"), async {
                organization::describe(self.aws, session.get().await?).await
            })
            .await?;
        if described.management != *id {
            return Ok(TenantOutcome::NotManagement(described.management));
        }
        let tags = AccountTags {
            aws: self.aws,
            cache: self.cache,
            session: &session,
            management: id,
            organization: &described.id,
            keys: self.tags,
            listed: OnceCell::new(),
        };
        let (sender, receiver) = mpsc::unbounded_channel();
        let (listed, accounts, _) = join3(
            self.list(&session, id, sender),
            self.accounts(&session, id, &tags, receiver),
            tags.listed(),
        )
        .await;
        let truncated_by = listed.err();
        if let (Some(failure), true) = (&truncated_by, accounts.is_empty()) {
            return Err(failure.clone());
        }
        let organization = Organization { id: described.id, management: id.clone(), accounts, truncated_by };
        Ok(TenantOutcome::Reported(organization))
    }

    /// Lists the accounts of the organization, each once. Sends each page on at once, so that its accounts are scanned while the
    /// next page is read.
    async fn list(
        &self,
        session: &LazyAccountSession<'_>,
        id: &AccountId,
        found: UnboundedSender<ListedAccount>,
    ) -> Result<(), Failure> {
        let question = format!("accounts {id}");
        // Sending fails only if the receiver was dropped. Then the scan was cancelled, and this future too.
        let send = |listed: &ListedAccount| drop(found.send(listed.clone()));
        if let Some(list) = self.cache.get::<Vec<ListedAccount>>(&question) {
            list.iter().for_each(send);
            return Ok(());
        }
        let session = session.get().await?;
        let (mut list, mut ids) = (Vec::new(), BTreeSet::new());
        let mut pages = Paginator::new("ListAccounts");
        while pages.has_next() {
            let page = organization::accounts_page(self.aws, session, pages.token()).await?;
            let listed = page.accounts.into_iter().map(ListedAccount::from);
            for listed in listed.filter(|listed| ids.insert(listed.id.clone())) {
                send(&listed);
                list.push(listed);
            }
            pages.advance(page.next_token)?;
        }
        self.cache.insert(&question, &list);
        Ok(())
    }

    async fn accounts(
        &self,
        organization: &LazyAccountSession<'_>,
        management: &AccountId,
        tags: &AccountTags<'_>,
        found: UnboundedReceiver<ListedAccount>,
    ) -> Vec<Account> {
        let found = stream::unfold(found, |mut found| async { Some((found.recv().await?, found)) });
        let scans = found.enumerate().map(|(at, listed)| async move {
            self.progress.found();
            let account = self.account(organization, management, tags, listed).await;
            self.progress.done(self.aws);
            (at, account)
        });
        let mut accounts: Vec<(usize, Account)> = scans.buffer_unordered(self.concurrency).collect().await;
        accounts.sort_by_key(|(at, account)| (!account.management, *at));
        accounts.into_iter().map(|(_, account)| account).collect()
    }

    async fn account(
        &self,
        organization: &LazyAccountSession<'_>,
        management: &AccountId,
        tags: &AccountTags<'_>,
        listed: ListedAccount,
    ) -> Account {
        let is_management = listed.id == *management;
        let (tags, scan) =
            join(tags.of(&listed.id), self.regions(organization, is_management, &listed)).await;
        let RegionScan { active, unknown, mut missing } = scan;
        let tags = tags.unwrap_or_else(|failure| {
            missing.insert(0, MissingData { field: MissingField::Tags, failure });
            BTreeMap::new()
        });
        Account { listed, management: is_management, tags, active, unknown, missing }
    }

    /// The regions of an account. An account that is not active is not entered.
    async fn regions(
        &self,
        organization: &LazyAccountSession<'_>,
        is_management: bool,
        listed: &ListedAccount,
    ) -> RegionScan {
        if !listed.is_open() {
            return RegionScan::default();
        }
        // The semaphore is never closed, so this never fails.
        let _permit = self.account_permits.acquire().await;
        let member = LazyAccountSession::by_role(self.aws, organization, &listed.id, self.member_role);
        let account = if is_management { organization } else { &member };
        let context =
            AccountContext { aws: self.aws, cache: self.cache, id: &listed.id, organization, account };
        self.region_detector.scan(&context).await
    }
}
