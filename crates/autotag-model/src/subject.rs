//! Subjects of web identities: which stable owner a subject names, and what else it says.
//!
//! A subject is what an OIDC issuer says of a workload or person, for example
//! `repo:example/shop:ref:refs/heads/main`. Parts of it may change from run to run. [`read_subject`] keeps the parts
//! that do not as the owner, and all of them as fields. It reads subjects of known issuers only: any other issuer may
//! say anything.

mod form;
mod issuer;

pub use form::FormName;
pub use issuer::IssuerUrl;

use crate::policy::Trust;
use std::collections::BTreeMap;

/// What a subject says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// The stable owner: one repository and branch, pipeline or service account is one owner in all of its runs.
    pub owner: String,
    /// The parts of the subject by name, for `{subject.*}`.
    pub fields: BTreeMap<String, String>,
    /// The issuer, `host` or `host/path`; as it was logged if it is not a valid one.
    pub issuer: Option<String>,
    /// Whether the issuer is known and the subject has the form of that issuer. Otherwise the owner is the subject as
    /// it is, and proves no more than that this issuer wrote it.
    pub known: bool,
}

/// Reads `subject`. `provider` is the issuer as AWS logs it: the URL or the ARN of the OIDC provider, or the name of a
/// provider without one (`cognito-identity.amazonaws.com`).
pub fn read_subject(subject: &str, provider: Option<&str>, trust: &Trust) -> Subject {
    let issuer = provider.map(|provider| IssuerUrl::of_provider(provider).ok_or(provider));
    let host = issuer.as_ref().and_then(|issuer| issuer.as_ref().ok()).map_or("", IssuerUrl::host);
    let of_policy =
        |form: &str| trust.issuers.iter().any(|(own, of)| own.host() == host && of.as_str() == form);
    let read = match host {
        "token.actions.githubusercontent.com" => github(subject),
        "gitlab.com" => gitlab(subject),
        _ if is_eks(host) || of_policy("kubernetes") => service_account(subject),
        _ if of_policy("gitlab") => gitlab(subject),
        _ if of_policy("github") => github(subject),
        _ => None,
    };
    Subject {
        known: read.is_some(),
        owner: read.unwrap_or_else(|| subject.to_owned()),
        fields: BTreeMap::new(),
        issuer: issuer.map(|issuer| issuer.map_or_else(str::to_owned, |issuer| issuer.to_string())),
    }
}

fn is_eks(host: &str) -> bool {
    let of_aws = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].iter().any(|end| host.ends_with(end));
    of_aws && (host.starts_with("oidc.eks.") || host.starts_with("oidc-eks."))
}

fn github(subject: &str) -> Option<String> {
    let (repository, of) = subject.strip_prefix("repo:")?.split_once(':')?;
    let of = of.strip_prefix("ref:").unwrap_or(of);
    // A branch may be called like another kind of run.
    let plain =
        |branch: &&str| *branch != "pull_request" && !branch.starts_with("refs/") && !branch.contains(':');
    Some(format!("repo:{repository}@{}", of.strip_prefix("refs/heads/").filter(plain).unwrap_or(of)))
}

fn gitlab(subject: &str) -> Option<String> {
    let (project, of) = subject.strip_prefix("project_path:")?.split_once(":ref_type:")?;
    let (kind, name) = of.split_once(":ref:")?;
    Some(match kind {
        "branch" => format!("project:{project}@{name}"),
        kind => format!("project:{project}@{kind}:{name}"),
    })
}

fn service_account(subject: &str) -> Option<String> {
    let (namespace, name) = subject.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    Some(format!("serviceaccount:{namespace}/{name}"))
}

#[cfg(test)]
mod tests;
