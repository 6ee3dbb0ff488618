//! The whole way, tried: a tiny resource is made, its tags are waited for, and it is removed again.

use super::ask::if_there;
use super::consumer::Queue;
use super::{Check, Expected, Finding, NoAnswer, Trouble, Verdict, World, broken};
use autotag_aws::signed::{SQS, SSM};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
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
    /// Whether somebody did not want to wait.
    #[serde(skip)]
    pub(crate) interrupted: bool,
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

/// Sends a canary through. It is removed whatever happens, but for SIGKILL: also when somebody interrupts, or nothing arrives.
pub(crate) async fn fly(world: &World, patience: Duration) -> Flight {
    let random = RandomState::new().hash_one(world.account.as_str());
    let parameter = format!("{PREFIX}{random:016x}");
    let mut flight = Flight {
        parameter,
        hops: Vec::new(),
        tags: BTreeMap::new(),
        removed: false,
        interrupted: false,
        finding: None,
    };
    if let Some(why) = no_landing(&world.expected) {
        flight.removed = true;
        flight.finding = Some(CANARY.at(world.hub.as_str(), Err(why)));
        return flight;
    }
    let before = waiting(world, &world.tagger.queue).await;
    let begun = Instant::now();
    // Not to be interrupted: what is on its way when it is removed would be there afterwards.
    let mut interrupted = std::pin::pin!(interrupted());
    let made = {
        let mut put = std::pin::pin!(make(world, &flight.parameter));
        tokio::select! {
            answer = &mut put => answer.map(|()| false),
            () = &mut interrupted => put.await.map(|()| true),
        }
    };
    let end = match made {
        Err(none) => End::Failed(none),
        Ok(true) => End::Interrupted,
        Ok(false) => {
            // It takes minutes; whoever ends it with SIGKILL has to know what is left.
            let _ = writeln!(
                anstream::stderr(),
                "made {}, waiting up to {} s",
                flight.parameter,
                patience.as_secs()
            );
            tokio::select! {
                end = follow(world, &mut flight, (begun, before), patience) => end,
                () = &mut interrupted => End::Interrupted,
            }
        }
    };
    flight.interrupted = matches!(end, End::Interrupted);
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
        End::Interrupted if flight.removed => Err(Trouble::Unknown(seen, "run it again".to_owned())),
        _ => broken(format!("{seen}{left}")),
    }
}

/// Why its tags could never arrive.
fn no_landing(expected: &Expected) -> Option<Trouble> {
    let seen = if expected.identity_keys.is_empty() {
        "not sent: the policy writes no identity tags"
    } else if !expected.creations.iter().any(|event| event.source == SOURCE && event.name == CREATION) {
        "not sent: the policy ignores SSM's parameters"
    } else {
        return None;
    };
    Some(Trouble::Unknown(
        seen.to_owned(),
        "try it without this policy, or make something else by hand".to_owned(),
    ))
}

/// What CloudTrail calls the canary's creation.
const SOURCE: &str = "ssm.amazonaws.com";
const CREATION: &str = "PutParameter";

async fn make(world: &World, parameter: &str) -> Result<(), NoAnswer> {
    let input = json!({"Name": parameter, "Value": "made by `autotag doctor --canary`, and removed again",
        "Type": "String"});
    world.ask.json(SSM, "ssm:PutParameter", &world.hub, &input).await.map(drop)
}

async fn follow(
    world: &World,
    flight: &mut Flight,
    (begun, before): (Instant, u64),
    patience: Duration,
) -> End {
    let queue = &world.tagger.queue;
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

/// Even if making it has failed: the answer may be what was lost. A new parameter may not be found for a moment, so that it is
/// not there is believed at the last try only.
async fn remove(world: &World, parameter: &str) -> bool {
    let input = json!({"Name": parameter});
    for left in (0..TRIES).rev() {
        match world.ask.json(SSM, "ssm:DeleteParameter", &world.hub, &input).await {
            Ok(_) => return true,
            Err(none) if none.is_missing() && left == 0 => return true,
            Err(_) if left > 0 => tokio::time::sleep(GLANCE).await,
            Err(_) => {}
        }
    }
    false
}

/// Ctrl-C, or whatever else asks programs to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // A closed terminal hangs up.
        if let (Ok(mut ended), Ok(mut hung_up)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = ended.recv() => {}
                _ = hung_up.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        // Nobody can be listened to; then nobody interrupts.
        std::future::pending::<()>().await;
    }
}
