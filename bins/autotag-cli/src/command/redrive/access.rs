//! The credentials for queues: those of the environment, or a role in the account of the queue.

use super::sqs::{Queue, account_of, region_of};
use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use autotag_aws::{AccountScope, Accounts, MemberRole, Settings};
use autotag_model::arn::AccountId;
use std::collections::BTreeSet;

/// One set of credentials.
pub(super) struct Access {
    accounts: Accounts,
    has_role: bool,
}

impl Access {
    /// With the credentials of `environment`, or with this role in other accounts, which are the listed ones.
    pub(super) fn new(
        environment: &Accounts,
        role: Option<&str>,
        external_id: Option<&str>,
        allowed: BTreeSet<AccountId>,
    ) -> Self {
        let role = role.map(|name| MemberRole {
            name: name.to_owned(),
            external_id: external_id.map(str::to_owned),
            session_policy: None,
        });
        let has_role = role.is_some();
        let settings = Settings { allowed: AccountScope::Listed(allowed), role, ..Settings::default() };
        Self { accounts: Accounts::new(environment.ambient().clone(), settings), has_role }
    }

    /// The queue of this URL, in the region of the URL, else in that of the environment.
    ///
    /// # Errors
    /// No region is known, the URL names no account for the role, or the role cannot be assumed.
    pub(super) async fn queue(&self, url: &str) -> Result<Queue> {
        let region = region_of(url).or_else(|| self.accounts.home_region());
        let region = region.context("no region is known: set AWS_REGION")?;
        let account = if self.has_role {
            let no_account = || usage_error(format!("`{url}` has no account id in its path for the role"));
            Some(account_of(url).ok_or_else(no_account)?)
        } else {
            None
        };
        Ok(Queue::new(&self.accounts.config(account.as_ref(), &region).await?, url))
    }
}
