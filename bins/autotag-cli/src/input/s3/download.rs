//! Reads one object to its end. If an answer breaks off, it asks for the rest, as long as the object is the same.

use super::connection::{S3, why};
use autotag_aws::{LogFilePart, get_log_file};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How often an answer may break off.
const ATTEMPTS: u32 = 6;

/// After so many bytes the count of attempts starts again, so that a long object over a poor connection ends too.
const ENOUGH: u64 = 8 << 20;

/// The pause before the second attempt. Before each further one it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// An object of a bucket.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) s3: Arc<S3>,
    pub(super) bucket: Arc<str>,
    pub(super) key: String,
    /// In bytes, when it was listed.
    pub(super) size: u64,
    /// Its `ETag`, when it was listed.
    pub(super) version: Option<String>,
}

/// Reads an object into memory. Either all of its bytes are of one version of it, or it is an error.
pub(super) async fn whole(source: Arc<Source>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(source.size).unwrap_or_default());
    let mut download = Download::new(source);
    loop {
        match download.next().await? {
            Step::Chunk(chunk) => bytes.extend_from_slice(&chunk),
            Step::Anew(_) => bytes.clear(),
            Step::End => return Ok(bytes),
        }
    }
}

/// An object that is too long for the memory. What is read is of one version of it.
#[derive(Debug)]
pub(super) struct Stream {
    download: Download,
    chunk: Vec<u8>,
    at: usize,
    /// The reader already has bytes of this version.
    is_begun: bool,
}

impl Stream {
    pub(super) fn new(source: Arc<Source>) -> Self {
        Self { download: Download::new(source), chunk: Vec::new(), at: 0, is_begun: false }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.chunk.len() {
            let runtime = Arc::clone(&self.download.source.s3.runtime);
            match runtime.block_on(self.download.next())? {
                Step::Chunk(chunk) => (self.chunk, self.at) = (chunk, 0),
                Step::Anew(why) if self.is_begun => return Err(io::Error::other(why)),
                Step::Anew(_) => {}
                Step::End => return Ok(0),
            }
        }
        self.is_begun = true;
        let read = self.chunk.get(self.at..).unwrap_or_default().read(into)?;
        self.at += read;
        Ok(read)
    }
}

/// The next step for an object.
enum Step {
    Chunk(Vec<u8>),
    End,
    /// The bytes so far do not count: the object begins again.
    Anew(String),
}

/// A download under way.
#[derive(Debug)]
struct Download {
    source: Arc<Source>,
    /// The version that is read, by its `ETag`.
    version: Option<String>,
    /// Bytes that came.
    at: u64,
    /// The length of this version.
    length: Option<u64>,
    body: Option<ByteStream>,
    /// How often it broke off since the byte `failures_since`.
    failures: u32,
    failures_since: u64,
    /// The number of restarts.
    restarts: u32,
}

impl Download {
    fn new(source: Arc<Source>) -> Self {
        Self {
            source,
            version: None,
            at: 0,
            length: None,
            body: None,
            failures: 0,
            failures_since: 0,
            restarts: 0,
        }
    }

    async fn next(&mut self) -> io::Result<Step> {
        loop {
            let Some(body) = &mut self.body else {
                match self.ask().await? {
                    Some(anew) => return Ok(anew),
                    None => continue,
                }
            };
            match body.next().await {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => {
                    self.at += chunk.len() as u64;
                    return Ok(Step::Chunk(chunk.to_vec()));
                }
                None if self.length.is_none_or(|length| self.at == length) => return Ok(Step::End),
                None => self.broke_off("it ended early").await?,
                // All bytes came, but are not those of the checksum.
                Some(Err(error)) if self.length.is_some_and(|length| self.at >= length) => {
                    return self.anew(&error.to_string());
                }
                Some(Err(error)) => self.broke_off(&error.to_string()).await?,
            }
        }
    }

    /// Asks for what is left. A step if it cannot be continued.
    async fn ask(&mut self) -> io::Result<Option<Step>> {
        let Source { s3, bucket, key, size, .. } = &*self.source;
        let part = LogFilePart { from: self.at, version: self.version.clone() };
        let object = match get_log_file(&s3.client, bucket, key, *size, &part).await {
            Ok(object) => object,
            Err(error) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 412) => {
                return self.anew("the object was replaced").map(Some);
            }
            Err(error) => return Err(io::Error::other(why("GetObject", &error))),
        };
        if !begins_at(&object, self.at) {
            return Err(io::Error::other("GetObject answered another part than was asked for"));
        }
        if self.at == 0 {
            self.length = object.content_length().and_then(|length| u64::try_from(length).ok());
        }
        self.version = object.e_tag;
        self.body = Some(object.body);
        Ok(None)
    }

    fn anew(&mut self, why: &str) -> io::Result<Step> {
        self.restarts += 1;
        if self.restarts >= ATTEMPTS {
            return Err(io::Error::other(format!(
                "the object cannot be read whole: {why}, {ATTEMPTS} times"
            )));
        }
        (self.at, self.version, self.length, self.body) = (0, None, None, None);
        (self.failures, self.failures_since) = (0, 0);
        Ok(Step::Anew(format!("{why} while it was read")))
    }

    async fn broke_off(&mut self, why: &str) -> io::Result<()> {
        self.body = None;
        if self.at >= self.failures_since + ENOUGH {
            (self.failures, self.failures_since) = (0, self.at);
        }
        self.failures += 1;
        if self.failures >= ATTEMPTS {
            let (at, of) = (self.at, self.length.map_or(String::new(), |length| format!(" of {length}")));
            return Err(io::Error::other(format!(
                "the object cannot be read whole: {ATTEMPTS} answers broke off, the last after {at}{of} bytes: {why}"
            )));
        }
        sleep(FIRST_PAUSE * 2_u32.saturating_pow(self.failures - 1)).await;
        Ok(())
    }
}

/// True if the answer begins with this byte of the object.
fn begins_at(object: &GetObjectOutput, from: u64) -> bool {
    // bytes 100-199/200
    let begin = |range: &str| range.strip_prefix("bytes ")?.split_once('-')?.0.parse::<u64>().ok();
    from == object.content_range().and_then(begin).unwrap_or_default()
}
