//! A function with its queues. AWS is asked once; all families of checks read the answers.

use super::check::{Check, CheckFailure, blocked_by, fail};
use super::checks::QUEUE;
use super::stack::Stack;
use autotag_aws::query::{AwsQuery, QueryError, encoded, if_there};
use autotag_aws::signed::SQS;
use autotag_model::arn::Region;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The alias of the version that runs.
pub(super) const LIVE: &str = "live";

/// A function and its queues.
#[derive(Debug)]
pub(crate) struct Consumer {
    /// `tag-handler` or `session-handler`.
    pub(crate) kind: &'static str,
    pub(crate) region: Region,
    /// The name of its stack.
    pub(crate) stack: String,
    /// True if the stack pauses it on purpose.
    pub(crate) paused: bool,
    pub(crate) function: String,
    pub(crate) queue: Queue,
    pub(crate) dead_letters: Queue,
    /// The configuration behind the alias `live`, otherwise the newest. `None`: the function does not exist.
    pub(crate) config: Result<Option<Value>, QueryError>,
}

/// A queue.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) region: Region,
    /// `None`: there is no such queue.
    pub(crate) attributes: Result<Option<Attributes>, QueryError>,
}

/// The attributes of a queue.
#[derive(Debug, Clone)]
pub(crate) struct Attributes {
    pub(crate) url: String,
    by_name: BTreeMap<String, String>,
}

impl Attributes {
    /// The value of an attribute; empty if the queue does not have it.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.by_name.get(name).map_or("", String::as_str)
    }

    /// The value of an attribute; 0 if the queue does not have it.
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or_default()
    }

    /// The redrive policy: the number of receives, and the ARN of the dead-letter queue.
    pub(crate) fn redrive(&self) -> Option<(u64, String)> {
        let policy: Value = serde_json::from_str(self.text("RedrivePolicy")).ok()?;
        let receives = policy.get("maxReceiveCount")?;
        // SQS writes a number; some tools write a string.
        let receives = receives.as_u64().or_else(|| receives.as_str()?.parse().ok())?;
        Some((receives, policy.get("deadLetterTargetArn")?.as_str()?.to_owned()))
    }
}

impl Queue {
    /// The attributes, or why they are not known. A missing queue is the failure of this check.
    pub(crate) fn found(&self) -> Result<&Attributes, CheckFailure> {
        match &self.attributes {
            Ok(Some(attributes)) => Ok(attributes),
            Ok(None) => fail(format!("there is no queue `{}` in {}", self.name, self.region)),
            Err(error) => Err(error.clone().into()),
        }
    }

    /// The attributes, or why they are not known. A missing queue is the failure of the check `other`.
    pub(crate) fn needed(&self, other: Check) -> Result<&Attributes, CheckFailure> {
        match &self.attributes {
            Ok(None) => blocked_by(other),
            _ => self.found(),
        }
    }
}

impl Consumer {
    /// The queue's attributes, or why they are not known.
    pub(crate) fn queue_attributes(&self) -> Result<&Attributes, CheckFailure> {
        self.queue.needed(QUEUE)
    }

    /// The function's configuration, or why it is not known. A missing function is the failure of the check `other`.
    pub(crate) fn config(&self, other: Check) -> Result<&Value, CheckFailure> {
        match &self.config {
            Ok(Some(config)) => Ok(config),
            Ok(None) => blocked_by(other),
            Err(error) => Err(error.clone().into()),
        }
    }

    /// The function's environment variables. Unknown if they are encrypted with a key that the caller may not use.
    pub(crate) fn environment(&self, other: Check) -> Result<&Map<String, Value>, CheckFailure> {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        let config = self.config(other)?;
        if let Some(error) = config.pointer("/Environment/Error") {
            let code = error.get("ErrorCode").and_then(Value::as_str).unwrap_or("an error");
            let fix =
                "allow `kms:Decrypt` on the function's key for the identity that runs doctor".to_owned();
            let seen = format!("the function's environment cannot be read: {code}");
            return Err(CheckFailure::Unknown(seen, fix));
        }
        Ok(config.pointer("/Environment/Variables").and_then(Value::as_object).unwrap_or(&NONE))
    }

    /// A variable of the function's environment. An empty one counts as not set.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let config = self.config.as_ref().ok()?.as_ref()?;
        let value = config.pointer(&format!("/Environment/Variables/{name}"))?.as_str()?;
        (!value.is_empty()).then_some(value)
    }

    /// True if neither the function nor its queue exists.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self.config, Ok(None)) && matches!(self.queue.attributes, Ok(None))
    }

    /// The ARN of the function's role.
    pub(crate) fn role(&self) -> Option<&str> {
        self.config.as_ref().ok()?.as_ref()?.get("Role")?.as_str()
    }
}

/// The logical id in the template, and the end of the default name.
type Named = (&'static str, &'static str);

/// The resources of a consumer, as the templates name them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resources {
    kind: &'static str,
    function: Named,
    queue: Named,
    dead_letters: Named,
}

pub(super) const TAG_HANDLER: Resources = Resources {
    kind: "tag-handler",
    function: ("TagHandler", "tag-handler"),
    queue: ("TagQueue", "tag"),
    dead_letters: ("TagDeadLetters", "tag-dead"),
};

pub(super) const SESSION_HANDLER: Resources = Resources {
    kind: "session-handler",
    function: ("SessionHandler", "session-handler"),
    queue: ("SessionQueue", "session"),
    dead_letters: ("SessionDeadLetters", "session-dead"),
};

/// Reads a function and its queues. `prefix` is the name of the deployment.
pub(super) async fn read_consumer(
    aws: &AwsQuery,
    region: &Region,
    (stack, prefix): (&Stack, &str),
    resources: Resources,
) -> Consumer {
    let queue_name = |(logical, default): Named| stack.queue(logical, &format!("{prefix}-{default}"));
    let function = stack.name(resources.function.0, &format!("{prefix}-{}", resources.function.1));
    let (config, queue, dead_letters) = tokio::join!(
        configuration(aws, region, &function),
        read_queue(aws, region, queue_name(resources.queue)),
        read_queue(aws, region, queue_name(resources.dead_letters)),
    );
    Consumer {
        kind: resources.kind,
        region: region.clone(),
        stack: stack.name.clone(),
        paused: stack.parameter("Invoke") == Some("false"),
        function,
        queue,
        dead_letters,
        config,
    }
}

/// The configuration behind the alias, which is the one that runs; otherwise the newest.
async fn configuration(aws: &AwsQuery, region: &Region, name: &str) -> Result<Option<Value>, QueryError> {
    let name = encoded(name);
    let path = format!("/2015-03-31/functions/{name}/configuration");
    let action = "lambda:GetFunctionConfiguration";
    let live = format!("{path}?Qualifier={LIVE}");
    match if_there(aws.lambda(action, region, &live).await)? {
        Some(config) => Ok(Some(config)),
        None => if_there(aws.lambda(action, region, &path).await),
    }
}

/// Reads a queue.
pub(super) async fn read_queue(aws: &AwsQuery, region: &Region, name: String) -> Queue {
    let attributes = attributes(aws, region, &name).await;
    Queue { name, region: region.clone(), attributes }
}

async fn attributes(aws: &AwsQuery, region: &Region, name: &str) -> Result<Option<Attributes>, QueryError> {
    let named = json!({"QueueName": name});
    let answer = if_there(aws.json(SQS, "sqs:GetQueueUrl", region, &named).await)?;
    let url = answer.as_ref().and_then(|answer| answer.get("QueueUrl")?.as_str());
    let Some(url) = url else { return Ok(None) };
    let input = json!({"QueueUrl": url, "AttributeNames": ["All"]});
    let Some(answer) = if_there(aws.json(SQS, "sqs:GetQueueAttributes", region, &input).await)? else {
        return Ok(None);
    };
    let all = answer.get("Attributes").and_then(Value::as_object).into_iter().flatten();
    let by_name = all.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    Ok(Some(Attributes { url: url.to_owned(), by_name }))
}
