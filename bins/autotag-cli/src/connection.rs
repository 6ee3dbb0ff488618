//! The connection to AWS of every command that calls it.

use crate::setup::usage_error;
use anyhow::Result;
use autotag_aws::{Accounts, Settings};

/// Takes credentials, region and endpoint from the environment, as AWS's own tools do.
///
/// # Errors
/// A usage error in one line, if there are no credentials.
pub(crate) async fn connect(settings: Settings) -> Result<Accounts> {
    let accounts = Accounts::connect(settings).await;
    accounts.check_credentials().await.map_err(|error| usage_error(error.to_string()))?;
    Ok(accounts)
}
