//! What an earlier run of `apply` has written: a run that is killed repeats no finished write.

use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use autotag_handlers::outcome::{BackendError, ErrorClass};
use autotag_handlers::ports::{
    Answer, Clock, Item, Lookup, People, Ports, PrincipalTags, Question, TagReader, Tagger, Tags, Write,
};
use autotag_model::identity::OnBehalfOf;
use autotag_model::rule::{Resource, ResourceKey};
use autotag_model::session::Session;
use indicatif::ProgressBar;
use jiff::Timestamp;
use redb::{Database, ReadableDatabase as _, TableDefinition};
use session_store::{SessionReader, SessionStoreError, SessionWriter};
use std::ops::RangeInclusive;
use std::path::Path;

/// The resource's key, and the tags that were written to it, as JSON.
const WRITTEN: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("written");

/// Finished writes, in one file; each is on disk before the next is answered.
#[derive(Debug)]
pub(crate) struct Journal(Database);

impl Journal {
    /// The journal beside the state file.
    pub(crate) fn beside(state: &Path) -> Result<Self> {
        let mut name = state.as_os_str().to_owned();
        name.push(".written");
        let path = Path::new(&name);
        let db = Database::create(path)
            .map_err(|error| usage_error(format!("cannot use `{}`: {error}", path.display())))?;
        let begun = db.begin_write()?;
        begun.open_table(WRITTEN)?;
        begun.commit()?;
        Ok(Self(db))
    }

    fn written(&self, resource: &ResourceKey) -> Result<Option<Tags>> {
        self.written_to(&resource.to_string())
    }

    fn written_to(&self, resource: &str) -> Result<Option<Tags>> {
        let table = self.0.begin_read()?.open_table(WRITTEN)?;
        let Some(held) = table.get(resource)? else { return Ok(None) };
        serde_json::from_slice(held.value()).map(Some).context("the journal holds something else than tags")
    }

    /// Adds tags to those that were written to each resource.
    fn note<'w>(&self, resources: impl Iterator<Item = &'w Resource>, tags: &Tags) -> Result<()> {
        let resources: Vec<String> = resources.map(|resource| resource.key().to_string()).collect();
        if resources.is_empty() {
            return Ok(());
        }
        let begun = self.0.begin_write()?;
        {
            let mut table = begun.open_table(WRITTEN)?;
            for resource in resources {
                let mut all = self.written_to(&resource)?.unwrap_or_default();
                all.retain(|(key, _)| !tags.iter().any(|(new, _)| new == key));
                all.extend(tags.iter().cloned());
                table.insert(resource.as_str(), serde_json::to_vec(&all)?.as_slice())?;
            }
        }
        begun.commit()?;
        Ok(())
    }
}

/// Ports that remember what they have written, and show how far they are.
#[derive(Debug)]
pub(crate) struct Journaled<P> {
    pub(crate) inner: P,
    pub(crate) journal: Option<Journal>,
    pub(crate) progress: ProgressBar,
}

impl<P: Ports> Journaled<P> {
    fn known(&self, resource: &Resource) -> Option<Tags> {
        // A journal that cannot be read is as good as none: the tags themselves are asked for.
        self.journal.as_ref()?.written(&resource.key()).ok().flatten()
    }
}

impl<P: Ports> Tagger for Journaled<P> {
    async fn write(&self, write: &Write) -> Vec<Result<(), BackendError>> {
        let mut answers = self.inner.write(write).await;
        let done = write.items.iter().zip(&answers).filter(|(_, answer)| answer.is_ok());
        let tags = write.tags.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let noted = self
            .journal
            .as_ref()
            .map_or(Ok(()), |journal| journal.note(done.map(|(item, _)| &item.resource), &tags));
        if noted.is_err() {
            // Written, but a later run would not know: whoever counts on the journal has to hear of it.
            let failed = BackendError::new(ErrorClass::Transport, "writing the journal", "JournalFailed");
            answers = answers.into_iter().map(|answer| answer.and(Err(failed.clone()))).collect();
        }
        self.progress.inc(write.items.len() as u64);
        answers
    }
}

impl<P: Ports> TagReader for Journaled<P> {
    async fn tags(&self, items: &[Item]) -> Vec<Result<Tags, BackendError>> {
        let known: Vec<Option<Tags>> = items.iter().map(|item| self.known(&item.resource)).collect();
        let unknown = items.iter().zip(&known).filter(|(_, tags)| tags.is_none());
        let asked: Vec<Item> = unknown.map(|(item, _)| item.clone()).collect();
        let mut answers =
            if asked.is_empty() { Vec::new() } else { self.inner.tags(&asked).await }.into_iter();
        let unanswered = || Err(BackendError::new(ErrorClass::Transport, "reading tags", "NotAnswered"));
        known
            .into_iter()
            .map(|tags| tags.map_or_else(|| answers.next().unwrap_or_else(unanswered), Ok))
            .collect()
    }
}

impl<P: Ports> Lookup for Journaled<P> {
    async fn ask(&self, of: &Resource, question: &Question) -> Result<Answer, BackendError> {
        self.inner.ask(of, question).await
    }
}

impl<P: Ports> PrincipalTags for Journaled<P> {
    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        self.inner.principal_tags(arn).await
    }
}

impl<P: Ports> People for Journaled<P> {
    async fn person(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        self.inner.person(user).await
    }
}

impl<P: Ports> Clock for Journaled<P> {
    fn now(&self) -> Timestamp {
        self.inner.now()
    }
}

#[async_trait]
impl<P: Ports> SessionReader for Journaled<P> {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        self.inner.find_issued(role_session, between).await
    }
}

#[async_trait]
impl<P: Ports> SessionWriter for Journaled<P> {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        self.inner.put(session).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_model::arn::{AccountId, Partition};
    use autotag_model::rule::Scope;

    #[test]
    fn what_was_written_is_there_for_the_next_run_and_adds_up() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let place = Scope { partition: Partition::default(), region: None, account: None };
        let volume = Resource::new("AWS::EC2::Volume", "vol-1", None, &place);
        let elsewhere = Scope { account: AccountId::new("444455556666"), ..place };
        let other_account = Resource::new("AWS::EC2::Volume", "vol-1", None, &elsewhere);
        let tags = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
        {
            let journal = Journal::beside(&state).unwrap();
            assert_eq!(journal.written(&volume.key()).unwrap(), None);
            journal.note([&volume].into_iter(), &tags("Owner", "mara")).unwrap();
        }
        let journal = Journal::beside(&state).unwrap();
        journal.note([&volume].into_iter(), &tags("Team", "shop")).unwrap();
        journal.note([&volume].into_iter(), &tags("Owner", "noor")).unwrap();
        let written = journal.written(&volume.key()).unwrap().unwrap();
        assert_eq!(written, [tags("Team", "shop"), tags("Owner", "noor")].concat());
        assert_eq!(
            journal.written(&other_account.key()).unwrap(),
            None,
            "an id is used again in another account"
        );
    }
}
