//! Creations as bytes, for programs that hold more of them than fit into memory. The bytes are shorter than the
//! record, and faster to read than to classify the record again.

use crate::backend::{RelatedQuery, TaggableResource, Tags};
use crate::classify::Creation;
use crate::event::EventSummary;
use crate::records::PlanRequest;
use crate::row::OriginId;
use crate::services::{Repeat, TagTarget};
use autotag_model::arn::{AccountId, Partition, Region};
use autotag_model::identity::Principal;
use autotag_model::rule::{Resource, Rule, Scope};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Turns creations into bytes, and back. Only the packer that made the bytes can read them: it keeps the rules to which they
/// refer.
#[derive(Debug, Default)]
pub struct Packer(Mutex<Known>);

/// Bytes that are not those of a creation, or were made by another packer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not those of a creation")]
pub struct UnpackError;

/// Values that bytes refer to by number.
#[derive(Debug, Default)]
struct Known {
    rules: Vec<Arc<Rule>>,
    /// The number of a rule by its address. As long as the list above has the rule, no other one has this address.
    by_address: HashMap<usize, usize>,
    types: Vec<&'static str>,
}

impl Packer {
    /// A packer that knows no rule yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// True if [`pack`](Self::pack) can turn this creation into bytes. It cannot if some of its resources are rejected.
    pub fn can_pack(request: &PlanRequest) -> bool {
        request.creation.rejected.is_empty()
    }

    /// Writes a creation behind `bytes`. `None` if it cannot be packed.
    pub fn pack(&self, request: &PlanRequest, bytes: Vec<u8>) -> Option<Vec<u8>> {
        let PlanRequest { creation: Creation { event, principal, targets, rejected }, origin, previous_tags } =
            request;
        if !rejected.is_empty() {
            return None;
        }
        let mut known = self.known();
        let packed = PackedRequest {
            event: PackedEvent::of(event),
            principal: Cow::Borrowed(principal),
            targets: targets.iter().map(|target| PackedTarget::of(target, &mut known)).collect(),
            origin: origin.0,
            previous_tags: previous_tags.as_ref().map(Cow::Borrowed),
        };
        postcard::to_extend(&packed, bytes).ok()
    }

    /// The creation that was turned into these bytes.
    ///
    /// # Errors
    /// [`UnpackError`] if the bytes are others.
    pub fn unpack(&self, bytes: &[u8]) -> Result<PlanRequest, UnpackError> {
        let packed: PackedRequest<'_> = postcard::from_bytes(bytes).map_err(|_| UnpackError)?;
        let known = self.known();
        let targets = packed.targets.into_iter().map(|target| target.unpacked(&known));
        let creation = Creation {
            event: Arc::new(packed.event.unpacked()),
            principal: packed.principal.into_owned(),
            targets: targets.collect::<Option<_>>().ok_or(UnpackError)?,
            rejected: Vec::new(),
        };
        let previous_tags = packed.previous_tags.map(Cow::into_owned);
        Ok(PlanRequest { creation, origin: OriginId(packed.origin), previous_tags })
    }

    /// After a panic in another thread, the lists are still whole: each change adds one element.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn number_of_rule(&mut self, rule: &Arc<Rule>) -> usize {
        let rules = &mut self.rules;
        *self.by_address.entry(Arc::as_ptr(rule).addr()).or_insert_with(|| {
            rules.push(Arc::clone(rule));
            rules.len() - 1
        })
    }

    fn number_of_type(&mut self, name: &'static str) -> usize {
        let known = self.types.iter().position(|known| *known == name);
        known.unwrap_or_else(|| {
            self.types.push(name);
            self.types.len() - 1
        })
    }
}

#[derive(Serialize, Deserialize)]
struct PackedRequest<'a> {
    #[serde(borrow)]
    event: PackedEvent<'a>,
    principal: Cow<'a, Principal>,
    targets: Vec<PackedTarget<'a>>,
    origin: usize,
    previous_tags: Option<Cow<'a, Tags>>,
}

#[derive(Serialize, Deserialize)]
struct PackedEvent<'a> {
    #[serde(borrow)]
    id: Option<&'a str>,
    dedup_id: Option<&'a str>,
    request_id: Option<&'a str>,
    time: Option<&'a str>,
    source: &'a str,
    name: &'a str,
    account: Option<&'a str>,
    region: Option<&'a str>,
    source_ip: Option<&'a str>,
    user_agent: Option<&'a str>,
}

impl<'a> PackedEvent<'a> {
    fn of(event: &'a EventSummary) -> Self {
        let EventSummary {
            id,
            dedup_id,
            request_id,
            time,
            source,
            name,
            account,
            region,
            source_ip,
            user_agent,
        } = event;
        Self {
            id: id.as_deref(),
            dedup_id: dedup_id.as_deref(),
            request_id: request_id.as_deref(),
            time: time.as_deref(),
            source,
            name,
            account: account.as_deref(),
            region: region.as_deref(),
            source_ip: source_ip.as_deref(),
            user_agent: user_agent.as_deref(),
        }
    }

    fn unpacked(self) -> EventSummary {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        EventSummary {
            id: owned(self.id),
            dedup_id: owned(self.dedup_id),
            request_id: owned(self.request_id),
            time: owned(self.time),
            source: self.source.to_owned(),
            name: self.name.to_owned(),
            account: owned(self.account),
            region: owned(self.region),
            source_ip: owned(self.source_ip),
            user_agent: owned(self.user_agent),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct PackedResource<'a> {
    resource_type: &'a str,
    id: &'a str,
    arn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    region: Option<&'a str>,
    account: Option<&'a str>,
    version: Option<&'a str>,
    rule: usize,
}

impl<'a> PackedResource<'a> {
    fn of(resource: &'a Resource, rule: &Arc<Rule>, known: &mut Known) -> Self {
        Self {
            resource_type: &resource.resource_type,
            id: &resource.id,
            arn: resource.arn.as_ref().map(|arn| Cow::Owned(arn.to_string())),
            region: resource.region.as_ref().map(Region::as_str),
            account: resource.account.as_ref().map(AccountId::as_str),
            version: resource.version.as_deref(),
            rule: known.number_of_rule(rule),
        }
    }

    fn unpacked(&self, known: &Known) -> Option<TaggableResource> {
        let arn = match &self.arn {
            Some(text) => Some(text.parse().ok()?),
            None => None,
        };
        let nowhere = Scope { partition: Partition::default(), region: None, account: None };
        let mut resource = Resource::new(self.resource_type, self.id, arn, &nowhere);
        resource.region = self.region.and_then(Region::new);
        resource.account = self.account.and_then(AccountId::new);
        resource.version = self.version.map(str::to_owned);
        Some(TaggableResource { resource, rule: Arc::clone(known.rules.get(self.rule)?) })
    }
}

#[derive(Serialize, Deserialize)]
struct PackedTarget<'a> {
    #[serde(borrow)]
    resource: PackedResource<'a>,
    requested: Cow<'a, Tags>,
    may_have_existed: bool,
    is_older: bool,
    new_each_time: bool,
    repeat: PackedRepeat,
    parent: Option<PackedResource<'a>>,
    requester: Option<&'a str>,
    queries: Vec<PackedQuery<'a>>,
    requested_for: Vec<(usize, Cow<'a, Tags>)>,
}

#[derive(Serialize, Deserialize)]
enum PackedRepeat {
    No,
    IfCreatedEarlier(i64, i32),
    Possible,
}

#[derive(Serialize, Deserialize)]
enum PackedQuery<'a> {
    AttachedTo(Cow<'a, [String]>),
    SnapshotsOf(&'a str),
}

impl<'a> PackedTarget<'a> {
    fn of(target: &'a TagTarget, known: &mut Known) -> Self {
        // Each field by its name, so that none is forgotten.
        let TagTarget {
            resource,
            rule,
            requested,
            may_have_existed,
            is_backfill: _,
            is_older,
            new_each_time,
            repeat,
            parent,
            requester,
            queries,
            requested_for,
        } = target;
        Self {
            resource: PackedResource::of(resource, rule, known),
            requested: Cow::Borrowed(requested),
            may_have_existed: *may_have_existed,
            is_older: *is_older,
            new_each_time: *new_each_time,
            repeat: match repeat {
                Repeat::No => PackedRepeat::No,
                Repeat::IfCreatedEarlier(at) => {
                    PackedRepeat::IfCreatedEarlier(at.as_second(), at.subsec_nanosecond())
                }
                Repeat::Possible => PackedRepeat::Possible,
            },
            parent: parent.as_ref().map(|parent| PackedResource::of(&parent.resource, &parent.rule, known)),
            requester: requester.as_deref(),
            queries: queries.iter().map(PackedQuery::of).collect(),
            requested_for: requested_for
                .iter()
                .map(|(name, tags)| (known.number_of_type(name), Cow::Borrowed(tags)))
                .collect(),
        }
    }

    fn unpacked(self, known: &Known) -> Option<TagTarget> {
        let TaggableResource { resource, rule } = self.resource.unpacked(known)?;
        let parent = match &self.parent {
            Some(parent) => Some(parent.unpacked(known)?),
            None => None,
        };
        let requested_for = self.requested_for.into_iter();
        Some(TagTarget {
            resource,
            rule,
            requested: self.requested.into_owned(),
            may_have_existed: self.may_have_existed,
            is_backfill: false,
            is_older: self.is_older,
            new_each_time: self.new_each_time,
            repeat: match self.repeat {
                PackedRepeat::No => Repeat::No,
                PackedRepeat::IfCreatedEarlier(second, nanosecond) => {
                    Repeat::IfCreatedEarlier(Timestamp::new(second, nanosecond).ok()?)
                }
                PackedRepeat::Possible => Repeat::Possible,
            },
            parent,
            requester: self.requester.map(str::to_owned),
            queries: self.queries.into_iter().map(PackedQuery::unpacked).collect(),
            requested_for: requested_for
                .map(|(number, tags)| Some((*known.types.get(number)?, tags.into_owned())))
                .collect::<Option<_>>()?,
        })
    }
}

impl<'a> PackedQuery<'a> {
    fn of(query: &'a RelatedQuery) -> Self {
        match query {
            RelatedQuery::AttachedTo { instances } => Self::AttachedTo(Cow::Borrowed(instances)),
            RelatedQuery::SnapshotsOf { image } => Self::SnapshotsOf(image),
        }
    }

    fn unpacked(self) -> RelatedQuery {
        match self {
            Self::AttachedTo(instances) => RelatedQuery::AttachedTo { instances: instances.into_owned() },
            Self::SnapshotsOf(image) => RelatedQuery::SnapshotsOf { image: image.to_owned() },
        }
    }
}

#[cfg(test)]
mod tests;
