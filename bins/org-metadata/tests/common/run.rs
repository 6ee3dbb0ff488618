//! The real binary, and what it leaves in a folder.

use super::estate::{Estate, HEADER, MEMBER_ROLE, ROLE, TABLE};
use autotag_testkit::Proxy;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The resume cache of an incomplete run.
pub const UNFINISHED: &str = "aws-org-metadata.unfinished.jsonl";

/// The destination of the report besides the folder.
pub const BUCKET: &str = "reports/daily/";

/// The operations whose rates are raised, so that no call waits for a permit.
const NO_PACE: [&str; 9] = [
    "AssumeRole",
    "DescribeOrganization",
    "GetBucketLocation",
    "GetResources",
    "ListAccounts",
    "ListRegions",
    "ListTagsForResource",
    "PutObject",
    "Scan",
];

/// A run against the AWS behind `aws`, with all tenants of the table, into the folder and the bucket.
pub fn program(aws: &Proxy, out: &Path) -> Command {
    let options =
        format!("--table {TABLE} --role {ROLE} --member-role {MEMBER_ROLE} --bucket {BUCKET} --quiet --out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_org-metadata"));
    command.env_clear().envs(aws.environment()).env("HOME", out).current_dir(out);
    command.args(options.split(' ')).arg(out).stdin(Stdio::null());
    command
}

/// As [`program`], without rate limits of the program.
pub fn without_pace(aws: &Proxy, out: &Path) -> Command {
    let mut command = program(aws, out);
    for operation in NO_PACE {
        command.args(["--rate", &format!("{operation}=1000000")]);
    }
    command
}

/// Runs to the end. Returns the exit code and the output.
pub fn finish(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    (output.status.code().unwrap_or_else(|| panic!("{said}")), said)
}

/// The files in a folder that are not hidden, by name.
pub fn visible(out: &Path) -> BTreeMap<String, PathBuf> {
    let named = |entry: fs::DirEntry| (entry.file_name().to_string_lossy().into_owned(), entry.path());
    let files = fs::read_dir(out).unwrap().map(|entry| named(entry.unwrap()));
    files.filter(|(name, _)| !name.starts_with('.')).collect()
}

/// The rows of each organization's CSV, by management account, without the header. Panics where one is not whole, or where
/// an organization has two.
pub fn reports(out: &Path, header: &[&str]) -> BTreeMap<String, Vec<Vec<String>>> {
    let mut reports = BTreeMap::new();
    for (name, path) in visible(out) {
        let of = name.strip_prefix("aws-").and_then(|name| name.strip_suffix(".csv"));
        if let Some((management, _)) = of.and_then(|name| name.split_once("-account-metadata-report-")) {
            let other = reports.insert(management.to_owned(), rows(&fs::read(&path).unwrap(), header));
            assert!(other.is_none(), "{management} has two reports: {:?}", visible(out).keys());
        }
    }
    reports
}

/// The rows below the header. Asserts that the text has the canonical form: CRLF line ends, and quotes only where they are
/// needed.
pub fn rows(text: &[u8], header: &[&str]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
    let lines: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for line in &lines {
        writer.write_record(line).unwrap();
    }
    let anew = writer.into_inner().unwrap();
    assert_eq!(String::from_utf8_lossy(text), String::from_utf8_lossy(&anew), "not a whole CSV");
    let mut lines = lines.into_iter().map(|line| line.iter().map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(lines.next().unwrap_or_default(), header);
    lines.collect()
}

/// The columns of the known report, and more.
pub fn header<'h>(more: &[&'h str]) -> Vec<&'h str> {
    HEADER.iter().chain(more).copied().collect()
}

/// The manifest of the one run in the folder, if it has come so far.
pub fn manifest(out: &Path) -> Option<Value> {
    let files = visible(out);
    let mut manifests = files.iter().filter(|(name, _)| name.ends_with(".manifest.json"));
    let first = manifests.next().map(|(_, path)| serde_json::from_slice(&fs::read(path).unwrap()).unwrap());
    assert!(manifests.next().is_none(), "two manifests: {:?}", files.keys());
    first
}

/// That the bucket has just the files of the folder, byte by byte.
pub fn assert_uploaded(estate: &Estate, out: &Path) {
    let mut files = visible(out);
    files.remove(UNFINISHED);
    let files = files.into_iter().map(|(name, path)| (format!("{BUCKET}{name}"), fs::read(path).unwrap()));
    let (files, objects): (BTreeMap<_, _>, _) = (files.collect(), estate.objects());
    assert_eq!(objects.keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>());
    for (name, object) in objects {
        assert!(object == files[&name], "{name} is another in the bucket");
    }
}
