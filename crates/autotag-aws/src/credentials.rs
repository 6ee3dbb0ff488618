//! Checks that there are credentials, before the first call needs them.

use crate::Accounts;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use std::error::Error;

/// The most characters of the reason. A program that gives out credentials may print any text.
const LONGEST: usize = 600;

/// No credentials of AWS can be used. The text is one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no AWS credentials: {why}. Sign in (for example with `aws sso login`), or set AWS_PROFILE to another profile"
)]
pub struct NoCredentials {
    why: String,
}

impl Accounts {
    /// Gets the ambient credentials once. Without this, each call fails after all its attempts, and says less about the reason.
    /// `profile` is the value of `AWS_PROFILE`, for the message.
    ///
    /// # Errors
    /// [`NoCredentials`], with what was tried: the environment, the profile, and so on.
    pub async fn check_credentials(&self, profile: Option<&str>) -> Result<(), NoCredentials> {
        let Some(provider) = self.ambient().credentials_provider() else {
            return Err(NoCredentials { why: "none are configured".to_owned() });
        };
        provider.provide_credentials().await.map(drop).map_err(|error| NoCredentials {
            why: match (&error, profile) {
                // The error lists each source, in the words of the SDK.
                (CredentialsError::CredentialsNotLoaded(_), Some(profile)) => {
                    let profile = one_line(profile);
                    format!(
                        "none in the profile `{profile}` (AWS_PROFILE), nor in the environment, nor from an instance \
                         or a container"
                    )
                }
                (CredentialsError::CredentialsNotLoaded(_), None) => {
                    "none in the environment, in a profile, or from an instance or container".to_owned()
                }
                _ => reason(&error),
            },
        })
    }
}

/// The reason in one line: what the sources of the error say. The error itself names only its kind.
fn reason(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(source) = next {
        let text = one_line(&source.to_string());
        // Some errors repeat what their sources say.
        if !text.is_empty() && !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        next = source.source();
    }
    if texts.is_empty() {
        texts.push(error.to_string());
    }
    let all: String = texts.join(": ").chars().take(LONGEST).collect();
    // The message goes on with a sentence of its own.
    all.trim_end_matches(['.', ' ']).to_owned()
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use aws_config::SdkConfig;
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::{SharedCredentialsProvider, future};

    #[derive(Debug)]
    struct Answering(Option<fn() -> CredentialsError>);

    impl aws_credential_types::provider::ProvideCredentials for Answering {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready(match self.0 {
                None => Ok(Credentials::new("id", "secret", None, None, "test")),
                Some(error) => Err(error()),
            })
        }
    }

    fn accounts(answer: Option<fn() -> CredentialsError>) -> Accounts {
        let provider = SharedCredentialsProvider::new(Answering(answer));
        let config = SdkConfig::builder().credentials_provider(provider).build();
        Accounts::new(config, Settings::default())
    }

    #[tokio::test]
    async fn the_reason_is_one_line_and_names_the_profile() {
        assert_eq!(accounts(None).check_credentials(None).await, Ok(()));
        let none =
            accounts(Some(|| CredentialsError::not_loaded("no credentials found in chain.\n  Profile: x")));
        let error = none.check_credentials(Some("no\npe")).await.unwrap_err().to_string();
        assert!(error.contains("`no pe` (AWS_PROFILE)") && !error.contains('\n'), "{error}");
        let error = none.check_credentials(None).await.unwrap_err().to_string();
        assert!(error.contains("none in the environment"), "{error}");
        let expired = || CredentialsError::provider_error("the SSO session\n has expired\x1b[31m");
        let error = accounts(Some(expired)).check_credentials(None).await.unwrap_err().to_string();
        assert!(error.contains("the SSO session has expired") && !error.contains('\x1b'), "{error}");
        let refused = || CredentialsError::provider_error("the file is empty. Run the login again.");
        let error = accounts(Some(refused)).check_credentials(None).await.unwrap_err().to_string();
        assert!(error.contains("is empty. Run the login again. Sign in"), "one full stop: {error}");
        let nothing = Accounts::new(SdkConfig::builder().build(), Settings::default());
        assert!(nothing.check_credentials(None).await.is_err());
    }
}
