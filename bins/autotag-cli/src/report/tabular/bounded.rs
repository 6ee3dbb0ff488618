//! Limits the size of one row. In a file with an unclosed quote, a row would have no end.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// The most bytes of a row. The configuration of a resource, which AWS Config writes into a cell, takes less than a tenth.
pub(super) const MOST: usize = 4 << 20;

/// How many bytes may still be read before the row has to end.
#[derive(Debug, Clone)]
pub(super) struct RowLimit(Rc<Cell<usize>>);

impl Default for RowLimit {
    fn default() -> Self {
        Self(Rc::new(Cell::new(MOST)))
    }
}

impl RowLimit {
    /// A row has ended.
    pub(super) fn renew(&self) {
        self.0.set(MOST);
    }

    /// True if a row was too long.
    pub(super) fn is_used_up(&self) -> bool {
        self.0.get() == 0
    }
}

/// An input that ends with an error where a row is too long.
#[derive(Debug)]
pub(super) struct Bounded<R> {
    pub(super) input: R,
    pub(super) limit: RowLimit,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.limit.0.get();
        if left == 0 {
            return Err(io::Error::other(format!("a row is longer than {MOST} bytes")));
        }
        let length = buffer.len().min(left);
        let count = self.input.read(buffer.get_mut(..length).unwrap_or_default())?;
        self.limit.0.set(left - count);
        Ok(count)
    }
}
