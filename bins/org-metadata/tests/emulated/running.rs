//! The destinations of the report, and runs that write nothing.

use crate::emulated_aws::{ALPHA, BETA, GAMMA, HEADER, csv};
use crate::setup::{Run, Setup, is_csv};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

#[test]
fn a_dry_run_enters_no_member_and_writes_nothing() {
    let setup = Setup::new("dry");
    let run = setup.run(&["--dry-run"]);
    run.ended(0);
    assert!(!setup.out().exists(), "{:?}", run.files.keys());
    assert!(setup.objects().is_empty());
    let mut entered = setup.entered();
    entered.sort();
    assert_eq!(entered, [BETA, ALPHA, GAMMA], "no member, and nobody twice");
    let counts: BTreeMap<String, u64> =
        setup.proxy.counts().into_iter().map(|((_, operation), count)| (operation, count)).collect();
    let wanted = [("AssumeRole", 3), ("DescribeOrganization", 3), ("ListAccounts", 4), ("Scan", 2)];
    assert_eq!(counts, wanted.map(|(operation, count)| (operation.to_owned(), count)).into());
    run.said(&[ALPHA, "8 accounts", "7 of them would be entered"]);
    run.said(&[GAMMA, "23 accounts", "7 of them would be entered"]);
    run.said(&["44 accounts", "calls"]);
}

#[test]
fn a_dry_run_leaves_an_unfinished_run_alone() {
    let setup = Setup::new("dry-again");
    setup.refuse("AccessDeniedException", |call, _| {
        call.operation == "GetResources" && call.region == "sa-east-1"
    });
    let before = setup.run(&["--tenant", ALPHA]);
    before.ended(1);
    setup.proxy.repair();
    let dry = setup.run(&["--tenant", ALPHA, "--dry-run"]);
    assert_eq!(dry.ended(0).files, before.files);
    setup.proxy.forget_calls();
    let after = setup.run(&["--tenant", ALPHA, "--resume"]);
    assert_eq!(after.ended(0).csv(ALPHA), csv(HEADER, &setup.aws.alpha()));
    let asked: BTreeSet<String> = setup.calls("GetResources").into_iter().map(|call| call.region).collect();
    assert_eq!(asked, BTreeSet::from(["sa-east-1".to_owned()]), "only what was missing");
}

#[test]
fn without_upload_the_report_is_only_local() {
    let setup = Setup::new("no-upload");
    let run = setup.run(&["--tenant", ALPHA, "--no-upload"]);
    assert_eq!(run.ended(0).csv(ALPHA), csv(HEADER, &setup.aws.alpha()));
    assert!(setup.proxy.calls().iter().all(|call| call.method != "PUT"));
    assert!(places(&run, "uploaded").iter().all(Option::is_none), "{}", run.manifest());
}

#[test]
fn without_local_files_the_report_is_only_uploaded() {
    let setup = Setup::new("no-local");
    let run = setup.run(&["--tenant", ALPHA, "--no-local"]);
    run.ended(0);
    assert!(!setup.out().exists(), "{:?}", run.files.keys());
    let objects = setup.objects();
    let csvs: Vec<&Vec<u8>> =
        objects.iter().filter(|(name, _)| is_csv(name)).map(|(_, bytes)| bytes).collect();
    assert_eq!(csvs, [&csv(HEADER, &setup.aws.alpha()).into_bytes()]);
    assert!(objects.keys().any(|name| name.ends_with(".manifest.json")), "{:?}", objects.keys());
    assert!(!objects.keys().any(|name| name.contains("unfinished")), "{:?}", objects.keys());
}

/// By file of the report: where it is, by the manifest.
fn places(run: &Run, place: &str) -> Vec<Option<String>> {
    let manifest = run.manifest();
    let files = manifest["files"].as_array().unwrap();
    files.iter().map(|file| file[place].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_failed_upload_keeps_the_files_and_is_resumed_without_calls() {
    let setup = Setup::new("late-upload");
    setup.refuse("AccessDenied", |call, _| call.service == "s3" && call.method == "PUT");
    let run = setup.run(&["--tenant", ALPHA]);
    assert_eq!(run.ended(1).csv(ALPHA), csv(HEADER, &setup.aws.alpha()));
    run.said(&["not written", ".csv", "not uploaded to s3://", "PutObject", "AccessDenied"]);
    run.said(&["the report is complete, but not all of its files are written"]);
    let manifest = run.manifest();
    assert_eq!((&manifest["whole"], &manifest["errors"]), (&json!(false), &json!([])));
    for file in manifest["files"].as_array().unwrap() {
        assert!(file["problems"][0].as_str().unwrap().contains("AccessDenied"), "{file}");
        assert!(file["uploaded"].is_null() && file["local"].is_string(), "{file}");
    }
    setup.proxy.repair();
    setup.proxy.forget_calls();
    let again = setup.run(&["--tenant", ALPHA, "--resume"]);
    assert_eq!(again.ended(0).csv(ALPHA), csv(HEADER, &setup.aws.alpha()));
    again.said(&[" and s3://"]);
    let manifest = again.manifest();
    assert_ne!(manifest["began"], manifest["started"], "the duration of a run is its own");
    assert_eq!(setup.objects().len(), again.report().len());
    let others: Vec<String> = setup.proxy.counts().into_keys().map(|(service, _)| service).collect();
    assert!(others.iter().all(|service| service == "s3"), "nothing is asked again: {others:?}");
}

/// The scan of an estate takes minutes: a wrong name must not be noticed behind it.
#[test]
fn a_bucket_that_does_not_exist_ends_the_run_before_the_scan() {
    let setup = Setup::new("no-bucket");
    let run = setup.run(&["--tenant", ALPHA, "--bucket", "no-such-bucket"]);
    run.ended(2).said(&["there is no bucket `no-such-bucket`"]);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(setup.entered().is_empty() && run.report().is_empty(), "{:?}", run.files.keys());
}

#[test]
fn a_run_is_continued_only_with_its_own_settings() {
    let setup = Setup::new("other-settings");
    setup.refuse("AccessDeniedException", |call, _| {
        call.operation == "GetResources" && call.region == "sa-east-1"
    });
    setup.run(&["--tenant", ALPHA]).ended(1);
    let run = setup.run(&["--tenant", ALPHA, "--resume", "--member-role", "another"]);
    run.ended(1).said(&["member role", "--resume"]);
    assert_eq!(
        setup.run(&["--tenant", ALPHA, "--resume"]).ended(1).csv(ALPHA),
        run.csv(ALPHA),
        "still there"
    );
}

#[test]
fn a_folder_is_used_by_one_run_at_a_time() {
    let setup = Setup::new("held");
    fs::create_dir(setup.out()).unwrap();
    let held = fs::File::create(setup.out().join(".org-metadata.lock")).unwrap();
    held.lock().unwrap();
    let run = setup.run(&["--tenant", ALPHA]);
    run.ended(1).said(&["another run", setup.out().to_str().unwrap()]);
    assert!(setup.proxy.calls().is_empty() && run.report().is_empty(), "{:?}", run.files.keys());
    held.unlock().unwrap();
    setup.run(&["--tenant", ALPHA]).ended(0);
}

#[test]
fn an_unusable_folder_is_an_error() {
    let setup = Setup::new("no-folder");
    fs::write(setup.out(), "a file").unwrap();
    let run = setup.run(&["--tenant", ALPHA]);
    run.ended(2).said(&[setup.out().to_str().unwrap()]);
    assert!(setup.proxy.calls().is_empty(), "found out before AWS is asked");
}

#[test]
fn without_a_terminal_there_is_no_progress() {
    let setup = Setup::new("no-terminal");
    let run = setup.run(&["--tenant", ALPHA]);
    assert!(!run.ended(0).stderr.contains('\r') && !run.stderr.contains('\u{1b}'), "{:?}", run.stderr);
    assert_eq!(run.stdout, "", "what is said is no output");
}
