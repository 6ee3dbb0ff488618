//! The whole way, tried: a tiny resource is made, its tags are waited for, and it is removed again.

use super::ask::if_there;
use super::consumer::Queue;
use super::{Check, Finding, NoAnswer, Verdict, World, broken};
use aws_accounts::signed::{SQS, SSM};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;
use tokio::time::Instant;

const CANARY: Check = Check {
    name: "canary",
    question: "do the tags of a new resource arrive?",
    fix: "mend the links above, then read the logs of tag-handler; does the policy ignore whoever runs doctor?",
};

/// What the parameter's name begins with.
const PREFIX: &str = "/autotag/canary/";

/// How often is looked.
const GLANCE: Duration = Duration::from_secs(2);

/// How often its removal is tried.
const TRIES: u32 = 3;

/// What came of it. The names are a contract.
#[derive(Debug, Serialize)]
pub(crate) struct Flight {
    /// The SSM parameter.
    pub(crate) parameter: String,
    /// What was seen, and how many seconds after the creation.
    pub(crate) hops: Vec<Hop>,
    /// The tags that have arrived.
    pub(crate) tags: BTreeMap<String, String>,
    /// Whether it is gone again, or never was.
    pub(crate) removed: bool,
    #[serde(skip)]
    pub(crate) finding: Option<Finding>,
}

/// One thing that was seen on the way.
#[derive(Debug, Serialize)]
pub(crate) struct Hop {
    pub(crate) hop: &'static str,
    pub(crate) seconds: f64,
}

/// Why nothing is waited for any more.
enum End {
    Tagged,
    TooLate,
    Interrupted,
    Failed(NoAnswer),
}

/// Sends a canary through. It is removed whatever happens: also when somebody interrupts, or nothing arrives.
pub(crate) async fn fly(world: &World, patience: Duration) -> Flight {
    let random = RandomState::new().hash_one(world.account.as_str());
    let parameter = format!("{PREFIX}{random:016x}");
    let mut flight =
        Flight { parameter, hops: Vec::new(), tags: BTreeMap::new(), removed: false, finding: None };
    let end = tokio::select! {
        end = follow(world, &mut flight, patience) => end,
        () = interrupted() => End::Interrupted,
    };
    // From here on a second Ctrl-C does not count: the first has been heard.
    flight.removed = remove(world, &flight.parameter).await;
    let verdict = verdict(&end, &flight, patience);
    flight.finding = Some(CANARY.at(world.hub.as_str(), verdict));
    flight
}

fn verdict(end: &End, flight: &Flight, patience: Duration) -> Verdict {
    let seconds = |hop: &Hop| format!("{} after {:.0} s", hop.hop, hop.seconds);
    let hops = flight.hops.iter().map(seconds).collect::<Vec<_>>().join(", ");
    let left = if flight.removed {
        String::new()
    } else {
        format!("; it is still there: aws ssm delete-parameter --name {}", flight.parameter)
    };
    let seen = match end {
        End::Tagged => hops,
        End::TooLate => format!("no tags in {} s; seen: {hops}", patience.as_secs()),
        End::Interrupted => format!("interrupted; seen: {hops}"),
        End::Failed(none) => none.to_string(),
    };
    match end {
        End::Tagged if flight.removed => Ok(seen),
        End::Failed(none) if flight.removed => Err(none.clone().into()),
        _ => broken(format!("{seen}{left}")),
    }
}

async fn follow(world: &World, flight: &mut Flight, patience: Duration) -> End {
    let queue = &world.tagger.queue;
    let before = waiting(world, queue).await;
    let begun = Instant::now();
    let input = json!({"Name": flight.parameter, "Value": "made by `autotag doctor --canary`, and removed again",
        "Type": "String"});
    if let Err(none) = world.ask.json(SSM, "ssm:PutParameter", &world.hub, &input).await {
        return End::Failed(none);
    }
    let hop = |hop: &'static str| Hop { hop, seconds: begun.elapsed().as_secs_f64() };
    flight.hops.push(hop("made"));
    let mut queued = false;
    while begun.elapsed() < patience {
        let (tags, now) = tokio::join!(tags(world, &flight.parameter), waiting(world, queue));
        // Whose message it is nobody can tell without receiving it; that would take it from the function.
        if !queued && now > before {
            queued = true;
            flight.hops.push(hop("a message more in the queue"));
        }
        match tags {
            Ok(tags) => flight.tags = tags,
            Err(none) => return End::Failed(none),
        }
        // All are written by one call; not every policy has a value for each key.
        if world.expected.identity_keys.iter().any(|key| flight.tags.contains_key(key)) {
            flight.hops.push(hop("tagged"));
            return End::Tagged;
        }
        tokio::time::sleep(GLANCE).await;
    }
    End::TooLate
}

async fn waiting(world: &World, queue: &Queue) -> u64 {
    let Ok(Some(attributes)) = &queue.there else { return 0 };
    let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    let input = json!({"QueueUrl": attributes.url, "AttributeNames": names});
    let answer = world.ask.json(SQS, "sqs:GetQueueAttributes", &queue.region, &input).await;
    let answer = answer.unwrap_or_default();
    let count = |name: &str| {
        let count = answer.pointer(&format!("/Attributes/{name}")).and_then(Value::as_str);
        count.and_then(|count| count.parse::<u64>().ok()).unwrap_or_default()
    };
    names.into_iter().map(count).sum()
}

async fn tags(world: &World, parameter: &str) -> Result<BTreeMap<String, String>, NoAnswer> {
    let input = json!({"ResourceType": "Parameter", "ResourceId": parameter});
    // A new parameter may not be found for a moment.
    let answer = if_there(world.ask.json(SSM, "ssm:ListTagsForResource", &world.hub, &input).await)?;
    let list = answer.as_ref().and_then(|answer| answer.get("TagList")?.as_array());
    let text = |tag: &Value, name: &str| tag.get(name)?.as_str().map(str::to_owned);
    Ok(list.into_iter().flatten().filter_map(|tag| Some((text(tag, "Key")?, text(tag, "Value")?))).collect())
}

/// Even if making it has failed: the answer may be what was lost.
async fn remove(world: &World, parameter: &str) -> bool {
    let input = json!({"Name": parameter});
    for _ in 0..TRIES {
        match world.ask.json(SSM, "ssm:DeleteParameter", &world.hub, &input).await {
            Ok(_) => return true,
            Err(none) if none.is_missing() => return true,
            Err(_) => tokio::time::sleep(GLANCE).await,
        }
    }
    false
}

/// Ctrl-C, or whatever else asks programs to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut ended) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = ended.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        // Nobody can be listened to; then nobody interrupts.
        std::future::pending::<()>().await;
    }
}
