//! The HTTP client for all calls of a program. It limits the size of answers.
//!
//! SDK clients and signed requests keep the whole body of an answer in memory. Without a limit, a server that
//! answers instead of AWS decides how much memory a function needs.

use crate::certificates::has_certificates;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use http_body_util::{LengthLimitError, Limited};
use std::error::Error;

/// The longest body of an answer, in bytes. The longest documented answers are pages of `DescribeInstances` with a thousand
/// instances, and ten messages of a queue; both stay below.
pub const LONGEST_ANSWER: usize = 16 << 20;

/// The code of an answer with a longer body.
pub(crate) const TOO_LONG: &str = "AnswerTooLong";

/// The longest body of the answer to one request, where it is not [`LONGEST_ANSWER`]. An extension of the request.
#[cfg(feature = "trail")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimit(pub(crate) usize);

/// An HTTPS client with the trust roots of the system.
pub(crate) fn https() -> SharedHttpClient {
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    // Without certificates a debug build of the SDK would panic. A release build trusts no server then, as this does.
    let no_roots = || TlsContext::builder().with_trust_store(TrustStore::empty()).build();
    match (cfg!(debug_assertions) && !has_certificates()).then(no_roots) {
        Some(Ok(context)) => builder.tls_context(context).build_https(),
        _ => builder.build_https(),
    }
}

/// `client` with bounded bodies of answers.
pub(crate) fn limited(client: SharedHttpClient) -> SharedHttpClient {
    SharedHttpClient::new(LimitedClient(client))
}

/// True if a call failed because the body of its answer is too long.
pub(crate) fn is_too_long(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[derive(Debug)]
struct LimitedClient(SharedHttpClient);

impl HttpClient for LimitedClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(LimitedConnector(self.0.http_connector(settings, components)))
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_base_client_config(components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

#[derive(Debug)]
struct LimitedConnector(SharedHttpConnector);

impl HttpConnector for LimitedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let limit = limit_of(&request);
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let mut answer = answer.await?;
            let body = Limited::new(answer.take_body(), limit);
            *answer.body_mut() = SdkBody::from_body_1_x(body);
            Ok(answer)
        })
    }
}

fn limit_of(request: &HttpRequest) -> usize {
    #[cfg(feature = "trail")]
    if let Some(BodyLimit(limit)) = request.extension() {
        return *limit;
    }
    let _ = request;
    LONGEST_ANSWER
}
