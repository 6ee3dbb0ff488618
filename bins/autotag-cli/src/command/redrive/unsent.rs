//! The messages of a queue that were received and not sent: which they are, and how to make them visible again.

use anyhow::{Context as _, Result};
use std::collections::HashSet;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader, BufWriter, Seek as _, Write as _};

/// Ids as hashes, and receipts in a temporary file: a receipt has hundreds of bytes, and SQS hides up to 120,000 messages of a
/// queue. Two of so many ids have the same hash in one of a billion runs; the second message would be left where it is.
pub(super) struct Unsent {
    hasher: RandomState,
    ids: HashSet<u64>,
    receipts: Option<BufWriter<File>>,
}

impl Unsent {
    pub(super) fn new() -> Self {
        Self { hasher: RandomState::new(), ids: HashSet::new(), receipts: None }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Notes a message; `false` if it is noted already. A message that comes again has another receipt, which counts.
    pub(super) fn add(&mut self, id: &str, receipt: &str) -> Result<bool> {
        let is_new = self.ids.insert(self.hasher.hash_one(id));
        let file = match &mut self.receipts {
            Some(file) => file,
            None => self.receipts.insert(BufWriter::new(
                tempfile::tempfile().context("cannot make a temporary file for receipts of messages")?,
            )),
        };
        writeln!(file, "{}", receipt.replace('\n', "")).context("cannot write a temporary file")?;
        Ok(is_new)
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.ids.contains(&self.hasher.hash_one(id))
    }

    /// The receipts, in batches of at most `size`.
    pub(super) fn batches(&mut self, size: usize) -> Result<Batches> {
        let file = match self.receipts.take() {
            Some(mut file) => {
                file.flush()?;
                file.rewind()?;
                Some(BufReader::new(file.into_inner().context("cannot read a temporary file")?))
            }
            None => None,
        };
        Ok(Batches { file, size })
    }
}

/// The receipts of unsent messages, read from the file.
pub(super) struct Batches {
    file: Option<BufReader<File>>,
    size: usize,
}

impl Iterator for Batches {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        let file = self.file.as_mut()?;
        let lines = file.lines().take(self.size).map_while(Result::ok);
        let batch: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
        (!batch.is_empty()).then_some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_come_back_in_batches_and_ids_are_known_again() {
        let mut unsent = Unsent::new();
        for number in 0..23 {
            assert!(unsent.add(&format!("id-{number}"), &format!("receipt-{number}")).unwrap());
        }
        assert!(!unsent.add("id-7", "a later receipt").unwrap(), "it has come again");
        assert!(unsent.has("id-7") && !unsent.has("id-99"));
        assert_eq!(unsent.len(), 23);
        let batches: Vec<Vec<String>> = unsent.batches(10).unwrap().collect();
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 4]);
        assert_eq!(batches[2][3], "a later receipt");
    }

    #[test]
    fn without_messages_there_are_no_batches() {
        assert_eq!(Unsent::new().batches(10).unwrap().count(), 0);
    }
}
