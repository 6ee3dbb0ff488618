//! A log file with one damaged byte -> every other record.

use crate::mutate::Seeds;
use crate::seeds::SeedTexts;
use crate::target::{Target, Violation, hold, shortened};
use autotag_model::envelope::{Limits, read_records};
use fastrand::Rng;

pub(super) struct Damage {
    records: Seeds,
}

impl Damage {
    pub(super) fn new(seeds: &SeedTexts) -> Self {
        // CloudTrail begins each record of a file so, and a reader may go by it.
        let whole = |text: &&String| text.starts_with("{\"eventVersion\"") && text.len() <= 1_200;
        Self { records: Seeds::new(seeds.records.iter().chain(&seeds.sts).filter(whole)) }
    }
}

/// The number of bytes before the file: where it is damaged, how, and by which byte.
const CHOICE: usize = 4;

impl Target for Damage {
    fn name(&self) -> &'static str {
        "damage"
    }

    fn share(&self) -> u64 {
        10
    }

    /// Four bytes that choose the damage, and a file that is whole.
    fn generate(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        let at = rng.u16(..).to_le_bytes();
        let byte = if rng.u8(..4) == 0 { rng.u8(..) } else { *rng.choice(b"{}[]\",:\\k\n").unwrap_or(&0) };
        out.extend([at[0], at[1], rng.u8(..3), byte]);
        let lines = rng.u8(..3) == 0;
        out.extend_from_slice(if lines { b"" } else { b"{\"Records\":[" });
        for number in 0..rng.usize(2..=4) {
            if number > 0 {
                out.push(if lines { b'\n' } else { b',' });
            }
            out.extend_from_slice(&self.records.any(rng).text);
        }
        out.extend_from_slice(if lines { b"\n" } else { b"]}" });
    }

    fn check(&self, input: &[u8]) -> Result<(), Violation> {
        let Some(([low, high, how, byte], file)) = input.split_first_chunk::<CHOICE>() else { return Ok(()) };
        let whole = read(file);
        // A file of this kind: nothing is wrong with it, and the offsets show where each record is.
        let ranges: Vec<_> =
            whole.iter().filter_map(|(at, raw)| raw.as_ref().map(|raw| *at..*at + raw.len())).collect();
        let bytes: usize = ranges.iter().map(ExactSizeIterator::len).sum();
        let plain = ranges.iter().zip(&whole).all(|(range, (_, raw))| {
            let begins = raw.as_deref().is_some_and(|raw| raw.starts_with("{\"eventVersion\""));
            begins && file.get(range.clone()) == raw.as_deref().map(str::as_bytes)
        });
        if ranges.len() != whole.len() || !plain || bytes == 0 {
            return Ok(());
        }
        let mut at = usize::from(u16::from_le_bytes([*low, *high])) % bytes;
        let Some(damaged) = ranges.iter().position(|range| {
            let here = at < range.len();
            at -= if here { 0 } else { range.len() };
            here
        }) else {
            return Ok(());
        };
        let place = ranges[damaged].start + at;
        let mut bytes = file.to_vec();
        match how % 3 {
            0 => bytes[place] = *byte,
            1 => bytes.insert(place, *byte),
            _ => {
                bytes.remove(place);
            }
        }
        let after = read(&bytes);
        let told = || shortened(format!("byte {place} of record {}: {after:?}", damaged + 1));
        for (number, (_, raw)) in whole.iter().enumerate().filter(|(number, _)| *number != damaged) {
            let copies = whole.iter().filter(|(_, other)| other == raw).count();
            let found = after.iter().filter(|(_, other)| other == raw).count();
            // The damage can turn a record into a copy of another one.
            let all = (copies - usize::from(whole[damaged].1 == *raw)..=copies + 1).contains(&found);
            hold(all, "one damaged byte loses no other record", || {
                format!("record {}, {}", number + 1, told())
            })?;
        }
        hold(after.len() >= whole.len(), "the damaged record is reported", told)
    }
}

/// The offset of each item, and its text if it is a record.
fn read(file: &[u8]) -> Vec<(usize, Option<String>)> {
    let mut items = Vec::new();
    read_records(file, &Limits::default(), &mut |item| {
        let (offset, raw) = match item {
            Ok(located) => (located.position.offset, Some(located.raw.to_owned())),
            Err(fault) => (fault.position.offset, None),
        };
        items.push((usize::try_from(offset).unwrap_or(usize::MAX), raw));
    });
    items
}
