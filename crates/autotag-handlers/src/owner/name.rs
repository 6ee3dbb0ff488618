//! The name of an owner, from one principal or its session.

use super::proof::Proof;
use super::source::OwnerSource;
use autotag_model::arn::Arn;
use autotag_model::identity::{Principal, PrincipalKind};
use autotag_model::policy::{People, Trust, WorkloadName};
use autotag_model::session::Session;
use autotag_model::subject::read_subject;
use std::collections::BTreeMap;

/// A name, which rule found it, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedOwner {
    pub(super) name: String,
    pub(super) source: OwnerSource,
    pub(super) proof: Proof,
    /// The parts of a subject.
    pub(super) fields: BTreeMap<String, String>,
    /// The ARN of the principal whose name it is.
    pub(super) arn: Option<String>,
}

impl NamedOwner {
    pub(super) fn new(name: &str, source: OwnerSource, proof: Proof) -> Self {
        Self { name: name.to_owned(), source, proof, fields: BTreeMap::new(), arn: None }
    }

    pub(super) fn with_arn(self, arn: Option<String>) -> Self {
        Self { arn, ..self }
    }

    /// The person of the policy whose alias the owner is, otherwise the user of Identity Center, whose name is the same in
    /// all accounts. An alias counts for an owner that is proven: by ARN, or by a name that an identity provider gave.
    pub(super) fn person(&self, people: &People) -> Option<String> {
        if !self.proof.is_proven() {
            return None;
        }
        let given = matches!(
            self.source,
            OwnerSource::IdentityCenter
                | OwnerSource::Saml
                | OwnerSource::WebIdentity
                | OwnerSource::SourceIdentity
        );
        let by_arn = self.arn.as_deref().and_then(|arn| people.of_arn(arn));
        let listed = by_arn.or_else(|| people.of_subject(&self.name).filter(|_| given));
        let in_all_accounts = self.source == OwnerSource::IdentityCenter;
        listed.or(Some(self.name.as_str()).filter(|_| in_all_accounts)).map(str::to_owned)
    }

    /// The owner that the subject of a web identity names.
    pub(super) fn subject(subject: &str, provider: Option<&str>, trust: &Trust) -> Self {
        let read = read_subject(subject, provider, trust);
        let proof = if read.known { Proof::Workload } else { Proof::NameOnly };
        Self { name: read.owner, source: OwnerSource::WebIdentity, proof, fields: read.fields, arn: None }
    }
}

/// The name in the furthest known principal itself.
pub(super) fn name_of(at: &Principal, session: Option<&Session>, trust: &Trust) -> Option<NamedOwner> {
    let named = |name: Option<&str>, source, proof| name.map(|name| NamedOwner::new(name, source, proof));
    let service = || named(at.invoking_service(), OwnerSource::Service, Proof::Service);
    let account = |name| named(name, OwnerSource::Account, Proof::NameOnly).filter(|_| !is_anonymous(at));
    let with_arn = |named: Option<NamedOwner>| named.map(|named| named.with_arn(at.arn.clone()));
    match &at.kind {
        PrincipalKind::IamUser => {
            let name = at.user_name.as_deref().or_else(|| at.arn.as_deref()?.rsplit(['/', ':']).next());
            with_arn(named(name.or(at.principal_id.as_deref()), OwnerSource::IamUser, Proof::Person))
        }
        PrincipalKind::Root => with_arn(named(Some("root"), OwnerSource::Root, Proof::Person)),
        PrincipalKind::AssumedRole | PrincipalKind::Role => of_role(at, session, trust),
        PrincipalKind::SamlUser => named(at.user_name.as_deref(), OwnerSource::Saml, Proof::Person),
        PrincipalKind::WebIdentityUser => {
            let subject = at.user_name.as_deref()?;
            Some(NamedOwner::subject(subject, at.identity_provider.as_deref(), trust))
        }
        PrincipalKind::AwsService => service(),
        PrincipalKind::AwsAccount => {
            service().or_else(|| account(at.principal_id.as_deref().or(at.account.as_deref())))
        }
        PrincipalKind::FederatedUser => {
            let name = federated_name(at).or(at.user_name.as_deref());
            with_arn(named(name, OwnerSource::FederatedUser, Proof::NameOnly))
        }
        _ => named(at.user_name.as_deref(), OwnerSource::FederatedUser, Proof::NameOnly)
            .or_else(service)
            .or_else(|| account(at.account.as_deref())),
    }
}

/// The name that the caller of `GetFederationToken` chose.
pub(super) fn federated_name(at: &Principal) -> Option<&str> {
    let id = at.principal_id.as_deref().filter(|_| at.kind == PrincipalKind::FederatedUser)?;
    id.split_once(':').map(|(_, name)| name)
}

/// True if the call had no credentials: anybody may write to a public bucket.
fn is_anonymous(at: &Principal) -> bool {
    let names = [at.principal_id.as_deref(), at.account.as_deref()];
    names.into_iter().flatten().any(|name| name.eq_ignore_ascii_case("anonymous_principal"))
}

/// True if the record itself proves that the session belongs to a workload. The name of a session proves nothing.
pub(super) fn is_proven_workload(at: &Principal) -> bool {
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

/// True if a service gave the session its name. Another caller can choose the same name, but does not call through the
/// service.
fn is_service_session(at: &Principal) -> bool {
    let names = at.invoking_service().zip(at.session_name());
    names.is_some_and(|names| SERVICE_SESSIONS.contains(&names))
}

fn of_role(at: &Principal, session: Option<&Session>, trust: &Trust) -> Option<NamedOwner> {
    let context = at.session.as_ref();
    if let Some(subject) = context.and_then(|context| context.federated_subject.as_deref()) {
        let provider = context.and_then(|context| context.federated_provider.as_deref());
        return Some(NamedOwner::subject(subject, provider, trust));
    }
    if let Some(account) = session.and_then(service_account) {
        return Some(account);
    }
    let by_service = session.is_some_and(|session| session.caller.kind == PrincipalKind::AwsService);
    let role = |source| {
        let named = NamedOwner::new(at.role_name()?, source, Proof::Workload);
        Some(named.with_arn(at.role_arn()))
    };
    if by_service || is_proven_workload(at) || is_service_session(at) {
        let source_name = match trust.workload_name {
            WorkloadName::Source => at.in_scope_of.as_ref().and_then(|scope| scope.issued_to.as_deref()),
            _ => None,
        };
        let by_source = source_name.and_then(stable_name);
        let function = |(name, arn): (String, String)| {
            NamedOwner::new(&name, OwnerSource::Workload, Proof::Workload).with_arn(Some(arn))
        };
        // A caller can choose the name of such a session, and have the service make the call.
        let proof = if by_service || is_proven_workload(at) { Proof::Workload } else { Proof::NameOnly };
        return by_source
            .map(function)
            .or_else(|| role(OwnerSource::Workload))
            .map(|named| NamedOwner { proof, ..named });
    }
    let session_name = at.session_name().map(|name| {
        NamedOwner::new(name, OwnerSource::RoleSession, Proof::NameOnly).with_arn(at.arn.clone())
    });
    session_name.or_else(|| role(OwnerSource::Role))
}

/// The service that gives the pods of EKS their sessions, with the pod's service account in the session's tags.
const POD_IDENTITY: &str = "pods.eks.amazonaws.com";

/// The tags of a session of EKS Pod Identity, and the fields of the subject that they become.
const POD_TAGS: [(&str, &str); 3] = [
    ("eks-cluster-name", "cluster"),
    ("kubernetes-namespace", "namespace"),
    ("kubernetes-service-account", "service_account"),
];

/// The service account of a session of EKS Pod Identity: the same owner as the same account has by its OIDC subject.
fn service_account(session: &Session) -> Option<NamedOwner> {
    if !session.is_from_service(POD_IDENTITY) {
        return None;
    }
    let tag =
        |key: &str| session.tags.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
    let (namespace, account) = (tag("kubernetes-namespace")?, tag("kubernetes-service-account")?);
    let fields = POD_TAGS.iter().filter_map(|(key, field)| Some(((*field).to_owned(), tag(key)?.to_owned())));
    Some(NamedOwner {
        fields: fields.collect(),
        ..NamedOwner::new(
            &format!("serviceaccount:{namespace}/{account}"),
            OwnerSource::Workload,
            Proof::Workload,
        )
    })
}

/// The instance, function or task that holds the credentials.
pub(super) fn workload(at: &Principal) -> Option<String> {
    let issued_to = at.in_scope_of.as_ref().and_then(|scope| scope.issued_to.clone());
    issued_to.or_else(|| at.session_name().map(str::to_owned))
}

/// The name and ARN of a workload that stay the same from run to run, by its ARN: `function:checkout`. `None` for ARNs of
/// one run, such as a task or an instance: their role is the stable name.
fn stable_name(text: &str) -> Option<(String, String)> {
    let arn: Arn = text.parse().ok()?;
    match (arn.service(), arn.resource().split_once([':', '/'])) {
        ("lambda", Some(("function", qualified))) => {
            let name = qualified.split(':').next().filter(|name| !name.is_empty())?;
            // Without the version or alias, which are of one run.
            let unqualified = text.strip_suffix(qualified)?;
            Some((format!("function:{name}"), format!("{unqualified}{name}")))
        }
        _ => None,
    }
}
