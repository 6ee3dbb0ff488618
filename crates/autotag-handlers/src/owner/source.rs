//! The rule that named an owner.

use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// The rule that named the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// The role session's name, chosen by the caller who assumed the role.
    RoleSession,
    /// The vendor's account to which access is delegated.
    Delegate,
    /// The role of a workload.
    Workload,
    /// The role, where the record names no session.
    Role,
    /// The owner of the resource that this one belongs to.
    Parent,
    /// The requester that a service names.
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
            Self::Delegate => "delegate",
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

impl Serialize for OwnerSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
