//! The principal of a record: the `userIdentity` element in all its forms.
//!
//! The fields follow the [CloudTrail user guide, "userIdentity element"][element], and real trails, which hold more. A
//! [`Principal`] is what one record says. The owner, who may be another principal at the origin of a chain of sessions, is
//! resolved elsewhere, with the help of a session store.
//!
//! [element]: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html

mod access_key;
mod kind;

pub use access_key::AccessKeyId;
pub use kind::PrincipalKind;

use crate::arn::{AccountId, Arn};
use crate::json::{BorrowedJson, Tree, any_member, chosen_text, is_mask, member, member_text};
use crate::record::{Record, RecordError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The role that issued a session's credentials (`sessionContext.sessionIssuer`).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Issuer {
    /// The unique id of the role, `AROA...`.
    pub principal_id: Option<String>,
    /// The role's ARN.
    pub arn: Option<String>,
    /// The role's name.
    pub user_name: Option<String>,
}

/// The session of temporary credentials (`sessionContext`).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SessionContext {
    /// The issuer of the credentials; `None` for the console session of a user.
    pub issuer: Option<Issuer>,
    /// When the credentials were issued, UTC. Equal to the time of the STS record within seconds.
    pub created: Option<Timestamp>,
    /// `sourceIdentity`: set by the first `AssumeRole` of a role chain and passed on to every later session.
    pub source_identity: Option<String>,
    /// `webIdFederationData.federatedProvider`.
    pub federated_provider: Option<String>,
    /// The subject in `webIdFederationData.attributes` (`...:sub`), if AWS writes it.
    pub federated_subject: Option<String>,
    /// `ec2RoleDelivery`: the version of the instance metadata service (`1.0` or `2.0`) that delivered the credentials.
    pub ec2_role_delivery: Option<String>,
    /// `assumedRoot`: another principal got the root user's session by `AssumeRoot`.
    pub assumed_root: bool,
    /// `signInSessionArn`: the sign-in (console, `aws login`, agent) from which the credentials come.
    pub sign_in_session: Option<String>,
}

/// `onBehalfOf`: the Identity Center user behind the call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OnBehalfOf {
    /// The user's id in the identity store.
    pub user_id: String,
    /// The identity store's ARN.
    pub identity_store_arn: Option<String>,
}

impl OnBehalfOf {
    /// The user of this id, of a store that the record does not name.
    pub fn new(user_id: &str) -> Self {
        Self { user_id: user_id.to_owned(), identity_store_arn: None }
    }
}

/// `inScopeOf`: the workload to which AWS gave the credentials. Unlike a session name, a caller cannot choose it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InScopeOf {
    /// The kind of the workload, for example `AWS::Lambda::Function`.
    pub issuer_type: Option<String>,
    /// The workload's ARN.
    pub issued_to: Option<String>,
}

/// The principal that made a call, as one record names it. Every field may be missing.
///
/// ```
/// use autotag_model::identity::{Principal, PrincipalKind};
///
/// let principal = Principal::from_value(&serde_json::json!({
///     "type": "AssumedRole",
///     "principalId": "AROAEXAMPLE:ana@example.com",
///     "arn": "arn:aws:sts::111122223333:assumed-role/Deploy/ana@example.com",
/// }));
/// assert_eq!(principal.kind, PrincipalKind::AssumedRole);
/// assert_eq!(principal.role_name(), Some("Deploy"));
/// assert_eq!(principal.session_name(), Some("ana@example.com"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Principal {
    /// The kind of the principal.
    pub kind: PrincipalKind,
    /// `principalId`, whole: the value of `${aws:userid}` in IAM policies. Role sessions have `AROA...:session-name`.
    pub principal_id: Option<String>,
    /// `arn`, as written.
    pub arn: Option<String>,
    /// `accountId` of the principal, not of the resource.
    pub account: Option<String>,
    /// `userName` of an IAM user or a federated subject; never a mask.
    pub user_name: Option<String>,
    /// `accessKeyId`; absent in calls that a service forwards.
    pub access_key: Option<AccessKeyId>,
    /// `invokedBy`: the service through which the principal called, or the calling service itself.
    pub invoked_by: Option<String>,
    /// `identityProvider` of SAML and web identities.
    pub identity_provider: Option<String>,
    /// The Identity Center user behind the call.
    pub on_behalf_of: Option<OnBehalfOf>,
    /// The workload that holds the credentials.
    pub in_scope_of: Option<InScopeOf>,
    /// The session of temporary credentials.
    pub session: Option<SessionContext>,
    /// `invokedByDelegate.accountId`: the vendor's account that acts by a temporary delegation (IAM user guide, "temporary
    /// delegation").
    pub delegate_account: Option<String>,
    /// `credentialId`: the credential by which an Identity Center user called.
    pub credential_id: Option<String>,
    /// `sessionCredentialFromConsole` of the record: the credentials come from a console session.
    pub from_console: bool,
}

impl Principal {
    /// The principal of a record; an empty one if the record has none.
    ///
    /// # Errors
    /// [`RecordError`] if `userIdentity` cannot be parsed: it is nested deeper than 128 levels.
    pub fn of(record: &Record<'_>) -> Result<Self, RecordError> {
        let Some(raw) = record.user_identity else { return Ok(Self::default()) };
        let identity: BorrowedJson<'_> =
            serde_json::from_str(raw).map_err(|error| RecordError::new("userIdentity", &error))?;
        let from_console = record.session_from_console.unwrap_or_default();
        Ok(Self { from_console, ..Self::from_tree(&identity) })
    }

    /// The principal that a `userIdentity` element describes. Any JSON gives one: a field of an unexpected type counts
    /// as absent.
    pub fn from_value(identity: &Value) -> Self {
        Self::from_tree(identity)
    }

    fn from_tree<T: Tree>(identity: &T) -> Self {
        let arn = member_text(identity, "arn");
        let kind = match member_text(identity, "type") {
            Some(name) => PrincipalKind::of(&name),
            None => arn.as_deref().map_or(PrincipalKind::None, kind_by_arn),
        };
        let on_behalf_of = member(identity, "onBehalfOf").and_then(|user| {
            Some(OnBehalfOf {
                user_id: member_text(user, "userId")?,
                identity_store_arn: member_text(user, "identityStoreArn"),
            })
        });
        let in_scope_of = any_member(identity, &["inScopeOf"]).map(|scope| InScopeOf {
            issuer_type: member_text(scope, "issuerType"),
            issued_to: member_text(scope, "credentialsIssuedTo"),
        });
        let invoked_by = member_text(identity, "invokedBy");
        if kind == PrincipalKind::Root && invoked_by.as_deref() == Some("autoscaling.amazonaws.com") {
            // Until 2018 Auto Scaling launched instances as the account's root. No root user made these calls.
            return Self {
                kind: PrincipalKind::AwsService,
                account: member_text(identity, "accountId"),
                invoked_by,
                ..Self::default()
            };
        }
        Self {
            kind,
            in_scope_of,
            principal_id: member_text(identity, "principalId"),
            account: member_text(identity, "accountId"),
            user_name: user_name(identity),
            access_key: member_text(identity, "accessKeyId").and_then(|id| AccessKeyId::new(&id)),
            invoked_by,
            identity_provider: member_text(identity, "identityProvider"),
            on_behalf_of,
            session: any_member(identity, &["sessionContext"]).map(session_context),
            delegate_account: member(identity, "invokedByDelegate")
                .and_then(|delegate| member_text(delegate, "accountId")),
            credential_id: member_text(identity, "credentialId"),
            from_console: false,
            arn,
        }
    }

    /// The principal's account, from `accountId` or the ARN; `None` if neither has an account id.
    pub fn account_id(&self) -> Option<AccountId> {
        let own = self.account.as_deref().and_then(AccountId::new);
        own.or_else(|| self.arn.as_deref()?.parse::<Arn>().ok()?.account())
    }

    /// The id under which STS records this session: `AROA...:name`, `<account>:<name>` of a federated user, or the ARN
    /// of a root user whose session comes from `AssumeRoot`. `None` for principals without a session of their own.
    pub fn role_session(&self) -> Option<&str> {
        match self.kind {
            PrincipalKind::Root => {
                let assumed = self.session.as_ref().is_some_and(|session| session.assumed_root);
                self.arn.as_deref().filter(|_| assumed)
            }
            PrincipalKind::AssumedRole | PrincipalKind::FederatedUser => {
                self.principal_id.as_deref().filter(|id| id.contains(':'))
            }
            _ => None,
        }
    }

    /// The role session's name. The caller of `AssumeRole` chooses it, so it proves nothing by itself.
    pub fn session_name(&self) -> Option<&str> {
        if self.kind != PrincipalKind::AssumedRole {
            return None;
        }
        let by_id = self.principal_id.as_deref().and_then(|id| id.split_once(':')).map(|(_, name)| name);
        by_id.or_else(|| self.arn_segment(2)).filter(|name| !name.is_empty())
    }

    /// The role's name, of a role or a role session.
    pub fn role_name(&self) -> Option<&str> {
        match self.kind {
            PrincipalKind::AssumedRole => {
                let issuer = self.session.as_ref().and_then(|session| session.issuer.as_ref());
                issuer
                    .and_then(|issuer| issuer.user_name.as_deref())
                    .or_else(|| issuer?.arn.as_deref()?.rsplit('/').next())
                    .or_else(|| self.arn_segment(1))
            }
            PrincipalKind::Role => self.arn.as_deref().and_then(|arn| arn.rsplit('/').next()),
            _ => None,
        }
    }

    /// The role's ARN, of a role or a role session; with its path, if the record has it.
    pub fn role_arn(&self) -> Option<String> {
        match self.kind {
            PrincipalKind::Role => self.arn.clone(),
            PrincipalKind::AssumedRole => {
                let issuer = self.session.as_ref().and_then(|session| session.issuer.as_ref());
                issuer.and_then(|issuer| issuer.arn.clone()).or_else(|| {
                    let arn: Arn = self.arn.as_deref()?.parse().ok()?;
                    let account = arn.account()?;
                    Some(format!("arn:{}:iam::{account}:role/{}", arn.partition(), self.arn_segment(1)?))
                })
            }
            _ => None,
        }
    }

    /// The ARN of the role or user that issued the session's credentials.
    pub fn issuer_arn(&self) -> Option<&str> {
        self.session.as_ref()?.issuer.as_ref()?.arn.as_deref()
    }

    /// True if the session's credentials came from the EC2 instance metadata service.
    pub fn is_instance(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.ec2_role_delivery.is_some())
    }

    /// True if the role is a service-linked role, which only that service can assume.
    pub fn is_service_linked(&self) -> bool {
        self.is_reserved_role("/aws-service-role/", "AWSServiceRoleFor")
    }

    /// The service of a service-linked role, by the role's path: `eks-nodegroup.amazonaws.com`.
    pub fn linked_service(&self) -> Option<&str> {
        let (_, resource) = self.arn_with_path()?.split_once(":role/aws-service-role/")?;
        self.is_service_linked().then(|| resource.split('/').next())?
    }

    /// True if the role is one that Identity Center created for its users.
    pub fn is_identity_center_role(&self) -> bool {
        self.kind == PrincipalKind::AssumedRole
            && self.is_reserved_role("/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_")
    }

    /// Only AWS creates roles under its reserved paths, while anyone can choose a name with the same beginning. The
    /// name therefore counts only if the record does not have the path.
    fn is_reserved_role(&self, path: &str, name: &str) -> bool {
        match self.arn_with_path() {
            // At the beginning of the resource: a customer's path may contain any text.
            Some(arn) => arn.parse().is_ok_and(|arn: Arn| {
                arn.resource().strip_prefix("role").is_some_and(|resource| resource.starts_with(path))
            }),
            None => self.role_name().is_some_and(|role| role.starts_with(name)),
        }
    }

    /// The ARN of the role with its path, if the record has it.
    fn arn_with_path(&self) -> Option<&str> {
        self.issuer_arn().or(if self.kind == PrincipalKind::Role { self.arn.as_deref() } else { None })
    }

    /// The IAM user who asked for this `GetFederationToken` session, if the record names them as its issuer.
    pub fn federation_issuer(&self) -> Option<Self> {
        let issuer = self.session.as_ref()?.issuer.as_ref()?;
        let arn = issuer.arn.as_deref().filter(|_| self.kind == PrincipalKind::FederatedUser)?;
        let kind = kind_by_arn(arn);
        matches!(kind, PrincipalKind::IamUser | PrincipalKind::Root).then(|| Self {
            kind,
            principal_id: issuer.principal_id.clone(),
            user_name: issuer.user_name.clone(),
            account: self.account.clone(),
            arn: Some(arn.to_owned()),
            ..Self::default()
        })
    }

    /// True if the credentials come from a sign-in: the console, `aws login` or an agent. AWS gives such a session further
    /// access keys with the same time of issue.
    pub fn is_from_sign_in(&self) -> bool {
        self.from_console
            || self.invoked_by.as_deref() == Some("signin.amazonaws.com")
            || self.session.as_ref().is_some_and(|session| session.sign_in_session.is_some())
    }

    /// The service through which the call came. `signin.amazonaws.com` does not count: it is a person in the console.
    pub fn invoking_service(&self) -> Option<&str> {
        self.invoked_by.as_deref().filter(|service| *service != "signin.amazonaws.com")
    }

    /// Segment `index` of `arn:..:assumed-role/<role>/<session>`.
    fn arn_segment(&self, index: usize) -> Option<&str> {
        let (_, resource) = self.arn.as_deref()?.split_once(":assumed-role/")?;
        resource.split('/').nth(index.checked_sub(1)?)
    }
}

/// The `userName` of a principal. CloudTrail hides the name of a user who does not exist, and writes no ARN then. A name
/// that only looks like a mask is in the ARN or the id as well.
fn user_name<T: Tree>(identity: &T) -> Option<String> {
    let name = chosen_text(identity, "userName")?;
    let is_in = |member: &str, separators: &[char]| {
        member_text(identity, member).is_some_and(|text| text.rsplit(separators).next() == Some(&*name))
    };
    (!is_mask(&name) || is_in("arn", &['/']) || is_in("principalId", &[':'])).then_some(name)
}

fn kind_by_arn(arn: &str) -> PrincipalKind {
    let Ok(arn) = arn.parse::<Arn>() else { return PrincipalKind::None };
    match (arn.service(), arn.resource().split('/').next()) {
        ("iam", Some("user")) => PrincipalKind::IamUser,
        ("iam", Some("root")) => PrincipalKind::Root,
        ("iam", Some("role")) => PrincipalKind::Role,
        ("sts", Some("assumed-role")) => PrincipalKind::AssumedRole,
        ("sts", Some("federated-user")) => PrincipalKind::FederatedUser,
        _ => PrincipalKind::None,
    }
}

fn session_context<T: Tree>(context: &T) -> SessionContext {
    let issuer = any_member(context, &["sessionIssuer"]).map(|issuer| Issuer {
        principal_id: member_text(issuer, "principalId"),
        arn: member_text(issuer, "arn"),
        user_name: user_name(issuer),
    });
    let web = any_member(context, &["webIdFederationData"]);
    let attributes = web.and_then(|web| any_member(web, &["attributes"]));
    let subject = attributes.and_then(|attributes| {
        let (_, subject) = attributes.members().find(|(key, _)| key.ends_with(":sub") || *key == "sub")?;
        subject.as_text().map(str::to_owned)
    });
    let created = member(context, "attributes").and_then(|times| member_text(times, "creationDate"));
    SessionContext {
        issuer,
        created: created.and_then(|text| text.parse().ok()),
        source_identity: chosen_text(context, "sourceIdentity"),
        federated_provider: web.and_then(|web| member_text(web, "federatedProvider")),
        federated_subject: subject,
        ec2_role_delivery: member_text(context, "ec2RoleDelivery"),
        assumed_root: member_text(context, "assumedRoot").is_some_and(|text| text == "true"),
        sign_in_session: member_text(context, "signInSessionArn"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_role_session() {
        let principal = Principal::from_value(&json!({
            "type": "AssumedRole", "principalId": "AROAEXAMPLE:ana@example.com",
            "arn": "arn:aws:sts::111122223333:assumed-role/Deploy/ana@example.com", "accountId": "111122223333",
            "accessKeyId": "ASIAEXAMPLE1234ABCD",
            "sessionContext": {"attributes": {"creationDate": "2026-03-02T09:00:00Z", "mfaAuthenticated": "false"},
                "sessionIssuer": {"type": "Role", "principalId": "AROAEXAMPLE", "userName": "Deploy",
                    "arn": "arn:aws:iam::111122223333:role/team/Deploy"},
                "sourceIdentity": "ana", "webIdFederationData": {}}
        }));
        assert_eq!(principal.kind, PrincipalKind::AssumedRole);
        assert_eq!(principal.role_session(), Some("AROAEXAMPLE:ana@example.com"));
        assert_eq!(principal.session_name(), Some("ana@example.com"));
        assert_eq!(principal.role_name(), Some("Deploy"));
        assert_eq!(principal.role_arn().as_deref(), Some("arn:aws:iam::111122223333:role/team/Deploy"));
        let session = principal.session.as_ref().unwrap();
        assert_eq!(session.created, Some("2026-03-02T09:00:00Z".parse().unwrap()));
        assert_eq!(session.source_identity.as_deref(), Some("ana"));
        assert_eq!(session.federated_provider, None);
        assert!(!principal.is_instance());
    }

    #[test]
    fn bare_and_odd_identities() {
        let by_arn = Principal::from_value(&json!({"arn": "arn:aws-cn:sts::111122223333:assumed-role/R/s"}));
        assert_eq!(by_arn.kind, PrincipalKind::AssumedRole);
        assert_eq!((by_arn.role_name(), by_arn.session_name()), (Some("R"), Some("s")));
        assert_eq!(by_arn.role_arn().as_deref(), Some("arn:aws-cn:iam::111122223333:role/R"));
        assert_eq!(by_arn.account_id().unwrap().as_str(), "111122223333");
        let empty = Principal::from_value(&json!({"type": "Unknown", "arn": "", "accessKeyId": ""}));
        assert_eq!((empty.kind.as_str(), empty.arn, empty.access_key), ("Unknown", None, None));
        for odd in [json!(null), json!("text"), json!([1]), json!({"type": {"a": 1}, "sessionContext": "x"})]
        {
            assert_eq!(Principal::from_value(&odd).kind, PrincipalKind::None, "{odd}");
        }
        let none = Principal::from_value(
            &json!({"sessionContext": {"sessionIssuer": {}, "webIdFederationData": {}}}),
        );
        assert_eq!(none.session.unwrap().issuer, None);
        let masked =
            Principal::from_value(&json!({"type": "IAMUser", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}));
        assert_eq!(masked.user_name, None);
    }

    #[test]
    fn a_user_who_is_named_like_a_mask_has_that_name() {
        let name = "HIDDEN_DUE_TO_SECURITY_REASONS";
        let user = json!({"type": "IAMUser", "userName": name, "principalId": "AIDAX",
            "arn": format!("arn:aws:iam::111122223333:user/team/{name}")});
        assert_eq!(Principal::from_value(&user).user_name.as_deref(), Some(name));
        let pod =
            json!({"type": "WebIdentityUser", "userName": name, "principalId": format!("idp:aud:{name}")});
        assert_eq!(Principal::from_value(&pod).user_name.as_deref(), Some(name));
        let session = json!({"type": "AssumedRole", "principalId": format!("AROAX:{name}"),
            "sessionContext": {"sourceIdentity": name, "sessionIssuer": {"userName": name,
                "arn": format!("arn:aws:iam::111122223333:role/{name}")}}});
        let session = Principal::from_value(&session);
        assert_eq!((session.role_name(), session.session_name()), (Some(name), Some(name)));
        assert_eq!(session.session.unwrap().source_identity.as_deref(), Some(name));
        // The name of another user in the ARN does not vouch for it.
        let other =
            json!({"type": "IAMUser", "userName": name, "arn": "arn:aws:iam::111122223333:user/lena"});
        assert_eq!(Principal::from_value(&other).user_name, None);
    }

    #[test]
    fn services_and_what_only_looks_like_one() {
        let root = |by: &str| {
            Principal::from_value(&json!({"type": "Root", "invokedBy": by, "principalId": "111122223333",
                "arn": "arn:aws:iam::111122223333:root"}))
        };
        let old_auto_scaling = root("autoscaling.amazonaws.com");
        assert_eq!((&old_auto_scaling.kind, &old_auto_scaling.arn), (&PrincipalKind::AwsService, &None));
        for by in ["signin.amazonaws.com", "cloudformation.amazonaws.com"] {
            assert_eq!(root(by).kind, PrincipalKind::Root, "{by}");
        }
        let named = Principal::from_value(
            &json!({"type": "AssumedRole", "principalId": "AROAX:i-0123456789abcdef0"}),
        );
        assert!(!named.is_instance(), "a session name proves nothing");
        let linked = json!({"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/y"});
        assert!(Principal::from_value(&linked).is_service_linked());
    }

    #[test]
    fn a_reserved_path_proves_what_a_name_does_not() {
        let session = |issuer: &str| {
            Principal::from_value(&json!({"type": "AssumedRole", "principalId": "AROAX:boss@example.com",
                "sessionContext": {"sessionIssuer": {"arn": issuer, "userName": issuer.rsplit('/').next()}}}))
        };
        let real = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef";
        assert!(session(real).is_identity_center_role());
        assert!(
            !session("arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef")
                .is_identity_center_role()
        );
        let linked = "arn:aws:iam::111122223333:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS";
        assert!(session(linked).is_service_linked());
        assert_eq!(session(linked).linked_service(), Some("rds.amazonaws.com"));
        assert!(!session("arn:aws:iam::111122223333:role/AWSServiceRoleForRDS").is_service_linked());
        for forged in
            ["AWSServiceRoleForRDS", "x:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"]
        {
            let forged = session(&format!("arn:aws:iam::111122223333:role/{forged}"));
            assert_eq!(forged.linked_service(), None, "{:?}", forged.issuer_arn());
        }
    }

    #[test]
    fn key_ids_are_never_printed_whole() {
        let key = AccessKeyId::new("ASIAEXAMPLE1234ABCD").unwrap();
        assert_eq!(format!("{key} {key:?}"), "...ABCD AccessKeyId(...ABCD)");
    }
}
