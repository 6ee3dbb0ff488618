//! Values in order: sorted in memory while there is room, otherwise in sorted runs on disk that are merged.

use super::codec::Spill;
use super::storage::Storage;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek as _, Write as _};
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

/// So many runs become one. The program has no more files of a kind open than this on each level.
const FAN_IN: usize = 48;

/// The buffer for a run, in bytes.
const BUFFER: usize = 16 << 10;

/// The buffers of all runs of a merge, in bytes: many runs take no more memory than some.
const MERGE_BUFFERS: usize = 16 * BUFFER;

/// Sorted values in a temporary file.
#[derive(Debug)]
struct Run {
    file: File,
    values: u64,
}

impl Run {
    fn write<T: Spill>(storage: &Storage, values: impl Iterator<Item = io::Result<T>>) -> io::Result<Self> {
        let mut out = BufWriter::with_capacity(BUFFER, storage.file()?);
        let mut count = 0;
        for value in values {
            value?.write(&mut out)?;
            count += 1;
        }
        out.flush()?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Self { file, values: count })
    }

    fn read<T: Spill>(&self, buffer: usize) -> io::Result<RunReader<'_, T>> {
        (&self.file).rewind()?;
        let input = BufReader::with_capacity(buffer, &self.file);
        Ok(RunReader { input, left: self.values, of: PhantomData })
    }
}

#[derive(Debug)]
struct RunReader<'r, T> {
    input: BufReader<&'r File>,
    left: u64,
    of: PhantomData<T>,
}

impl<T: Spill> RunReader<'_, T> {
    fn next(&mut self) -> io::Result<Option<T>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        T::read(&mut self.input).map(Some)
    }
}

/// The runs that several sorters write.
#[derive(Debug)]
pub(crate) struct Runs {
    storage: Storage,
    /// Runs of values, runs of the values of such runs, and so on.
    levels: Mutex<Vec<Vec<Run>>>,
}

impl Runs {
    pub(crate) fn new(storage: &Storage) -> Self {
        Self { storage: storage.clone(), levels: Mutex::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn add<T: Spill>(&self, values: Vec<T>) -> io::Result<()> {
        let mut run = Run::write(&self.storage, values.into_iter().map(Ok))?;
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        for level in levels.iter_mut() {
            level.push(run);
            if level.len() < FAN_IN {
                return Ok(());
            }
            run = Run::write(&self.storage, Merge::<T>::of(level)?)?;
            level.clear();
        }
        levels.push(vec![run]);
        Ok(())
    }

    fn into_runs<T: Spill>(self) -> io::Result<Vec<Run>> {
        let levels = self.levels.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut runs: Vec<Run> = levels.into_iter().flatten().collect();
        while runs.len() > FAN_IN {
            let few: Vec<Run> = runs.drain(..FAN_IN).collect();
            runs.push(Run::write(&self.storage, Merge::<T>::of(&few)?)?);
        }
        Ok(runs)
    }
}

/// Values of one job, in any order.
#[derive(Debug)]
pub(crate) struct Sorter<T> {
    values: Vec<T>,
    size: usize,
    bound: usize,
}

impl<T: Spill> Sorter<T> {
    /// Keeps at most about `bound` bytes in memory.
    pub(crate) fn new(bound: usize) -> Self {
        Self { values: Vec::new(), size: 0, bound }
    }

    /// Takes a value. If this is true, there is no room for further ones.
    pub(crate) fn push(&mut self, value: T) -> bool {
        self.size += value.size();
        self.values.push(value);
        self.size > self.bound
    }

    pub(crate) fn values_mut(&mut self) -> &mut [T] {
        &mut self.values
    }

    /// Moves the values into a run.
    pub(crate) fn spill(&mut self, runs: &Runs) -> io::Result<()> {
        self.size = 0;
        let mut values = std::mem::take(&mut self.values);
        if values.is_empty() {
            return Ok(());
        }
        values.sort_unstable();
        runs.add(values)
    }
}

/// Values of all jobs, in their order.
#[derive(Debug)]
pub(crate) enum Sorted<T> {
    Memory(Vec<T>),
    Disk(Files<T>),
}

/// Sorted runs.
#[derive(Debug)]
pub(crate) struct Files<T> {
    runs: Vec<Run>,
    of: PhantomData<fn() -> T>,
}

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self::Memory(Vec::new())
    }
}

impl<T: Spill> Sorted<T> {
    /// The values of all jobs. They are in memory if no job has a run.
    pub(crate) fn new(sorters: Vec<Sorter<T>>, runs: Runs) -> io::Result<Self> {
        if runs.is_empty() {
            let mut values: Vec<T> = sorters.into_iter().flat_map(|sorter| sorter.values).collect();
            values.sort_unstable();
            return Ok(Self::Memory(values));
        }
        for mut sorter in sorters {
            sorter.spill(&runs)?;
        }
        Ok(Self::Disk(Files { runs: runs.into_runs::<T>()?, of: PhantomData }))
    }
}

impl<T: Spill> Sorted<T> {
    /// All values, once.
    pub(crate) fn drain(&mut self) -> io::Result<Box<dyn Iterator<Item = io::Result<T>> + '_>> {
        Ok(match self {
            Self::Memory(values) => Box::new(std::mem::take(values).into_iter().map(Ok)),
            Self::Disk(files) => Box::new(files.merge()?),
        })
    }
}

impl<T: Spill> Files<T> {
    /// All values, from the first.
    pub(crate) fn merge(&self) -> io::Result<Merge<'_, T>> {
        Merge::of(&self.runs)
    }
}

/// The values of sorted runs, in their order.
#[derive(Debug)]
pub(crate) struct Merge<'r, T> {
    readers: Vec<RunReader<'r, T>>,
    /// The next value of each run.
    heads: BinaryHeap<Reverse<(T, usize)>>,
}

impl<'r, T: Spill> Merge<'r, T> {
    fn of(runs: &'r [Run]) -> io::Result<Self> {
        let mut merge = Self { readers: Vec::new(), heads: BinaryHeap::new() };
        let buffer = BUFFER.min(MERGE_BUFFERS / runs.len().max(1));
        for (number, run) in runs.iter().enumerate() {
            let mut reader = run.read(buffer)?;
            merge.heads.extend(reader.next()?.map(|first| Reverse((first, number))));
            merge.readers.push(reader);
        }
        Ok(merge)
    }
}

impl<T: Spill> Iterator for Merge<'_, T> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((value, number)) = self.heads.pop()?;
        match self.readers.get_mut(number).map_or(Ok(None), RunReader::next) {
            Ok(next) => self.heads.extend(next.map(|next| Reverse((next, number)))),
            Err(error) => return Some(Err(error)),
        }
        Some(Ok(value))
    }
}

#[cfg(test)]
mod tests {
    use super::super::codec::Bytes as _;
    use super::*;
    use std::io::{Read, Write};

    impl Spill for u64 {
        fn size(&self) -> usize {
            8
        }

        fn write(&self, out: &mut impl Write) -> io::Result<()> {
            self.encode(out)
        }

        fn read(input: &mut impl Read) -> io::Result<Self> {
            Self::decode(input)
        }
    }

    /// More runs than are merged at once, on more than one level.
    #[test]
    fn any_number_of_runs_is_merged_in_order_and_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::new(Some(&folder.path().join("state")), None);
        for count in [0, 1, 47, 48, 49, 5_000] {
            let runs = Runs::new(&storage);
            let mut sorters = [Sorter::new(0), Sorter::new(0)];
            for value in 0..count {
                let sorter = &mut sorters[usize::from(value % 3 == 0)];
                assert!(sorter.push(value * 7_919 % 5_003));
                sorter.spill(&runs).unwrap();
            }
            let mut expected: Vec<u64> = (0..count).map(|value| value * 7_919 % 5_003).collect();
            expected.sort_unstable();
            match Sorted::new(sorters.into(), runs).unwrap() {
                Sorted::Memory(values) => assert_eq!((values, count), (expected, 0)),
                Sorted::Disk(files) => {
                    assert!(files.runs.len() <= FAN_IN);
                    for _ in 0..2 {
                        let merged: Vec<u64> = files.merge().unwrap().map(Result::unwrap).collect();
                        assert_eq!(merged, expected);
                    }
                }
            }
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the files have no name");
        }
    }
}
