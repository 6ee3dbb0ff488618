//! Finds the values and members of a JSON text, so that mutations cut and paste them without parsing again.

use std::ops::Range;

/// The kind of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    Text,
    Scalar,
}

/// One value of a JSON text.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    /// The bytes of the value.
    pub(crate) value: Range<usize>,
    /// The bytes of the member's name with its quotes, if the value is a member of an object.
    pub(crate) name: Option<Range<usize>>,
    pub(crate) kind: Kind,
}

impl Span {
    /// The bytes of the member, or of the value if it has no name.
    pub(crate) fn whole(&self) -> Range<usize> {
        self.name.as_ref().map_or(self.value.start, |name| name.start)..self.value.end
    }
}

/// The JSON text without blanks between its tokens.
pub(crate) fn compact(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let (mut in_text, mut escaped) = (false, false);
    for &byte in text {
        if in_text {
            in_text = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_text = byte == b'"';
        }
        out.push(byte);
    }
    out
}

/// The values of a compact, valid JSON text, each object and list before its parts. The first is the text itself.
pub(crate) fn spans(text: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    value(text, 0, None, &mut spans);
    spans
}

/// Reads one value at `at`; returns where it ends.
fn value(text: &[u8], at: usize, name: Option<Range<usize>>, spans: &mut Vec<Span>) -> usize {
    let own = spans.len();
    let kind = match text.get(at) {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b'"') => Kind::Text,
        _ => Kind::Scalar,
    };
    spans.push(Span { value: at..at, name, kind });
    let end = match kind {
        Kind::Object | Kind::Array => container(text, at + 1, kind, spans),
        Kind::Text => end_of_text(text, at),
        Kind::Scalar => {
            let rest = text.get(at..).unwrap_or_default();
            at + rest.iter().take_while(|byte| !matches!(byte, b',' | b']' | b'}')).count()
        }
    };
    spans[own].value = at..end;
    end
}

fn container(text: &[u8], mut at: usize, kind: Kind, spans: &mut Vec<Span>) -> usize {
    while let Some(&byte) = text.get(at) {
        match byte {
            b'}' | b']' => return at + 1,
            b',' => at += 1,
            b'"' if kind == Kind::Object => {
                let end = end_of_text(text, at);
                at = value(text, end + 1, Some(at..end), spans);
            }
            _ => at = value(text, at, None, spans).max(at + 1),
        }
    }
    at
}

fn end_of_text(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at.min(text.len())
}

/// A text as JSON in a text.
pub(crate) fn quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            0..0x20 => out.extend(format!("\\u{byte:04x}").bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
