//! The roles that tag-handler assumes in other accounts.

use super::check::{CheckFailure, CheckResult, Finding, blocked_by, fail};
use super::checks::{FUNCTION, MEMBER_READING, MEMBER_ROLE, MEMBER_TAGGING, MEMBERS};
use super::deployment::{DeploymentView, Member, SESSION_NAME};
use super::expected::Need;
use super::permissions::has_all;
use super::policy::{AccessRequest, Caller, Decision, decide, document};
use autotag_aws::query::xml;
use autotag_aws::query::{AwsQuery, encoded, if_there};
use autotag_aws::{AssumedRole, MemberRole};
use autotag_model::arn::AccountId;
use futures_util::future::join_all;
use std::collections::BTreeSet;

pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    let summary = |result| vec![MEMBERS.at(view.account.as_str(), result)];
    let members = match &view.members {
        Ok(members) => members,
        Err(failure) => return summary(Err(failure.clone())),
    };
    if members.is_empty() {
        return summary(Ok("only its own account".to_owned()));
    }
    let Some(role) = &view.member_role else {
        return summary(fail("other accounts are configured, but no role for them"));
    };
    let known = summary(Ok(format!("{} by `{}`", members.len(), role.name)));
    let each = join_all(members.iter().map(|member| examine_member(view, member, role)));
    [known, each.await.concat()].concat()
}

async fn examine_member(view: &DeploymentView, member: &Member, role: &MemberRole) -> [Finding; 3] {
    let place = member.account.as_str();
    let expected = &view.expected;
    let (assumable, tagging, reading) = tokio::join!(
        is_assumable(view, member, role),
        has_permissions(view, member, role, &expected.tagging),
        has_permissions(view, member, role, &expected.reading),
    );
    // The permissions of a role that is missing or wrong cannot be simulated.
    let role_is_broken = matches!(assumable, Err(CheckFailure::Broken(_)));
    let or_blocked = |result: CheckResult| {
        if result.is_err() && role_is_broken { blocked_by(MEMBER_ROLE) } else { result }
    };
    [
        MEMBER_ROLE.at(place, assumable),
        MEMBER_TAGGING.at(place, or_blocked(tagging)),
        MEMBER_READING.at(place, or_blocked(reading)),
    ]
}

/// Checks the role's trust policy. If it cannot be read, tries to assume the role as doctor.
async fn is_assumable(view: &DeploymentView, member: &Member, role: &MemberRole) -> CheckResult {
    match &member.aws {
        Ok(aws) => trusts_tag_handler(view, aws, member, role).await,
        Err(CheckFailure::Unknown(seen, fix)) => match try_to_assume(view, &member.account, role).await {
            Ok(assumed) => Ok(assumed),
            Err(refusal) => Err(CheckFailure::Unknown(
                format!("doctor may not assume it ({refusal}), tag-handler perhaps may; {seen}"),
                fix.clone(),
            )),
        },
        Err(failure) => Err(failure.clone()),
    }
}

async fn trusts_tag_handler(
    view: &DeploymentView,
    aws: &AwsQuery,
    member: &Member,
    role: &MemberRole,
) -> CheckResult {
    let name = role.name.rsplit('/').next().unwrap_or(&role.name);
    let (action, form) = ("iam:GetRole", format!("RoleName={}", encoded(name)));
    let Some(answer) = if_there(aws.iam(action, &view.partition, &form).await)? else {
        return fail(format!("there is no role `{name}`"));
    };
    let answer = xml::parse(action, &answer)?;
    let described = xml::find(answer.root(), "Role");
    let text = |name| described.and_then(|role| xml::child_text(role, name)).unwrap_or_default();
    let (arn, wanted) = (text("Arn"), view.member_role_arn(role, &member.account));
    if arn != wanted {
        return fail(format!("the role is {arn}, but tag-handler assumes {wanted}"));
    }
    let trust = document(text("AssumeRolePolicyDocument"));
    let Some(hub) = view.tag_handler.role() else { return blocked_by(FUNCTION) };
    let external_id = role.external_id.as_deref().unwrap_or_default();
    let context = [
        ("sts:ExternalId", external_id),
        ("aws:PrincipalArn", hub),
        ("aws:PrincipalAccount", view.account.as_str()),
    ];
    let caller = Caller::Role(hub, view.account.as_str());
    let request = AccessRequest { caller, action: "sts:AssumeRole", resource: arn, context: &context };
    match decide(&trust, &request) {
        Decision::Allowed => Ok(format!("{name} trusts {hub}")),
        Decision::Denied => fail(format!("the trust policy of {name} denies it")),
        Decision::NoMatch => {
            fail(format!("the trust policy of {name} does not allow {hub} with the function's external id"))
        }
    }
}

/// Assumes the role as doctor. Success shows that the role exists and that the external id is right; a refusal shows nothing,
/// because only the function's role needs the permission.
async fn try_to_assume(
    view: &DeploymentView,
    account: &AccountId,
    role: &MemberRole,
) -> Result<String, String> {
    let role = MemberRole { session_policy: None, ..role.clone() };
    let assumed = AssumedRole::new(view.aws.config(), &view.partition, account, &role, SESSION_NAME);
    match assumed.credentials().await {
        Ok(_) => Ok("the identity that runs doctor may assume it".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Checks that the role has all of these permissions in its account.
async fn has_permissions(
    view: &DeploymentView,
    member: &Member,
    role: &MemberRole,
    needs: &BTreeSet<Need>,
) -> CheckResult {
    let aws = member.aws.as_ref().map_err(Clone::clone)?;
    let arn = view.member_role_arn(role, &member.account);
    let place = (view.tag_handler.region.as_str(), member.account.as_str());
    has_all(aws, &view.partition, &arn, needs, place).await
}
