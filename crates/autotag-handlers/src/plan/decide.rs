//! Decides the owner of a creation, and the tags of one of its resources.

use super::first_creation::first_creation;
use crate::backend::{BackendReader, TaggableResource, Tags};
use crate::classify::Creation;
use crate::error::{BackendError, ErrorClass, store_outcome};
use crate::outcome::{ALL_TAGS, Outcome, SkipReason};
use crate::owner::{self, Channel, Owner, OwnerError, OwnerSource, Proof};
use crate::records::PlanRequest;
use crate::services::{Repeat, TagTarget};
use autotag_model::arn::{AccountId, Region};
use autotag_model::identity::PrincipalKind;
use autotag_model::policy::{
    Decision, DecisionInput, NoWriteReason, Note, Policy, Selection, TemplateContext,
};
use autotag_model::rule::{Resource, TagCall};
use autotag_model::tags::TagSet;
use futures_util::future::join;
use jiff::{SignedDuration, Timestamp};
use session_store::SessionReader;
use std::sync::Arc;

/// Facts about the caller of a creation. It is the same for all its resources.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    /// The owner, with the evidence.
    pub(super) owner: Arc<Owner>,
    /// IAM tags of the role or user.
    iam_tags: Tags,
    /// How old the event is.
    age: Option<SignedDuration>,
    /// True if the session tags are left to the recheck.
    pub(super) leaves_session_tags: bool,
}

/// Facts about the tags on resources that a decision may use.
pub(super) trait Knowledge {
    /// The tags on the resource, including those that the plan would write.
    ///
    /// # Errors
    /// [`BackendError`] if they could not be read.
    fn tags_of(&self, resource: &Resource) -> Result<Tags, BackendError>;

    /// The tags on the resource before the plan.
    ///
    /// # Errors
    /// [`BackendError`] if they could not be read.
    fn tags_before(&self, resource: &Resource) -> Result<Tags, BackendError>;

    /// The tags that the plan writes to the resource for an event that can have created it at `created`.
    fn planned_by_creator(&self, resource: &Resource, created: Timestamp) -> Option<Tags>;

    /// True if the owner that the plan has decided for the resource is provisional; `None` if it has decided none.
    fn decided_owner_is_provisional(&self, resource: &Resource) -> Option<bool>;
}

/// The owner and the IAM tags of the principal. Both are asked for at the same time: the record names the
/// principal, whatever the owner is.
///
/// # Errors
/// The outcome for all resources of the creation, if one of the two cannot be found out.
pub(super) async fn resolve(
    policy: &Policy,
    creation: &Creation,
    age: Option<SignedDuration>,
    sessions: &dyn SessionReader,
    backend: &dyn BackendReader,
) -> Result<Resolved, Outcome> {
    let owner = owner::resolve(&creation.principal, &policy.trust, sessions, backend);
    let (owner, iam_tags) = join(owner, iam_tags(policy, creation, backend)).await;
    let owner = owner.map_err(|error| match error {
        OwnerError::Sessions(error) => store_outcome(&error),
        OwnerError::Directory(error) => error.outcome(age),
    })?;
    let owner = owner.with_user_agent(&creation.principal, creation.event.user_agent.as_deref());
    let iam_tags = iam_tags.map_err(|error| error.outcome(age))?;
    Ok(Resolved { owner: Arc::new(owner), iam_tags, age, leaves_session_tags: false })
}

async fn iam_tags(
    policy: &Policy,
    creation: &Creation,
    backend: &dyn BackendReader,
) -> Result<Tags, BackendError> {
    if policy.iam_tags == Selection::None {
        return Ok(Vec::new());
    }
    let principal = &creation.principal;
    let arn = match principal.kind {
        PrincipalKind::IamUser => principal.arn.clone(),
        PrincipalKind::AssumedRole | PrincipalKind::Role => principal.role_arn(),
        // A federated user has the tags of the IAM user who called GetFederationToken.
        PrincipalKind::FederatedUser => principal.issuer_arn().map(str::to_owned),
        _ => None,
    };
    let Some(arn) = arn else { return Ok(Vec::new()) };
    match backend.principal_tags(&arn).await {
        // A caller existed at the time of the call. A principal that is not found was deleted since, also if the
        // event is young.
        Err(error) if error.class == ErrorClass::NotFound => Ok(Vec::new()),
        answer => answer,
    }
}

/// True if the present tags decide which tags are written.
fn needs_existing_tags(policy: &Policy, request: &PlanRequest, target: &TagTarget) -> bool {
    target.may_have_owner()
        || target.repeat == Repeat::Possible
        || policy.read_at_creation
        || target.rule.call.replaces()
        // Since the first evaluation, somebody may have changed the tags that it wrote.
        || request.previous_tags.is_some()
}

/// The resources that the record names, and whose tags [`decide`] needs for every owner.
pub(super) fn named_resources(policy: &Policy, request: &PlanRequest) -> Vec<TaggableResource> {
    let by_service = is_call_of_service(&request.creation);
    let needed = |target: &TagTarget| {
        let own = needs_existing_tags(policy, request, target).then(|| target.taggable());
        own.into_iter().chain(parent(target).filter(|_| by_service).cloned())
    };
    request.creation.targets.iter().flat_map(needed).collect()
}

/// The parent whose owner the resource inherits in a call of a service. A requester that the call names comes first.
fn parent(target: &TagTarget) -> Option<&TaggableResource> {
    target.parent.as_ref().filter(|_| target.requester.is_none())
}

/// The resources whose tags [`decide`] has to know.
pub(super) fn queried_resources(
    policy: &Policy,
    request: &PlanRequest,
    resolved: &Resolved,
    target: &TagTarget,
) -> Vec<TaggableResource> {
    let own = needs_existing_tags(policy, request, target).then(|| target.taggable());
    let parent = parent(target).filter(|_| is_service_call(&request.creation, resolved));
    own.into_iter().chain(parent.cloned()).collect()
}

/// The decision about one resource.
pub(super) struct Decided {
    /// The tags to write.
    pub(super) tags: TagSet,
    /// All tags that the policy has for it.
    pub(super) all: TagSet,
    pub(super) notes: Vec<Note>,
    pub(super) owner: Arc<Owner>,
    /// The required keys that neither the creating call asked for nor the resource has.
    pub(super) lacking: Vec<String>,
    /// The outcome, if nothing is to be written.
    pub(super) nothing: Option<Outcome>,
}

/// The tags of one resource. It makes no call.
///
/// # Errors
/// The outcome, if the present tags could not be read.
pub(super) fn decide(
    policy: &Policy,
    request: &PlanRequest,
    resolved: &Resolved,
    target: &TagTarget,
    known: &impl Knowledge,
) -> Result<Decided, Outcome> {
    let outcome = |error: BackendError| error.outcome(resolved.age);
    let present = present_tags(policy, request, target, known).map_err(outcome)?;
    let creation = &request.creation;
    let owner = inherit(policy, creation, resolved, target, known).map_err(outcome)?;
    let session = owner.session.as_ref().filter(|_| !resolved.leaves_session_tags);
    let session_tags = session.map(|session| session.effective_tags()).unwrap_or_default();
    let event = &creation.event;
    let context = template_context(policy, creation, &owner, target, &session_tags);
    let decision = first_creation(
        policy,
        target,
        event,
        resolved.age,
        &DecisionInput {
            context: &context,
            iam_tags: &resolved.iam_tags,
            session_tags: &session_tags,
            requested: &target.requested,
            present: &present,
            previous_tags: request.previous_tags.as_deref(),
            constraints: &target.rule.limits,
            may_have_existed: target.may_have_owner(),
            by_service: calling_service(creation),
        },
    );
    let mut nothing = nothing_to_write(&decision);
    let is_predicted =
        decision.no_write == Some(NoWriteReason::Complete) && may_be_predicted(request, target, &owner);
    let Decision { mut tags, decided, notes, .. } = decision;
    if is_predicted {
        (tags, nothing) = (decided.clone(), None);
    }
    if nothing.is_none() && target.is_older && !policy.replace_existing {
        nothing = Some(Outcome::Skipped(SkipReason::Older));
        tags = TagSet::new();
    }
    let has = |key: &str| target.requested.iter().chain(&present).any(|(known, _)| known == key);
    let lacking = policy.required.missing(&target.resource.resource_type, has);
    Ok(Decided { tags, all: decided, notes, owner, lacking, nothing })
}

/// The values of the policy's placeholders for one resource.
fn template_context<'a>(
    policy: &Policy,
    creation: &'a Creation,
    owner: &'a Owner,
    target: &'a TagTarget,
    session_tags: &[(&'a str, &'a str)],
) -> TemplateContext<'a> {
    let event = &creation.event;
    TemplateContext {
        owner: owner.name.as_deref(),
        owner_source: owner.source.map(OwnerSource::as_str),
        principal: &creation.principal,
        workload: owner.workload.as_deref(),
        event_time: event.time.as_deref(),
        event_name: &event.name,
        event_source: &event.source,
        event_id: event.id.as_deref(),
        account: target.resource.account.as_ref().map(AccountId::as_str),
        region: target.resource.region.as_ref().map(Region::as_str),
        source_ip: event.source_ip.as_deref(),
        user_agent: event.user_agent.as_deref(),
        subject: Some(&owner.subject),
        actor: actor(policy, session_tags),
        owner_proof: owner.proof.map(Proof::as_str),
        owner_account: owner.account.as_deref(),
        channel: owner.channel.as_ref().map(Channel::as_str),
    }
}

/// The person that a pipeline passes on, in the session tag that the policy names. Keys of session tags ignore
/// case.
fn actor<'t>(policy: &Policy, session_tags: &[(&'t str, &'t str)]) -> Option<&'t str> {
    let key = policy.trust.actor_tag.as_deref()?;
    let (_, value) = session_tags.iter().find(|(known, _)| known.eq_ignore_ascii_case(key))?;
    Some(value)
}

/// True if the creating call may have asked for exactly the tags of an owner who is provisional. They are written once
/// more, so that the recheck takes them for ours, and can correct them.
fn may_be_predicted(request: &PlanRequest, target: &TagTarget, owner: &Owner) -> bool {
    let is_new = !target.may_have_owner() && !target.is_older && target.repeat != Repeat::Possible;
    is_new && request.previous_tags.is_none() && owner.pending.is_some()
}

/// The tags on the resource that the decision has to know.
fn present_tags(
    policy: &Policy,
    request: &PlanRequest,
    target: &TagTarget,
    known: &impl Knowledge,
) -> Result<Tags, BackendError> {
    match needs_existing_tags(policy, request, target) {
        true if target.replaces_its_namesake() => known.tags_before(&target.resource),
        true => known.tags_of(&target.resource),
        false => Ok(match target.repeat {
            Repeat::IfCreatedEarlier(created) => known.planned_by_creator(&target.resource, created),
            _ => None,
        }
        .unwrap_or_default()),
    }
}

/// For calls made by an AWS service: the requester that the call names, otherwise the owner of the parent resource.
fn inherit(
    policy: &Policy,
    creation: &Creation,
    resolved: &Resolved,
    target: &TagTarget,
    known: &impl Knowledge,
) -> Result<Arc<Owner>, BackendError> {
    let own = || Arc::clone(&resolved.owner);
    if !is_service_call(creation, resolved) {
        return Ok(own());
    }
    if let Some(requester) = &target.requester {
        return Ok(Arc::new((*resolved.owner).clone().requested_by(requester, &policy.trust)));
    }
    let (Some(parent), Some(key)) = (&target.parent, policy.owner_key()) else { return Ok(own()) };
    let read = ignore_not_found(known.tags_of(&parent.resource), resolved.age)?;
    let tags = read.unwrap_or_default();
    let name = tags.iter().find(|(known, value)| known == key && !value.is_empty());
    let owner = (*resolved.owner).clone();
    let (owner, provisional) = match name {
        Some((_, name)) => (owner.inherited(name), is_provisional(parent, known)),
        // The parent may be as new as its child, and not be tagged yet.
        None => (owner, true),
    };
    Ok(Arc::new(if provisional {
        owner.with_pending_parent(&parent.resource.display(), creation.event.timestamp())
    } else {
        owner
    }))
}

/// True if the owner on the parent may still be corrected.
///
/// Nothing on the parent tells whether its owner is ours: the call that created it can have asked for any tags. Only
/// the owner that this plan has decided is certain, unless it is provisional itself.
fn is_provisional(parent: &TaggableResource, known: &impl Knowledge) -> bool {
    let decided = known.decided_owner_is_provisional(&parent.resource);
    // The owner of a parent that cannot be tagged is never corrected.
    decided.unwrap_or(parent.rule.call != TagCall::None)
}

/// True if an AWS service made the call, in its own name or as a role of the customer that it assumed.
fn is_service_call(creation: &Creation, resolved: &Resolved) -> bool {
    let (owner, principal) = (&resolved.owner, &creation.principal);
    let as_role = matches!(owner.source, Some(OwnerSource::Workload | OwnerSource::Role));
    owner.is_service() || principal.is_service_linked() || (as_role && principal.invoking_service().is_some())
}

/// True if the record alone says that an AWS service made the call, for every owner.
fn is_call_of_service(creation: &Creation) -> bool {
    let principal = &creation.principal;
    principal.kind == PrincipalKind::AwsService || principal.is_service_linked()
}

/// The service that made the call in its own name or by its service-linked role, which only a reserved path proves: what
/// such a service sets is not replaced.
///
/// A service that calls as a role of the customer does not count. Step Functions, Systems Manager and others make any call
/// that their user writes, with any tags.
fn calling_service(creation: &Creation) -> Option<&str> {
    let principal = &creation.principal;
    let in_own_name = principal.kind == PrincipalKind::AwsService;
    principal.linked_service().or_else(|| in_own_name.then(|| principal.invoking_service()).flatten())
}

/// `None` if the resource or principal is deleted: a role or group may be gone while the resources that it made live on.
fn ignore_not_found<T>(
    answer: Result<T, BackendError>,
    age: Option<SignedDuration>,
) -> Result<Option<T>, BackendError> {
    match answer {
        Err(error) if error.outcome(age) == Outcome::Gone => Ok(None),
        answer => answer.map(Some),
    }
}

/// The outcome of a decision that writes nothing.
fn nothing_to_write(decision: &Decision) -> Option<Outcome> {
    Some(match decision.no_write {
        Some(NoWriteReason::HasOwner) => Outcome::AlreadyTagged("it has an owner, and the first one counts"),
        Some(NoWriteReason::MayBeForged) => Outcome::AlreadyTagged(
            "its identity tags are those that the call itself asked for; whether they were there before cannot be told",
        ),
        Some(NoWriteReason::Complete) => Outcome::AlreadyTagged(ALL_TAGS),
        Some(NoWriteReason::OptedOut) => Outcome::Skipped(SkipReason::OptedOut),
        Some(_) => Outcome::Skipped(SkipReason::NoTags),
        None if decision.tags.is_empty() => {
            let full = decision.notes.iter().any(|note| matches!(note, Note::NoRoom(_)));
            Outcome::Skipped(if full { SkipReason::NoRoom } else { SkipReason::NoTags })
        }
        None => return None,
    })
}
