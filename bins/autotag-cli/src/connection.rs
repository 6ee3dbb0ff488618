//! The connection to AWS of every command that calls it.

use crate::output::printable;
use crate::setup::usage_error;
use anyhow::Result;
use autotag_aws::{Accounts, Settings};

/// Takes credentials, region and endpoint from the environment, as AWS's own tools do.
///
/// # Errors
/// A usage error in one line, if there are no certificates of authorities or no credentials.
pub(crate) async fn connect(settings: Settings) -> Result<Accounts> {
    let accounts = Accounts::connect(settings).await;
    accounts.check_certificates().map_err(|error| usage_error(error.to_string()))?;
    let checked = accounts.check_credentials(profile().as_deref()).await;
    checked.map_err(|error| usage_error(printable(&error.to_string())))?;
    Ok(accounts)
}

/// The profile that the environment names, for the error.
#[expect(clippy::disallowed_methods, reason = "programs read the environment")]
fn profile() -> Option<String> {
    std::env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty())
}
