//! Calls to SQS.

use autotag_aws::Accounts;
use autotag_aws::signed::{self, Request, SignedError};
use serde_json::Value;

/// An operation of SQS, in the function's own region and account.
///
/// # Errors
/// [`SignedError`], with AWS's code.
pub async fn call(accounts: &Accounts, operation: &str, input: &Value) -> Result<Value, SignedError> {
    let Some(region) = accounts.home_region() else {
        return Err(SignedError::unsent(operation, "NoRegion"));
    };
    signed::send_json(accounts.ambient(), Request::json(signed::SQS, operation, &region, input)).await
}
