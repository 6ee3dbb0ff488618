//! The small set of sessions from which sequences are drawn.

use super::operation::Operation;
use crate::RETENTION;
use autotag_model::identity::{AccessKeyId, Principal};
use autotag_model::session::{Session, SessionKind};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

/// Role session ids that are prefixes of each other, or contain separators, terminators and the greatest character.
/// None is empty: `DynamoDB` takes no empty partition key, and STS issues no empty id.
pub(super) const ROLE_SESSIONS: [&str; 10] = [
    "AROAJUMP:ana",
    "AROAJUMP:an",
    "AROAJUMP:Ana",
    "AROAJUMP:ana\0",
    "AROAJUMP:ana\0\u{1}b",
    "AROAJUMP:ana/#2026-03-02T09:00:00Z#ASIAONE",
    "AROAJUMP:\u{430}\u{43d}\u{430}\u{301}",
    "AROAJUMP:ana\u{10ffff}",
    "\0",
    "111122223333:ana",
];

/// Access keys that are prefixes of each other, one with the separator of a sort key.
const ACCESS_KEYS: [&str; 4] = ["ASIAONE", "ASIAONE#", "ASIATWO", "ASIA"];

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Times that sort differently as text, as a number of seconds, and as times.
fn times() -> Vec<Timestamp> {
    let second = |second| Timestamp::from_second(second).unwrap_or_default();
    let fraction = |second, nano| Timestamp::new(second, nano).unwrap_or_default();
    vec![
        second(1_772_442_000),
        fraction(1_772_442_000, 1),
        fraction(1_772_442_000, 500_000_000),
        second(1_772_442_001),
        second(999_999_999),
        second(-1),
    ]
}

/// Sequences of operations; with `expiring`, some of them remove sessions.
pub(super) fn operations(expiring: bool) -> impl Strategy<Value = Vec<Operation>> {
    let put = session().prop_map(|session| Operation::Put(Box::new(session)));
    let find = select(&ROLE_SESSIONS[..]).prop_map(Operation::Find);
    let between = (select(&ROLE_SESSIONS[..]), select(times()), select(times()))
        .prop_map(|(id, one, other)| Operation::FindIssued(id, one.min(other)..=one.max(other)));
    let expire = moment().prop_map(Operation::Expire);
    prop::collection::vec(
        prop_oneof![8 => put, 2 => find, 2 => between, u32::from(expiring) => expire],
        0..40,
    )
}

/// Times just before, at and just after the end of a session's retention.
fn moment() -> impl Strategy<Value = Timestamp> {
    let life = prop_oneof![Just(HOUR), Just(HOUR * 12), Just(HOUR * 36)];
    let edge = prop_oneof![Just(-1_i64), Just(0), Just(1)];
    (select(times()), life, edge).prop_map(|(issued, life, edge)| {
        issued.saturating_add(life + RETENTION + SignedDuration::from_nanos(edge)).unwrap_or(issued)
    })
}

/// One copy of one of a few sessions, with more or less detail.
fn session() -> impl Strategy<Value = Session> {
    let which = (select(&ROLE_SESSIONS[..3]), select(&ROLE_SESSIONS[..]), any::<bool>())
        .prop_map(|(often, seldom, pick)| if pick { often } else { seldom });
    let key = prop::option::of(select(&ACCESS_KEYS[..]));
    let life = prop::option::of(prop_oneof![Just(HOUR), Just(HOUR * 12)]);
    let kind = prop_oneof![Just(SessionKind::AssumeRole), Just(SessionKind::AssumeRoleWithSaml)];
    let texts = (text(), text(), text(), text(), text());
    let tags = (tags(), tags(), prop::collection::vec("[Tt]eam|\u{fc}", 0..2));
    (which, select(times()), key, life, kind, texts, tags, caller()).prop_map(
        |(id, issued, key, life, kind, texts, tags, caller)| {
            let mut session = Session::new(id, issued, kind);
            session.access_key = key.and_then(AccessKeyId::new);
            session.expires = life.and_then(|life| issued.checked_add(life).ok());
            (
                session.role_arn,
                session.source_identity,
                session.subject,
                session.provider,
                session.event_id,
            ) = texts;
            (session.tags, session.incoming_tags, session.transitive_keys) = tags;
            session.caller = caller;
            session
        },
    )
}

fn text() -> impl Strategy<Value = Option<String>> {
    prop::option::of(select(&["a", "repo:example/shop", "\u{0}\u{2028}\"\\"][..]).prop_map(str::to_owned))
}

fn tags() -> impl Strategy<Value = Vec<(String, String)>> {
    let tag = (select(&["Team", "team", ""][..]), select(&["shop", "data"][..]));
    prop::collection::vec(tag.prop_map(|(key, value)| (key.to_owned(), value.to_owned())), 0..3)
}

/// No caller, a caller's account only, or a caller in full.
fn caller() -> impl Strategy<Value = Principal> {
    let account = json!({"type": "AWSAccount", "accountId": "111122223333", "principalId": "AIDAMARA"});
    let user =
        json!({"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA", "accessKeyId": "AKIAMARA"});
    let chained = json!({
        "type": "AssumedRole", "principalId": "AROAHUB:mara", "accessKeyId": "ASIAHUB",
        "arn": "arn:aws:sts::111122223333:assumed-role/hub/mara", "onBehalfOf": {"userId": "u-1"},
        "sessionContext": {"attributes": {"creationDate": "2026-03-02T08:00:00Z"}, "sourceIdentity": "mara",
            "sessionIssuer": {"type": "Role", "principalId": "AROAHUB", "userName": "hub"}}
    });
    let odd = json!({"type": "Martian", "principalId": "\u{0}"});
    select(vec![json!({}), account, user, chained, odd]).prop_map(|identity| Principal::from_value(&identity))
}

/// Copies of one session, each with a detail that no other has.
pub(super) fn reports_of_one() -> Vec<Session> {
    let bare = || Session::new("AROAJUMP:ana", Timestamp::UNIX_EPOCH, SessionKind::AssumeRole);
    let known = || Some("known".to_owned());
    let mut reports: Vec<Session> = (0..7).map(|_| bare()).collect();
    let parts: [fn(&mut Session, Option<String>); 7] = [
        |report, text| report.role_arn = text,
        |report, text| report.source_identity = text,
        |report, text| report.subject = text,
        |report, text| report.provider = text,
        |report, text| report.event_id = text,
        |report, text| report.transitive_keys.extend(text),
        |report, text| report.caller.principal_id = text,
    ];
    for (report, part) in reports.iter_mut().zip(parts) {
        part(report, known());
    }
    reports
}
