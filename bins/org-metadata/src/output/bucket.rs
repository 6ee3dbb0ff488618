//! A file as an object in S3: one PUT with its checksum, so that the object exists completely or not at all.

use super::file::File;
use crate::aws::{AccountSession, Aws};
use crate::config::Bucket;
use anyhow::Result;
use autotag_model::arn::Region;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Uploads the file, and returns its location. `digest` is the SHA-256 of its bytes.
pub(super) async fn put(
    aws: &Aws,
    caller: &AccountSession,
    bucket: &Bucket,
    file: File,
    digest: &[u8],
) -> Result<String> {
    let config = match &bucket.region {
        Some(region) => caller.config_in(region),
        None => caller.config.clone(),
    };
    let region = config.region().and_then(|region| Region::new(region.as_ref()));
    let region = region.unwrap_or_else(|| aws.organizations_region());
    let client = autotag_aws::s3_client(&config);
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
