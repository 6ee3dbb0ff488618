//! A principal -> the person or workload behind it, with the evidence.
//!
//! The first rule that holds names the owner: source identity; Identity Center person; the origin of the role chain; SAML
//! or web identity subject; IAM user or root; role session name, or the role of a workload; the AWS service that called.
//! If a service calls for somebody (`CloudFormation`, Service Catalog), the record names them as the principal. Otherwise
//! the [planner](crate::plan) asks for whom the service works, or to which resource the new one belongs.

mod source;
mod subject;

pub use source::OwnerSource;

use crate::backend::BackendReader;
use crate::error::BackendError;
use autotag_model::identity::{OnBehalfOf, Principal, PrincipalKind};
use autotag_model::session::{Session, SessionKind, SessionMatch, find_session, issue_window};
use jiff::Timestamp;
use serde::Serialize;
use session_store::{SessionReader, SessionStoreError};
use std::fmt::Write as _;

/// How far a role chain is followed.
pub const MAX_HOPS: usize = 10;

/// One session in the chain from the call to its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChainLink {
    /// The ARN of the session, otherwise its role session id.
    pub session: String,
    /// What the session store knows about it.
    pub evidence: String,
}

/// Evidence about the owner that is missing and may still arrive: the STS record of a session, or the copy of it that
/// names the caller; the owner of the parent resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PendingEvidence {
    /// `AROA...:session-name`, or the ARN of the parent.
    pub of: String,
    /// When the session was issued or the child created, UTC, if the call says so.
    pub since: Option<Timestamp>,
}

/// Who a resource belongs to, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Owner {
    /// The owner's name; `None` when nothing in the record names anybody.
    pub name: Option<String>,
    /// Which rule named the owner.
    pub source: Option<OwnerSource>,
    /// The instance, function or task behind a workload's session.
    pub workload: Option<String>,
    /// The sessions from the call to its origin, the session of the call first.
    pub chain: Vec<ChainLink>,
    /// The session of the call, if it is known. Its session tags count. It is not serialized.
    #[serde(skip)]
    pub session: Option<Session>,
    /// The first piece of evidence that is missing and may still arrive.
    pub pending: Option<PendingEvidence>,
}

impl Owner {
    /// Whether an AWS service called, and neither a person nor a workload of the customer. Then the owner of the
    /// resource to which this one belongs counts.
    pub fn is_service(&self) -> bool {
        matches!(self.source, Some(OwnerSource::Service) | None)
    }

    /// The same chain with the owner of the parent resource.
    #[must_use]
    pub fn inherited(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), source: Some(OwnerSource::Parent), ..self }
    }

    /// The same owner while the parent has no owner yet.
    #[must_use]
    pub fn with_pending_parent(self, parent: &str, since: Option<Timestamp>) -> Self {
        Self { pending: Some(PendingEvidence { of: parent.to_owned(), since }), ..self }
    }

    /// The same chain with the principal of this ARN, for whom the service works.
    #[must_use]
    pub fn requested_by(self, arn: &str) -> Self {
        let requester = Principal::from_value(&serde_json::json!({"arn": arn}));
        match last_resort(&requester, None) {
            Some((name, _)) => Self { name: Some(name), source: Some(OwnerSource::Requester), ..self },
            None => self,
        }
    }
}

type Named = Option<(String, OwnerSource)>;

/// Why an owner cannot be named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnerError {
    /// The session store does not answer. This differs from "no such session".
    #[error(transparent)]
    Sessions(#[from] SessionStoreError),
    /// The directory of users does not answer.
    #[error(transparent)]
    Directory(#[from] BackendError),
}

/// Finds the owner of what `principal` creates. It asks `sessions` only for principals that have a session, and `backend`
/// only for the names of Identity Center users.
///
/// # Errors
/// [`OwnerError`] if one of the two does not answer.
pub async fn resolve(
    principal: &Principal,
    sessions: &dyn SessionReader,
    backend: &dyn BackendReader,
) -> Result<Owner, OwnerError> {
    let mut trace = ChainTrace::default();
    let mut at = principal.clone();
    let mut own_session = None;
    let mut depth = 0;
    let named = loop {
        let session = trace.find(&at, sessions).await?;
        if depth == 0 {
            own_session.clone_from(&session);
        }
        match step(&at, session.as_ref()) {
            ChainStep::Named(name, source) => break Some((name, source)),
            ChainStep::Person(user) => {
                let name = backend.user_name(&user).await?.unwrap_or(user.user_id);
                break Some((name, OwnerSource::IdentityCenter));
            }
            ChainStep::Caller(caller) if depth < MAX_HOPS => {
                at = *caller;
                depth += 1;
            }
            ChainStep::Caller(_) => {
                trace.too_long();
                break last_resort(&at, session.as_ref());
            }
            ChainStep::End => break last_resort(&at, session.as_ref()),
        }
    };
    let workload = matches!(named, Some((_, OwnerSource::Workload))).then(|| workload(&at)).flatten();
    let (name, source) = named.map_or((None, None), |(name, source)| {
        // If the chain ends at a name that a caller chose, its origin is unknown: report that source, not `role-chain`.
        let origin = !matches!(
            source,
            OwnerSource::RoleSession | OwnerSource::Role | OwnerSource::FederatedUser | OwnerSource::Account
        );
        (Some(name), Some(if depth > 0 && origin { OwnerSource::RoleChain } else { source }))
    });
    Ok(Owner { name, source, workload, chain: trace.links, session: own_session, pending: trace.pending })
}

/// The chain of sessions as far as it was followed.
#[derive(Debug, Default)]
struct ChainTrace {
    links: Vec<ChainLink>,
    pending: Option<PendingEvidence>,
}

impl ChainTrace {
    /// The session in which `at` calls, if the store knows it.
    async fn find(
        &mut self,
        at: &Principal,
        sessions: &dyn SessionReader,
    ) -> Result<Option<Session>, SessionStoreError> {
        let Some(role_session) = at.role_session() else { return Ok(None) };
        let between = issue_window(at);
        let mut candidates = sessions.find_issued(role_session, &between).await?;
        // The store knows the session of a workload by its ARN. Another session of the same name must not hide it.
        let unknown = find_session(&candidates, at) == SessionMatch::None && !is_proven_workload(at);
        if let (true, Some(arn)) = (unknown, &at.arn) {
            candidates.extend(sessions.find_issued(arn, &between).await?);
        }
        let found = find_session(&candidates, at);
        let evidence = match found {
            SessionMatch::ByKey(session) => describe_session(session, "found by access key"),
            SessionMatch::ByTime(session) => describe_session(session, "found by time of issue"),
            SessionMatch::Ambiguous(count) => {
                format!("{count} sessions could be meant and do not agree; none is taken")
            }
            _ if candidates.is_empty() => "no STS record is known".to_owned(),
            _ => "STS records of this name are known, but none of this session".to_owned(),
        };
        // A workload session has no further caller and no tags, so nothing is pending. For a cross-account session the copy
        // from the caller's account carries more detail and may arrive later.
        let missing = match found {
            SessionMatch::None => !is_proven_workload(at),
            // They may agree when each of them names its caller.
            SessionMatch::Ambiguous(_) => candidates.iter().any(lacks_caller),
            found => found.session().is_some_and(lacks_caller),
        };
        if missing && self.pending.is_none() {
            let since = at.session.as_ref().and_then(|session| session.created);
            self.pending = Some(PendingEvidence { of: role_session.to_owned(), since });
        }
        let session = at.arn.clone().unwrap_or_else(|| role_session.to_owned());
        self.links.push(ChainLink { session, evidence });
        Ok(found.session().cloned())
    }

    fn too_long(&mut self) {
        if let Some(link) = self.links.last_mut() {
            // Writing to a string does not fail.
            let _ = write!(link.evidence, "; not followed further, the chain is longer than {MAX_HOPS} hops");
        }
    }
}

/// Whether the session is known from the role's account only. Another copy may name the caller.
fn lacks_caller(session: &Session) -> bool {
    session.caller.kind == PrincipalKind::AwsAccount && session.caller.invoked_by.is_none()
}

/// A session in words: what it is, who asked for it, and how it was found.
fn describe_session(session: &Session, how: &str) -> String {
    let caller = &session.caller;
    let by = caller.arn.as_deref().or(session.subject.as_deref()).or(caller.invoked_by.as_deref());
    let by = by.or(caller.principal_id.as_deref()).unwrap_or(caller.kind.as_str());
    format!("{} by {by} at {}, {how}", session.kind.as_str(), session.issued)
}

enum ChainStep {
    Named(String, OwnerSource),
    /// An Identity Center user, whose name is asked for.
    Person(OnBehalfOf),
    /// This principal asked for the session; the chain goes on with them.
    Caller(Box<Principal>),
    End,
}

fn step(at: &Principal, session: Option<&Session>) -> ChainStep {
    let context = at.session.as_ref();
    let source_identity = context
        .and_then(|context| context.source_identity.clone())
        .or_else(|| session?.source_identity.clone());
    if let Some(name) = source_identity {
        return ChainStep::Named(name, OwnerSource::SourceIdentity);
    }
    if at.is_identity_center_role()
        && let Some(name) = at.session_name()
    {
        return ChainStep::Named(name.to_owned(), OwnerSource::IdentityCenter);
    }
    if let Some(user) = &at.on_behalf_of {
        return ChainStep::Person(user.clone());
    }
    let Some(session) = session else { return ChainStep::End };
    match (session.kind, &session.caller.kind, &session.subject) {
        (SessionKind::AssumeRoleWithSaml, _, Some(subject)) => {
            ChainStep::Named(subject.clone(), OwnerSource::Saml)
        }
        (SessionKind::AssumeRoleWithWebIdentity, _, Some(subject)) => {
            let provider = session.provider.as_deref();
            ChainStep::Named(subject::readable(subject, provider), OwnerSource::WebIdentity)
        }
        (
            _,
            PrincipalKind::IamUser
            | PrincipalKind::Root
            | PrincipalKind::AssumedRole
            | PrincipalKind::FederatedUser
            | PrincipalKind::IdentityCenterUser,
            _,
        ) => ChainStep::Caller(Box::new(session.caller.clone())),
        // Another account, or a service: the record does not say who in it.
        _ => ChainStep::End,
    }
}

/// The name in the furthest known principal itself.
fn last_resort(at: &Principal, session: Option<&Session>) -> Named {
    let service = || at.invoking_service().map(|service| (service.to_owned(), OwnerSource::Service));
    let as_source = |name: Option<&str>, source| name.map(|name| (name.to_owned(), source));
    match &at.kind {
        PrincipalKind::IamUser => {
            let name = at.user_name.as_deref().or_else(|| at.arn.as_deref()?.rsplit(['/', ':']).next());
            as_source(name.or(at.principal_id.as_deref()), OwnerSource::IamUser)
        }
        PrincipalKind::Root => Some(("root".to_owned(), OwnerSource::Root)),
        PrincipalKind::AssumedRole | PrincipalKind::Role => of_role(at, session),
        PrincipalKind::SamlUser => as_source(at.user_name.as_deref(), OwnerSource::Saml),
        PrincipalKind::WebIdentityUser => {
            let provider = at.identity_provider.as_deref();
            let subject = at.user_name.as_deref().map(|name| subject::readable(name, provider));
            as_source(subject.as_deref(), OwnerSource::WebIdentity)
        }
        PrincipalKind::AwsService => service(),
        PrincipalKind::AwsAccount => service().or_else(|| {
            as_source(at.principal_id.as_deref().or(at.account.as_deref()), OwnerSource::Account)
        }),
        PrincipalKind::FederatedUser => {
            let by_id = at.principal_id.as_deref().and_then(|id| id.split_once(':')).map(|(_, name)| name);
            as_source(by_id.or(at.user_name.as_deref()), OwnerSource::FederatedUser)
        }
        _ => as_source(at.user_name.as_deref(), OwnerSource::FederatedUser)
            .or_else(service)
            .or_else(|| as_source(at.account.as_deref(), OwnerSource::Account)),
    }
}

/// Whether the record itself proves that the session belongs to a workload. The name of a session proves nothing.
fn is_proven_workload(at: &Principal) -> bool {
    // Identity Center fills in the same field for a person.
    let issued_to_workload =
        at.in_scope_of.is_some() && at.on_behalf_of.is_none() && !at.is_identity_center_role();
    at.is_instance() || at.is_service_linked() || issued_to_workload
}

/// Services that assume roles of the customer, and the names that they give to those sessions.
const SERVICE_SESSIONS: [(&str, &str); 2] = [
    ("cloudformation.amazonaws.com", "AWSCloudFormation"),
    ("servicecatalog.amazonaws.com", "servicecatalog"),
];

/// Whether a service gave the session its name. Another caller can choose the same name, but does not call through the
/// service.
fn is_service_session(at: &Principal) -> bool {
    let names = at.invoking_service().zip(at.session_name());
    names.is_some_and(|names| SERVICE_SESSIONS.contains(&names))
}

fn of_role(at: &Principal, session: Option<&Session>) -> Named {
    let context = at.session.as_ref();
    if let Some(subject) = context.and_then(|context| context.federated_subject.as_deref()) {
        let provider = context.and_then(|context| context.federated_provider.as_deref());
        return Some((subject::readable(subject, provider), OwnerSource::WebIdentity));
    }
    let by_service = session.is_some_and(|session| session.caller.kind == PrincipalKind::AwsService);
    let role = |source| at.role_name().map(|name| (name.to_owned(), source));
    if by_service || is_proven_workload(at) || is_service_session(at) {
        return role(OwnerSource::Workload);
    }
    let session_name = at.session_name().map(|name| (name.to_owned(), OwnerSource::RoleSession));
    session_name.or_else(|| role(OwnerSource::Role))
}

/// The instance, function or task that holds the credentials.
fn workload(at: &Principal) -> Option<String> {
    let issued_to = at.in_scope_of.as_ref().and_then(|scope| scope.issued_to.clone());
    issued_to.or_else(|| at.session_name().map(str::to_owned))
}

#[cfg(test)]
mod tests;
