//! Finds the end of one JSON value by its braces and quotes alone.

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// The value ends right before the cursor.
    Done,
    /// The window ends before the value.
    More,
    /// It is not a JSON value: a line ends inside a string.
    Broken,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Nested,
    Text,
    Scalar,
    /// Not a value: everything up to the end of the line.
    Line,
}

/// The state of a scan through one value. A scan continues in the next window.
#[derive(Clone, Copy)]
pub(super) struct Scan {
    shape: Shape,
    depth: u64,
    in_text: bool,
    escaped: bool,
    broken: bool,
}

impl Scan {
    fn new(shape: Shape) -> Self {
        Self { shape, depth: 0, in_text: false, escaped: false, broken: false }
    }

    pub(super) fn of(first: u8) -> Option<Self> {
        let shape = match first {
            b'{' | b'[' => Shape::Nested,
            b'"' => Shape::Text,
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => Shape::Scalar,
            _ => return None,
        };
        Some(Self::new(shape))
    }

    pub(super) fn scalar() -> Self {
        Self::new(Shape::Scalar)
    }

    pub(super) fn line() -> Self {
        Self::new(Shape::Line)
    }

    pub(super) fn inside_object() -> Self {
        Self { depth: 1, ..Self::new(Shape::Nested) }
    }

    /// True if the end of the input ends the value: a bare number needs no delimiter.
    pub(super) fn ends_with_input(self) -> bool {
        self.shape == Shape::Scalar
    }

    /// True if the value is not JSON.
    pub(super) fn is_broken(self) -> bool {
        self.broken
    }

    pub(super) fn advance(&mut self, window: &[u8], at: &mut usize) -> Progress {
        loop {
            let rest = window.get(*at..).unwrap_or_default();
            let Some(&byte) = rest.first() else { return Progress::More };
            if self.in_text {
                if let Some(progress) = self.through_text(rest, at) {
                    return progress;
                }
                continue;
            }
            match (self.shape, byte) {
                (Shape::Line, b'\n') | (Shape::Scalar, b',' | b']' | b'}') => return Progress::Done,
                (Shape::Scalar, blank) if blank.is_ascii_whitespace() => return Progress::Done,
                (Shape::Nested | Shape::Text, b'"') => self.in_text = true,
                (Shape::Nested, b'{' | b'[') => self.depth += 1,
                (Shape::Nested, b'}' | b']') => self.depth -= self.depth.min(1),
                _ => {}
            }
            *at += 1;
            if self.shape == Shape::Nested && self.depth == 0 {
                return Progress::Done;
            }
        }
    }

    /// Goes on to the closing quote; `Some(More)` at the end of the window.
    fn through_text(&mut self, rest: &[u8], at: &mut usize) -> Option<Progress> {
        if self.escaped && rest.first() != Some(&b'\n') {
            self.escaped = false;
            *at += 1;
            return None;
        }
        let Some(found) = memchr::memchr3(b'"', b'\\', b'\n', rest) else {
            *at += rest.len();
            return Some(Progress::More);
        };
        *at += found;
        match rest.get(found) {
            Some(b'"') => self.in_text = false,
            Some(b'\\') => self.escaped = true,
            _ => {
                self.broken = true;
                return Some(Progress::Broken);
            }
        }
        *at += 1;
        (self.shape == Shape::Text && !self.in_text).then_some(Progress::Done)
    }
}
