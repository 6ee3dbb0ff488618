//! Sessions in a sorted file, of which only some keys are in memory.

use super::codec::{Bytes as _, Spill as _};
use anyhow::Result;
use async_trait::async_trait;
use autotag_model::session::Session;
use jiff::Timestamp;
use session_store::{SessionReader, SessionStoreError};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

/// How long a block is at least, in bytes.
const BLOCK: u64 = 2 << 10;

/// The most blocks. If there are more, every two become one: the memory for their keys is bounded.
const MAX_BLOCKS: usize = 8 << 10;

/// How many bytes most sessions do not exceed.
const SESSION_BYTES: usize = 512;

/// The buffer for writing, and for reading everything, in bytes.
const BUFFER: usize = 64 << 10;

/// How errors call the file.
const PLACE: &str = "a temporary file";

/// A session as bytes, with what it is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PackedSession {
    pub(super) role_session: String,
    pub(super) issued: Timestamp,
    pub(super) session: Vec<u8>,
}

impl PackedSession {
    pub(super) fn new(session: &Session) -> Result<Self> {
        Ok(Self {
            role_session: session.role_session.clone(),
            issued: session.issued,
            session: postcard::to_extend(session, Vec::with_capacity(SESSION_BYTES))?,
        })
    }

    fn key(&self) -> (&str, Timestamp) {
        (&self.role_session, self.issued)
    }
}

/// A part of the file: its first key, and where it begins.
#[derive(Debug)]
struct Block {
    role_session: String,
    issued: Timestamp,
    offset: u64,
}

impl Block {
    fn key(&self) -> (&str, Timestamp) {
        (&self.role_session, self.issued)
    }
}

/// Sessions in a file, in the order of their role session and time of issue. Copies of one session are merged.
#[derive(Debug)]
pub(crate) struct SessionFile {
    reader: Mutex<Reader>,
    blocks: Vec<Block>,
    length: u64,
}

impl SessionFile {
    /// Writes sorted sessions into an empty file.
    pub(super) fn write(
        file: File,
        sessions: impl Iterator<Item = io::Result<PackedSession>>,
    ) -> Result<Self> {
        let mut writer = Writer::new(file);
        // Copies of a session are among those of one name and time.
        let mut same: Vec<PackedSession> = Vec::new();
        for session in sessions {
            let session = session?;
            if same.first().is_some_and(|first| first.key() != session.key()) {
                writer.all(&mut same)?;
            }
            // A session that was delivered many times must not fill the memory.
            if same.last() != Some(&session) {
                same.push(session);
            }
        }
        writer.all(&mut same)?;
        let Writer { out, blocks, length, .. } = writer;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Self { reader: Mutex::new(Reader { file, bytes: Vec::new() }), blocks, length })
    }

    /// Calls `visit` with all sessions, at most `size` at a time.
    pub(super) fn each_batch(
        self,
        size: usize,
        mut visit: impl FnMut(&[Session]) -> Result<()>,
    ) -> Result<()> {
        let Reader { mut file, .. } = self.reader.into_inner().unwrap_or_else(PoisonError::into_inner);
        file.rewind()?;
        let mut input = BufReader::with_capacity(BUFFER, file.take(self.length));
        let mut batch = Vec::new();
        while !io::BufRead::fill_buf(&mut input)?.is_empty() {
            let packed = PackedSession::read(&mut input)?;
            batch.push(postcard::from_bytes(&packed.session)?);
            if batch.len() >= size {
                visit(&batch)?;
                batch.clear();
            }
        }
        if batch.is_empty() { Ok(()) } else { visit(&batch) }
    }

    /// Where all sessions are whose keys are in a range: the beginning and the end.
    fn part(&self, from: (&str, Timestamp), to: (&str, Timestamp)) -> (u64, u64) {
        // The block before the first one whose key is not smaller may have sessions of the range, too.
        let first = self.blocks.partition_point(|block| block.key() < from).saturating_sub(1);
        let end = self.blocks.partition_point(|block| block.key() <= to);
        let offset = |number: usize| self.blocks.get(number).map_or(self.length, |block| block.offset);
        (offset(first), offset(end))
    }

    fn find(&self, role_session: &str, between: &RangeInclusive<Timestamp>) -> Result<Vec<Session>> {
        let (from, to) = ((role_session, *between.start()), (role_session, *between.end()));
        if from > to {
            return Ok(Vec::new());
        }
        let (begin, end) = self.part(from, to);
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = reader.read(begin, end)?;
        let mut found = Vec::new();
        while !rest.is_empty() {
            let (role_session, issued) = (slice(&mut rest)?, Timestamp::decode(&mut rest)?);
            let session = slice(&mut rest)?;
            let key = (role_session, issued);
            if key > (to.0.as_bytes(), to.1) {
                break;
            }
            if key >= (from.0.as_bytes(), from.1) {
                found.push(postcard::from_bytes(session)?);
            }
        }
        Ok(found)
    }
}

/// The file, and what was read last.
#[derive(Debug)]
struct Reader {
    file: File,
    bytes: Vec<u8>,
}

impl Reader {
    fn read(&mut self, begin: u64, end: u64) -> io::Result<&[u8]> {
        let length = usize::try_from(end.saturating_sub(begin)).unwrap_or(usize::MAX);
        self.bytes.resize(length, 0);
        self.file.seek(SeekFrom::Start(begin))?;
        self.file.read_exact(&mut self.bytes)?;
        Ok(&self.bytes)
    }
}

/// Takes bytes behind their length, as they are encoded.
fn slice<'b>(rest: &mut &'b [u8]) -> io::Result<&'b [u8]> {
    let length = usize::try_from(u64::decode(rest)?).unwrap_or(usize::MAX);
    let (bytes, after) = rest.split_at_checked(length).ok_or(io::ErrorKind::UnexpectedEof)?;
    *rest = after;
    Ok(bytes)
}

/// A file in the making.
struct Writer {
    out: BufWriter<File>,
    blocks: Vec<Block>,
    /// How long a block is at least.
    block: u64,
    length: u64,
    bytes: Vec<u8>,
}

impl Writer {
    fn new(file: File) -> Self {
        let out = BufWriter::with_capacity(BUFFER, file);
        Self { out, blocks: Vec::new(), block: BLOCK, length: 0, bytes: Vec::new() }
    }

    /// Writes sessions of one name and time, ordered by their access keys.
    fn all(&mut self, same: &mut Vec<PackedSession>) -> Result<()> {
        if let [alone] = same.as_slice() {
            self.one(alone)?;
        } else {
            let mut merged: Vec<Session> = Vec::new();
            for packed in same.iter() {
                let session: Session = postcard::from_bytes(&packed.session)?;
                match merged.iter_mut().find(|known| known.is_same(&session)) {
                    Some(known) => known.merge(session),
                    None => merged.push(session),
                }
            }
            merged.sort_by(|one, other| one.access_key.cmp(&other.access_key));
            for session in &merged {
                self.one(&PackedSession::new(session)?)?;
            }
        }
        same.clear();
        Ok(())
    }

    fn one(&mut self, packed: &PackedSession) -> Result<()> {
        if self.blocks.last().is_none_or(|last| self.length - last.offset >= self.block) {
            if self.blocks.len() == MAX_BLOCKS {
                let mut number = 0;
                self.blocks.retain(|_| {
                    number += 1;
                    number % 2 == 1
                });
                self.block *= 2;
            }
            let role_session = packed.role_session.clone();
            self.blocks.push(Block { role_session, issued: packed.issued, offset: self.length });
        }
        self.bytes.clear();
        packed.write(&mut self.bytes)?;
        self.out.write_all(&self.bytes)?;
        self.length += self.bytes.len() as u64;
        Ok(())
    }
}

#[async_trait]
impl SessionReader for SessionFile {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        self.find(role_session, between).map_err(|error| SessionStoreError::Failed {
            place: PLACE.to_owned(),
            advice: "it was changed, or the disk fails: run the command again",
            source: error.into(),
        })
    }

    fn is_local(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
