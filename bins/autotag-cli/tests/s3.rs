//! `s3://` paths, against an S3 over real HTTP.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

mod common;

use autotag_testkit::{Call, Emulator, Fault, Proxy};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use common::{BIN, root, stderr, stdout};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

fn emulator() -> Emulator {
    Emulator::start(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"))
}

fn autotag(emulator: &Emulator, args: &[&str]) -> Output {
    Command::new(BIN).args(args).current_dir(root()).envs(emulator.environment()).output().unwrap()
}

/// Puts objects into a new bucket.
fn fill(emulator: &Emulator, bucket: &str, objects: &[(String, Vec<u8>)]) {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("testing", "testing", None, None, "test"))
        .endpoint_url(emulator.url())
        .force_path_style(true)
        .build();
    let client = Client::from_conf(config);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        client.create_bucket().bucket(bucket).send().await.unwrap();
        let puts = objects.iter().map(|(key, bytes)| {
            let put = client.put_object().bucket(bucket).key(key).body(bytes.clone().into());
            tokio::spawn(put.send())
        });
        for put in puts.collect::<Vec<_>>() {
            put.await.unwrap().unwrap();
        }
    });
}

/// The files below a folder, by their path from it.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let key = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.push((key, fs::read(&path).unwrap()));
            }
        }
    }
    found
}

/// The text on stderr without the commands that follow: they name the input.
fn summary(output: &Output) -> String {
    let said = stderr(output);
    said.split("        next ").next().unwrap_or_default().to_owned()
}

#[test]
fn a_bucket_is_planned_like_the_folder_it_holds() {
    let emulator = emulator();
    fill(&emulator, "trail", &files(&root().join("fixtures/trail")));
    let folder = autotag(&emulator, &["plan", "fixtures/trail", "--all"]);
    let bucket = autotag(&emulator, &["plan", "s3://trail", "--all"]);
    assert_eq!(bucket.status.code(), Some(0), "{}", stderr(&bucket));
    assert_eq!(stdout(&bucket), stdout(&folder));
    assert_eq!(summary(&bucket), summary(&folder), "digests are left out of both");
    let day = ["--since", "2026-03-03", "--until", "2026-03-04"];
    let of_day = |path| stdout(&autotag(&emulator, &[&["plan", path], &day[..]].concat()));
    assert_eq!(of_day("s3://trail/AWSLogs/o-exampleorg1/"), of_day("fixtures/trail"));
}

#[test]
fn a_prefix_of_more_than_one_page_is_read_whole() {
    let emulator = emulator();
    let record = |number: usize| {
        format!(
            r#"{{"eventSource":"sqs.amazonaws.com","eventName":"CreateQueue","awsRegion":"eu-west-1","eventID":"{number}",
            "recipientAccountId":"111122223333","userIdentity":{{"type":"IAMUser","userName":"ana"}},
            "responseElements":{{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/q{number}"}}}}"#
        )
    };
    let objects: Vec<_> =
        (0..1_001).map(|number| (format!("many/{number}.json"), record(number).into_bytes())).collect();
    fill(&emulator, "pages", &objects);
    let output = autotag(&emulator, &["plan", "s3://pages/many/", "--jobs", "32"]);
    assert_eq!(stdout(&output).lines().count(), 1_001, "{}", stderr(&output));
}

#[test]
fn what_cannot_be_read_is_named_and_stops_nothing() {
    let emulator = emulator();
    let good = fs::read(root().join("fixtures/odd/eventbridge.json")).unwrap();
    let cut = fs::read(root().join("fixtures/broken/truncated.json.gz")).unwrap();
    fill(&emulator, "mixed", &[("good.json".to_owned(), good), ("cut.json.gz".to_owned(), cut)]);
    let output = autotag(&emulator, &["plan", "s3://mixed"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).lines().count() > 1, "the good file, and the whole records of the cut one");
    let said = stderr(&output);
    assert!(said.contains("s3://mixed/cut.json.gz"), "{said}");
    assert_eq!(autotag(&emulator, &["plan", "s3:///x"]).status.code(), Some(2));
}

/// Without credentials or certificates each call would fail after all its attempts.
#[test]
fn without_credentials_or_certificates_every_command_that_calls_aws_says_so_in_one_line() {
    let home = tempfile::tempdir().unwrap();
    let queue = "https://sqs.eu-west-1.amazonaws.com/111122223333/dead";
    let commands: [&[&str]; 9] = [
        &["plan", "s3://bucket/prefix"],
        &["apply", "fixtures/trail", "--yes"],
        &["redrive", queue],
        &["whois", "arn:aws:sqs:eu-west-1:111122223333:orders"],
        &["sessions", "list", "--table", "sessions"],
        &["ledger", "list", "--table", "ledger", "--owner", "mara"],
        &["report", "--live", "--format", "csv"],
        &["deploy", "--status"],
        &["doctor"],
    ];
    let without_credentials = [("AWS_PROFILE", "nope")];
    let without_certificates =
        [("SSL_CERT_FILE", "/none"), ("AWS_ACCESS_KEY_ID", "testing"), ("AWS_SECRET_ACCESS_KEY", "testing")];
    let environments = [
        (without_credentials.as_slice(), ["no AWS credentials", "nope"]),
        (without_certificates.as_slice(), ["no certificates of authorities", "SSL_CERT_FILE"]),
    ];
    for (environment, expected) in environments {
        for args in commands {
            let output = Command::new(BIN)
                .args(args)
                .current_dir(root())
                .env_clear()
                .envs([("AWS_REGION", "eu-west-1"), ("AWS_EC2_METADATA_DISABLED", "true")])
                .envs(environment.iter().copied())
                .env("HOME", home.path())
                .output()
                .unwrap();
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
            assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
            assert!(expected.iter().all(|part| said.contains(part)), "{args:?}: {said}");
            assert_eq!(stdout(&output), "", "{args:?}");
        }
    }
}

/// A bucket that does not exist is a mistake in the command, as a missing folder is.
#[test]
fn a_missing_bucket_is_one_line_before_anything_is_read() {
    let emulator = emulator();
    fill(&emulator, "there", &[("good.json".to_owned(), b"{\"Records\":[]}".to_vec())]);
    let output = autotag(&emulator, &["plan", "s3://there", "s3://no-such-bucket/x"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("s3://no-such-bucket/x: ListObjectsV2 answered NoSuchBucket"), "{said}");
}

/// A proxy before the emulator that keeps the calls.
fn proxy(emulator: &Emulator) -> Proxy {
    let proxy = Proxy::start(&emulator.url()).unwrap();
    proxy.keep_bodies();
    proxy
}

fn plan(proxy: &Proxy, args: &[&str]) -> Output {
    let mut command = Command::new(BIN);
    command.arg("plan").args(args).current_dir(root()).envs(proxy.environment()).output().unwrap()
}

/// The prefixes that were listed, and whether by folders; in no order.
fn listed(proxy: &Proxy) -> Vec<(String, bool)> {
    let lists = proxy.calls().into_iter().filter(|call| call.field("list-type").is_some());
    let prefix = |call: Call| (call.field("prefix").unwrap_or_default(), call.field("delimiter").is_some());
    let mut prefixes: Vec<_> = lists.map(prefix).collect();
    prefixes.sort();
    prefixes
}

/// How often an object was asked for.
fn reads(proxy: &Proxy, name: &str) -> usize {
    proxy.calls().iter().filter(|call| call.field("list-type").is_none() && call.path.contains(name)).count()
}

/// Files of a trail in two regions: one on each of these days.
fn days(organization: &str, days: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut objects = Vec::new();
    for region in ["eu-west-1", "us-east-1"] {
        for day in days {
            let time = day.replace('/', "-");
            let name = format!("{region}-{time}");
            let key = format!("{organization}/111122223333/CloudTrail/{region}/{day}/{name}.json");
            let record = queue(&name, &format!("{time}T12:00:00Z"));
            objects.push((key, record.into_bytes()));
        }
        let digest = format!("{organization}/111122223333/CloudTrail-Digest/{region}/2026/03/02/d.json");
        objects.push((digest, b"{}".to_vec()));
    }
    objects
}

fn queue(name: &str, time: &str) -> String {
    format!(
        r#"{{"eventSource":"sqs.amazonaws.com","eventName":"CreateQueue","awsRegion":"eu-west-1","eventID":"{name}",
        "eventTime":"{time}","recipientAccountId":"111122223333","userIdentity":{{"type":"IAMUser","userName":"ana"}},
        "responseElements":{{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/{name}"}}}}"#
    )
}

#[test]
fn only_the_folders_of_the_days_are_listed() {
    let emulator = emulator();
    let trail = "AWSLogs/o-1";
    let all =
        ["2025/12/31", "2026/02/27", "2026/02/28", "2026/03/01", "2026/03/02", "2026/03/03", "2026/03/04"];
    fill(&emulator, "days", &days(trail, &all));
    let proxy = proxy(&emulator);
    let output = plan(&proxy, &["s3://days", "--since", "2026-03-02", "--until", "2026-03-02T12:00:01Z"]);
    assert_eq!(stdout(&output).lines().count(), 2, "{}", stderr(&output));
    let account = format!("{trail}/111122223333/");
    let mut expected: Vec<(String, bool)> =
        ["", "AWSLogs/", "AWSLogs/o-1/", &account].map(|prefix| (prefix.to_owned(), true)).to_vec();
    expected.push((format!("{account}CloudTrail/"), true));
    for region in ["eu-west-1", "us-east-1"] {
        for folder in ["", "2026/", "2026/02/", "2026/03/"] {
            expected.push((format!("{account}CloudTrail/{region}/{folder}"), true));
        }
        // Two days before for the sessions, and one after for late deliveries.
        for day in ["02/28", "03/01", "03/02", "03/03"] {
            expected.push((format!("{account}CloudTrail/{region}/2026/{day}/"), false));
        }
    }
    expected.sort();
    assert_eq!(listed(&proxy), expected);
    for (day, count) in [("2026-02-27", 0), ("2026-02-28", 2), ("2026-03-03", 2), ("2026-03-04", 0)] {
        assert_eq!(reads(&proxy, &format!("{day}.json")), count, "{day}");
    }
    // Without days each month is listed at once, and without its days.
    proxy.forget_calls();
    let output = plan(&proxy, &["s3://days/AWSLogs/o-1/111122223333/CloudTrail/eu"]);
    assert_eq!(stdout(&output).lines().count(), all.len(), "{}", stderr(&output));
    let below = |folder: &str| format!("{account}CloudTrail/eu{folder}");
    assert_eq!(
        listed(&proxy),
        [
            (below(""), true),
            (below("-west-1/"), true),
            (below("-west-1/2025/"), true),
            (below("-west-1/2025/12/"), false),
            (below("-west-1/2026/"), true),
            (below("-west-1/2026/02/"), false),
            (below("-west-1/2026/03/"), false),
        ]
    );
}

#[test]
fn a_trail_below_a_prefix_is_found_and_other_layouts_are_read_whole() {
    let emulator = emulator();
    let mut objects = days("control/o-1/AWSLogs/o-1", &["2026/01/01", "2026/03/02"]);
    let of_own_layout = "export/2026/01/01/a/b/c.json";
    objects.push((of_own_layout.to_owned(), queue("own", "2026-03-02T12:00:00Z").into_bytes()));
    // More folders than are walked one by one.
    for number in 0..60 {
        let record = queue(&format!("many-{number}"), "2026-03-02T12:00:00Z");
        objects.push((format!("many/{number}/deep/a.json"), record.into_bytes()));
    }
    fill(&emulator, "mixed", &objects);
    let proxy = proxy(&emulator);
    let output = plan(&proxy, &["s3://mixed", "--since", "2026-03-01"]);
    assert_eq!(stdout(&output).lines().count(), 2 + 1 + 60, "{}", stderr(&output));
    let listed = listed(&proxy);
    assert!(listed.contains(&("many/".to_owned(), false)), "{listed:?}");
    assert!(
        !listed.iter().any(|(prefix, _)| prefix.starts_with("many/1") || prefix.contains("2026/01/01/1"))
    );
    assert!(!listed.iter().any(|(prefix, _)| prefix.ends_with("/CloudTrail/eu-west-1/2026/01/")));
    assert_eq!(reads(&proxy, "2026-01-01.json"), 0);
}

/// Answers with this fault until it was given `times` times for one object.
fn first(proxy: &Proxy, name: &'static str, times: usize, fault: Fault) {
    let given = AtomicUsize::new(0);
    proxy.rule(move |call| {
        let applies = call.path.contains(name) && given.fetch_add(1, Ordering::Relaxed) < times;
        applies.then(|| fault.clone())
    });
}

#[test]
fn an_answer_that_breaks_off_is_asked_for_again_from_there() {
    let emulator = emulator();
    fill(&emulator, "trail", &files(&root().join("fixtures/trail")));
    let folder = autotag(&emulator, &["plan", "fixtures/trail", "--all"]);
    let proxy = proxy(&emulator);
    first(&proxy, "_20260302T0815Z_", 3, Fault::CutOff(700));
    first(&proxy, "_20260303T1210Z_", 1, Fault::CutOff(0));
    first(&proxy, "_20260302T1010Z_", 2, Fault::Reset);
    let bucket = plan(&proxy, &["s3://trail", "--all"]);
    assert_eq!(stdout(&bucket), stdout(&folder));
    assert_eq!(summary(&bucket), summary(&folder));
    assert_eq!(reads(&proxy, "_20260302T0815Z_"), 4);
    assert_eq!(reads(&proxy, "_20260303T1210Z_"), 2);
    assert_eq!(reads(&proxy, "_20260302T0810Z_"), 1);
}

#[test]
fn an_object_whose_answers_all_break_off_is_named_and_nothing_of_it_is_used() {
    let emulator = emulator();
    let record = |name: &str| queue(name, "2026-03-02T12:00:00Z").replace('\n', " ");
    let two = format!("{}\n{}\n", record("cut-1"), record("cut-2"));
    let length = record("cut-1").len() + 1;
    fill(
        &emulator,
        "bucket",
        &[("good.json".into(), record("good").into()), ("cut.jsonl".into(), two.into())],
    );
    let proxy = proxy(&emulator);
    // The first record comes.
    first(&proxy, "cut.jsonl", 1, Fault::CutOff(length));
    proxy.rule(|call| call.path.contains("cut.jsonl").then_some(Fault::CutOff(0)));
    let output = plan(&proxy, &["s3://bucket"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(stdout(&output).contains("good") && !stdout(&output).contains("cut-1"), "{}", stdout(&output));
    assert!(
        said.contains("the object cannot be read whole") && said.contains("s3://bucket/cut.jsonl"),
        "{said}"
    );
}

/// The bytes of an earlier version never come before those of a later one. A year-old trail has usually been moved
/// to an archive class.
#[test]
fn an_archived_object_is_named_and_not_asked_for_again() {
    let emulator = emulator();
    let good = fs::read(root().join("fixtures/odd/eventbridge.json")).unwrap();
    fill(&emulator, "aged", &[("good.json".to_owned(), good.clone()), ("old.json".to_owned(), good)]);
    let proxy = proxy(&emulator);
    proxy.rule(|call| call.path.ends_with("/old.json").then(|| Fault::refused("InvalidObjectState")));
    let output = plan(&proxy, &["s3://aged"]);
    assert_eq!((output.status.code(), reads(&proxy, "old.json")), (Some(1), 1));
    let said = stderr(&output);
    assert!(
        said.contains("archived: GetObject answered InvalidObjectState; restore it")
            && said.contains("s3://aged/old.json"),
        "{said}"
    );
    assert!(stdout(&output).lines().count() > 0, "the others are read");
}

#[test]
fn an_object_that_is_replaced_while_it_is_read_is_read_anew() {
    let emulator = emulator();
    let record = |name: &str| queue(name, "2026-03-02T12:00:00Z").replace('\n', " ") + "\n";
    let old = record("old-1") + &record("old-2");
    let new = record("new-1") + &record("new-2");
    fill(&emulator, "bucket", &[("a.jsonl".into(), new.into_bytes())]);
    let proxy = proxy(&emulator);
    let answered = AtomicUsize::new(0);
    let cut = old.len() / 2;
    proxy.rewrite("/bucket/a.jsonl", move |_, mut reply| {
        if answered.fetch_add(1, Ordering::Relaxed) == 0 {
            reply.body = old.clone().into();
            reply.headers.retain(|(name, _)| name != "etag");
            reply = reply.with_header("etag", "\"old\"");
        }
        reply
    });
    first(&proxy, "a.jsonl", 1, Fault::CutOff(cut));
    let output = plan(&proxy, &["s3://bucket"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let rows = stdout(&output);
    assert!(rows.contains("new-1") && rows.contains("new-2") && !rows.contains("old"), "{rows}");
    assert_eq!(reads(&proxy, "a.jsonl"), 3, "the old one, a part of it, the new one");
}

#[test]
fn a_long_object_is_read_as_it_comes_and_goes_on_where_it_broke_off() {
    let emulator = emulator();
    let record = |number: usize| queue(&format!("q{number}"), "2026-03-02T12:00:00Z").replace('\n', " ");
    // Longer than what is held in memory, of few records.
    let blanks = " ".repeat(1 << 20);
    let lines = (0..20).map(|number| record(number) + &blanks + "\n").collect::<Vec<_>>().concat();
    fill(&emulator, "long", &[("a.jsonl".into(), lines.into_bytes())]);
    let proxy = proxy(&emulator);
    first(&proxy, "a.jsonl", 1, Fault::CutOff(9_000_000));
    let output = plan(&proxy, &["s3://long"]);
    assert_eq!(stdout(&output).lines().count(), 20, "{}", stderr(&output));
    assert_eq!(reads(&proxy, "a.jsonl"), 2);
    // The part that was used cannot be taken back, so it is not read again.
    proxy.repair();
    proxy.forget_calls();
    first(&proxy, "a.jsonl", 1, Fault::CutOff(9_000_000));
    let other = AtomicUsize::new(0);
    proxy.rewrite("/long/a.jsonl", move |_, mut reply| {
        if other.fetch_add(1, Ordering::Relaxed) == 0 {
            reply.headers.retain(|(name, _)| name != "etag");
            reply = reply.with_header("etag", "\"old\"");
        }
        reply
    });
    let output = plan(&proxy, &["s3://long"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("replaced while it was read"), "{}", stderr(&output));
}

/// S3 answers a request in the wrong region with a redirect that names the right one. The emulator has one region for all,
/// so this server answers in its place.
#[test]
fn a_bucket_in_another_region_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let mut regions = Vec::new();
        for stream in listener.incoming().take(2) {
            let mut stream = stream.unwrap();
            let mut signed_for = String::new();
            for line in BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok) {
                if line.to_lowercase().starts_with("authorization:") {
                    signed_for = line.split('/').nth(2).unwrap_or_default().to_owned();
                }
                if line.is_empty() {
                    break;
                }
            }
            let (status, body) = if signed_for == "ap-south-1" {
                ("200 OK", "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
            } else {
                ("301 Moved Permanently", "<Error><Code>PermanentRedirect</Code></Error>")
            };
            regions.push(signed_for);
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status}\r\nx-amz-bucket-region: ap-south-1\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )
            .unwrap();
        }
        regions
    });
    let output = Command::new(BIN)
        .args(["plan", "s3://elsewhere"])
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .output()
        .unwrap();
    assert!(stderr(&output).contains("no file to read: s3://elsewhere"), "{}", stderr(&output));
    assert_eq!(server.join().unwrap(), ["eu-west-1", "ap-south-1"]);
}
