//! Mutations of JSON that keep most of it well-formed: members removed, repeated, renamed, exchanged, values of other
//! types, nested, or at the limits of types.

use crate::json::{self, Kind, Span};
use crate::words;
use fastrand::Rng;
use std::collections::HashMap;
use std::ops::Range;

/// A JSON text to start from.
#[derive(Debug)]
pub(crate) struct Seed {
    pub(crate) text: Vec<u8>,
    spans: Vec<Span>,
}

impl Seed {
    /// A seed of a valid JSON text.
    pub(crate) fn new(text: &[u8]) -> Self {
        let text = json::compact(text);
        let spans = json::spans(&text);
        Self { text, spans }
    }

    fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.text.get(range).unwrap_or_default()
    }
}

/// Seeds of one kind, and their values by the names of members.
#[derive(Debug, Default)]
pub(crate) struct Seeds {
    pub(crate) seeds: Vec<Seed>,
    values: HashMap<Vec<u8>, Vec<(usize, usize)>>,
}

/// A range of the seed, and the range of the new bytes that replace it.
struct Edit {
    from: Range<usize>,
    to: Range<usize>,
}

/// Values that are longer are not copied into other texts: an input stays small.
const LONGEST_COPY: usize = 1_000;

impl Seeds {
    /// Seeds of valid JSON texts.
    pub(crate) fn new<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut all = Self::default();
        for text in texts {
            let seed = Seed::new(text.as_ref());
            for (number, span) in seed.spans.iter().enumerate() {
                if let Some(name) = span.name.clone().filter(|_| span.value.len() <= LONGEST_COPY) {
                    let places = all.values.entry(seed.bytes(name).to_vec()).or_default();
                    places.push((all.seeds.len(), number));
                }
            }
            all.seeds.push(seed);
        }
        all
    }

    /// Any seed.
    pub(crate) fn any(&self, rng: &mut Rng) -> &Seed {
        &self.seeds[rng.usize(..self.seeds.len())]
    }

    /// Appends a mutated seed to `out`.
    pub(crate) fn mutated(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        let seed = self.any(rng);
        self.mutate(seed, rng, out);
    }

    /// Appends `seed` to `out` with up to six changes.
    pub(crate) fn mutate(&self, seed: &Seed, rng: &mut Rng, out: &mut Vec<u8>) {
        let mut new = Vec::new();
        let count = rng.usize(..=3) + if rng.u8(..4) == 0 { rng.usize(..=3) } else { 0 };
        let mut edits: Vec<Edit> = (0..count).map(|_| self.edit(seed, rng, &mut new)).collect();
        edits.sort_by_key(|edit| (edit.from.start, edit.from.end));
        let mut at = 0;
        for edit in edits {
            if edit.from.start >= at {
                out.extend_from_slice(seed.bytes(at..edit.from.start));
                out.extend_from_slice(&new[edit.to]);
                at = edit.from.end;
            }
        }
        out.extend_from_slice(seed.bytes(at..seed.text.len()));
    }

    fn edit(&self, seed: &Seed, rng: &mut Rng, new: &mut Vec<u8>) -> Edit {
        let start = new.len();
        let span = &seed.spans[rng.usize(..seed.spans.len())];
        let value = seed.bytes(span.value.clone());
        let replaced = span.value.clone();
        let from = match rng.u8(..16) {
            0 | 1 => {
                new.extend_from_slice(words::VALUES[rng.usize(..words::VALUES.len())].as_bytes());
                replaced
            }
            2 => {
                let other = &seed.spans[rng.usize(..seed.spans.len())];
                let other = seed.bytes(other.value.clone());
                new.extend_from_slice(if other.len() <= LONGEST_COPY { other } else { b"{}" });
                replaced
            }
            3 | 4 => {
                new.extend_from_slice(self.other_value(seed, span, rng));
                replaced
            }
            5 | 6 => {
                of_another_type(span.kind, value, rng, new);
                replaced
            }
            7 => return self.repeated(seed, span, rng, new),
            8 => removed(seed, span),
            9 => {
                nested(value, rng, new);
                replaced
            }
            10 => match &span.name {
                Some(name) => {
                    other_name(seed.bytes(name.clone()), rng, new);
                    name.clone()
                }
                None => replaced.end..replaced.end,
            },
            11..=14 => {
                other_text(value, span.kind, rng, new);
                replaced
            }
            _ => {
                let at = rng.usize(..seed.text.len());
                new.extend_from_slice(
                    rng.choice([&b""[..], b",", b"}", b"]", b"{", b"[", b"\"", b":", b"k"]).unwrap_or(b""),
                );
                at..at + 1
            }
        };
        Edit { from, to: start..new.len() }
    }

    /// The value of a member of the same name in another seed, else of any name.
    fn other_value(&self, seed: &Seed, span: &Span, rng: &mut Rng) -> &[u8] {
        let named = span.name.clone().and_then(|name| self.values.get(seed.bytes(name)));
        let (number, at) = if let Some(places) = named {
            places[rng.usize(..places.len())]
        } else {
            let number = rng.usize(..self.seeds.len());
            (number, rng.usize(..self.seeds[number].spans.len()))
        };
        let other = &self.seeds[number];
        let value = other.bytes(other.spans[at].value.clone());
        if value.len() <= LONGEST_COPY { value } else { b"null" }
    }

    /// The member or element once more, with its own or another value.
    fn repeated(&self, seed: &Seed, span: &Span, rng: &mut Rng, new: &mut Vec<u8>) -> Edit {
        let start = new.len();
        let end = span.value.end;
        if start == 0 && span.value.start == 0 {
            return Edit { from: end..end, to: start..start };
        }
        new.push(b',');
        if let Some(name) = span.name.clone() {
            new.extend_from_slice(seed.bytes(name));
            new.push(b':');
        }
        let own = seed.bytes(span.value.clone());
        let value =
            if rng.bool() && own.len() <= LONGEST_COPY { own } else { self.other_value(seed, span, rng) };
        new.extend_from_slice(value);
        Edit { from: end..end, to: start..new.len() }
    }
}

/// The bytes to remove for a member or element: with the comma behind it, otherwise with the one before it.
fn removed(seed: &Seed, span: &Span) -> Range<usize> {
    let whole = span.whole();
    if seed.text.get(whole.end) == Some(&b',') {
        whole.start..whole.end + 1
    } else if whole.start > 0 && seed.text.get(whole.start - 1) == Some(&b',') {
        whole.start - 1..whole.end
    } else {
        whole
    }
}

/// The value as a list, an object, a text or a number.
fn of_another_type(kind: Kind, value: &[u8], rng: &mut Rng, new: &mut Vec<u8>) {
    let around: (&[u8], &[u8]) = match rng.u8(..7) {
        0 => (b"[", b"]"),
        1 => (b"{\"items\":[", b"]}"),
        2 => (b"{\"item\":", b"}"),
        3 => (b"{\"Tag\":", b"}"),
        4 => (b"{\"a\":", b"}"),
        _ if kind == Kind::Text && value.len() >= 2 && rng.bool() => {
            return new.extend_from_slice(&value[1..value.len() - 1]);
        }
        _ => return json::quoted(value, new),
    };
    new.extend_from_slice(around.0);
    new.extend_from_slice(value);
    new.extend_from_slice(around.1);
}

/// The value in many lists or objects.
fn nested(value: &[u8], rng: &mut Rng, new: &mut Vec<u8>) {
    let depth = *rng.choice([1_usize, 2, 4, 5, 8, 60, 126, 127, 128, 129].iter()).unwrap_or(&1);
    let depth = if rng.u8(..64) == 0 { 2_000 } else { depth };
    let (open, close): (&[u8], &[u8]) = if rng.bool() { (b"[", b"]") } else { (b"{\"items\":", b"}") };
    (0..depth).for_each(|_| new.extend_from_slice(open));
    new.extend_from_slice(value);
    (0..depth).for_each(|_| new.extend_from_slice(close));
}

fn other_name(name: &[u8], rng: &mut Rng, new: &mut Vec<u8>) {
    match rng.u8(..4) {
        0 => new.extend(name.iter().map(u8::to_ascii_lowercase)),
        1 => new.extend(name.iter().map(u8::to_ascii_uppercase)),
        _ => json::quoted(words::NAMES[rng.usize(..words::NAMES.len())].as_bytes(), new),
    }
}

/// A text with another piece in it, shorter, or much longer; other values become texts of the dictionary.
fn other_text(value: &[u8], kind: Kind, rng: &mut Rng, new: &mut Vec<u8>) {
    let word = words::TEXTS[rng.usize(..words::TEXTS.len())].as_bytes();
    if kind != Kind::Text || value.len() < 2 {
        new.push(b'"');
        new.extend_from_slice(word);
        return new.push(b'"');
    }
    let inner = &value[1..value.len() - 1];
    // A cut may split an escape or a character: what it leaves is broken, as some inputs should be.
    let at = if inner.is_empty() { 0 } else { rng.usize(..=inner.len()) };
    new.push(b'"');
    match rng.u8(..6) {
        0 => new.extend_from_slice(&inner[..at]),
        1 => new.extend_from_slice(&inner[at..]),
        2 => new.extend_from_slice(word),
        3 => {
            let times = *rng.choice([60_usize, 130, 260, 300, 1_100].iter()).unwrap_or(&60);
            new.extend_from_slice(inner);
            new.extend(std::iter::repeat_n(rng.u8(b'a'..=b'z'), times));
        }
        _ => {
            new.extend_from_slice(&inner[..at]);
            new.extend_from_slice(word);
            new.extend_from_slice(&inner[at..]);
        }
    }
    new.push(b'"');
}
