//! `autotag apply` against an emulated AWS: it writes what the plan says, replaces no owner, and can be killed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use autotag_testkit::{Emulator, Fault, Proxy, Reply};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use common::{BIN, stderr};
use nix::pty::{Winsize, openpty};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const ACCOUNT: &str = "123456789012";

/// An emulated AWS behind a proxy that counts calls, and a folder for trails.
struct Aws {
    proxy: Proxy,
    ec2: Client,
    folder: tempfile::TempDir,
    _emulator: Emulator,
}

impl Aws {
    fn new() -> Self {
        let emulator = Emulator::start(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
        let proxy = Proxy::start(&emulator.url()).unwrap();
        // No principal has IAM tags here, and all are known.
        proxy.route("/", |call| {
            let empty = "<ListUserTagsResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListUserTagsResult>\
                <Tags/><IsTruncated>false</IsTruncated></ListUserTagsResult></ListUserTagsResponse>";
            (call.operation == "ListUserTags").then(|| Reply::xml(200, empty))
        });
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("testing", "testing", None, None, "test"))
            .endpoint_url(emulator.url())
            .build();
        Self {
            proxy,
            ec2: Client::from_conf(config),
            folder: tempfile::tempdir().unwrap(),
            _emulator: emulator,
        }
    }

    async fn volumes(&self, count: usize, tags: &[(&str, &str)]) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..count {
            let mut made = self.ec2.create_volume().availability_zone("eu-west-1a").size(1);
            if !tags.is_empty() {
                let tags =
                    tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()).collect();
                let of_volume = TagSpecification::builder().resource_type(ResourceType::Volume);
                made = made.tag_specifications(of_volume.set_tags(Some(tags)).build());
            }
            ids.push(made.send().await.unwrap().volume_id.unwrap());
        }
        ids
    }

    async fn tags(&self, ids: &[String]) -> BTreeMap<String, BTreeMap<String, String>> {
        let filter = Filter::builder().name("resource-id").set_values(Some(ids.to_vec())).build();
        let answer = self.ec2.describe_tags().filters(filter).send().await.unwrap();
        let mut tags: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for tag in answer.tags.unwrap_or_default() {
            let of = tags.entry(tag.resource_id.unwrap()).or_default();
            of.insert(tag.key.unwrap(), tag.value.unwrap_or_default());
        }
        tags
    }

    /// A trail of an old day: each volume by another person.
    fn trail(&self, ids: &[String]) -> String {
        self.file("trail.json", "2026-03-02T09:00:00Z", 0, ids)
    }

    /// One file of it; its first volume is by the person of this number.
    fn file(&self, name: &str, time: &str, person: usize, ids: &[String]) -> String {
        let record = |(number, id): (usize, &String)| -> Value {
            let number = person + number;
            let user = format!("user-{number:02}");
            json!({"eventID": format!("event-{number}"), "eventTime": time, "eventSource": "ec2.amazonaws.com",
                "eventName": "CreateVolume", "awsRegion": "eu-west-1", "recipientAccountId": ACCOUNT,
                "requestParameters": {}, "responseElements": {"volumeId": id},
                "userIdentity": {"type": "IAMUser", "userName": user, "principalId": format!("AIDA{number:02}"),
                    "accountId": ACCOUNT, "arn": format!("arn:aws:iam::{ACCOUNT}:user/{user}")}})
        };
        let records: Vec<Value> = ids.iter().enumerate().map(record).collect();
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, json!({"Records": records}).to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BIN);
        command
            .args(args)
            .current_dir(self.folder.path())
            .envs(self.proxy.environment())
            .stdin(Stdio::null());
        command
    }

    fn apply(&self, args: &[&str]) -> Output {
        self.command(&[&["apply"], args].concat()).output().unwrap()
    }
}

fn outcomes(output: &Output) -> Vec<String> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let line =
        |line: &str| serde_json::from_str::<Value>(line).unwrap()["outcome"].as_str().unwrap().to_owned();
    text.lines().map(line).collect()
}

/// The text on a terminal of 60 columns, after this answer.
fn answered(mut command: Command, answer: &str) -> (String, Option<i32>) {
    let size = Winsize { ws_row: 24, ws_col: 60, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = openpty(Some(&size), None).unwrap();
    let end = || Stdio::from(terminal.slave.try_clone().unwrap());
    let mut child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
    drop((command, terminal.slave));
    let mut master = std::fs::File::from(terminal.master);
    master.write_all(format!("{answer}\n").as_bytes()).unwrap();
    let mut shown = Vec::new();
    // A terminal whose other end is closed answers with an error.
    let _ = master.read_to_end(&mut shown);
    let shown = String::from_utf8(shown).unwrap().replace("\r\n", "\n");
    (anstream::adapter::strip_str(&shown).to_string(), child.wait().unwrap().code())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_fits_into_the_terminal_and_no_is_an_answer() {
    let aws = Aws::new();
    let ids = aws.volumes(1, &[]).await;
    let trail = aws.trail(&ids);
    let (shown, code) = answered(aws.command(&["apply", &trail]), "n");
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("Write the tags? [y/N]"), "{shown}");
    assert!(shown.ends_with("autotag: nothing was written: the answer was not yes\n"), "{shown}");
    // People end the line of the question with their answer.
    let before = shown.split("Write the tags?").next().unwrap();
    assert!(before.lines().all(|line| line.chars().count() <= 60), "{shown}");
    assert!(aws.tags(&ids).await.is_empty());
    let (shown, code) = answered(aws.command(&["apply", &trail]), "y");
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(aws.tags(&ids).await.len(), 1, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_writes_the_plan_once() {
    let aws = Aws::new();
    let ids = aws.volumes(3, &[("Name", "disk")]).await;
    let trail = aws.trail(&ids);
    let first = aws.apply(&[&trail, "--yes", "--max-calls-per-second", "100"]);
    assert_eq!(outcomes(&first), ["Tagged"; 3], "{}", stderr(&first));
    assert_eq!(first.status.code(), Some(0));
    let tags = aws.tags(&ids).await;
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(tags[id]["Owner"], format!("user-{number:02}"));
        assert_eq!(tags[id]["Name"], "disk");
    }
    let writes = aws.proxy.count("ec2", "CreateTags");
    let second = aws.apply(&[&trail, "--yes", "--all", "--max-calls-per-second", "100"]);
    assert_eq!(outcomes(&second), ["AlreadyTagged"; 3], "{}", stderr(&second));
    assert_eq!(aws.proxy.count("ec2", "CreateTags"), writes);
}

/// Of four volumes one is tagged by somebody else after the plan, and one gets its planned owner.
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_written_exactly_and_only_where_nothing_has_changed() {
    let aws = Aws::new();
    let ids = aws.volumes(4, &[("Name", "disk")]).await;
    let planned = aws.command(&["plan", &aws.trail(&ids), "--out", "plan.jsonl"]).output().unwrap();
    assert_eq!(planned.status.code(), Some(0), "{}", stderr(&planned));
    assert!(stderr(&planned).contains("`autotag apply plan.jsonl`"), "{}", stderr(&planned));
    let tag = |id: &str, key: &str, value: &str| {
        let tag = Tag::builder().key(key).value(value).build();
        aws.ec2.create_tags().resources(id).tags(tag).send()
    };
    tag(&ids[1], "Owner", "noor").await.unwrap();
    tag(&ids[2], "Owner", "user-02").await.unwrap();
    tag(&ids[2], "CostCenter", "42").await.unwrap();
    let unasked = aws.apply(&["plan.jsonl"]);
    assert_eq!(unasked.status.code(), Some(2), "{}", stderr(&unasked));
    // The trail has changed since: the plan is what counts.
    aws.file("trail.json", "2026-03-02T09:00:00Z", 7, &ids);
    let applied = aws.apply(&["plan.jsonl", "--yes", "--max-calls-per-second", "100"]);
    assert_eq!(outcomes(&applied), ["Tagged", "Refused", "Tagged", "Tagged"], "{}", stderr(&applied));
    assert_eq!(applied.status.code(), Some(1));
    let reason = String::from_utf8(applied.stdout).unwrap();
    assert!(reason.contains("(`Owner` is `noor`)"), "{reason}");
    let tags = aws.tags(&ids).await;
    let owners: Vec<&str> = ids.iter().map(|id| tags[id]["Owner"].as_str()).collect();
    assert_eq!(owners, ["user-00", "noor", "user-02", "user-03"]);
    assert!(!tags[&ids[1]].contains_key("PrincipalId"), "{:?}", tags[&ids[1]]);
    assert_eq!(
        (tags[&ids[2]]["CostCenter"].as_str(), tags[&ids[2]]["PrincipalId"].as_str()),
        ("42", "AIDA02")
    );
    let again = aws.apply(&["plan.jsonl", "--yes", "--max-calls-per-second", "100"]);
    assert_eq!(outcomes(&again), ["AlreadyTagged", "Refused", "AlreadyTagged", "AlreadyTagged"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_another_policy_or_beside_a_trail_is_refused_before_anything_is_written() {
    let aws = Aws::new();
    let ids = aws.volumes(2, &[]).await;
    let trail = aws.trail(&ids);
    aws.command(&["plan", &trail, "--out", "plan.jsonl"]).output().unwrap();
    std::fs::write(aws.folder.path().join("other.toml"), "[static]\nTeam = \"shop\"\n").unwrap();
    for (args, why) in [
        (&["plan.jsonl", "--yes", "--policy", "other.toml"][..], "another policy"),
        (&["plan.jsonl", &trail, "--yes"], "apply it alone"),
        (&["plan.jsonl", "--since", "2026-01-01", "--yes"], "apply it alone"),
        (&["rows.csv", "--yes"], "`rows.csv` is neither a trail nor a saved plan"),
    ] {
        let refused = aws.apply(args);
        assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
        assert!(stderr(&refused).contains(why), "{}", stderr(&refused));
    }
    assert_eq!(aws.proxy.count("ec2", "CreateTags"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_owner_stays_unless_told_otherwise() {
    let aws = Aws::new();
    let ids = aws.volumes(1, &[("Owner", "noor")]).await;
    let trail = aws.trail(&ids);
    let kept = aws.apply(&[&trail, "--yes", "--all"]);
    assert_eq!(outcomes(&kept), ["AlreadyTagged"], "{}", stderr(&kept));
    assert_eq!(aws.tags(&ids).await[&ids[0]]["Owner"], "noor");
    let replaced = aws.apply(&[&trail, "--yes", "--replace"]);
    assert_eq!(outcomes(&replaced), ["Tagged"], "{}", stderr(&replaced));
    assert_eq!(aws.tags(&ids).await[&ids[0]]["Owner"], "user-00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_writes_what_it_chooses_and_a_later_run_writes_the_rest() {
    let aws = Aws::new();
    let ids = aws.volumes(3, &[]).await;
    let trail = aws.trail(&ids);
    let state = aws.folder.path().join("state");
    let usual = [&trail, "--yes", "--state", state.to_str().unwrap()];
    let one = aws.apply(&[&usual[..], &["--owner", "user-01", "--type", "EC2::Volume"]].concat());
    assert_eq!(outcomes(&one), ["Tagged"], "{}", stderr(&one));
    let said = stderr(&one);
    assert!(
        said.contains("filter --owner user-01 --type EC2::Volume; 2 other resources are left out"),
        "{said}"
    );
    assert_eq!(aws.tags(&ids).await.into_keys().collect::<Vec<_>>(), [ids[1].clone()]);
    let rest = aws.apply(&usual);
    assert_eq!(outcomes(&rest), ["Tagged"; 2], "{}", stderr(&rest));
    assert_eq!(aws.tags(&ids).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_yes_nothing_is_written() {
    let aws = Aws::new();
    let ids = aws.volumes(1, &[]).await;
    let output = aws.apply(&[&aws.trail(&ids)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--yes"), "{}", stderr(&output));
    let other = aws.apply(&[&aws.trail(&ids), "--yes", "--accounts", "organization"]);
    assert_eq!(other.status.code(), Some(2), "{}", stderr(&other));
    assert!(aws.tags(&ids).await.is_empty());
    assert_eq!(aws.proxy.count("ec2", "CreateTags"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_is_named_and_the_rest_is_done() {
    let aws = Aws::new();
    let ids = aws.volumes(2, &[]).await;
    let denied = ids[0].clone();
    aws.proxy.rule(move |call| {
        let fault =
            Fault::Refused { status: 403, code: "UnauthorizedOperation".to_owned(), message: String::new() };
        (call.operation == "CreateTags" && call.mentions(&denied)).then_some(fault)
    });
    let output = aws.apply(&[&aws.trail(&ids), "--yes", "--all"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(outcomes(&output), ["Refused", "Tagged"], "{}", stderr(&output));
    assert!(stderr(&output).contains("CreateTags answered UnauthorizedOperation"), "{}", stderr(&output));
}

/// A file counts as done when all in it is: the next run reads the others, and what has changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_run_reads_only_the_files_that_are_not_done() {
    let aws = Aws::new();
    let ids = aws.volumes(4, &[]).await;
    let file = |day: usize| {
        aws.file(&format!("trail/{day}.json"), &format!("2026-03-0{day}T09:00:00Z"), day, &ids[day - 1..day])
    };
    (1..=4).for_each(|day| drop(file(day)));
    let denied = ids[1].clone();
    aws.proxy.rule(move |call| {
        let fault =
            Fault::Refused { status: 403, code: "UnauthorizedOperation".to_owned(), message: String::new() };
        (call.operation == "CreateTags" && call.mentions(&denied)).then_some(fault)
    });
    let apply = |more: &[&str]| aws.apply(&[&["trail", "--yes", "--all", "--state", "state"], more].concat());
    let first = apply(&[]);
    assert_eq!(outcomes(&first), ["Tagged", "Refused", "Tagged", "Tagged"], "{}", stderr(&first));
    assert!(!stderr(&first).contains("not read again"), "{}", stderr(&first));
    // The permission is given, one file is another one now, and one is new and of an old day.
    aws.proxy.repair();
    std::fs::write(aws.folder.path().join("trail/3.json"), "{\"Records\": []}").unwrap();
    aws.file("trail/0.json", "2026-03-01T08:00:00Z", 0, &ids[..1]);
    let second = apply(&[]);
    assert!(stderr(&second).contains("2 files of an earlier run not read again"), "{}", stderr(&second));
    assert_eq!(outcomes(&second), ["AlreadyTagged", "Tagged"], "{}", stderr(&second));
    assert!(stderr(&second).contains("records 2 in 3 files"), "{}", stderr(&second));
    let third = apply(&[]);
    assert!(stderr(&third).contains("5 files of an earlier run not read again"), "{}", stderr(&third));
    assert_eq!((third.status.code(), outcomes(&third)), (Some(0), vec![]), "{}", stderr(&third));
    assert_eq!(stderr(&apply(&["--quiet"])), "", "a hint is shown with --quiet");
    // Without the sessions of what was read, nothing is done.
    std::fs::remove_file(aws.folder.path().join("state")).unwrap();
    let anew = apply(&[]);
    assert!(!stderr(&anew).contains("not read again"), "{}", stderr(&anew));
    assert_eq!(outcomes(&anew), ["AlreadyTagged"; 4], "{}", stderr(&anew));
    // Another policy decides otherwise, so what is done for this one is not done for that.
    std::fs::write(aws.folder.path().join("autotag.toml"), "[identity]\nMaker = \"{owner}\"\n").unwrap();
    let other = apply(&[]);
    assert!(!stderr(&other).contains("not read again"), "{}", stderr(&other));
    assert_eq!(outcomes(&other).len(), 4, "{}", stderr(&other));
}

/// A plan shows every row, so it reads every file.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_leaves_out_nothing_that_is_done() {
    let aws = Aws::new();
    let ids = aws.volumes(1, &[]).await;
    let trail = aws.trail(&ids);
    let done = aws.apply(&[&trail, "--yes", "--state", "state"]);
    assert_eq!(outcomes(&done), ["Tagged"], "{}", stderr(&done));
    let plan = aws.command(&["plan", &trail, "--state", "state"]).output().unwrap();
    assert_eq!(String::from_utf8(plan.stdout).unwrap().lines().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_point_a_second_run_finishes_and_repeats_no_finished_write() {
    let aws = Aws::new();
    let ids = aws.volumes(30, &[]).await;
    let trail = aws.trail(&ids);
    aws.proxy.keep_bodies();
    aws.proxy.rule(|call| (call.operation == "CreateTags").then_some(Fault::Slow(Duration::from_millis(20))));
    let state = aws.folder.path().join("state");
    let args = [
        "apply",
        &trail,
        "--yes",
        "--all",
        "--state",
        state.to_str().unwrap(),
        "--max-calls-per-second",
        "20",
    ];
    let mut tagged_before = 0;
    for kill in 0..4 {
        let writes = aws.proxy.count("ec2", "CreateTags");
        let mut child = aws.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // A few writes after the start, however slow the machine is.
        while aws.proxy.count("ec2", "CreateTags") <= writes + kill && child.try_wait().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let tagged = aws.tags(&ids).await.len();
        assert!(tagged >= tagged_before);
        tagged_before = tagged;
    }
    assert!((1..30).contains(&tagged_before), "no kill came in between: {tagged_before} of 30 are written");
    let last = aws.command(&args).output().unwrap();
    assert_eq!(last.status.code(), Some(0), "{}", stderr(&last));
    let tags = aws.tags(&ids).await;
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(tags[id]["Owner"], format!("user-{number:02}"));
    }
    // A write whose answer did not come before the kill is not finished. Calls begin 50 ms after each other and take 20 ms and
    // what the emulator needs, so one or two are in flight at each kill. Every other one is there once.
    let writes = aws.proxy.calls().into_iter().filter(|call| call.operation == "CreateTags");
    let mut by_volume: BTreeMap<String, usize> = BTreeMap::new();
    for call in writes {
        for id in call.resources() {
            *by_volume.entry(id).or_default() += 1;
        }
    }
    let finished_in_journal = Path::new(&format!("{}.written", state.display())).exists();
    assert!(finished_in_journal);
    let again: usize = by_volume.values().map(|count| count - 1).sum();
    assert!(again <= 8, "{again} writes were repeated: {by_volume:?}");
}
