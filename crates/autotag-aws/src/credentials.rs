//! Checks that there are credentials, before the first call needs them.

use crate::Accounts;
use aws_credential_types::provider::ProvideCredentials as _;
use std::error::Error;

/// The most characters of the reason. A program that gives out credentials may print any text.
const LONGEST: usize = 600;

/// No credentials of AWS can be used. The text is one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no AWS credentials: {why}. Sign in (for example with `aws sso login`), or set AWS_PROFILE")]
pub struct NoCredentials {
    why: String,
}

impl Accounts {
    /// Gets the ambient credentials once. Without this, each call fails after all its attempts, and says less about the reason.
    ///
    /// # Errors
    /// [`NoCredentials`], with what was tried: the environment, the profile, and so on.
    pub async fn check_credentials(&self) -> Result<(), NoCredentials> {
        let Some(provider) = self.ambient().credentials_provider() else {
            return Err(NoCredentials { why: "none are configured".to_owned() });
        };
        provider.provide_credentials().await.map(drop).map_err(|error| NoCredentials { why: reason(&error) })
    }
}

/// The reason in one line: what the sources of the error say. The error itself names only its kind.
fn reason(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(source) = next {
        let words: Vec<String> = source.to_string().split_whitespace().map(str::to_owned).collect();
        let text = words.join(" ");
        // Some errors repeat what their sources say.
        if !text.is_empty() && !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        next = source.source();
    }
    if texts.is_empty() {
        texts.push(error.to_string());
    }
    texts.join(": ").chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use aws_config::SdkConfig;
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::error::CredentialsError;
    use aws_credential_types::provider::{SharedCredentialsProvider, future};

    #[derive(Debug)]
    struct Answering(Option<&'static str>);

    impl aws_credential_types::provider::ProvideCredentials for Answering {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready(match self.0 {
                None => Ok(Credentials::from_keys("id", "secret", None)),
                Some(why) => Err(CredentialsError::not_loaded(why)),
            })
        }
    }

    fn accounts(answer: Option<&'static str>) -> Accounts {
        let provider = SharedCredentialsProvider::new(Answering(answer));
        let config = SdkConfig::builder().credentials_provider(provider).build();
        Accounts::new(config, Settings::default())
    }

    #[tokio::test]
    async fn the_reason_is_one_line_and_says_what_was_tried() {
        assert_eq!(accounts(None).check_credentials().await, Ok(()));
        let tried =
            "no credentials found in chain. Attempted:\n  Environment: not set\n  Profile: `nope`\x1b[31m";
        let error = accounts(Some(tried)).check_credentials().await.unwrap_err().to_string();
        assert!(error.contains("Attempted: Environment: not set Profile: `nope`"), "{error}");
        assert!(!error.contains(['\n', '\x1b']) && error.contains("AWS_PROFILE"), "{error}");
        let nothing = Accounts::new(SdkConfig::builder().build(), Settings::default());
        assert!(nothing.check_credentials().await.is_err());
    }
}
