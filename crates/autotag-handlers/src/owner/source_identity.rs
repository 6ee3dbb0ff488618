//! The proof of a `sourceIdentity`. It depends on the principal that set it.
//!
//! STS keeps the source identity of the first session through the whole chain of roles. An identity provider or an
//! AWS service sets it from its knowledge of the user. A caller of `AssumeRole` may set any text, if the role
//! allows `sts:SetSourceIdentity`. ([IAM user guide][guide])
//!
//! [guide]: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html

use super::proof::Proof;
use autotag_model::identity::{Principal, PrincipalKind};
use autotag_model::policy::Trust;
use autotag_model::session::{Session, SessionKind};
use autotag_model::subject::read_subject;

/// The proof that the source identity of one session in the chain gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SourceIdentity {
    /// There is none.
    None,
    /// An identity provider, an AWS service or a broker of the policy set it.
    Proven(String, Proof),
    /// The caller of `AssumeRole` had it already, so an earlier session tells who set it.
    Inherited,
    /// The caller of `AssumeRole` set it.
    Claimed(String),
    /// No record tells who set it.
    Unknown(String),
}

/// The proof that the source identity of `at` gives; `session` is its session, if it is known.
pub(super) fn source_identity(at: &Principal, session: Option<&Session>, trust: &Trust) -> SourceIdentity {
    let of_call = at.session.as_ref().and_then(|context| context.source_identity.as_deref());
    let of_session = session.and_then(|session| session.source_identity.as_deref());
    let Some(name) = of_call.or(of_session) else { return SourceIdentity::None };
    let proven = |proof| SourceIdentity::Proven(name.to_owned(), proof);
    if at.is_identity_center_role() && at.issuer_arn().is_some() {
        return proven(Proof::Person);
    }
    let provider = at.session.as_ref().and_then(|context| context.federated_provider.as_deref());
    if let Some(provider) = provider {
        // Many calls name their provider and no subject, which the STS record has.
        let of_call = at.session.as_ref().and_then(|context| context.federated_subject.as_deref());
        let subject = of_call.or_else(|| session?.subject.as_deref());
        return proven(proof_of_provider(subject.unwrap_or_default(), provider, trust));
    }
    let Some(session) = session else { return SourceIdentity::Unknown(name.to_owned()) };
    let caller = &session.caller;
    match session.kind {
        SessionKind::AssumeRoleWithSaml => proven(Proof::Person),
        SessionKind::AssumeRoleWithWebIdentity => {
            let subject = session.subject.as_deref().unwrap_or_default();
            proven(proof_of_provider(subject, session.provider.as_deref().unwrap_or_default(), trust))
        }
        // The common name of a certificate (Roles Anywhere), or a user of the account access manager.
        _ if caller.kind == PrincipalKind::AwsService => proven(Proof::Workload),
        _ if has(caller, name) => SourceIdentity::Inherited,
        _ if is_broker(caller, trust) => proven(Proof::Person),
        // The copy from the role's account does not name the caller.
        _ if matches!(caller.kind, PrincipalKind::AwsAccount | PrincipalKind::None) => {
            SourceIdentity::Unknown(name.to_owned())
        }
        _ => SourceIdentity::Claimed(name.to_owned()),
    }
}

/// Anybody may run an identity provider, so only the known ones and those of the policy prove what they write.
fn proof_of_provider(subject: &str, provider: &str, trust: &Trust) -> Proof {
    if read_subject(subject, Some(provider), trust).known { Proof::Person } else { Proof::NameOnly }
}

fn has(caller: &Principal, name: &str) -> bool {
    let own = caller.session.as_ref().and_then(|context| context.source_identity.as_deref());
    own == Some(name)
}

/// True if the policy lists the caller among those who may set a source identity.
fn is_broker(caller: &Principal, trust: &Trust) -> bool {
    let role = caller.role_arn();
    let names = [caller.arn.as_deref(), role.as_deref()];
    names.into_iter().flatten().any(|name| trust.source_identity.iter().any(|pattern| pattern.matches(name)))
}
