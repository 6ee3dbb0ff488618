//! Faults in any port, by a seeded plan: what throttling, outages and races do to the pipeline, replayable.

use crate::outcome::{BackendError, ErrorClass};
use crate::ports::{
    Answer, Clock, Item, Lookup, People, Ports, PrincipalTags, Question, TagReader, Tagger, Tags, Write,
};
use async_trait::async_trait;
use autotag_model::identity::OnBehalfOf;
use autotag_model::rule::Resource;
use autotag_model::session::Session;
use jiff::Timestamp;
use session_store::{SessionReader, SessionStoreError, SessionWriter};
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::PoisonError;

/// How often calls fail, each between 0 and 1.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// Too many calls.
    pub throttled: f64,
    /// 5xx, resets, timeouts.
    pub transport: f64,
    /// The resource is not found yet.
    pub not_found: f64,
    /// The permission is missing.
    pub denied: f64,
}

/// Any ports, with faults put between them and the pipeline.
#[derive(Debug)]
pub struct Faulty<P> {
    inner: P,
    rates: Rates,
    random: Mutex<u64>,
}

impl<P> Faulty<P> {
    /// Faults at these rates; the same seed gives the same faults.
    pub fn new(inner: P, rates: Rates, seed: u64) -> Self {
        Self { inner, rates, random: Mutex::new(seed) }
    }

    /// The ports behind the faults.
    pub fn inner(&self) -> &P {
        &self.inner
    }

    /// A number from 0 to 1, by the splitmix64 generator.
    fn next(&self) -> f64 {
        let mut state = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        f64::from(u32::try_from(mixed >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
    }

    fn fault(&self, operation: &str) -> Result<(), BackendError> {
        let mut at = self.next();
        for (rate, class, code) in [
            (self.rates.throttled, ErrorClass::Throttled, "ThrottlingException"),
            (self.rates.transport, ErrorClass::Transport, "ServiceUnavailable"),
            (self.rates.not_found, ErrorClass::NotFound, "ResourceNotFoundException"),
            (self.rates.denied, ErrorClass::Denied, "AccessDeniedException"),
        ] {
            if at < rate {
                return Err(BackendError::new(class, operation, code));
            }
            at -= rate;
        }
        Ok(())
    }
}

impl<P: Ports> Tagger for Faulty<P> {
    async fn write(&self, write: &Write) -> Vec<Result<(), BackendError>> {
        // The whole call fails, or single resources of it do, as TagResources has it.
        if let Err(error) = self.fault(write.call.name()) {
            return write.items.iter().map(|_| Err(error.clone())).collect();
        }
        let mut answers = Vec::with_capacity(write.items.len());
        for item in &write.items {
            let one = Write { items: vec![item.clone()], ..write.clone() };
            answers.extend(match self.fault(write.call.name()) {
                Ok(()) => self.inner.write(&one).await,
                Err(error) => vec![Err(error)],
            });
        }
        answers
    }
}

impl<P: Ports> TagReader for Faulty<P> {
    async fn tags(&self, items: &[Item]) -> Vec<Result<Tags, BackendError>> {
        let mut answers = Vec::with_capacity(items.len());
        for item in items {
            answers.extend(match self.fault("GetResources") {
                Ok(()) => self.inner.tags(std::slice::from_ref(item)).await,
                Err(error) => vec![Err(error)],
            });
        }
        answers
    }
}

impl<P: Ports> Lookup for Faulty<P> {
    async fn ask(&self, of: &Resource, question: &Question) -> Result<Answer, BackendError> {
        self.fault("DescribeVolumes")?;
        self.inner.ask(of, question).await
    }
}

impl<P: Ports> PrincipalTags for Faulty<P> {
    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        self.fault("ListRoleTags")?;
        self.inner.principal_tags(arn).await
    }
}

impl<P: Ports> People for Faulty<P> {
    async fn person(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        self.fault("DescribeUser")?;
        self.inner.person(user).await
    }
}

#[async_trait]
impl<P: Ports> SessionReader for Faulty<P> {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        self.outage()?;
        self.inner.find_issued(role_session, between).await
    }
}

#[async_trait]
impl<P: Ports> SessionWriter for Faulty<P> {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        self.outage()?;
        self.inner.put(session).await
    }
}

impl<P> Faulty<P> {
    fn outage(&self) -> Result<(), SessionStoreError> {
        let place = || "testing".to_owned();
        self.fault("Query").map_err(|error| match error.class {
            ErrorClass::Denied => SessionStoreError::Denied { place: place(), source: error.into() },
            _ => SessionStoreError::Unavailable { place: place(), source: error.into() },
        })
    }
}

impl<P: Ports> Clock for Faulty<P> {
    fn now(&self) -> Timestamp {
        self.inner.now()
    }
}
