//! `s3://bucket/prefix`: the log files of a trail where AWS delivers them, read as they come.

use super::layout::{Days, is_trail_file};
use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use autotag_aws::{Accounts, Settings, s3_client};
use autotag_model::arn::Region;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Error;
use aws_sdk_s3::primitives::ByteStream;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Runtime;

/// Requests of S3, made by threads that wait.
#[derive(Debug)]
pub(crate) struct S3 {
    runtime: Arc<Runtime>,
    client: Client,
}

/// One object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    s3: Arc<S3>,
    bucket: String,
    key: String,
    size: u64,
}

impl Object {
    pub(crate) fn name(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn open(&self) -> io::Result<Body> {
        let request = autotag_aws::get_log_file(&self.s3.client, &self.bucket, &self.key, self.size);
        let answer = self.s3.runtime.block_on(request);
        let object = answer.map_err(|error| io::Error::other(why("GetObject", &error)))?;
        Ok(Body { s3: Arc::clone(&self.s3), stream: object.body, chunk: Vec::new(), at: 0 })
    }
}

/// An object's bytes as they come from the network; one chunk is held at a time.
#[derive(Debug)]
pub(crate) struct Body {
    s3: Arc<S3>,
    stream: ByteStream,
    chunk: Vec<u8>,
    at: usize,
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.chunk.len() {
            match self.s3.runtime.block_on(self.stream.next()) {
                Some(chunk) => self.chunk = chunk.map_err(io::Error::other)?.to_vec(),
                None => return Ok(0),
            }
            self.at = 0;
        }
        let read = self.chunk.get(self.at..).unwrap_or_default().read(into)?;
        self.at += read;
        Ok(read)
    }
}

/// The log files under `url`, in the order of their keys; digests and days outside are left out.
pub(crate) fn list(url: &str, days: &Days) -> Result<Vec<Object>> {
    let (bucket, prefix) =
        parse(url).ok_or_else(|| usage_error(format!("`{url}`: expected s3://BUCKET/PREFIX")))?;
    let runtime = runtime()?;
    let accounts = runtime.block_on(Accounts::connect(Settings::default()));
    let client = client(&accounts, accounts.home_region())?;
    let mut s3 = S3 { runtime, client };
    let objects = match s3.objects(bucket, prefix) {
        Err(error) => {
            let Some(region) = bucket_region(&error) else {
                anyhow::bail!("{}", why("ListObjectsV2", error.as_ref()))
            };
            s3.client = self::client(&accounts, Region::new(&region))?;
            s3.objects(bucket, prefix)
                .map_err(|error| anyhow::anyhow!("{}", why("ListObjectsV2", error.as_ref())))?
        }
        Ok(objects) => objects,
    };
    let s3 = Arc::new(s3);
    let wanted = |key: &str| {
        let path = Path::new(key);
        // What is named exactly is read whatever its name.
        key == prefix
            || is_trail_file(path)
                && !key.split('/').any(|part| part == "CloudTrail-Digest")
                && days.contain(path)
    };
    let objects = objects.into_iter().filter(|(key, _)| wanted(key));
    Ok(objects
        .map(|(key, size)| Object { s3: Arc::clone(&s3), bucket: bucket.to_owned(), key, size })
        .collect())
}

/// The threads that read S3, shared by all arguments.
fn runtime() -> Result<Arc<Runtime>> {
    static SHARED: Mutex<Option<Arc<Runtime>>> = Mutex::new(None);
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = &*shared {
        return Ok(Arc::clone(runtime));
    }
    let runtime = Arc::new(Runtime::new().context("cannot start the threads that read S3")?);
    *shared = Some(Arc::clone(&runtime));
    Ok(runtime)
}

fn parse(url: &str) -> Option<(&str, &str)> {
    let (bucket, prefix) =
        url.strip_prefix("s3://")?.split_once('/').unwrap_or((url.strip_prefix("s3://")?, ""));
    (!bucket.is_empty()).then_some((bucket, prefix))
}

impl S3 {
    fn objects(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> Result<Vec<(String, u64)>, Box<SdkError<ListObjectsV2Error>>> {
        let mut pages = self.client.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
        let mut objects = Vec::new();
        while let Some(page) = self.runtime.block_on(pages.next()) {
            for object in page.map_err(Box::new)?.contents.unwrap_or_default() {
                let size = object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
                objects.extend(object.key.map(|key| (key, size)));
            }
        }
        Ok(objects)
    }
}

/// A client with the credentials of AWS's own tools, and with the time limits, retries and bounds of all other calls. S3 in
/// any region names the bucket's own.
fn client(accounts: &Accounts, region: Option<Region>) -> Result<Client> {
    let region = region.context("the name of the region is not valid; set AWS_REGION")?;
    let config = accounts.ambient().to_builder().region(autotag_aws::sdk_region(&region)).build();
    Ok(s3_client(&config))
}

/// S3 answers a request in the wrong region with the right one.
fn bucket_region(error: &SdkError<ListObjectsV2Error>) -> Option<String> {
    error.raw_response()?.headers().get("x-amz-bucket-region").map(str::to_owned)
}

/// What S3 said, by its error code; else what kept it from being asked.
fn why<E>(operation: &str, error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error.as_service_error().and_then(ProvideErrorMetadata::code) {
        Some("AccessDenied") => {
            format!("{operation} answered AccessDenied; the caller needs s3:ListBucket and s3:GetObject")
        }
        Some(code) => format!("{operation} answered {code}"),
        None => format!("{operation} failed: {}", DisplayErrorContext(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        assert_eq!(parse("s3://b/p/q"), Some(("b", "p/q")));
        assert_eq!(parse("s3://b"), Some(("b", "")));
        assert_eq!(parse("s3:///p"), None);
    }
}
