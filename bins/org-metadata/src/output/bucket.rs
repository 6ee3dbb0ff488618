//! A file as an object in S3: one PUT with its checksum, so that the object exists completely or not at all.

use super::file::File;
use crate::aws::{AccountSession, Aws};
use crate::completion::UsageError;
use crate::config::Bucket;
use anyhow::Result;
use autotag_model::arn::Region;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Asks whether the bucket exists, so that a wrong name ends the run before everything is read. A bucket that may be written and
/// not asked about is taken as it is.
///
/// # Errors
/// A usage error, if there is no such bucket, or if it is in another region.
pub(crate) async fn check(aws: &Aws, caller: &AccountSession, bucket: &Bucket) -> Result<()> {
    let (client, region) = connection(aws, caller, bucket);
    let send = async || client.head_bucket().bucket(&bucket.name).send().await;
    let Err(failure) = aws.call(caller, "HeadBucket", &region, send).await else { return Ok(()) };
    let Bucket { name, .. } = bucket;
    match failure.code.as_str() {
        "NotFound" | "NoSuchBucket" | "Http404" => {
            Err(UsageError(format!("--bucket: there is no bucket `{name}`")).into())
        }
        "PermanentRedirect" | "Http301" => {
            let why = format!("--bucket-region: the bucket `{name}` is not in {region}");
            Err(UsageError(why).into())
        }
        _ => Ok(()),
    }
}

/// A client in the region of the bucket.
fn connection(aws: &Aws, caller: &AccountSession, bucket: &Bucket) -> (Client, Region) {
    let config = match &bucket.region {
        Some(region) => caller.config_in(region),
        None => caller.config.clone(),
    };
    let region = config.region().and_then(|region| Region::new(region.as_ref()));
    (autotag_aws::s3_client(&config), region.unwrap_or_else(|| aws.organizations_region()))
}

/// Uploads the file, and returns its location. `digest` is the SHA-256 of its bytes.
pub(super) async fn put(
    aws: &Aws,
    caller: &AccountSession,
    bucket: &Bucket,
    file: File,
    digest: &[u8],
) -> Result<String> {
    let (client, region) = connection(aws, caller, bucket);
    let (key, checksum) = (format!("{}{}", bucket.prefix, file.name), STANDARD.encode(digest));
    let bytes = SdkBody::from(file.bytes);
    let send = async || {
        // Bytes in memory can be cloned for each attempt.
        let body = bytes.try_clone().map(ByteStream::new).unwrap_or_default();
        let put = client.put_object().bucket(&bucket.name).key(&key).body(body);
        put.content_type(file.content_type).checksum_sha256(&checksum).send().await
    };
    aws.call(caller, "PutObject", &region, send).await?;
    Ok(format!("s3://{}/{key}", bucket.name))
}
