//! The credentials of an assumed role, kept until shortly before they end.

use crate::{AccountError, MemberRole};
use autotag_model::arn::{AccountId, Partition};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_sts::Client;
use aws_smithy_async::time::SharedTimeSource;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

/// How long before their end credentials are not used any more.
const SHORTLY: Duration = Duration::from_mins(5);

/// What CloudTrail shows as the session of our own calls.
const SESSION_NAME: &str = "autotag";

/// A role in another account.
#[derive(Debug)]
pub(crate) struct Member {
    sts: Client,
    arn: String,
    role: MemberRole,
    time: SharedTimeSource,
    held: Mutex<Option<Credentials>>,
}

impl Member {
    pub(crate) fn new(
        sts: Client,
        partition: &Partition,
        account: &AccountId,
        role: &MemberRole,
        time: SharedTimeSource,
    ) -> Self {
        let arn = format!("arn:{partition}:iam::{account}:role/{}", role.name);
        Self { sts, arn, role: role.clone(), time, held: Mutex::new(None) }
    }

    /// Credentials that last a while; one call of STS at a time, whoever asks.
    pub(crate) async fn credentials(&self) -> Result<Credentials, AccountError> {
        let mut held = self.held.lock().await;
        let until = self.time.now() + SHORTLY;
        if let Some(credentials) = held.as_ref().filter(|held| held.expiry().is_some_and(|end| end > until)) {
            return Ok(credentials.clone());
        }
        let asked = self
            .sts
            .assume_role()
            .role_arn(&self.arn)
            .role_session_name(SESSION_NAME)
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

/// A [`Member`] as SDK clients take it.
#[derive(Debug, Clone)]
pub(crate) struct MemberCredentials(pub(crate) std::sync::Arc<Member>);

impl ProvideCredentials for MemberCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.0.credentials().await.map_err(CredentialsError::provider_error)
        })
    }
}
