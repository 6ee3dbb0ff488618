//! `[trust]`: principals and issuers that the policy trusts as evidence about owners.

use super::pattern::Pattern;
use super::people::People;
use crate::arn::Arn;
use crate::subject::{FormName, IssuerUrl, is_known_issuer};
use crate::tags::{TagConstraints, TagKey};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use std::fmt;

/// The principals and issuers that the policy trusts, beyond the proof of AWS itself.
///
/// ```
/// use autotag_model::policy::{Policy, WorkloadName};
///
/// let policy = Policy::from_toml(
///     "[trust]\nactor_tag = \"Actor\"\nworkload_name = \"source\"\n\
///      [trust.issuers]\n\"gitlab.example.com\" = \"gitlab\"\n",
/// )?;
/// assert_eq!(policy.trust.actor_tag.as_deref(), Some("Actor"));
/// assert_eq!(policy.trust.workload_name, WorkloadName::Source);
/// # Ok::<(), autotag_model::policy::PolicyError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Trust {
    /// The principals that may set a source identity by `AssumeRole`: principal ARNs and role ARNs. None by
    /// default: then a source identity counts only if an identity provider set it.
    pub source_identity: Vec<Pattern>,
    /// The identity stores whose users are believed: ids (`d-1234567890`) or ARNs. Empty if the policy names none.
    pub identity_stores: Vec<String>,
    /// The OIDC issuers of one's own and the form that their subjects follow.
    pub issuers: Vec<(IssuerUrl, FormName)>,
    /// The key of the session tag in which a pipeline passes on the person who started it.
    pub actor_tag: Option<String>,
    /// The name of a workload as owner.
    pub workload_name: WorkloadName,
    /// The ARNs and names of each person: the table `[people]`.
    pub people: People,
}

/// The stable name of a workload that is its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum WorkloadName {
    /// The name of its role.
    #[default]
    Role,
    /// The name of the Lambda function that holds the role. Other workloads keep the name of their role: records name the
    /// instance or task, which is one run, and neither task family nor instance profile.
    Source,
}

/// `[trust]` as the policy file has it.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TrustFile {
    source_identity: Vec<Principal>,
    identity_stores: Vec<Store>,
    issuers: OwnIssuers,
    actor_tag: Option<ActorTag>,
    workload_name: WorkloadName,
}

struct Principal(Pattern);

#[derive(Default)]
struct OwnIssuers(Vec<(IssuerUrl, FormName)>);

struct Store(String);

struct ActorTag(String);

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !text.starts_with("arn:") {
            return Err(D::Error::custom(format!(
                "`{text}` is not a pattern for the ARN of a role or user: expected `arn:aws:iam::111122223333:role/Broker`"
            )));
        }
        Ok(Self(Pattern::new(&text)))
    }
}

impl<'de> Deserialize<'de> for OwnIssuers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = OwnIssuers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of issuers with forms, for example `\"gitlab.example.com\" = \"gitlab\"`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut issuers: Vec<(IssuerUrl, FormName)> = Vec::new();
                while let Some((issuer, form)) = map.next_entry::<IssuerUrl, FormName>()? {
                    if is_known_issuer(&issuer) {
                        return Err(A::Error::custom(format!(
                            "`{issuer}` is a known issuer; its form is fixed"
                        )));
                    }
                    if issuers.iter().any(|(known, _)| *known == issuer) {
                        return Err(A::Error::custom(format!("the issuer `{issuer}` is listed twice")));
                    }
                    issuers.push((issuer, form));
                }
                Ok(OwnIssuers(issuers))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

impl<'de> Deserialize<'de> for Store {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let arn = text
            .parse::<Arn>()
            .ok()
            .filter(|arn| arn.service() == "identitystore" && arn.account().is_some());
        let id = match &arn {
            Some(arn) => arn.resource().strip_prefix("identitystore/").unwrap_or_default(),
            None => text.as_str(),
        };
        if !is_store_id(id) {
            return Err(D::Error::custom(format!(
                "`{text}` is not an identity store: expected its id, `d-1234567890`, or its ARN"
            )));
        }
        Ok(Self(text))
    }
}

/// True if `id` is `d-` with ten hexadecimal digits, or a UUID, as the [API of identity stores][id] has it.
///
/// [id]: https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_DescribeUser.html
fn is_store_id(id: &str) -> bool {
    let hex = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
    let uuid: Vec<&str> = id.split('-').collect();
    id.strip_prefix("d-").is_some_and(|digits| hex(digits, 10))
        || (uuid.len() == 5 && uuid.iter().zip([8, 4, 4, 4, 12]).all(|(part, len)| hex(part, len)))
}

impl<'de> Deserialize<'de> for ActorTag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match TagKey::sanitize(&text, &TagConstraints::default()) {
            Ok((_, None)) => Ok(Self(text)),
            Ok((_, Some(adjusted))) => {
                Err(D::Error::custom(format!("`{text}` is not a valid tag key: {adjusted} would be needed")))
            }
            Err(error) => Err(D::Error::custom(format!("`{text}`: {error}"))),
        }
    }
}

impl From<TrustFile> for Trust {
    fn from(file: TrustFile) -> Self {
        Self {
            source_identity: file.source_identity.into_iter().map(|principal| principal.0).collect(),
            identity_stores: file.identity_stores.into_iter().map(|store| store.0).collect(),
            issuers: file.issuers.0,
            actor_tag: file.actor_tag.map(|tag| tag.0),
            workload_name: file.workload_name,
            people: People::default(),
        }
    }
}

#[cfg(test)]
mod tests;
