//! Steps 1 to 4 (unwrap, screen, find, locate) on generated trail files, beside merely decompressing the same files with
//! libdeflate. Run with `cargo bench -p autotag-handlers`; without `--bench` it runs once on a small file, as a test.
//!
//! Printed: the median of several rounds, in records and megabytes of JSON a second, and the ratio to the reference.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::panic,
    reason = "a benchmark is not a library: it stops where it cannot go on, and prints"
)]

use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::{Classification, Classifier};
use autotag_handlers::records::{self, RecordSink};
use autotag_model::arn::AccountId;
use autotag_model::envelope::{LocatedRecord, Malformed};
use autotag_model::policy::Policy;
use autotag_testkit::trail::{Shape, Trail};
use std::time::{Duration, Instant};

fn main() {
    let measured = std::env::args().any(|arg| arg == "--bench");
    let (count, rounds) = if measured { (40_000, 11) } else { (200, 1) };
    // Real trails are mostly reads: about one record in seven changes something, and few of those create.
    for (name, creations) in [("3 % creations, as in real trails", 3.0), ("creations only", 100.0)] {
        let trail = Sample::generate(count, creations);
        let reference = median(rounds, || trail.inflate());
        let ours = median(rounds, || trail.classify());
        println!(
            "{name}: {} records, {:.1} MB of JSON, {:.1} MB gzipped",
            trail.count,
            trail.megabytes(),
            trail.zipped.len() as f64 / 1e6
        );
        trail.report("libdeflate, decompress only", reference, reference);
        trail.report("decompress, unwrap, screen, find, locate", ours, reference);
    }
}

/// Counts records and creations.
#[derive(Default)]
struct Counts {
    records: usize,
    creations: usize,
}

impl RecordSink for Counts {
    fn record(&mut self, _: &LocatedRecord<'_>, _: Option<&AccountId>, classification: Classification) {
        self.records += 1;
        self.creations += usize::from(matches!(classification, Classification::Creation(_)));
    }

    fn others(&mut self, records: u64) {
        self.records += usize::try_from(records).unwrap();
    }

    fn malformed(&mut self, fault: &Malformed) {
        panic!("{fault}");
    }
}

struct Sample {
    zipped: Vec<u8>,
    size: usize,
    count: usize,
    creations: usize,
    classifier: Classifier,
}

impl Sample {
    /// A log file of `count` records, `percent` of them creations, the others reads.
    fn generate(count: u64, percent: f64) -> Self {
        let shape = Shape {
            records: count,
            records_a_file: count,
            creations: percent,
            sessions: 0.0,
            ..Shape::default()
        };
        let trail = Trail::new(shape).unwrap();
        let file = trail.file(0);
        Self {
            zipped: file.bytes,
            size: usize::try_from(file.text).unwrap(),
            count: usize::try_from(count).unwrap(),
            creations: usize::try_from(trail.creations()).unwrap(),
            classifier: Classifier::new(Catalog::embedded(), Policy::default()),
        }
    }

    fn megabytes(&self) -> f64 {
        self.size as f64 / 1e6
    }

    fn inflate(&self) {
        let mut text = vec![0; self.size];
        let length = libdeflater::Decompressor::new().gzip_decompress(&self.zipped, &mut text).unwrap();
        assert_eq!(length, self.size);
    }

    fn classify(&self) {
        let mut counts = Counts::default();
        records::read(self.zipped.as_slice(), &self.classifier, None, &mut counts);
        assert_eq!((counts.records, counts.creations), (self.count, self.creations));
    }

    fn report(&self, name: &str, took: Duration, reference: Duration) {
        let seconds = took.as_secs_f64();
        println!(
            "  {name:42} {:>10.0} records/s {:>8.0} MB/s   {:.2} x the reference's time",
            self.count as f64 / seconds,
            self.megabytes() / seconds,
            seconds / reference.as_secs_f64(),
        );
    }
}

fn median(rounds: usize, work: impl Fn()) -> Duration {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    times.get(rounds / 2).copied().unwrap()
}
