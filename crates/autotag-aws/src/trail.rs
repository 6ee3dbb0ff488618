//! Log files of trails in S3, read while they are downloaded.

use crate::answer_limit::BodyLimit;
use crate::{Accounts, errors};
use autotag_handlers::error::BackendError;
use autotag_handlers::outcome::{Outcome, SkipReason};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use futures_util::future::{Either, select};
use std::io::{self, Read};
use std::pin::pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::runtime::Handle;
use tokio::sync::oneshot::{self, error::TryRecvError};

/// The longest log file that is read, in bytes as it is stored. CloudTrail starts a new one every five minutes, of a few
/// megabytes in large accounts.
const LONGEST_LOG_FILE: usize = 256 << 20;

/// The code for an object of the classes Glacier Flexible Retrieval and Deep Archive, and of archive tiers of Intelligent-Tiering.
const ARCHIVED: &str = "InvalidObjectState";

/// Reads log files of trails from S3, with the ambient credentials.
#[derive(Debug, Clone)]
pub struct TrailReader {
    accounts: Arc<Accounts>,
}

impl TrailReader {
    /// A reader with the ambient credentials of `accounts`.
    pub fn new(accounts: Arc<Accounts>) -> Self {
        Self { accounts }
    }

    /// Reads an object by `read`, which runs on a thread of its own. If this future is dropped, the download ends, and the
    /// thread gets an error at its next read.
    ///
    /// # Errors
    /// The outcome of an object that cannot be read: `Gone` if it is deleted, `Skipped` if it is archived,
    /// otherwise `Deferred`. It is `Refused` if an operator has to grant a permission, name another bucket, or
    /// split a log file of more than 256 MiB.
    pub async fn read<T, F>(&self, bucket: &str, key: &str, read: F) -> Result<T, Outcome>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Read) -> T + Send + 'static,
    {
        let object = self.open(bucket, key).await.map_err(|error| unread(&error, bucket, key))?;
        if object.content_length().is_some_and(is_too_long) {
            let limit = LONGEST_LOG_FILE >> 20;
            let why = format!(
                "s3://{bucket}/{key}: longer than {limit} MiB; split it, or plan it with the command line"
            );
            return Err(Outcome::Refused(why));
        }
        let (guard, cancelled) = oneshot::channel();
        let mut body = Download {
            body: Box::new(object.body.into_async_read()),
            runtime: Handle::current(),
            cancelled: Some(cancelled),
        };
        let result = tokio::task::spawn_blocking(move || read(&mut body)).await;
        // Dropped here, or together with this future.
        drop::<oneshot::Sender<()>>(guard);
        result.map_err(|_| {
            Outcome::Deferred(format!("s3://{bucket}/{key}: the download of the log file was interrupted"))
        })
    }

    async fn open(&self, bucket: &str, key: &str) -> Result<GetObjectOutput, BackendError> {
        let region = self.accounts.home_region().ok_or_else(|| errors::invalid("GetObject", "NoRegion"))?;
        let client = self.accounts.client(None, &region, crate::s3_client).await;
        let client = client.map_err(|error| errors::of_account(&error))?;
        let object = get_log_file(&client, bucket, key, 0, &LogFilePart::default()).await;
        object.map_err(|error| errors::of_sdk("GetObject", &error))
    }
}

/// The requested part of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilePart {
    /// All from this byte on.
    pub from: u64,
    /// Only of the version with this `ETag`. S3 answers with status 412 if the object is another one now.
    pub version: Option<String>,
}

/// Asks S3 for an object, whose body is then streamed. A server that sends more than the longest log file (256 MiB), or than
/// `size` bytes if that is longer, is cut off.
///
/// # Errors
/// That of the client.
pub async fn get_log_file(
    client: &aws_sdk_s3::Client,
    bucket: &str,
    key: &str,
    size: u64,
    part: &LogFilePart,
) -> Result<GetObjectOutput, SdkError<GetObjectError, HttpResponse>> {
    let limit = BodyLimit(usize::try_from(size).unwrap_or(usize::MAX).max(LONGEST_LOG_FILE));
    let range = (part.from > 0).then(|| format!("bytes={}-", part.from));
    let object = client.get_object().bucket(bucket).key(key).set_range(range);
    let object = object.set_if_match(part.version.clone()).customize();
    object.mutate_request(move |request| request.add_extension(limit)).send().await
}

fn is_too_long(length: i64) -> bool {
    usize::try_from(length).is_ok_and(|length| length > LONGEST_LOG_FILE)
}

/// A body that blocking code reads, until the caller drops it.
struct Download {
    body: Box<dyn AsyncRead + Send + Unpin>,
    runtime: Handle,
    /// Resolves when the asking side is dropped; `None` after that.
    cancelled: Option<oneshot::Receiver<()>>,
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Self { body, runtime, cancelled } = self;
        let gone = || io::Error::new(io::ErrorKind::ConnectionAborted, "the wait for the log file has ended");
        let Some(waiting) = cancelled else { return Err(gone()) };
        if buffer.is_empty() {
            // The reader only asks whether the log file is still waited for.
            if waiting.try_recv() == Err(TryRecvError::Empty) {
                return Ok(0);
            }
            *cancelled = None;
            return Err(gone());
        }
        let answer = runtime.block_on(async {
            match select(waiting, pin!(body.read(buffer))).await {
                Either::Left(_) => None,
                Either::Right((read, _)) => Some(read),
            }
        });
        answer.unwrap_or_else(|| {
            *cancelled = None;
            Err(gone())
        })
    }
}

/// The outcome of an object that cannot be read. A missing object is `Gone`. A denied read or a missing bucket needs an
/// operator, so it is `Refused`.
fn unread(error: &BackendError, bucket: &str, key: &str) -> Outcome {
    let named = |why: &str| format!("s3://{bucket}/{key}: {why}");
    if error.code == ARCHIVED {
        return Outcome::Skipped(SkipReason::Archived(format!("s3://{bucket}/{key}")));
    }
    match error.outcome(None) {
        Outcome::Deferred(why) => Outcome::Deferred(named(&why)),
        Outcome::Gone if error.code != "NoSuchBucket" => Outcome::Gone,
        other => Outcome::Refused(named(&other.reason().unwrap_or_else(|| error.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use tokio::io::ReadBuf;

    #[test]
    fn an_archived_object_is_skipped_and_named() {
        let error =
            BackendError::new(autotag_model::failure::classify(ARCHIVED, Some(403)), "GetObject", ARCHIVED);
        let outcome = unread(&error, "trail", "a.json.gz");
        let why = "s3://trail/a.json.gz: archived; restore it, then read it again";
        assert_eq!((outcome.name(), outcome.reason().as_deref()), ("Skipped", Some(why)));
        // In a queue it must not be acknowledged, and a retry does not help.
        assert!(outcome.is_returned() && !outcome.is_retryable());
    }

    /// A connection that stays open and sends nothing.
    struct Stalled;

    impl AsyncRead for Stalled {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    /// Otherwise the thread would read on, or wait, during the next invocations.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_read_into_an_empty_slice_tells_whether_the_download_is_waited_for() {
        let (guard, cancelled) = oneshot::channel::<()>();
        let mut download =
            Download { body: Box::new(Stalled), runtime: Handle::current(), cancelled: Some(cancelled) };
        assert_eq!(download.read(&mut []).unwrap(), 0);
        drop(guard);
        assert_eq!(download.read(&mut []).unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_stalled_download_ends_when_it_is_not_waited_for() {
        let (guard, cancelled) = oneshot::channel::<()>();
        let mut download =
            Download { body: Box::new(Stalled), runtime: Handle::current(), cancelled: Some(cancelled) };
        let reading = tokio::task::spawn_blocking(move || {
            let first = download.read(&mut [0; 8]).unwrap_err().kind();
            let second = download.read(&mut [0; 8]).unwrap_err().kind();
            (first, second)
        });
        drop(guard);
        assert_eq!(
            reading.await.unwrap(),
            (io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionAborted)
        );
    }
}
