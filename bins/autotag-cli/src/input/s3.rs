//! `s3://bucket/prefix`: reads the log files of a trail from S3.

mod ahead;
mod connection;
mod download;
mod listing;

use super::layout::{Days, is_trail_file};
use crate::connection::connect;
use crate::setup::usage_error;
use ahead::ReadAhead;
use anyhow::Result;
use autotag_aws::Settings;
use autotag_model::arn::Region;
use connection::{S3, bucket_region, client, is_refusal, runtime, why};
use download::Source;
use listing::{ListError, Listed, list as list_keys};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// One object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    source: Arc<Source>,
    ahead: Arc<ReadAhead>,
    /// Its place among the objects that are read ahead.
    number: usize,
}

impl Object {
    pub(crate) fn name(&self) -> String {
        format!("s3://{}/{}", self.source.bucket, self.source.key)
    }

    pub(crate) fn key(&self) -> &str {
        &self.source.key
    }

    pub(crate) fn size(&self) -> u64 {
        self.source.size
    }

    /// Its `ETag` when it was listed.
    pub(crate) fn version(&self) -> Option<&str> {
        self.source.version.as_deref()
    }

    /// Objects are opened in the order of [`read_ahead`], each once.
    pub(crate) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        self.ahead.open(self.number)
    }
}

/// Lets all objects be read ahead in this order.
pub(crate) fn read_ahead<'o>(objects: impl Iterator<Item = &'o mut Object>) {
    let objects: Vec<&mut Object> = objects.collect();
    let ahead = Arc::new(ReadAhead::new(objects.iter().map(|object| Arc::clone(&object.source)).collect()));
    for (number, object) in objects.into_iter().enumerate() {
        object.ahead = Arc::clone(&ahead);
        object.number = number;
    }
}

/// The log files under `url`, in the order of their keys; digests and days outside are left out.
pub(crate) fn list(url: &str, days: &Days) -> Result<Vec<Object>> {
    let (bucket, prefix) =
        parse(url).ok_or_else(|| usage_error(format!("`{url}`: expected s3://BUCKET/PREFIX")))?;
    let runtime = runtime()?;
    let accounts = runtime.block_on(connect(Settings::default()))?;
    let mut s3 = S3 { client: client(&accounts, accounts.home_region())?, runtime };
    let keys = |s3: &S3| s3.runtime.block_on(list_keys(&s3.client, bucket, prefix, days));
    let failed = |error: ListError| {
        let why = why("ListObjectsV2", error.as_ref());
        if is_refusal(error.as_ref()) { usage_error(format!("{url}: {why}")) } else { anyhow::anyhow!(why) }
    };
    let listed = match keys(&s3) {
        Err(error) => {
            let Some(region) = bucket_region(&error) else { return Err(failed(error)) };
            s3.client = client(&accounts, Region::new(&region))?;
            keys(&s3).map_err(failed)?
        }
        Ok(listed) => listed,
    };
    let wanted = |key: &str| {
        let path = Path::new(key);
        // An object that the command line names exactly is read whatever its name.
        key == prefix
            || is_trail_file(path)
                && !key.split('/').any(|part| part == "CloudTrail-Digest")
                && days.contain(path)
    };
    let (s3, bucket) = (Arc::new(s3), Arc::<str>::from(bucket));
    let ahead = Arc::new(ReadAhead::new(Vec::new()));
    let object = |Listed { key, size, version }| Object {
        source: Arc::new(Source { s3: Arc::clone(&s3), bucket: Arc::clone(&bucket), key, size, version }),
        ahead: Arc::clone(&ahead),
        number: 0,
    };
    Ok(listed.into_iter().filter(|listed| wanted(&listed.key)).map(object).collect())
}

fn parse(url: &str) -> Option<(&str, &str)> {
    let (bucket, prefix) =
        url.strip_prefix("s3://")?.split_once('/').unwrap_or((url.strip_prefix("s3://")?, ""));
    (!bucket.is_empty()).then_some((bucket, prefix))
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
