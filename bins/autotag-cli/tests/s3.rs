//! `s3://` paths, against an S3 over real HTTP.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

use autotag_testkit::Emulator;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

const BIN: &str = env!("CARGO_BIN_EXE_autotag");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn emulator() -> Emulator {
    Emulator::start(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"))
}

fn autotag(emulator: &Emulator, args: &[&str]) -> Output {
    Command::new(BIN).args(args).current_dir(root()).envs(emulator.environment()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
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

#[test]
fn a_bucket_is_planned_like_the_folder_it_holds() {
    let emulator = emulator();
    fill(&emulator, "trail", &files(&root().join("fixtures/trail")));
    let folder = autotag(&emulator, &["plan", "fixtures/trail", "--all"]);
    let bucket = autotag(&emulator, &["plan", "s3://trail", "--all"]);
    assert_eq!(bucket.status.code(), Some(0), "{}", stderr(&bucket));
    assert_eq!(stdout(&bucket), stdout(&folder));
    assert_eq!(stderr(&bucket), stderr(&folder), "digests are left out of both");
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
    let output = autotag(&emulator, &["plan", "s3://mixed", "s3://no-such-bucket/x"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).lines().count() > 1, "the good file, and the whole records of the cut one");
    let said = stderr(&output);
    assert!(said.contains("s3://no-such-bucket/x: ListObjectsV2 answered NoSuchBucket"), "{said}");
    assert!(said.contains("s3://mixed/cut.json.gz: record 13"), "{said}");
    assert_eq!(autotag(&emulator, &["plan", "s3:///x"]).status.code(), Some(2));
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
    assert!(stderr(&output).contains("no file to read in s3://elsewhere"), "{}", stderr(&output));
    assert_eq!(server.join().unwrap(), ["eu-west-1", "ap-south-1"]);
}
