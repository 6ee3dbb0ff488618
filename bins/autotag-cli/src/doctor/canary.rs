//! A test of the whole chain: creates a small resource, waits for its tags, and removes it.

use super::check::{CheckFailure, CheckResult, Finding, fail};
use super::checks::CANARY;
use super::consumer::Queue;
use super::deployment::{DeploymentView, RegionView};
use super::expected::{Event, Expected};
use autotag_aws::query::{AwsQuery, QueryError, if_there};
use autotag_aws::signed::{SQS, SSM};
use autotag_model::arn::Region;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
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
    /// The steps that doctor saw, in order of time.
    #[serde(rename = "hops")]
    pub(crate) milestones: Vec<Milestone>,
    /// The tags that arrived.
    pub(crate) tags: BTreeMap<String, String>,
    /// True if the parameter does not exist any more, or never did.
    pub(crate) removed: bool,
    /// True if a signal ended the wait.
    #[serde(skip)]
    pub(crate) interrupted: bool,
    /// The canaries of the other regions and accounts.
    #[serde(rename = "others", skip_serializing_if = "Vec::is_empty")]
    pub(crate) others: Vec<CanaryReport>,
    /// The region, with the account in front of it if that is another one.
    pub(crate) place: String,
    #[serde(skip)]
    pub(crate) findings: Vec<Finding>,
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

/// The place of a canary.
#[derive(Debug, Clone, Copy)]
struct Site<'s> {
    aws: &'s AwsQuery,
    region: &'s Region,
}

/// Runs a canary in each region of the deployment's account, and with `--sample` of the sampled accounts. The report is that of
/// the hub's region. All parameters are removed at the end, also after a signal or a timeout; only SIGKILL leaves them.
pub(crate) async fn run(view: &DeploymentView, timeout: Duration, sampled: bool) -> CanaryReport {
    let interrupted = interrupted().shared();
    let hub = async {
        let site = Site { aws: &view.aws, region: &view.hub };
        run_one(view, site, view.hub.to_string(), timeout, interrupted.clone()).await
    };
    let elsewhere = |region: &&RegionView| if region.own { region.region != view.hub } else { sampled };
    let others = view.regions.iter().filter(elsewhere).map(|region| {
        let site = Site { aws: &region.aws, region: &region.region };
        run_one(view, site, region.to_string(), timeout, interrupted.clone())
    });
    let (mut report, others) = tokio::join!(hub, join_all(others));
    report.interrupted |= others.iter().any(|other| other.interrupted);
    report.findings.extend(others.iter().flat_map(|other| other.findings.clone()));
    report.others = others;
    report
}

async fn run_one(
    view: &DeploymentView,
    site: Site<'_>,
    place: String,
    timeout: Duration,
    interrupted: impl Future<Output = ()>,
) -> CanaryReport {
    let random = RandomState::new().hash_one(&place);
    let mut report = CanaryReport {
        parameter: format!("{PREFIX}{random:016x}"),
        milestones: Vec::new(),
        tags: BTreeMap::new(),
        removed: false,
        interrupted: false,
        others: Vec::new(),
        place,
        findings: Vec::new(),
    };
    if let Some(reason) = skip_reason(&view.expected) {
        report.removed = true;
        report.findings = vec![CANARY.at(&report.place, Err(reason))];
        return report;
    }
    let end = create_and_wait(view, site, &mut report, (timeout, interrupted)).await;
    report.interrupted = matches!(end, CanaryEnd::Interrupted);
    // A second Ctrl-C does not end the removal.
    report.removed = remove(site, &report.parameter).await;
    let result = evaluate(site, &end, &report, timeout);
    report.findings = vec![CANARY.at(&report.place, result)];
    report
}

async fn create_and_wait(
    view: &DeploymentView,
    site: Site<'_>,
    report: &mut CanaryReport,
    (timeout, interrupted): (Duration, impl Future<Output = ()>),
) -> CanaryEnd {
    let queued_before = queued_messages(view, &view.tag_handler.queue).await;
    let started = Instant::now();
    let mut interrupted = std::pin::pin!(interrupted);
    // A signal does not cancel the creation. Otherwise a request in flight could create the parameter after its removal.
    let created = {
        let mut create = std::pin::pin!(create(site, &report.parameter));
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
            let _ = writeln!(
                anstream::stderr(),
                "created {parameter} in {}, waiting up to {seconds} s",
                report.place
            );
            tokio::select! {
                end = wait_for_tags(view, site, report, (started, queued_before, timeout)) => end,
                () = &mut interrupted => CanaryEnd::Interrupted,
            }
        }
    }
}

fn evaluate(site: Site<'_>, end: &CanaryEnd, report: &CanaryReport, timeout: Duration) -> CheckResult {
    let milestone = |one: &Milestone| format!("{} after {:.0} s", one.name, one.seconds);
    let milestones = report.milestones.iter().map(milestone).collect::<Vec<_>>().join(", ");
    let left = if report.removed {
        String::new()
    } else {
        format!(
            "; it still exists: aws ssm delete-parameter --name {} --region {}",
            report.parameter, site.region
        )
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

async fn create(site: Site<'_>, parameter: &str) -> Result<(), QueryError> {
    let input = json!({"Name": parameter, "Type": "String",
        "Value": "created by `autotag doctor --canary`, which removes it at its end"});
    site.aws.json(SSM, "ssm:PutParameter", site.region, &input).await.map(drop)
}

async fn wait_for_tags(
    view: &DeploymentView,
    site: Site<'_>,
    report: &mut CanaryReport,
    (started, queued_before, timeout): (Instant, u64, Duration),
) -> CanaryEnd {
    let queue = &view.tag_handler.queue;
    let milestone = |name: &'static str| Milestone { name, seconds: started.elapsed().as_secs_f64() };
    report.milestones.push(milestone("made"));
    let mut queued = false;
    while started.elapsed() < timeout {
        let (tags, messages) = tokio::join!(read_tags(site, &report.parameter), queued_messages(view, queue));
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

async fn read_tags(site: Site<'_>, parameter: &str) -> Result<BTreeMap<String, String>, QueryError> {
    let input = json!({"ResourceType": "Parameter", "ResourceId": parameter});
    // SSM may not find a new parameter for a moment.
    let answer = if_there(site.aws.json(SSM, "ssm:ListTagsForResource", site.region, &input).await)?;
    let list = answer.as_ref().and_then(|answer| answer.get("TagList")?.as_array());
    let text = |tag: &Value, name: &str| tag.get(name)?.as_str().map(str::to_owned);
    Ok(list.into_iter().flatten().filter_map(|tag| Some((text(tag, "Key")?, text(tag, "Value")?))).collect())
}

/// Removes the parameter, also if its creation failed: the answer may have been lost. SSM may not find a new parameter for a
/// moment, so "not found" counts only at the last attempt.
async fn remove(site: Site<'_>, parameter: &str) -> bool {
    let input = json!({"Name": parameter});
    for left in (0..MAX_REMOVE_ATTEMPTS).rev() {
        match site.aws.json(SSM, "ssm:DeleteParameter", site.region, &input).await {
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
