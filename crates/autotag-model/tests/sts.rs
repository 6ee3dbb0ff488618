//! The sessions read from the STS records of `fixtures/sts`, which have every form: one paragraph a record.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

use autotag_model::envelope::{Limits, read_records};
use autotag_model::identity::Principal;
use autotag_model::session::{Session, SessionReading};
use std::fmt::Write as _;

const RECORDS: &[u8] = include_bytes!("../../../fixtures/sts/records.jsonl");

/// The name of each record, with what was read from it.
fn readings() -> Vec<(String, SessionReading)> {
    let mut all = Vec::new();
    read_records(RECORDS, &Limits::default(), &mut |read| {
        let record = read.unwrap_or_else(|error| panic!("{error}")).record;
        let name = record.user_agent.as_deref().unwrap().trim_start_matches("sts/").to_owned();
        all.push((name, Session::read(&record).unwrap()));
    });
    all
}

fn described(reading: &SessionReading) -> String {
    match reading {
        SessionReading::Session(session) => fields(session),
        SessionReading::Skipped(why) => format!("  no session: {why}\n"),
        _ => "  no session: not an STS call that makes one\n".to_owned(),
    }
}

/// The known fields of a session, one a line.
fn fields(session: &Session) -> String {
    let pairs = |tags: &[(String, String)]| {
        tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
    };
    let effective: Vec<String> =
        session.effective_tags().iter().map(|(key, value)| format!("{key}={value}")).collect();
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let lines = [
        ("kind", session.kind.as_str().to_owned()),
        ("session", session.role_session.clone()),
        ("issued", session.issued.to_string()),
        ("expires", session.expires.map(|time| time.to_string()).unwrap_or_default()),
        ("key", session.access_key.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("role", optional(&session.role_arn)),
        ("passed", pairs(&session.tags)),
        ("incoming", pairs(&session.incoming_tags)),
        ("transitive", session.transitive_keys.join(", ")),
        ("effective", effective.join(", ")),
        ("source id", optional(&session.source_identity)),
        ("subject", optional(&session.subject)),
        ("provider", optional(&session.provider)),
        ("caller", caller(&session.caller)),
        ("event", optional(&session.event_id)),
    ];
    let mut text = String::new();
    for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(text, "  {name:<10} {value}").unwrap();
    }
    text
}

fn caller(caller: &Principal) -> String {
    let name = caller.arn.as_ref().or(caller.user_name.as_ref()).or(caller.invoked_by.as_ref());
    let name = name.or(caller.principal_id.as_ref()).map_or("", String::as_str);
    format!("{} {name}", caller.kind.as_str()).trim_end().to_owned()
}

#[test]
fn every_shape_of_an_sts_record_reads_as_the_session_that_it_made() {
    let readings = readings();
    assert_eq!(
        readings.len(),
        RECORDS.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count(),
        "each line is a record"
    );
    let all: Vec<String> =
        readings.iter().map(|(name, reading)| format!("{name}\n{}", described(reading))).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn no_token_is_kept_and_no_whole_key_is_printed() {
    let mut keys = 0;
    for (name, reading) in readings() {
        let SessionReading::Session(session) = reading else { continue };
        assert!(!serde_json::to_string(&session).unwrap().contains("CANARY"), "{name}");
        for key in [&session.access_key, &session.caller.access_key].into_iter().flatten() {
            keys += 1;
            assert!(!format!("{session:?}").contains(key.reveal()), "{name}");
        }
    }
    assert!(keys > 0, "there was something to hide");
}

/// CloudTrail logs a call across accounts in both; only one of the two records has the caller.
#[test]
fn the_two_copies_of_a_call_across_accounts_are_one_session_that_knows_its_caller() {
    let copies: Vec<Session> = readings()
        .into_iter()
        .filter_map(|(name, reading)| match reading {
            SessionReading::Session(session) if name.starts_with("across-accounts-") => Some(*session),
            _ => None,
        })
        .collect();
    let [rich, poor] = copies.as_slice() else { panic!("{} copies", copies.len()) };
    assert!(rich.is_same(poor));
    for (one, other) in [(rich, poor), (poor, rich)] {
        let mut merged = one.clone();
        merged.merge(other.clone());
        assert_eq!(&merged, rich);
    }
}
