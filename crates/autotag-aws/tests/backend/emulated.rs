//! The emulated AWS of these tests: moto, a proxy in front of it that counts calls and makes faults, and the backend over both.

use autotag_aws::backend::AwsBackend;
use autotag_aws::signed::{self, Request};
use autotag_aws::{Accounts, Settings};
use autotag_handlers::backend::{TagWrite, TaggableResource, Tags};
use autotag_handlers::catalog::Catalog;
use autotag_handlers::error::{BackendError, ErrorClass};
use autotag_model::arn::{AccountId, Partition, Region};
use autotag_model::rule::{Resource, Rule, Scope};
use autotag_model::tags::{TagConstraints, TagKey, TagSet, TagValue};
use autotag_testkit::{Call, Emulator, Proxy};
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_s3::config::Credentials;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Moto's account.
pub(crate) const HERE: &str = "123456789012";

/// Tests that run at the same time share an emulator, which takes a second to start; it ends with the last of them.
/// They share no names.
static EMULATOR: Mutex<Weak<Emulator>> = Mutex::new(Weak::new());

fn emulator() -> Arc<Emulator> {
    let mut shared = EMULATOR.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let started = Emulator::start(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
        let started = Arc::new(started);
        *shared = Arc::downgrade(&started);
        started
    })
}

pub(crate) struct Aws {
    pub(crate) proxy: Proxy,
    /// Past the proxy, for what the test itself makes and looks at.
    pub(crate) direct: SdkConfig,
    config: SdkConfig,
    /// Dropped last.
    _emulator: Arc<Emulator>,
}

impl Aws {
    /// With moto behind the proxy.
    pub(crate) async fn new() -> Self {
        let emulator = emulator();
        let proxy = Proxy::start(&emulator.url()).unwrap().with_our_routes();
        proxy.keep_bodies();
        let (config, direct) = (config(&proxy.url()).await, config(&emulator.url()).await);
        Self { proxy, direct, config, _emulator: emulator }
    }

    pub(crate) fn backend(&self) -> AwsBackend {
        AwsBackend::new(Arc::new(Accounts::new(self.config.clone(), Settings::default())))
    }

    /// The calls of one operation so far, in the order they came.
    pub(crate) fn calls(&self, service: &str, operation: &str) -> Vec<Call> {
        let calls = self.proxy.calls().into_iter();
        calls.filter(|call| call.service == service && call.operation == operation).collect()
    }

    /// The answer of moto to a call in JSON, past the proxy.
    pub(crate) async fn ask(&self, service: &str, target: &str, operation: &str, body: &Value) -> Value {
        let target = format!("{target}.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", &target)];
        let said = self.told(request(service, "POST", "/", &headers, &body.to_string())).await;
        if said.is_empty() { Value::Null } else { said.parse().unwrap() }
    }

    /// The answer of moto to a call over paths in XML, past the proxy.
    pub(crate) async fn xml(&self, service: &str, method: &str, path: &str, body: &str) -> String {
        self.told(request(service, method, path, &[], body)).await
    }

    /// The answer of moto to a call that is a form, past the proxy.
    pub(crate) async fn form(&self, service: &str, version: &str, form: &str) -> String {
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let body = format!("Version={version}&Action={form}");
        self.told(request(service, "POST", "/", &headers, &body)).await
    }

    async fn told(&self, request: Request) -> String {
        signed::send(&self.direct, request).await.unwrap()
    }
}

fn request(signing: &str, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Request {
    Request {
        signing: signing.to_owned(),
        region: region(),
        operation: method.to_owned(),
        host: String::new(),
        method: method.to_owned(),
        target: target.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.to_owned(),
    }
}

pub(crate) async fn config(url: &str) -> SdkConfig {
    let retries = RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(1));
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(aws_config::Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("testing", "testing", None, None, "tests"))
        .retry_config(retries)
        .load()
        .await
}

// ---- Requests ----

pub(crate) fn region() -> Region {
    Region::new("eu-west-1").unwrap()
}

fn place() -> Scope {
    Scope {
        partition: Partition::default(),
        region: Some(region()),
        account: Some(AccountId::new(HERE).unwrap()),
    }
}

/// A resource; `arn` may be empty.
pub(crate) fn resource(resource_type: &str, id: &str, arn: &str) -> Resource {
    let arn = (!arn.is_empty()).then(|| arn.parse().unwrap());
    Resource::new(resource_type, id, arn, &place())
}

/// The catalogue's rule of an event (`sqs:CreateQueue`) for this type.
pub(crate) fn rule(event: &str, resource_type: &str) -> Arc<Rule> {
    let catalog = Catalog::embedded();
    let (service, event) = event.split_once(':').unwrap();
    let rules = catalog.find(&format!("{service}.amazonaws.com"), event).unwrap();
    let found = rules.iter().find(|rule| rule.resource_type == resource_type);
    Arc::clone(found.unwrap_or_else(|| panic!("no rule of {event} for {resource_type}")))
}

/// A resource as the rule of its creation finds it.
pub(crate) fn item(event: &str, resource_type: &str, id: &str, arn: &str) -> TaggableResource {
    TaggableResource { resource: resource(resource_type, id, arn), rule: rule(event, resource_type) }
}

pub(crate) fn tag_set(tags: &[(&str, &str)]) -> TagSet {
    let rules = TagConstraints::default();
    let mut set = TagSet::new();
    for (key, value) in tags {
        let (key, value) = (TagKey::sanitize(key, &rules).unwrap().0, TagValue::sanitize(value, &rules).0);
        assert!(set.add(key, value));
    }
    set
}

/// The write of these tags to resources of one rule.
pub(crate) fn write(items: &[TaggableResource], tags: &[(&str, &str)]) -> TagWrite {
    TagWrite::new(items[0].rule.call.clone(), tag_set(tags), items.to_vec())
}

// ---- Results ----

/// The class and code of a failure.
pub(crate) fn failure<T: std::fmt::Debug>(answer: &Result<T, BackendError>) -> (ErrorClass, &str) {
    match answer {
        Err(error) => (error.class, &error.code),
        Ok(done) => panic!("it succeeded: {done:?}"),
    }
}

pub(crate) fn tags(tags: &[(&str, &str)]) -> Tags {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn sorted(mut tags: Tags) -> Tags {
    tags.sort();
    tags
}
