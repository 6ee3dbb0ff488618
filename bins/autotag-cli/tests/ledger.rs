//! `autotag ledger`, `whois --ledger` and `reconcile`, against an emulated AWS.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use autotag_handlers::event::EventSummary;
use autotag_handlers::tamper::TamperHistory;
use autotag_ledger::{Action, DynamoDbLedger, Entry, LedgerReader as _, LedgerWriter as _, State};
use autotag_testkit::{Emulator, Fault, Proxy, Reply, records};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use common::{BIN, autotag, lines, root, stderr, stdout};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

/// An emulated AWS behind a proxy, with the table of a ledger.
struct Hub {
    emulator: Emulator,
    proxy: Proxy,
    ledger: DynamoDbLedger,
    folder: tempfile::TempDir,
}

impl Hub {
    async fn start() -> Self {
        let emulator = Emulator::start(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
        let proxy = Proxy::start(&emulator.url()).unwrap();
        // The users of these tests have no IAM tags.
        proxy.route("/", |call| {
            let empty = "<ListUserTagsResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListUserTagsResult>\
                <Tags/><IsTruncated>false</IsTruncated></ListUserTagsResult></ListUserTagsResponse>";
            (call.operation == "ListUserTags").then(|| Reply::xml(200, empty))
        });
        let config = config(&emulator.url());
        let ledger = DynamoDbLedger::new(autotag_aws::dynamodb_client(&config), "ledger");
        ledger.create().await.unwrap();
        Self { emulator, proxy, ledger, folder: tempfile::tempdir().unwrap() }
    }

    fn autotag(&self, args: &[&str]) -> Output {
        Command::new(BIN).args(args).current_dir(root()).envs(self.proxy.environment()).output().unwrap()
    }
}

fn config(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new("eu-west-1"))
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
            Credentials::new("testing", "testing", None, None, "test"),
        ))
        .build()
}

/// The ARNs of a plan of the shipped trail.
fn planned() -> BTreeSet<String> {
    let output = autotag(&["plan", "fixtures/trail", "--all", "--format", "jsonl"]);
    lines(&output).iter().filter_map(|row| row["arn"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_trail_answers_whois_and_can_be_imported_again() {
    let hub = Hub::start().await;
    let import = ["ledger", "import", "fixtures/trail", "--table", "ledger", "--region", "eu-west-1"];
    let first = hub.autotag(&import);
    assert!(first.status.code().is_some_and(|code| code < 2), "{}", stderr(&first));
    let export = |name: &str| {
        let out = hub.folder.path().join(name).to_str().unwrap().to_owned();
        let done =
            hub.autotag(&["ledger", "export", "--table", "ledger", "--out", &out, "--format", "jsonl"]);
        assert!(done.status.success(), "{}", stderr(&done));
        files(Path::new(&out))
    };
    let once = export("once");
    assert!(once.len() >= 3 && once.keys().any(|name| name.contains("account=111122223333/month=2026-03")));
    assert!(once["create-table.sql"].contains("PARTITIONED BY (`account` string, `month` string)"));
    hub.autotag(&import);
    assert_eq!(export("twice"), once);
    let arns = planned();
    let ask = |source: &[&str]| {
        let mut command = vec!["whois", "--format", "jsonl"];
        command.extend(source);
        command.extend(arns.iter().map(String::as_str));
        lines(&hub.autotag(&command))
    };
    let (by_ledger, by_trail) = (ask(&["--ledger", "ledger"]), ask(&["--trail", "fixtures/trail"]));
    assert!(by_ledger.len() == arns.len() && by_trail.len() == arns.len());
    for (ledger, trail) in by_ledger.iter().zip(&by_trail) {
        for key in
            ["asked", "answer", "owner", "proof", "owner_source", "channel", "tool", "event_id", "person"]
        {
            assert_eq!(ledger[key], trail[key], "{key}:\n{ledger}\n{trail}");
        }
        assert_eq!(ledger["source"], "ledger");
    }
}

/// The contents of the files below a folder.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_owner_has_created_is_listed() {
    let hub = Hub::start().await;
    hub.autotag(&["ledger", "import", "fixtures/trail", "--table", "ledger"]);
    let listed = |more: &[&str]| {
        let args = [&["ledger", "list", "--table", "ledger", "--owner", "mara"], more].concat();
        let output = hub.autotag(&args);
        assert!(output.status.success(), "{}", stderr(&output));
        lines(&output)
    };
    let all = listed(&[]);
    assert!(all.len() > 1 && all.iter().all(|line| line["owner"] == "mara" && line["action"] == "created"));
    let none = listed(&["--since", "2027-01-01"]);
    assert!(none.is_empty());
    // All that mara has created is of one service.
    let of_one_type = listed(&["--type", "DynamoDB::Table", "--proof", "person"]);
    assert!(!of_one_type.is_empty() && of_one_type.len() < all.len(), "{of_one_type:?}");
    assert!(of_one_type.iter().all(|line| line["resource_type"] == "AWS::DynamoDB::Table"));
    assert_eq!(listed(&["--service", "dynamodb"]), all);
    assert!(listed(&["--service", "ec2"]).is_empty());
    assert!(listed(&["--account", "999999999999"]).is_empty());
    let (early, late) =
        (listed(&["--until", "2026-03-02T10:00:00Z"]), listed(&["--since", "2026-03-02T10:00:00Z"]));
    assert_eq!(early.len() + late.len(), all.len());
    let shown = |format: &str| {
        stdout(&hub.autotag(&["ledger", "list", "--table", "ledger", "--owner", "mara", "--format", format]))
    };
    let (table, csv) = (shown("table"), shown("csv"));
    let (first, id) = (csv.lines().next().unwrap(), all[0]["resource_id"].as_str().unwrap());
    assert!(first.starts_with("time,action,account") && csv.contains(id), "{csv}");
    assert!(table.contains("CREATED") && table.contains("table/carts") && !table.contains('{'), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_refuses_a_folder_with_files_and_writes_parquet() {
    let hub = Hub::start().await;
    hub.autotag(&["ledger", "import", "fixtures/trail", "--table", "ledger"]);
    let out = hub.folder.path().join("out").to_str().unwrap().to_owned();
    let export = ["ledger", "export", "--table", "ledger", "--out", &out, "--location", "s3://lake/ledger"];
    let done = hub.autotag(&export);
    assert!(done.status.success(), "{}", stderr(&done));
    let written = files(Path::new(&out));
    let mut owners = Vec::new();
    for name in written.keys().filter(|name| name.ends_with(".parquet")) {
        let file = fs::File::open(Path::new(&out).join(name)).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            let row = row.unwrap();
            let cells: BTreeMap<&String, Value> =
                row.get_column_iter().map(|(name, field)| (name, text_of(field))).collect();
            assert_eq!(cells.len(), 27, "{cells:?}");
            let [event, id, owner] =
                ["event_id", "resource_id", "owner"].map(|name| cells[&name.to_owned()].clone());
            owners.push((event, id, owner));
        }
    }
    let printed = lines(&hub.autotag(&["ledger", "import", "fixtures/trail", "--print"]));
    let mut expected: Vec<_> = printed
        .iter()
        .map(|row| (row["event_id"].clone(), row["resource_id"].clone(), row["owner"].clone()))
        .collect();
    for rows in [&mut owners, &mut expected] {
        rows.sort_by_key(|row| format!("{row:?}"));
        rows.dedup();
    }
    assert!(owners.len() > 100, "{}", owners.len());
    assert_eq!(owners, expected);
    assert!(written["create-table.sql"].contains("LOCATION 's3://lake/ledger/'"));
    let again = hub.autotag(&export);
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("is not empty"), "{}", stderr(&again));
}

fn text_of(field: &Field) -> Value {
    match field {
        Field::Str(text) => text.as_str().into(),
        Field::Null => Value::Null,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_cannot_be_written_is_named() {
    let hub = Hub::start().await;
    hub.proxy.rule(|call| (call.operation == "PutItem").then(|| Fault::refused("AccessDeniedException")));
    let denied = hub.autotag(&["ledger", "import", "fixtures/trail", "--table", "ledger"]);
    assert_eq!(denied.status.code(), Some(1));
    assert!(stderr(&denied).contains("grant dynamodb:PutItem on the table"), "{}", stderr(&denied));
    let nowhere = hub.autotag(&["ledger", "import", "fixtures/trail"]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(stderr(&nowhere).contains("--table"), "{}", stderr(&nowhere));
}

/// A volume in the emulated EC2.
async fn volume(ec2: &aws_sdk_ec2::Client) -> String {
    let made = ec2.create_volume().availability_zone("eu-west-1a").size(1).send().await.unwrap();
    made.volume_id.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn reconcile_writes_what_was_never_delivered_and_nothing_else() {
    let hub = Hub::start().await;
    let ec2 = aws_sdk_ec2::Client::new(&config(&hub.emulator.url()));
    let (done, lost) = (volume(&ec2).await, volume(&ec2).await);
    let record = |id: &str| records::volume(id, &records::user("mara"), Duration::from_mins(30));
    let trail = hub.folder.path().join("trail.json");
    fs::write(&trail, json!({"Records": [record(&done), record(&lost)]}).to_string()).unwrap();
    // The ledger has the first volume as done. That it has no tags in fact shows whether it is touched.
    let text = record(&done).to_string();
    let of_first = serde_json::from_str(&text).unwrap();
    let mut entry = Entry::of_event(&EventSummary::of(&of_first, None), Action::Created);
    let arn = |id: &str| format!("arn:aws:ec2:eu-west-1:123456789012:volume/{id}");
    entry.resource =
        serde_json::from_value(json!({"type": "AWS::EC2::Volume", "id": done, "arn": arn(&done),
        "account": "123456789012", "region": "eu-west-1", "version": null}))
        .unwrap();
    entry.tagging.state = State::Tagged;
    hub.ledger.put(&entry).await.unwrap();
    let reconcile =
        || hub.autotag(&["reconcile", trail.to_str().unwrap(), "--ledger", "ledger", "--format", "jsonl"]);
    let first = reconcile();
    assert!(first.status.success(), "{}\n{}", stdout(&first), stderr(&first));
    let rows = lines(&first);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!((rows[0]["arn"].as_str(), rows[0]["outcome"].as_str()), (Some(&*arn(&lost)), Some("Tagged")));
    let tags = ec2.describe_tags().send().await.unwrap().tags.unwrap_or_default();
    assert!(
        !tags.is_empty() && tags.iter().all(|tag| tag.resource_id.as_deref() == Some(&*lost)),
        "{tags:?}"
    );
    let kept = hub.ledger.of_resource(&arn(&lost)).await.unwrap();
    assert_eq!((kept.len(), kept[0].tagging.state), (1, State::Tagged));
    assert_eq!(lines(&reconcile()), Vec::<Value>::new(), "the next run has nothing to do");
    // The ledger knows what is done, so there is no file for it.
    let state =
        hub.autotag(&["reconcile", trail.to_str().unwrap(), "--ledger", "ledger", "--state", "s.redb"]);
    assert_eq!(state.status.code(), Some(2));
    let help = stdout(&hub.autotag(&["reconcile", "--help"]));
    assert!(help.contains("--member-role") && !help.contains("--state"), "{help}");
    hub.proxy
        .rule(|call| (call.operation == "BatchGetItem").then(|| Fault::refused("AccessDeniedException")));
    let denied = reconcile();
    assert_eq!(denied.status.code(), Some(1));
    assert!(stderr(&denied).contains("dynamodb:BatchGetItem"), "{}", stderr(&denied));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truce_is_ended_for_the_resource_that_has_one() {
    let hub = Hub::start().await;
    let arn = "arn:aws:sqs:eu-west-1:111122223333:orders";
    let end = |arn: &str| hub.autotag(&["ledger", "end-truce", arn, "--table", "ledger"]);
    let none = end(arn);
    assert_eq!(none.status.code(), Some(2));
    assert!(stderr(&none).contains("knows no truce"), "{}", stderr(&none));
    let mut truce = Entry::of_event(&EventSummary::default(), Action::TagsChanged);
    truce.resource = serde_json::from_value(json!({"type": "AWS::SQS::Queue", "id": "orders", "arn": arn,
        "account": "111122223333", "region": "eu-west-1", "version": null}))
    .unwrap();
    let history =
        json!({"truce": {"time": "2026-03-02T09:00:00Z", "with": "arn:aws:iam::111122223333:user/eve"}});
    truce.history = serde_json::from_value(history).unwrap();
    hub.ledger.put(&truce).await.unwrap();
    let ended = end(arn);
    assert!(ended.status.success(), "{}", stderr(&ended));
    let entries = hub.ledger.of_resource(arn).await.unwrap();
    let history = entries.iter().filter_map(|entry| entry.history.clone());
    let history = history.fold(TamperHistory::default(), TamperHistory::merge);
    assert!(history.truce().is_none() && history.resumed().is_some(), "{history:?}");
}

/// Versions of an object have one ARN, and each its own tags.
#[tokio::test(flavor = "multi_thread")]
async fn truces_on_all_versions_of_an_object_are_ended() {
    let hub = Hub::start().await;
    let arn = "arn:aws:s3:::bucket/key";
    for (version, has_truce) in [("v1", false), ("v2", true), ("v3", true)] {
        let mut event = EventSummary::default();
        event.dedup_id = Some(version.to_owned());
        let mut entry = Entry::of_event(&event, Action::TagsChanged);
        entry.resource =
            serde_json::from_value(json!({"type": "AWS::S3::Object", "id": "bucket/key", "arn": arn,
            "account": "111122223333", "region": "eu-west-1", "version": version}))
            .unwrap();
        let truce = json!({"time": "2026-03-02T09:00:00Z", "with": "arn:aws:iam::111122223333:user/eve"});
        let history = if has_truce { json!({"truce": truce}) } else { json!({}) };
        entry.history = serde_json::from_value(history).unwrap();
        hub.ledger.put(&entry).await.unwrap();
    }
    let ended = hub.autotag(&["ledger", "end-truce", arn, "--table", "ledger"]);
    assert!(ended.status.success(), "{}", stderr(&ended));
    let entries = hub.ledger.of_resource(arn).await.unwrap();
    for (version, has_ended) in [("v1", false), ("v2", true), ("v3", true)] {
        let of_it = entries.iter().filter(|entry| {
            entry.resource.as_ref().is_some_and(|resource| resource.version.as_deref() == Some(version))
        });
        let history = of_it.filter_map(|entry| entry.history.clone());
        let history = history.fold(TamperHistory::default(), TamperHistory::merge);
        assert_eq!(history.truce(), None, "{version}");
        assert_eq!(history.resumed().is_some(), has_ended, "{version}");
    }
}

/// A stub of Resource Explorer: `eu-west-1` has an aggregator index that replicates `eu-central-1`; other regions have none, and
/// `us-east-2` refuses to say so.
fn explorer(proxy: &Proxy, filter: &'static str) {
    let found = |arn: &str, tags: Value| {
        json!({"Arn": arn, "OwningAccountId": "123456789012", "Region": "eu-west-1", "ResourceType": "ec2:volume",
            "Properties": [{"Name": "tags", "Data": tags}]})
    };
    proxy.route("/", move |call| {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let has_index = ["eu-west-1", "eu-central-1"].contains(&call.region.as_str());
        let view = format!("arn:aws:resource-explorer-2:{}:123456789012:view/all/1", call.region);
        let answer = match call.path.as_str() {
            "/GetIndex" if call.region == "us-east-2" => {
                return Some(Reply::json(403, &json!({"__type": "AccessDeniedException", "message": "no"})));
            }
            "/GetIndex" if !has_index => {
                return Some(Reply::json(
                    404,
                    &json!({"__type": "ResourceNotFoundException", "message": "no"}),
                ));
            }
            "/GetIndex" if call.region == "eu-west-1" => {
                json!({"State": "ACTIVE", "Type": "AGGREGATOR", "ReplicatingFrom": ["eu-central-1"]})
            }
            "/GetIndex" => json!({"State": "ACTIVE", "Type": "LOCAL", "ReplicatingTo": ["eu-west-1"]}),
            "/GetDefaultView" => json!({"ViewArn": view}),
            "/GetView" => json!({"View": {"ViewArn": body["ViewArn"], "Filters": {"FilterString": filter},
                "IncludedProperties": [{"Name": "tags"}]}}),
            "/ListResources" => {
                assert_eq!(body["Filters"]["FilterString"], "region:eu-west-1,eu-central-1,global");
                let volume = |at: u32| format!("arn:aws:ec2:eu-west-1:123456789012:volume/vol-{at}");
                match body["NextToken"].as_str() {
                    None => {
                        json!({"Resources": [found(&volume(1), json!([{"Key": "Owner", "Value": "mara"}]))],
                        "NextToken": "2"})
                    }
                    Some(_) => json!({"Resources": [found(&volume(2), json!([]))]}),
                }
            }
            _ => return None,
        };
        Some(Reply::json(200, &answer))
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_report_asks_the_index_where_there_is_one_and_the_tagging_api_elsewhere() {
    let hub = Hub::start().await;
    explorer(&hub.proxy, "");
    let config = config(&hub.emulator.url()).to_builder().region(Region::new("us-east-1")).build();
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let made = ec2.create_volume().availability_zone("us-east-1a").size(1).send().await.unwrap();
    let tag = aws_sdk_ec2::types::Tag::builder().key("Owner").value("jonas").build();
    ec2.create_tags().resources(made.volume_id().unwrap()).tags(tag).send().await.unwrap();
    hub.proxy.rule(|call| {
        (call.operation == "GetResources" && call.region == "us-east-2")
            .then(|| Fault::refused("AccessDeniedException"))
    });
    let report =
        |regions: &str| hub.autotag(&["report", "--live", "--regions", regions, "--format", "jsonl"]);
    let output = report("eu-west-1,eu-central-1,us-east-1");
    assert!(output.status.success(), "{}", stderr(&output));
    let told: BTreeSet<(String, Option<String>)> = lines(&output)
        .iter()
        .map(|row| (row["arn"].as_str().unwrap().to_owned(), row["declared"].as_str().map(str::to_owned)))
        .collect();
    let arn = |id: &str| format!("arn:aws:ec2:{id}");
    let expected = [
        (arn("eu-west-1:123456789012:volume/vol-1"), Some("mara".to_owned())),
        (arn("eu-west-1:123456789012:volume/vol-2"), None),
        (
            arn(&format!("us-east-1:123456789012:volume/{}", made.volume_id().unwrap())),
            Some("jonas".to_owned()),
        ),
    ];
    assert_eq!(told, expected.into(), "{}", stderr(&output));
    assert_eq!(hub.proxy.count("tagging", "GetResources"), 1, "regions with an index are not asked");
    // A region that is refused is named, and the others are in the report.
    let refused = report("us-east-1,us-east-2");
    assert_eq!((refused.status.code(), lines(&refused).len()), (Some(1), 1));
    let said = stderr(&refused);
    assert!(
        said.contains("us-east-2") && said.contains("tag:GetResources answered AccessDeniedException"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_leaves_resources_out_is_no_inventory() {
    let hub = Hub::start().await;
    explorer(&hub.proxy, "service:ec2");
    let output = hub.autotag(&["report", "--live", "--regions", "eu-west-1", "--format", "jsonl"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(hub.proxy.count("tagging", "GetResources"), 1);
    assert_eq!(lines(&output), Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_the_ledger_has_the_owners_of_whois() {
    let hub = Hub::start().await;
    hub.autotag(&["ledger", "import", "fixtures/trail", "--table", "ledger"]);
    let output = hub.autotag(&["report", "--ledger", "ledger", "--format", "jsonl"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let rows: Vec<Value> = lines(&output).into_iter().filter(|row| row["arn"].is_string()).collect();
    assert!(rows.len() > 50, "{}", rows.len());
    let arns: Vec<&str> = rows.iter().map(|row| row["arn"].as_str().unwrap()).collect();
    let whois = hub.autotag(&[&["whois", "--ledger", "ledger", "--format", "jsonl"], &*arns].concat());
    let answers = lines(&whois);
    assert_eq!(answers.len(), rows.len());
    for (row, answer) in rows.iter().zip(&answers) {
        for key in ["owner", "proof", "event_id"] {
            assert!(answer["answer"] == "unknown" || row[key] == answer[key], "{key}:\n{row}\n{answer}");
        }
        assert_eq!((&row["listed"], &row["deleted"]), (&Value::Null, &Value::Null));
        assert!(row["state"].is_string(), "{row}");
    }
    let page = hub.folder.path().join("page.html");
    let output = hub.autotag(&["report", "--ledger", "ledger", "--out", page.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(fs::read_to_string(page).unwrap().contains("Changes of identity tags a week"));
    let denied = hub.proxy.count("dynamodb", "Scan");
    assert!(denied > 0);
    hub.proxy.rule(|call| (call.operation == "Scan").then(|| Fault::refused("AccessDeniedException")));
    let denied = hub.autotag(&["report", "--ledger", "ledger", "--format", "jsonl"]);
    assert_eq!((denied.status.code(), stdout(&denied)), (Some(1), String::new()));
    assert!(stderr(&denied).contains("dynamodb:Scan"), "{}", stderr(&denied));
}
