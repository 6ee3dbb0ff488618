//! Trails can be repeated, and have the requested shape. A test of `autotag-handlers` reads them back with the
//! engine.

use super::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn odd() -> Shape {
    Shape { records: 4_000, records_a_file: 200, odd: 10.0, damaged: 30.0, wrapped: 30.0, ..Shape::default() }
}

fn all(shape: Shape) -> Vec<TrailFile> {
    let trail = Trail::new(shape).unwrap();
    (0..trail.files()).map(|number| trail.file(number)).collect()
}

fn records(text: &str) -> Vec<Value> {
    let log: Value = serde_json::from_str(text).unwrap();
    log["Records"].as_array().unwrap().clone()
}

#[test]
fn the_same_shape_gives_the_same_bytes_and_another_seed_gives_others() {
    assert_eq!(all(odd()), all(odd()));
    let (one, other) = (all(odd()), all(Shape { seed: 2, ..odd() }));
    assert!(one.iter().zip(&other).all(|(one, other)| one.path != other.path && one.bytes != other.bytes));
}

#[test]
fn a_folder_is_the_same_with_any_number_of_threads() {
    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path, found) } else { found.push(path) }
        }
    }
    let trail = Trail::new(odd()).unwrap();
    for threads in [1, 3] {
        let folder = tempfile::tempdir().unwrap();
        let written = trail.write(folder.path(), threads).unwrap();
        let mut found = Vec::new();
        files(folder.path(), &mut found);
        assert_eq!((found.len() as u64, written.files), (20, 20));
        for file in all(odd()) {
            assert_eq!(fs::read(folder.path().join(&file.path)).unwrap(), file.bytes, "{}", file.path);
        }
    }
}

#[test]
fn records_have_the_members_of_cloudtrail_in_its_order_and_ids_of_their_own() {
    let trail = Trail::new(Shape { records: 3_500, ..Shape::default() }).unwrap();
    let (mut ids, mut last) = (BTreeSet::new(), None);
    for number in 0..trail.files() {
        let text = trail.log(number);
        let mut at = 0;
        for name in [
            "eventVersion",
            "userIdentity",
            "eventTime",
            "eventSource",
            "eventName",
            "awsRegion",
            "sourceIPAddress",
            "userAgent",
            "requestParameters",
            "responseElements",
            "requestID",
            "eventID",
            "readOnly",
            "eventType",
            "managementEvent",
            "recipientAccountId",
            "eventCategory",
            "tlsDetails",
        ] {
            let member = format!("\"{name}\":");
            let behind = text.get(at..).and_then(|rest| rest.find(&member));
            at += behind.unwrap_or_else(|| panic!("{name} is not behind the others"));
        }
        let records = records(&text);
        last = Some(records.len());
        ids.extend(records.iter().map(|record| record["eventID"].as_str().unwrap().to_owned()));
        let day = trail.file(number).path.split('/').skip(4).take(3).collect::<Vec<_>>().join("-");
        let days: BTreeSet<&str> = records
            .iter()
            .map(|record| record["eventTime"].as_str().unwrap().split('T').next().unwrap())
            .collect();
        assert!(days.contains(day.as_str()), "{day} is not among {days:?}");
    }
    assert_eq!((ids.len(), last), (3_500, Some(500)));
}

#[test]
fn odd_records_differ_and_most_are_still_records() {
    let plain = Trail::new(Shape { records: 500, ..Shape::default() }).unwrap();
    let odd = Trail::new(Shape { records: 500, odd: 100.0, ..Shape::default() }).unwrap();
    let text = (0..odd.files()).map(|number| odd.log(number)).collect::<String>();
    let same = (0..plain.files()).flat_map(|number| records(&plain.log(number)));
    let unchanged = same.filter(|record| text.contains(&record.to_string())).count();
    assert_eq!(unchanged, 0);
    for sign in [
        "event\\u004eame",
        "\"omitted\":true",
        "errorCode",
        "newMember",
        "addendum",
        "\\\"eventName\\\"",
        "\u{1f600}",
    ] {
        assert!(text.contains(sign), "no record has {sign}");
    }
}

#[test]
fn impossible_shapes_are_refused() {
    let refused = |shape: Shape| Trail::new(shape).unwrap_err().to_string();
    assert_eq!(refused(Shape { odd: 101.0, ..Shape::default() }), "odd is a share in percent: from 0 to 100");
    assert_eq!(
        refused(Shape { creations: f64::NAN, ..Shape::default() }),
        "creations is a share in percent: from 0 to 100"
    );
    assert_eq!(
        refused(Shape { creations: 60.0, sessions: 60.0, ..Shape::default() }),
        "creations and sessions together are at most 100 %"
    );
    assert_eq!(refused(Shape { regions: 13, ..Shape::default() }), "regions is from 1 to 12");
    assert_eq!(refused(Shape { records: 0, ..Shape::default() }), "records is from 1 to 1000000000");
}
