//! Finds tables that an earlier deployment left.

use crate::DeployError;
use crate::actions;
use autotag_aws::query::{AwsQuery, if_there};
use autotag_aws::signed::DYNAMODB;
use autotag_model::arn::Region;
use serde_json::json;

/// True if there is a table of this name.
///
/// # Errors
/// AWS does not answer.
pub async fn is_there(aws: &AwsQuery, region: &Region, name: &str) -> Result<bool, DeployError> {
    let answer = aws.json(DYNAMODB, actions::TABLE.name, region, &json!({"TableName": name})).await;
    Ok(if_there(answer)?.is_some())
}
