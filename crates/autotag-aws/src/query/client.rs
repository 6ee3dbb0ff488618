//! Sends the requests.

use super::error::{QueryError, operation};
use super::xml;
#[cfg(feature = "organizations")]
use crate::organizations::{self, OrganizationAccount};
use crate::paginate::paginate;
use crate::signed::{self, JsonApi, METRICS, Request, SignedError, calls};
use autotag_model::arn::{Partition, Region};
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The maximum number of concurrent requests. AWS's rate limits for such calls are low.
const MAX_CONCURRENCY: usize = 8;

/// Sends requests to AWS with one set of credentials. Clones share the limit of concurrent requests.
#[derive(Debug, Clone)]
pub struct AwsQuery {
    config: SdkConfig,
    permits: Arc<Semaphore>,
}

/// Everything but the unreserved characters of RFC 3986. The signature is computed over the encoded text.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A value of a form or a path, percent-encoded.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The items and the next token of a page in JSON.
fn page(mut answer: Value, items: &str, next: &str) -> (Vec<Value>, Option<String>) {
    let list = match answer.get_mut(items).map(Value::take) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    (list, answer.get(next).and_then(Value::as_str).map(str::to_owned))
}

impl AwsQuery {
    /// With these credentials, region and endpoint.
    pub fn new(config: SdkConfig) -> Self {
        Self { config, permits: Arc::new(Semaphore::new(MAX_CONCURRENCY)) }
    }

    /// The same with other credentials.
    #[must_use]
    pub fn with(&self, config: SdkConfig) -> Self {
        Self { config, permits: Arc::clone(&self.permits) }
    }

    /// The configuration with the credentials.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    pub(super) async fn send(&self, action: &str, request: Request) -> Result<String, QueryError> {
        // `acquire` fails only if the semaphore is closed, and nothing closes it.
        let _permit = self.permits.acquire().await.ok();
        signed::send(&self.config, request).await.map_err(|error| QueryError::new(action, error))
    }

    async fn send_json(&self, action: &str, request: Request) -> Result<Value, QueryError> {
        let body = self.send(action, request).await?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&body).map_err(|_| QueryError::unreadable(action))
    }

    /// Calls an API that speaks JSON. `action` is in the words of IAM: `events:ListRules`.
    ///
    /// # Errors
    /// [`QueryError`]: AWS did not answer, or the answer cannot be parsed.
    pub async fn json(
        &self,
        api: JsonApi,
        action: &str,
        region: &Region,
        input: &Value,
    ) -> Result<Value, QueryError> {
        self.send_json(action, Request::json(api, operation(action), region, input)).await
    }

    /// All items of a list of an API that speaks JSON. `items` is the key of the list; `token` is the key of the page token, in
    /// the request and in the answer.
    ///
    /// # Errors
    /// [`QueryError`]: AWS did not answer, or the answer cannot be parsed.
    pub async fn list(
        &self,
        api: JsonApi,
        action: &str,
        region: &Region,
        input: &Value,
        (items, token): (&str, &str),
    ) -> Result<Vec<Value>, QueryError> {
        paginate::<_, QueryError>(action, async |next| {
            let mut input = input.clone();
            if let (Some(next), Some(input)) = (next, input.as_object_mut()) {
                input.insert(token.to_owned(), Value::String(next));
            }
            Ok(page(self.json(api, action, region, &input).await?, items, token))
        })
        .await
    }

    /// The accounts of the organization.
    ///
    /// # Errors
    /// [`QueryError`]: AWS did not answer, or the answer cannot be parsed.
    #[cfg(feature = "organizations")]
    pub async fn organization_accounts(&self) -> Result<Vec<OrganizationAccount>, QueryError> {
        let client = organizations::client(&self.config);
        let accounts = organizations::list_accounts(&client).await;
        accounts.map_err(|error| QueryError::new("organizations:ListAccounts", error))
    }

    /// A GET request to Lambda. `target` is path and query, percent-encoded.
    ///
    /// # Errors
    /// [`QueryError`]: AWS did not answer, or the answer cannot be parsed.
    pub async fn lambda(&self, action: &str, region: &Region, target: &str) -> Result<Value, QueryError> {
        self.send_json(action, calls::lambda(operation(action), region, target)).await
    }

    /// All items of a list of Lambda. `target` has a query; `items` is the key of the list.
    ///
    /// # Errors
    /// [`QueryError`]: AWS did not answer, or the answer cannot be parsed.
    pub async fn lambda_list(
        &self,
        action: &str,
        region: &Region,
        target: &str,
        items: &str,
    ) -> Result<Vec<Value>, QueryError> {
        paginate::<_, QueryError>(action, async |marker| {
            let marker =
                marker.map(|marker: String| format!("&Marker={}", encoded(&marker))).unwrap_or_default();
            let answer = self.lambda(action, region, &format!("{target}{marker}")).await?;
            Ok(page(answer, items, "NextMarker"))
        })
        .await
    }

    /// Calls IAM, which answers in XML. `form` is percent-encoded.
    ///
    /// # Errors
    /// [`QueryError`]: AWS did not answer, or the answer cannot be parsed.
    pub async fn iam(&self, action: &str, partition: &Partition, form: &str) -> Result<String, QueryError> {
        let no_region = || QueryError::new(action, SignedError::unsent(operation(action), "NoRegion"));
        self.send(action, calls::iam(operation(action), partition, form).ok_or_else(no_region)?).await
    }

    /// Calls STS, which answers in XML.
    ///
    /// # Errors
    /// [`QueryError`]: AWS did not answer, or the answer cannot be parsed.
    pub async fn sts(&self, action: &str, region: &Region) -> Result<String, QueryError> {
        self.send(action, calls::sts(operation(action), region)).await
    }

    /// Calls `CloudFormation` about a stack. It answers in XML.
    ///
    /// # Errors
    /// [`QueryError`]: AWS did not answer, or the answer cannot be parsed.
    pub async fn stack(&self, action: &str, region: &Region, name: &str) -> Result<String, QueryError> {
        self.send(action, calls::stack(operation(action), region, &encoded(name))).await
    }

    /// Calls `CloudFormation` with a form, percent-encoded and without the version. It answers in XML.
    ///
    /// # Errors
    /// [`QueryError`]: AWS did not answer, or the answer cannot be parsed.
    pub async fn formation(&self, action: &str, region: &Region, form: &str) -> Result<String, QueryError> {
        self.send(action, calls::formation(operation(action), region, form)).await
    }

    /// The regions that the account has enabled, by `ec2:DescribeRegions`.
    ///
    /// # Errors
    /// [`QueryError`]: AWS did not answer, or the answer cannot be parsed.
    pub async fn enabled_regions(&self, region: &Region) -> Result<Vec<Region>, QueryError> {
        let action = "ec2:DescribeRegions";
        let answer = self.send(action, calls::enabled_regions(region)).await?;
        let document = xml::parse(action, &answer)?;
        let names = document.descendants().filter(|node| node.has_tag_name("regionName"));
        let mut regions: Vec<Region> = names.filter_map(|name| Region::new(xml::text(name))).collect();
        regions.sort();
        regions.dedup();
        if regions.is_empty() { Err(QueryError::unreadable(action)) } else { Ok(regions) }
    }

    /// Why no call can be signed, if the credentials cannot be loaded: the SDK's reasons, from the outermost to the innermost.
    pub async fn missing_credentials(&self) -> Option<String> {
        let Some(provider) = self.config.credentials_provider() else {
            return Some("no provider of credentials is configured".to_owned());
        };
        let error = provider.provide_credentials().await.err()?;
        let reasons = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let mut reasons: Vec<String> = reasons.map(|error| error.to_string().replace('\n', " ")).collect();
        reasons.dedup();
        Some(reasons.join(": ").chars().take(crate::LONGEST_MESSAGE).collect())
    }

    /// The confirmed and unconfirmed subscriptions of an SNS topic. The answer is XML.
    ///
    /// # Errors
    /// [`QueryError`]: AWS did not answer, or the answer cannot be parsed.
    pub async fn subscriptions(&self, region: &Region, topic: &str) -> Result<String, QueryError> {
        self.send("sns:ListSubscriptionsByTopic", calls::subscriptions(region, &encoded(topic))).await
    }

    /// A metric over the last `seconds`: one value for each minute with data, in no order.
    ///
    /// # Errors
    /// [`QueryError`]: AWS did not answer, or the answer cannot be parsed.
    pub async fn metric(
        &self,
        region: &Region,
        (namespace, name, statistic): (&str, &str, &str),
        dimension: (&str, &str),
        seconds: u64,
    ) -> Result<Vec<f64>, QueryError> {
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

    /// The time of the SDK's clock, in seconds since 1970.
    pub fn now(&self) -> u64 {
        let now = self.config.time_source().unwrap_or_default().now();
        now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_repeated_page_token_is_an_error() {
        let fetch = async |_: Option<String>| Ok((vec![1], Some("again".to_owned())));
        let error = paginate::<_, QueryError>("x:List", fetch).await.unwrap_err();
        assert_eq!(error.to_string(), "x:List answered PagingDoesNotEnd");
    }
}
