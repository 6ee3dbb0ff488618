//! Asks for the sessions of a call one after the other: from the call back to its origin.

use super::lookup::{Place, Questions, Tally};
use crate::classify::{Classification, Classifier};
use crate::memory::MemoryBackend;
use crate::owner::{self, MAX_HOPS, MissingEvidence, OwnerSource, Proof};
use autotag_model::arn::{Partition, Region};
use autotag_model::identity::Principal;
use autotag_model::record::Record;
use autotag_model::session::{Session, find_session, nearest_issue_window};
use session_store::{MemoryStore, SessionReader as _, SessionWriter as _};
use std::collections::HashSet;

/// Questions, classifier and regions with which sessions are found.
pub(super) struct Walk<'w> {
    pub(super) questions: &'w Questions<'w>,
    pub(super) classifier: &'w Classifier,
    /// Regions in which STS may have been called, besides that of the call and the partition's global region.
    pub(super) regions: &'w [Region],
}

impl Walk<'_> {
    /// Asks for the sessions behind a call until its owner needs no further one, and puts them into `store`.
    ///
    /// The record of `AssumeRole` names the access key that it issued, so each session is found by the key of the call that is
    /// made with it. The store has to be empty, or to hold sessions of the same walk alone: a session that belongs to another
    /// call could be taken for a missing one.
    pub(super) async fn follow(
        &self,
        principal: &Principal,
        place: &Place,
        store: &MemoryStore,
        tally: &mut Tally,
    ) {
        let backend = MemoryBackend::offline();
        let mut asked = HashSet::new();
        for _ in 0..=MAX_HOPS {
            let trust = &self.classifier.policy().trust;
            let Ok(owner) = owner::resolve(principal, trust, store, &backend).await else { return };
            let is_person = owner.proof == Some(Proof::Person);
            if is_person && owner.source == Some(OwnerSource::IdentityCenter) {
                // The call itself proves the person. A session would change nothing.
                return;
            }
            let missing = owner.pending.map(|pending| pending.missing);
            if !matches!(missing, Some(MissingEvidence::SessionRecord | MissingEvidence::Caller)) {
                return;
            }
            let Some((at, place)) = unknown(principal, place, store).await else { return };
            let key = at.access_key.as_ref().map(|key| key.reveal().to_owned());
            if !asked.insert((at.role_session().map(str::to_owned), key, place.account.clone())) {
                return;
            }
            if !self.find(&at, &place, store, tally).await {
                return;
            }
        }
    }

    /// Asks for the session of `at`: by the key of the call, in each region until it is found; otherwise by its name and time
    /// of issue, in all regions. False if nothing is found.
    async fn find(&self, at: &Principal, place: &Place, store: &MemoryStore, tally: &mut Tally) -> bool {
        let places = self.places(place);
        if let Some(key) = &at.access_key {
            for place in &places {
                let shown = format!("access key {key}");
                let found = self.questions.ask(place, key.reveal(), None, &shown, true, tally).await;
                let Some(found) = found else { return false };
                let mut sessions = self.sessions(&found.records);
                sessions.retain(|session| session.access_key.as_ref() == Some(key));
                if keep(&sessions, store).await {
                    return true;
                }
            }
        }
        let (Some(name), Some(window)) = (at.role_session(), nearest_issue_window(at)) else { return false };
        let mut is_found = false;
        for place in &places {
            let shown = format!("session {name}");
            let found = self.questions.ask(place, name, Some(window.clone()), &shown, true, tally).await;
            // A session in a place that does not answer could be the one. None is taken then.
            let Some(found) = found else { return false };
            let mut sessions = self.sessions(&found.records);
            sessions.retain(|session| session.role_session == name);
            is_found |= keep(&sessions, store).await;
        }
        is_found
    }

    fn places(&self, place: &Place) -> Vec<Place> {
        let global = Partition::of_region(&place.region).and_then(|partition| partition.global_region());
        let mut places: Vec<Place> = Vec::new();
        for region in
            [Some(place.region.clone()), global].into_iter().flatten().chain(self.regions.iter().cloned())
        {
            let place = Place { region, account: place.account.clone() };
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// The sessions in these records.
    fn sessions(&self, records: &[String]) -> Vec<Session> {
        let session = |text: &String| {
            let record: Record<'_> = serde_json::from_str(text).ok()?;
            match self.classifier.classify(&record) {
                Classification::Session(session) => Some(*session),
                _ => None,
            }
        };
        records.iter().filter_map(session).collect()
    }
}

/// Keeps sessions. False if there is none.
async fn keep(sessions: &[Session], store: &MemoryStore) -> bool {
    for session in sessions {
        // The store in memory never fails.
        let _ = store.put(session).await;
    }
    !sessions.is_empty()
}

/// The first principal on the way to the origin whose session is not known, and where its STS record is; `None` if there is no
/// such session.
async fn unknown(principal: &Principal, place: &Place, store: &MemoryStore) -> Option<(Principal, Place)> {
    let mut at = principal.clone();
    let of_account = |principal: &Principal, place: &Place| Place {
        account: principal.account_id().or_else(|| place.account.clone()),
        region: place.region.clone(),
    };
    for _ in 0..=MAX_HOPS {
        let names = [at.role_session().map(str::to_owned), at.arn.clone()];
        at.role_session()?;
        let mut known = Vec::new();
        for name in names.into_iter().flatten() {
            known.extend(store.find(&name).await.unwrap_or_default());
        }
        let Some(session) = find_session(&known, &at).session() else {
            let place = of_account(&at, place);
            return Some((at, place));
        };
        let caller = session.caller.clone();
        if caller.role_session().is_none() {
            // Only the copy in the account of the caller names them.
            let account = caller.account_id().filter(|_| caller.arn.is_none())?;
            return Some((at, Place { account: Some(account), region: place.region.clone() }));
        }
        at = caller;
    }
    None
}
