//! A principal -> the person or workload behind it, with the proof of how it was resolved.
//!
//! The first that holds: source identity; Identity Center person; the origin of the role chain; SAML or web identity
//! subject; IAM user or root; role session name, or the role of a workload; the AWS service that called. A call that a
//! service makes for somebody (`CloudFormation`, Service Catalog) carries that somebody as its principal; where it does
//! not, the [pipeline](crate::pipeline) asks whom the service works for, or to what the resource belongs.

mod subject;

use crate::outcome::BackendError;
use crate::ports::People;
use autotag_model::identity::{OnBehalfOf, Principal, PrincipalKind};
use autotag_model::session::{Session, SessionKind, SessionMatch, find_session, issue_window};
use jiff::Timestamp;
use session_store::{SessionStore, SessionStoreError};
use std::fmt::{self, Write as _};

/// How far a role chain is followed.
pub const MAX_HOPS: usize = 10;

/// Which rule named the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OwnerSource {
    /// `sourceIdentity`, set at the start of a chain and kept through it.
    SourceIdentity,
    /// The Identity Center person.
    IdentityCenter,
    /// The one at the origin of the role chain.
    RoleChain,
    /// The SAML subject.
    Saml,
    /// The web identity subject (OIDC).
    WebIdentity,
    /// The IAM user.
    IamUser,
    /// The account's root user.
    Root,
    /// The federated user's name.
    FederatedUser,
    /// The role session's name, chosen by whoever assumed the role.
    RoleSession,
    /// The role of a workload.
    Workload,
    /// The role, where the record names no session.
    Role,
    /// The owner of the resource that this one belongs to.
    Parent,
    /// The one for whom a service says that it works.
    Requester,
    /// The AWS service that called for itself.
    Service,
    /// Another account, of which no more is known.
    Account,
}

impl OwnerSource {
    /// The name, as tags and programs see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SourceIdentity => "source-identity",
            Self::IdentityCenter => "identity-center",
            Self::RoleChain => "role-chain",
            Self::Saml => "saml",
            Self::WebIdentity => "web-identity",
            Self::IamUser => "iam-user",
            Self::Root => "root",
            Self::FederatedUser => "federated-user",
            Self::RoleSession => "role-session",
            Self::Workload => "workload",
            Self::Role => "role",
            Self::Parent => "parent",
            Self::Requester => "requester",
            Self::Service => "service",
            Self::Account => "account",
        }
    }
}

impl fmt::Display for OwnerSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One step of the proof.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hop {
    /// Whose session is looked at.
    pub of: String,
    /// What the session store said.
    pub found: String,
}

/// What is not known on the way to the owner, and may still come: a session's STS record, or the copy of it that names the
/// caller; the owner of a parent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Awaited {
    /// `AROA...:session-name`, or the parent's ARN.
    pub of: String,
    /// When the session was issued or the child created, UTC, as far as the call says so.
    pub since: Option<Timestamp>,
}

/// Who a resource belongs to, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Owner {
    /// The owner's name; `None` when nothing in the record names anybody.
    pub name: Option<String>,
    /// Which rule named the owner.
    pub source: Option<OwnerSource>,
    /// The instance, function or task behind a workload's session.
    pub workload: Option<String>,
    /// The sessions that were walked through, the record's own first.
    pub hops: Vec<Hop>,
    /// The record's own session, if it is known: where its session tags come from.
    pub session: Option<Session>,
    /// The first thing on the way to the owner that is not known, and may still be.
    pub awaited: Option<Awaited>,
}

impl Owner {
    /// Whether no person and no workload of the customer's stands behind the call: then the owner of the resource to
    /// which this one belongs knows better.
    pub fn is_service(&self) -> bool {
        matches!(self.source, Some(OwnerSource::Service) | None)
    }

    /// The same proof with the owner of the parent resource.
    #[must_use]
    pub fn inherited(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), source: Some(OwnerSource::Parent), ..self }
    }

    /// The same proof, as long as nobody knows to whom the parent belongs.
    #[must_use]
    pub fn waiting_for(self, parent: &str, since: Option<Timestamp>) -> Self {
        Self { awaited: Some(Awaited { of: parent.to_owned(), since }), ..self }
    }

    /// The same proof with the principal of this ARN, for whom the service works.
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

/// Why an owner cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnerError {
    /// The session store cannot answer: not the same as "no such session".
    #[error(transparent)]
    Sessions(#[from] SessionStoreError),
    /// The identity store cannot answer.
    #[error(transparent)]
    People(#[from] BackendError),
}

/// Finds the owner of what `principal` creates. Asks the store only for principals that have a session.
///
/// # Errors
/// [`OwnerError`] when one of those who are asked cannot answer.
pub async fn resolve(
    principal: &Principal,
    world: &(impl SessionStore + People),
) -> Result<Owner, OwnerError> {
    let mut proof = Proof::default();
    let mut at = principal.clone();
    let mut own_session = None;
    let mut depth = 0;
    let named = loop {
        let session = proof.find(&at, world).await?;
        if depth == 0 {
            own_session.clone_from(&session);
        }
        match step(&at, session.as_ref()) {
            Step::Named(name, source) => break Some((name, source)),
            Step::Person(user) => {
                let name = world.person(&user).await?.unwrap_or(user.user_id);
                break Some((name, OwnerSource::IdentityCenter));
            }
            Step::Caller(caller) if depth < MAX_HOPS => {
                at = *caller;
                depth += 1;
            }
            Step::Caller(_) => {
                proof.too_long();
                break last_resort(&at, session.as_ref());
            }
            Step::End => break last_resort(&at, session.as_ref()),
        }
    };
    let workload = matches!(named, Some((_, OwnerSource::Workload))).then(|| workload(&at)).flatten();
    let (name, source) = named.map_or((None, None), |(name, source)| {
        // Where the chain breaks off at a name that somebody chose, its origin is not known, and that is said.
        let origin = !matches!(
            source,
            OwnerSource::RoleSession | OwnerSource::Role | OwnerSource::FederatedUser | OwnerSource::Account
        );
        (Some(name), Some(if depth > 0 && origin { OwnerSource::RoleChain } else { source }))
    });
    Ok(Owner { name, source, workload, hops: proof.hops, session: own_session, awaited: proof.awaited })
}

/// What is noted on the way.
#[derive(Debug, Default)]
struct Proof {
    hops: Vec<Hop>,
    awaited: Option<Awaited>,
}

impl Proof {
    /// The session that `at` calls in, if the store knows it.
    async fn find(
        &mut self,
        at: &Principal,
        sessions: &impl SessionStore,
    ) -> Result<Option<Session>, SessionStoreError> {
        let Some(role_session) = at.role_session() else { return Ok(None) };
        let between = issue_window(at);
        let mut candidates = sessions.find_issued(role_session, &between).await?;
        // A workload's session is known by its ARN, and another one of its name must not hide it.
        let unknown = find_session(&candidates, at) == SessionMatch::None && !is_proven_workload(at);
        if let (true, Some(arn)) = (unknown, &at.arn) {
            candidates.extend(sessions.find_issued(arn, &between).await?);
        }
        let found = find_session(&candidates, at);
        let said = match found {
            SessionMatch::ByKey(session) => told(session, "found by access key"),
            SessionMatch::ByTime(session) => told(session, "found by time of issue"),
            SessionMatch::Ambiguous(count) => {
                format!("{count} sessions could be meant and do not agree; none is taken")
            }
            _ if candidates.is_empty() => "no STS record is known".to_owned(),
            _ => "STS records of this name are known, but none of this session".to_owned(),
        };
        // Behind a workload there is nobody, and its sessions have no tags: nothing is missing. Of a session across accounts
        // the role's account is told less than the caller's, whose copy may still come.
        let missing = match found {
            SessionMatch::None => !is_proven_workload(at),
            // As soon as each has its caller, they may agree.
            SessionMatch::Ambiguous(_) => candidates.iter().any(is_poor),
            found => found.session().is_some_and(is_poor),
        };
        if missing && self.awaited.is_none() {
            let since = at.session.as_ref().and_then(|session| session.created);
            self.awaited = Some(Awaited { of: role_session.to_owned(), since });
        }
        self.hops.push(Hop { of: at.arn.clone().unwrap_or_else(|| role_session.to_owned()), found: said });
        Ok(found.session().cloned())
    }

    fn too_long(&mut self) {
        if let Some(hop) = self.hops.last_mut() {
            // Writing to a string does not fail.
            let _ = write!(hop.found, "; not followed further, the chain is longer than {MAX_HOPS} hops");
        }
    }
}

/// Whether only the role's account has told of the session, and another copy may name the caller.
fn is_poor(session: &Session) -> bool {
    session.caller.kind == PrincipalKind::AwsAccount && session.caller.invoked_by.is_none()
}

/// What is known of a session, in words.
fn told(session: &Session, how: &str) -> String {
    let caller = &session.caller;
    let by = caller.arn.as_deref().or(session.subject.as_deref()).or(caller.invoked_by.as_deref());
    let by = by.or(caller.principal_id.as_deref()).unwrap_or(caller.kind.as_str());
    format!("{} by {by} at {}, {how}", session.kind.as_str(), session.issued)
}

enum Step {
    Named(String, OwnerSource),
    /// An Identity Center user, whose name is asked for.
    Person(OnBehalfOf),
    /// The session was asked for by this principal: who stands behind him?
    Caller(Box<Principal>),
    End,
}

fn step(at: &Principal, session: Option<&Session>) -> Step {
    let context = at.session.as_ref();
    let source_identity = context
        .and_then(|context| context.source_identity.clone())
        .or_else(|| session?.source_identity.clone());
    if let Some(name) = source_identity {
        return Step::Named(name, OwnerSource::SourceIdentity);
    }
    if at.is_identity_center_role()
        && let Some(name) = at.session_name()
    {
        return Step::Named(name.to_owned(), OwnerSource::IdentityCenter);
    }
    if let Some(user) = &at.on_behalf_of {
        return Step::Person(user.clone());
    }
    let Some(session) = session else { return Step::End };
    match (session.kind, &session.caller.kind, &session.subject) {
        (SessionKind::AssumeRoleWithSaml, _, Some(subject)) => {
            Step::Named(subject.clone(), OwnerSource::Saml)
        }
        (SessionKind::AssumeRoleWithWebIdentity, _, Some(subject)) => {
            let provider = session.provider.as_deref();
            Step::Named(subject::readable(subject, provider), OwnerSource::WebIdentity)
        }
        (
            _,
            PrincipalKind::IamUser
            | PrincipalKind::Root
            | PrincipalKind::AssumedRole
            | PrincipalKind::FederatedUser
            | PrincipalKind::IdentityCenterUser,
            _,
        ) => Step::Caller(Box::new(session.caller.clone())),
        // Another account, or a service: the record does not say who in it.
        _ => Step::End,
    }
}

/// What the furthest known principal says of itself.
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

/// Whether the record itself proves that the session is a workload's. A session's name proves nothing.
fn is_proven_workload(at: &Principal) -> bool {
    // Identity Center, too, says for whom it has issued credentials: for a person.
    let issued_to_workload =
        at.in_scope_of.is_some() && at.on_behalf_of.is_none() && !at.is_identity_center_role();
    at.is_instance() || at.is_service_linked() || issued_to_workload
}

/// Services that assume roles of the customer's, and the names that they give those sessions.
const SERVICE_SESSIONS: [(&str, &str); 2] = [
    ("cloudformation.amazonaws.com", "AWSCloudFormation"),
    ("servicecatalog.amazonaws.com", "servicecatalog"),
];

/// Whether a service has given the session its name. Whoever else chooses that name does not call through the service.
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
