//! Every port in memory. `autotag plan` runs on this: the same way as the deployed one, over a world that starts empty and
//! in which every write succeeds. Tests fill it first.

use crate::outcome::{BackendError, ErrorClass};
use crate::ports::{
    Answer, Clock, Item, Lookup, People, PrincipalTags, Question, TagReader, Tagger, Tags, Write,
};
use async_trait::async_trait;
use autotag_model::identity::OnBehalfOf;
use autotag_model::rule::Resource;
use autotag_model::session::Session;
use autotag_model::tags::is_reserved;
use jiff::Timestamp;
use session_store::{SessionReader, SessionStore, SessionStoreError, SessionWriter};
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A world of resources, principals and time, in memory. Shared by reference; one lock a map.
#[derive(Debug)]
pub struct MemoryPorts<S> {
    sessions: S,
    offline: bool,
    now: Mutex<Timestamp>,
    resources: Mutex<HashMap<String, BTreeMap<String, String>>>,
    principals: Mutex<HashMap<String, Vec<(String, String)>>>,
    people: Mutex<HashMap<String, String>>,
    attached: Mutex<HashMap<String, Vec<Resource>>>,
    writes: Mutex<Vec<Write>>,
}

impl<S: SessionStore> MemoryPorts<S> {
    /// A world in which look-ups find what was put there.
    pub fn new(sessions: S, now: Timestamp) -> Self {
        Self {
            sessions,
            offline: false,
            now: Mutex::new(now),
            resources: Mutex::default(),
            principals: Mutex::default(),
            people: Mutex::default(),
            attached: Mutex::default(),
            writes: Mutex::default(),
        }
    }

    /// The world of a plan: nobody can be asked what the records do not say.
    pub fn offline(sessions: S, now: Timestamp) -> Self {
        Self { offline: true, ..Self::new(sessions, now) }
    }

    /// The sessions that this world knows.
    pub fn sessions(&self) -> &S {
        &self.sessions
    }

    /// Sets the time.
    pub fn set_now(&self, now: Timestamp) {
        *lock(&self.now) = now;
    }

    /// Puts tags on a resource, as its user would.
    pub fn put_tags(&self, resource: &str, tags: &[(&str, &str)]) {
        let mut resources = lock(&self.resources);
        let there = resources.entry(resource.to_owned()).or_default();
        there.extend(tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    }

    /// The tags on a resource now, by ARN (or id, where it has none).
    pub fn tags_on(&self, resource: &str) -> BTreeMap<String, String> {
        lock(&self.resources).get(resource).cloned().unwrap_or_default()
    }

    /// Gives an IAM role or user tags.
    pub fn put_principal(&self, arn: &str, tags: &[(&str, &str)]) {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        lock(&self.principals).insert(arn.to_owned(), tags);
    }

    /// Gives an Identity Center user a name.
    pub fn put_person(&self, user_id: &str, name: &str) {
        lock(&self.people).insert(user_id.to_owned(), name.to_owned());
    }

    /// Attaches a resource to an instance or image.
    pub fn attach(&self, to: &str, resource: Resource) {
        lock(&self.attached).entry(to.to_owned()).or_default().push(resource);
    }

    /// Every write so far, in order: what would be calls to AWS.
    pub fn writes(&self) -> Vec<Write> {
        lock(&self.writes).clone()
    }
}

/// A panic elsewhere while the lock was held leaves these maps whole: each is changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: SessionStore> Tagger for MemoryPorts<S> {
    async fn write(&self, write: &Write) -> Vec<Result<(), BackendError>> {
        lock(&self.writes).push(write.clone());
        let mut resources = lock(&self.resources);
        let mut one = |item: &Item| {
            let there = resources.entry(item.resource.display()).or_default();
            let mut merged = there.clone();
            merged.extend(write.tags.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())));
            if merged.keys().filter(|key| !is_reserved(key)).count() > item.rule.limits.tags {
                return Err(BackendError::new(ErrorClass::Invalid, write.call.name(), "TagLimitExceeded"));
            }
            *there = merged;
            Ok(())
        };
        write.items.iter().map(&mut one).collect()
    }
}

impl<S: SessionStore> TagReader for MemoryPorts<S> {
    async fn tags(&self, items: &[Item]) -> Vec<Result<Tags, BackendError>> {
        let tags = |item: &Item| Ok(self.tags_on(&item.resource.display()).into_iter().collect());
        items.iter().map(tags).collect()
    }
}

impl<S: SessionStore> Lookup for MemoryPorts<S> {
    async fn ask(&self, _of: &Resource, question: &Question) -> Result<Answer, BackendError> {
        if self.offline {
            return Ok(Answer::Offline);
        }
        let attached = lock(&self.attached);
        let of = |id: &String| attached.get(id).cloned().unwrap_or_default();
        Ok(Answer::Resources(match question {
            Question::AttachedTo { instances } => instances.iter().flat_map(of).collect(),
            Question::SnapshotsOf { image } => of(image),
        }))
    }
}

impl<S: SessionStore> PrincipalTags for MemoryPorts<S> {
    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        Ok(lock(&self.principals).get(arn).cloned().unwrap_or_default())
    }
}

impl<S: SessionStore> People for MemoryPorts<S> {
    async fn person(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        Ok(lock(&self.people).get(&user.user_id).cloned())
    }
}

impl<S: SessionStore> Clock for MemoryPorts<S> {
    fn now(&self) -> Timestamp {
        *lock(&self.now)
    }
}

#[async_trait]
impl<S: SessionReader> SessionReader for MemoryPorts<S> {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        self.sessions.find_issued(role_session, between).await
    }
}

#[async_trait]
impl<S: SessionWriter> SessionWriter for MemoryPorts<S> {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        self.sessions.put(session).await
    }
}
