//! The settings of clients and calls for a deployment.

use autotag_model::arn::AccountId;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use std::collections::BTreeSet;
use std::time::Duration;

/// The settings of a deployment. The default reaches only the caller's own account.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The accounts that may be entered, besides the caller's own.
    pub allowed: AccountScope,
    /// The role to assume in other accounts.
    pub role: Option<MemberRole>,
    /// The number of attempts of a call, the first one included.
    pub attempts: u32,
    /// The longest pause before the first retry. It doubles with each retry; the actual pause is random below it (full jitter).
    pub first_backoff: Duration,
    /// Time limits of calls.
    pub timeouts: Timeouts,
}

/// Time limits of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection.
    pub connect: Duration,
    /// For one attempt, the connection included.
    pub attempt: Duration,
}

/// The accounts that may be entered, besides the caller's own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountScope {
    /// None.
    OwnOnly,
    /// The accounts of this list.
    Listed(BTreeSet<AccountId>),
    /// Every account whose role AWS lets the caller assume. For callers whose own permissions limit the accounts: the hub's
    /// role may assume roles of its own organization only, by the condition `aws:ResourceOrgID`.
    Permitted,
    /// The active accounts of the caller's organization. Needs `organizations:DescribeAccount`, which only the management
    /// account and delegated administrators have.
    #[cfg(feature = "organizations")]
    Organization,
}

/// A text that names no [`AccountScope`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}`: expected {EXPECTED}")]
pub struct AccountScopeError(String);

#[cfg(feature = "organizations")]
const EXPECTED: &str = "`own`, `organization` or account ids of 12 digits";
#[cfg(not(feature = "organizations"))]
const EXPECTED: &str = "`own` or account ids of 12 digits";

impl std::str::FromStr for AccountScope {
    type Err = AccountScopeError;

    /// `own`, `organization`, or account ids with commas between them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "own" => Ok(Self::OwnOnly),
            #[cfg(feature = "organizations")]
            "organization" => Ok(Self::Organization),
            list => {
                let account = |id: &str| {
                    let id = id.trim();
                    AccountId::new(id).ok_or_else(|| AccountScopeError(id.to_owned()))
                };
                list.split(',').map(account).collect::<Result<_, _>>().map(Self::Listed)
            }
        }
    }
}

/// A role that exists in every member account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRole {
    /// Its name, with its path if it has one. The ARN is made of the account and this name.
    pub name: String,
    /// The external id that the role's trust policy requires.
    pub external_id: Option<String>,
    /// A session policy (JSON) that limits the session further.
    pub session_policy: Option<String>,
}

impl Settings {
    /// Attempts and pauses, for the SDK.
    pub(crate) fn retries(&self) -> RetryConfig {
        RetryConfig::standard().with_max_attempts(self.attempts).with_initial_backoff(self.first_backoff)
    }

    /// Time limits, for the SDK.
    pub(crate) fn timeouts(&self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.timeouts.connect)
            .operation_attempt_timeout(self.timeouts.attempt)
            .build()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allowed: AccountScope::OwnOnly,
            role: None,
            attempts: 6,
            first_backoff: Duration::from_millis(200),
            timeouts: Timeouts { connect: Duration::from_secs(3), attempt: Duration::from_secs(10) },
        }
    }
}
