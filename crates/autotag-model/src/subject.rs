//! Subjects of web identities: the stable owner that a subject names, and its other parts.
//!
//! A subject is what an OIDC issuer says of a workload or person, for example
//! `repo:example/shop:ref:refs/heads/main`. Parts of it may change from run to run. [`read_subject`] keeps the parts
//! that do not as the owner, and all of them as fields. It reads subjects of known issuers only: any other issuer may
//! say anything. The issuers and forms are data, `subjects.toml`; a policy adds issuers of one's own.

mod claims;
mod class;
mod form;
mod issuer;
mod pattern;
mod table;

pub use form::FormName;
pub use issuer::IssuerUrl;
pub(crate) use table::is_known_issuer;

use crate::policy::Trust;
use pattern::Fields;
use std::collections::BTreeMap;
use table::{Form, TABLE};

/// The parts of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// The stable owner: one repository and branch, pipeline or service account is one owner in all of its runs.
    pub owner: String,
    /// The parts of the subject and of the issuer's URL by name, for `{subject.*}`. `text` is the whole subject,
    /// `issuer` the issuer and `provider` its name in the table or the policy.
    pub fields: BTreeMap<String, String>,
    /// The issuer, `host` or `host/path`; as it was logged if it is not a valid one.
    pub issuer: Option<String>,
    /// True if the issuer is known and the subject has the form of that issuer. Otherwise the owner is the subject as
    /// it is, and proves no more than that this issuer wrote it.
    pub known: bool,
}

/// Reads `subject`. `provider` is the issuer as AWS logs it: the URL or the ARN of the OIDC provider, or the name of a
/// provider without one (`cognito-identity.amazonaws.com`).
///
/// A subject that is not understood is the owner as it is. If another issuer's subject could name the same owner, the
/// issuer is before it: `evil.example: repo:example/shop@main`.
///
/// ```
/// use autotag_model::policy::Trust;
/// use autotag_model::subject::read_subject;
///
/// let github = Some("arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com");
/// let subject = read_subject("repo:example@1/shop@2:ref:refs/heads/main", github, &Trust::default());
/// assert_eq!(subject.owner, "repo:example/shop@main");
/// assert_eq!(subject.fields["repository_id"], "2");
/// ```
pub fn read_subject(subject: &str, provider: Option<&str>, trust: &Trust) -> Subject {
    let url = provider.and_then(IssuerUrl::of_provider);
    let issuer = url.as_ref().map(IssuerUrl::to_string).or_else(|| provider.map(str::to_owned));
    let read = url.and_then(|url| read(subject, &url, trust));
    let known = read.is_some();
    let (owner, mut fields) = read.unwrap_or_else(|| (quoted(subject, issuer.as_deref()), Fields::new()));
    fields.insert("text".to_owned(), subject.to_owned());
    if let Some(issuer) = &issuer {
        fields.insert("issuer".to_owned(), issuer.clone());
    }
    Subject { owner, fields, issuer, known }
}

/// The owner and the fields of a subject of a known issuer.
fn read(subject: &str, url: &IssuerUrl, trust: &Trust) -> Option<(String, Fields)> {
    let Some((issuer, of_url)) = TABLE.issuer(url) else {
        let (_, form) = trust.issuers.iter().find(|(own, _)| own == url)?;
        let form_rows: &Form = TABLE.forms.get(form.as_str())?;
        let (owner, mut fields) = form_rows.read(subject, &Fields::new())?;
        fields.insert("provider".to_owned(), form.to_string());
        return Some((scoped(&owner, &url.to_string())?, fields));
    };
    let (owner, mut fields) = TABLE.forms.get(&issuer.form)?.read(subject, &of_url)?;
    fields.insert("provider".to_owned(), issuer.provider.clone());
    match &issuer.within {
        Some(within) => Some((scoped(&owner, &within.fill(&of_url)?)?, fields)),
        None => Some((owner, fields)),
    }
}

/// The owner whose names are unique in `scope` only: `project:gitlab.example.com//example/shop@main`. Neither a host nor
/// a name contains `//`, so no owner of another scope is equal.
fn scoped(owner: &str, scope: &str) -> Option<String> {
    let (kind, names) = owner.split_once(':')?;
    Some(format!("{kind}:{scope}//{names}"))
}

/// The subject as it is, behind its issuer if a subject of a known issuer could name the same owner.
fn quoted(subject: &str, issuer: Option<&str>) -> String {
    match issuer.filter(|_| TABLE.is_owner(subject)) {
        Some(issuer) => format!("{issuer}: {subject}"),
        None => subject.to_owned(),
    }
}

/// A subject of the table and the owner that it names, for documentation and its tests.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubjectExample {
    /// The form of the subject.
    pub form: &'static str,
    /// The subject.
    pub subject: &'static str,
    /// The owner.
    pub owner: &'static str,
}

/// An example of every text that subjects of known issuers have.
pub fn examples() -> impl Iterator<Item = SubjectExample> {
    TABLE.forms.iter().flat_map(|(form, rows)| {
        rows.subjects.iter().map(move |row| SubjectExample { form, subject: &row.example, owner: &row.gives })
    })
}

#[cfg(test)]
mod tests;
