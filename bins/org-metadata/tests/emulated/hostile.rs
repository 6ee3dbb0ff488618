//! Hostile texts, and secrets that must not be shown.

use crate::emulated_aws::{ALPHA, BETA, HEADER, Row, csv};
use crate::setup::{Setup, asked_for, between};
use autotag_testkit::{Call, Fault, Reply};
use std::fs;

/// Names in the CSV: the word for the account, the name with a quote, the raw name.
const NAMES: [(&str, &str, &str); 12] = [
    ("formula", "'=cmd|'/C calc'!A0", "=cmd|'/C calc'!A0"),
    ("plus", "'+1+1", "+1+1"),
    ("minus", "'-1+1", "-1+1"),
    ("at", "'@SUM(1+1)", "@SUM(1+1)"),
    ("tab", "'\t=1+1", "\t=1+1"),
    ("return", "\"'\r=1+1\"", "\"\r=1+1\""),
    ("nul", "'\0=1+1", "\0=1+1"),
    ("quotes", "\"the \"\"good\"\" one, really\"", "\"the \"\"good\"\" one, really\""),
    ("lines", "\"one\r\n=two\"", "\"one\r\n=two\""),
    ("right-to-left", "\u{200f}abc\u{202e}cod.exe", "\u{200f}abc\u{202e}cod.exe"),
    ("markup", "<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("quoted", "'=1+1", "'=1+1"),
];

/// The rows of beta, with the names as given, and tags that want to be formulas.
fn rows(
    setup: &Setup,
    names: impl Iterator<Item = (&'static str, &'static str)>,
    tags: (&str, &str),
) -> Vec<String> {
    let (environment, aide_id) = tags;
    let there = Row { group: "UK", regions: "eu-west-2", environment, aide_id, ..Row::default() };
    let master = setup.aws.row("beta", "master", Row { name: "master", ..Row::default() });
    let members = names.map(|(account, name)| setup.aws.row("beta", account, Row { name, ..there }));
    std::iter::once(master).chain(members).collect()
}

#[test]
fn formulas_in_the_csv_get_a_quote() {
    let setup = Setup::new("inert");
    let run = setup.run(&["--tenant", BETA]);
    let names = NAMES.iter().map(|(account, inert, _)| (*account, *inert));
    assert_eq!(run.ended(0).csv(BETA), csv(HEADER, &rows(&setup, names, ("'=1+1", "'@SUM(1)"))));
}

#[test]
fn raw_csv_has_unchanged_texts() {
    let setup = Setup::new("raw");
    let run = setup.run(&["--tenant", BETA, "--raw-csv"]);
    let names = NAMES.iter().map(|(account, _, raw)| (*account, *raw));
    assert_eq!(run.ended(0).csv(BETA), csv(HEADER, &rows(&setup, names, ("=1+1", "@SUM(1)"))));
}

#[test]
fn a_header_is_a_cell_too() {
    let setup = Setup::new("header");
    let run = setup.run(&["--tenant", ALPHA, "--columns", "Account_Name,Tag:a \"b\""]);
    assert!(run.ended(0).csv(ALPHA).starts_with("Account_Name,\"Tag:a \"\"b\"\"\"\r\nmaster,\r\n"));
}

#[test]
fn json_lines_have_raw_texts_and_the_page_escapes_them() {
    let setup = Setup::new("markup");
    let run = setup.run(&["--tenant", BETA, "--format", "jsonl,html"]);
    run.ended(0);
    let records = run.records();
    let name = |account| {
        let id = setup.aws.id("beta", account);
        records.iter().find(|record| record["account_id"] == id).unwrap()["account_name"].clone()
    };
    assert_eq!(name("formula"), "=cmd|'/C calc'!A0");
    assert_eq!(name("lines"), "one\r\n=two");
    let page = std::str::from_utf8(run.file("aws-org-metadata-", ".html")).unwrap();
    assert!(page.contains("alert(1)"), "the account is on the page");
    assert!(!page.contains("<script>alert"), "and its name is a text");
}

/// Secrets besides the access keys of roles.
const SECRETS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIACANARYAMBIENT001"),
    ("AWS_SECRET_ACCESS_KEY", "CANARY/secret/of/the/environment"),
    ("AWS_SESSION_TOKEN", "CANARY/token/of/the/environment"),
];

/// Roles with recognizable secrets, a file with more of them, and a failure of each kind, so that every message is printed.
fn with_canaries() -> Setup {
    let setup = Setup::new("canaries");
    setup.proxy.rewrite("/", |call, reply| {
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        if asked_for(call).is_none() || reply.status != 200 {
            return reply;
        }
        let part = |element| between(&body, element).unwrap();
        let (secret, token) = (part("SecretAccessKey"), part("SessionToken"));
        let told = body.replace(secret, "CANARY/secret/of/a/role").replace(token, "CANARY/token");
        Reply { body: told.into(), ..reply }
    });
    let file = "SOME_PASSWORD=CANARY-of-the-file\nEXTERNAL_ID=CANARY-external\n";
    fs::write(setup.folder().join(".env"), file).unwrap();
    let denied = setup.aws.id("alpha", "data").to_owned();
    let is_denied = move |call: &Call| asked_for(call).is_some_and(|(account, _)| account == denied);
    setup.refuse("AccessDenied", move |call, _| is_denied(call));
    setup.refuse("AccessDeniedException", |call, _| {
        call.operation == "GetResources" && call.region == "eu-west-1"
    });
    setup
}

#[test]
fn no_secret_is_written_or_said() {
    let setup = with_canaries();
    let out = setup.out();
    let usual = ["--table", "tenants", "--role", "r", "--out", out.to_str().unwrap()];
    let more = ["--format", "csv,jsonl,parquet,html", "--rate", "ListTagsForResource=900"];
    let mut shown = String::new();
    for place in [
        &["--bucket", "reports/canaries"][..],
        &["--bucket", "no-such-bucket"],
        &["--no-upload", "--dry-run"],
    ] {
        let run = setup.run_bare(&[&usual[..], &more, place].concat(), &SECRETS);
        let is_wrong = place.contains(&"no-such-bucket");
        assert_eq!(run.code == Some(2), is_wrong, "{}", run.stderr);
        let kept = run.files.keys().any(|name| name.contains("unfinished"));
        assert!(kept, "the answers so far are looked at, too");
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        shown.extend(run.files.iter().map(|(name, bytes)| format!("{name}\n{}\n", text(bytes))));
        shown.extend(setup.objects().values().map(text).chain([run.stdout, run.stderr]));
    }
    for secret in ["CANARY", SECRETS[0].1].into_iter().map(str::to_owned).chain(setup.keys.all()) {
        assert!(!shown.contains(&secret), "{secret} in {shown}");
    }
    assert!(setup.keys.all().len() > 20, "there were keys to look for");
}

/// Without a bound, the memory of the machine would decide how long the program lives.
#[test]
fn an_answer_without_an_end_ends_the_call() {
    let setup = Setup::new("endless");
    let long = Reply::new(200, "application/x-amz-json-1.1", vec![b' '; autotag_aws::LONGEST_ANSWER + 1]);
    setup
        .proxy
        .rule(move |call| (call.operation == "DescribeOrganization").then(|| Fault::Answered(long.clone())));
    let run = setup.run(&["--tenant", ALPHA]);
    run.ended(1);
    let manifest = String::from_utf8_lossy(run.file("aws-org-metadata-", "manifest.json")).into_owned();
    assert!(manifest.contains("AnswerTooLong"), "{manifest}\n{}", run.stderr);
}
