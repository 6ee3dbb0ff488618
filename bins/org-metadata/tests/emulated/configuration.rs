//! Flags before the environment before the file, and all that is wrong at once.

use crate::emulated_aws::ALPHA;
use crate::setup::{Setup, asked_for, is_csv};
use std::fs;

/// The table and the role of a dry run.
fn used(setup: &Setup, args: &[&str], variables: &[(&str, &str)]) -> (String, String) {
    setup.proxy.forget_calls();
    let run = setup.run_bare(&[args, &["--no-upload", "--dry-run"]].concat(), variables);
    let calls = setup.proxy.calls();
    let table =
        calls.iter().find(|call| call.operation == "Scan").map(|call| call.json()["TableName"].clone());
    let role = calls.iter().find_map(asked_for).map(|(_, role)| role);
    let table = table.unwrap_or_else(|| panic!("{}", run.stderr));
    (table.as_str().unwrap().to_owned(), role.unwrap_or_else(|| panic!("{}", run.stderr)))
}

#[test]
fn options_come_before_the_environment_and_it_before_the_file() {
    let setup = Setup::new("layers");
    let file = "# tenants\nDYNAMO_TABLE_NAME=tenants\nCROSS_ACCOUNT_ROLE_NAME=\"of-file\"\n";
    fs::write(setup.folder().join(".env"), file).unwrap();
    let environment = [("DYNAMO_TABLE_NAME", "odd-tenants"), ("CROSS_ACCOUNT_ROLE_NAME", "of-environment")];
    let of = |table: &str, role: &str| (table.to_owned(), role.to_owned());
    assert_eq!(used(&setup, &[], &[]), of("tenants", "of-file"));
    assert_eq!(used(&setup, &[], &environment), of("odd-tenants", "of-environment"));
    assert_eq!(used(&setup, &[], &environment[..1]), of("odd-tenants", "of-file"), "one by one");
    let flags = ["--table", "tenants", "--role", "of-flag"];
    assert_eq!(used(&setup, &flags, &environment), of("tenants", "of-flag"));
    assert_eq!(used(&setup, &flags[2..], &environment), of("odd-tenants", "of-flag"), "one by one");
}

#[test]
fn a_file_of_another_name() {
    let setup = Setup::new("env-file");
    fs::write(setup.folder().join(".env"), "DYNAMO_TABLE_NAME=tenants\nCROSS_ACCOUNT_ROLE_NAME=usual\n")
        .unwrap();
    fs::write(setup.folder().join("other"), "DYNAMO_TABLE_NAME=odd-tenants\nCROSS_ACCOUNT_ROLE_NAME=other\n")
        .unwrap();
    let (table, role) = used(&setup, &["--env-file", "other"], &[]);
    assert_eq!((table.as_str(), role.as_str()), ("odd-tenants", "other"));
}

#[test]
fn every_variable_is_used() {
    let setup = Setup::new("variables");
    let out = setup.out();
    let file = format!(
        "DYNAMO_TABLE_NAME=tenants\nDYNAMO_TABLE_REGION=us-east-1\nCROSS_ACCOUNT_ROLE_NAME=first\n\
         MEMBER_ROLE_NAME=second\nEXTERNAL_ID=word\nOUTPUT_BUCKET=reports/variables\n\
         OUTPUT_BUCKET_REGION=eu-west-2\nOUTPUT_DIR={}\nAWS_REGION=eu-north-1\n",
        out.display()
    );
    fs::write(setup.folder().join(".env"), file).unwrap();
    let rate = ["--rate", "ListTagsForResource=900"];
    let run = setup.run_bare(&rate, &[("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "")]);
    run.ended(0);
    assert!(!run.stderr.contains("without a meaning"), "{}", run.stderr);
    assert_eq!(setup.objects().len(), run.report().len());
    for call in setup.proxy.calls() {
        match (call.operation.as_str(), asked_for(&call)) {
            ("Scan", _) => assert_eq!(call.region, "us-east-1"),
            (_, Some((account, role))) => {
                let management =
                    account.starts_with("1111") || account.starts_with("0222") || account.starts_with("3333");
                assert_eq!(role, if management { "first" } else { "second" }, "{account}");
                assert_eq!(
                    (call.field("ExternalId").as_deref(), call.region.as_str()),
                    (Some("word"), "eu-north-1")
                );
            }
            _ if call.method == "PUT" => assert_eq!(call.region, "eu-west-2"),
            _ => {}
        }
    }
}

#[test]
fn all_errors_are_reported_at_once_before_any_call() {
    let setup = Setup::new("wrong");
    let wrong = [
        ("--tenant", "12", "12"),
        ("--member-role", "arn:aws:iam::1:role/x", "--member-role"),
        ("--columns", "Nope,CSP", "Nope"),
        ("--concurrency", "0", "--concurrency"),
        ("--rate", "Fetch=1", "Fetch"),
        ("--rate", "GetResources=often", "GetResources"),
        ("--bucket", "Bad_Bucket", "Bad_Bucket"),
        ("--tenant-filter", "nonsense", "nonsense"),
        ("--table-region", "Nowhere!", "Nowhere!"),
        ("--region-groups", "missing.toml", "missing.toml"),
        ("--env-file", "missing.env", "missing.env"),
    ];
    let args: Vec<&str> = wrong.iter().flat_map(|(flag, value, _)| [*flag, *value]).collect();
    let run = setup.run_bare(&args, &[]);
    run.ended(2);
    for (flag, _, word) in wrong {
        assert!(run.stderr.contains(word), "{flag} is not in {}", run.stderr);
    }
    run.said(&["CROSS_ACCOUNT_ROLE_NAME"]);
    assert_eq!(run.stderr.lines().count(), wrong.len() + 2, "a line each:\n{}", run.stderr);
    assert!(setup.proxy.calls().is_empty(), "AWS is not asked");
    assert!(!setup.out().exists());
}

#[test]
fn without_configuration_the_needed_settings_are_named() {
    let setup = Setup::new("nothing");
    let run = setup.run_bare(&[], &[]);
    run.ended(2);
    for needed in ["CROSS_ACCOUNT_ROLE_NAME", "DYNAMO_TABLE_NAME", "OUTPUT_BUCKET"] {
        run.said(&[needed]);
    }
    assert!(setup.proxy.calls().is_empty());
}

#[test]
fn a_report_without_a_destination_is_refused() {
    let setup = Setup::new("nowhere");
    let run = setup.run(&["--tenant", ALPHA, "--no-local", "--no-upload"]);
    run.ended(2);
    run.said(&["--no-local", "--no-upload"]);
    assert!(setup.proxy.calls().is_empty());
}

#[test]
fn missing_credentials_are_reported_before_any_call() {
    let setup = Setup::new("no-credentials");
    let none = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| (name, ""));
    setup.run_bare(&["--tenant", ALPHA, "--role", "r", "--no-upload"], &none).ended(2).said(&["credentials"]);
    assert!(setup.proxy.calls().is_empty(), "there was something to call with");
}

#[test]
fn without_a_region_the_home_region_is_the_global_one() {
    let setup = Setup::new("no-region");
    let none = ["AWS_REGION", "AWS_DEFAULT_REGION"].map(|name| (name, ""));
    let args = ["--tenant", ALPHA, "--role", "r", "--bucket", "reports/no-region", "--no-local"];
    setup.run_bare(&args, &none).ended(0);
    let calls = setup.proxy.calls();
    let mut at_home = calls.iter().filter(|call| call.service == "sts" || call.method == "PUT");
    assert!(at_home.all(|call| call.region == "us-east-1"));
    assert!(!setup.objects().is_empty());
}

#[test]
fn without_a_folder_the_report_is_in_the_home_folder() {
    let setup = Setup::new("home");
    let args = ["--tenant", ALPHA, "--role", "r", "--no-upload", "--rate", "ListTagsForResource=900"];
    setup.run_bare(&args, &[]).ended(0);
    let folder = setup.folder().join("aws-org-scripts-outputs");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| is_csv(name)).count(), 1);
}

#[test]
fn wrong_usage_is_two_and_help_is_zero() {
    let setup = Setup::new("usage");
    setup.run_bare(&["--no-such-flag"], &[]).ended(2);
    setup.run_bare(&["--format", "xlsx"], &[]).ended(2).said(&["possible values: csv, jsonl, parquet, html"]);
    setup.run_bare(&["--detect", "magic"], &[]).ended(2).said(&["possible values: tagging, explorer"]);
    let help = setup.run_bare(&["--help"], &[]);
    help.ended(0);
    for word in ["--dry-run", "--resume", "CROSS_ACCOUNT_ROLE_NAME", "Exit codes"] {
        assert!(help.stdout.contains(word), "{word} in {}", help.stdout);
    }
}

#[test]
fn the_lines_of_the_file_are_not_shown_and_unused_names_are() {
    let setup = Setup::new("secret-file");
    let file = setup.folder().join(".env");
    fs::write(&file, "DB_PASSWORD=CANARY-1\nCROSS_ACCOUNT_ROLE_NAME=r\n").unwrap();
    let run = setup.run_bare(&["--tenant", ALPHA, "--dry-run"], &[]);
    run.ended(0).said(&["DB_PASSWORD"]);
    assert!(!run.stderr.contains("CANARY"), "{}", run.stderr);
    fs::write(&file, "CROSS_ACCOUNT_ROLE_NAME=r\nPASSWORD 'CANARY-2\n").unwrap();
    let run = setup.run_bare(&["--tenant", ALPHA, "--dry-run"], &[]);
    run.ended(2).said(&[".env"]);
    assert!(!run.stderr.contains("CANARY"), "{}", run.stderr);
}
