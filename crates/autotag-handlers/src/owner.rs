//! Finds the owner: the person or workload behind a principal, with the evidence.
//!
//! The first rule that holds names the owner. First come a vendor with delegated access, a source identity that an
//! identity provider set, and the person of Identity Center. Then come the origin of the role chain, the subject of SAML
//! or of a web identity, and the IAM or root user. Last come the name of the role session or the role of a workload, and
//! the AWS service that called.
//!
//! A name that a caller chooses is a claim and proves nothing: see [`Proof`]. If a service calls for somebody
//! (`CloudFormation`, Service Catalog), the record names them as the principal. Otherwise the [planner](crate::plan)
//! asks for the requester behind the service, or for the resource that the new one belongs to.

mod candidates;
mod chain;
mod channel;
mod evidence;
mod name;
mod proof;
mod source;
mod source_identity;
mod tool;

pub use channel::Channel;
pub use evidence::{
    ChainLink, MAX_HOPS, MAX_SESSION_DELAY, MissingEvidence, PendingEvidence, SessionCertainty,
};
pub use proof::Proof;
pub use source::OwnerSource;
pub use tool::known_tool;

use crate::backend::BackendReader;
use crate::error::BackendError;
use autotag_model::identity::{OnBehalfOf, Principal, PrincipalKind};
use autotag_model::policy::Trust;
use autotag_model::session::{ACCOUNT_ACCESS, Session, SessionKind};
use chain::ChainTrace;
use jiff::Timestamp;
use name::{NamedOwner, federated_name, name_of, workload};
use serde::Serialize;
use session_store::{SessionReader, SessionStoreError};
use source_identity::{SourceIdentity, source_identity};
use std::borrow::Cow;
use std::collections::BTreeMap;
use tool::Tool;

/// The owner of a resource, and the evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Owner {
    /// The owner's name; `None` when nothing in the record names anybody.
    pub name: Option<String>,
    /// The rule that named the owner.
    pub source: Option<OwnerSource>,
    /// The instance, function or task behind a workload's session.
    pub workload: Option<String>,
    /// The sessions from the call to its origin, the session of the call first.
    pub chain: Vec<ChainLink>,
    /// The session of the call, if it is known. Its session tags count. It is not serialized.
    #[serde(skip)]
    pub session: Option<Session>,
    /// True if that session was found by its time of issue alone, so that it may turn out to be another one while
    /// [`pending`](Self::pending) evidence may arrive. It is not serialized.
    #[serde(skip)]
    pub session_is_provisional: bool,
    /// The first piece of evidence that is missing and may still arrive.
    pub pending: Option<PendingEvidence>,
    /// How sure the owner is.
    pub proof: Option<Proof>,
    /// The name that a caller claimed and that nothing proves: a source identity that the caller of `AssumeRole` set, or the
    /// name of a `GetFederationToken` session. `None` if it is the owner's name.
    pub claimed: Option<String>,
    /// Through what the call was made.
    pub channel: Option<Channel>,
    /// The account of the principal at the origin of the chain, as the record writes it.
    pub account: Option<String>,
    /// The parts of a web identity's subject or of a pod's service account, by name: `{subject.*}` of a policy.
    pub subject: BTreeMap<String, String>,
    /// The ARN of the principal whose name the owner has: a user, a role, a function, or a session with that name. `None` if
    /// it is the name of no principal, for example the subject of an identity provider or a tag of a parent.
    pub arn: Option<String>,
    /// The one person that the owner is in all accounts: by the policy's `[people]`, whose name the owner then has, or a user
    /// of Identity Center.
    pub person: Option<String>,
    /// The program that the caller claims to be, by the user agent: `terraform`. Nothing proves it.
    pub tool: Option<&'static str>,
}

impl Owner {
    /// True if an AWS service called, and neither a person nor a workload of the customer. Then the owner of the
    /// resource to which this one belongs counts.
    pub fn is_service(&self) -> bool {
        matches!(self.source, Some(OwnerSource::Service) | None)
    }

    /// The same chain with the owner of the parent resource.
    #[must_use]
    pub fn inherited(self, name: &str) -> Self {
        // A tag says nothing about the account in which its name is known.
        let named = self.named(NamedOwner::new(name, OwnerSource::Parent, Proof::Service));
        Self { account: None, person: None, ..named }
    }

    /// The same owner while the parent has no owner yet.
    #[must_use]
    pub fn with_pending_parent(self, parent: &str, since: Option<Timestamp>) -> Self {
        let missing = MissingEvidence::ParentOwner;
        Self { pending: Some(PendingEvidence { of: parent.to_owned(), since, missing }), ..self }
    }

    /// The same chain with the principal of this ARN, as the requester behind the service.
    #[must_use]
    pub fn requested_by(self, arn: &str, trust: &Trust) -> Self {
        let requester = Principal::from_value(&serde_json::json!({"arn": arn}));
        let Some(named) = name_of(&requester, None, trust) else { return self };
        let person = named.person(&trust.people);
        let named = NamedOwner { source: OwnerSource::Requester, proof: Proof::Service, ..named };
        let account = requester.account_id().map(|account| account.to_string());
        Self { account, person: None, ..self.named(named) }.of_person(person)
    }

    /// The same owner with the program that the user agent names, if `principal` made the call. The caller chooses the user
    /// agent, so the channel follows it only where the record itself tells none.
    #[must_use]
    pub fn with_user_agent(self, principal: &Principal, user_agent: Option<&str>) -> Self {
        let is_service = principal.kind == PrincipalKind::AwsService || principal.is_service_linked();
        let Some(tool) = user_agent.filter(|_| !is_service).and_then(Tool::of) else { return self };
        Self { channel: self.channel.or(Some(tool.channel())), tool: Some(tool.name), ..self }
    }

    /// The owner that the principal at the end of the chain names.
    fn at_origin(
        self,
        at: &Principal,
        named: Option<NamedOwner>,
        is_chain: bool,
        claims: Claims,
        trust: &Trust,
    ) -> Self {
        let owner = Self { account: at.account_id().map(|account| account.to_string()), ..self };
        let Some(named) = named else { return Self { claimed: claims.other_than([None, None]), ..owner } };
        let person = named.person(&trust.people);
        let is_workload = named.source == OwnerSource::Workload;
        let source = if is_chain && named.is_origin() { OwnerSource::RoleChain } else { named.source };
        let owner = Self {
            workload: is_workload.then(|| workload(at)).flatten(),
            claimed: claims.other_than([person.as_deref(), Some(&named.name)]),
            ..owner
        };
        owner.named(NamedOwner { source, ..named }).of_person(person)
    }

    fn named(self, named: NamedOwner) -> Self {
        let NamedOwner { name, source, proof, fields, arn } = named;
        Self { name: Some(name), source: Some(source), proof: Some(proof), subject: fields, arn, ..self }
    }

    /// The same owner under the name of the person, if they are one.
    fn of_person(self, person: Option<String>) -> Self {
        match person {
            Some(person) => Self { name: Some(person.clone()), person: Some(person), ..self },
            None => self,
        }
    }
}

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
/// only for the names of Identity Center users. `trust` is what the policy believes beyond what AWS proves.
///
/// # Errors
/// [`OwnerError`] if one of the two does not answer.
pub async fn resolve(
    principal: &Principal,
    trust: &Trust,
    sessions: &dyn SessionReader,
    backend: &dyn BackendReader,
) -> Result<Owner, OwnerError> {
    let mut trace = ChainTrace::default();
    let mut claims = Claims::default();
    let mut at = Cow::Borrowed(principal);
    let mut own_session = None;
    let mut depth = 0;
    let named = loop {
        let found = trace.find(&at, sessions).await?;
        let of_caller;
        let session = if depth == 0 {
            own_session = found;
            own_session.as_ref()
        } else {
            of_caller = found;
            of_caller.as_ref()
        };
        match step(&at, session, trust, &mut claims) {
            ChainStep::Named(named) => break Some(named),
            ChainStep::Person(person) => break Some(person.named(trust, backend).await?),
            ChainStep::Caller(caller) if depth < MAX_HOPS => {
                at = Cow::Owned(*caller);
                depth += 1;
            }
            ChainStep::Issuer(issuer) => {
                trace.names_issuer(&issuer);
                at = Cow::Owned(*issuer);
                depth += 1;
            }
            ChainStep::Caller(_) => {
                trace.too_long();
                // The caller who makes a chain this long chooses the name of the session at which it is cut.
                claims.claimed = claims.claimed.take().or_else(|| at.session_name().map(str::to_owned));
                break unfollowed_role(&at);
            }
            ChainStep::End => break claims.or_unknown(name_of(&at, session, trust)),
        }
    };
    let owner = Owner {
        chain: trace.links,
        pending: trace.pending,
        channel: Channel::of(principal, own_session.as_ref()),
        session: own_session,
        session_is_provisional: trace.is_provisional,
        ..Owner::default()
    };
    Ok(owner.at_origin(&at, named, depth > 0, claims, trust))
}

/// The role at which a chain is cut because of its length.
fn unfollowed_role(at: &Principal) -> Option<NamedOwner> {
    let named = NamedOwner::new(at.role_name()?, OwnerSource::Role, Proof::NameOnly);
    Some(named.with_arn(at.role_arn()))
}

/// Names that callers chose, as the chain is followed.
#[derive(Debug, Default)]
struct Claims {
    /// A name that a caller set, while the one who asked is known.
    claimed: Option<String>,
    /// A source identity of which no record tells who set it.
    unknown: Option<String>,
}

impl Claims {
    /// The owner at the end of the chain. If only a name that a caller chose is left, the source identity counts
    /// more: STS lets callers set it only with a permission.
    fn or_unknown(&mut self, named: Option<NamedOwner>) -> Option<NamedOwner> {
        match (self.unknown.take(), named) {
            (Some(name), None | Some(NamedOwner { proof: Proof::NameOnly, .. })) => {
                Some(NamedOwner::new(&name, OwnerSource::SourceIdentity, Proof::NameOnly))
            }
            (unknown, named) => {
                self.claimed = self.claimed.take().or(unknown);
                named
            }
        }
    }

    /// The claim, unless the owner has one of these names.
    fn other_than(self, names: [Option<&str>; 2]) -> Option<String> {
        self.claimed.or(self.unknown).filter(|claimed| !names.contains(&Some(claimed)))
    }
}

impl NamedOwner {
    /// True if the name is that of an origin of the chain. A name that a caller chose leaves the origin unknown, so its own
    /// source is reported; a source identity is reported as such.
    fn is_origin(&self) -> bool {
        !matches!(
            self.source,
            OwnerSource::RoleSession
                | OwnerSource::Role
                | OwnerSource::FederatedUser
                | OwnerSource::Account
                | OwnerSource::SourceIdentity
        )
    }
}

enum ChainStep {
    Named(NamedOwner),
    /// An Identity Center user, whose name is asked for.
    Person(IdentityCenterUser),
    /// This principal asked for the session; the chain goes on with them.
    Caller(Box<Principal>),
    /// As [`Caller`](Self::Caller), named by the call itself: no STS record is needed.
    Issuer(Box<Principal>),
    End,
}

/// An Identity Center user by id.
struct IdentityCenterUser {
    user: OnBehalfOf,
    /// A session tag with the user's mail address, that Identity Center set.
    mail: Option<String>,
}

impl IdentityCenterUser {
    /// The user by the name that the identity store has. Users of a store that the policy does not list keep their
    /// id, and that store is not asked: it may be an account's own, which names its users freely.
    async fn named(self, trust: &Trust, backend: &dyn BackendReader) -> Result<NamedOwner, BackendError> {
        let named = |name: &str, proof| NamedOwner::new(name, OwnerSource::IdentityCenter, proof);
        let id = self.user.user_id.clone();
        if !is_listed(self.user.identity_store_arn.as_deref(), &trust.identity_stores) {
            return Ok(named(&id, Proof::NameOnly));
        }
        let name = backend.user_name(&self.user).await?;
        // AWS makes the ids, so an id belongs to one user. Only names can be chosen.
        Ok(named(&name.or(self.mail).unwrap_or(id), Proof::Person))
    }
}

/// True if the policy lists this identity store, or no store at all.
fn is_listed(store: Option<&str>, stores: &[String]) -> bool {
    let id = |store: &str| store.rsplit('/').next().unwrap_or(store).to_owned();
    store.is_none_or(|store| {
        stores.is_empty() || stores.iter().any(|listed| listed == store || *listed == id(store))
    })
}

fn step(at: &Principal, session: Option<&Session>, trust: &Trust, claims: &mut Claims) -> ChainStep {
    if let Some(vendor) = &at.delegate_account {
        return ChainStep::Named(NamedOwner::new(vendor, OwnerSource::Delegate, Proof::Workload));
    }
    match source_identity(at, session, trust) {
        SourceIdentity::Proven(name, proof) => {
            return ChainStep::Named(NamedOwner::new(&name, OwnerSource::SourceIdentity, proof));
        }
        SourceIdentity::Claimed(name) => claims.claimed = Some(name),
        SourceIdentity::Unknown(name) => claims.unknown = Some(name),
        SourceIdentity::None | SourceIdentity::Inherited => {}
    }
    if at.is_identity_center_role()
        && let Some(name) = at.session_name()
    {
        // A record without the ARN of the role shows a name only, and anybody may choose one that begins so.
        let proof = if at.issuer_arn().is_some() { Proof::Person } else { Proof::NameOnly };
        let named = NamedOwner::new(name, OwnerSource::IdentityCenter, proof);
        return ChainStep::Named(named.with_arn(at.arn.clone()));
    }
    let entered = session.filter(|session| session.is_from_service(ACCOUNT_ACCESS));
    if let Some(user) = &at.on_behalf_of {
        // Some calls of such a session do not name the person behind them. The owner is the same.
        return ChainStep::Person(IdentityCenterUser {
            user: user.clone(),
            mail: entered.and_then(mail_tag),
        });
    }
    if let Some(name) = federated_name(at) {
        claims.claimed.get_or_insert_with(|| name.to_owned());
    }
    let Some(session) = session else {
        return at.federation_issuer().map_or(ChainStep::End, |issuer| ChainStep::Issuer(Box::new(issuer)));
    };
    of_session(at, session, trust)
}

/// The one who asked for a known session.
fn of_session(at: &Principal, session: &Session, trust: &Trust) -> ChainStep {
    if session.is_from_service(ACCOUNT_ACCESS)
        && let Some(id) = at.session_name()
    {
        let user = OnBehalfOf::new(id);
        return ChainStep::Person(IdentityCenterUser { user, mail: mail_tag(session) });
    }
    match (session.kind, &session.caller.kind, &session.subject) {
        (SessionKind::AssumeRoleWithSaml, _, Some(subject)) => {
            ChainStep::Named(NamedOwner::new(subject, OwnerSource::Saml, Proof::Person))
        }
        (SessionKind::AssumeRoleWithWebIdentity, _, Some(subject)) => {
            ChainStep::Named(NamedOwner::subject(subject, session.provider.as_deref(), trust))
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

/// The mail address among the tags that Identity Center passes with a session of the account access manager.
fn mail_tag(session: &Session) -> Option<String> {
    let is_mail = |key: &str| ["email", "mail", "emailaddress"].contains(&key.to_ascii_lowercase().as_str());
    let (_, value) = session.tags.iter().find(|(key, value)| is_mail(key) && value.contains('@'))?;
    Some(value.clone())
}

#[cfg(test)]
mod tests;
