//! Questions to AWS: signed requests, so many at once, and a reason where there is no answer.

use autotag_aws::signed::{self, JsonApi, METRICS, Request, SignedError};
use autotag_model::arn::{Partition, Region};
use autotag_model::failure::{self, ErrorClass};
use aws_config::SdkConfig;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many questions are on their way at once: AWS's own limits for such calls are low.
const AT_ONCE: usize = 8;

/// How many pages are read at most, in which accounts come by twenty at most; more would be a mistake of somebody's.
const PAGES: usize = 1_000;

/// Asks AWS with somebody's credentials.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    config: SdkConfig,
    turns: Arc<Semaphore>,
}

/// AWS has not said what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoAnswer {
    /// What was asked, as permissions name it: `events:ListRules`.
    pub(crate) action: String,
    /// AWS's error code.
    pub(crate) code: String,
    pub(crate) class: ErrorClass,
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} answered {}", self.action, self.code)
    }
}

impl NoAnswer {
    fn of(action: &str, error: SignedError) -> Self {
        let class = failure::class(&error.code, error.status);
        Self { action: action.to_owned(), code: error.code, class }
    }

    /// An answer that does not say what was asked.
    pub(crate) fn unreadable(action: &str) -> Self {
        Self::of(action, SignedError::unsent(operation(action), "UnreadableAnswer"))
    }

    /// Pages that lead to earlier ones, or to too many: what was read is not all.
    pub(crate) fn without_end(action: &str) -> Self {
        Self::of(action, SignedError::unsent(operation(action), "PagingDoesNotEnd"))
    }

    /// Whether there is no such thing.
    pub(crate) fn is_missing(&self) -> bool {
        self.class == ErrorClass::NotFound
    }

    /// What would help.
    pub(crate) fn remedy(&self) -> String {
        match self.class {
            ErrorClass::Denied => format!("allow `{}` to whoever runs doctor", self.action),
            ErrorClass::Throttled | ErrorClass::Transport => "run doctor again".to_owned(),
            _ => format!("see what `{}` has against it", self.action),
        }
    }
}

/// `None` where there is no such thing.
pub(crate) fn if_there<T>(answer: Result<T, NoAnswer>) -> Result<Option<T>, NoAnswer> {
    match answer {
        Ok(there) => Ok(Some(there)),
        Err(none) if none.is_missing() => Ok(None),
        Err(none) => Err(none),
    }
}

/// The operation of `events:ListRules` is `ListRules`.
fn operation(action: &str) -> &str {
    action.split_once(':').map_or(action, |(_, operation)| operation)
}

/// What is written as it is, in paths and forms; signatures count on it.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One field of a form, or of a path.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

impl Ask {
    pub(crate) fn new(config: SdkConfig) -> Self {
        Self { config, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The same with other credentials.
    pub(crate) fn with(&self, config: SdkConfig) -> Self {
        Self { config, turns: Arc::clone(&self.turns) }
    }

    /// Whose credentials these are.
    pub(crate) fn config(&self) -> &SdkConfig {
        &self.config
    }

    async fn send(&self, action: &str, request: Request) -> Result<String, NoAnswer> {
        // The semaphore is never closed; without a turn the question is asked all the same.
        let _turn = self.turns.acquire().await.ok();
        signed::send(&self.config, request).await.map_err(|error| NoAnswer::of(action, error))
    }

    fn read(action: &str, body: &str) -> Result<Value, NoAnswer> {
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(body).map_err(|_| NoAnswer::unreadable(action))
    }

    /// An API that speaks JSON. `action` is what permissions call it.
    pub(crate) async fn json(
        &self,
        api: JsonApi,
        action: &str,
        region: &Region,
        input: &Value,
    ) -> Result<Value, NoAnswer> {
        let request = Request::json(api, operation(action), region, input);
        Self::read(action, &self.send(action, request).await?)
    }

    /// All items of a list that comes in pages: `items` names the list, `token` is the token's name in both directions.
    pub(crate) async fn list(
        &self,
        api: JsonApi,
        action: &str,
        region: &Region,
        input: &Value,
        (items, token): (&str, &str),
    ) -> Result<Vec<Value>, NoAnswer> {
        let (mut all, mut input, mut seen) = (Vec::new(), input.clone(), BTreeSet::new());
        for _ in 0..PAGES {
            let mut page = self.json(api, action, region, &input).await?;
            if let Some(Value::Array(list)) = page.get_mut(items).map(Value::take) {
                all.extend(list);
            }
            let next = page.get(token).and_then(Value::as_str).filter(|next| !next.is_empty());
            let Some(next) = next else { return Ok(all) };
            if !seen.insert(next.to_owned()) {
                break;
            }
            if let Some(input) = input.as_object_mut() {
                input.insert(token.to_owned(), next.into());
            }
        }
        Err(NoAnswer::without_end(action))
    }

    /// A GET of Lambda's. `target` is percent-encoded.
    pub(crate) async fn lambda(
        &self,
        action: &str,
        region: &Region,
        target: &str,
    ) -> Result<Value, NoAnswer> {
        let request = Request::new("lambda", operation(action), region, "GET", target);
        Self::read(action, &self.send(action, request).await?)
    }

    /// IAM, which answers in XML. `form` is percent-encoded.
    pub(crate) async fn iam(
        &self,
        action: &str,
        partition: &Partition,
        form: &str,
    ) -> Result<String, NoAnswer> {
        let Some(region) = partition.global_region() else {
            return Err(NoAnswer::of(action, SignedError::unsent(operation(action), "NoRegion")));
        };
        let form = format!("Version=2010-05-08&{form}");
        let mut request = Request::query("iam", operation(action), &region, &form);
        request.host = iam_host(partition, &region);
        self.send(action, request).await
    }

    /// STS, which answers in XML.
    pub(crate) async fn sts(&self, action: &str, region: &Region) -> Result<String, NoAnswer> {
        let request = Request::query("sts", operation(action), region, "Version=2011-06-15");
        self.send(action, request).await
    }

    /// What `CloudFormation` says of a stack, in XML.
    pub(crate) async fn stack(&self, action: &str, region: &Region, name: &str) -> Result<String, NoAnswer> {
        let form = format!("Version=2010-05-15&StackName={}", encoded(name));
        self.send(action, Request::query("cloudformation", operation(action), region, &form)).await
    }

    /// A metric over the last seconds: the statistic of each minute that has one.
    pub(crate) async fn metric(
        &self,
        region: &Region,
        (namespace, name, statistic): (&str, &str, &str),
        dimension: (&str, &str),
        seconds: u64,
    ) -> Result<Vec<f64>, NoAnswer> {
        let now = self.now();
        let input = json!({
            "Namespace": namespace, "MetricName": name, "Statistics": [statistic],
            "Dimensions": [{"Name": dimension.0, "Value": dimension.1}],
            "StartTime": now.saturating_sub(seconds), "EndTime": now, "Period": 60,
        });
        let answer = self.json(METRICS, "cloudwatch:GetMetricStatistics", region, &input).await?;
        let points = answer.get("Datapoints").and_then(Value::as_array).into_iter().flatten();
        Ok(points.filter_map(|point| point.get(statistic)?.as_f64()).collect())
    }

    /// The clock of the SDK, in seconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        let now = self.config.time_source().unwrap_or_default().now();
        now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

/// IAM has one endpoint a partition.
fn iam_host(partition: &Partition, region: &Region) -> String {
    let suffix = partition.info().map_or("amazonaws.com", |info| info.dns_suffix);
    match partition.as_str() {
        "aws" => format!("iam.{suffix}"),
        "aws-us-gov" => format!("iam.us-gov.{suffix}"),
        _ => format!("iam.{region}.{suffix}"),
    }
}

/// The text of the first element of this name.
pub(crate) fn between<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim())
}
