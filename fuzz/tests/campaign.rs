//! A campaign finds the input that its process dies of, and runs all the others.
#![cfg(unix)]

use autotag_fuzz::campaign::{Campaign, table};
use autotag_fuzz::seeds::SeedTexts;
use autotag_fuzz::targets;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// In place of the program: it dies of the input 77, as an overflow of the stack would end it, and never comes back from
/// the input 33.
const PROGRAM: &str = r#"#!/bin/sh
from=$7; count=$9
if [ "$from" -le 33 ] && [ $((from + count)) -gt 33 ]; then echo "hang at 33" >&2; exit 70; fi
if [ "$from" -le 77 ] && [ $((from + count)) -gt 77 ]; then kill -ABRT $$; fi
echo '{"inputs":'"$count"',"crashes":0,"violations":0,"hangs":0,"memory":0,"faults":{},"found":[],"slowest":[1,0],"peak":[2,0],"longest":3,"seconds":0.5}'
"#;

#[test]
fn the_input_that_ends_the_process_is_found_and_the_others_are_run() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    fs::write(&program, PROGRAM).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let out = folder.path().join("findings");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let target = Some("arn".to_owned());
    let campaign = Campaign { inputs: 200, seed: 4, target, slice: 100, out: out.clone(), program };
    let reports = campaign.run(&targets::all(&SeedTexts::read(root).unwrap())).unwrap();
    let report = &reports["arn"];
    assert_eq!((report.inputs, report.crashes, report.hangs), (200, 1, 1));
    let found: Vec<_> = report.found.iter().map(|found| (found.number, found.fault.as_str())).collect();
    assert_eq!(found, [(33, "hang"), (77, "abort")]);
    assert!(out.join("arn/4-33").is_file() && out.join("arn/4-77.why").is_file());
    assert!(table(&reports).lines().any(|line| line.starts_with("arn") && line.contains("200")));
}
