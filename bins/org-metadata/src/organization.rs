//! AWS Organizations: the organization and its accounts.

use crate::aws::{AccountSession, Aws, Failure};
use crate::report::ListedAccount;
use autotag_aws::organizations::{self, AccountPage, OrganizationAccount};
use autotag_model::arn::AccountId;
use serde::{Deserialize, Serialize};

/// An organization, as `DescribeOrganization` describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Described {
    /// `o-...`
    pub(crate) id: String,
    pub(crate) management: AccountId,
}

/// Describes the organization of an account.
pub(crate) async fn describe(aws: &Aws, session: &AccountSession) -> Result<Described, Failure> {
    const OPERATION: &str = "DescribeOrganization";
    let (client, region) = (session.organizations(), aws.organizations_region());
    let send = async || client.describe_organization().send().await;
    let answer = aws.call(session, OPERATION, &region, send).await?;
    let described = || {
        let organization = answer.organization()?;
        let management = AccountId::new(organization.master_account_id()?)?;
        Some(Described { id: organization.id()?.to_owned(), management })
    };
    described().ok_or_else(|| Failure::unreadable(OPERATION))
}

/// One page of the organization's accounts; the first one without a token.
pub(crate) async fn accounts_page(
    aws: &Aws,
    session: &AccountSession,
    token: Option<String>,
) -> Result<AccountPage, Failure> {
    let (client, region) = (session.organizations(), aws.organizations_region());
    let send = async || organizations::list_accounts_page(client, token.clone()).await.map_err(Failure::from);
    aws.with_retries(session, "ListAccounts", &region, send).await
}

impl From<OrganizationAccount> for ListedAccount {
    fn from(account: OrganizationAccount) -> Self {
        Self {
            ou_path: account.paths.first().and_then(|path| ou_path(path)),
            id: account.id,
            name: account.name,
            state: account.state,
            joined_method: account.joined_method,
            joined: account.joined,
            email: account.email,
        }
    }
}

/// The root and the organizational units of a path: `r-1/ou-1/ou-2` of `o-1/r-1/ou-1/ou-2/111122223333/`. The organization and
/// the account have columns of their own.
fn ou_path(path: &str) -> Option<String> {
    let units: Vec<&str> =
        path.split('/').filter(|part| part.starts_with("r-") || part.starts_with("ou-")).collect();
    (!units.is_empty()).then(|| units.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_of_an_account_is_its_root_and_units() {
        assert_eq!(
            ou_path("o-abcdefghij/r-ab12/ou-ab12-11111111/111122223333/").as_deref(),
            Some("r-ab12/ou-ab12-11111111")
        );
        assert_eq!(ou_path("o-abcdefghij/111122223333/"), None);
    }
}
