//! The log of finished writes: a run of `apply` that goes on after a killed one repeats none of them.

use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use autotag_handlers::backend::{
    Backend, BackendReader, Related, RelatedQuery, TagWrite, TagWriter, TaggableResource, Tags,
};
use autotag_handlers::error::{BackendError, ErrorClass};
use autotag_model::identity::OnBehalfOf;
use autotag_model::rule::{Resource, ResourceKey};
use indicatif::ProgressBar;
use redb::{Database, ReadableDatabase as _, TableDefinition};
use session_store::empty_if_unfinished;
use std::path::Path;
use std::sync::Arc;

/// The resource's key, and the tags that were written to it, as JSON.
const WRITTEN: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("written");

/// Finished writes, in one file. Each is on disk before it is answered.
#[derive(Debug)]
pub(crate) struct WriteLog(Database);

impl WriteLog {
    /// The log of a state file, in a file beside it.
    pub(crate) fn open_for(state: &Path) -> Result<Self> {
        let mut name = state.as_os_str().to_owned();
        name.push(".written");
        let path = Path::new(&name);
        let db = empty_if_unfinished(path)
            .map_err(redb::DatabaseError::from)
            .and_then(|()| Database::create(path))
            .map_err(|error| usage_error(format!("cannot use `{}`: {error}", path.display())))?;
        let begun = db.begin_write()?;
        begun.open_table(WRITTEN)?;
        begun.commit()?;
        Ok(Self(db))
    }

    /// The file, for the log of inputs beside it.
    pub(crate) fn database(&self) -> &Database {
        &self.0
    }

    fn tags_written(&self, resource: &ResourceKey) -> Result<Option<Tags>> {
        self.tags_of(&resource.to_string())
    }

    fn tags_of(&self, resource: &str) -> Result<Option<Tags>> {
        let table = self.0.begin_read()?.open_table(WRITTEN)?;
        let Some(held) = table.get(resource)? else { return Ok(None) };
        serde_json::from_slice(held.value())
            .map(Some)
            .context("the log of finished writes is damaged: it does not hold tags")
    }

    /// Adds tags to those that were written to each resource.
    fn record(&self, resources: &[ResourceKey], tags: &Tags) -> Result<()> {
        let resources: Vec<String> = resources.iter().map(ToString::to_string).collect();
        if resources.is_empty() {
            return Ok(());
        }
        let begun = self.0.begin_write()?;
        {
            let mut table = begun.open_table(WRITTEN)?;
            for resource in resources {
                let mut all = self.tags_of(&resource)?.unwrap_or_default();
                all.retain(|(key, _)| !tags.iter().any(|(new, _)| new == key));
                all.extend(tags.iter().cloned());
                table.insert(resource.as_str(), serde_json::to_vec(&all)?.as_slice())?;
            }
        }
        begun.commit()?;
        Ok(())
    }
}

/// A backend whose finished writes are logged, with a progress display. Resources in the log are not read again.
pub(crate) struct LoggedBackend<'a> {
    pub(crate) inner: &'a dyn Backend,
    pub(crate) log: Option<Arc<WriteLog>>,
    pub(crate) progress: ProgressBar,
}

impl LoggedBackend<'_> {
    fn logged(&self, resource: &Resource) -> Option<Tags> {
        // If the log cannot be read, the tags are read from AWS.
        self.log.as_ref()?.tags_written(&resource.key()).ok().flatten()
    }

    /// Logs the writes that succeeded. The disk is waited for on a thread of its own, so that other calls go on.
    async fn record(&self, write: &TagWrite, answers: &[Result<(), BackendError>]) -> Result<()> {
        let Some(log) = self.log.clone() else { return Ok(()) };
        let done = write.resources.iter().zip(answers).filter(|(_, answer)| answer.is_ok());
        let keys: Vec<ResourceKey> = done.map(|(taggable, _)| taggable.resource.key()).collect();
        let tags = write.tags.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        tokio::task::spawn_blocking(move || log.record(&keys, &tags)).await?
    }
}

#[async_trait]
impl TagWriter for LoggedBackend<'_> {
    async fn write_tags(&self, write: &TagWrite) -> Vec<Result<(), BackendError>> {
        let mut answers = self.inner.write_tags(write).await;
        if self.record(write, &answers).await.is_err() {
            // The tags are written, but a later run would not know.
            let failed = BackendError::new(ErrorClass::Transport, "writing the log", "JournalFailed");
            answers = answers.into_iter().map(|answer| answer.and(Err(failed.clone()))).collect();
        }
        self.progress.inc(write.resources.len() as u64);
        answers
    }
}

#[async_trait]
impl BackendReader for LoggedBackend<'_> {
    async fn existing_tags(&self, resources: &[TaggableResource]) -> Vec<Result<Tags, BackendError>> {
        let logged: Vec<Option<Tags>> =
            resources.iter().map(|taggable| self.logged(&taggable.resource)).collect();
        let unknown = resources.iter().zip(&logged).filter(|(_, tags)| tags.is_none());
        let asked: Vec<TaggableResource> = unknown.map(|(taggable, _)| taggable.clone()).collect();
        let answers = if asked.is_empty() { Vec::new() } else { self.inner.existing_tags(&asked).await };
        let mut answers = answers.into_iter();
        let unanswered = || Err(BackendError::new(ErrorClass::Transport, "reading tags", "NotAnswered"));
        logged
            .into_iter()
            .map(|tags| tags.map_or_else(|| answers.next().unwrap_or_else(unanswered), Ok))
            .collect()
    }

    async fn find_related(&self, of: &Resource, query: &RelatedQuery) -> Result<Related, BackendError> {
        self.inner.find_related(of, query).await
    }

    async fn find_all_related(
        &self,
        questions: &[(Resource, RelatedQuery)],
    ) -> Vec<Result<Related, BackendError>> {
        self.inner.find_all_related(questions).await
    }

    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        self.inner.principal_tags(arn).await
    }

    async fn user_name(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        self.inner.user_name(user).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_model::arn::{AccountId, Partition};
    use autotag_model::rule::Scope;

    #[test]
    fn the_next_run_finds_the_tags_of_all_earlier_writes() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let place = Scope { partition: Partition::default(), region: None, account: None };
        let volume = Resource::new("AWS::EC2::Volume", "vol-1", None, &place);
        let elsewhere = Scope { account: AccountId::new("444455556666"), ..place };
        let other_account = Resource::new("AWS::EC2::Volume", "vol-1", None, &elsewhere);
        let tags = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
        {
            let log = WriteLog::open_for(&state).unwrap();
            assert_eq!(log.tags_written(&volume.key()).unwrap(), None);
            log.record(&[volume.key()], &tags("Owner", "mara")).unwrap();
        }
        let log = WriteLog::open_for(&state).unwrap();
        log.record(&[volume.key()], &tags("Team", "shop")).unwrap();
        log.record(&[volume.key()], &tags("Owner", "noor")).unwrap();
        let written = log.tags_written(&volume.key()).unwrap().unwrap();
        assert_eq!(written, [tags("Team", "shop"), tags("Owner", "noor")].concat());
        assert_eq!(
            log.tags_written(&other_account.key()).unwrap(),
            None,
            "an id is used again in another account"
        );
    }
}
