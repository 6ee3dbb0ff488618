//! The identity behind the credentials, and the enabled regions of its account.

use crate::DeployError;
use crate::actions;
use autotag_aws::query::{AwsQuery, QueryError, xml};
use autotag_aws::signed::{ORGANIZATIONS, organizations_region};
use autotag_model::arn::{AccountId, Region};
use serde_json::{Value, json};

/// The account and the identity of credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// The ARN of the user or the session.
    pub arn: String,
}

/// Asks STS whose credentials these are.
///
/// # Errors
/// [`DeployError::Usage`] if there are no credentials, or AWS does not accept them.
pub async fn identity(aws: &AwsQuery, region: &Region) -> Result<Identity, DeployError> {
    if let Some(why) = aws.missing_credentials().await {
        return Err(DeployError::usage(format!(
            "no credentials for AWS ({why}): sign in (`aws sso login`, `aws login`), or name another profile in AWS_PROFILE"
        )));
    }
    let action = actions::IDENTITY.name;
    let answer = aws.sts(action, region).await.map_err(|error| unusable(&error))?;
    let document = xml::parse(action, &answer)?;
    let result = xml::find(document.root(), "GetCallerIdentityResult");
    let text = |name: &str| result.and_then(|result| xml::child_text(result, name));
    let account = text("Account").and_then(AccountId::new).ok_or_else(|| QueryError::unreadable(action))?;
    Ok(Identity { account, arn: text("Arn").unwrap_or_default().to_owned() })
}

/// STS refuses only credentials: no permission is needed to ask it this.
fn unusable(error: &QueryError) -> DeployError {
    let text = error.with_message();
    DeployError::usage(format!(
        "{text}: check AWS_PROFILE and the region, sign in again, or name another profile"
    ))
}

/// The regions that the account has enabled.
///
/// # Errors
/// AWS does not answer.
pub async fn enabled_regions(aws: &AwsQuery, region: &Region) -> Result<Vec<Region>, DeployError> {
    debug_assert_eq!(actions::REGIONS.name, "ec2:DescribeRegions", "the query names its own action");
    Ok(aws.enabled_regions(region).await?)
}

/// The organization of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: String,
    /// The id of its management account.
    pub management: String,
}

/// Asks in which organization the account is. Each of its accounts may ask.
///
/// # Errors
/// AWS does not answer, or the account is in none.
pub async fn organization(aws: &AwsQuery, region: &Region) -> Result<Organization, DeployError> {
    let action = actions::ORGANIZATION.name;
    let answer = aws.json(ORGANIZATIONS, action, &organizations_region(region), &json!({})).await?;
    let organization = answer.get("Organization");
    let text =
        |name: &str| organization.and_then(|one| one.get(name)).and_then(Value::as_str).map(str::to_owned);
    let (id, management) = (text("Id"), text("MasterAccountId"));
    let both = id.zip(management).map(|(id, management)| Organization { id, management });
    Ok(both.ok_or_else(|| QueryError::unreadable(action))?)
}
