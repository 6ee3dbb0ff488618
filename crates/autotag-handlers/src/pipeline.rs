//! Steps 5 to 7 of the way for one creation: look up, owner, tags. Asks the ports, writes nothing; what is to be written
//! goes to the batch.

use crate::classify::Found;
use crate::dedup::Memo;
use crate::outcome::{BackendError, Outcome, Row, SkipReason};
use crate::owner::{self, Owner, OwnerError, OwnerSource};
use crate::ports::{Answer, Item, Ports, PrincipalTags as _, Tags};
use crate::services::Target;
use autotag_model::identity::PrincipalKind;
use autotag_model::policy::{
    Decision, DecisionInput, NoWriteReason, Note, Policy, Selection, TemplateContext,
};
use autotag_model::rule::{Resource, ResourceKey};
use jiff::SignedDuration;
use session_store::SessionStoreError;
use std::collections::HashSet;
use std::error::Error as _;
use std::sync::Arc;

/// Decides what is written for creations.
#[derive(Debug)]
pub struct Pipeline<'a, P> {
    /// The tag policy.
    pub policy: &'a Policy,
    /// The world, which is asked for each session and each principal once.
    pub ports: Memo<'a, P>,
}

/// What is known of the one behind a creation, the same for all its resources.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Resolved {
    /// The owner, with the proof.
    pub owner: Arc<Owner>,
    /// IAM tags of the role or user.
    pub iam_tags: Tags,
    /// How old the event is.
    pub age: Option<SignedDuration>,
}

/// What step 5 found out.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct LookedUp {
    /// Resources that came with those of the record.
    pub targets: Vec<Target>,
    /// Resources that cannot be looked up now; their ids are not known.
    pub later: Vec<(Target, Row)>,
    /// Questions that AWS did not answer.
    pub failed: Vec<Row>,
}

/// A resource that came with `target`: tagged like it, but with the tags that the call asked for its own kind.
fn came_with(target: &Target, resource: Resource) -> Target {
    let of_kind =
        target.requested_for.iter().find(|(resource_type, _)| *resource_type == resource.resource_type);
    let requested = of_kind.map(|(_, tags)| tags.clone()).unwrap_or_default();
    Target { resource, requested, questions: Vec::new(), ..target.clone() }
}

/// The tags that were read before anything is decided.
pub trait Present {
    /// The tags on the resource, as far as they could be read.
    ///
    /// # Errors
    /// [`BackendError`] when they could not.
    fn tags_of(&self, resource: &Resource) -> Result<Tags, BackendError>;

    /// The same without the tags that were decided since: of a resource that each creation makes anew.
    ///
    /// # Errors
    /// [`BackendError`] when they could not be read.
    fn tags_before(&self, resource: &Resource) -> Result<Tags, BackendError>;
}

impl<P: Ports> Pipeline<'_, P> {
    /// Step 6: the owner, and the IAM tags of the principal.
    ///
    /// # Errors
    /// The outcome for all resources of the creation, when one of the two cannot be found out.
    pub async fn resolve(&self, found: &Found) -> Result<Resolved, Outcome> {
        let age = self.age(found);
        let owner = owner::resolve(&found.principal, &self.ports).await.map_err(|error| match error {
            OwnerError::Sessions(error) => store_outcome(&error),
            OwnerError::People(error) => error.outcome(age),
        })?;
        let iam_tags = self.iam_tags(found, age).await.map_err(|error| error.outcome(age))?;
        Ok(Resolved { owner: Arc::new(owner), iam_tags, age })
    }

    fn age(&self, found: &Found) -> Option<SignedDuration> {
        Some(self.ports.inner().now().duration_since(found.event.timestamp()?))
    }

    async fn iam_tags(&self, found: &Found, age: Option<SignedDuration>) -> Result<Tags, BackendError> {
        if self.policy.iam_tags == Selection::None {
            return Ok(Vec::new());
        }
        let arn = match found.principal.kind {
            PrincipalKind::IamUser => found.principal.arn.clone(),
            PrincipalKind::AssumedRole | PrincipalKind::Role => found.principal.role_arn(),
            // A federated user has the tags of the IAM user who called GetFederationToken.
            PrincipalKind::FederatedUser => found.principal.issuer_arn().map(str::to_owned),
            _ => None,
        };
        match arn {
            Some(arn) => {
                unless_gone(self.ports.principal_tags(&arn).await, age).map(Option::unwrap_or_default)
            }
            None => Ok(Vec::new()),
        }
    }

    /// Step 5: the resources that the record does not name.
    pub async fn look_up(&self, found: &Found, age: Option<SignedDuration>) -> LookedUp {
        let mut looked_up = LookedUp::default();
        for target in &found.targets {
            for question in &target.questions {
                let row = |outcome| Row {
                    resource_type: Some(question.resource_type().to_owned()),
                    ..Row::of_event(Arc::clone(&found.event), outcome)
                };
                match self.ports.inner().ask(&target.resource, question).await {
                    Ok(Answer::Resources(resources)) => {
                        looked_up
                            .targets
                            .extend(resources.into_iter().map(|resource| came_with(target, resource)));
                    }
                    Ok(Answer::Offline) => {
                        let why = format!("looked up when tags are written: {}", question.describe());
                        let mut unknown = target.resource.clone();
                        question.resource_type().clone_into(&mut unknown.resource_type);
                        unknown.id = String::new();
                        unknown.arn = None;
                        looked_up.later.push((came_with(target, unknown), row(Outcome::Deferred(why))));
                    }
                    Err(error) => looked_up.failed.push(row(error.outcome(age))),
                }
            }
        }
        // Nothing is tagged twice: neither what the record names itself, nor what is attached to two instances.
        let mut seen: HashSet<ResourceKey> = found.targets.iter().map(|known| known.resource.key()).collect();
        looked_up.targets.retain(|extra| seen.insert(extra.resource.key()));
        looked_up
    }

    /// Whether the tags that are there decide which are written.
    fn looks_first(&self, found: &Found, target: &Target) -> bool {
        target.may_have_existed
            || self.policy.read_at_creation
            || target.rule.call.replaces()
            // Since the first look, somebody may have changed what it wrote.
            || found.first_look.is_some()
    }

    /// The resources whose tags step 7 has to know.
    pub fn asks_for(&self, found: &Found, resolved: &Resolved, target: &Target) -> Vec<Item> {
        let own = self.looks_first(found, target);
        let asks_parent = target.requester.is_none() && by_service(found, resolved);
        let parent = asks_parent.then(|| target.parent.clone()).flatten();
        own.then(|| target.item()).into_iter().chain(parent).collect()
    }

    /// Step 7: the tags of one resource. Asks nobody.
    ///
    /// # Errors
    /// The outcome, when tags that are there already could not be read.
    pub fn decide(
        &self,
        found: &Found,
        resolved: &Resolved,
        target: &Target,
        present: &impl Present,
    ) -> Result<(Decision, Arc<Owner>), Outcome> {
        let outcome = |error: BackendError| error.outcome(resolved.age);
        let mut tags = Vec::new();
        if self.looks_first(found, target) {
            let read = if target.is_new_each_time() {
                present.tags_before(&target.resource)
            } else {
                present.tags_of(&target.resource)
            };
            tags = read.map_err(outcome)?;
        }
        let owner = self.inherit(found, resolved, target, present).map_err(outcome)?;
        let session_tags = owner.session.as_ref().map(|session| session.effective_tags()).unwrap_or_default();
        let event = &found.event;
        let account = target.resource.account.as_ref().map(autotag_model::arn::AccountId::as_str);
        let facts = TemplateContext {
            owner: owner.name.as_deref(),
            owner_source: owner.source.map(OwnerSource::as_str),
            principal: &found.principal,
            workload: owner.workload.as_deref(),
            event_time: event.time.as_deref(),
            event_name: &event.name,
            event_source: &event.source,
            event_id: event.id.as_deref(),
            account,
            region: target.resource.region.as_ref().map(autotag_model::arn::Region::as_str),
            source_ip: event.source_ip.as_deref(),
            user_agent: event.user_agent.as_deref(),
        };
        let decision = self.policy.decide(&DecisionInput {
            context: &facts,
            iam_tags: &resolved.iam_tags,
            session_tags: &session_tags,
            requested: &target.requested,
            present: &tags,
            previous_tags: found.first_look.as_deref(),
            constraints: &target.rule.limits,
            may_have_existed: target.may_have_existed,
        });
        Ok((decision, owner))
    }

    /// Where only a service stands behind the call: the one for whom it says it works, else the owner of the parent.
    fn inherit(
        &self,
        found: &Found,
        resolved: &Resolved,
        target: &Target,
        present: &impl Present,
    ) -> Result<Arc<Owner>, BackendError> {
        let own = || Arc::clone(&resolved.owner);
        if !by_service(found, resolved) {
            return Ok(own());
        }
        if let Some(requester) = &target.requester {
            return Ok(Arc::new((*resolved.owner).clone().requested_by(requester)));
        }
        let (Some(parent), Some(key)) = (&target.parent, self.policy.owner_key()) else { return Ok(own()) };
        let read = unless_gone(present.tags_of(&parent.resource), resolved.age)?;
        let tags = read.unwrap_or_default();
        let name = tags.iter().find(|(known, value)| known == key && !value.is_empty());
        let owner = (*resolved.owner).clone();
        Ok(Arc::new(match name {
            Some((_, name)) => owner.inherited(name),
            // The parent may be as new as its child, and not be tagged yet.
            None => owner.waiting_for(&parent.resource.display(), found.event.timestamp()),
        }))
    }
}

/// Whether no person stands behind a creation, but a service: it called itself, or as a role of the customer's that it
/// has assumed.
fn by_service(found: &Found, resolved: &Resolved) -> bool {
    let (owner, principal) = (&resolved.owner, &found.principal);
    let as_role = matches!(owner.source, Some(OwnerSource::Workload | OwnerSource::Role));
    owner.is_service() || principal.is_service_linked() || (as_role && principal.invoking_service().is_some())
}

/// `None` when what was asked about is gone: a role or group may be deleted while what it made lives on.
fn unless_gone<T>(
    answer: Result<T, BackendError>,
    age: Option<SignedDuration>,
) -> Result<Option<T>, BackendError> {
    match answer {
        Err(error) if error.outcome(age) == Outcome::Gone => Ok(None),
        answer => answer.map(Some),
    }
}

/// The outcome of a decision that writes nothing.
pub(crate) fn nothing_to_write(decision: &Decision) -> Option<Outcome> {
    Some(match decision.no_write {
        Some(NoWriteReason::HasOwner) => Outcome::AlreadyTagged("it has an owner, and the first one counts"),
        Some(NoWriteReason::MayBeForged) => Outcome::AlreadyTagged(
            "its identity tags are those that the call itself asked for; whether they were there before cannot be told",
        ),
        Some(NoWriteReason::Complete) => Outcome::AlreadyTagged("all tags are there"),
        Some(NoWriteReason::OptedOut) => Outcome::Skipped(SkipReason::OptedOut),
        Some(_) => Outcome::Skipped(SkipReason::NoTags),
        None if decision.tags.is_empty() => {
            let full = decision.notes.iter().any(|note| matches!(note, Note::NoRoom(_)));
            Outcome::Skipped(if full { SkipReason::NoRoom } else { SkipReason::NoTags })
        }
        None => return None,
    })
}

pub(crate) fn store_outcome(error: &SessionStoreError) -> Outcome {
    // What is damaged may be quoted in the cause, and it holds tags.
    let cause = error.source().filter(|_| !matches!(error, SessionStoreError::Damaged { .. }));
    let cause = cause.map_or(String::new(), |cause| format!(": {cause}"));
    let why = format!("{error}{cause}");
    if error.is_retryable() { Outcome::Deferred(why) } else { Outcome::Refused(why) }
}
