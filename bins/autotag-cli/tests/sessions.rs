//! `autotag sessions` and `autotag identify`, over a state file and a table.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use autotag_model::identity::{AccessKeyId, Principal};
use autotag_model::session::{Session, SessionKind};
use autotag_testkit::Emulator;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use common::{BIN, autotag, lines, root, stderr, stdout};
use serde_json::{Value, json};
use session_store::{DynamoDbStore, SessionWriter as _};
use std::path::Path;
use std::process::Command;

/// A state file with the sessions of the shipped trail.
fn state_file(folder: &Path) -> String {
    let state = folder.join("sessions.redb").to_str().unwrap().to_owned();
    let planned = autotag(&["plan", "fixtures/trail", "--state", &state]);
    assert!(planned.status.code().is_some_and(|code| code < 2), "{}", stderr(&planned));
    state
}

#[test]
fn sessions_are_listed_and_shown_without_access_keys() {
    let folder = tempfile::tempdir().unwrap();
    let state = state_file(folder.path());
    let listed = autotag(&["sessions", "list", "--state", &state, "--format", "jsonl"]);
    let all = lines(&listed);
    assert!(listed.status.success() && all.len() == 21, "{} sessions", all.len());
    let lena = autotag(&["sessions", "list", "--state", &state, "--contains", "lena", "--format", "jsonl"]);
    let lena = lines(&lena);
    assert!(!lena.is_empty() && lena.len() < all.len());
    assert!(lena.iter().all(|line| line.to_string().contains("lena")), "{lena:?}");
    let id = lena[0]["role_session"].as_str().unwrap();
    let shown = autotag(&["sessions", "get", id, "--state", &state, "--format", "text"]);
    let text = stdout(&shown);
    for part in [id, "tag              Team = data", "caller           arn:aws:iam::111122223333:user/lena"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    let everything = stdout(&listed)
        + &text
        + &stdout(&autotag(&["sessions", "list", "--state", &state, "--format", "text"]));
    assert!(!everything.contains("CANARY"), "{everything}");
    assert!(all.iter().all(|line| line["access_key"].as_str().is_none_or(|key| key.starts_with("..."))));
    let none = autotag(&["sessions", "get", "AROANOBODY:x", "--state", &state]);
    assert_eq!((none.status.code(), none.stdout.len()), (Some(1), 0));
    assert!(stderr(&none).contains("no session of `AROANOBODY:x` is known"));
}

#[test]
fn a_store_must_be_named_and_exist() {
    let nowhere = autotag(&["sessions", "list"]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(stderr(&nowhere).contains("--state FILE"), "{}", stderr(&nowhere));
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing").to_str().unwrap().to_owned();
    let wrong = autotag(&["sessions", "list", "--state", &missing]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(!Path::new(&missing).exists(), "reading creates no file");
}

/// A failing disk. No session of such a file may name an owner.
#[test]
fn a_damaged_state_file_is_refused_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let state = state_file(folder.path());
    let whole = std::fs::read(&state).unwrap();
    let mut refusals = 0;
    for page in 0..whole.len() / 4_096 {
        let mut damaged = whole.clone();
        damaged[page * 4_096..][..4_096].fill(0);
        std::fs::write(&state, &damaged).unwrap();
        let listed = autotag(&["sessions", "list", "--state", &state, "--format", "jsonl"]);
        let said = stderr(&listed);
        match listed.status.code() {
            // Nothing is on this page.
            Some(0) => assert_eq!(lines(&listed).len(), 21, "page {page}"),
            code => {
                assert_eq!(code, Some(2), "page {page}: {said}");
                assert!(said.contains(&state) && !said.contains("panicked"), "page {page}: {said}");
                refusals += 1;
            }
        }
    }
    assert!(refusals >= 5, "{refusals}");
}

/// The session and its call are in different files, as in trails.
#[test]
fn identify_uses_the_state_file_and_the_records() {
    let folder = tempfile::tempdir().unwrap();
    let caller = json!({"type": "IAMUser", "userName": "mara", "arn": "arn:aws:iam::111122223333:user/mara"});
    let sts = json!({"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "eventID": "sts",
        "eventTime": "2026-03-02T09:00:00Z", "userIdentity": caller, "recipientAccountId": "111122223333",
        "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/jump", "tags": [{"key": "Team", "value": "shop"}]},
        "responseElements": {"assumedRoleUser": {"assumedRoleId": "AROAJUMP:x"}, "credentials": {"accessKeyId": "ASIAONE"}}});
    let call = json!({"eventSource": "ec2.amazonaws.com", "eventName": "TerminateInstances", "eventID": "who",
        "eventTime": "2026-03-02T09:10:00Z", "recipientAccountId": "111122223333",
        "userIdentity": {"type": "AssumedRole", "principalId": "AROAJUMP:x", "accessKeyId": "ASIAONE",
            "arn": "arn:aws:sts::111122223333:assumed-role/jump/x",
            "sessionContext": {"attributes": {"creationDate": "2026-03-02T09:00:00Z"}}}});
    let write = |name: &str, record: &Value| {
        let path = folder.path().join(name);
        std::fs::write(&path, record.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (sts, call) = (write("sts.json", &sts), write("call.json", &call));
    let alone = lines(&autotag(&["identify", &call, "--format", "jsonl"]));
    assert_eq!((&alone[0]["owner"], &alone[0]["owner_source"]), (&json!("x"), &json!("role-session")));
    assert_eq!(alone[0]["session_missing"], json!(true));
    let both = lines(&autotag(&["identify", &call, &sts, "--event", "who", "--format", "jsonl"]));
    assert_eq!((&both[0]["owner"], &both[0]["owner_source"]), (&json!("mara"), &json!("role-chain")));
    assert_eq!(both[0]["session_tags"], json!({"Team": "shop"}));
    let state = folder.path().join("state").to_str().unwrap().to_owned();
    autotag(&["plan", &sts, "--state", &state]);
    let text = stdout(&autotag(&["identify", &call, "--state", &state, "--format", "text"]));
    for part in [
        "mara (role-chain, person)",
        "hop 1: arn:aws:sts::111122223333:assumed-role/jump/x",
        "session tag Team = shop",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    let alias = lines(&autotag(&["whoami-was", &call, &sts, "--event", "who", "--format", "jsonl"]));
    assert_eq!(alias, both, "the earlier name still works");
    let nobody = autotag(&["identify", &call, "--event", "other"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(stderr(&nobody).contains("no record with eventID other was found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_a_deployment_is_read() {
    use aws_config::SdkConfig;
    let emulator = Emulator::start(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
    let credentials = Credentials::new("testing", "testing", None, None, "test");
    let config: SdkConfig = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(emulator.url())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials)
        .load()
        .await;
    let store = DynamoDbStore::new(autotag_aws::dynamodb_client(&config), "sessions");
    store.create().await.unwrap();
    let mut session =
        Session::new("AROAJUMP:mara", "2026-03-02T09:00:00Z".parse().unwrap(), SessionKind::AssumeRole);
    session.access_key = AccessKeyId::new("ASIAEXAMPLEKEY");
    session.caller =
        Principal::from_value(&json!({"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mara"}));
    store.put(&session).await.unwrap();
    let ask = |args: &[&str]| {
        let mut command = Command::new(BIN);
        command.args(args).current_dir(root()).envs(emulator.environment());
        command.output().unwrap()
    };
    let place = ["--table", "sessions", "--region", "us-east-1", "--format", "jsonl"];
    for args in [&["sessions", "list"][..], &["sessions", "get", "AROAJUMP:mara"]] {
        let output = ask(&[args, &place].concat());
        let found = lines(&output);
        assert_eq!(found.len(), 1, "{}", stderr(&output));
        assert_eq!(found[0]["caller_arn"], json!("arn:aws:iam::111122223333:user/mara"));
        assert_eq!(found[0]["access_key"], json!("...EKEY"));
    }
    let wrong = ask(&["sessions", "get", "AROAJUMP:mara", "--table", "nowhere", "--region", "us-east-1"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(stderr(&wrong).contains("no such table"), "{}", stderr(&wrong));
}
