//! The tenant table: whose organizations are reported.

use crate::emulated_aws::{ALPHA, BETA, GAMMA, HEADER, csv};
use crate::setup::{BUCKET, Setup};
use autotag_testkit::Call;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn filters_duplicates_numbers_and_pages() {
    let setup = Setup::new("table");
    let run = setup.run(&[]);
    run.ended(0);
    let entered: Vec<String> = setup.entered();
    let tenants: Vec<&String> =
        entered.iter().filter(|id| [ALPHA, BETA, GAMMA].contains(&id.as_str())).collect();
    assert_eq!(tenants.len(), 3, "each once: {entered:?}");
    let strangers: Vec<&String> = entered.iter().filter(|id| id.starts_with("44445555666")).collect();
    assert!(strangers.is_empty(), "the filters drop them: {strangers:?}");
    let scans = setup.calls("Scan");
    assert!(scans.len() > 1, "the table is more than a page");
    for scan in &scans {
        let asked = scan.json();
        assert_eq!((scan.region.as_str(), scan.service.as_str()), ("us-east-1", "dynamodb"));
        assert_eq!(setup.keys.account(scan), "", "by whoever starts the program");
        let names = &asked["ExpressionAttributeNames"];
        assert_eq!(names[asked["ProjectionExpression"].as_str().unwrap()], "tenant_id", "{asked}");
    }
}

#[test]
fn tenants_are_sorted_by_id() {
    let setup = Setup::new("order");
    let run = setup.run(&["--format", "jsonl"]);
    let mut tenants: Vec<Value> =
        run.ended(0).records().into_iter().map(|record| record["tenant_id"].clone()).collect();
    tenants.dedup();
    assert_eq!(tenants, [BETA, ALPHA, GAMMA]);
}

#[test]
fn unusable_tenant_ids_are_named_and_do_not_stop_the_run() {
    let setup = Setup::new("odd-table");
    let run = setup.run(&["--table", "odd-tenants"]);
    run.ended(1);
    assert!(run.csv(ALPHA).starts_with("Account_Id,"));
    run.said(&["`n/a` is not an account id"]);
    run.said(&["`12345` is not an account id"]);
    assert_eq!(run.manifest()["unusable_tenants"], json!(["12345", "n/a"]));
    let dry = setup.run(&["--table", "odd-tenants", "--dry-run"]);
    dry.said(&["n/a"]);
    assert_eq!(dry.code, Some(1), "as the run itself would end");
}

/// The message about missing data advises to remove the causes and to run again with --resume.
#[test]
fn a_corrected_table_is_read_again() {
    let alpha = json!({ "tenant_id": { "S": ALPHA } });
    for odd in [json!([alpha, { "tenant_id": { "S": "n/a" } }]), json!([])] {
        let setup = Setup::new("mended-table");
        let (mended, alpha) = (AtomicBool::new(false), alpha.clone());
        setup.change("Scan", move |_, _, answer| {
            let items = if mended.swap(true, Ordering::Relaxed) { json!([alpha]) } else { odd.clone() };
            *answer = json!({ "Items": items });
        });
        let before = setup.run(&[]);
        before.ended(1);
        let after = setup.run(&["--resume"]);
        assert_eq!(after.ended(0).csv(ALPHA), csv(HEADER, &setup.aws.alpha()));
    }
}

#[test]
fn configured_filters_replace_the_known_ones() {
    let setup = Setup::new("filters");
    let filters = ["--tenant-filter", "tenant_status=Inactive, Gone", "--tenant-filter", "mgmt_category="];
    let run = setup.run(&filters);
    let entered: BTreeSet<String> = setup.entered().into_iter().collect();
    assert_eq!(entered, BTreeSet::from(["444455556661".to_owned()]), "{}", run.stderr);
}

#[test]
fn an_unreadable_table_is_an_error() {
    let setup = Setup::new("no-table");
    let run = setup.run(&["--table", "no-such-table"]);
    run.ended(1);
    assert!(
        run.stderr.contains("no-such-table") && run.stderr.contains("ResourceNotFound"),
        "{}",
        run.stderr
    );
    assert!(run.report().is_empty() && setup.objects().is_empty(), "{:?}", run.files.keys());
}

#[test]
fn named_tenants_need_no_table() {
    let setup = Setup::new("named");
    let (bucket, out) = (format!("{BUCKET}/named"), setup.out());
    let args = ["--tenant", BETA, "--role", "r", "--bucket", &bucket, "--out", out.to_str().unwrap()];
    setup.run_bare(&args, &[]).ended(0);
    assert!(setup.calls("Scan").is_empty());
    let roles: BTreeSet<String> =
        setup.proxy.calls().iter().filter_map(crate::setup::asked_for).map(|(_, role)| role).collect();
    assert_eq!(roles, BTreeSet::from(["r".to_owned()]), "members have a role of the same name");
}

#[test]
fn a_table_without_matching_tenants_is_an_error() {
    let setup = Setup::new("nobody");
    let run = setup.run(&["--tenant-filter", "tenant_type=Nothing of the kind"]);
    run.ended(1);
    run.said(&["no tenant", "--tenant-filter"]);
    let other = |call: &&Call| call.operation != "Scan" && call.method != "HEAD";
    assert_eq!(setup.proxy.calls().iter().filter(other).count(), 0, "but for the question about the bucket");
}
