//! Calls to the emulated AWS.

use crate::names::global_region;
use autotag_aws::signed::{self, JsonApi, Request};
use autotag_aws::{Accounts, Settings};
use autotag_model::arn::Region;
use aws_config::SdkConfig;
use serde_json::{Value, json};

pub fn region(name: &str) -> Region {
    Region::new(name).unwrap()
}

/// Calls AWS with the credentials of one account.
#[derive(Debug, Clone)]
pub struct AwsClient {
    pub config: SdkConfig,
}

impl AwsClient {
    /// The region of its deployment's hub.
    pub fn home(&self) -> &str {
        self.config.region().unwrap().as_ref()
    }

    pub async fn json(&self, api: JsonApi, operation: &str, at: &str, input: Value) -> Value {
        let request = Request::json(api, operation, &region(at), &input);
        signed::send_json(&self.config, request).await.unwrap_or_else(|error| panic!("{error}: {input}"))
    }

    pub async fn form(&self, service: &str, operation: &str, fields: &[(&str, &str)]) -> String {
        let encoded = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let at = region(global_region(self.home()));
        let request = Request::query(service, operation, &at, &fields.join("&"));
        signed::send(&self.config, request).await.unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn iam(&self, operation: &str, fields: &[(&str, &str)]) -> String {
        let fields: Vec<(&str, &str)> = [("Version", "2010-05-08")].iter().chain(fields).copied().collect();
        self.form("iam", operation, &fields).await
    }

    pub async fn lambda(&self, method: &str, path: &str, body: Value) -> Value {
        let path = format!("/2015-03-31/functions{path}");
        let mut request = Request::rest_json("lambda", "Lambda", &region(self.home()), &path, &body);
        request.method = method.to_owned();
        if method == "GET" || method == "DELETE" {
            request.body = String::new();
        }
        signed::send_json(&self.config, request)
            .await
            .unwrap_or_else(|error| panic!("{error}: {method} {path}"))
    }

    pub async fn role(&self, name: &str, trusted: &Value, statements: Value) {
        let trust = json!({"Version": "2012-10-17", "Statement": [trusted]}).to_string();
        self.iam("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", &trust)]).await;
        self.allow(name, statements).await;
    }

    pub async fn allow(&self, role: &str, statements: Value) {
        let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let fields = [("RoleName", role), ("PolicyName", "needed"), ("PolicyDocument", &policy)];
        self.iam("PutRolePolicy", &fields).await;
    }
}

/// Credentials and endpoint of the emulator.
pub async fn config(url: &str, home: &'static str) -> SdkConfig {
    let loaded = Accounts::connect(Settings::default()).await;
    let credentials = aws_credential_types::Credentials::new("testing", "testing", None, None, "test");
    SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new(home))
        .endpoint_url(url)
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
        .http_client(loaded.ambient().http_client().unwrap())
        .sleep_impl(loaded.ambient().sleep_impl().unwrap())
        .identity_cache(loaded.ambient().identity_cache().unwrap())
        .time_source(loaded.ambient().time_source().unwrap())
        .build()
}
