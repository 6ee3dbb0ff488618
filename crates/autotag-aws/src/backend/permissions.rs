//! Permissions of the backend besides the actions of the catalogue's rules ([`Rule::iam_actions`],
//! [`Rule::read_actions`]): one line for each call that does not depend on the rules. Policies are generated from
//! this list. A call that is missing here is `Refused` in a deployment, and a test compares the list with the code.
//!
//! [`Rule::iam_actions`]: autotag_model::rule::Rule::iam_actions
//! [`Rule::read_actions`]: autotag_model::rule::Rule::read_actions

/// A permission that the backend needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Permission {
    /// IAM's name of it.
    pub action: &'static str,
    /// On what: `*`, or ARNs with `{partition}` and `{account}`.
    pub resources: &'static [&'static str],
    /// In which account it is needed.
    pub whose: Whose,
    /// The file beside this one that makes the call.
    pub adapter: &'static str,
    /// The purpose.
    pub why: &'static str,
}

/// The account of a call, which decides the role that needs the permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Whose {
    /// The account of the resource, or of the caller: the function's own role, and the role in each member account.
    Any,
    /// The account that the identity store's ARN names: only with an identity store.
    IdentityStore,
    /// The function's own account.
    Own,
}

/// All of them, by adapter.
pub const PERMISSIONS: &[Permission] = &[
    Permission {
        action: "ec2:DescribeImages",
        resources: &["*"],
        whose: Whose::Any,
        adapter: "related",
        why: "the snapshots of a new image",
    },
    Permission {
        action: "ec2:DescribeInstances",
        resources: &["*"],
        whose: Whose::Any,
        adapter: "related",
        why: "the volumes and network interfaces of new instances",
    },
    Permission {
        action: "identitystore:DescribeUser",
        resources: &[
            "arn:{partition}:identitystore::*:identitystore/*",
            "arn:{partition}:identitystore:::user/*",
        ],
        whose: Whose::IdentityStore,
        adapter: "users",
        why: "the names of Identity Center users",
    },
    Permission {
        action: "iam:ListRoleTags",
        resources: &["arn:{partition}:iam::{account}:role/*"],
        whose: Whose::Any,
        adapter: "principals",
        why: "the IAM tags of a role that has created something",
    },
    Permission {
        action: "iam:ListUserTags",
        resources: &["arn:{partition}:iam::{account}:user/*"],
        whose: Whose::Any,
        adapter: "principals",
        why: "the IAM tags of a user who has created something",
    },
    Permission {
        action: "tag:GetResources",
        resources: &["*"],
        whose: Whose::Any,
        adapter: "reader",
        why: "the present tags of resources that the tagging API covers",
    },
    Permission {
        action: "tag:TagResources",
        resources: &["*"],
        whose: Whose::Any,
        adapter: "tagging_api",
        why: "tagging by the tagging API, which needs the service's own action too",
    },
    Permission {
        action: "s3:GetObject",
        resources: &["arn:{partition}:s3:::*/*"],
        whose: Whose::Own,
        adapter: "trail",
        why: "log files of a trail; of its bucket only",
    },
];
