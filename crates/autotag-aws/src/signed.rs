//! Requests that no SDK crate writes: signed, sent and retried like the SDK's own, over the same connections.

use autotag_model::arn::{Partition, Region};
use aws_config::SdkConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{AuthSchemeOptionResolverParams, SharedAuthSchemeOptionResolver};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use serde_json::Value;

/// One request to an AWS API, before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The name under which it is signed.
    pub signing: String,
    /// The region for which it is signed.
    pub region: Region,
    /// AWS's name of the operation.
    pub operation: String,
    /// The host; an endpoint of the configuration counts before it.
    pub host: String,
    /// The HTTP method.
    pub method: String,
    /// Path and query, percent-encoded.
    pub target: String,
    /// Headers besides those of signing.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// A request that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} answered {code}")]
pub struct SignedError {
    /// The operation.
    pub operation: String,
    /// AWS's error code, or what kept it from being asked (`Timeout`, `NoConnection`, ...).
    pub code: String,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
}

impl SignedError {
    /// A call that was not sent, and why.
    pub fn unsent(operation: &str, why: &str) -> Self {
        Self { operation: operation.to_owned(), code: why.to_owned(), status: None }
    }
}

/// An API that speaks JSON, with the operation in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonApi {
    /// The name of the host, and the one under which requests are signed.
    name: &'static str,
    /// What stands before the operation.
    target: &'static str,
    /// `1.0` or `1.1`.
    version: &'static str,
}

/// AWS Organizations.
pub const ORGANIZATIONS: JsonApi =
    JsonApi { name: "organizations", target: "AWSOrganizationsV20161128", version: "1.1" };

/// The Resource Groups Tagging API.
pub const TAGGING: JsonApi =
    JsonApi { name: "tagging", target: "ResourceGroupsTaggingAPI_20170126", version: "1.1" };

/// Amazon DynamoDB.
pub const DYNAMODB: JsonApi = JsonApi { name: "dynamodb", target: "DynamoDB_20120810", version: "1.0" };

/// The identity store of IAM Identity Center.
pub const IDENTITY_STORE: JsonApi =
    JsonApi { name: "identitystore", target: "AWSIdentityStore", version: "1.1" };

/// Amazon SQS.
pub const SQS: JsonApi = JsonApi { name: "sqs", target: "AmazonSQS", version: "1.0" };

/// AWS Systems Manager.
pub const SSM: JsonApi = JsonApi { name: "ssm", target: "AmazonSSM", version: "1.1" };

/// AWS CloudTrail.
pub const CLOUDTRAIL: JsonApi = JsonApi {
    name: "cloudtrail",
    target: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
    version: "1.1",
};

/// Amazon EventBridge.
pub const EVENTS: JsonApi = JsonApi { name: "events", target: "AWSEvents", version: "1.1" };

/// Metrics, of Amazon `CloudWatch`.
pub const METRICS: JsonApi =
    JsonApi { name: "monitoring", target: "GraniteServiceVersion20100801", version: "1.0" };

/// AWS Key Management Service.
pub const KMS: JsonApi = JsonApi { name: "kms", target: "TrentService", version: "1.1" };

/// Where AWS Organizations and the Account API of the partition of `region` are called. In China that is not the region of
/// its other global services.
pub fn organizations_region(region: &Region) -> Region {
    let partition = Partition::of_region(region).unwrap_or_default();
    let china = || Region::new("cn-northwest-1").filter(|_| partition.as_str() == "aws-cn");
    china().or_else(|| partition.global_region()).unwrap_or_else(|| region.clone())
}

impl Request {
    /// A request of an API that speaks JSON, in a region.
    pub fn json(api: JsonApi, operation: &str, region: &Region, body: &Value) -> Self {
        let headers = vec![
            ("content-type".to_owned(), format!("application/x-amz-json-{}", api.version)),
            ("x-amz-target".to_owned(), format!("{}.{operation}", api.target)),
        ];
        Self { headers, body: body.to_string(), ..Self::to(api.name, operation, region, "POST", "/") }
    }

    /// A request of an API that has its operations in paths, and a body of JSON.
    pub fn rest_json(name: &str, operation: &str, region: &Region, path: &str, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { headers, body: body.to_string(), ..Self::to(name, operation, region, "POST", path) }
    }

    /// A request of an API that takes a form and answers in XML. `form` is percent-encoded.
    pub fn query(name: &str, operation: &str, region: &Region, form: &str) -> Self {
        let form_type = "application/x-www-form-urlencoded; charset=utf-8";
        let headers = vec![("content-type".to_owned(), form_type.to_owned())];
        let body = if form.is_empty() { String::new() } else { format!("&{form}") };
        let body = format!("Action={operation}{body}");
        Self { headers, body, ..Self::to(name, operation, region, "POST", "/") }
    }

    /// A request without headers and body, to the service `name` in a region. `target` is percent-encoded.
    pub fn to(name: &str, operation: &str, region: &Region, method: &str, target: &str) -> Self {
        let partition = Partition::of_region(region).unwrap_or_default();
        let suffix = partition.info().map_or("amazonaws.com", |info| info.dns_suffix);
        Self {
            signing: name.to_owned(),
            region: region.clone(),
            operation: operation.to_owned(),
            host: format!("{name}.{region}.{suffix}"),
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: String::new(),
        }
    }
}

/// What AWS said instead of doing it.
#[derive(Debug)]
struct Refusal(ErrorMetadata);

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.code().unwrap_or("an error without a code"))
    }
}

impl std::error::Error for Refusal {}

impl ProvideErrorMetadata for Refusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

/// Sends a request whose answer is JSON.
///
/// # Errors
/// [`SignedError`] when AWS refuses or does not answer.
pub async fn send_json(config: &SdkConfig, request: Request) -> Result<Value, SignedError> {
    let operation = request.operation.clone();
    let body = send(config, request).await?;
    let value = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&body) };
    value.map_err(|_| SignedError { operation, code: "UnreadableAnswer".to_owned(), status: None })
}

/// Sends a request; the answer's body.
///
/// # Errors
/// [`SignedError`] when AWS refuses or does not answer.
pub async fn send(config: &SdkConfig, request: Request) -> Result<String, SignedError> {
    let name = request.operation.clone();
    let operation = operation(config, &request);
    operation.invoke(request).await.map_err(|error| SignedError {
        operation: name,
        code: error
            .as_service_error()
            .and_then(|refusal| refusal.code())
            .unwrap_or(unsent(&error))
            .to_owned(),
        status: error.raw_response().map(|response| response.status().as_u16()),
    })
}

fn operation(config: &SdkConfig, request: &Request) -> Operation<Request, String, Refusal> {
    let endpoint = config.endpoint_url().map_or_else(|| format!("https://{}", request.host), str::to_owned);
    let mut builder = Operation::builder()
        .service_name(request.signing.clone())
        .operation_name(request.operation.clone())
        .endpoint_url(&endpoint)
        .retry_classifier(HttpStatusCodeClassifier::default())
        .retry_classifier(TransientErrorClassifier::<Refusal>::new())
        .retry_classifier(AwsErrorCodeClassifier::<Refusal>::new())
        .with_connection_poisoning()
        .runtime_plugin(signing(config, request));
    if let Some(client) = config.http_client() {
        builder = builder.http_client(client);
    }
    if let Some(sleep) = config.sleep_impl() {
        builder = builder.sleep_impl(sleep);
    }
    if let Some(time) = config.time_source() {
        builder = builder.time_source(time);
    }
    if let Some(retries) = config.retry_config() {
        builder = builder.standard_retry(retries);
    }
    if let Some(timeouts) = config.timeout_config() {
        builder = builder.timeout_config(timeouts.clone());
    }
    builder.serializer(http_request).deserializer(answer).build()
}

fn signing(config: &SdkConfig, request: &Request) -> StaticRuntimePlugin {
    let mut layer = Layer::new("signing");
    let region = aws_types::region::Region::new(request.region.as_str().to_owned());
    let mut options = SigningOptions::default();
    if request.signing == "s3" {
        // S3 signs paths as they are, and wants the body's checksum.
        options.double_uri_encode = false;
        options.normalize_uri_path = false;
        options.content_sha256_header = true;
    }
    layer.store_put(SigV4OperationSigningConfig {
        region: Some(SigningRegion::from(region.clone())),
        name: Some(SigningName::from(request.signing.clone())),
        signing_options: options,
        ..SigV4OperationSigningConfig::default()
    });
    layer.store_put(crate::retries("signed"));
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    let resolver = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let mut components = RuntimeComponentsBuilder::new("signing")
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(resolver)));
    if let Some(cache) = config.identity_cache() {
        components.set_identity_cache(Some(cache));
    }
    if let Some(credentials) = config.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, credentials);
    }
    StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(components)
}

fn http_request(request: Request) -> Result<HttpRequest, BoxError> {
    let mut http = HttpRequest::new(SdkBody::from(request.body));
    http.set_method(&request.method)?;
    http.set_uri(request.target)?;
    for (name, value) in request.headers {
        http.headers_mut().try_insert(name, value)?;
    }
    Ok(http)
}

fn answer(response: &HttpResponse) -> Result<String, OrchestratorError<Refusal>> {
    let text = String::from_utf8_lossy(response.body().bytes().unwrap_or_default()).into_owned();
    if response.status().is_success() {
        return Ok(text);
    }
    let header = response.headers().get("x-amzn-errortype");
    let code = header.map(str::to_owned).or_else(|| code_in(&text));
    let code =
        code.map_or_else(|| format!("Http{}", response.status().as_u16()), |code| bare(&code).to_owned());
    Err(OrchestratorError::operation(Refusal(ErrorMetadata::builder().code(code).build())))
}

/// The error code in a body: JSON's `__type` or `code`, XML's first `<Code>`.
fn code_in(body: &str) -> Option<String> {
    if let Ok(json) = serde_json::from_str::<Value>(body) {
        let code = ["__type", "code", "Code"].iter().find_map(|name| json.get(name)?.as_str());
        return code.map(str::to_owned);
    }
    let (_, rest) = body.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code.trim().to_owned())
}

/// `com.amazonaws.sqs#QueueDoesNotExist:http://...` is `QueueDoesNotExist`.
fn bare(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code)
}

/// What kept a call from being answered with an error of the service's.
pub fn unsent<E, R>(error: &SdkError<E, R>) -> &'static str {
    match error {
        SdkError::TimeoutError(_) => "Timeout",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "Timeout",
        SdkError::DispatchFailure(_) => "NoConnection",
        SdkError::ResponseError(_) => "UnreadableAnswer",
        SdkError::ConstructionFailure(_) => "NotSent",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_in_every_protocol() {
        let code = |body: &str| code_in(body).map(|code| bare(&code).to_owned()).unwrap_or_default();
        assert_eq!(
            code(r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"x"}"#),
            "QueueDoesNotExist"
        );
        assert_eq!(code(r#"{"code":"ValidationException"}"#), "ValidationException");
        assert_eq!(
            code("<Response><Errors><Error><Code>NoSuchEntity</Code></Error></Errors></Response>"),
            "NoSuchEntity"
        );
        assert_eq!(
            bare("ResourceNotFoundException:http://internal.amazon.com/coral/"),
            "ResourceNotFoundException"
        );
        assert_eq!(code("<html>"), "");
    }
}
