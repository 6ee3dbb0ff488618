//! The queues before the functions, and those where lost messages end.

use super::consumer::{Attributes, Consumer, Queue};
use super::policy::{Decision, Who, Wish, decide, document};
use super::{Ask, Check, Finding, NoAnswer, Trouble, Verdict, World, broken, hangs_on};
use crate::output::{plural, printable};
use autotag_aws::signed::{KMS, SQS};
use autotag_model::envelope::{Limits, read_records};
use serde_json::{Value, json};

const QUEUE: Check = Check {
    name: "queue",
    question: "is the queue there?",
    fix: "deploy the stack again; if the queue has another name, name its stack with --stack or --session-stack",
};

const POLICY: Check = Check {
    name: "queue.policy",
    question: "does the queue let the rules of EventBridge send?",
    fix: "allow sqs:SendMessage to events.amazonaws.com in the queue's policy, for the ARNs of the rules",
};

const KEY: Check = Check {
    name: "queue.key",
    question: "does the queue's key let EventBridge encrypt?",
    fix: "allow kms:GenerateDataKey and kms:Decrypt to events.amazonaws.com in the policy of the queue's own key",
};

const REDRIVE: Check = Check {
    name: "queue.redrive",
    question: "does what fails again and again end in the dead-letter queue?",
    fix: "set the queue's redrive policy: its dead-letter queue, and a maxReceiveCount of at least 5",
};

const VISIBILITY: Check = Check {
    name: "queue.visibility",
    question: "is the visibility timeout six times the function's timeout?",
    fix: "raise the queue's visibility timeout to six times the function's timeout",
};

const AGE: Check = Check {
    name: "queue.age",
    question: "does the function keep up with the queue?",
    fix: "look at the function and its event source mapping; raise MaximumConcurrency if both are well",
};

const DEAD: Check = Check {
    name: "dead-letters",
    question: "is the dead-letter queue there, and empty?",
    fix: "see why with `autotag redrive QUEUE_URL`, mend the cause, and send them through again with --yes",
};

/// Lambda's own advice.
const VISIBILITIES: u64 = 6;

/// How long a message may be delayed on purpose, in seconds.
const DELAY: u64 = 900;

/// How far back CloudWatch is asked, in seconds.
const LATELY: u64 = 900;

/// How many messages are looked at.
const SOME: u32 = 10;

pub(super) async fn examine(world: &World) -> Vec<Finding> {
    let (tagger, keeper) = tokio::join!(consumer(world, &world.tagger), consumer(world, &world.keeper));
    [tagger, keeper].concat()
}

async fn consumer(world: &World, consumer: &Consumer) -> Vec<Finding> {
    let queue = &consumer.queue;
    let (key, age, dead) =
        tokio::join!(key(world, queue), age(world, queue), dead(&world.ask, &consumer.dead, world.peek));
    let name = &queue.name;
    vec![
        QUEUE.at(name, there(queue, None).map(|queue| queue.url.clone())),
        POLICY.at(name, lets_send(world, consumer)),
        KEY.at(name, key),
        REDRIVE.at(name, redrive(world, consumer)),
        VISIBILITY.at(name, visibility(consumer)),
        AGE.at(name, age),
        DEAD.at(&consumer.dead.name, dead),
    ]
}

/// The queue; where it is not there, that is another check's finding, if one is named.
pub(super) fn there(queue: &Queue, other: Option<Check>) -> Result<&Attributes, Trouble> {
    match (&queue.there, other) {
        (Ok(Some(attributes)), _) => Ok(attributes),
        (Ok(None), Some(other)) => hangs_on(other),
        (Ok(None), None) => broken(format!("there is no queue `{}` in {}", queue.name, queue.region)),
        (Err(none), _) => Err(none.clone().into()),
    }
}

/// The same for who only wants to read its attributes.
pub(super) fn queue_of(consumer: &Consumer) -> Result<&Attributes, Trouble> {
    there(&consumer.queue, Some(QUEUE))
}

fn lets_send(world: &World, consumer: &Consumer) -> Verdict {
    let attributes = queue_of(consumer)?;
    let World { partition, account, bus, .. } = world;
    let name = if consumer.kind == world.tagger.kind { "autotag-creations-1" } else { "autotag-sessions" };
    let rule = |bus: &str| format!("arn:{partition}:events:{}:{account}:rule/{bus}{name}", consumer.region);
    // Rules of the default bus have no bus in their ARNs.
    lets_rule_send(attributes, &rule(&format!("{bus}/"))).or_else(|_| lets_rule_send(attributes, &rule("")))
}

/// Whether a queue's policy lets a rule (ARN) send.
pub(super) fn lets_rule_send(queue: &Attributes, rule: &str) -> Verdict {
    let policy = document(queue.text("Policy"));
    let account = rule.split(':').nth(4).unwrap_or_default();
    let wish = Wish {
        who: Who::Service("events.amazonaws.com"),
        action: "sqs:SendMessage",
        resource: queue.text("QueueArn"),
        context: &[("aws:SourceArn", rule), ("aws:SourceAccount", account)],
    };
    match decide(&policy, &wish) {
        Decision::AccountScope => Ok("events.amazonaws.com may send".to_owned()),
        Decision::Denied => broken("a statement of the policy denies it"),
        Decision::Silent if policy.is_null() => broken("the queue has no policy"),
        Decision::Silent => broken("no statement of the policy allows it"),
    }
}

async fn key(world: &World, queue: &Queue) -> Verdict {
    let id = there(queue, Some(QUEUE))?.text("KmsMasterKeyId");
    if id.is_empty() {
        return Ok("no key of its own".to_owned());
    }
    if id.ends_with("alias/aws/sqs") {
        return broken("the key is AWS's own, which EventBridge may not use");
    }
    let input = json!({"KeyId": id});
    let described = world.ask.json(KMS, "kms:DescribeKey", &queue.region, &input).await?;
    let arn = described.pointer("/KeyMetadata/Arn").and_then(Value::as_str).unwrap_or(id).to_owned();
    let state = described.pointer("/KeyMetadata/KeyState").and_then(Value::as_str).unwrap_or("Enabled");
    if state != "Enabled" {
        return broken(format!("{arn} is {state}"));
    }
    let input = json!({"KeyId": arn, "PolicyName": "default"});
    let answer = world.ask.json(KMS, "kms:GetKeyPolicy", &queue.region, &input).await?;
    let policy = document(answer.get("Policy").and_then(Value::as_str).unwrap_or_default());
    let may = |action: &str| {
        let who = Who::Service("events.amazonaws.com");
        decide(&policy, &Wish { who, action, resource: &arn, context: &[] }) == Decision::AccountScope
    };
    match ["kms:GenerateDataKey", "kms:Decrypt"].into_iter().find(|action| !may(action)) {
        Some(action) => broken(format!("{action} is not allowed by the policy of {arn}")),
        None => Ok(arn),
    }
}

fn redrive(world: &World, consumer: &Consumer) -> Verdict {
    let Some((receives, target)) = queue_of(consumer)?.redrive() else {
        return broken("the queue has no redrive policy: what fails comes again until it is too old");
    };
    if target != world.queue_arn(&consumer.dead) {
        return broken(format!("dead letters go to {target}"));
    }
    Ok(format!("after {} to {}", plural(receives, "receive"), consumer.dead.name))
}

fn visibility(consumer: &Consumer) -> Verdict {
    let visible = queue_of(consumer)?.number("VisibilityTimeout");
    let timeout = consumer.config(super::functions::FUNCTION)?.get("Timeout").and_then(Value::as_u64);
    let Some(timeout) = timeout else { return broken("Lambda names no timeout") };
    let seen = format!("{visible} s, the function's timeout is {timeout} s");
    if visible < VISIBILITIES * timeout { broken(seen) } else { Ok(seen) }
}

async fn age(world: &World, queue: &Queue) -> Verdict {
    let attributes = there(queue, Some(QUEUE))?;
    let oldest = oldest(&world.ask, queue).await?;
    let messages = attributes.number("ApproximateNumberOfMessages");
    let seen = format!("{}, {}", waiting(messages), aged(oldest));
    let (receives, _) = attributes.redrive().unwrap_or((1, String::new()));
    // A message that is not done is seen again after the visibility timeout, and that is no delay of the function's.
    let bearable = receives.saturating_sub(1) * attributes.number("VisibilityTimeout") + DELAY;
    match oldest {
        Some(oldest) if oldest > bearable => broken(seen),
        _ => Ok(seen),
    }
}

fn waiting(messages: u64) -> String {
    plural(messages, "message")
}

fn aged(oldest: Option<u64>) -> String {
    oldest.map_or_else(|| "no age is known".to_owned(), |oldest| format!("the oldest is {oldest} s old"))
}

/// The age of the oldest message in seconds, as CloudWatch has seen it lately.
async fn oldest(ask: &Ask, queue: &Queue) -> Result<Option<u64>, NoAnswer> {
    let metric = ("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum");
    let points = ask.metric(&queue.region, metric, ("QueueName", &queue.name), LATELY).await?;
    // What it was minutes ago is worth less than what it is; CloudWatch gives no order.
    let least = points.into_iter().reduce(f64::min);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an age in whole seconds")]
    Ok(least.map(|seconds| seconds.max(0.0) as u64))
}

/// Whether a dead-letter queue is there and empty. With `look`, the oldest message that can be seen is told.
pub(super) async fn dead(ask: &Ask, queue: &Queue, look: bool) -> Verdict {
    let attributes = there(queue, None)?;
    // Somebody may be looking at them, which hides them from others.
    let messages = ["", "NotVisible", "Delayed"]
        .iter()
        .map(|which| attributes.number(&format!("ApproximateNumberOfMessages{which}")))
        .sum();
    if messages == 0 {
        return Ok("empty".to_owned());
    }
    // Without an age it is full all the same.
    let oldest = oldest(ask, queue).await.unwrap_or_default();
    let mut seen = format!("{}, {}; {}", waiting(messages), aged(oldest), attributes.url);
    if look {
        let told = peek(ask, queue, attributes).await;
        seen = format!("{seen}; {}", told.unwrap_or_else(|none| format!("not looked at: {none}")));
    }
    broken(seen)
}

/// The oldest of some messages: its event, and why it is there. Nothing is hidden from others; each message counts one
/// receive more, which nobody counts in a dead-letter queue.
async fn peek(ask: &Ask, queue: &Queue, attributes: &Attributes) -> Result<String, NoAnswer> {
    let input = json!({"QueueUrl": attributes.url, "MaxNumberOfMessages": SOME, "VisibilityTimeout": 0,
        "AttributeNames": ["SentTimestamp"], "MessageAttributeNames": ["All"]});
    let answer = ask.json(SQS, "sqs:ReceiveMessage", &queue.region, &input).await?;
    let messages = answer.get("Messages").and_then(Value::as_array).into_iter().flatten();
    let sent = |message: &&Value| message.pointer("/Attributes/SentTimestamp")?.as_str()?.parse::<u64>().ok();
    let oldest = messages.min_by_key(|message| sent(message).unwrap_or(u64::MAX));
    Ok(oldest.map_or_else(|| "none came to be looked at".to_owned(), told))
}

/// Never the payload.
fn told(message: &Value) -> String {
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
    let why =
        ["ERROR_CODE", "ERROR_MESSAGE"].into_iter().filter_map(attribute).collect::<Vec<_>>().join(": ");
    let why = if why.is_empty() { "no reason is noted".to_owned() } else { why };
    printable(&format!("the oldest seen: {} ({why})", event.unwrap_or_else(|| "no record".to_owned())))
}
