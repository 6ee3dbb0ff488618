//! Random damage to bytes, and random texts.

use crate::words;
use fastrand::Rng;

/// Damages `bytes` in up to four places.
pub(crate) fn damage(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.usize(1..=4) {
        if bytes.is_empty() {
            bytes.push(rng.u8(..));
            continue;
        }
        let at = rng.usize(..bytes.len());
        match rng.u8(..10) {
            0 | 1 => bytes[at] ^= 1 << rng.u8(..8),
            2 => bytes[at] = rng.u8(..),
            3 => bytes[at] = *rng.choice(b"{}[]\",:\\\n\r\t 0-e\0\xff\xef'=#<>&;").unwrap_or(&0),
            4 => {
                bytes.remove(at);
            }
            5 => bytes.insert(at, *rng.choice(b"{}[]\",:\\\n0\xc3\0<>&='#").unwrap_or(&0)),
            6 => {
                let end = (at + rng.usize(1..=16)).min(bytes.len());
                bytes.drain(at..end);
            }
            7 => {
                let end = (at + rng.usize(1..=32)).min(bytes.len());
                bytes.extend_from_within(at..end);
                bytes[at..].rotate_right(end - at);
            }
            8 => {
                let word = words::TEXTS[rng.usize(..words::TEXTS.len())];
                bytes.splice(at..at, word.bytes());
            }
            _ if rng.u8(..4) == 0 => bytes.truncate(at),
            _ => {
                let other = rng.usize(..bytes.len());
                bytes.swap(at, other);
            }
        }
    }
}

/// A text of up to `most` characters, of every kind that a tag or a name may meet.
pub(crate) fn text(rng: &mut Rng, most: usize, out: &mut String) {
    let length = if rng.u8(..16) == 0 { rng.usize(..=most) } else { rng.usize(..=most.min(20)) };
    let kind = rng.u8(..6);
    for _ in 0..length {
        match if kind == 5 { rng.u8(..5) } else { kind } {
            0 | 1 => out.push(char::from(rng.u8(b' '..=b'~'))),
            2 => out.push_str(words::TEXTS[rng.usize(..words::TEXTS.len())]),
            3 => out.push(rng.char('\0'..='\u{2fff}')),
            _ => out.push(rng.char(..)),
        }
    }
}
