//! Reads inputs one after the other, and uses its buffers again for the next one.

use super::item::Item;
use super::limits::Limits;
use super::malformed::{Faults, Malformed};
use super::piece::{Form, Piece};
use super::plain::{self, Select};
use super::split::Splitter;
use super::unwrap::{LocatedRecord, Unwrapper};
use libdeflater::Decompressor;
use std::io::{self, Cursor, Read};

/// Reads every record of `input` in order and passes each one to `visit`, or a [`Malformed`] for a part that is not a
/// record.
///
/// It never fails as a whole. If the rest of the input cannot be read, one of the last items is a [`Malformed`] that says
/// why.
///
/// An `EventBridge` event is believed only as a whole: the record has to be its `detail`. Nothing is unwrapped inside a
/// `detail`, because anybody who may put events on a bus chooses what is in there.
///
/// ```
/// use autotag_model::envelope::{Limits, read_records};
///
/// let lines = b"{\"eventSource\":\"sqs.amazonaws.com\",\"eventName\":\"CreateQueue\"}\n{\"eventSource\":\"s3.amaz";
/// let mut found = Vec::new();
/// read_records(&lines[..], &Limits::default(), &mut |item| found.push(match item {
///     Ok(located) => located.record.event_name.to_string(),
///     Err(malformed) => malformed.to_string(),
/// }));
/// assert_eq!(found, ["CreateQueue", "record 2, byte 62, $: the input ends inside this value; it was cut"]);
/// ```
pub fn read_records(
    input: impl Read,
    limits: &Limits,
    visit: &mut dyn FnMut(Result<LocatedRecord<'_>, Malformed>),
) {
    let mut each = |item: Item<'_>| match item {
        Item::Record(located) => visit(Ok(located)),
        Item::Malformed(fault) => visit(Err(fault)),
        // Every event is selected.
        Item::Unselected(_) => {}
    };
    RecordReader::new(limits.clone()).read(input, &mut |_, _, _| true, &mut each);
}

/// Reads the records of inputs. It keeps its buffers from one input to the next; [`Limits::whole_bytes`] bounds them.
///
/// An input that is no longer wanted can end the reading early: it fails at its next read. While the reader works on bytes that it
/// has already, it reads with an empty buffer for that.
///
/// ```
/// use autotag_model::envelope::{Item, Limits, RecordReader};
///
/// let record = |name: &str| format!(r#"{{"eventSource":"sqs.amazonaws.com","eventName":"{name}"}}"#);
/// let file = format!(r#"{{"Records":[{},{}]}}"#, record("ListQueues"), record("CreateQueue"));
/// let (mut names, mut others) = (Vec::new(), 0);
/// let mut wanted = |_source: &str, name: &str, _text: &[u8]| name.starts_with("Create");
/// RecordReader::new(Limits::default()).read(file.as_bytes(), &mut wanted, &mut |item| match item {
///     Item::Record(located) => names.push(located.record.event_name.to_string()),
///     Item::Unselected(records) => others += records,
///     Item::Malformed(fault) => panic!("{fault}"),
/// });
/// assert_eq!((names, others), (vec!["CreateQueue".to_owned()], 1));
/// ```
pub struct RecordReader {
    limits: Limits,
    inflater: Decompressor,
    /// The input as it comes.
    raw: Vec<u8>,
    /// The decompressed input. Its length is that of the longest one.
    text: Vec<u8>,
}

impl std::fmt::Debug for RecordReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordReader").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl RecordReader {
    /// A reader with empty buffers.
    pub fn new(limits: Limits) -> Self {
        Self { limits, inflater: Decompressor::new(), raw: Vec::new(), text: Vec::new() }
    }

    /// Reads every record of `input` in order, as [`read_records`] does, and passes on those of the
    /// events that `select` wants by event source, event name and the text of the record. Of the others only the number is passed
    /// on, or the record all the same: in most wrappings nothing is gained by leaving it out.
    pub fn read(&mut self, mut input: impl Read, select: Select<'_>, visit: &mut dyn FnMut(Item<'_>)) {
        let limits = &self.limits;
        let mut parts = Parts {
            unwrapper: Unwrapper::new(limits.value_bytes, limits.inflated_bytes),
            faults: Faults::new(limits.faults),
            visit,
        };
        match whole(&mut input, &mut self.raw, limits.whole_bytes) {
            Ok(Whole::Text) => parts.text(&self.raw, limits.value_bytes, select),
            Ok(Whole::Gzip) => {
                let text = inflated(&mut self.inflater, &self.raw, &mut self.text, limits.whole_bytes);
                if let Some(text) = text {
                    parts.text(text, limits.value_bytes, select);
                } else {
                    parts.held(&self.raw, input, limits.value_bytes);
                }
            }
            Ok(Whole::No) => parts.stream(Begun { begin: &self.raw, input }, limits.value_bytes),
            Err(error) => {
                parts.stream(Cursor::new(&self.raw).chain(Failed(Some(error))), limits.value_bytes);
            }
        }
        parts.end();
    }
}

/// The part of an input that is in memory.
enum Whole {
    /// All of it, and it begins as a log file.
    Text,
    /// All of it, and it is gzipped.
    Gzip,
    /// Only its beginning.
    No,
}

/// The beginning of each gzipped input.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// The size of one read, in bytes.
const CHUNK: usize = 256 << 10;

/// The size of the first read of a text, in bytes: most messages of a queue are no longer, and a long window takes longer to make
/// than they take to read. Each read is four times as long as the one before.
const FIRST_READ: usize = 4 << 10;

/// How many times as long as its gzip a log file is at least. Real ones are ten to twenty times as long.
const GZIP_RATIO: usize = 4;

/// How many times as long as its gzip a text may be that is read as a whole.
const MAX_RATIO: usize = 100;

/// A text up to this length may be any number of times as long as its gzip, in bytes.
const ALWAYS_INFLATED: usize = 1 << 20;

/// Reads an input into `raw`: all of it if it is a log file or gzipped, and not too long.
fn whole(input: &mut impl Read, raw: &mut Vec<u8>, most: usize) -> io::Result<Whole> {
    raw.clear();
    input.by_ref().take(plain::HEADER.len() as u64).read_to_end(raw)?;
    let (kind, most) = match raw.as_slice() {
        gzip if gzip.starts_with(GZIP) => (Whole::Gzip, most / GZIP_RATIO),
        text if text == plain::HEADER => (Whole::Text, most),
        _ => return Ok(Whole::No),
    };
    // One byte more tells that there are more.
    let left = (most + 1).saturating_sub(raw.len());
    input.by_ref().take(left as u64).read_to_end(raw)?;
    Ok(if raw.len() > most { Whole::No } else { kind })
}

/// The length of the check sum and the size at the end of a gzip member, in bytes.
const TRAILER: usize = 8;

/// The text of a gzip file that is one member, if it is as long as its end says. `None`: the streaming decoder has to tell
/// what it is.
fn inflated<'t>(
    inflater: &mut Decompressor,
    gzip: &[u8],
    text: &'t mut Vec<u8>,
    most: usize,
) -> Option<&'t [u8]> {
    /// The flag of a check sum of the header, which libdeflate does not check.
    const HEADER_SUM: u8 = 2;
    if gzip.get(3).is_none_or(|flags| flags & HEADER_SUM != 0) {
        return None;
    }
    let trailer: &[u8; TRAILER] = gzip.last_chunk()?;
    let written_size: &[u8; 4] = trailer.last_chunk()?;
    let size = u32::from_le_bytes(*written_size) as usize;
    if size > most || size > gzip.len().saturating_mul(MAX_RATIO).max(ALWAYS_INFLATED) {
        return None;
    }
    if text.len() < size + plain::ALIGNMENT {
        text.resize(size + plain::ALIGNMENT, 0);
    }
    let begin =
        text.get(plain::HEADER.len()..)?.as_ptr().align_offset(plain::ALIGNMENT).min(plain::ALIGNMENT);
    let bytes = text.get_mut(begin..begin + size)?;
    let is_full = inflater.gzip_decompress(gzip, bytes).is_ok_and(|length| length == size);
    // libdeflate reads the first member only, wherever it ends, and checks the sum and the size at its end. If the bytes of this
    // size are nowhere before the end of the file, then the member ends there, too. Sometimes they are by chance. Then the same
    // is asked of sum and size together.
    let is_last = |end: &[u8]| memchr::memmem::find(gzip, end) == Some(gzip.len() - end.len());
    let ends_with_sum = || trailer.starts_with(&libdeflater::crc32(bytes).to_le_bytes());
    let is_all = is_full && (is_last(written_size) || (ends_with_sum() && is_last(trailer)));
    if is_all { Some(bytes) } else { None }
}

/// An input whose reads are as long as they can be. The decoder loses what it has decoded of a read with damaged bytes, so
/// how much is found before the damage would otherwise depend on where the input comes from.
struct Filled<R> {
    input: R,
    /// The error that ended the last read, and is the result of the next one.
    failed: Option<io::Error>,
}

impl<R: Read> Read for Filled<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut filled = 0;
        while let Some(free) = into.get_mut(filled..).filter(|free| !free.is_empty()) {
            match self.input.read(free) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if filled == 0 => return Err(error),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        Ok(filled)
    }
}

/// An input whose first bytes are in memory. They may take long to decompress, so the input is asked with each read whether it has
/// failed: a download does when the time for it is over.
struct Begun<'b, R> {
    begin: &'b [u8],
    input: R,
}

impl<R: Read> Read for Begun<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.begin.is_empty() {
            return self.input.read(into);
        }
        let _nothing = self.input.read(&mut [])?;
        self.begin.read(into)
    }
}

/// The text of a gzipped input whose bytes are all in memory. As [`Begun`], the input is asked with each read.
struct Held<D, R> {
    decoder: D,
    input: R,
}

impl<D: Read, R: Read> Read for Held<D, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let _nothing = self.input.read(&mut [])?;
        self.decoder.read(into)
    }
}

/// An input that fails.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Passes on what is found in one input.
struct Parts<'v> {
    unwrapper: Unwrapper,
    faults: Faults,
    visit: &'v mut dyn FnMut(Item<'_>),
}

impl Parts<'_> {
    /// Reads a text that is in memory. What is not in the layout of a log file is left to the careful reader.
    fn text(&mut self, text: &[u8], limit: usize, select: Select<'_>) {
        if !text.starts_with(plain::HEADER) {
            return self.stream(Cursor::new(text), limit);
        }
        let progress = plain::read(text, limit, select, &mut |piece| self.piece(piece));
        if progress.unselected > 0 {
            (self.visit)(Item::Unselected(progress.unselected));
        }
        if !progress.is_whole {
            let rest = text.get(progress.at..).unwrap_or_default();
            let splitter = Splitter::after_records(limit, plain::LIST, progress.records, progress.at);
            self.split(rest, splitter, FIRST_READ);
        }
    }

    /// Reads an input from its beginning, gzipped or not.
    fn stream(&mut self, mut input: impl Read, limit: usize) {
        let mut magic = Vec::with_capacity(GZIP.len());
        let peeked = input.by_ref().take(GZIP.len() as u64).read_to_end(&mut magic);
        let gzipped = magic == GZIP;
        let whole = Cursor::new(magic).chain(input);
        let mut splitter = Splitter::new(limit);
        if let Err(error) = peeked {
            splitter.end(Some(error), &mut |piece| self.piece(piece));
        } else if gzipped {
            let (magic, input) = whole.into_inner();
            let whole = magic.chain(Filled { input, failed: None });
            self.split(flate2::read::MultiGzDecoder::new(whole), splitter, CHUNK);
        } else {
            self.split(whole, splitter, FIRST_READ);
        }
    }

    /// Reads a gzipped input that is in memory, as it is read from a stream.
    fn held(&mut self, gzip: &[u8], input: impl Read, limit: usize) {
        let (magic, rest) = gzip.split_at_checked(GZIP.len()).unwrap_or_default();
        let whole = magic.chain(Filled { input: rest, failed: None });
        let decoder = flate2::read::MultiGzDecoder::new(whole);
        self.split(Held { decoder, input }, Splitter::new(limit), CHUNK);
    }

    fn split(&mut self, mut input: impl Read, mut splitter: Splitter, mut chunk: usize) {
        let mut each = |piece: Piece<'_>| self.piece(piece);
        loop {
            match splitter.fill(&mut input, chunk) {
                Ok(0) => return splitter.end(None, &mut each),
                Ok(_) => {
                    splitter.drain(&mut each);
                    chunk = (4 * chunk).min(CHUNK);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    splitter.drain(&mut each);
                    return splitter.end(Some(error), &mut each);
                }
            }
        }
    }

    fn piece(&mut self, piece: Piece<'_>) -> Form {
        let Self { unwrapper, faults, visit } = self;
        let mut checked = |item: Result<LocatedRecord<'_>, Malformed>| match item {
            // Nothing is read after it, so it is always said.
            Err(fault) if fault.ends_the_input() => visit(Item::Malformed(fault)),
            Err(fault) => faults.add(fault, &mut |fault| visit(Item::Malformed(fault))),
            Ok(record) => visit(Item::Record(record)),
        };
        match piece {
            Piece::Value { bytes, position } => unwrapper.value(bytes, &position, &mut checked),
            Piece::Record { text, position } => unwrapper.record(text, &position, &mut checked),
            Piece::Fault { position, kind } => {
                checked(Err(Malformed { position, kind }));
                Form::NotJson
            }
        }
    }

    fn end(self) {
        self.faults.end(&mut |fault| (self.visit)(Item::Malformed(fault)));
    }
}
