//! Steps 1 to 4 (unwrap, screen, find, locate) on generated trail files, beside merely decompressing the same files with
//! libdeflate. Run with `cargo bench -p autotag-handlers`; without `--bench` it runs once on a small file, as a test.
//!
//! Printed: the median of several rounds, in records and megabytes of JSON a second, and the ratio to the reference.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark is no library: it stops where it cannot go on, and prints"
)]

use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::{Classification, Classifier};
use autotag_handlers::records::{self, RecordSink};
use autotag_model::arn::AccountId;
use autotag_model::envelope::{LocatedRecord, Malformed};
use autotag_model::policy::Policy;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

fn main() {
    let measured = std::env::args().any(|arg| arg == "--bench");
    let (count, rounds) = if measured { (40_000, 11) } else { (200, 1) };
    // Real trails are mostly reads: about one record in seven changes something, and few of those create.
    for (name, creations) in [("3 % creations, as in real trails", 3), ("creations only", 100)] {
        let trail = Trail::generate(count, creations);
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
        self.records += records as usize;
    }

    fn malformed(&mut self, fault: &Malformed) {
        panic!("{fault}");
    }
}

struct Trail {
    zipped: Vec<u8>,
    size: usize,
    count: usize,
    creations: usize,
    classifier: Classifier,
}

impl Trail {
    /// A log file of `count` records, `percent` of them creations of the shipped trail, the others reads.
    fn generate(count: usize, percent: usize) -> Self {
        let shipped = shipped_creations();
        let mut creations = shipped.iter().cycle();
        let mut records = Vec::with_capacity(count);
        for number in 0..count {
            let mut record =
                if number % 100 < percent { creations.next().unwrap().clone() } else { describe_instances() };
            record["eventID"] = json!(format!("00000000-0000-4000-8000-{number:012}"));
            record["requestID"] = json!(format!("{number:032x}"));
            records.push(record);
        }
        let text = json!({ "Records": records }).to_string();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        let creations = (0..count).filter(|number| number % 100 < percent).count();
        let zipped = encoder.finish().unwrap();
        Self {
            zipped,
            size: text.len(),
            count,
            creations,
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

/// The records of the creations in the shipped trail that lead to resources.
#[derive(Default)]
struct Creations(Vec<Value>);

impl RecordSink for Creations {
    fn record(&mut self, record: &LocatedRecord<'_>, _: Option<&AccountId>, classification: Classification) {
        if let Classification::Creation(_) = classification {
            self.0.push(serde_json::from_str(record.raw).unwrap());
        }
    }

    fn others(&mut self, _: u64) {}

    fn malformed(&mut self, _: &Malformed) {}
}

fn shipped_creations() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/trail");
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    let mut creations = Creations::default();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            records::read(std::fs::File::open(&path).unwrap(), &classifier, None, &mut creations);
        }
    }
    creations.0
}

fn describe_instances() -> Value {
    json!({
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "AssumedRole", "principalId": "AROAEXAMPLEMONITOR001:poller", "accountId": "111122223333",
            "arn": "arn:aws:sts::111122223333:assumed-role/monitor/poller", "accessKeyId": "ASIAEXAMPLEMONITOR01",
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "principalId": "AROAEXAMPLEMONITOR001", "userName": "monitor",
                    "arn": "arn:aws:iam::111122223333:role/monitor", "accountId": "111122223333"},
                "attributes": {"creationDate": "2026-03-02T08:00:00Z", "mfaAuthenticated": "false"}
            }
        },
        "eventTime": "2026-03-02T08:15:00Z", "eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances",
        "awsRegion": "eu-west-1", "sourceIPAddress": "192.0.2.7", "userAgent": "aws-sdk-rust/1.3 os/linux lang/rust",
        "requestParameters": {"instancesSet": {}, "filterSet": {"items": [{"name": "tag:Team",
            "valueSet": {"items": [{"value": "shop"}, {"value": "platform"}]}}]}},
        "responseElements": null, "readOnly": true, "eventType": "AwsApiCall", "managementEvent": true,
        "recipientAccountId": "111122223333", "eventCategory": "Management",
        "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": "ec2.eu-west-1.amazonaws.com"}
    })
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
