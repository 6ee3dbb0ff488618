//! The messages in the queues of a deployment.

use crate::DeployError;
use crate::actions;
use autotag_aws::query::{AwsQuery, if_there};
use autotag_aws::signed::SQS;
use autotag_model::arn::Region;
use serde_json::{Value, json};

/// How many messages are in a queue, about: those that are being received and those with a delay too. `None` if it is not there.
///
/// # Errors
/// AWS does not answer.
pub async fn messages(aws: &AwsQuery, region: &Region, url: &str) -> Result<Option<u64>, DeployError> {
    const COUNTS: [&str; 3] = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ];
    let input = json!({"QueueUrl": url, "AttributeNames": COUNTS});
    let Some(answer) = if_there(aws.json(SQS, actions::QUEUE.name, region, &input).await)? else {
        return Ok(None);
    };
    let attributes = answer.get("Attributes");
    let count = |name: &str| attributes?.get(name).and_then(Value::as_str)?.parse::<u64>().ok();
    Ok(Some(COUNTS.iter().filter_map(|name| count(name)).sum()))
}
