//! Reads objects before a job asks for them, so that jobs compute while the network answers.

use super::download::{Source, Stream, whole};
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinHandle;

/// Objects ahead of the jobs. Log files are small, and S3 needs some time for each: an answer takes fifty times as long as
/// reading what is in it.
const MAX_OBJECTS: usize = 128;

/// Bytes ahead of the jobs.
const MAX_BYTES: u64 = 32 << 20;

/// Longer objects are read bit by bit, when their turn comes. CloudTrail's log files are shorter.
const MAX_WHOLE: u64 = 16 << 20;

/// Objects in the order in which they are asked for. The next ones are read ahead.
#[derive(Debug)]
pub(super) struct ReadAhead {
    sources: Vec<Arc<Source>>,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    /// The first object that is not begun.
    next: usize,
    /// Reads that are started and not yet asked for.
    begun: BTreeMap<usize, JoinHandle<io::Result<Vec<u8>>>>,
    /// Bytes of what is begun.
    bytes: u64,
}

impl ReadAhead {
    pub(super) fn new(sources: Vec<Arc<Source>>) -> Self {
        Self { sources, window: Mutex::default() }
    }

    /// Opens one of the objects, and begins those behind it.
    pub(super) fn open(&self, number: usize) -> io::Result<Box<dyn Read + Send>> {
        let Some(source) = self.sources.get(number) else { return Err(io::ErrorKind::NotFound.into()) };
        let begun = self.advance(number, source);
        if source.size > MAX_WHOLE {
            return Ok(Box::new(Stream::new(Arc::clone(source))));
        }
        let reading = begun.unwrap_or_else(|| begin(source));
        let bytes = source.s3.runtime.block_on(reading).map_err(io::Error::other)??;
        Ok(Box::new(Cursor::new(bytes)))
    }

    /// Takes an object out of the window, and fills the window.
    fn advance(&self, number: usize, source: &Source) -> Option<JoinHandle<io::Result<Vec<u8>>>> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = window.begun.remove(&number);
        if begun.is_some() {
            window.bytes -= source.size;
        } else if number >= window.next || window.begun.is_empty() {
            // The jobs are faster than the network, or begin again.
            window.next = number + 1;
        }
        while let Some(next) = self.sources.get(window.next) {
            if next.size <= MAX_WHOLE {
                if window.begun.len() >= MAX_OBJECTS || window.bytes + next.size > MAX_BYTES {
                    break;
                }
                let number = window.next;
                window.bytes += next.size;
                window.begun.insert(number, begin(next));
            }
            window.next += 1;
        }
        begun
    }
}

fn begin(source: &Arc<Source>) -> JoinHandle<io::Result<Vec<u8>>> {
    source.s3.runtime.spawn(whole(Arc::clone(source)))
}
