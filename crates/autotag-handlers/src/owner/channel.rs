//! The channel of a call: the console, a service, a vendor, or a tool.

use autotag_model::identity::{Principal, PrincipalKind};
use autotag_model::session::Session;
use serde::{Serialize, Serializer};
use std::fmt;

/// The AWS MCP Server, by which agents call. Its calls belong to the person behind the agent.
const AGENTS: &str = "aws-mcp.amazonaws.com";

/// The service that gives a session for an X.509 certificate.
const ROLES_ANYWHERE: &str = "rolesanywhere.amazonaws.com";

/// Through what the owner made the call. It never changes who the owner is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Channel {
    /// A vendor acted by a temporary delegation (`invokedByDelegate`).
    Delegate,
    /// An agent called (`invokedBy: aws-mcp.amazonaws.com`).
    Agent,
    /// The console (`sessionCredentialFromConsole`, or `invokedBy: signin.amazonaws.com`).
    Console,
    /// Credentials of a sign-in outside of the console, for example `aws login` (`signInSessionArn`).
    SignIn,
    /// IAM Roles Anywhere gave the session for a certificate.
    RolesAnywhere,
    /// The command line of AWS called directly, by the user agent: a claim.
    Cli,
    /// A program with an SDK of AWS called directly, by the user agent: a claim.
    Sdk,
    /// A tool for infrastructure as code called directly, by the user agent: a claim.
    Iac,
    /// This service forwarded the call of the principal (`invokedBy`).
    Service(String),
}

impl Channel {
    /// The channel of a call by `principal` in `session`; `None` if the principal called AWS directly, or is a service.
    pub(super) fn of(principal: &Principal, session: Option<&Session>) -> Option<Self> {
        if principal.delegate_account.is_some() {
            return Some(Self::Delegate);
        }
        if principal.kind == PrincipalKind::AwsService {
            return None;
        }
        let signed_in = principal.session.as_ref().is_some_and(|session| session.sign_in_session.is_some());
        match principal.invoked_by.as_deref() {
            Some(AGENTS) => Some(Self::Agent),
            Some("signin.amazonaws.com") => Some(Self::Console),
            Some(service) => Some(Self::Service(service.to_owned())),
            None if principal.from_console => Some(Self::Console),
            None if signed_in => Some(Self::SignIn),
            None => {
                session.filter(|session| session.is_from_service(ROLES_ANYWHERE)).map(|_| Self::RolesAnywhere)
            }
        }
    }

    /// The name, as tags and programs see it: a word, or the name of the service.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Delegate => "delegate",
            Self::Agent => "agent",
            Self::Console => "console",
            Self::SignIn => "sign-in",
            Self::RolesAnywhere => "roles-anywhere",
            Self::Cli => "cli",
            Self::Sdk => "sdk",
            Self::Iac => "iac",
            Self::Service(service) => service,
        }
    }

    /// True if the caller chose it, by the user agent of the call.
    pub fn is_claimed(&self) -> bool {
        matches!(self, Self::Cli | Self::Sdk | Self::Iac)
    }
}

/// The channel of this name.
impl From<&str> for Channel {
    fn from(name: &str) -> Self {
        let known = [
            Self::Delegate,
            Self::Agent,
            Self::Console,
            Self::SignIn,
            Self::RolesAnywhere,
            Self::Cli,
            Self::Sdk,
            Self::Iac,
        ];
        known
            .into_iter()
            .find(|known| known.as_str() == name)
            .unwrap_or_else(|| Self::Service(name.to_owned()))
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Channel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
