//! The other files: manifest, JSON lines, Parquet, the page.

use crate::emulated_aws::ALPHA;
use crate::setup::{BUCKET, Run, Setup};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fs::File;

const ALL: [&str; 2] = ["--format", "csv,jsonl,parquet,html"];

/// A report of alpha in which something is missing.
fn report(setup: &Setup) -> Run {
    setup.refuse("AccessDeniedException", |call, _| {
        call.operation == "GetResources" && call.region == "us-east-2"
    });
    let run = setup.run(&[&["--tenant", ALPHA, "--columns", "+Tag:CostCenter"][..], &ALL].concat());
    run.ended(1);
    run
}

#[test]
fn the_manifest_names_every_file_with_its_digest() {
    let setup = Setup::new("digests");
    let run = report(&setup);
    let manifest = run.manifest();
    let listed = manifest["files"].as_array().unwrap();
    for file in listed {
        let name = file["name"].as_str().unwrap();
        let bytes = &run.files[name];
        let digest =
            Sha256::digest(bytes).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        assert_eq!(file["sha256"], digest, "{name}");
        assert_eq!(file["bytes"], bytes.len(), "{name}");
        assert_eq!(file["local"], setup.out().join(name).to_str().unwrap());
        assert_eq!(file["uploaded"], format!("s3://{BUCKET}/digests/{name}"));
        assert_eq!(file["problems"], json!([]), "{name}");
    }
    let named: BTreeSet<&str> = listed.iter().filter_map(|file| file["name"].as_str()).collect();
    let others: Vec<&str> = run.report().into_iter().filter(|name| !named.contains(name)).collect();
    assert_eq!(named.len(), 4, "{named:?}");
    assert!(others.len() == 1 && others[0].ends_with(".manifest.json"), "{others:?}");
}

#[test]
fn the_manifest_counts() {
    let setup = Setup::new("counts");
    let run = report(&setup);
    let manifest = run.manifest();
    let counts = &manifest["counts"];
    assert_eq!((&counts["organizations"], &counts["accounts"]), (&json!(1), &json!(8)));
    assert_eq!(counts["by_status"], json!({ "denied": 7, "suspended": 1 }));
    assert_eq!(counts["by_region_group"], json!({ "": 3, "BR": 1, "EU": 1, "US": 2, "multi": 1 }));
    assert_eq!(counts["active_regions"], 9);
    assert_eq!(manifest["unmapped_regions"], json!({ "eu-central-1": 2 }));
    assert_eq!(manifest["whole"], false);
    assert_eq!(manifest["errors"].as_array().unwrap().len(), 7, "each account entered has one");
    let made = setup.proxy.counts();
    let calls = manifest["calls"].as_object().unwrap();
    for (service, operation) in
        [("organizations", "ListTagsForResource"), ("tagging", "GetResources"), ("sts", "AssumeRole")]
    {
        let counted = made.get(&(service.to_owned(), operation.to_owned())).copied();
        assert_eq!(calls[operation]["calls"].as_u64(), counted, "{operation}");
    }
    assert_eq!(calls["GetResources"]["failed"], 7);
    let run_name = manifest["run"].as_str().unwrap();
    assert!(run.report().iter().all(|name| name.contains(run_name)), "{run_name} in {:?}", run.report());
    let started = manifest["started"].as_str().unwrap();
    assert_eq!(started.get(..19).unwrap().replace(':', "-"), run_name.trim_end_matches('Z'));
}

#[test]
fn json_lines_have_everything() {
    let setup = Setup::new("lines");
    let run = report(&setup);
    let records = run.records();
    let web = records.iter().find(|record| record["account_name"] == "web").unwrap();
    let joined = web["joined"].as_str().unwrap();
    assert!(joined.starts_with("20") && joined.ends_with('Z'), "{joined}");
    let row = setup.aws.alpha()[1].clone();
    let wanted = json!({
        "account_id": setup.aws.id("alpha", "web"), "account_name": "web", "org_id": row.split(',').nth(2).unwrap(),
        "tenant_name": ALPHA, "csp": "AWS", "billing_account_state": "ACTIVE", "region_group": "EU",
        "regions": ["eu-north-1", "eu-west-1"], "tenant_id": ALPHA, "environment": "prod", "aide_id": "A-100",
        "management": false, "scan_status": "denied",
        "scan_problems": ["us-east-2 unknown: GetResources answered AccessDeniedException"],
        "all_regions": ["eu-north-1", "eu-west-1"], "unmapped_regions": [], "unknown_regions": ["us-east-2"],
        "ou_path": null, "joined_method": "CREATED", "joined": joined,
        "tags": { "CostCenter": "42", "aide-id": "A-100", "environment": "prod" },
        "owner": null, "email": format!("web.{ALPHA}@example.com"),
    });
    assert_eq!(*web, wanted);
    assert_eq!(
        (&records[0]["management"], &records[0]["environment"]),
        (&json!(true), &Value::Null),
        "first"
    );
    assert_eq!(records.len(), 8);
}

#[test]
fn parquet_says_what_the_json_lines_say() {
    let setup = Setup::new("parquet");
    let run = report(&setup);
    let name = run.report().into_iter().find(|name| name.ends_with(".parquet")).unwrap();
    let reader = SerializedFileReader::new(File::open(setup.out().join(name)).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let mut fields: Map<String, Value> =
            row.get_column_iter().map(|(name, field)| (name.clone(), json_of(field))).collect();
        // Account tags are as many as people like: no column each.
        let tags = fields["tags"].as_str().unwrap().to_owned();
        fields.insert("tags".to_owned(), serde_json::from_str(&tags).unwrap());
        Value::Object(fields)
    });
    assert_eq!(rows.collect::<Vec<_>>(), run.records());
}

fn json_of(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(flag) => json!(flag),
        Field::Str(text) => json!(text),
        Field::ListInternal(list) => list.elements().iter().map(json_of).collect(),
        other => panic!("no such field is promised: {other:?}"),
    }
}

#[test]
fn only_what_is_asked_for_is_written() {
    let setup = Setup::new("one-format");
    let run = setup.run(&["--tenant", ALPHA, "--format", "jsonl"]);
    let endings: Vec<String> =
        run.ended(0).report().iter().map(|name| name.split_once("Z.").unwrap().1.to_owned()).collect();
    assert_eq!(endings, ["jsonl", "manifest.json"]);
    assert!(
        !run.files.keys().any(|name| name.contains("unfinished")),
        "the run is whole: {:?}",
        run.files.keys()
    );
}
