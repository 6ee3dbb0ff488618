//! The proof of an owner: person, workload, service, or only a name.

use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// How sure the owner is: what the evidence proves.
///
/// ```
/// use autotag_handlers::owner::Proof;
///
/// assert_eq!(Proof::NameOnly.to_string(), "name-only");
/// assert!(Proof::Person.is_proven() && !Proof::NameOnly.is_proven());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Proof {
    /// AWS or an identity provider vouches for a person: an IAM user, the root user, an Identity Center or SAML user.
    Person,
    /// AWS or a known identity provider vouches for a workload: a role that a service assumed, a pipeline, a service
    /// account.
    Workload,
    /// An AWS service called, and it names the owner of the parent resource, or a requester. Otherwise the owner is
    /// the service itself.
    Service,
    /// The owner is a name that the caller chose, or that an unknown identity provider wrote. Nothing proves it.
    NameOnly,
}

impl Proof {
    /// The name, as tags and programs see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Workload => "workload",
            Self::Service => "service",
            Self::NameOnly => "name-only",
        }
    }

    /// True if the evidence proves the owner.
    pub fn is_proven(self) -> bool {
        self != Self::NameOnly
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Proof {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
