//! Any bytes -> records and faults.

use crate::mutate::Seeds;
use crate::seeds::SeedTexts;
use crate::target::{Target, Violation, hold, same};
use crate::{random, wrap};
use autotag_model::envelope::{Limits, read_records};
use fastrand::Rng;
use std::io::{self, Read};

pub(super) struct Envelope {
    records: Seeds,
    files: Seeds,
}

impl Envelope {
    pub(super) fn new(seeds: &SeedTexts) -> Self {
        let small = seeds.records.iter().chain(&seeds.sts).filter(|text| text.len() <= 1_200);
        Self { records: Seeds::new(small), files: Seeds::new(&seeds.files) }
    }
}

impl Target for Envelope {
    fn name(&self) -> &'static str {
        "envelope"
    }

    fn share(&self) -> u64 {
        30
    }

    fn generate(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        if rng.u8(..8) == 0 {
            self.files.mutated(rng, out);
        } else {
            let mut texts = Vec::new();
            for _ in 0..rng.usize(1..=3) {
                let mut text = Vec::new();
                match rng.u8(..4) {
                    0 => text.extend_from_slice(&self.records.any(rng).text),
                    1 => text.extend_from_slice(
                        b"{\"eventVersion\":\"1.08\",\"eventSource\":\"a\",\"eventName\":\"b\"}",
                    ),
                    _ => self.records.mutated(rng, &mut text),
                }
                if rng.u8(..4) == 0 {
                    let mut wrapped = Vec::new();
                    wrap::once(rng, &text, &mut wrapped);
                    text = wrapped;
                }
                texts.push(text);
            }
            wrap::together(rng, &texts, out);
        }
        while rng.u8(..5) == 0 && out.len() < 8_000 {
            let inner = std::mem::take(out);
            wrap::once(rng, &inner, out);
        }
        if rng.u8(..3) == 0 {
            random::damage(rng, out);
        }
        if rng.u8(..12) == 0 {
            *out = wrap::damaged_gzip(rng, out);
        }
    }

    fn check(&self, input: &[u8]) -> Result<(), Violation> {
        let items = read(input);
        same(&items, &read(input), "read twice, the same items")?;
        let text = text_of(input);
        if !input.starts_with(&GZIP) {
            // How much one read gives differs in a file and in a stream. How much of a damaged gzip can be read depends on it.
            let most = 1 + input.iter().fold(0_usize, |sum, byte| sum + usize::from(*byte)) % 97;
            same(&items, &read(Pieces { rest: input, most }), "read in small pieces, the same items")?;
        }
        let bytes = text.len();
        hold(items.len() <= bytes + 1, "at most one item a byte", || {
            format!("{} items, {bytes} bytes", items.len())
        })?;
        // An empty list has no item, and a subscription may hold one where it cannot be seen.
        let list = text.contains(&b'[') || text.windows(7).any(|part| part == b"awslogs");
        hold(!items.is_empty() || list, "no input disappears", || "no item".to_owned())?;
        every_item_is_where_it_says(&items, &text)
    }
}

#[derive(Debug, PartialEq)]
struct Item {
    offset: u64,
    number: u64,
    /// The JSON path and the record's text, or the fault.
    path: String,
    raw: Result<String, String>,
}

fn read(input: impl Read) -> Vec<Item> {
    let mut items = Vec::new();
    read_records(input, &Limits::default(), &mut |item| {
        let (position, raw) = match item {
            Ok(located) => (located.position, Ok(located.raw.to_owned())),
            Err(fault) => (fault.position, Err(fault.kind.to_string())),
        };
        let path = position.path();
        items.push(Item { offset: position.offset, number: position.record, path, raw });
    });
    items
}

/// Gives at most some bytes a read.
struct Pieces<'i> {
    rest: &'i [u8],
    most: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = self.most.min(into.len());
        self.rest.read(&mut into[..most])
    }
}

/// The first bytes of gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The input without its gzip, as far as it can be read.
fn text_of(input: &[u8]) -> Vec<u8> {
    if !input.starts_with(&GZIP) {
        return input.to_vec();
    }
    let mut text = Vec::new();
    // Data before damage counts.
    let _ = flate2::read::MultiGzDecoder::new(input).read_to_end(&mut text);
    text
}

/// A record that no text of its wrappings encloses is in the input's own bytes from its offset; values come in their order.
fn every_item_is_where_it_says(items: &[Item], text: &[u8]) -> Result<(), Violation> {
    const STEPS_IN_TEXT: [&str; 5] = [".body", ".Message", ".message", ".CloudTrailEvent", ".awslogs"];
    let mut before = 0;
    for item in items {
        let at = usize::try_from(item.offset).unwrap_or(usize::MAX);
        hold(at <= text.len(), "an item lies in the input", || {
            format!("{at} of {}: {}", text.len(), item.path)
        })?;
        let Ok(raw) = &item.raw else { continue };
        hold(at >= before, "records come in their order", || format!("{at} after {before}"))?;
        before = at;
        if STEPS_IN_TEXT.iter().any(|step| item.path.contains(step)) {
            continue;
        }
        let rest = &text[at..];
        let there =
            rest.starts_with(raw.as_bytes()) || rest.windows(raw.len()).any(|part| part == raw.as_bytes());
        hold(there, "a record is in the bytes from its offset", || item.path.clone())?;
    }
    Ok(())
}
