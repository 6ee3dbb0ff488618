//! A recorded call, with the facts that the guards test.

use super::action::actions;
use super::key::Key;
use super::own_part;
use super::tags::NamedTags;
use crate::generate::controls::WITHOUT_CONDITIONS;
use autotag_handlers::catalog::Catalog;
use autotag_model::arn::AccountId;
use autotag_model::identity::{Principal, PrincipalKind};
use autotag_model::record::{Record, RecordError};

/// A call of a principal that service control policies apply to.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// The ARN of the principal, in the partition `aws`, as all ARNs here: the guards are generated for it.
    pub(super) principal: String,
    /// `${aws:userid}`.
    pub(super) user_id: Option<String>,
    /// The actions of IAM that the call needs.
    pub(super) actions: Vec<String>,
    /// The ARNs of the part of autotag that the call is about. Empty if the call is about none, or does not say.
    pub(super) resources: Vec<String>,
    pub(super) tags: NamedTags,
    /// The source identity of the caller's session.
    pub(super) source_identity: Option<String>,
    /// The function of a mapping.
    pub(super) function: Option<String>,
}

/// The values of a condition key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The call does not have the key.
    Nothing,
    Some(Vec<String>),
    /// These, and maybe others.
    AtLeast(Vec<String>),
    Unknown,
}

impl Found {
    /// The values as they are known to be all, or not.
    fn of(values: Vec<String>, complete: bool) -> Self {
        match (values.is_empty(), complete) {
            (true, true) => Self::Nothing,
            (false, true) => Self::Some(values),
            (true, false) => Self::Unknown,
            (false, false) => Self::AtLeast(values),
        }
    }

    fn one(value: Option<&String>) -> Self {
        Self::of(value.cloned().into_iter().collect(), true)
    }
}

/// Calls that set tags and have no condition key for them, by IAM's service reference, beside the tag calls that
/// [`WITHOUT_CONDITIONS`] lists.
const ALSO_WITHOUT_CONDITIONS: [&str; 4] = [
    "backup:StartBackupJob",
    "cognito-identity:UpdateIdentityPool",
    "kms:ReplicateKey",
    "rds:PromoteReadReplica",
];

fn is_without_keys(action: &str) -> bool {
    WITHOUT_CONDITIONS.contains(&action) || ALSO_WITHOUT_CONDITIONS.contains(&action)
}

/// True if service control policies apply to a principal.
pub(super) fn is_subject(principal: &Principal) -> bool {
    let has_account = matches!(
        principal.kind,
        PrincipalKind::Root
            | PrincipalKind::IamUser
            | PrincipalKind::AssumedRole
            | PrincipalKind::Role
            | PrincipalKind::FederatedUser
    );
    has_account && !principal.is_service_linked()
}

/// The ARN of a principal, as `aws:PrincipalArn` has it: that of the role, not of its session.
pub(super) fn principal_arn(principal: &Principal) -> Option<String> {
    principal.role_arn().or_else(|| principal.arn.clone()).map(|arn| in_partition_aws(&arn))
}

/// The ARN in the partition `aws`.
fn in_partition_aws(arn: &str) -> String {
    match arn.strip_prefix("arn:").and_then(|rest| rest.split_once(':')) {
        Some((_, rest)) => format!("arn:aws:{rest}"),
        None => arn.to_owned(),
    }
}

impl Request {
    /// The call of a record. `account` is that of the resource.
    ///
    /// # Errors
    /// A part of the record cannot be read.
    pub(super) fn of(
        record: &Record<'_>,
        principal: &Principal,
        account: Option<&AccountId>,
        catalog: &Catalog,
    ) -> Result<Self, RecordError> {
        let parsed = record.parsed()?;
        let tags = NamedTags::of(record, &parsed, catalog);
        let region = record.region();
        let place = own_part::Place::new(region.as_ref(), account);
        Ok(Self {
            principal: principal_arn(principal).unwrap_or_default(),
            user_id: principal.principal_id.clone(),
            actions: actions(record, &parsed, &tags),
            resources: own_part::arns(record, &parsed, &place)
                .iter()
                .map(|arn| in_partition_aws(arn))
                .collect(),
            tags,
            source_identity: principal.session.as_ref().and_then(|session| session.source_identity.clone()),
            function: own_part::mapped_function(&parsed).map(|arn| in_partition_aws(&arn)),
        })
    }

    /// The values of a condition key.
    pub(super) fn find(&self, key: &Key) -> Found {
        let has_keys = !self.actions.iter().any(|action| is_without_keys(action));
        let tags = |of_objects: bool| (has_keys && self.tags.of_objects == of_objects).then_some(&self.tags);
        match key {
            Key::Principal if self.principal.is_empty() => Found::Unknown,
            Key::Principal => Found::one(Some(&self.principal)),
            Key::SourceIdentity => Found::one(self.source_identity.as_ref()),
            Key::Function => self.function.as_ref().map_or(Found::Unknown, |arn| Found::one(Some(arn))),
            Key::TagKeys { of_objects } => match tags(*of_objects) {
                Some(tags) => Found::of(tags.keys(), tags.complete),
                None => Found::Nothing,
            },
            Key::RequestTag { key, of_objects } => match tags(*of_objects) {
                Some(tags) => {
                    let values = tags.values(key);
                    // A key that occurs in two letter cases has two values, and AWS does not say which counts.
                    if values.len() > 1 {
                        Found::Unknown
                    } else {
                        Found::of(values, tags.complete || tags.names(key))
                    }
                }
                None => Found::Nothing,
            },
            Key::ExistingObjectTag => Found::Unknown,
        }
    }

    /// The value with its variables replaced; `None` if that is not known.
    pub(super) fn substituted(&self, value: &str) -> Option<String> {
        let filled = match &self.user_id {
            Some(id) => value.replace("${aws:userid}", id),
            None => value.to_owned(),
        };
        // The id is the caller's, and may look like a variable.
        let has_others = value.replace("${aws:userid}", "").contains("${");
        let is_known = self.user_id.is_some() || !value.contains("${aws:userid}");
        (is_known && !has_others).then_some(filled)
    }
}
