//! The names of calls that change tags.

/// How names of calls that change tags begin. Every service has its own name for them: `TagResource`, `CreateTags`,
/// `AddTagsToResource`, `PutBucketTagging`, `UntagRole`.
const VERBS: [&str; 11] =
    ["Tag", "Untag", "Create", "Delete", "Add", "Remove", "Put", "Set", "Change", "Update", "Replace"];

/// Calls that change tags beside other things. Their names do not show it.
pub(super) const UPDATES: [&str; 14] = [
    "UpdateContainerAssociation",
    "UpdateDomain",
    "UpdateFleet",
    "UpdateIdentityPool",
    "UpdateInputSecurityGroup",
    "UpdatePartnerApp",
    "UpdatePortfolio",
    "UpdateProduct",
    "UpdateProject",
    "UpdateProvisionedProduct",
    "UpdateReportGroup",
    "UpdateStack",
    "UpdateStackSet",
    "UpdateUserPool",
];

/// True if calls of this name may change tags of resources that exist: by the name alone, before a record is parsed. Every
/// call of the catalogue may; [`Catalog::changes_tags`](crate::catalog::Catalog::changes_tags) says which do.
///
/// ```
/// use autotag_handlers::catalog::may_change_tags;
///
/// assert!(may_change_tags("", "PutBucketTagging") && may_change_tags("", "UntagResource"));
/// assert!(!may_change_tags("", "ListTagsForResource") && !may_change_tags("", "CreateQueue"));
/// ```
pub fn may_change_tags(_event_source: &str, event_name: &str) -> bool {
    let by_name = || event_name.contains("Tag") || event_name.starts_with("Untag");
    VERBS.iter().any(|verb| event_name.starts_with(verb)) && (by_name() || UPDATES.contains(&event_name))
}
