//! The entry of the library.

use autotag_handlers::backend::BackendReader;
use autotag_handlers::classify::{Classification, Classifier};
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::owner::{self, Owner, OwnerError};
use autotag_handlers::plan::{Plan, Planner};
use autotag_handlers::records::{self, ClassifiedRecords};
use autotag_handlers::whois::{Answer, Asked, RecordFilter, TrailRecords, TrailSource, answer};
use autotag_model::identity::Principal;
use autotag_model::policy::Policy;
use autotag_model::record::{Record, RecordError};
use futures_executor::block_on;
use jiff::Timestamp;
use session_store::{MemoryStore, SessionReader};
use std::io::Read;

/// The catalogue, the policy and what can be done with them. A clone shares both.
#[derive(Debug, Clone)]
pub struct Autotag {
    classifier: Classifier,
}

/// Why the owner of a call cannot be named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentifyError {
    /// The record's `userIdentity` cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The session store does not answer.
    #[error(transparent)]
    Owner(#[from] OwnerError),
}

impl From<Classifier> for Autotag {
    fn from(classifier: Classifier) -> Self {
        Self { classifier }
    }
}

impl Autotag {
    /// The policy.
    pub fn policy(&self) -> &Policy {
        self.classifier.policy()
    }

    /// The classifier, to read inputs record by record.
    pub fn classifier(&self) -> &Classifier {
        &self.classifier
    }

    /// Classifies one record. It is classified by its own text, so an `EventBridge` event around it is not checked.
    pub fn classify(&self, record: &Record<'_>) -> Classification {
        self.classifier.classify(record)
    }

    /// Reads every record of an input in any form that CloudTrail or AWS's services deliver, gzipped or not.
    pub fn read(&self, input: impl Read) -> ClassifiedRecords {
        ClassifiedRecords::read(input, &self.classifier)
    }

    /// Plans the tags for everything in an input, from its records alone. The sessions in it count for its calls.
    pub fn plan(&self, input: impl Read) -> Plan {
        self.plan_classified(self.read(input))
    }

    /// Plans the tags for these records. The sessions among them count for the calls among them.
    pub fn plan_records<'r>(&self, records: impl IntoIterator<Item = &'r Record<'r>>) -> Plan {
        let mut classified = ClassifiedRecords::default();
        for record in records {
            classified.add(self.classifier.classify(record));
        }
        self.plan_classified(classified)
    }

    fn plan_classified(&self, records: ClassifiedRecords) -> Plan {
        // A plan from records alone makes no call, so it never waits and does not depend on the time.
        let (sessions, backend) = (MemoryStore::new(), MemoryBackend::offline());
        block_on(self.planner(&sessions, &backend, Timestamp::UNIX_EPOCH).plan(records))
    }

    /// A planner that asks a session store and a backend, for records from [`Autotag::read`].
    pub fn planner<'a>(
        &'a self,
        sessions: &'a dyn SessionReader,
        backend: &'a dyn BackendReader,
        now: Timestamp,
    ) -> Planner<'a> {
        Planner::new(self.policy(), sessions, backend, now)
    }

    /// Finds the owner of a resource, by the records of an input alone. The owner is that of [`Autotag::plan`], or
    /// none.
    ///
    /// ```
    /// use autotag::{Autotag, engine::whois::Asked};
    ///
    /// let trail = std::fs::File::open("examples/trail.json")?;
    /// let answer = Autotag::new().whois(&Asked::parse("no-such-queue")?, trail);
    /// assert_eq!(answer.reasons, ["no creation in the trail names it"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn whois(&self, asked: &Asked, input: impl Read) -> Answer {
        let only = std::slice::from_ref(asked);
        let mut found = TrailRecords::new(RecordFilter::new(&self.classifier, only));
        records::read(input, &self.classifier, None, &mut found);
        let sessions: MemoryStore = std::mem::take(&mut found.sessions).into_iter().collect();
        block_on(async {
            let source = TrailSource::new(found, self.policy(), &sessions).await;
            answer(asked, &source).await
        })
    }

    /// Finds the person or workload behind a call, of any kind: the call need not create anything.
    ///
    /// # Errors
    /// [`IdentifyError`] if the record has no readable principal, or the session store does not answer. A session
    /// that the store does not know is not an error: see [`Owner::pending`].
    pub async fn identify(
        &self,
        record: &Record<'_>,
        sessions: &dyn SessionReader,
    ) -> Result<Owner, IdentifyError> {
        let principal = Principal::of(record)?;
        let backend = MemoryBackend::offline();
        Ok(owner::resolve(&principal, &self.policy().trust, sessions, &backend).await?)
    }
}
