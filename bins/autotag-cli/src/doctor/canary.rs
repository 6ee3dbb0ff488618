//! A test of the whole chain: creates a small resource, waits for its tags, and removes it.

use super::check::{CheckFailure, CheckResult, Finding, fail};
use super::checks::CANARY;
use super::consumer::Queue;
use super::deployment::DeploymentView;
use super::expected::{Event, Expected};
use autotag_aws::query::{QueryError, if_there};
use autotag_aws::signed::{SQS, SSM};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::time::Duration;
use tokio::time::Instant;

/// The prefix of the parameter's name.
const PREFIX: &str = "/autotag/canary/";

/// The event of the canary's creation in `CloudTrail`.
const EVENT_SOURCE: &str = "ssm.amazonaws.com";
const EVENT_NAME: &str = "PutParameter";

const POLL_INTERVAL: Duration = Duration::from_secs(2);

const MAX_REMOVE_ATTEMPTS: u32 = 3;

/// The result of a canary. The JSON keys are a contract.
#[derive(Debug, Serialize)]
pub(crate) struct CanaryReport {
    /// The name of the SSM parameter.
    pub(crate) parameter: String,
    /// What doctor saw, in order of time.
    #[serde(rename = "hops")]
    pub(crate) milestones: Vec<Milestone>,
    /// The tags that arrived.
    pub(crate) tags: BTreeMap<String, String>,
    /// Whether the parameter does not exist any more, or never did.
    pub(crate) removed: bool,
    /// Whether a signal ended the wait.
    #[serde(skip)]
    pub(crate) interrupted: bool,
    #[serde(skip)]
    pub(crate) finding: Option<Finding>,
}

/// One event that doctor saw while it waited.
#[derive(Debug, Serialize)]
pub(crate) struct Milestone {
    #[serde(rename = "hop")]
    pub(crate) name: &'static str,
    /// The time since the creation, in seconds.
    pub(crate) seconds: f64,
}

/// The reason why the wait ended.
enum CanaryEnd {
    Tagged,
    TimedOut,
    Interrupted,
    Failed(QueryError),
}

/// Runs a canary. Its parameter is removed at the end, also after a signal or a timeout; only SIGKILL leaves it.
pub(crate) async fn run(view: &DeploymentView, timeout: Duration) -> CanaryReport {
    let random = RandomState::new().hash_one(view.account.as_str());
    let mut report = CanaryReport {
        parameter: format!("{PREFIX}{random:016x}"),
        milestones: Vec::new(),
        tags: BTreeMap::new(),
        removed: false,
        interrupted: false,
        finding: None,
    };
    if let Some(reason) = skip_reason(&view.expected) {
        report.removed = true;
        report.finding = Some(CANARY.at(view.hub.as_str(), Err(reason)));
        return report;
    }
    let end = create_and_wait(view, &mut report, timeout).await;
    report.interrupted = matches!(end, CanaryEnd::Interrupted);
    // A second Ctrl-C does not end the removal.
    report.removed = remove(view, &report.parameter).await;
    let result = evaluate(&end, &report, timeout);
    report.finding = Some(CANARY.at(view.hub.as_str(), result));
    report
}

async fn create_and_wait(view: &DeploymentView, report: &mut CanaryReport, timeout: Duration) -> CanaryEnd {
    let queued_before = queued_messages(view, &view.tag_handler.queue).await;
    let started = Instant::now();
    let mut interrupted = std::pin::pin!(interrupted());
    // A signal does not cancel the creation. Otherwise a request in flight could create the parameter after its removal.
    let created = {
        let mut create = std::pin::pin!(create(view, &report.parameter));
        tokio::select! {
            answer = &mut create => answer.map(|()| false),
            () = &mut interrupted => create.await.map(|()| true),
        }
    };
    match created {
        Err(error) => CanaryEnd::Failed(error),
        Ok(true) => CanaryEnd::Interrupted,
        Ok(false) => {
            // If SIGKILL ends the wait, the user knows the name of what is left.
            let (parameter, seconds) = (&report.parameter, timeout.as_secs());
            let _ = writeln!(anstream::stderr(), "created {parameter}, waiting up to {seconds} s");
            tokio::select! {
                end = wait_for_tags(view, report, (started, queued_before), timeout) => end,
                () = &mut interrupted => CanaryEnd::Interrupted,
            }
        }
    }
}

fn evaluate(end: &CanaryEnd, report: &CanaryReport, timeout: Duration) -> CheckResult {
    let milestone = |one: &Milestone| format!("{} after {:.0} s", one.name, one.seconds);
    let milestones = report.milestones.iter().map(milestone).collect::<Vec<_>>().join(", ");
    let left = if report.removed {
        String::new()
    } else {
        format!("; it still exists: aws ssm delete-parameter --name {}", report.parameter)
    };
    let seen = match end {
        CanaryEnd::Tagged => milestones,
        CanaryEnd::TimedOut => format!("no tags after {} s; seen: {milestones}", timeout.as_secs()),
        CanaryEnd::Interrupted => format!("interrupted; seen: {milestones}"),
        CanaryEnd::Failed(error) => error.to_string(),
    };
    match end {
        CanaryEnd::Tagged if report.removed => Ok(seen),
        CanaryEnd::Failed(error) if report.removed => Err(error.clone().into()),
        CanaryEnd::Interrupted if report.removed => {
            Err(CheckFailure::Unknown(seen, "run the canary again".to_owned()))
        }
        _ => fail(format!("{seen}{left}")),
    }
}

/// The reason why tags could never arrive, if there is one.
fn skip_reason(expected: &Expected) -> Option<CheckFailure> {
    let is_canary = |event: &Event| event.source == EVENT_SOURCE && event.name == EVENT_NAME;
    let seen = if expected.identity_keys.is_empty() {
        "not created: the policy writes no identity tags"
    } else if !expected.creations.iter().any(is_canary) {
        "not created: the policy ignores SSM parameters"
    } else {
        return None;
    };
    let fix = "run the canary without this policy, or create another resource by hand";
    Some(CheckFailure::Unknown(seen.to_owned(), fix.to_owned()))
}

async fn create(view: &DeploymentView, parameter: &str) -> Result<(), QueryError> {
    let input = json!({"Name": parameter, "Type": "String",
        "Value": "created by `autotag doctor --canary`, which removes it at its end"});
    view.aws.json(SSM, "ssm:PutParameter", &view.hub, &input).await.map(drop)
}

async fn wait_for_tags(
    view: &DeploymentView,
    report: &mut CanaryReport,
    (started, queued_before): (Instant, u64),
    timeout: Duration,
) -> CanaryEnd {
    let queue = &view.tag_handler.queue;
    let milestone = |name: &'static str| Milestone { name, seconds: started.elapsed().as_secs_f64() };
    report.milestones.push(milestone("made"));
    let mut queued = false;
    while started.elapsed() < timeout {
        let (tags, messages) = tokio::join!(read_tags(view, &report.parameter), queued_messages(view, queue));
        // Only a receive could tell that it is the canary's message, and would take it from the function.
        if !queued && messages > queued_before {
            queued = true;
            report.milestones.push(milestone("a message more in the queue"));
        }
        match tags {
            Ok(tags) => report.tags = tags,
            Err(error) => return CanaryEnd::Failed(error),
        }
        // One call writes all tags, and a policy may have no value for some keys. So one identity tag is enough.
        if view.expected.identity_keys.iter().any(|key| report.tags.contains_key(key)) {
            report.milestones.push(milestone("tagged"));
            return CanaryEnd::Tagged;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    CanaryEnd::TimedOut
}

/// The approximate number of messages in a queue; 0 if it is not known.
async fn queued_messages(view: &DeploymentView, queue: &Queue) -> u64 {
    let Ok(Some(attributes)) = &queue.attributes else { return 0 };
    let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    let input = json!({"QueueUrl": attributes.url, "AttributeNames": names});
    let answer = view.aws.json(SQS, "sqs:GetQueueAttributes", &queue.region, &input).await;
    let answer = answer.unwrap_or_default();
    let count = |name: &str| {
        let count = answer.pointer(&format!("/Attributes/{name}")).and_then(Value::as_str);
        count.and_then(|count| count.parse::<u64>().ok()).unwrap_or_default()
    };
    names.into_iter().map(count).sum()
}

async fn read_tags(view: &DeploymentView, parameter: &str) -> Result<BTreeMap<String, String>, QueryError> {
    let input = json!({"ResourceType": "Parameter", "ResourceId": parameter});
    // SSM may not find a new parameter for a moment.
    let answer = if_there(view.aws.json(SSM, "ssm:ListTagsForResource", &view.hub, &input).await)?;
    let list = answer.as_ref().and_then(|answer| answer.get("TagList")?.as_array());
    let text = |tag: &Value, name: &str| tag.get(name)?.as_str().map(str::to_owned);
    Ok(list.into_iter().flatten().filter_map(|tag| Some((text(tag, "Key")?, text(tag, "Value")?))).collect())
}

/// Removes the parameter, also if its creation failed: the answer may have been lost. SSM may not find a new parameter for a
/// moment, so "not found" counts only at the last attempt.
async fn remove(view: &DeploymentView, parameter: &str) -> bool {
    let input = json!({"Name": parameter});
    for left in (0..MAX_REMOVE_ATTEMPTS).rev() {
        match view.aws.json(SSM, "ssm:DeleteParameter", &view.hub, &input).await {
            Ok(_) => return true,
            Err(error) if error.is_missing() && left == 0 => return true,
            Err(_) if left > 0 => tokio::time::sleep(POLL_INTERVAL).await,
            Err(_) => {}
        }
    }
    false
}

/// Waits for Ctrl-C, SIGTERM or SIGHUP.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // A terminal that is closed sends SIGHUP.
        if let (Ok(mut terminated), Ok(mut hung_up)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
                _ = hung_up.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        // Signals cannot be received, so none interrupts.
        std::future::pending::<()>().await;
    }
}
