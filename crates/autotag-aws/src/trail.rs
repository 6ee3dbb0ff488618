//! Log files of trails in S3, read as they come.

use crate::{Accounts, errors};
use autotag_handlers::classify::Hints;
use autotag_handlers::delivery::{Intake, Job, Source};
use autotag_handlers::outcome::{BackendError, Outcome};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use futures_util::stream::{self, StreamExt as _};
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};
use tokio_util::io::SyncIoBridge;

/// Reads log files of trails from S3, with the ambient credentials.
#[derive(Debug, Clone)]
pub struct TrailReader {
    accounts: Arc<Accounts>,
}

impl TrailReader {
    /// A reader with the credentials of these accounts' own.
    pub fn new(accounts: Arc<Accounts>) -> Self {
        Self { accounts }
    }

    /// Reads what a job is about. What cannot be read is in the result.
    pub async fn gather<I: Intake>(&self, job: &Job, rules: &I::Rules) -> I {
        let message = job.message.as_deref();
        let mut gathered = I::default();
        match &job.source {
            Source::Text(text) => {
                gathered.read(text.as_bytes(), rules, &Hints::default().in_message(message));
            }
            Source::Object { bucket, key } => {
                let hints = Hints::of_path(key).in_message(message);
                match self.open(bucket, key).await {
                    Ok(object) => return read_body(object, rules.clone(), hints).await,
                    Err(error) => gathered.unreadable(unread(&error, bucket, key), &hints),
                }
            }
        }
        gathered
    }

    /// Reads what all these jobs are about, so many at a time. What is not read by `end` is in the result as well.
    pub async fn gather_all<I: Intake>(
        &self,
        jobs: &[Job],
        rules: &I::Rules,
        concurrency: NonZeroUsize,
        end: Instant,
    ) -> I {
        let readings = jobs.iter().map(|job| async move {
            timeout_at(end, self.gather(job, rules)).await.unwrap_or_else(|_| {
                let mut late = I::default();
                let hints = Hints::default().in_message(job.message.as_deref());
                late.unreadable(Outcome::Deferred("out of time before it was read".to_owned()), &hints);
                late
            })
        });
        let readings: Vec<_> = readings.collect();
        let mut all = I::default();
        let mut readings = stream::iter(readings).buffered(concurrency.get());
        while let Some(one) = readings.next().await {
            all.append(one);
        }
        all
    }

    async fn open(&self, bucket: &str, key: &str) -> Result<GetObjectOutput, BackendError> {
        let region = self.accounts.home_region().ok_or_else(|| errors::invalid("GetObject", "NoRegion"))?;
        let client = self.accounts.client(None, &region, crate::s3_client).await;
        let client = client.map_err(|error| errors::of_account(&error))?;
        let object = client.get_object().bucket(bucket).key(key).send().await;
        object.map_err(|error| errors::of_sdk("GetObject", &error))
    }
}

/// The reader waits for bytes as files do, so it has a thread of its own.
async fn read_body<I: Intake>(object: GetObjectOutput, rules: I::Rules, hints: Hints) -> I {
    let body = SyncIoBridge::new(object.body.into_async_read());
    let read = tokio::task::spawn_blocking({
        let hints = hints.clone();
        move || {
            let mut gathered = I::default();
            gathered.read(body, &rules, &hints);
            gathered
        }
    });
    read.await.unwrap_or_else(|_| {
        let mut gathered = I::default();
        gathered.unreadable(Outcome::Deferred("reading the log file was broken off".to_owned()), &hints);
        gathered
    })
}

/// A file that is not there any more is nobody's work; a file that may not be read, or a bucket that is not there, is
/// somebody's.
fn unread(error: &BackendError, bucket: &str, key: &str) -> Outcome {
    let named = |why: &str| format!("s3://{bucket}/{key}: {why}");
    match error.outcome(None) {
        Outcome::Deferred(why) => Outcome::Deferred(named(&why)),
        Outcome::Gone if error.code != "NoSuchBucket" => Outcome::Gone,
        other => Outcome::Refused(named(&other.reason().unwrap_or_else(|| error.to_string()))),
    }
}
