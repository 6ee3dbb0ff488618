//! Options come before the environment, and the environment before the file. All errors are reported at once.

use super::*;
use clap::Parser as _;
use std::fs;

/// The variables that a run needs at least.
const ENOUGH: [(&str, &str); 4] = [
    ("CROSS_ACCOUNT_ROLE_NAME", "reader"),
    ("DYNAMO_TABLE_NAME", "tenants"),
    ("HOME", "/home/ops"),
    ("OUTPUT_BUCKET", "reports"),
];

fn read(flags: &[&str], variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let cli = Cli::try_parse_from(["org-metadata"].iter().chain(flags)).unwrap();
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Config::read(&cli, &variables.iter().map(owned).collect())
}

/// With a file of variables.
fn read_file(text: &str, flags: &[&str], variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("env");
    fs::write(&path, text).unwrap();
    read(&[&["--env-file", path.to_str().unwrap()], flags].concat(), variables)
}

fn table(config: &Config) -> &Table {
    match &config.tenants {
        Source::Table(table) => table,
        Source::Listed(ids) => panic!("{ids:?}"),
    }
}

#[test]
fn the_environment_of_the_known_report_is_enough() {
    let config = read(&[], &ENOUGH).unwrap();
    assert_eq!((table(&config).name.as_str(), table(&config).region.as_str()), ("tenants", "us-east-1"));
    assert_eq!(table(&config).filters, known_filters());
    assert_eq!(config.role.name, "reader");
    assert_eq!(config.member_role.name, "reader", "by default the role is the same in every account");
    let bucket = config.bucket.unwrap();
    assert_eq!((bucket.name.as_str(), bucket.prefix.as_str()), ("reports", ""));
    assert_eq!(config.out.unwrap(), PathBuf::from("/home/ops/aws-org-scripts-outputs"));
    assert_eq!(config.formats, BTreeSet::from([Format::Csv, Format::Html]));
    assert_eq!(config.columns, columns::KNOWN);
}

#[test]
fn flags_beat_the_environment_and_it_beats_the_file() {
    let file = "OUTPUT_BUCKET=of-file\nDYNAMO_TABLE_NAME=of-file\nCROSS_ACCOUNT_ROLE_NAME=\"of file\"\n";
    let variables = [("DYNAMO_TABLE_NAME", "of-environment"), ("CROSS_ACCOUNT_ROLE_NAME", "of-environment")];
    let flags = ["--role", "of-flag", "--out", "/tmp/x"];
    let config = read_file(file, &flags, &variables).unwrap();
    assert_eq!(config.bucket.as_ref().unwrap().name, "of-file");
    assert_eq!(table(&config).name, "of-environment");
    assert_eq!(config.role.name, "of-flag");
    assert_eq!(config.out.unwrap(), PathBuf::from("/tmp/x"));
}

#[test]
fn an_empty_variable_is_not_set() {
    let config =
        read_file("OUTPUT_BUCKET=of-file\n", &[], &[&ENOUGH[..3], &[("OUTPUT_BUCKET", "")]].concat());
    assert_eq!(config.unwrap().bucket.unwrap().name, "of-file");
}

#[test]
fn unknown_variables_of_the_file_are_named_without_their_values() {
    let file = "AWS_SECRET_ACCESS_KEY=canary\nOUTPUT_BUCKETS=x\nEXTERNAL_ID=secret\nAWS_REGION=eu-west-1\n";
    let config = read_file(file, &[], &ENOUGH).unwrap();
    assert_eq!(config.unused, ["AWS_SECRET_ACCESS_KEY", "OUTPUT_BUCKETS"]);
    assert_eq!(config.region.unwrap().as_str(), "eu-west-1");
    assert_eq!(config.role.external_id.as_deref(), Some("secret"));
    let config = read_file(file, &[], &[&ENOUGH[..], &[("AWS_DEFAULT_REGION", "us-west-2")]].concat());
    assert_eq!(config.unwrap().region, None, "the environment names one");
}

#[test]
fn all_errors_are_reported_at_once() {
    let flags = [
        "--tenant=12",
        "--role=arn:aws:iam::1:role/x",
        "--columns=Nope",
        "--rate=GetResources=0",
        "--rate=Nope=1",
        "--concurrency=0",
        "--region-groups=/nowhere",
        "--bucket-region=Nowhere!",
        "--tenant-filter=x",
        "--env-file=/nowhere/env",
    ];
    let ConfigErrors(problems) = read(&flags, &[]).unwrap_err();
    for said in [
        "--tenant `12`",
        "--role is `arn:aws:iam::1:role/x`",
        "no column `Nope`",
        "--rate `GetResources=0`",
        "--rate `Nope=1`",
        "--concurrency `0`",
        "--region-groups /nowhere",
        "--bucket-region is `Nowhere!`",
        "--tenant-filter `x`",
        "/nowhere/env",
        "--bucket: expected a bucket",
        "--out: expected a folder",
    ] {
        assert!(problems.iter().any(|problem| problem.contains(said)), "`{said}` is not in {problems:#?}");
    }
    assert_eq!(problems.len(), 12, "{problems:#?}");
}

#[test]
fn wrong_values_of_closed_sets_are_wrong_usage() {
    for flag in ["--format=xls", "--detect=guess"] {
        let error = Cli::try_parse_from(["org-metadata", flag]).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{flag}");
    }
}

#[test]
fn an_unreadable_line_of_the_file_is_not_shown() {
    let ConfigErrors(problems) = read_file("CANARY = 'open\n", &[], &ENOUGH).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(!problems.concat().contains("CANARY") && !problems.concat().contains("open"), "{problems:?}");
}

#[test]
fn a_report_goes_somewhere() {
    let wrong = |flags: &[&str]| read(flags, &ENOUGH).unwrap_err().0.join("\n");
    assert!(wrong(&["--no-local", "--no-upload"]).contains("nowhere"));
    assert!(wrong(&["--no-local", "--resume"]).contains("--resume cannot be combined"));
    assert!(read(&["--no-upload"], &ENOUGH).unwrap().bucket.is_none());
    assert!(read(&["--no-local"], &ENOUGH).unwrap().out.is_none());
    let config = read(&["--dry-run"], &ENOUGH).unwrap();
    assert!(config.bucket.is_none() && config.out.is_none(), "a dry run writes nothing");
}

#[test]
fn filters_replace_the_known_ones() {
    let flags = ["--tenant-filter", "mgmt_category=", "--tenant-filter", "tenant_status=Active, Trial"];
    let config = read(&flags, &ENOUGH).unwrap();
    let filters = &table(&config).filters;
    assert!(!filters.contains_key("mgmt_category"));
    assert_eq!(filters.get("tenant_status").unwrap(), &["Active", "Trial"]);
    assert_eq!(filters.get("tenant_type").unwrap(), &["Cloud Usage"]);
}

#[test]
fn a_bucket_may_have_a_prefix() {
    for (named, prefix) in
        [("reports", ""), ("s3://reports", ""), ("reports/a/b", "a/b/"), ("reports/a/", "a/")]
    {
        let bucket = read(&["--bucket", named], &ENOUGH).unwrap().bucket.unwrap();
        assert_eq!((bucket.name.as_str(), bucket.prefix.as_str()), ("reports", prefix), "{named}");
    }
}

#[test]
fn settings_differ_where_answers_would_differ() {
    let settings = |flags: &[&str]| read(flags, &ENOUGH).unwrap().settings();
    let same = settings(&[]);
    assert_eq!(settings(&["--format=parquet", "--concurrency=3", "--no-upload", "--columns=+OU_Path"]), same);
    for other in [
        &["--role=x", "--member-role=reader"][..],
        &["--member-role=x"],
        &["--tenant=111122223333"],
        &["--table=x"],
        &["--tenant-filter=tenant_status=Trial"],
        &["--columns=+Tag:Team"],
        &["--detect=explorer"],
    ] {
        assert_ne!(settings(other), same, "{other:?}");
    }
}
