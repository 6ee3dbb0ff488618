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

/// A read that is started.
type Reading = JoinHandle<io::Result<Vec<u8>>>;

/// Objects in the order in which they are asked for. The next ones are read ahead.
#[derive(Debug)]
pub(super) struct ReadAhead {
    sources: Vec<Arc<Source>>,
    window: Mutex<Window<Reading>>,
}

/// The objects that are read ahead.
#[derive(Debug)]
struct Window<T> {
    /// The first object that is not begun.
    next: usize,
    /// Reads that are started and not yet asked for.
    begun: BTreeMap<usize, T>,
    /// Bytes of what is begun.
    bytes: u64,
    /// For each object whether a job has asked for it. Two jobs do not always ask in the order of the objects.
    asked: Vec<bool>,
}

impl<T> Window<T> {
    fn of(objects: usize) -> Self {
        Self { next: 0, begun: BTreeMap::new(), bytes: 0, asked: vec![false; objects] }
    }

    /// Takes an object of `size` bytes out of the window, because a job asks for it.
    fn take(&mut self, number: usize, size: u64) -> Option<T> {
        let begun = self.begun.remove(&number);
        if begun.is_some() {
            self.bytes -= size;
        } else if self.asked.get(number) == Some(&true) {
            // The jobs begin again.
            self.asked.fill(false);
            self.next = number + 1;
        } else {
            // The jobs may be faster than the network.
            self.next = self.next.max(number + 1);
        }
        if let Some(asked) = self.asked.get_mut(number) {
            *asked = true;
        }
        begun
    }

    /// Begins objects up to the bounds. Longer ones and those that a job has asked for are left out. Both functions answer with
    /// `None` if there is no such object.
    fn fill(&mut self, size: impl Fn(usize) -> Option<u64>, begin: impl Fn(usize) -> Option<T>) {
        while let Some(size) = size(self.next) {
            if size <= MAX_WHOLE && self.asked.get(self.next) == Some(&false) {
                if self.begun.len() >= MAX_OBJECTS || self.bytes + size > MAX_BYTES {
                    break;
                }
                if let Some(read) = begin(self.next) {
                    self.bytes += size;
                    self.begun.insert(self.next, read);
                }
            }
            self.next += 1;
        }
    }
}

impl ReadAhead {
    pub(super) fn new(sources: Vec<Arc<Source>>) -> Self {
        Self { window: Mutex::new(Window::of(sources.len())), sources }
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
    fn advance(&self, number: usize, source: &Source) -> Option<Reading> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = window.take(number, source.size);
        let source = |number: usize| self.sources.get(number);
        window.fill(|number| source(number).map(|source| source.size), |number| source(number).map(begin));
        begun
    }
}

fn begin(source: &Arc<Source>) -> Reading {
    source.s3.runtime.spawn(whole(Arc::clone(source)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// The objects that are begun if jobs ask for these, of objects with one byte each.
    fn begun_for(objects: usize, asked: &[usize]) -> Vec<usize> {
        let (mut window, begun) = (Window::of(objects), RefCell::new(Vec::new()));
        for number in asked {
            if window.take(*number, 1).is_none() {
                begun.borrow_mut().push(*number);
            }
            let read = |number| {
                begun.borrow_mut().push(number);
                Some(())
            };
            window.fill(|number| (number < objects).then_some(1), read);
        }
        begun.into_inner()
    }

    #[test]
    fn each_object_is_begun_once_in_any_order_of_the_jobs() {
        for asked in [[0, 1, 2], [1, 0, 2], [2, 1, 0], [2, 0, 1], [1, 2, 0]] {
            let mut begun = begun_for(3, &asked);
            begun.sort_unstable();
            assert_eq!(begun, [0, 1, 2], "{asked:?}");
        }
    }

    #[test]
    fn objects_are_begun_again_if_the_jobs_begin_again() {
        assert_eq!(begun_for(3, &[0, 1, 2, 0, 1, 2]), [0, 1, 2, 0, 1, 2]);
        assert_eq!(begun_for(2, &[1, 0, 1, 0]), [1, 0, 1, 0]);
    }

    #[test]
    fn no_more_are_begun_than_the_bound_allows() {
        assert_eq!(begun_for(500, &[0]).len(), 1 + MAX_OBJECTS);
        assert_eq!(begun_for(500, &[0, 1, 2]).len(), 3 + MAX_OBJECTS);
    }
}
