//! Log files of trails in S3, read as they come.

use super::AwsPorts;
use super::{errors, s3};
use crate::assess::{Assessor, Hints};
use crate::delivery::{Gathered, Job, Source};
use crate::outcome::{Outcome, PortError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use session_store::SessionStore;
use tokio_util::io::SyncIoBridge;

impl<S: SessionStore> AwsPorts<S> {
    /// Reads what a job is about: steps 1 to 4 of the way for all its records. What cannot be read is in the result.
    pub async fn gather(&self, job: &Job, assessor: Assessor<'_>) -> Gathered {
        let id = job.message.as_ref().map(|message| message.id.as_str());
        let mut gathered = Gathered::default();
        match &job.source {
            Source::Text(text) => gathered.read(text.as_bytes(), &assessor, &Hints::default().in_message(id)),
            Source::Object { bucket, key } => {
                let hints = Hints::of_path(key).in_message(id);
                match self.open(bucket, key).await {
                    Ok(object) => {
                        let body = SyncIoBridge::new(object.body.into_async_read());
                        // The reader waits for bytes as files do; the runtime's other work goes on meanwhile.
                        tokio::task::block_in_place(|| gathered.read(body, &assessor, &hints));
                    }
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

/// A file that is not there any more is nobody's work; a file that may not be read is somebody's.
fn unread(error: &PortError, bucket: &str, key: &str) -> Outcome {
    let outcome = error.outcome(None);
    let named = |why: String| format!("s3://{bucket}/{key}: {why}");
    match outcome {
        Outcome::Deferred(why) => Outcome::Deferred(named(why)),
        Outcome::Refused(why) => Outcome::Refused(named(why)),
        other => other,
    }
}
