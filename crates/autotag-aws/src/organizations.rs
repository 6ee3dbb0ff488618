//! AWS Organizations: the accounts of an organization, and which accounts belong to it.
//!
//! Only the management account and delegated administrators may make these calls.

use crate::paginate::paginate;
use crate::{CallError, signed};
use autotag_model::arn::{AccountId, Region};
use aws_config::SdkConfig;
use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::Account;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex as AsyncMutex;

/// The largest page that `ListAccounts` returns.
const ACCOUNTS_PER_PAGE: i32 = 20;

/// How long an answer of `DescribeAccount` counts.
const ORGANIZATION_CACHE_TTL: Duration = Duration::from_mins(15);

/// How many accounts are remembered before expired answers are dropped.
const CACHED_ACCOUNTS: usize = 4096;

/// The state of accounts that can be used.
const ACTIVE: &str = "ACTIVE";

/// An account as AWS Organizations describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrganizationAccount {
    /// Its id.
    pub id: AccountId,
    /// Its name, which the account itself chooses. Do not trust its content.
    pub name: String,
    /// `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`, ...; `None` if AWS does not say.
    pub state: Option<String>,
    /// Its paths from the organization down: `o-.../r-.../ou-.../111122223333/`.
    pub paths: Vec<String>,
    /// `INVITED` or `CREATED`.
    pub joined_method: Option<String>,
    /// When it joined the organization.
    pub joined: Option<Timestamp>,
    /// The mail address of its root user; `None` if AWS does not say.
    pub email: Option<String>,
}

impl OrganizationAccount {
    /// True if the account can be entered: it is active, or AWS does not say its state.
    pub fn is_active(&self) -> bool {
        self.state.as_deref().is_none_or(|state| state == ACTIVE)
    }

    /// `None` if the answer has no account id.
    fn of_sdk(account: &Account) -> Option<Self> {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let state = account.state().and_then(|state| text(state.as_str()));
        // AWS replaces `Status` by `State`. Older answers have `Status` only.
        let state = state.or_else(|| account.status().and_then(|status| text(status.as_str())));
        let joined = account.joined_timestamp().map(aws_sdk_organizations::primitives::DateTime::secs);
        Some(Self {
            id: AccountId::new(account.id()?)?,
            name: account.name().unwrap_or_default().to_owned(),
            state,
            paths: account.paths().to_vec(),
            joined_method: account.joined_method().and_then(|method| text(method.as_str())),
            joined: joined.and_then(|seconds| Timestamp::from_second(seconds).ok()),
            email: account.email().and_then(text),
        })
    }
}

/// One page of `ListAccounts`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountPage {
    /// The accounts. A page may be empty and not be the last one. Entries without an account id are left out.
    pub accounts: Vec<OrganizationAccount>,
    /// The token of the next page, if there is one.
    pub next_token: Option<String>,
}

/// A client for AWS Organizations, in the region of the configuration's partition where it is called.
pub fn client(config: &SdkConfig) -> Client {
    let region = config.region().and_then(|region| Region::new(region.as_ref()));
    let region = region.map(|region| crate::sdk_region(&signed::organizations_region(&region)));
    let builder = crate::client_config!(aws_sdk_organizations, config);
    Client::from_conf(builder.region(region.or_else(|| config.region().cloned())).build())
}

/// Reads one page of the organization's accounts; the first one without a token. For callers that process pages as they
/// arrive, or limit the rate of calls; others use [`list_accounts`].
///
/// # Errors
/// [`CallError`] if AWS refuses the call or does not answer.
pub async fn list_accounts_page(client: &Client, token: Option<String>) -> Result<AccountPage, CallError> {
    let call = client.list_accounts().max_results(ACCOUNTS_PER_PAGE).set_next_token(token);
    let answer = call.send().await.map_err(|error| CallError::of_sdk("ListAccounts", &error))?;
    let accounts = answer.accounts().iter().filter_map(OrganizationAccount::of_sdk).collect();
    Ok(AccountPage { accounts, next_token: answer.next_token })
}

/// Lists all accounts of the organization, closed ones too.
///
/// # Errors
/// [`CallError`] if a call fails, or if the pages do not end. A part of the list is never returned as the whole.
pub async fn list_accounts(client: &Client) -> Result<Vec<OrganizationAccount>, CallError> {
    paginate("ListAccounts", async |token| {
        let page = list_accounts_page(client, token).await?;
        Ok((page.accounts, page.next_token))
    })
    .await
}

/// Describes an account; `None` if it does not belong to the organization.
///
/// # Errors
/// [`CallError`] if AWS refuses the call for another reason, or does not answer.
pub async fn describe_account(
    client: &Client,
    account: &AccountId,
) -> Result<Option<OrganizationAccount>, CallError> {
    const OPERATION: &str = "DescribeAccount";
    match client.describe_account().account_id(account.as_str()).send().await {
        Ok(answer) => match answer.account().and_then(OrganizationAccount::of_sdk) {
            Some(account) => Ok(Some(account)),
            None => Err(CallError::unsent(OPERATION, "UnreadableAnswer")),
        },
        Err(error) => {
            let unknown =
                |error: &aws_sdk_organizations::operation::describe_account::DescribeAccountError| {
                    error.is_account_not_found_exception()
                };
            if error.as_service_error().is_some_and(unknown) {
                return Ok(None);
            }
            Err(CallError::of_sdk(OPERATION, &error))
        }
    }
}

/// The state of an account in the organization, and when that was asked: `true` if it was active.
type Answer = Option<(SystemTime, bool)>;

/// Tells which accounts are active in the caller's organization. It asks about one account at a time and remembers
/// each answer for a while, so that the size of the organization does not matter, and a cancelled call loses
/// nothing but its own answer.
#[derive(Debug, Default)]
pub(crate) struct Membership {
    /// Those who ask about the same account wait for one call.
    answers: Mutex<HashMap<AccountId, Arc<AsyncMutex<Answer>>>>,
}

impl Membership {
    /// True if the account is active in the organization.
    pub(crate) async fn is_active(&self, config: &SdkConfig, account: &AccountId) -> Result<bool, CallError> {
        let now = config.time_source().unwrap_or_default().now();
        let answer = self.answer(account, now);
        let mut answer = answer.lock().await;
        if let Some((_, is_active)) = answer.filter(|known| is_fresh(known, now)) {
            return Ok(is_active);
        }
        let described = describe_account(&client(config), account).await?;
        let is_active = described.is_some_and(|account| account.is_active());
        *answer = Some((now, is_active));
        Ok(is_active)
    }

    fn answer(&self, account: &AccountId, now: SystemTime) -> Arc<AsyncMutex<Answer>> {
        let mut answers = crate::lock(&self.answers);
        if answers.len() >= CACHED_ACCOUNTS {
            // An answer that is locked is being asked for.
            answers.retain(|_, answer| {
                answer.try_lock().map_or(true, |answer| answer.is_some_and(|known| is_fresh(&known, now)))
            });
        }
        Arc::clone(answers.entry(account.clone()).or_default())
    }
}

fn is_fresh((asked, _): &(SystemTime, bool), now: SystemTime) -> bool {
    *asked + ORGANIZATION_CACHE_TTL > now
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_organizations::primitives::DateTime;
    use aws_sdk_organizations::types::{AccountState, AccountStatus};

    const ID: &str = "111122223333";

    #[test]
    fn state_comes_before_status_and_both_may_be_missing() {
        let of = |state: Option<AccountState>, status: Option<AccountStatus>| {
            let account = Account::builder().id(ID).set_state(state).set_status(status).build();
            let account = OrganizationAccount::of_sdk(&account).unwrap();
            (account.state.clone(), account.is_active())
        };
        let said = |state: &str| Some(state.to_owned());
        assert_eq!(of(Some(AccountState::Active), None), (said("ACTIVE"), true));
        assert_eq!(of(None, Some(AccountStatus::Active)), (said("ACTIVE"), true));
        assert_eq!(of(None, Some(AccountStatus::Suspended)), (said("SUSPENDED"), false));
        assert_eq!(of(Some(AccountState::Closed), Some(AccountStatus::Active)), (said("CLOSED"), false));
        assert_eq!(of(Some(AccountState::from("NEW_STATE")), None), (said("NEW_STATE"), false));
        assert_eq!(of(None, None), (None, true));
    }

    #[test]
    fn paths_and_times_are_taken_over() {
        let account = Account::builder().id(ID).paths("o-1/r-1/ou-1/111122223333/");
        let account = account.joined_timestamp(DateTime::from_secs_f64(1_772_452_800.25)).build();
        let account = OrganizationAccount::of_sdk(&account).unwrap();
        assert_eq!(account.paths, ["o-1/r-1/ou-1/111122223333/"]);
        assert_eq!(account.joined.unwrap().to_string(), "2026-03-02T12:00:00Z");
    }

    #[test]
    fn entry_without_an_account_id_is_left_out() {
        assert_eq!(OrganizationAccount::of_sdk(&Account::builder().id("12").name("short").build()), None);
        assert_eq!(OrganizationAccount::of_sdk(&Account::builder().name("none").build()), None);
    }
}
