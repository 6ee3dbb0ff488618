//! The memory that reading takes, whatever the input holds. Only Linux tells how much a process has taken at most.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use autotag_model::envelope::{Limits, read_records};
use base64::Engine as _;
use std::io::{self, Read, Write as _};

/// The most memory that this process has had, in KiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Reads an input. Answers how much memory the process has had more than ever before, in MiB, and the number of items.
fn read(input: impl Read) -> (usize, u64) {
    let before = peak();
    let mut items = 0;
    read_records(input, &Limits::default(), &mut |_| items += 1);
    ((peak() - before) >> 10, items)
}

fn gzip(parts: usize, part: &[u8], end: &[u8], begin: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(begin).unwrap();
    let block = part.repeat(10_000);
    for _ in 0..parts / 10_000 {
        encoder.write_all(&block).unwrap();
    }
    encoder.write_all(end).unwrap();
    encoder.finish().unwrap()
}

/// One test, because the peak is the process's. The inputs are made before the first is read.
#[test]
fn small_inputs_do_not_cost_much_memory() {
    let twenty_million = gzip(20_000_000, b"{},", b"{}]}", b"{\"logEvents\":[");
    let data = base64::engine::general_purpose::STANDARD.encode(&twenty_million);
    let subscription = format!(r#"{{"awslogs":{{"data":"{data}"}}}}"#);
    let event = format!(
        r#"{{"source":"com.evil","detail-type":"x","account":"999988887777","detail":{subscription}}}"#
    );
    assert!((70_000..90_000).contains(&event.len()), "{}", event.len());
    let ten_million = gzip(10_000_000, b"{},", b"{}]", b"[");
    assert!(ten_million.len() < 40_000, "{}", ten_million.len());
    let six_megabytes = format!("{{\"Sns\":{{\"Records\":[{}{{}}]}}}}", "{},".repeat(2_000_000));
    let broken = format!("{{\"Sns\":[{}", "{},".repeat(2_000_000));

    let (memory, items) = read(event.as_bytes());
    assert!(memory < 4 && items == 1, "an event of somebody else: {memory} MiB, {items} items");
    let (memory, items) = read(ten_million.as_slice());
    assert!(memory < 4 && items == 11, "a compressed list: {memory} MiB, {items} items");
    let (memory, items) = read(subscription.as_bytes());
    assert!(memory < 24 && items == 1, "a subscription: {memory} MiB, {items} items");
    let (memory, items) = read(six_megabytes.as_bytes());
    assert!(memory < 24 && items == 11, "a list in a wrapping: {memory} MiB, {items} items");
    // The path to a fault is found without a tree of the value.
    let (memory, _) = read(broken.as_bytes());
    assert!(memory < 24, "a broken value: {memory} MiB");
    let (memory, _) = read(io::repeat(b'{').take(200 << 20));
    assert!(memory < 40, "braces: {memory} MiB");
}
