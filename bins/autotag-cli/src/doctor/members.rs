//! The roles that tag-handler assumes in other accounts.

use super::check::{CheckFailure, CheckResult, Finding, blocked_by, fail};
use super::checks::{FUNCTION, MEMBER_READING, MEMBER_ROLE, MEMBER_TAGGING, MEMBERS};
use super::deployment::{DeploymentView, Member, SESSION_NAME};
use super::permissions::has_all;
use super::policy::{AccessRequest, Caller, Decision, decide, document};
use super::role_policies::RolePolicies;
use autotag_aws::query::xml;
use autotag_aws::query::{AwsQuery, encoded, if_there};
use autotag_aws::{AssumedRole, MemberRole};
use autotag_model::arn::AccountId;

/// The finding about the accounts as a whole.
pub(super) fn summary(view: &DeploymentView) -> Finding {
    let result = match &view.members {
        Err(failure) => Err(failure.clone()),
        Ok(members) if members.is_empty() && view.not_sampled == 0 => Ok("only its own account".to_owned()),
        Ok(members) => match &view.member_role {
            None => fail("other accounts are configured, but no role for them"),
            Some(role) if view.not_sampled == 0 => Ok(format!("{} by `{}`", members.len(), role.name)),
            Some(role) => {
                let all = members.len() + view.not_sampled;
                Ok(format!("{} of {all} by `{}`, as --sample says", members.len(), role.name))
            }
        },
    };
    MEMBERS.at(view.account.as_str(), result)
}

/// The findings about one of the other accounts.
pub(super) async fn examine(view: &DeploymentView, member: &Member, role: &MemberRole) -> Vec<Finding> {
    let place = member.account.as_str();
    let (assumable, (tagging, reading)) =
        tokio::join!(is_assumable(view, member, role), permissions(view, member, role));
    // The permissions of a role that is missing or wrong cannot be simulated.
    let role_is_broken = matches!(&assumable, Err(failure) if failure.is_broken());
    let or_blocked = |result: CheckResult| {
        if result.is_err() && role_is_broken { blocked_by(MEMBER_ROLE) } else { result }
    };
    vec![
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
        ("aws:PrincipalOrgID", view.organization_id().unwrap_or_default()),
    ];
    // An organization that is not known must not make a right policy wrong.
    let known = context.len() - usize::from(view.organization_id().is_none());
    let context: Vec<(&str, &str)> = context.into_iter().take(known).collect();
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

/// Checks the tags that the role may write and read. Roles with the same policies are simulated once.
async fn permissions(
    view: &DeploymentView,
    member: &Member,
    role: &MemberRole,
) -> (CheckResult, CheckResult) {
    let aws = match &member.aws {
        Ok(aws) => aws,
        Err(failure) => return (Err(failure.clone()), Err(failure.clone())),
    };
    let arn = view.member_role_arn(role, &member.account);
    let Ok(policies) = RolePolicies::read(aws, &view.partition, &arn).await else {
        return Box::pin(simulate(view, aws, member, &arn)).await;
    };
    let place = view.simulated(policies.fingerprint(member.account.as_str()));
    let simulated = place.get_or_init(async || {
        let (tagging, reading) = Box::pin(simulate(view, aws, member, &arn)).await;
        (member.account.clone(), tagging, reading)
    });
    let (account, tagging, reading) = Box::pin(simulated).await;
    let here = |result: &CheckResult| {
        let moved = |text: &str| text.replace(account.as_str(), member.account.as_str());
        // Policies of the organization may differ between the accounts, so the reader is told which of them was asked.
        let seen = |text: &str| {
            if *account == member.account {
                text.to_owned()
            } else {
                format!("{} (simulated in {account}, where the role has the same policies)", moved(text))
            }
        };
        match result {
            Ok(text) => Ok(seen(text)),
            Err(CheckFailure::Broken(text)) => Err(CheckFailure::Broken(seen(text))),
            Err(CheckFailure::Fixable(text, fix)) => Err(CheckFailure::Fixable(seen(text), moved(fix))),
            Err(CheckFailure::Unknown(text, fix)) => Err(CheckFailure::Unknown(seen(text), moved(fix))),
            Err(CheckFailure::Blocked(other)) => Err(CheckFailure::Blocked(other)),
        }
    };
    (here(tagging), here(reading))
}

async fn simulate(
    view: &DeploymentView,
    aws: &AwsQuery,
    member: &Member,
    role: &str,
) -> (CheckResult, CheckResult) {
    let (simulation, expected) = (view.simulation(aws), &view.expected);
    let place = (view.tag_handler.region.as_str(), member.account.as_str());
    tokio::join!(
        has_all(&simulation, role, &expected.tagging, place),
        has_all(&simulation, role, &expected.reading, place),
    )
}
