use super::*;
use crate::RETENTION;
use crate::SessionStore;
use autotag_model::identity::Principal;
use autotag_model::session::SessionKind;
use futures_executor::block_on;
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

fn session(second: i64, key: Option<&str>) -> Session {
    let issued = Timestamp::from_second(second).unwrap();
    let mut session = Session::new("AROAJUMP:mara", issued, SessionKind::AssumeRole);
    session.access_key = key.and_then(AccessKeyId::new);
    session
}

fn after(puts: &[&Session]) -> Vec<Session> {
    let store = MemoryStore::new();
    for session in puts {
        block_on(store.put(session)).unwrap();
    }
    block_on(store.find("AROAJUMP:mara")).unwrap()
}

#[test]
fn both_copies_of_a_session_merge_in_either_order() {
    let (mut rich, mut poor) = (session(0, Some("ASIAONE")), session(0, Some("ASIAONE")));
    rich.caller =
        Principal::from_value(&json!({"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA"}));
    rich.tags.push(("Team".to_owned(), "shop".to_owned()));
    poor.caller = Principal::from_value(&json!({"type": "AWSAccount", "accountId": "111122223333"}));
    poor.expires = Some(Timestamp::from_second(3600).unwrap());
    let both = after(&[&rich, &poor]);
    assert_eq!(both, after(&[&poor, &rich]));
    assert_eq!(both, after(&[&poor, &rich, &rich, &poor]), "a repetition changes nothing");
    assert_eq!(both.len(), 1);
    assert_eq!((&both[0].caller, both[0].expires), (&rich.caller, poor.expires));
}

#[test]
fn sessions_of_the_same_name_and_time_with_other_keys_stay_two() {
    let (one, two, without) = (session(0, Some("ASIAONE")), session(0, Some("ASIATWO")), session(0, None));
    assert_eq!(after(&[&two, &one, &without]), [without, one, two]);
}

#[test]
fn found_in_the_order_of_issue_then_of_key() {
    let (early, late) = (session(-1, Some("ASIAZ")), session(10, Some("ASIAA")));
    let middle = session(9, None);
    assert_eq!(after(&[&late, &middle, &early]), [early, middle, late]);
}

#[test]
fn another_name_is_another_list() {
    let store = MemoryStore::new();
    block_on(store.put(&session(0, None))).unwrap();
    for name in ["AROAJUMP:mar", "AROAJUMP:mara\0", "aroajump:mara", ""] {
        assert_eq!(block_on(store.find(name)).unwrap(), [], "{name:?}");
    }
}

#[test]
fn sessions_expire_only_after_the_retention() {
    let store = MemoryStore::new();
    let mut known_end = session(0, Some("ASIAONE"));
    known_end.expires = Some(Timestamp::from_second(3600).unwrap());
    block_on(store.put(&known_end)).unwrap();
    block_on(store.put(&session(0, Some("ASIATWO")))).unwrap();
    let last = known_end.expires_at().checked_add(RETENTION).unwrap();
    assert_eq!(store.expire(last), 0);
    assert_eq!(store.expire(last + SignedDuration::from_nanos(1)), 1);
    assert_eq!(store.len(), 1, "without a known end the longest life counts");
    assert_eq!((store.expire(Timestamp::MAX), store.is_empty()), (1, true));
    block_on(store.put(&session(i64::from(i32::MIN), None))).unwrap();
    assert_eq!(store.expire(Timestamp::MIN), 0, "the ends of time are no overflow");
}

fn held_in(store: impl SessionStore) -> usize {
    block_on(store.put(&session(0, None))).unwrap();
    block_on(store.find("AROAJUMP:mara")).unwrap().len()
}

#[test]
fn a_panic_of_another_thread_does_not_stop_the_store() {
    let store = Arc::new(MemoryStore::new());
    block_on(store.put(&session(0, None))).unwrap();
    let other = Arc::clone(&store);
    let panicked = std::thread::spawn(move || {
        let _held = other.sessions.lock().unwrap();
        panic!("while holding the lock");
    });
    assert!(panicked.join().is_err());
    block_on(store.put(&session(1, None))).unwrap();
    assert_eq!((held_in(&*store), held_in(store)), (2, 2), "borrowed and shared it is a store too");
}

proptest! {
    #[test]
    fn the_order_of_reports_does_not_matter(
        (reports, shuffled) in prop::collection::vec((0..3_i64, 0..3_usize, 0..4_usize), 0..12).prop_flat_map(|reports| {
            (Just(reports.clone()), Just(reports).prop_shuffle())
        })
    ) {
        let report = |&(second, key, known): &(i64, usize, usize)| {
            let mut report = session(second, [None, Some("ASIAONE"), Some("ASIATWO")][key]);
            let known = ["a", "b", "c", "d"][known].to_owned();
            report.tags = vec![("Team".to_owned(), known.clone())];
            report.source_identity = Some(known.clone());
            report.caller.principal_id = Some(known);
            report
        };
        let in_order: Vec<Session> = reports.iter().map(report).collect();
        let shuffled: Vec<Session> = shuffled.iter().map(report).collect();
        let puts = |list: &[Session]| after(&list.iter().collect::<Vec<_>>());
        prop_assert_eq!(puts(&in_order), puts(&shuffled));
    }
}
