//! The queues of the functions, and the dead-letter queues.

use super::check::{CheckResult, Finding, fail, fail_with};
use super::checks::{
    DEAD_LETTERS, FUNCTION, QUEUE, QUEUE_AGE, QUEUE_KEY, QUEUE_POLICY, QUEUE_REDRIVE, QUEUE_VISIBILITY,
};
use super::consumer::{Attributes, Consumer, Queue};
use super::deployment::DeploymentView;
use super::metrics::series;
use super::policy::{AccessRequest, Caller, Decision, decide, document};
use crate::output::{plural, printable};
use autotag_aws::query::{AwsQuery, QueryError};
use autotag_aws::signed::{KMS, SQS};
use autotag_model::envelope::{Limits, read_records};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// The service that sends events to queues.
const EVENTBRIDGE: Caller<'_> = Caller::Service("events.amazonaws.com");

/// The least visibility timeout, as a multiple of the function's timeout. AWS recommends it for Lambda.
const VISIBILITY_FACTOR: u64 = 6;

/// The maximum configurable delay of a message, in seconds.
const MAX_DELAY: u64 = 900;

/// The time over which metrics of CloudWatch are read, in seconds.
const METRIC_PERIOD: u64 = 900;

const DAY: u64 = 24 * 3600;

/// The number of dead-letter messages that are received to show one.
const SAMPLE: u32 = 10;

pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    join_all(view.consumers().into_iter().map(|consumer| findings(view, consumer))).await.concat()
}

async fn findings(view: &DeploymentView, consumer: &Consumer) -> Vec<Finding> {
    let queue = &consumer.queue;
    let (key, age, dead_letters) = tokio::join!(
        key(view, queue),
        age(view, consumer),
        is_empty(&view.aws, &consumer.dead_letters, view)
    );
    let name = &queue.name;
    vec![
        QUEUE.at(name, queue.found().map(|attributes| attributes.url.clone())),
        QUEUE_POLICY.at(name, rules_may_send(view, consumer)),
        QUEUE_KEY.at(name, key),
        QUEUE_REDRIVE.at(name, redrive(view, consumer)),
        QUEUE_VISIBILITY.at(name, visibility(consumer)),
        QUEUE_AGE.at(name, age),
        DEAD_LETTERS.at(&consumer.dead_letters.name, dead_letters),
    ]
}

fn rules_may_send(view: &DeploymentView, consumer: &Consumer) -> CheckResult {
    let attributes = consumer.queue_attributes()?;
    let DeploymentView { partition, account, bus, names, .. } = view;
    let rule = |name: &str| {
        let region = &consumer.region;
        format!("arn:{partition}:events:{region}:{account}:rule/{bus}/{}-{name}", names.prefix)
    };
    // The rules of the default bus that send to the queue themselves.
    let queue = view.queue_arn(&consumer.queue);
    let own = view.default_bus.iter().flatten();
    let own = own.filter(|rule| rule.targets.iter().any(|target| target.arn == queue));
    let mut rules: Vec<String> = own.map(|rule| rule.arn.clone()).collect();
    if view.is_tag_handler(consumer) {
        rules.push(rule("creations-1"));
        rules.extend(view.ledger().map(|_| rule("deletions-1")));
        rules.extend(view.watches_tags().then(|| rule("tag-events")));
    } else if rules.is_empty() {
        rules.push(rule("sessions"));
    }
    for rule in &rules {
        rule_may_send(attributes, rule)?;
    }
    Ok("events.amazonaws.com may send".to_owned())
}

/// Checks that a queue's policy allows a rule, by ARN, to send.
pub(super) fn rule_may_send(queue: &Attributes, rule: &str) -> CheckResult {
    let policy = document(queue.text("Policy"));
    let account = rule.split(':').nth(4).unwrap_or_default();
    let request = AccessRequest {
        caller: EVENTBRIDGE,
        action: "sqs:SendMessage",
        resource: queue.text("QueueArn"),
        context: &[("aws:SourceArn", rule), ("aws:SourceAccount", account)],
    };
    match decide(&policy, &request) {
        Decision::Allowed => Ok("events.amazonaws.com may send".to_owned()),
        Decision::Denied => fail("a statement of the policy denies it"),
        Decision::NoMatch if policy.is_null() => fail("the queue has no policy"),
        Decision::NoMatch => fail("no statement of the policy allows it"),
    }
}

async fn key(view: &DeploymentView, queue: &Queue) -> CheckResult {
    let id = queue.needed(QUEUE)?.text("KmsMasterKeyId");
    if id.is_empty() {
        return Ok("no key of its own".to_owned());
    }
    if id.ends_with("alias/aws/sqs") {
        return fail("the key is managed by AWS, and EventBridge may not use it");
    }
    let input = json!({"KeyId": id});
    let described = view.aws.json(KMS, "kms:DescribeKey", &queue.region, &input).await?;
    let arn = described.pointer("/KeyMetadata/Arn").and_then(Value::as_str).unwrap_or(id).to_owned();
    let state = described.pointer("/KeyMetadata/KeyState").and_then(Value::as_str).unwrap_or("Enabled");
    if state != "Enabled" {
        return fail(format!("{arn} is {state}"));
    }
    let input = json!({"KeyId": arn, "PolicyName": "default"});
    let answer = view.aws.json(KMS, "kms:GetKeyPolicy", &queue.region, &input).await?;
    let policy = document(answer.get("Policy").and_then(Value::as_str).unwrap_or_default());
    let queue_arn = view.queue_arn(queue);
    let allowed = |action: &str| {
        let context = [
            ("aws:SourceAccount", view.account.as_str()),
            ("kms:CallerAccount", view.account.as_str()),
            ("kms:EncryptionContext:aws:sqs:arn", queue_arn.as_str()),
            ("aws:SourceOrgID", view.organization_id().unwrap_or_default()),
        ];
        let known = context.len() - usize::from(view.organization_id().is_none());
        let context = context.get(..known).unwrap_or_default();
        let request = AccessRequest { caller: EVENTBRIDGE, action, resource: &arn, context };
        decide(&policy, &request) == Decision::Allowed
    };
    match ["kms:GenerateDataKey", "kms:Decrypt"].into_iter().find(|action| !allowed(action)) {
        Some(action) => fail(format!("{action} is not allowed by the policy of {arn}")),
        None => Ok(arn),
    }
}

fn redrive(view: &DeploymentView, consumer: &Consumer) -> CheckResult {
    let Some((receives, target)) = consumer.queue_attributes()?.redrive() else {
        return fail("the queue has no redrive policy: failed messages return until they expire");
    };
    if target != view.queue_arn(&consumer.dead_letters) {
        return fail(format!("dead letters go to {target}"));
    }
    Ok(format!("after {} to {}", plural(receives, "receive"), consumer.dead_letters.name))
}

fn visibility(consumer: &Consumer) -> CheckResult {
    let visible = consumer.queue_attributes()?.number("VisibilityTimeout");
    let timeout = consumer.config(FUNCTION)?.get("Timeout").and_then(Value::as_u64);
    let Some(timeout) = timeout else { return fail("the function's configuration has no timeout") };
    let seen = format!("{visible} s, the function's timeout is {timeout} s");
    if visible < VISIBILITY_FACTOR * timeout { fail(seen) } else { Ok(seen) }
}

async fn age(view: &DeploymentView, consumer: &Consumer) -> CheckResult {
    let queue = &consumer.queue;
    let attributes = queue.needed(QUEUE)?;
    let oldest = oldest(&view.aws, queue).await?;
    let messages = attributes.number("ApproximateNumberOfMessages");
    let seen = format!("{}, {}", plural(messages, "message"), describe_age(oldest));
    let (receives, _) = attributes.redrive().unwrap_or((1, String::new()));
    // A failed message returns after each visibility timeout. Retries do not show that a function is too slow.
    let expected = receives.saturating_sub(1) * attributes.number("VisibilityTimeout") + MAX_DELAY;
    if consumer.paused {
        // Messages wait on purpose, until the queue deletes them.
        let kept = attributes.number("MessageRetentionPeriod");
        return match oldest {
            Some(oldest) if kept > 0 && oldest + DAY > kept => fail_with(
                format!("{seen}; it is paused, and messages are deleted after {} h", kept / 3600),
                "{deploy-hub} --parameter-overrides Invoke=true",
            ),
            _ => Ok(format!("{seen}; it is paused")),
        };
    }
    match oldest {
        Some(oldest) if oldest > expected => fail(seen),
        _ => Ok(seen),
    }
}

fn describe_age(oldest: Option<u64>) -> String {
    oldest.map_or_else(|| "no age is known".to_owned(), |oldest| format!("the oldest is {oldest} s old"))
}

/// The age of the oldest message in seconds, by CloudWatch. `None`: it has no recent value.
async fn oldest(aws: &AwsQuery, queue: &Queue) -> Result<Option<u64>, QueryError> {
    let metric = ("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum");
    let values = aws.metric(&queue.region, metric, ("QueueName", &queue.name), METRIC_PERIOD).await?;
    // The values have no order, so the newest is not known. The least one does not raise a false alarm.
    let least = values.into_iter().reduce(f64::min);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an age in whole seconds")]
    Ok(least.map(|seconds| seconds.max(0.0) as u64))
}

/// Checks that a dead-letter queue exists, and that nothing new comes into it. With `show_messages`, the finding describes the
/// oldest message of a sample.
pub(super) async fn is_empty(aws: &AwsQuery, queue: &Queue, view: &DeploymentView) -> CheckResult {
    let attributes = queue.found()?;
    // Another reader may have received some, which hides them for a while.
    let messages: u64 = ["", "NotVisible", "Delayed"]
        .iter()
        .map(|which| attributes.number(&format!("ApproximateNumberOfMessages{which}")))
        .sum();
    if messages == 0 {
        return Ok("empty".to_owned());
    }
    // The queue is not empty, whether the age is known or not.
    let (oldest, grown) = tokio::join!(oldest(aws, queue), grown(aws, queue, view.since));
    let oldest = oldest.unwrap_or_default();
    let mut seen = format!("{}, {}", plural(messages, "message"), describe_age(oldest));
    let kept = attributes.number("MessageRetentionPeriod");
    let lost_soon = oldest.is_some_and(|oldest| kept > 0 && oldest + 2 * DAY > kept);
    let settled = grown == Ok(Some(false)) && !lost_soon;
    if settled {
        seen = format!("{seen}, none new for {} h", view.since / 3600);
    } else if lost_soon {
        seen = format!("{seen}; it is deleted after {} days", kept / DAY);
    }
    if view.show_messages {
        let shown = show_oldest(aws, queue, attributes).await;
        seen = format!("{seen}; {}", shown.unwrap_or_else(|error| format!("not shown: {error}")));
    }
    let redrive = format!("autotag redrive {}", attributes.url);
    if settled { Ok(format!("{seen}; {redrive}")) } else { fail_with(seen, redrive) }
}

/// True if the queue has more messages than before; `None` if the metric has too few values.
async fn grown(aws: &AwsQuery, queue: &Queue, since: u64) -> Result<Option<bool>, QueryError> {
    let metric = ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum");
    let values = series(aws, &queue.region, metric, &[("QueueName", &queue.name)], since).await?;
    let (Some((_, first)), Some((_, last))) = (values.first(), values.last()) else { return Ok(None) };
    let most = values.iter().map(|(_, value)| *value).fold(*first, f64::max);
    Ok((values.len() > 1).then_some(most > *first || last > first))
}

/// Describes the oldest message of a sample: its event, and the reason of its failure. The messages stay visible. Their receive
/// count rises by one, which has no effect in a dead-letter queue.
async fn show_oldest(aws: &AwsQuery, queue: &Queue, attributes: &Attributes) -> Result<String, QueryError> {
    let input = json!({"QueueUrl": attributes.url, "MaxNumberOfMessages": SAMPLE, "VisibilityTimeout": 0,
        "AttributeNames": ["SentTimestamp"], "MessageAttributeNames": ["All"]});
    let answer = aws.json(SQS, "sqs:ReceiveMessage", &queue.region, &input).await?;
    let messages = answer.get("Messages").and_then(Value::as_array).into_iter().flatten();
    let sent = |message: &&Value| message.pointer("/Attributes/SentTimestamp")?.as_str()?.parse::<u64>().ok();
    let oldest = messages.min_by_key(|message| sent(message).unwrap_or(u64::MAX));
    Ok(oldest.map_or_else(|| "no message was received".to_owned(), describe_message))
}

/// Source, name and id of the event, and the reason: never the payload.
fn describe_message(message: &Value) -> String {
    let mut event = None;
    let body = message.get("Body").and_then(Value::as_str).unwrap_or_default();
    read_records(body.as_bytes(), &Limits::default(), &mut |read| {
        if let (Ok(delivered), None) = (read, &event) {
            let record = &delivered.record;
            let id = record.event_id.as_deref().unwrap_or("without an id");
            event = Some(format!("{} {} {id}", record.event_source, record.event_name));
        }
    });
    let attribute = |name: &str| message.pointer(&format!("/MessageAttributes/{name}/StringValue"))?.as_str();
    let reason =
        ["ERROR_CODE", "ERROR_MESSAGE"].into_iter().filter_map(attribute).collect::<Vec<_>>().join(": ");
    let reason = if reason.is_empty() { "no reason is noted".to_owned() } else { reason };
    printable(&format!(
        "oldest of the sample: {} ({reason})",
        event.unwrap_or_else(|| "no record".to_owned())
    ))
}
