//! The kinds of principals that CloudTrail knows.

use serde::{Deserialize, Serialize};

/// The kind of a principal (`userIdentity.type`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PrincipalKind {
    /// The record has no identity, or one whose kind neither its type nor its ARN tells.
    #[default]
    None,
    /// The account's root user.
    Root,
    /// An IAM user.
    IamUser,
    /// A role session.
    AssumedRole,
    /// A role itself.
    Role,
    /// A session of `GetFederationToken`.
    FederatedUser,
    /// A SAML subject that called STS.
    SamlUser,
    /// A web identity that called STS.
    WebIdentityUser,
    /// Another account, without further detail.
    AwsAccount,
    /// An AWS service acting for itself.
    AwsService,
    /// An Identity Center user without a role.
    IdentityCenterUser,
    /// A directory service user.
    Directory,
    /// An unknown type, as written.
    Other(String),
}

impl PrincipalKind {
    /// The kind that CloudTrail writes as `name`.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "" => Self::None,
            "Root" => Self::Root,
            "IAMUser" | "User" => Self::IamUser,
            "AssumedRole" => Self::AssumedRole,
            "Role" => Self::Role,
            "FederatedUser" => Self::FederatedUser,
            "SAMLUser" => Self::SamlUser,
            "WebIdentityUser" => Self::WebIdentityUser,
            "AWSAccount" => Self::AwsAccount,
            "AWSService" => Self::AwsService,
            "IdentityCenterUser" => Self::IdentityCenterUser,
            "Directory" => Self::Directory,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The type as CloudTrail writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::None => "none",
            Self::Root => "Root",
            Self::IamUser => "IAMUser",
            Self::AssumedRole => "AssumedRole",
            Self::Role => "Role",
            Self::FederatedUser => "FederatedUser",
            Self::SamlUser => "SAMLUser",
            Self::WebIdentityUser => "WebIdentityUser",
            Self::AwsAccount => "AWSAccount",
            Self::AwsService => "AWSService",
            Self::IdentityCenterUser => "IdentityCenterUser",
            Self::Directory => "Directory",
            Self::Other(name) => name,
        }
    }
}
