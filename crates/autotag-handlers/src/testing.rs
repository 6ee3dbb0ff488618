//! Faults in any backend, by a seeded plan: throttling, outages and races, replayable.

use crate::backend::{BackendReader, Related, RelatedQuery, TagWrite, TagWriter, TaggableResource, Tags};
use crate::error::{BackendError, ErrorClass};
use async_trait::async_trait;
use autotag_model::identity::OnBehalfOf;
use autotag_model::rule::Resource;
use autotag_model::session::Session;
use jiff::Timestamp;
use session_store::{SessionReader, SessionStoreError};
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

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

/// A backend or session store whose calls fail now and then.
#[derive(Debug)]
pub struct Faulty<B> {
    inner: B,
    rates: Rates,
    random: Mutex<u64>,
}

impl<B> Faulty<B> {
    /// Faults at these rates; the same seed gives the same faults.
    pub fn new(inner: B, rates: Rates, seed: u64) -> Self {
        Self { inner, rates, random: Mutex::new(seed) }
    }

    /// The wrapped backend.
    pub fn inner(&self) -> &B {
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

#[async_trait]
impl<B: TagWriter> TagWriter for Faulty<B> {
    async fn write_tags(&self, write: &TagWrite) -> Vec<Result<(), BackendError>> {
        // Either the whole call fails, or single resources of it do, as TagResources reports it.
        if let Err(error) = self.fault(write.call.name()) {
            return write.resources.iter().map(|_| Err(error.clone())).collect();
        }
        let mut answers = Vec::with_capacity(write.resources.len());
        for taggable in &write.resources {
            let one = TagWrite { resources: vec![taggable.clone()], ..write.clone() };
            answers.extend(match self.fault(write.call.name()) {
                Ok(()) => self.inner.write_tags(&one).await,
                Err(error) => vec![Err(error)],
            });
        }
        answers
    }
}

#[async_trait]
impl<B: BackendReader> BackendReader for Faulty<B> {
    async fn existing_tags(&self, resources: &[TaggableResource]) -> Vec<Result<Tags, BackendError>> {
        let mut answers = Vec::with_capacity(resources.len());
        for taggable in resources {
            answers.extend(match self.fault("GetResources") {
                Ok(()) => self.inner.existing_tags(std::slice::from_ref(taggable)).await,
                Err(error) => vec![Err(error)],
            });
        }
        answers
    }

    async fn find_related(&self, of: &Resource, query: &RelatedQuery) -> Result<Related, BackendError> {
        self.fault("DescribeVolumes")?;
        self.inner.find_related(of, query).await
    }

    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        // A caller existed at the time of the call: "not found" says that they were deleted, and is an answer.
        match self.fault("ListRoleTags") {
            Err(error) if error.class != ErrorClass::NotFound => return Err(error),
            _ => {}
        }
        self.inner.principal_tags(arn).await
    }

    async fn user_name(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        self.fault("DescribeUser")?;
        self.inner.user_name(user).await
    }
}

#[async_trait]
impl<B: SessionReader> SessionReader for Faulty<B> {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        let place = || "testing".to_owned();
        self.fault("Query").map_err(|error| match error.class {
            ErrorClass::Denied => SessionStoreError::Denied { place: place(), source: error.into() },
            _ => SessionStoreError::Unavailable { place: place(), source: error.into() },
        })?;
        self.inner.find_issued(role_session, between).await
    }
}
