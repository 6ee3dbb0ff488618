//! `userIdentity` in all its shapes -> [`Principal`]: who made the call, as far as one record says it.
//!
//! Source: CloudTrail user guide, "userIdentity element", and what real trails hold beyond it. Nothing in here resolves
//! anything: who *stands behind* a principal is for the owner rules, with the help of a session store.

use crate::arn::{AccountId, Arn};
use crate::json::{any_member, member, member_text};
use crate::record::{Record, RecordError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// What kind of principal a record names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PrincipalKind {
    /// The record has no identity, or one without a type that nothing else tells.
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
    /// The SAML subject that called STS.
    SamlUser,
    /// The web identity that called STS.
    WebIdentityUser,
    /// Another account, of which no more is said.
    AwsAccount,
    /// An AWS service acting for itself.
    AwsService,
    /// An Identity Center user without a role.
    IdentityCenterUser,
    /// A directory service user.
    Directory,
    /// A type this version does not know, as written.
    Other(String),
}

impl PrincipalKind {
    fn of(name: &str) -> Self {
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

/// An access key id. Printing it, in logs too, shows only its last four characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccessKeyId(String);

impl AccessKeyId {
    /// An access key id as a record names it; `None` for the empty text.
    pub fn new(id: &str) -> Option<Self> {
        (!id.is_empty()).then(|| Self(id.to_owned()))
    }

    /// The whole id: for joining and for the sort key of a store, never for a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.chars().count();
        write!(f, "...{}", self.0.chars().skip(length.saturating_sub(4)).collect::<String>())
    }
}

impl fmt::Debug for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessKeyId({self})")
    }
}

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

/// `sessionContext`: what is known of the session behind temporary credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SessionContext {
    /// Who issued the credentials; `None` for a plain console session.
    pub issuer: Option<Issuer>,
    /// When the credentials were issued, UTC: equal to the STS record's time within seconds.
    pub created: Option<Timestamp>,
    /// `sourceIdentity`: set at the first `AssumeRole` and kept through every chained one.
    pub source_identity: Option<String>,
    /// `webIdFederationData.federatedProvider`.
    pub federated_provider: Option<String>,
    /// `webIdFederationData.attributes`' subject (`...:sub`), where AWS writes it.
    pub federated_subject: Option<String>,
    /// `ec2RoleDelivery`: credentials came from the instance metadata service (`1.0` or `2.0`).
    pub ec2_role_delivery: Option<String>,
    /// `assumedRoot`: on calls of a root user, that somebody else got the session by `AssumeRoot`.
    pub assumed_root: bool,
}

/// `onBehalfOf`: the Identity Center user for whom the call was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OnBehalfOf {
    /// The user's id in the identity store.
    pub user_id: String,
    /// The identity store's ARN.
    pub identity_store_arn: Option<String>,
}

/// `inScopeOf`: the workload to which AWS handed the credentials. Unlike a session name, nobody can choose it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InScopeOf {
    /// What kind of workload, for example `AWS::Lambda::Function`.
    pub issuer_type: Option<String>,
    /// The workload's ARN.
    pub issued_to: Option<String>,
}

/// Who made a call, as far as one record says it. Every field may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Principal {
    /// What kind of principal.
    pub kind: PrincipalKind,
    /// `principalId`, whole: what `${aws:userid}` is in a policy. For role sessions `AROA...:session-name`.
    pub principal_id: Option<String>,
    /// `arn`, as written.
    pub arn: Option<String>,
    /// `accountId` of the principal, not of the resource.
    pub account: Option<String>,
    /// `userName`: of an IAM user, of a federated subject; never a mask.
    pub user_name: Option<String>,
    /// `accessKeyId`; absent on calls that a service forwards.
    pub access_key: Option<AccessKeyId>,
    /// `invokedBy`: the service through which the principal called, or which called itself.
    pub invoked_by: Option<String>,
    /// `identityProvider` of SAML and web identities.
    pub identity_provider: Option<String>,
    /// The Identity Center user behind the call.
    pub on_behalf_of: Option<OnBehalfOf>,
    /// The workload that holds the credentials.
    pub in_scope_of: Option<InScopeOf>,
    /// The session behind temporary credentials.
    pub session: Option<SessionContext>,
}

impl Principal {
    /// The principal of a record; an empty one where the record has none.
    ///
    /// # Errors
    /// [`RecordError`] when `userIdentity` cannot be read as a tree (nested deeper than 128 levels).
    pub fn of(record: &Record<'_>) -> Result<Self, RecordError> {
        let Some(raw) = record.user_identity else { return Ok(Self::default()) };
        let identity: Value = serde_json::from_str(raw.get())
            .map_err(|error| RecordError { field: "userIdentity", why: error.to_string() })?;
        Ok(Self::from_value(&identity))
    }

    /// The principal that a `userIdentity` element describes. Any JSON gives one; what is odd is absent.
    pub fn from_value(identity: &Value) -> Self {
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
            // Until 2018 Auto Scaling launched instances in the account's name. No root user did that.
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
            user_name: member_text(identity, "userName"),
            access_key: member_text(identity, "accessKeyId").and_then(|id| AccessKeyId::new(&id)),
            invoked_by,
            identity_provider: member_text(identity, "identityProvider"),
            on_behalf_of,
            session: any_member(identity, &["sessionContext"]).map(session_context),
            arn,
        }
    }

    /// The principal's account, where it is one.
    pub fn account_id(&self) -> Option<AccountId> {
        let own = self.account.as_deref().and_then(AccountId::new);
        own.or_else(|| self.arn.as_deref()?.parse::<Arn>().ok()?.account())
    }

    /// The id under which STS records this session (`AROA...:name`, `<account>:<name>` of a federated user, the ARN of a
    /// root user whom somebody else assumed); `None` for principals that have no session of their own.
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

    /// The role session's name, chosen by whoever assumed the role: evidence of nothing by itself.
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

    /// The role's own ARN (with its path, where the record says it), of a role or a role session.
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

    /// Whether the session's credentials came from the EC2 instance metadata service.
    pub fn is_instance(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.ec2_role_delivery.is_some())
    }

    /// Whether the role is linked to a service: assumed by that service only, by AWS's construction.
    pub fn is_service_linked(&self) -> bool {
        self.is_reserved_role("/aws-service-role/", "AWSServiceRoleFor")
    }

    /// The service that the role is linked to, by the role's path: `eks-nodegroup.amazonaws.com`.
    pub fn linked_service(&self) -> Option<&str> {
        let (_, resource) = self.arn_with_path()?.split_once(":role/aws-service-role/")?;
        self.is_service_linked().then(|| resource.split('/').next())?
    }

    /// Whether the role is one that Identity Center made for people.
    pub fn is_identity_center_role(&self) -> bool {
        self.kind == PrincipalKind::AssumedRole
            && self.is_reserved_role("/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_")
    }

    /// Only AWS makes roles under its reserved paths; a name that begins alike, anybody can choose. So the name counts only
    /// where the record does not tell the path.
    fn is_reserved_role(&self, path: &str, name: &str) -> bool {
        match self.arn_with_path() {
            // From the start of the resource: a path of the customer's own may hold any text.
            Some(arn) => arn.parse().is_ok_and(|arn: Arn| {
                arn.resource().strip_prefix("role").is_some_and(|resource| resource.starts_with(path))
            }),
            None => self.role_name().is_some_and(|role| role.starts_with(name)),
        }
    }

    /// The ARN of the role with its path, where the record tells it.
    fn arn_with_path(&self) -> Option<&str> {
        self.issuer_arn().or(if self.kind == PrincipalKind::Role { self.arn.as_deref() } else { None })
    }

    /// The service through which the call came. `signin.amazonaws.com` is a human in the console, and no service.
    pub fn invoking_service(&self) -> Option<&str> {
        self.invoked_by.as_deref().filter(|service| *service != "signin.amazonaws.com")
    }

    /// Segment `index` of `arn:..:assumed-role/<role>/<session>`.
    fn arn_segment(&self, index: usize) -> Option<&str> {
        let (_, resource) = self.arn.as_deref()?.split_once(":assumed-role/")?;
        resource.split('/').nth(index.checked_sub(1)?)
    }
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

fn session_context(context: &Value) -> SessionContext {
    let issuer = any_member(context, &["sessionIssuer"]).map(|issuer| Issuer {
        principal_id: member_text(issuer, "principalId"),
        arn: member_text(issuer, "arn"),
        user_name: member_text(issuer, "userName"),
    });
    let web = any_member(context, &["webIdFederationData"]);
    let attributes = web.and_then(|web| any_member(web, &["attributes"]));
    let subject = attributes.and_then(Value::as_object).and_then(|attributes| {
        attributes
            .iter()
            .find(|(key, _)| key.ends_with(":sub") || *key == "sub")?
            .1
            .as_str()
            .map(str::to_owned)
    });
    let created = member(context, "attributes").and_then(|times| member_text(times, "creationDate"));
    SessionContext {
        issuer,
        created: created.and_then(|text| text.parse().ok()),
        source_identity: member_text(context, "sourceIdentity"),
        federated_provider: web.and_then(|web| member_text(web, "federatedProvider")),
        federated_subject: subject,
        ec2_role_delivery: member_text(context, "ec2RoleDelivery"),
        assumed_root: member_text(context, "assumedRoot").is_some_and(|text| text == "true"),
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
