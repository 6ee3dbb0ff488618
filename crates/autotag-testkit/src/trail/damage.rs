//! Damages log files, as failed downloads and disks do.

use super::ids::Numbers;

type Change = fn(&mut Numbers, &mut Vec<u8>);

/// The damage of a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Damage {
    /// Before it was compressed.
    Text(Change),
    /// After it was compressed.
    File(Change),
}

impl Damage {
    pub(super) fn any(numbers: &mut Numbers) -> Option<Self> {
        if numbers.chance(600_000) {
            numbers.pick(&BEFORE).copied().map(Self::Text)
        } else {
            numbers.pick(&AFTER).copied().map(Self::File)
        }
    }
}

/// Damage before compression.
const BEFORE: [Change; 16] = [
    |numbers, text| text.truncate(numbers.place(text.len())),
    |numbers, bytes| flip(numbers, bytes),
    |numbers, bytes| flip(numbers, bytes),
    |numbers, text| insert(numbers, text, b"]"),
    |numbers, text| insert(numbers, text, b"}"),
    |numbers, text| insert(numbers, text, b"\""),
    |numbers, text| insert(numbers, text, b"{"),
    |numbers, text| insert(numbers, text, b"\0"),
    |numbers, text| insert(numbers, text, b"\\"),
    |numbers, text| insert(numbers, text, b"{\"Records\":[{\"eventName\":\"CreateVolume\""),
    |numbers, text| {
        // A piece of the middle is missing.
        let start = numbers.place(text.len());
        let end = (start + numbers.place(5000)).min(text.len());
        text.drain(start..end);
    },
    |numbers, text| {
        // A block of zeros, as of a disk that was full.
        let start = numbers.place(text.len());
        text.iter_mut().skip(start).take(4096).for_each(|byte| *byte = 0);
    },
    |_, text| {
        text.splice(..0, *b"\xef\xbb\xbf");
    },
    |numbers, text| {
        // The file twice, the second time cut.
        let again = text.get(..numbers.place(text.len())).unwrap_or_default().to_vec();
        text.extend(again);
    },
    |_, text| text.extend_from_slice(b" behind the end"),
    |_, text| text.clear(),
];

/// Damage to the compressed file.
const AFTER: [Change; 8] = [
    |numbers, bytes| bytes.truncate(numbers.place(bytes.len())),
    |numbers, bytes| flip(numbers, bytes),
    |numbers, bytes| flip(numbers, bytes),
    |_, bytes| change_from_the_end(bytes, 8),
    |_, bytes| change_from_the_end(bytes, 2),
    |_, bytes| bytes.extend_from_slice(&[0; 512]),
    |_, bytes| bytes.extend_from_slice(b"\x1f\x8b garbage"),
    |_, bytes| bytes.truncate(bytes.len().saturating_sub(4)),
];

/// Changes one bit.
fn flip(numbers: &mut Numbers, bytes: &mut [u8]) {
    let (at, bit) = (numbers.place(bytes.len()), numbers.below(8));
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << bit;
    }
}

fn insert(numbers: &mut Numbers, text: &mut Vec<u8>, new: &[u8]) {
    let at = numbers.place(text.len());
    text.splice(at..at, new.iter().copied());
}

/// Changes a byte of the checksum (8 to 5) or of the size (4 to 1).
fn change_from_the_end(bytes: &mut [u8], back: usize) {
    if let Some(byte) = bytes.iter_mut().rev().nth(back - 1) {
        *byte ^= 0x55;
    }
}
