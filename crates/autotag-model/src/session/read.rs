//! Reads sessions from STS records.

use super::{Session, SessionKind};
use crate::arn::{AccountId, Arn, Partition};
use crate::identity::{AccessKeyId, Principal, PrincipalKind};
use crate::json::{Tree, any_member, chosen_text, elements, member, member_text, tag, tag_pairs};
use crate::record::{Record, RecordError, borrowed_tree};
use crate::time::written_time;
use jiff::SignedDuration;
use serde_json::{Value, json};

/// The result of reading a record with [`Session::read`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionReading {
    /// The session that the record reports.
    Session(Box<Session>),
    /// The record is not of an STS call that makes sessions.
    NotSts,
    /// The record is of such a call, but reports no session; the text is the reason.
    Skipped(&'static str),
}

impl Session {
    /// True if the records of an event may report a session.
    ///
    /// ```
    /// use autotag_model::session::Session;
    ///
    /// assert!(Session::is_reported_by("sts.amazonaws.com", "AssumeRole"));
    /// assert!(!Session::is_reported_by("sts.amazonaws.com", "GetCallerIdentity"));
    /// ```
    pub fn is_reported_by(event_source: &str, event_name: &str) -> bool {
        match event_source {
            STS => SessionKind::of(event_name).is_some(),
            ROLES_ANYWHERE => event_name == CREATE_SESSION,
            _ => false,
        }
    }

    /// Reads the session that an STS record reports.
    ///
    /// # Errors
    /// [`RecordError`] if a part of the record cannot be parsed.
    pub fn read(record: &Record<'_>) -> Result<SessionReading, RecordError> {
        if record.event_source == ROLES_ANYWHERE && record.event_name == CREATE_SESSION {
            return certificate_session(record);
        }
        if record.event_source != STS {
            return Ok(SessionReading::NotSts);
        }
        let Some(kind) = SessionKind::of(&record.event_name) else { return Ok(SessionReading::NotSts) };
        if record.failed() {
            return Ok(SessionReading::Skipped("the STS call failed"));
        }
        let request = &borrowed_tree("requestParameters", record.request_parameters)?;
        let response = &borrowed_tree("responseElements", record.response_elements)?;
        // A record with a part that cannot be read is malformed, whatever the part says.
        borrowed_tree("serviceEventDetails", record.service_event_details)?;
        borrowed_tree("resources", record.resources)?;
        let user = any_member(response, &["assumedRoleUser", "federatedUser"]);
        let id = user.and_then(|user| {
            member_text(user, "assumedRoleId").or_else(|| member_text(user, "federatedUserId"))
        });
        let of_request = || match kind {
            SessionKind::AssumeRoot => root_arn(record, request),
            _ => assumed_role_arn(request),
        };
        let Some(role_session) = id.or_else(of_request) else {
            return Ok(SessionReading::Skipped("the record names no role session"));
        };
        let Some(issued) = record.time() else {
            return Ok(SessionReading::Skipped("the record has no readable time"));
        };
        let session = Self::new(&role_session, issued, kind);
        Ok(SessionReading::Session(Box::new(session.filled(
            record,
            request,
            response,
            Principal::of(record)?,
        ))))
    }

    /// Fills in what the record says of the session besides its identity.
    fn filled<T: Tree>(self, record: &Record<'_>, request: &T, response: &T, caller: Principal) -> Self {
        let credential = |name| member_text(member(response, "credentials")?, name);
        let duration =
            member(request, "durationSeconds").and_then(T::scalar).and_then(|s| s.parse::<i64>().ok());
        let expires = credential("expiration")
            .and_then(|text| written_time(&text))
            .or_else(|| self.issued.checked_add(SignedDuration::from_secs(duration?)).ok());
        let tags_of = |name| any_member(request, &[name]).map(tag_pairs).unwrap_or_default();
        let map_of = |name| any_member(request, &[name]).map(map_pairs).unwrap_or_default();
        let given = match tags_of("tags") {
            none if none.is_empty() => map_of("principalTags"),
            tags => tags,
        };
        let transitive = any_member(request, &["transitiveTagKeys"]).map(elements).unwrap_or_default();
        // A transient SAML subject differs from session to session; the identity provider puts the person's name into
        // the session's name.
        let transient = member_text(response, "subjectType").is_some_and(|kind| kind == "transient");
        let lasting = if transient { chosen_text(request, "roleSessionName") } else { None };
        let subject = lasting
            .or_else(|| member_text(response, "subjectFromWebIdentityToken"))
            .or_else(|| member_text(response, "subject"))
            .or_else(|| federated_name(&caller));
        Self {
            access_key: credential("accessKeyId").and_then(|id| AccessKeyId::new(&id)),
            expires,
            role_arn: member_text(request, "roleArn"),
            tags: given,
            incoming_tags: map_of("incomingTransitiveTags"),
            transitive_keys: transitive.into_iter().filter_map(T::scalar).map(Into::into).collect(),
            source_identity: chosen_text(response, "sourceIdentity")
                .or_else(|| chosen_text(request, "sourceIdentity")),
            subject,
            provider: member_text(response, "provider")
                .or_else(|| member_text(response, "issuer"))
                .or_else(|| caller.identity_provider.clone()),
            caller,
            event_id: record.dedup_id().map(str::to_owned),
            ..self
        }
    }
}

const STS: &str = "sts.amazonaws.com";

/// IAM Roles Anywhere, which gives sessions for X.509 certificates by [`CREATE_SESSION`].
const ROLES_ANYWHERE: &str = "rolesanywhere.amazonaws.com";
const CREATE_SESSION: &str = "CreateSession";

/// The session of a certificate, as [`CreateSession`][api] answers it. The service asks STS for it, so it is the caller.
///
/// [api]: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html
fn certificate_session(record: &Record<'_>) -> Result<SessionReading, RecordError> {
    if record.failed() {
        return Ok(SessionReading::Skipped("the call for a certificate's session failed"));
    }
    let parsed = record.parsed()?;
    let answer = any_member(&parsed.response, &["credentialSet"]).map(elements).unwrap_or_default();
    let set = answer.first().copied().unwrap_or(&Value::Null);
    let user = any_member(set, &["assumedRoleUser"]).unwrap_or(&Value::Null);
    let Some(role_session) = member_text(user, "assumedRoleId").or_else(|| member_text(user, "arn")) else {
        return Ok(SessionReading::Skipped("the record names no role session"));
    };
    let Some(issued) = record.time() else {
        return Ok(SessionReading::Skipped("the record has no readable time"));
    };
    let credentials = member(set, "credentials").unwrap_or(&Value::Null);
    let caller = json!({"type": "AWSService", "invokedBy": ROLES_ANYWHERE});
    Ok(SessionReading::Session(Box::new(Session {
        access_key: member_text(credentials, "accessKeyId").and_then(|id| AccessKeyId::new(&id)),
        expires: member_text(credentials, "expiration").and_then(|text| written_time(&text)),
        role_arn: member_text(set, "roleArn").or_else(|| member_text(&parsed.request, "roleArn")),
        source_identity: chosen_text(set, "sourceIdentity"),
        caller: Principal::from_value(&caller),
        event_id: record.dedup_id().map(str::to_owned),
        ..Session::new(&role_session, issued, SessionKind::AssumeRole)
    })))
}

/// The tags of a map `{k: v}`. It may contain a tag called `key`, which does not make it one tag with key and value.
fn map_pairs<T: Tree>(value: &T) -> Vec<(String, String)> {
    let is_scalar = |member: &T| !member.has_members() && member.as_list().is_none();
    if !value.has_members() || !value.members().all(|(_, member)| is_scalar(member)) {
        return tag_pairs(value);
    }
    value.members().filter_map(|(key, value)| tag(key, Some(value))).collect()
}

/// The session's ARN from the request: `arn:aws:sts::<account>:assumed-role/<role>/<session>`, as later calls have it.
///
/// EC2 and Lambda get credentials for workloads with an answer that does not name the session.
fn assumed_role_arn<T: Tree>(request: &T) -> Option<String> {
    let role: Arn = member_text(request, "roleArn")?.parse().ok()?;
    let name = role.resource().strip_prefix("role/")?.rsplit('/').next()?;
    let session = chosen_text(request, "roleSessionName")?;
    Some(format!("arn:{}:sts::{}:assumed-role/{name}/{session}", role.partition(), role.account()?))
}

/// The ARN of the root user, as later calls have it. `AssumeRoot` names this ARN or the account.
fn root_arn<T: Tree>(record: &Record<'_>, request: &T) -> Option<String> {
    let target = member_text(request, "targetPrincipal")?;
    if target.parse::<Arn>().is_ok() {
        return Some(target);
    }
    let account = AccountId::new(&target)?;
    let partition = record.region().as_ref().and_then(Partition::of_region).unwrap_or_default();
    Some(format!("arn:{partition}:iam::{account}:root"))
}

fn federated_name(caller: &Principal) -> Option<String> {
    matches!(caller.kind, PrincipalKind::SamlUser | PrincipalKind::WebIdentityUser)
        .then(|| caller.user_name.clone())
        .flatten()
}
