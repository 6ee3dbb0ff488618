//! Reads log files as CloudTrail writes them, nearly as fast as a search.
//!
//! CloudTrail writes `{"Records":[{...},{...}]}`, without a blank outside of texts. In this layout bit masks of 64 bytes at
//! a time show where each record ends, and that it is JSON. Only records of events that the caller selects are parsed.
//!
//! The reader stops at the first byte that does not fit, and the careful reader goes on after the last whole record. So
//! both always find the same.

mod block;
mod chunk;
mod escapes;
mod event;
mod grammar;
mod members;
mod scalar;
mod tokens;

use super::piece::{Each, Piece};
use super::position::{Position, Root};
use super::resume::is_well_formed;
use block::SIZE;
use chunk::{Chunk, LENGTH, TELLING};
use event::EventMembers;
use fearless_simd::{Level, Simd, dispatch, u64x8};
use grammar::Grammar;
pub(super) use members::Members;
use tokens::{Bits, Details, InObjects, Tokens};

/// How a log file begins. The list that it opens is [`LIST`].
pub(super) const HEADER: &[u8] = b"{\"Records\":[";

/// The alignment in memory at which the bytes after the header are read the fastest.
pub(super) const ALIGNMENT: usize = SIZE;

/// The name of the list of a log file.
pub(super) const LIST: &str = "Records";

/// Tells by event source and event name, and by its whole text, whether a record is wanted.
pub(super) type Select<'s> = &'s mut dyn FnMut(&str, &str, &[u8]) -> bool;

/// How far a text was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// The end of the last record, or of the header.
    pub(super) at: usize,
    /// How many records end before.
    pub(super) records: u64,
    /// How many of them are not selected.
    pub(super) unselected: u64,
    /// True if nothing is left to read.
    pub(super) is_whole: bool,
}

/// Reads the records of a text that begins with [`HEADER`], as far as they are in CloudTrail's layout. `limit` is the
/// length of the longest record.
pub(super) fn read(text: &[u8], limit: usize, select: Select<'_>, each: Each<'_>) -> Progress {
    let mut reader = Reader {
        text,
        limit,
        nesting: Nesting::of_header(),
        event: EventMembers::default(),
        begin: HEADER.len(),
        has_high: false,
        done: Progress { at: HEADER.len(), records: 0, unselected: 0, is_whole: false },
    };
    let level = Level::new();
    dispatch!(level, simd => reader.read(simd, select, each));
    reader.done
}

/// The brackets that are open.
struct Nesting {
    /// How many objects are open inside of the innermost list.
    objects: u64,
    /// One bit for each bracket around them, the innermost lowest: set for a list. The lowest is that of the innermost list.
    around: u128,
    depth: u64,
}

/// The depth of the list of records, and inside a record.
const IN_LIST: u64 = 2;
const IN_RECORD: u64 = 3;

/// How many chunks are compared before their masks are combined. The masks of one are still on their way to the memory when it
/// was just compared.
const CHUNKS: usize = 8;

/// The deepest nesting that is followed. One record in a million is nested deeper than a dozen levels.
const DEEPEST: u64 = 120;

impl Nesting {
    fn of_header() -> Self {
        Self { objects: 0, around: 1, depth: IN_LIST }
    }

    fn is_list(&self) -> bool {
        self.objects == 0
    }

    /// `false` if it is nested too deep.
    fn open(&mut self, is_list: bool) -> bool {
        self.depth += 1;
        if is_list {
            self.around = self.around << (self.objects + 1) | 1;
            self.objects = 0;
        } else {
            self.objects += 1;
        }
        self.depth <= DEEPEST
    }

    /// `false` if another kind of bracket is open.
    fn close(&mut self, is_list: bool) -> bool {
        self.depth -= 1;
        if self.objects > 0 {
            self.objects -= 1;
            return !is_list;
        }
        self.around >>= 1;
        let objects = self.around.trailing_zeros();
        self.objects = u64::from(objects);
        // Nothing is left around the list of records.
        self.around = self.around.checked_shr(objects).unwrap_or_default();
        is_list
    }

    /// Passes all brackets of objects in a block, in any order. `false` if one of them may end more than the objects inside of
    /// the innermost list, or may be nested too deep. Then nothing is passed.
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    fn pass_objects(&mut self, block: &InObjects) -> bool {
        let InObjects { opens, closes, .. } = *block;
        let passes = closes < self.objects && self.depth + opens <= DEEPEST;
        if passes {
            self.objects = self.objects + opens - closes;
            self.depth = self.depth + opens - closes;
        }
        passes
    }
}

struct Reader<'t> {
    text: &'t [u8],
    limit: usize,
    nesting: Nesting,
    /// The members of the current record that name its event.
    event: EventMembers,
    /// The start of the current record.
    begin: usize,
    /// True if the current record may have characters that are not ASCII.
    has_high: bool,
    done: Progress,
}

/// `Some` if reading goes on.
type GoesOn = Option<()>;

impl Reader<'_> {
    /// Reads chunk after chunk, until something does not fit.
    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    fn read<S: Simd>(&mut self, simd: S, select: Select<'_>, each: Each<'_>) {
        let mut grammar = Grammar::in_list(simd);
        let mut window = [Chunk::default(); CHUNKS];
        let mut at = HEADER.len();
        while let Some(rest) = self.text.get(at..).filter(|rest| !rest.is_empty()) {
            for (chunk, bytes) in window.iter_mut().zip(rest.chunks(LENGTH)) {
                *chunk = Chunk::first_of(simd, bytes);
            }
            for chunk in window.iter().take(rest.len().div_ceil(LENGTH)) {
                let tokens = grammar.tokens(simd, chunk);
                if self.chunk(&tokens, at, select, each).is_none() {
                    return;
                }
                at += LENGTH;
            }
        }
    }

    #[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
    #[inline(always)]
    fn chunk<S: Simd>(
        &mut self,
        tokens: &Tokens<u64x8<S>>,
        at: usize,
        select: Select<'_>,
        each: Each<'_>,
    ) -> GoesOn {
        for (number, block) in tokens.blocks().enumerate() {
            let at = at + number * SIZE;
            // Nearly all blocks: everything is in objects, and only the number of their brackets counts.
            let is_passed = block.is_some_and(|block| {
                (!block.has_details || self.has_plain_details(tokens, number, &block, at))
                    && self.nesting.pass_objects(&block)
            });
            if !is_passed {
                self.block(tokens.block(number), at, select, each)?;
            } else if self.nesting.depth == IN_RECORD {
                self.event_keys(tokens.event_keys(number), at);
            }
        }
        Some(())
    }

    /// True if the values and names in a block need no look at where they are. The members that name the event are at one depth
    /// if the block has no bracket.
    fn has_plain_details<S: Simd>(
        &self,
        tokens: &Tokens<u64x8<S>>,
        number: usize,
        block: &InObjects,
        at: usize,
    ) -> bool {
        let has_brackets = block.opens + block.closes > 0;
        (!has_brackets || tokens.event_keys(number).is_empty())
            && tokens.has_only_words(number, self.text.get(at..).unwrap_or_default())
    }

    /// Notes the members of a record that may name its event: the bytes that tell, in the block that begins at a byte.
    fn event_keys(&mut self, keys: Bits, at: usize) {
        for index in keys {
            self.event.key(self.text, (at + index as usize).saturating_sub(TELLING as usize));
        }
    }

    /// Goes through the brackets of a block. Between two brackets everything belongs to one object or list.
    #[inline(never)]
    fn block(&mut self, mut tokens: Tokens<u64>, at: usize, select: Select<'_>, each: Each<'_>) -> GoesOn {
        let details = tokens.details(self.text.get(at..).unwrap_or_default());
        self.has_high |= tokens.high != 0;
        // Text after a fault has no meaning.
        let before_fault = tokens.faults & tokens.faults.wrapping_neg();
        let mut brackets = tokens.brackets() & before_fault.wrapping_sub(1);
        let mut passed = 0_u64;
        loop {
            let bracket = brackets & brackets.wrapping_neg();
            // Up to the bracket and with it; up to the end if there is none.
            let segment = (bracket | bracket.wrapping_sub(1)) & !passed;
            self.segment(&tokens, &details, segment, at)?;
            if bracket == 0 {
                return (tokens.faults == 0).then_some(());
            }
            passed |= segment;
            brackets &= !bracket;
            let index = at + bracket.trailing_zeros() as usize;
            let is_list = tokens.of_lists & bracket != 0;
            if tokens.opens & bracket != 0 {
                self.open(is_list, index)?;
            } else {
                self.close(is_list, index, select, each)?;
                self.has_high |= tokens.high != 0;
            }
        }
    }

    fn segment(&mut self, tokens: &Tokens<u64>, details: &Details, segment: u64, at: usize) -> GoesOn {
        let faults = if self.nesting.is_list() { tokens.colons } else { tokens.faults_in_object };
        let misplaced = if self.nesting.depth == IN_LIST { tokens.plain_values } else { 0 };
        if (faults | misplaced) & segment != 0 {
            return None;
        }
        self.event.needs_parser |= details.codes_in_keys & segment != 0;
        if self.nesting.depth == IN_RECORD {
            self.event.needs_parser |= details.numbers_and_codes & segment != 0;
            self.event_keys(Bits(tokens.event_keys & segment), at);
        }
        Some(())
    }

    fn open(&mut self, is_list: bool, at: usize) -> GoesOn {
        if self.nesting.depth == IN_LIST {
            self.begin = at;
            if is_list {
                return None;
            }
        }
        self.nesting.open(is_list).then_some(())
    }

    fn close(&mut self, is_list: bool, at: usize, select: Select<'_>, each: Each<'_>) -> GoesOn {
        if !self.nesting.close(is_list) {
            return None;
        }
        match self.nesting.depth {
            IN_LIST => self.record(at + 1, select, each),
            depth if depth < IN_LIST => {
                let rest = self.text.get(at + 1..).unwrap_or_default();
                self.done.is_whole = rest.trim_ascii_end() == b"}";
                None
            }
            _ => Some(()),
        }
    }

    /// The current record ends before `end`.
    fn record(&mut self, end: usize, select: Select<'_>, each: Each<'_>) -> GoesOn {
        let bytes = self.text.get(self.begin..end)?;
        let event = std::mem::take(&mut self.event);
        let is_text = !std::mem::take(&mut self.has_high) || std::str::from_utf8(bytes).is_ok();
        if bytes.len() > self.limit || !is_text && !is_well_formed(bytes) {
            return None;
        }
        self.done.records += 1;
        self.done.at = end;
        let event = if is_text { event.of(self.text) } else { None };
        if event.is_some_and(|(source, name)| !select(source, name, bytes)) {
            self.done.unselected += 1;
            return Some(());
        }
        let position = Position {
            record: self.done.records,
            offset: self.begin as u64,
            root: Root::List(LIST),
            inner: String::new(),
        };
        each(match (event, std::str::from_utf8(bytes)) {
            (Some(_), Ok(text)) => Piece::Record { text, position },
            _ => Piece::Value { bytes, position },
        });
        Some(())
    }
}
