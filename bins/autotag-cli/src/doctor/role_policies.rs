//! The policies of a role, as IAM has them.

use super::policy::document;
use autotag_aws::query::{AwsQuery, QueryError, encoded, xml};
use autotag_model::arn::Partition;
use futures_util::future::join_all;
use serde_json::Value;

/// The documents of a role's policies.
#[derive(Debug, Clone, Default)]
pub(super) struct RolePolicies {
    pub(super) documents: Vec<Value>,
}

impl RolePolicies {
    /// Reads the attached and the inline policies of a role, by ARN.
    pub(super) async fn read(aws: &AwsQuery, partition: &Partition, role: &str) -> Result<Self, QueryError> {
        let name = role.rsplit('/').next().unwrap_or(role);
        let (attached, inline) = tokio::join!(attached(aws, partition, name), inline(aws, partition, name));
        Ok(Self { documents: [attached?, inline?].concat() })
    }

    /// The documents as one text in which the account has no part: roles with equal texts may do the same.
    pub(super) fn fingerprint(&self, account: &str) -> String {
        let mut texts: Vec<String> =
            self.documents.iter().map(|one| one.to_string().replace(account, "ACCOUNT")).collect();
        texts.sort();
        texts.join("\n")
    }
}

async fn attached(aws: &AwsQuery, partition: &Partition, role: &str) -> Result<Vec<Value>, QueryError> {
    let action = "iam:ListAttachedRolePolicies";
    let answer = aws.iam(action, partition, &format!("RoleName={}&MaxItems=100", encoded(role))).await?;
    let answer = xml::parse(action, &answer)?;
    let result = xml::find(answer.root(), "ListAttachedRolePoliciesResult");
    let policies = result.into_iter().flat_map(|result| xml::members(result, "AttachedPolicies"));
    let arns = policies.filter_map(|policy| xml::child_text(policy, "PolicyArn"));
    let documents = join_all(arns.map(|arn| managed(aws, partition, arn))).await;
    documents.into_iter().collect()
}

/// The default version of a managed policy.
async fn managed(aws: &AwsQuery, partition: &Partition, arn: &str) -> Result<Value, QueryError> {
    let (action, form) = ("iam:GetPolicy", format!("PolicyArn={}", encoded(arn)));
    let answer = aws.iam(action, partition, &form).await?;
    let answer = xml::parse(action, &answer)?;
    let version = xml::find(answer.root(), "DefaultVersionId").map(xml::text).unwrap_or_default();
    let (action, form) = ("iam:GetPolicyVersion", format!("{form}&VersionId={}", encoded(version)));
    let answer = aws.iam(action, partition, &form).await?;
    let answer = xml::parse(action, &answer)?;
    let found = xml::find(answer.root(), "Document").map(xml::text).unwrap_or_default();
    Ok(document(found))
}

async fn inline(aws: &AwsQuery, partition: &Partition, role: &str) -> Result<Vec<Value>, QueryError> {
    let (action, form) = ("iam:ListRolePolicies", format!("RoleName={}", encoded(role)));
    let answer = aws.iam(action, partition, &format!("{form}&MaxItems=100")).await?;
    let answer = xml::parse(action, &answer)?;
    let result = xml::find(answer.root(), "ListRolePoliciesResult");
    let names = result.into_iter().flat_map(|result| xml::members(result, "PolicyNames")).map(xml::text);
    let documents = names.map(async |name| {
        let action = "iam:GetRolePolicy";
        let answer = aws.iam(action, partition, &format!("{form}&PolicyName={}", encoded(name))).await?;
        let answer = xml::parse(action, &answer)?;
        let found = xml::find(answer.root(), "PolicyDocument").map(xml::text).unwrap_or_default();
        Ok(document(found))
    });
    join_all(documents).await.into_iter().collect()
}
