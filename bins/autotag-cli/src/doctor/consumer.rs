//! A function with its queues, as AWS tells of them: asked once, for all families of checks.

use super::ask::{encoded, if_there};
use super::functions::LIVE;
use super::stack::Stack;
use super::{Ask, Check, NoAnswer, Trouble, hangs_on};
use autotag_aws::signed::SQS;
use autotag_model::arn::Region;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A function and its queues.
#[derive(Debug)]
pub(crate) struct Consumer {
    /// `tag-handler` or `session-handler`.
    pub(crate) kind: &'static str,
    pub(crate) region: Region,
    pub(crate) function: String,
    pub(crate) queue: Queue,
    pub(crate) dead: Queue,
    /// The configuration behind the alias `live`, else the newest.
    pub(crate) config: Result<Option<Value>, NoAnswer>,
}

/// A queue, with its attributes where it is there.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) region: Region,
    pub(crate) there: Result<Option<Attributes>, NoAnswer>,
}

/// What SQS says of a queue.
#[derive(Debug, Clone)]
pub(crate) struct Attributes {
    pub(crate) url: String,
    by_name: BTreeMap<String, String>,
}

impl Attributes {
    pub(crate) fn text(&self, name: &str) -> &str {
        self.by_name.get(name).map_or("", String::as_str)
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or_default()
    }

    /// What becomes of messages that are received again and again: how often, and to which queue (ARN).
    pub(crate) fn redrive(&self) -> Option<(u64, String)> {
        let policy: Value = serde_json::from_str(self.text("RedrivePolicy")).ok()?;
        let receives = policy.get("maxReceiveCount")?;
        // SQS writes a number; tools write texts.
        let receives = receives.as_u64().or_else(|| receives.as_str()?.parse().ok())?;
        Some((receives, policy.get("deadLetterTargetArn")?.as_str()?.to_owned()))
    }
}

impl Consumer {
    /// The configuration, or why there is none. `other` is the check that says that the function is not there.
    pub(crate) fn config(&self, other: Check) -> Result<&Value, Trouble> {
        match &self.config {
            Ok(Some(config)) => Ok(config),
            Ok(None) => hangs_on(other),
            Err(none) => Err(none.clone().into()),
        }
    }

    /// The variables of the function's environment; of one that is encrypted with a key that doctor may not use nobody knows.
    pub(crate) fn environment(&self, other: Check) -> Result<&Map<String, Value>, Trouble> {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        let config = self.config(other)?;
        if let Some(error) = config.pointer("/Environment/Error") {
            let code = error.get("ErrorCode").and_then(Value::as_str).unwrap_or("an error");
            let fix = "allow `kms:Decrypt` on the function's key to whoever runs doctor".to_owned();
            return Err(Trouble::Unknown(format!("the function's environment cannot be read: {code}"), fix));
        }
        Ok(config.pointer("/Environment/Variables").and_then(Value::as_object).unwrap_or(&NONE))
    }

    /// A variable of the function's environment; an empty one counts as none.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let config = self.config.as_ref().ok()?.as_ref()?;
        let value = config.pointer(&format!("/Environment/Variables/{name}"))?.as_str()?;
        (!value.is_empty()).then_some(value)
    }

    /// The role of the function, by ARN.
    pub(crate) fn role(&self) -> Option<&str> {
        self.config.as_ref().ok()?.as_ref()?.get("Role")?.as_str()
    }
}

/// What a consumer is made of: kind, and logical id and default name of function, queue and dead-letter queue.
pub(super) type Parts = (&'static str, [(&'static str, &'static str); 3]);

pub(super) const TAGGER: Parts = (
    "tag-handler",
    [
        ("TagHandler", "autotag-tag-handler"),
        ("TagQueue", "autotag-tag"),
        ("TagDeadLetters", "autotag-tag-dead"),
    ],
);

pub(super) const KEEPER: Parts = (
    "session-handler",
    [
        ("SessionHandler", "autotag-session-handler"),
        ("SessionQueue", "autotag-session"),
        ("SessionDeadLetters", "autotag-session-dead"),
    ],
);

/// Asks for the function and its queues.
pub(super) async fn consumer(ask: &Ask, region: &Region, stack: &Stack, (kind, parts): Parts) -> Consumer {
    let [function, queue_, dead] = parts;
    let name = stack.name(function.0, function.1);
    let (config, queue, dead) = tokio::join!(
        configuration(ask, region, &name),
        queue(ask, region, stack.queue(queue_.0, queue_.1)),
        queue(ask, region, stack.queue(dead.0, dead.1)),
    );
    Consumer { kind, region: region.clone(), function: name, queue, dead, config }
}

/// Of what runs, which is behind the alias; else the newest.
async fn configuration(ask: &Ask, region: &Region, name: &str) -> Result<Option<Value>, NoAnswer> {
    let name = encoded(name);
    let path = format!("/2015-03-31/functions/{name}/configuration");
    let action = "lambda:GetFunctionConfiguration";
    let live = format!("{path}?Qualifier={LIVE}");
    match if_there(ask.lambda(action, region, &live).await)? {
        Some(config) => Ok(Some(config)),
        None => if_there(ask.lambda(action, region, &path).await),
    }
}

/// Asks for a queue.
pub(super) async fn queue(ask: &Ask, region: &Region, name: String) -> Queue {
    let there = attributes(ask, region, &name).await;
    Queue { name, region: region.clone(), there }
}

async fn attributes(ask: &Ask, region: &Region, name: &str) -> Result<Option<Attributes>, NoAnswer> {
    let named = json!({"QueueName": name});
    let answer = if_there(ask.json(SQS, "sqs:GetQueueUrl", region, &named).await)?;
    let url = answer.as_ref().and_then(|answer| answer.get("QueueUrl")?.as_str());
    let Some(url) = url else { return Ok(None) };
    let input = json!({"QueueUrl": url, "AttributeNames": ["All"]});
    let Some(answer) = if_there(ask.json(SQS, "sqs:GetQueueAttributes", region, &input).await)? else {
        return Ok(None);
    };
    let all = answer.get("Attributes").and_then(Value::as_object).into_iter().flatten();
    let by_name = all.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    Ok(Some(Attributes { url: url.to_owned(), by_name }))
}
