//! Makes one configuration and one set of clients for each account and region.

use crate::answer_limit::{https, limited};
use crate::certificates::{self, NoCertificates};
use crate::function_environment;
use crate::role::AssumedRole;
use crate::{AccountError, AccountScope, MemberRole, NotInLambda, Settings};
use autotag_model::arn::{AccountId, Partition, Region};
use aws_config::{BehaviorVersion, SdkConfig};
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::OnceCell;

/// The name of our own sessions in other accounts, as CloudTrail shows it.
const SESSION_NAME: &str = "autotag";

/// A client type, and the account and region that the client is for.
type ClientKey = (TypeId, Option<AccountId>, Region);

/// Access to accounts and regions. Shared by reference. Roles and clients are made once and reused.
#[derive(Debug)]
pub struct Accounts {
    settings: Settings,
    ambient: SdkConfig,
    own: OnceCell<AccountId>,
    members: Mutex<HashMap<AccountId, Arc<AssumedRole>>>,
    clients: Mutex<HashMap<ClientKey, Arc<dyn Any + Send + Sync>>>,
    #[cfg(feature = "organizations")]
    organization: crate::organizations::Membership,
}

impl Accounts {
    /// Takes credentials, region and endpoint from the environment, as AWS's own tools do.
    pub async fn connect(settings: Settings) -> Self {
        // SDK clients and signed requests share one pool of connections.
        let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(https());
        let ambient =
            loader.retry_config(settings.retries()).timeout_config(settings.timeouts()).load().await;
        Self::new(ambient, settings)
    }

    /// Takes credentials, region and endpoints from the environment variables that Lambda sets, and from nothing else: a
    /// function then does not contain the code that reads profiles and asks instances, containers and sign-in services.
    ///
    /// # Errors
    /// [`NotInLambda`] if a variable with credentials or the region is missing.
    pub fn in_lambda(variables: &HashMap<String, String>, settings: Settings) -> Result<Self, NotInLambda> {
        Ok(Self::new(function_environment::config(variables, &settings)?, settings))
    }

    /// Takes a configuration of the caller. Its retries and timeouts replace those of the settings. Its HTTP client is used
    /// with bounded bodies of answers: see [`LONGEST_ANSWER`](crate::LONGEST_ANSWER).
    pub fn new(ambient: SdkConfig, settings: Settings) -> Self {
        let client = limited(ambient.http_client().unwrap_or_else(https));
        let ambient = ambient.into_builder().http_client(client).build();
        Self {
            settings,
            ambient,
            own: OnceCell::new(),
            members: Mutex::default(),
            clients: Mutex::default(),
            #[cfg(feature = "organizations")]
            organization: crate::organizations::Membership::default(),
        }
    }

    /// The same with other accounts in scope.
    #[must_use]
    pub fn with_scope(mut self, allowed: AccountScope) -> Self {
        self.settings.allowed = allowed;
        self
    }

    /// The configuration with the ambient credentials, in its own region.
    pub fn ambient(&self) -> &SdkConfig {
        &self.ambient
    }

    /// Looks for the certificates that calls need. Without this, each call fails after all its attempts, and its error does
    /// not name the reason.
    ///
    /// # Errors
    /// [`NoCertificates`]. Not if the endpoint of all calls is one without TLS, such as an emulator.
    pub fn check_certificates(&self) -> Result<(), NoCertificates> {
        certificates::check(self.ambient.endpoint_url())
    }

    /// The region of the environment, or the partition's global region if it names none.
    pub fn home_region(&self) -> Option<Region> {
        let named = self.ambient.region().and_then(|region| Region::new(region.as_ref()));
        named.or_else(|| Partition::default().global_region())
    }

    /// Uses this account as that of the ambient credentials, if the user has named it. STS is then not asked. An
    /// account that is known already stays.
    pub fn set_own(&self, account: AccountId) {
        // An error means that the account is known.
        let _ = self.own.set(account);
    }

    /// The account of the ambient credentials. STS is called once.
    ///
    /// # Errors
    /// [`AccountError::Aws`] if `GetCallerIdentity` fails.
    pub async fn own(&self) -> Result<&AccountId, AccountError> {
        self.own.get_or_try_init(|| async { Ok(self.caller().await?.0) }).await
    }

    /// The account and the ARN of the ambient credentials. STS is called each time.
    ///
    /// # Errors
    /// [`AccountError::Aws`] if `GetCallerIdentity` fails.
    pub async fn caller(&self) -> Result<(AccountId, String), AccountError> {
        let answer = crate::sts(&self.ambient).get_caller_identity().send().await;
        let answer = answer.map_err(|error| AccountError::of_sdk("GetCallerIdentity", &error))?;
        let account = answer.account().and_then(AccountId::new);
        let no_account = || AccountError::without_answer("GetCallerIdentity", "NoAccount");
        Ok((account.ok_or_else(no_account)?, answer.arn().unwrap_or_default().to_owned()))
    }

    /// The configuration for an account and region; without an account, for the caller's own.
    ///
    /// # Errors
    /// [`AccountError`] if the account is out of scope, or if its role cannot be assumed.
    pub async fn config(
        &self,
        account: Option<&AccountId>,
        region: &Region,
    ) -> Result<SdkConfig, AccountError> {
        let base = self.ambient.to_builder().region(crate::sdk_region(region));
        Ok(match self.assume(account, region).await? {
            None => base.build(),
            Some(member) => member.config(&base.build()),
        })
    }

    /// The role of another account, with valid credentials; `None` for the caller's own account.
    async fn assume(
        &self,
        account: Option<&AccountId>,
        region: &Region,
    ) -> Result<Option<Arc<AssumedRole>>, AccountError> {
        let Some(account) = account else { return Ok(None) };
        if self.own().await? == account {
            return Ok(None);
        }
        let is_in_scope = match &self.settings.allowed {
            AccountScope::OwnOnly => false,
            AccountScope::Listed(accounts) => accounts.contains(account),
            AccountScope::Permitted => true,
            #[cfg(feature = "organizations")]
            AccountScope::Organization => self.is_in_organization(account).await?,
        };
        if !is_in_scope {
            return Err(AccountError::NotAllowed(account.clone()));
        }
        let member = self.member(account, region)?;
        // Assumed here and not by the client, so that a refused role is not reported as a refused call.
        member.credentials().await?;
        Ok(Some(member))
    }

    /// A client for an account and region. `make` is called once per client type, account and region.
    ///
    /// # Errors
    /// As [`Accounts::config`].
    pub async fn client<C: Clone + Send + Sync + 'static>(
        &self,
        account: Option<&AccountId>,
        region: &Region,
        make: impl FnOnce(&SdkConfig) -> C,
    ) -> Result<C, AccountError> {
        // Checked for a cached client too: the account may have left the organization, or its role may be deleted.
        self.assume(account, region).await?;
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

    /// The role of an account in scope, made once.
    fn member(&self, account: &AccountId, region: &Region) -> Result<Arc<AssumedRole>, AccountError> {
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

    /// True if the account is active in the caller's organization.
    #[cfg(feature = "organizations")]
    async fn is_in_organization(&self, account: &AccountId) -> Result<bool, AccountError> {
        const OPERATION: &str = "DescribeAccount";
        let home = self.home_region();
        let home = home.ok_or_else(|| AccountError::without_answer(OPERATION, "NoRegion"))?;
        let config = self.ambient.to_builder().region(crate::sdk_region(&home)).build();
        let is_active = self.organization.is_active(&config, account).await;
        is_active.map_err(|crate::CallError { code, status, .. }| AccountError::Aws {
            operation: OPERATION,
            code,
            status,
        })
    }
}
