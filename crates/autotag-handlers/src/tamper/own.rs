//! Recognizes autotag's own roles.

use autotag_model::arn::{AccountId, Arn};
use autotag_model::identity::Principal;
use std::collections::BTreeSet;

/// The roles with which autotag writes tags. Calls of their sessions are autotag's own.
///
/// A role is known by its account and name, which AWS writes into a record. Session names and user agents do not count: callers
/// choose them. No path counts either, because the name of a role is unique in its account.
///
/// ```
/// use autotag_handlers::tamper::OwnRoles;
/// use autotag_model::identity::Principal;
///
/// let own = OwnRoles::new(["arn:aws:iam::111122223333:role/autotag/autotag-tag-handler"])?.with_member_role("autotag-member");
/// let call = |arn: &str| Principal::from_value(&serde_json::json!({"type": "AssumedRole", "arn": arn}));
/// let member = call("arn:aws:sts::444455556666:assumed-role/autotag-member/x");
/// assert!(own.is_own(&member, Some("444455556666")));
/// assert!(!own.is_own(&call("arn:aws:sts::444455556666:assumed-role/Dev/autotag-member"), Some("444455556666")));
/// # Ok::<(), autotag_handlers::tamper::NotARole>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnRoles {
    roles: BTreeSet<(AccountId, String)>,
    members: BTreeSet<String>,
}

/// A text that is not the ARN of a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the ARN of a role: expected arn:aws:iam::111122223333:role/autotag-tag-handler")]
pub struct NotARole {
    /// The text.
    pub text: String,
}

impl OwnRoles {
    /// The roles of these ARNs.
    ///
    /// # Errors
    /// [`NotARole`] if one is not the ARN of a role.
    pub fn new<'a>(arns: impl IntoIterator<Item = &'a str>) -> Result<Self, NotARole> {
        let roles =
            arns.into_iter().map(|text| role_of(text).ok_or_else(|| NotARole { text: text.to_owned() }));
        Ok(Self { roles: roles.collect::<Result<_, _>>()?, members: BTreeSet::new() })
    }

    /// The same with the role of this name that autotag assumes in every account. It counts only for calls in its own
    /// account.
    #[must_use]
    pub fn with_member_role(mut self, name: &str) -> Self {
        // A path may come before the name.
        self.members.extend(name.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned));
        self
    }

    /// True if the principal of a call in `account` is a session of one of these roles.
    pub fn is_own(&self, principal: &Principal, account: Option<&str>) -> bool {
        let Some((of_role, name)) = principal.role_arn().as_deref().and_then(role_of) else { return false };
        let is_member =
            self.members.contains(&name) && account.is_none_or(|account| account == of_role.as_str());
        is_member || self.roles.contains(&(of_role, name))
    }
}

/// The account and name of a role.
fn role_of(text: &str) -> Option<(AccountId, String)> {
    let arn: Arn = text.parse().ok()?;
    let role = arn.resource().strip_prefix("role/").filter(|_| arn.service() == "iam")?;
    let name = role.rsplit('/').next().filter(|name| !name.is_empty())?;
    Some((arn.account()?, name.to_owned()))
}
