//! The connection to S3, and the reason if S3 refuses.

use anyhow::{Context as _, Result};
use autotag_aws::{Accounts, s3_client};
use autotag_model::arn::Region;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Runtime;

/// Requests of S3, made by threads that wait.
#[derive(Debug)]
pub(super) struct S3 {
    pub(super) runtime: Arc<Runtime>,
    pub(super) client: Client,
}

/// The threads that read S3, shared by all arguments.
pub(super) fn runtime() -> Result<Arc<Runtime>> {
    static SHARED: Mutex<Option<Arc<Runtime>>> = Mutex::new(None);
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = &*shared {
        return Ok(Arc::clone(runtime));
    }
    let runtime = Arc::new(Runtime::new().context("cannot start the threads that read S3")?);
    *shared = Some(Arc::clone(&runtime));
    Ok(runtime)
}

/// A client with the credentials of AWS's own tools, and with the time limits, retries and bounds of all other calls. S3 in
/// any region names the bucket's own.
pub(super) fn client(accounts: &Accounts, region: Option<Region>) -> Result<Client> {
    let region = region.context("the name of the region is not valid; set AWS_REGION")?;
    let config = accounts.ambient().to_builder().region(autotag_aws::sdk_region(&region)).build();
    Ok(s3_client(&config))
}

/// S3 answers a request in the wrong region with the right one.
pub(super) fn bucket_region<E>(error: &SdkError<E>) -> Option<String> {
    error.raw_response()?.headers().get("x-amz-bucket-region").map(str::to_owned)
}

/// True if S3 refuses the request whenever it is made: there is no such bucket, or the credentials do not count there.
pub(super) fn is_refusal<E>(error: &SdkError<E>) -> bool
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| {
        let of_bucket = ["NoSuchBucket", "InvalidBucketName", "AllAccessDisabled", "AccessDenied"];
        let of_credentials = [
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "ExpiredToken",
            "InvalidToken",
            "TokenRefreshRequired",
        ];
        of_bucket.contains(&code) || of_credentials.contains(&code)
    })
}

/// The error code of S3, otherwise the reason why S3 could not be asked.
pub(super) fn why<E>(operation: &str, error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error.as_service_error().and_then(ProvideErrorMetadata::code) {
        Some("AccessDenied") => {
            format!("{operation} answered AccessDenied; the caller needs s3:ListBucket and s3:GetObject")
        }
        Some("NoSuchBucket") => format!("{operation} answered NoSuchBucket: check the name of the bucket"),
        Some(code @ ("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken")) => {
            format!("{operation} answered {code}: check the AWS credentials, or sign in again")
        }
        Some("InvalidObjectState") => {
            format!("archived: {operation} answered InvalidObjectState; restore it, then read it again")
        }
        Some(code) => format!("{operation} answered {code}"),
        None => format!("{operation} got no answer: {}", innermost(error)),
    }
}

/// The first cause of an error. The error of the SDK only says that a call could not be sent.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
