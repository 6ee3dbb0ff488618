//! An assumed role, and its credentials until shortly before they expire.

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

/// Credentials are replaced this long before they expire, so that a batch that starts with them can end with them.
const EXPIRY_MARGIN: Duration = Duration::from_mins(5);

/// How long a refusal of STS counts. A member account without the role costs one call in this time, however many of its events
/// arrive. A message that was not done returns later than this, so a role that is made meanwhile is found at its next receive.
const REFUSAL_TTL: Duration = Duration::from_mins(2);

/// A role in an account. It is assumed when its credentials are first needed.
#[derive(Debug)]
pub struct AssumedRole {
    sts: Client,
    arn: String,
    role: MemberRole,
    session_name: String,
    time: SharedTimeSource,
    held: Mutex<Held>,
}

/// The last answer of STS that still counts.
#[derive(Debug)]
enum Held {
    Nothing,
    Credentials(Credentials),
    Refusal { error: AccountError, until: SystemTime },
}

impl AssumedRole {
    /// A role in `account`, assumed with the credentials in `by`. CloudTrail shows `session_name` as the name of the session.
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
        Self { sts: crate::sts(by), arn, role, session_name, time, held: Mutex::new(Held::Nothing) }
    }

    /// `base` with the credentials of this role, which are requested when a call needs them. To tell a refused role from a
    /// refused call, ask for [`AssumedRole::credentials`] before the call.
    pub fn config(self: &Arc<Self>, base: &SdkConfig) -> SdkConfig {
        let credentials = SharedCredentialsProvider::new(RoleCredentials(Arc::clone(self)));
        // The role caches its credentials itself. The cache that all configurations share is never cleared.
        base.to_builder().credentials_provider(credentials).identity_cache(IdentityCache::no_cache()).build()
    }

    /// Credentials that are valid for at least five minutes. Concurrent callers wait for one call of STS. A refusal is
    /// remembered for two minutes.
    ///
    /// # Errors
    /// [`AccountError::Aws`] if STS refuses or does not answer.
    pub async fn credentials(&self) -> Result<Credentials, AccountError> {
        let mut held = self.held.lock().await;
        let now = self.time.now();
        match &*held {
            Held::Credentials(credentials) if credentials.expiry() > Some(now + EXPIRY_MARGIN) => {
                return Ok(credentials.clone());
            }
            Held::Refusal { error, until } if *until > now => return Err(error.clone()),
            _ => {}
        }
        let answer = self.assume().await;
        *held = match &answer {
            Ok(credentials) => Held::Credentials(credentials.clone()),
            Err(error) if error.is_refusal() => {
                Held::Refusal { error: error.clone(), until: now + REFUSAL_TTL }
            }
            Err(_) => Held::Nothing,
        };
        answer
    }

    /// Asks STS for credentials.
    async fn assume(&self) -> Result<Credentials, AccountError> {
        let asked = self
            .sts
            .assume_role()
            .role_arn(&self.arn)
            .role_session_name(&self.session_name)
            .set_external_id(self.role.external_id.clone())
            .set_policy(self.role.session_policy.clone());
        let answer = asked.send().await.map_err(|error| AccountError::of_sdk("AssumeRole", &error))?;
        let no_credentials = || AccountError::without_answer("AssumeRole", "NoCredentials");
        let given = answer.credentials.ok_or_else(no_credentials)?;
        let ends = SystemTime::try_from(given.expiration).ok();
        Ok(Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            ends,
            "autotag member role",
        ))
    }
}

/// Provides the credentials of an [`AssumedRole`] to SDK clients.
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
