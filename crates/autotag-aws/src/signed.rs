//! Requests of operations that no SDK crate of ours has. They are signed, sent and retried like those of the SDK, over the
//! same connections.

use crate::CallError;
use crate::too_many_requests::TooManyRequests;
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
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use serde_json::Value;

pub mod calls;

pub use calls::{
    CLOUDTRAIL, DYNAMODB, EVENTS, IDENTITY_STORE, JsonApi, KMS, METRICS, ORGANIZATIONS, SQS, SSM, TAGGING,
    organizations_region,
};

/// The error of a signed request.
pub type SignedError = CallError;

/// One request to an AWS API, before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The service name of the signature.
    pub signing: String,
    /// The region of the signature.
    pub region: Region,
    /// AWS's name of the operation.
    pub operation: String,
    /// The host. An endpoint of the configuration replaces it.
    pub host: String,
    /// The HTTP method.
    pub method: String,
    /// Path and query, percent-encoded.
    pub target: String,
    /// Headers, without those of the signature.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Request {
    /// A request of an API whose operations are paths, with a body in JSON.
    pub fn rest_json(name: &str, operation: &str, region: &Region, path: &str, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { headers, body: body.to_string(), ..Self::new(name, operation, region, "POST", path) }
    }

    /// A request of an API that takes a form and answers in XML. `form` is percent-encoded, without the action.
    pub fn query(name: &str, operation: &str, region: &Region, form: &str) -> Self {
        let form_type = "application/x-www-form-urlencoded; charset=utf-8";
        let headers = vec![("content-type".to_owned(), form_type.to_owned())];
        let body = if form.is_empty() { String::new() } else { format!("&{form}") };
        let body = format!("Action={operation}{body}");
        Self { headers, body, ..Self::new(name, operation, region, "POST", "/") }
    }

    /// A request without headers and body to the service `name` in a region. `target` is path and query, percent-encoded.
    pub fn new(name: &str, operation: &str, region: &Region, method: &str, target: &str) -> Self {
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

/// An error that AWS answered with.
#[derive(Debug)]
struct ServiceError(ErrorMetadata);

impl std::fmt::Display for ServiceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.code().unwrap_or("an error without a code"))
    }
}

impl std::error::Error for ServiceError {}

impl ProvideErrorMetadata for ServiceError {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

/// Sends a request whose answer is JSON. An empty answer is `null`.
///
/// # Errors
/// [`CallError`] if AWS refuses or does not answer, or if the answer is not JSON.
pub async fn send_json(config: &SdkConfig, request: Request) -> Result<Value, CallError> {
    let operation = request.operation.clone();
    let body = send(config, request).await?;
    let value = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&body) };
    value.map_err(|_| CallError::unsent(&operation, "UnreadableAnswer"))
}

/// Sends a request and returns the body of the answer.
///
/// # Errors
/// [`CallError`] if AWS refuses or does not answer.
pub async fn send(config: &SdkConfig, request: Request) -> Result<String, CallError> {
    let name = request.operation.clone();
    let operation = operation(config, &request);
    operation.invoke(request).await.map_err(|error| CallError::of_sdk(&name, &error))
}

fn operation(config: &SdkConfig, request: &Request) -> Operation<Request, String, ServiceError> {
    let endpoint = config.endpoint_url().map_or_else(|| format!("https://{}", request.host), str::to_owned);
    let mut builder = Operation::builder()
        .service_name(request.signing.clone())
        .operation_name(request.operation.clone())
        .endpoint_url(&endpoint)
        .retry_classifier(HttpStatusCodeClassifier::default())
        .retry_classifier(TooManyRequests)
        .retry_classifier(TransientErrorClassifier::<ServiceError>::new())
        .retry_classifier(AwsErrorCodeClassifier::<ServiceError>::new())
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
    if matches!(request.signing.as_str(), "s3" | "s3express") {
        // S3 signs paths unchanged, and requires the checksum of the body.
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

fn answer(response: &HttpResponse) -> Result<String, OrchestratorError<ServiceError>> {
    let text = String::from_utf8_lossy(response.body().bytes().unwrap_or_default()).into_owned();
    if response.status().is_success() {
        return Ok(text);
    }
    let header = response.headers().get("x-amzn-errortype");
    let code = header.map(str::to_owned).or_else(|| code_in(&text));
    let code = code.map_or_else(
        || format!("Http{}", response.status().as_u16()),
        |code| strip_namespace(&code).to_owned(),
    );
    let mut error = ErrorMetadata::builder().code(code);
    if let Some(message) = message_in(&text) {
        error = error.message(message);
    }
    Err(OrchestratorError::operation(ServiceError(error.build())))
}

/// The error message in a body: `message` of JSON, the first `Message` element of XML.
fn message_in(body: &str) -> Option<String> {
    if let Ok(json) = serde_json::from_str::<Value>(body) {
        let message = ["message", "Message"].iter().find_map(|name| json.get(name)?.as_str());
        return message.map(str::to_owned);
    }
    let document = roxmltree::Document::parse(body).ok()?;
    let message = document.descendants().find(|node| node.has_tag_name("Message"));
    message.and_then(|message| message.text()).map(|message| message.trim().to_owned())
}

/// The error code in a body: `__type` or `code` of JSON, the first `Code` element of XML.
fn code_in(body: &str) -> Option<String> {
    if let Ok(json) = serde_json::from_str::<Value>(body) {
        let code = ["__type", "code", "Code"].iter().find_map(|name| json.get(name)?.as_str());
        return code.map(str::to_owned);
    }
    let document = roxmltree::Document::parse(body).ok()?;
    let code = document.descendants().find(|node| node.has_tag_name("Code"));
    code.and_then(|code| code.text()).map(|code| code.trim().to_owned())
}

/// `com.amazonaws.sqs#QueueDoesNotExist:http://...` is `QueueDoesNotExist`.
fn strip_namespace(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_in_every_protocol() {
        let code =
            |body: &str| code_in(body).map(|code| strip_namespace(&code).to_owned()).unwrap_or_default();
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
            strip_namespace("ResourceNotFoundException:http://internal.amazon.com/coral/"),
            "ResourceNotFoundException"
        );
        assert_eq!(code("<html>"), "");
    }

    #[test]
    fn error_messages_in_every_protocol() {
        let message = |body: &str| message_in(body).unwrap_or_default();
        assert_eq!(message(r#"{"__type":"X","message":"no such queue"}"#), "no such queue");
        assert_eq!(message(r#"{"code":"X","Message":"denied"}"#), "denied");
        let xml = "<ErrorResponse><Error><Code>ValidationError</Code><Message> Stack x &lt;y </Message></Error></ErrorResponse>";
        assert_eq!(message(xml), "Stack x <y");
        assert_eq!(message("<html>"), "");
    }
}
