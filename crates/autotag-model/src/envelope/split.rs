//! Splits a stream of bytes into its top-level JSON values and the elements of its one long list, without parsing them.
//!
//! The splitter finds where values begin and end by quotes and braces alone; the JSON reader checks the contents later.
//! After a broken value it goes on at the next line that begins with `{` or, in a list, where the next record begins:
//! see [`next_record`].

use super::header::{Header, list_header};
use super::malformed::MalformedKind;
use super::mode::{Mode, after_value};
use super::not_json::starts_with;
use super::piece::{Each, Form, Piece};
use super::position::{Position, Root};
use super::resume::{AfterList, ListKind, Next, after_list, is_well_formed, next_record};
use super::scan::{Progress, Scan};
use std::io::{self, Read};

/// Some editors on Windows write it at the beginning of a file.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

pub(super) struct Splitter {
    /// The window is its first `filled` bytes.
    buffer: Vec<u8>,
    filled: usize,
    /// The offset of the window's first byte in the input.
    base: u64,
    /// The start of the current value in the window.
    start: usize,
    /// How much of the window has been scanned.
    at: usize,
    mode: Mode,
    /// How many values have begun at top level.
    values: u64,
    /// How many elements have begun in the current list.
    elements: u64,
    /// True if the last element of the current list, if there is one, is followed by a comma.
    expects_element: bool,
    limit: usize,
    /// How many bytes have been gone through a second time, after a value that is damaged.
    repeated: u64,
    seen_any: bool,
}

impl Splitter {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            filled: 0,
            base: 0,
            start: 0,
            at: 0,
            mode: Mode::Top,
            values: 0,
            elements: 0,
            expects_element: true,
            limit,
            repeated: 0,
            seen_any: false,
        }
    }

    /// A splitter that goes on in the list of a log file, after `records` records. The input that it is given begins at
    /// `offset` of the whole.
    pub(super) fn after_records(limit: usize, list: &'static str, records: u64, offset: usize) -> Self {
        Self {
            base: offset as u64,
            mode: Mode::Elements(Root::List(list), true),
            values: 1,
            elements: records,
            expects_element: records == 0,
            seen_any: true,
            ..Self::new(limit)
        }
    }

    /// Reads once into the window, at most `chunk` bytes.
    pub(super) fn fill(&mut self, input: &mut impl Read, chunk: usize) -> io::Result<usize> {
        // The bracket at the end of a list may have to be named as damage.
        let bracket = usize::from(matches!(self.mode, Mode::ListEnd(..)));
        let done = if matches!(self.mode, Mode::Value(..)) { self.start } else { self.at - bracket };
        if self.buffer.len() - self.filled < chunk {
            // Drop the finished bytes in one move for many reads; grow only for a value that needs it.
            self.buffer.copy_within(done..self.filled, 0);
            self.filled -= done;
            self.base += done as u64;
            self.start -= done.min(self.start);
            self.at -= done;
            if self.buffer.len() - self.filled < chunk {
                self.buffer.resize((self.filled + chunk).max(4 * chunk), 0);
            }
        }
        let free = self.buffer.get_mut(self.filled..).unwrap_or_default();
        let read = input.read(free)?;
        self.filled += read;
        Ok(read)
    }

    /// The bytes read and not dropped yet.
    fn window(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }

    /// Emits every value that ends within the window.
    pub(super) fn drain(&mut self, each: Each<'_>) {
        while self.step(false, each) {}
    }

    /// Ends the input, at its end or after an error: emits what is left.
    pub(super) fn end(&mut self, error: Option<io::Error>, each: Each<'_>) {
        if let (Some(error), Mode::Value(..)) = (&error, self.mode) {
            // A read error inside a value is one fault, not two: it is reported at the value.
            let error = io::Error::new(error.kind(), format!("{error} (inside this value)"));
            return self.fault(self.start, error.into(), each);
        }
        while self.step(true, each) {}
        let inside = !matches!(self.mode, Mode::Top);
        if let Some(error) = error {
            self.fault(self.at, error.into(), each);
        } else if !self.seen_any {
            self.fault(0, MalformedKind::Empty, each);
        } else if inside && !matches!(self.mode, Mode::Skip(..) | Mode::Seek(..) | Mode::SeekInLine(..)) {
            self.fault(self.at, MalformedKind::Cut, each);
        }
    }

    fn position(&self, at: usize) -> Position {
        let root = self.mode.root();
        let record = if root == Root::Value { self.values } else { self.elements }.max(1);
        Position { record, offset: self.base + at as u64, root, inner: String::new() }
    }

    fn fault(&self, at: usize, kind: MalformedKind, each: Each<'_>) {
        each(Piece::Fault { position: self.position(at), kind });
    }

    /// One step; `false` when more bytes are needed (or, at the end, when nothing is left).
    fn step(&mut self, ended: bool, each: Each<'_>) -> bool {
        match self.mode {
            Mode::Top => self.begin_top(ended, each),
            Mode::Elements(root, in_object) => self.begin_element(root, in_object, each),
            Mode::Value(scan, root, in_object) => self.go_through_value(scan, root, in_object, ended, each),
            Mode::Skip(mut scan, root, in_object) => {
                let progress = advance(&mut scan, self);
                self.mode = match progress {
                    Progress::More => Mode::Skip(scan, root, in_object),
                    Progress::Done | Progress::Broken => after_value(root, in_object),
                };
                progress != Progress::More
            }
            Mode::Seek(root, in_object) => self.seek(root, in_object, ended),
            Mode::SeekInLine(root, in_object) => self.seek_in_line(root, in_object, ended),
            Mode::ListEnd(root, in_object) => self.end_list(root, in_object, ended, each),
            Mode::Tail(mut scan) => {
                let progress = advance(&mut scan, self);
                self.mode = if progress == Progress::More { Mode::Tail(scan) } else { Mode::Top };
                progress != Progress::More
            }
        }
    }

    fn skip_blank(&mut self, also: &[u8]) -> Option<u8> {
        let rest = self.window().get(self.at..).unwrap_or_default();
        let blank = rest.iter().take_while(|b| b.is_ascii_whitespace() || also.contains(b)).count();
        self.at += blank;
        self.window().get(self.at).copied()
    }

    fn begin_top(&mut self, ended: bool, each: Each<'_>) -> bool {
        let Some(first) = self.skip_blank(b"\x1e") else { return false };
        if first == BYTE_ORDER_MARK[0] && self.base == 0 && self.at == 0 {
            if self.window().len() < BYTE_ORDER_MARK.len() && !ended {
                return false;
            }
            if self.window().starts_with(&BYTE_ORDER_MARK) {
                self.at = BYTE_ORDER_MARK.len();
                return true;
            }
        }
        self.seen_any = true;
        let rest = self.window().get(self.at..).unwrap_or_default();
        if first == b'[' {
            self.at += 1;
            self.begin_list(Root::Array, false);
            return true;
        }
        if first == b'{' {
            match list_header(rest) {
                Header::List(name, length) => {
                    self.at += length;
                    self.begin_list(Root::List(name), true);
                    return true;
                }
                Header::Undecided if !ended => return false,
                Header::Undecided | Header::Other => {}
            }
        }
        self.begin_value(first, Root::Value, false, each)
    }

    fn begin_list(&mut self, root: Root, in_object: bool) {
        self.values += 1;
        self.elements = 0;
        self.expects_element = true;
        self.mode = Mode::Elements(root, in_object);
    }

    fn begin_element(&mut self, root: Root, in_object: bool, each: Each<'_>) -> bool {
        let before = self.at;
        let next = self.skip_blank(b",");
        self.expects_element |= self.window().get(before..self.at).is_some_and(|blank| blank.contains(&b','));
        let Some(first) = next else { return false };
        if first == b']' {
            self.at += 1;
            self.mode = Mode::ListEnd(root, in_object);
            return true;
        }
        self.begin_value(first, root, in_object, each)
    }

    fn begin_value(&mut self, first: u8, root: Root, in_object: bool, each: Each<'_>) -> bool {
        let counter = if root == Root::Value { &mut self.values } else { &mut self.elements };
        *counter += 1;
        self.expects_element = false;
        self.start = self.at;
        let Some(scan) = Scan::of(first) else {
            self.mode = Mode::Value(Scan::scalar(), root, in_object);
            self.fault(self.at, starts_with(first, root == Root::Value), each);
            self.at += 1;
            // The rest of the line cannot be interpreted; in a list, up to the next record.
            self.mode = match root {
                Root::Value => Mode::Skip(Scan::line(), root, in_object),
                Root::Array | Root::List(_) => Mode::SeekInLine(root, in_object),
            };
            return true;
        };
        self.mode = Mode::Value(scan, root, in_object);
        true
    }

    fn go_through_value(
        &mut self,
        mut scan: Scan,
        root: Root,
        in_object: bool,
        ended: bool,
        each: Each<'_>,
    ) -> bool {
        let progress = advance(&mut scan, self);
        self.mode = Mode::Value(scan, root, in_object);
        let too_long = self.at - self.start > self.limit;
        match progress {
            Progress::Done if !too_long => self.emit(root, in_object, each),
            Progress::More if ended && scan.ends_with_input() => self.emit(root, in_object, each),
            Progress::More if !too_long && !ended => return false,
            Progress::Done => {
                self.fault(self.start, MalformedKind::TooLong(self.limit), each);
                self.mode = after_value(root, in_object);
            }
            Progress::More | Progress::Broken => {
                let kind = if too_long {
                    MalformedKind::TooLong(self.limit)
                } else if progress == Progress::Broken {
                    MalformedKind::NotJson(
                        "not JSON: a text does not end in its line; the record may be cut".to_owned(),
                    )
                } else {
                    MalformedKind::Cut
                };
                self.fault(self.start, kind, each);
                return self.find_next_value(scan, root, in_object, ended);
            }
        }
        true
    }

    fn emit(&mut self, root: Root, in_object: bool, each: Each<'_>) {
        let position = self.position(self.start);
        let bytes = self.window().get(self.start..self.at).unwrap_or_default();
        let damaged = each(Piece::Value { bytes, position }) == Form::NotJson
            && root != Root::Value
            // Text inside a well-formed value is never taken for another record.
            && !is_well_formed(bytes);
        self.mode = after_value(root, in_object);
        if damaged && self.may_repeat(self.at - self.start) {
            self.at = self.start + 1;
            self.mode = Mode::Seek(root, in_object);
        }
    }

    /// Notes that bytes are gone through again. Their number is bounded by what has been read, so that no input takes more
    /// than a few times as long as an undamaged one.
    fn may_repeat(&mut self, bytes: usize) -> bool {
        self.repeated += bytes as u64;
        self.repeated <= self.base + self.at as u64 + 4 * self.limit as u64
    }

    /// After a value that does not end: goes on where the next one begins.
    fn find_next_value(&mut self, scan: Scan, root: Root, in_object: bool, ended: bool) -> bool {
        let end = self.at;
        if !self.may_repeat(end - self.start) {
            self.mode = Mode::Seek(root, in_object);
            return true;
        }
        self.at = self.start + 1;
        self.mode = Mode::Seek(root, in_object);
        if self.seek(root, in_object, ended) || ended || scan.is_broken() {
            return true;
        }
        // The value is only too long: its braces show where it ends.
        self.at = end;
        self.mode = Mode::Skip(scan, root, in_object);
        true
    }

    fn seek(&mut self, root: Root, in_object: bool, ended: bool) -> bool {
        let next =
            if root == Root::Value { self.next_line() } else { next_record(self.window(), self.at, ended) };
        match next {
            Next::Begins(at) => {
                self.at = at;
                self.mode = after_value(root, in_object);
                true
            }
            Next::NotBefore(at) => {
                self.at = at;
                false
            }
        }
    }

    fn seek_in_line(&mut self, root: Root, in_object: bool, ended: bool) -> bool {
        let rest = self.window().get(self.at..).unwrap_or_default();
        let line_end = memchr::memchr(b'\n', rest).map(|length| self.at + length);
        match next_record(self.window(), self.at, ended || line_end.is_some()) {
            Next::Begins(at) if line_end.is_none_or(|end| at < end) => self.at = at,
            Next::Begins(_) | Next::NotBefore(_) if line_end.is_some() => {
                self.at = line_end.unwrap_or(self.at);
            }
            Next::Begins(at) | Next::NotBefore(at) => {
                self.at = at;
                return false;
            }
        }
        self.mode = after_value(root, in_object);
        true
    }

    /// The next line that begins with `{`.
    fn next_line(&self) -> Next {
        let rest = self.window().get(self.at..).unwrap_or_default();
        match memchr::memmem::find(rest, b"\n{") {
            Some(next) => Next::Begins(self.at + next),
            None => Next::NotBefore(self.at.max(self.filled.saturating_sub(1))),
        }
    }

    /// A `]` ends the list only where the text after it fits the end of what holds the list. Otherwise it is damage.
    fn end_list(&mut self, root: Root, in_object: bool, ended: bool, each: Each<'_>) -> bool {
        let kind = match (in_object, self.expects_element) {
            (true, _) => ListKind::Member,
            (false, true) => ListKind::TopBeforeElement,
            (false, false) => ListKind::Top,
        };
        let next = match after_list(self.window().get(self.at..).unwrap_or_default(), kind, ended) {
            AfterList::Undecided => return false,
            AfterList::End => {
                self.mode = if in_object { Mode::Tail(Scan::inside_object()) } else { Mode::Top };
                return true;
            }
            AfterList::Element => Mode::Elements(root, in_object),
            AfterList::Damage => Mode::SeekInLine(root, in_object),
        };
        self.elements += 1;
        let what = "not JSON: `]` does not end the list: more of it follows".to_owned();
        self.fault(self.at - 1, MalformedKind::NotJson(what), each);
        self.mode = next;
        true
    }
}

/// Continues a scan at the cursor.
fn advance(scan: &mut Scan, splitter: &mut Splitter) -> Progress {
    let mut at = splitter.at;
    let progress = scan.advance(splitter.window(), &mut at);
    splitter.at = at;
    progress
}
