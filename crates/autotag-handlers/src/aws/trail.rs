//! Log files of trails in S3, read as they come.

use super::AwsPorts;
use super::{errors, s3};
use crate::assess::{Assessor, Hints};
use crate::catalog::Catalog;
use crate::delivery::{Gathered, Job, Source};
use crate::outcome::{Outcome, PortError};
use autotag_model::policy::Policy;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use session_store::SessionStore;
use std::sync::Arc;
use tokio_util::io::SyncIoBridge;

/// The catalogue and the policy, for as long as anybody reads by them.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Which events create which resources.
    pub catalog: Arc<Catalog>,
    /// What is ignored.
    pub policy: Arc<Policy>,
}

impl Rules {
    fn assessor(&self) -> Assessor<'_> {
        Assessor { catalog: &self.catalog, policy: &self.policy }
    }
}

impl<S: SessionStore> AwsPorts<S> {
    /// Reads what a job is about: steps 1 to 4 of the way for all its records. What cannot be read is in the result.
    pub async fn gather(&self, job: &Job, rules: &Rules) -> Gathered {
        let id = job.message.as_ref().map(|message| message.id.as_str());
        let mut gathered = Gathered::default();
        match &job.source {
            Source::Text(text) => {
                gathered.read(text.as_bytes(), &rules.assessor(), &Hints::default().in_message(id));
            }
            Source::Object { bucket, key } => {
                let hints = Hints::of_path(key).in_message(id);
                match self.open(bucket, key).await {
                    Ok(object) => return read_body(object, rules.clone(), hints).await,
                    Err(error) => gathered.unreadable(unread(&error, bucket, key), &hints),
                }
            }
        }
        gathered
    }

    async fn open(&self, bucket: &str, key: &str) -> Result<GetObjectOutput, PortError> {
        let region = self.accounts.home_region().ok_or_else(|| errors::invalid("GetObject", "NoRegion"))?;
        let client = self.accounts.client(None, &region, s3::client).await;
        let client = client.map_err(|error| errors::of_account(&error))?;
        let object = client.get_object().bucket(bucket).key(key).send().await;
        object.map_err(|error| errors::of_sdk("GetObject", &error))
    }
}

/// The reader waits for bytes as files do, so it has a thread of its own.
async fn read_body(object: GetObjectOutput, rules: Rules, hints: Hints) -> Gathered {
    let body = SyncIoBridge::new(object.body.into_async_read());
    let read = tokio::task::spawn_blocking({
        let hints = hints.clone();
        move || {
            let mut gathered = Gathered::default();
            gathered.read(body, &rules.assessor(), &hints);
            gathered
        }
    });
    read.await.unwrap_or_else(|_| {
        let mut gathered = Gathered::default();
        gathered.unreadable(Outcome::Deferred("reading the log file was broken off".to_owned()), &hints);
        gathered
    })
}

/// A file that is not there any more is nobody's work; a file that may not be read, or a bucket that is not there, is
/// somebody's.
fn unread(error: &PortError, bucket: &str, key: &str) -> Outcome {
    let named = |why: &str| format!("s3://{bucket}/{key}: {why}");
    match error.outcome(None) {
        Outcome::Deferred(why) => Outcome::Deferred(named(&why)),
        Outcome::Gone if error.code != "NoSuchBucket" => Outcome::Gone,
        other => Outcome::Refused(named(&other.reason().unwrap_or_else(|| error.to_string()))),
    }
}
