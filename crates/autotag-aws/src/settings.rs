//! What a deployment chooses.

use autotag_model::arn::AccountId;
use std::collections::BTreeSet;
use std::time::Duration;

/// What a deployment chooses. The default reaches one's own account only.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which accounts may be entered at all.
    pub allowed: AccountScope,
    /// The role to assume in other accounts.
    pub role: Option<MemberRole>,
    /// How often a call is tried in all, the first time included.
    pub attempts: u32,
    /// The longest wait before the first retry; it doubles with each, and the real wait is random below it (full jitter).
    pub first_backoff: Duration,
    /// How long is waited for answers.
    pub timeouts: Timeouts,
}

/// How long is waited for answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For one answer, the connection included.
    pub attempt: Duration,
}

/// Which accounts may be entered, besides one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountScope {
    /// None.
    OwnOnly,
    /// These.
    Listed(BTreeSet<AccountId>),
    /// The active accounts of one's own organization; needs `organizations:ListAccounts`.
    Organization,
}

impl std::str::FromStr for AccountScope {
    type Err = String;

    /// `own`, `organization`, or account ids with commas between them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "own" => Ok(Self::OwnOnly),
            "organization" => Ok(Self::Organization),
            list => {
                let account = |id: &str| {
                    let id = id.trim();
                    let expected = "expected `own`, `organization` or account ids of 12 digits";
                    AccountId::new(id).ok_or_else(|| format!("`{id}`: {expected}"))
                };
                list.split(',').map(account).collect::<Result<_, _>>().map(Self::Listed)
            }
        }
    }
}

/// A role that is there in every member account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRole {
    /// Its name, with its path if it has one; the ARN is made of it and the account.
    pub name: String,
    /// What the role's trust policy asks for.
    pub external_id: Option<String>,
    /// A policy (JSON) that narrows the session further.
    pub session_policy: Option<String>,
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
