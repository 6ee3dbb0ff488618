//! The wrappings in which records arrive, and what may be wrong with them.

use crate::json::quoted;
use crate::random;
use base64::Engine as _;
use fastrand::Rng;
use flate2::{Compression, write::GzEncoder};
use std::io::Write as _;

/// Wraps JSON texts as one list, as lines, or with nothing between them.
pub(crate) fn together(rng: &mut Rng, texts: &[Vec<u8>], out: &mut Vec<u8>) {
    let (open, between, close): (&[u8], &[u8], &[u8]) = match rng.u8(..8) {
        0 | 1 => (b"{\"Records\":[", b",", b"]}"),
        2 => (b"{ \"Records\" : [\n", b" ,\n", b" ] , \"more\": {} }\n"),
        3 => (b"[", b",", b"]"),
        4 => (b"{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[", b",", b"]}"),
        5 => (b"", b"", b""),
        _ => (b"", b"\n", b"\n"),
    };
    out.extend_from_slice(open);
    for (number, text) in texts.iter().enumerate() {
        if number > 0 {
            out.extend_from_slice(between);
        }
        out.extend_from_slice(text);
    }
    out.extend_from_slice(close);
}

/// Wraps one JSON text once.
pub(crate) fn once(rng: &mut Rng, text: &[u8], out: &mut Vec<u8>) {
    let mut around = |open: &[u8], as_text: bool, close: &[u8]| {
        out.extend_from_slice(open);
        if as_text {
            quoted(text, out);
        } else {
            out.extend_from_slice(text);
        }
        out.extend_from_slice(close);
    };
    match rng.u8(..11) {
        0 => around(EVENT, false, b"}"),
        1 => around(LOOK_ALIKE, false, b"}"),
        2 => {
            around(
                b"{\"Records\":[{\"messageId\":\"m1\",\"eventSource\":\"aws:sqs\",\"body\":",
                true,
                b"}]}",
            );
        }
        3 => around(b"{\"Type\":\"Notification\",\"Message\":", true, b"}"),
        4 => around(
            b"{\"Records\":[{\"EventSource\":\"aws:sns\",\"Sns\":{\"Type\":\"Notification\",\"Message\":",
            true,
            b"}}]}",
        ),
        5 => around(b"{\"Events\":[{\"EventId\":\"1\",\"CloudTrailEvent\":", true, b"}]}"),
        6 => around(b"{\"logEvents\":[{\"id\":\"1\",\"message\":", true, b"}]}"),
        7 => around(b"{\"Records\":[", false, b"]}"),
        8 => around(b"[", false, b"]"),
        9 => around(b"{\"detail\":{\"body\":", true, b"},\"source\":\"aws.sqs\"}"),
        _ => {
            let zipped = base64::engine::general_purpose::STANDARD.encode(gzip(text));
            out.extend_from_slice(b"{\"awslogs\":{\"data\":\"");
            out.extend_from_slice(zipped.as_bytes());
            out.extend_from_slice(b"\"}}");
        }
    }
}

const EVENT: &[u8] =
    b"{\"version\":\"0\",\"source\":\"aws.ec2\",\"detail-type\":\"AWS API Call via CloudTrail\",\
    \"account\":\"111122223333\",\"region\":\"eu-west-1\",\"detail\":";
const LOOK_ALIKE: &[u8] = b"{\"source\":\"com.example\",\"detail-type\":\"AWS API Call via CloudTrail\",\
    \"account\":\"999988887777\",\"region\":\"eu-west-1\",\"detail\":";

/// The bytes, gzipped.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// The bytes gzipped in one or two members, and often damaged.
pub(crate) fn damaged_gzip(rng: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let at = if rng.bool() { bytes.len() } else { rng.usize(..=bytes.len()) };
    let mut zipped = gzip(&bytes[..at]);
    if at < bytes.len() {
        zipped.extend(gzip(&bytes[at..]));
    }
    match rng.u8(..5) {
        0 => random::damage(rng, &mut zipped),
        1 => zipped.truncate(rng.usize(..=zipped.len())),
        2 => zipped.extend_from_slice(b"trailing"),
        _ => {}
    }
    zipped
}
