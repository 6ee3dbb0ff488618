//! An assumed role: its credentials, kept until shortly before they end.

use crate::{AccountError, MemberRole};
use autotag_model::arn::{AccountId, Partition};
use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::Client;
use aws_smithy_async::time::SharedTimeSource;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

/// How long before their end credentials are not used any more.
const SHORTLY: Duration = Duration::from_mins(5);

/// A role in an account, assumed when it is first needed.
#[derive(Debug)]
pub struct AssumedRole {
    sts: Client,
    arn: String,
    role: MemberRole,
    session_name: String,
    time: SharedTimeSource,
    held: Mutex<Option<Credentials>>,
}

impl AssumedRole {
    /// The role of `account`, to be assumed by whoever `by` has the credentials of. `session_name` is what CloudTrail shows.
    pub fn new(
        by: &SdkConfig,
        partition: &Partition,
        account: &AccountId,
        role: &MemberRole,
        session_name: &str,
    ) -> Self {
        let arn = format!("arn:{partition}:iam::{account}:role/{}", role.name);
        let time = by.time_source().unwrap_or_default();
        let (role, session_name) = (role.clone(), session_name.to_owned());
        Self { sts: crate::sts(by), arn, role, session_name, time, held: Mutex::new(None) }
    }

    /// `base` with the credentials of this role. They are asked for when they are needed; ask for them before, where a refusal
    /// of the role must not be taken for one of the call.
    pub fn config(self: &Arc<Self>, base: &SdkConfig) -> SdkConfig {
        let credentials = SharedCredentialsProvider::new(RoleCredentials(Arc::clone(self)));
        // The role keeps them itself; a cache that all configurations share would keep them for ever.
        base.to_builder().credentials_provider(credentials).identity_cache(IdentityCache::no_cache()).build()
    }

    /// Credentials that last a while; one call of STS at a time, whoever asks.
    ///
    /// # Errors
    /// [`AccountError::Aws`] when STS refuses or does not answer.
    pub async fn credentials(&self) -> Result<Credentials, AccountError> {
        let mut held = self.held.lock().await;
        let until = self.time.now() + SHORTLY;
        if let Some(credentials) = held.as_ref().filter(|held| held.expiry().is_some_and(|end| end > until)) {
            return Ok(credentials.clone());
        }
        let asked = self
            .sts
            .assume_role()
            .role_arn(&self.arn)
            .role_session_name(&self.session_name)
            .set_external_id(self.role.external_id.clone())
            .set_policy(self.role.session_policy.clone());
        let answer = asked.send().await.map_err(|error| AccountError::of_sdk("AssumeRole", &error))?;
        let given = answer.credentials.ok_or_else(|| AccountError::Aws {
            operation: "AssumeRole",
            code: "NoCredentials".to_owned(),
            status: None,
        })?;
        let ends = SystemTime::try_from(given.expiration).ok();
        let credentials = Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            ends,
            "autotag member role",
        );
        *held = Some(credentials.clone());
        Ok(credentials)
    }
}

/// An [`AssumedRole`] as SDK clients take it.
#[derive(Debug)]
struct RoleCredentials(Arc<AssumedRole>);

impl ProvideCredentials for RoleCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.0.credentials().await.map_err(CredentialsError::provider_error)
        })
    }
}
