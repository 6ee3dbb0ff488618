//! An attacker makes more sessions of one name than a store returns.

use super::*;

/// A store that returns no more sessions than `max` of one time, as the table of a deployment.
struct Bounded {
    known: MemoryStore,
    max: usize,
}

#[async_trait]
impl SessionReader for Bounded {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        let found = self.known.find_issued(role_session, between).await?;
        if found.len() > self.max {
            let (place, role_session) = ("sessions".to_owned(), role_session.to_owned());
            return Err(SessionStoreError::TooMany { place, role_session, max: self.max });
        }
        Ok(found)
    }

    async fn find_by_key(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
        key: &AccessKeyId,
    ) -> Result<Option<Session>, SessionStoreError> {
        self.known.find_by_key(role_session, between, key).await
    }
}

/// Anna's session and `count` of mallory's, `seconds` after it. The store returns ten at most.
fn flood(count: usize, seconds: i64) -> Bounded {
    let mut known = vec![session("Jump", "shift", "ASIAANNA", &user("anna"))];
    known.extend((0..count).map(|number| {
        let mut session = session("Jump", "shift", &format!("ASIAFLOOD{number:04}"), &user("mallory"));
        session.issued += SignedDuration::from_secs(seconds);
        session
    }));
    Bounded { known: store(&known), max: 10 }
}

fn owner_in(identity: &Value, sessions: &Bounded) -> Owner {
    let trust = Trust::default();
    block_on(resolve(&principal(identity), &trust, sessions, &MemoryBackend::new())).unwrap()
}

#[test]
fn however_many_sessions_others_make_the_access_key_finds_the_own_one() {
    for count in [1, 9, 10, 500] {
        let found = owner_in(&role_session("Jump", "shift", Some("ASIAANNA")), &flood(count, 0));
        assert_eq!((found.name.as_deref(), found.source), (Some("anna"), Some(OwnerSource::RoleChain)));
        assert!(found.chain[0].evidence.contains("found by access key"), "{:?}", found.chain);
    }
}

#[test]
fn too_many_sessions_for_a_call_without_a_key_are_as_two_that_differ() {
    let call = role_session("Jump", "shift", None);
    let (two, many) = (owner_in(&call, &flood(1, 0)), owner_in(&call, &flood(500, 0)));
    assert!(two.chain[0].evidence.contains("2 sessions could be meant"), "{:?}", two.chain);
    assert!(many.chain[0].evidence.contains("more than 10 sessions could be meant"), "{:?}", many.chain);
    let without_words = |mut owner: Owner| {
        owner.chain[0].evidence.clear();
        owner
    };
    assert_eq!(without_words(many), without_words(two));
}

#[test]
fn too_many_sessions_do_not_stand_for_the_missing_one_of_a_key() {
    let call = role_session("Jump", "shift", Some("ASIALATE"));
    let (one, many) = (owner_in(&call, &flood(0, 0)), owner_in(&call, &flood(500, 0)));
    let told = |owner: &Owner| {
        (owner.name.clone(), owner.source, owner.proof, owner.session.clone(), owner.pending.clone())
    };
    assert_eq!(told(&many), told(&one), "the record with the key is waited for");
    assert_eq!(many.source, Some(OwnerSource::RoleSession));
}

#[test]
fn too_many_sessions_of_another_second_do_not_count() {
    for seconds in [-30, 3, 59] {
        let found = owner_in(&role_session("Jump", "shift", None), &flood(500, seconds));
        assert_eq!((found.name.as_deref(), found.source), (Some("anna"), Some(OwnerSource::RoleChain)));
    }
    let near = owner_in(&role_session("Jump", "shift", None), &flood(500, 2));
    assert_eq!(near.source, Some(OwnerSource::RoleSession));
}

#[test]
fn too_many_sessions_change_nothing_for_a_proven_workload() {
    let mut instance = role_session("Jump", "shift", None);
    instance["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
    let (none, many) = (owner(&instance, &[]), owner_in(&instance, &flood(500, 0)));
    assert_eq!((many.name, many.source, many.pending), (none.name, none.source, none.pending));
}
