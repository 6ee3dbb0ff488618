//! Configurations and clients per (account, region), made once.

use crate::role::AssumedRole;
use crate::signed::{self, Request};
use crate::{AccountError, AccountScope, MemberRole, Settings};
use autotag_model::arn::{AccountId, Partition, Region};
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use serde_json::{Value, json};
use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::sync::{Mutex as AsyncMutex, OnceCell};

/// How long the list of an organization's accounts is believed.
const ORGANIZATION_KEPT: Duration = Duration::from_mins(15);

/// What CloudTrail shows as the session of our own calls in other accounts.
const SESSION_NAME: &str = "autotag";

/// A client of one kind for one place.
type ClientKey = (TypeId, Option<AccountId>, Region);

/// Entry to accounts and regions. Shared by reference; everything is made once and kept.
#[derive(Debug)]
pub struct Accounts {
    settings: Settings,
    ambient: SdkConfig,
    own: OnceCell<AccountId>,
    members: Mutex<HashMap<AccountId, Arc<AssumedRole>>>,
    clients: Mutex<HashMap<ClientKey, Arc<dyn Any + Send + Sync>>>,
    organization: AsyncMutex<Option<(SystemTime, BTreeSet<AccountId>)>>,
}

impl Accounts {
    /// With the credentials, region and endpoint that AWS's own tools would take from the environment.
    pub async fn connect(settings: Settings) -> Self {
        let retries = RetryConfig::standard()
            .with_max_attempts(settings.attempts)
            .with_initial_backoff(settings.first_backoff);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(settings.timeouts.connect)
            .operation_attempt_timeout(settings.timeouts.attempt)
            .build();
        // One pool of connections for all clients, and for the requests that no client writes.
        let https = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https();
        let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(https);
        let ambient = loader.retry_config(retries).timeout_config(timeouts).load().await;
        Self::new(ambient, settings)
    }

    /// With a configuration made elsewhere; its retries and timeouts count, not those of the settings.
    pub fn new(ambient: SdkConfig, settings: Settings) -> Self {
        Self {
            settings,
            ambient,
            own: OnceCell::new(),
            members: Mutex::default(),
            clients: Mutex::default(),
            organization: AsyncMutex::new(None),
        }
    }

    /// The configuration with the ambient credentials, in its own region.
    pub fn ambient(&self) -> &SdkConfig {
        &self.ambient
    }

    /// The region of the environment; where it names none, the global one.
    pub fn home_region(&self) -> Option<Region> {
        let named = self.ambient.region().and_then(|region| Region::new(region.as_ref()));
        named.or_else(|| Partition::default().global_region())
    }

    /// The account of the ambient credentials; asked for once.
    ///
    /// # Errors
    /// [`AccountError::Aws`] when STS does not say.
    pub async fn own(&self) -> Result<&AccountId, AccountError> {
        let ask = || async {
            let sts = crate::sts(&self.ambient);
            let answer = sts.get_caller_identity().send().await;
            let answer = answer.map_err(|error| AccountError::of_sdk("GetCallerIdentity", &error))?;
            answer.account().and_then(AccountId::new).ok_or_else(|| AccountError::Aws {
                operation: "GetCallerIdentity",
                code: "NoAccount".to_owned(),
                status: None,
            })
        };
        self.own.get_or_try_init(ask).await
    }

    /// The configuration for an account and region; without an account, one's own.
    ///
    /// # Errors
    /// [`AccountError`] when the account may not be, or cannot be, entered.
    pub async fn config(
        &self,
        account: Option<&AccountId>,
        region: &Region,
    ) -> Result<SdkConfig, AccountError> {
        let there = self.ambient.to_builder().region(crate::sdk_region(region));
        Ok(match self.enter(account, region).await? {
            None => there.build(),
            Some(member) => member.config(&there.build()),
        })
    }

    /// The role of another account, with credentials that last a while; `None` for one's own.
    async fn enter(
        &self,
        account: Option<&AccountId>,
        region: &Region,
    ) -> Result<Option<Arc<AssumedRole>>, AccountError> {
        let Some(account) = account else { return Ok(None) };
        if self.own().await? == account {
            return Ok(None);
        }
        let member = self.member(account, region).await?;
        // Asked here and not by the client, so that a refusal of the role is not taken for one of the call.
        member.credentials().await?;
        Ok(Some(member))
    }

    /// A client for an account and region, made once by `make`.
    ///
    /// # Errors
    /// As [`Accounts::config`].
    pub async fn client<C: Clone + Send + Sync + 'static>(
        &self,
        account: Option<&AccountId>,
        region: &Region,
        make: impl FnOnce(&SdkConfig) -> C,
    ) -> Result<C, AccountError> {
        // Even if the client is there: the account may have left the organization, or its role be gone.
        self.enter(account, region).await?;
        let key = (TypeId::of::<C>(), account.cloned(), region.clone());
        if let Some(client) =
            crate::lock(&self.clients).get(&key).and_then(|client| client.downcast_ref::<C>())
        {
            return Ok(client.clone());
        }
        let client = make(&self.config(account, region).await?);
        crate::lock(&self.clients).insert(key, Arc::new(client.clone()));
        Ok(client)
    }

    async fn member(&self, account: &AccountId, region: &Region) -> Result<Arc<AssumedRole>, AccountError> {
        if !self.may_enter(account).await? {
            return Err(AccountError::NotAllowed(account.clone()));
        }
        let Some(role) = &self.settings.role else { return Err(AccountError::NoRole(account.clone())) };
        let mut members = crate::lock(&self.members);
        let member = members
            .entry(account.clone())
            .or_insert_with(|| Arc::new(self.make_member(account, region, role)));
        Ok(Arc::clone(member))
    }

    fn make_member(&self, account: &AccountId, region: &Region, role: &MemberRole) -> AssumedRole {
        let partition = Partition::of_region(region).unwrap_or_default();
        AssumedRole::new(&self.ambient, &partition, account, role, SESSION_NAME)
    }

    async fn may_enter(&self, account: &AccountId) -> Result<bool, AccountError> {
        match &self.settings.allowed {
            AccountScope::OwnOnly => Ok(false),
            AccountScope::Listed(accounts) => Ok(accounts.contains(account)),
            AccountScope::Organization => {
                let now = self.ambient.time_source().unwrap_or_default().now();
                let mut held = self.organization.lock().await;
                let fresh = held.as_ref().filter(|(at, _)| *at + ORGANIZATION_KEPT > now);
                if let Some((_, accounts)) = fresh {
                    return Ok(accounts.contains(account));
                }
                let accounts = self.list_organization().await?;
                let may = accounts.contains(account);
                *held = Some((now, accounts));
                Ok(may)
            }
        }
    }

    /// The active accounts of the organization.
    async fn list_organization(&self) -> Result<BTreeSet<AccountId>, AccountError> {
        let Some(region) = self.home_region().map(|home| signed::organizations_region(&home)) else {
            return Err(AccountError::Aws {
                operation: "ListAccounts",
                code: "NoRegion".to_owned(),
                status: None,
            });
        };
        let (mut accounts, mut token, mut seen) = (BTreeSet::new(), Value::Null, BTreeSet::new());
        loop {
            let body = if token.is_null() { json!({}) } else { json!({"NextToken": token}) };
            let request = Request::json(signed::ORGANIZATIONS, "ListAccounts", &region, &body);
            let answer = signed::send_json(&self.ambient, request).await.map_err(|error| {
                AccountError::Aws { operation: "ListAccounts", code: error.code, status: error.status }
            })?;
            let page = answer.get("Accounts").and_then(Value::as_array).into_iter().flatten();
            let text = |account: &Value, name: &str| account.get(name)?.as_str().map(str::to_owned);
            // `Status` is being retired in favour of `State`; either may be missing.
            let active = |account: &&Value| {
                text(account, "State")
                    .or_else(|| text(account, "Status"))
                    .is_none_or(|state| state == "ACTIVE")
            };
            accounts.extend(page.filter(active).filter_map(|account| AccountId::new(&text(account, "Id")?)));
            token = answer.get("NextToken").cloned().unwrap_or_default();
            // Pages may be empty and still go on; a token that comes again never ends.
            if token.as_str().is_none_or(str::is_empty) || !seen.insert(token.to_string()) {
                return Ok(accounts);
            }
        }
    }
}
