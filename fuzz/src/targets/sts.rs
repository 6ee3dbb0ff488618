//! Records of STS -> sessions, and the search for the session of a call.

use crate::mutate::Seeds;
use crate::seeds::SeedTexts;
use crate::target::{Target, Violation, error_is_readable, hold, same, shortened};
use autotag_model::identity::{AccessKeyId, Principal};
use autotag_model::record::Record;
use autotag_model::session::{Session, SessionMatch, SessionReading, find_session};
use fastrand::Rng;
use serde_json::{Value, json};

pub(super) struct Sts {
    seeds: Seeds,
}

impl Sts {
    pub(super) fn new(seeds: &SeedTexts) -> Self {
        Self { seeds: Seeds::new(&seeds.sts) }
    }
}

impl Target for Sts {
    fn name(&self) -> &'static str {
        "sts"
    }

    fn share(&self) -> u64 {
        30
    }

    /// Two lines: a record, and often the same with other changes, so that the two are copies of one session.
    fn generate(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        let seed = self.seeds.any(rng);
        self.seeds.mutate(seed, rng, out);
        out.retain(|byte| *byte != b'\n');
        out.push(b'\n');
        let seed = if rng.u8(..4) == 0 { self.seeds.any(rng) } else { seed };
        self.seeds.mutate(seed, rng, out);
    }

    fn check(&self, input: &[u8]) -> Result<(), Violation> {
        let mut sessions = Vec::new();
        for line in input.split(|byte| *byte == b'\n') {
            let Ok(record) = serde_json::from_slice::<Record<'_>>(line) else { continue };
            let reading = match Session::read(&record) {
                Ok(reading) => reading,
                Err(error) => {
                    error_is_readable(&error, line)?;
                    continue;
                }
            };
            same(&Session::read(&record), &Ok(reading.clone()), "read twice, the same session")?;
            if let SessionReading::Session(session) = reading {
                session_is_sound(&session, &record)?;
                sessions.push(*session);
            }
        }
        for session in &sessions {
            of_this_name_only(session, &sessions)?;
        }
        if let [one, other] = sessions.as_slice()
            && one.is_same(other)
        {
            merging_has_no_order(one, other)?;
        }
        Ok(())
    }
}

fn session_is_sound(session: &Session, record: &Record<'_>) -> Result<(), Violation> {
    hold(!session.role_session.is_empty(), "a session has a name", String::new)?;
    hold(!record.failed(), "a call that failed makes no session", || shortened(format!("{record:?}")))?;
    let tags = session.effective_tags();
    let fits = |(key, value): &(&str, &str)| {
        !key.is_empty() && key.chars().count() <= 128 && value.chars().count() <= 256
    };
    hold(tags.len() <= 50 && tags.iter().all(fits), "session tags keep the limits of STS", || {
        format!("{tags:?}")
    })?;
    let mut keys: Vec<String> = tags.iter().map(|(key, _)| key.to_lowercase()).collect();
    keys.sort();
    keys.dedup();
    hold(keys.len() == tags.len(), "session tags differ in more than case", || format!("{tags:?}"))?;
    let kept = serde_json::to_string(session).map(|text| serde_json::from_str::<Session>(&text));
    hold(matches!(&kept, Ok(Ok(again)) if again == session), "a session is kept as it is", || {
        shortened(format!("{kept:?} {session:?}"))
    })
}

/// The session of a call is one of its own name; by key only with the same key.
fn of_this_name_only(session: &Session, sessions: &[Session]) -> Result<(), Violation> {
    let key = session.access_key.as_ref().map(AccessKeyId::reveal);
    for key in [key, None, Some("ASIAEXAMPLEOTHERKEY1")] {
        let caller = caller_in(session, key);
        let found = find_session(sessions, &caller);
        same(&found, &find_session(sessions, &caller), "searched twice, the same session")?;
        let Some(taken) = found.session() else { continue };
        let names = [caller.role_session(), caller.arn.as_deref()];
        let of_this_name = names.contains(&Some(taken.role_session.as_str()));
        hold(of_this_name, "a session of another name is never taken", || {
            shortened(format!("{taken:?} for {caller:?}"))
        })?;
        let by_key = matches!(found, SessionMatch::ByKey(_));
        let keys_agree = taken.access_key.is_some() && taken.access_key == caller.access_key;
        hold(by_key == keys_agree, "found by key exactly with the same key", || {
            shortened(format!("{taken:?} for {caller:?}"))
        })?;
    }
    Ok(())
}

/// A call in a session.
fn caller_in(session: &Session, key: Option<&str>) -> Principal {
    let mut identity = json!({
        "type": "AssumedRole",
        "principalId": session.role_session,
        "arn": "arn:aws:sts::111122223333:assumed-role/Example/name",
        "sessionContext": {"attributes": {"creationDate": session.issued.to_string()}},
    });
    if let (Some(key), Some(members)) = (key, identity.as_object_mut()) {
        members.insert("accessKeyId".to_owned(), Value::from(key));
    }
    Principal::from_value(&identity)
}

fn merging_has_no_order(one: &Session, other: &Session) -> Result<(), Violation> {
    let merged = |into: &Session, from: &Session| {
        let mut into = into.clone();
        into.merge(from.clone());
        into
    };
    let both = merged(one, other);
    same(&both, &merged(other, one), "copies are merged in any order")?;
    same(&both, &merged(&both, other), "a copy that is merged again changes nothing")?;
    hold(both.is_same(one), "copies that are merged are the same session", || shortened(format!("{both:?}")))
}
