//! A file as an object of S3: one PUT with its checksum, so that it is there whole or not at all.

use super::File;
use crate::aws::{Aws, Place};
use crate::config::Bucket;
use anyhow::Result;
use autotag_aws::CallError;
use autotag_model::arn::Region;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Puts the file; where it is then.
pub(super) async fn put(
    aws: &Aws,
    here: &Place,
    bucket: &Bucket,
    file: File,
    digest: &[u8],
) -> Result<String> {
    const OPERATION: &str = "PutObject";
    let mut config = here.config.to_builder();
    if let Some(region) = &bucket.region {
        config = config.region(autotag_aws::sdk_region(region));
    }
    let config = config.build();
    let region = config.region().and_then(|region| Region::new(region.as_ref()));
    let region = region.unwrap_or_else(|| aws.organizations_region());
    let at = config.endpoint_url().is_some();
    let config = Builder::from(&config)
        // A name of a host that is the bucket's is not to be had at an endpoint of one's own.
        .force_path_style(at)
        .retry_partition(autotag_aws::retries("aws_sdk_s3"));
    let client = Client::from_conf(config.build());
    let (key, checksum) = (format!("{}{}", bucket.prefix, file.name), STANDARD.encode(digest));
    let bytes = aws_sdk_s3::primitives::SdkBody::from(file.bytes);
    aws.tried(here, OPERATION, &region, async || {
        // Bytes in memory can be sent as often as it takes.
        let body = bytes.try_clone().map(ByteStream::new).unwrap_or_default();
        let put = client.put_object().bucket(&bucket.name).key(&key).body(body);
        let put = put.content_type(file.content_type).checksum_sha256(&checksum);
        put.send().await.map(drop).map_err(|error| CallError::of_sdk(OPERATION, &error).into())
    })
    .await?;
    Ok(format!("s3://{}/{key}", bucket.name))
}
