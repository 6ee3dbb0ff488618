//! The configuration that Lambda gives a function: credentials, region and endpoints in environment variables.

use crate::Settings;
use crate::answer_limit::https;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_async::time::SharedTimeSource;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use std::collections::HashMap;

/// A variable that Lambda sets for every function is missing. The text is one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{variable} is not set: Lambda sets it; to start the function elsewhere, set AWS_REGION and run \
     `eval \"$(aws configure export-credentials --format env)\"` before"
)]
pub struct NotInLambda {
    /// Its name.
    pub variable: &'static str,
}

/// The configuration of these variables. Lambda replaces the process before its credentials expire.
pub(crate) fn config(
    variables: &HashMap<String, String>,
    settings: &Settings,
) -> Result<SdkConfig, NotInLambda> {
    let value = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let required = |variable| value(variable).ok_or(NotInLambda { variable });
    let credentials = Credentials::new(
        required("AWS_ACCESS_KEY_ID")?,
        required("AWS_SECRET_ACCESS_KEY")?,
        value("AWS_SESSION_TOKEN").cloned(),
        None,
        "environment of the function",
    );
    let region = value("AWS_REGION").or_else(|| value("AWS_DEFAULT_REGION"));
    let region = region.ok_or(NotInLambda { variable: "AWS_REGION" })?;
    let is_on = |name| value(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .region(Region::new(region.clone()))
        .retry_config(settings.retries())
        .timeout_config(settings.timeouts())
        .time_source(SharedTimeSource::default())
        // SDK clients and signed requests share one pool of connections.
        .http_client(https())
        .service_config(Endpoints::of(variables))
        .use_fips(is_on("AWS_USE_FIPS_ENDPOINT"))
        .use_dual_stack(is_on("AWS_USE_DUALSTACK_ENDPOINT"));
    config.set_sleep_impl(default_async_sleep());
    config.set_endpoint_url(value(ENDPOINT).cloned());
    Ok(config.build())
}

/// The variable with the endpoint of all services. Those of single services begin with it.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// The endpoints of single services, by the name of their variable.
#[derive(Debug)]
struct Endpoints(HashMap<String, String>);

impl Endpoints {
    fn of(variables: &HashMap<String, String>) -> Self {
        let named = variables.iter().filter(|(name, value)| name.starts_with(ENDPOINT) && !value.is_empty());
        Self(named.map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}

impl LoadServiceConfig for Endpoints {
    /// `AWS_ENDPOINT_URL_DYNAMODB` for `DynamoDB`, as in AWS's own tools.
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace(' ', "_");
        self.0.get(&format!("{}_{service}", key.env())).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Accounts;
    use aws_credential_types::provider::ProvideCredentials as _;

    const CREDENTIALS: [(&str, &str); 3] = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
    ];

    fn variables<'v>(more: impl IntoIterator<Item = (&'v str, &'v str)>) -> HashMap<String, String> {
        let all = CREDENTIALS.into_iter().chain(more);
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[tokio::test]
    async fn credentials_region_and_endpoints_are_those_of_the_variables() {
        let variables = variables([
            ("AWS_REGION", "eu-north-1"),
            ("AWS_DEFAULT_REGION", "eu-west-1"),
            ("AWS_USE_FIPS_ENDPOINT", "True"),
            ("AWS_ENDPOINT_URL_DYNAMODB", "https://table.example"),
            ("AWS_ENDPOINT_URL_S3", ""),
        ]);
        let config = config(&variables, &Settings::default()).unwrap();
        let credentials = config.credentials_provider().unwrap().provide_credentials().await.unwrap();
        assert_eq!(credentials.access_key_id(), "AKIDEXAMPLE");
        assert_eq!(credentials.session_token(), Some("token"));
        assert_eq!(config.region().map(AsRef::as_ref), Some("eu-north-1"));
        assert_eq!((config.use_fips(), config.use_dual_stack()), (Some(true), Some(false)));
        assert_eq!(config.endpoint_url(), None);
        let endpoint = |service| {
            let key = ServiceConfigKey::builder().service_id(service).env(ENDPOINT).profile("endpoint_url");
            config.service_config().unwrap().load_config(key.build().unwrap())
        };
        assert_eq!(endpoint("DynamoDB").as_deref(), Some("https://table.example"));
        assert_eq!(endpoint("S3"), None);
    }

    #[test]
    fn a_missing_variable_is_named_with_the_way_to_set_it() {
        let error = Accounts::in_lambda(&HashMap::new(), Settings::default()).unwrap_err();
        assert_eq!(error.variable, "AWS_ACCESS_KEY_ID");
        assert!(error.to_string().contains("aws configure export-credentials"), "{error}");
        let empty = variables([("AWS_SECRET_ACCESS_KEY", "")]);
        let error = Accounts::in_lambda(&empty, Settings::default()).unwrap_err();
        assert_eq!(error.variable, "AWS_SECRET_ACCESS_KEY");
        let error = Accounts::in_lambda(&variables([]), Settings::default()).unwrap_err();
        assert_eq!(error.variable, "AWS_REGION");
    }

    #[test]
    fn no_secret_is_printed() {
        let accounts =
            Accounts::in_lambda(&variables([("AWS_REGION", "eu-west-1")]), Settings::default()).unwrap();
        let printed = format!("{accounts:?}");
        assert!(!printed.contains("\"secret\"") && !printed.contains("\"token\""), "{printed}");
    }
}
