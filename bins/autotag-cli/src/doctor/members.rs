//! The roles that tag-handler assumes in other accounts.

use super::ask::between;
use super::ask::{encoded, if_there};
use super::expected::Need;
use super::permissions::all_of;
use super::policy::{Decision, Who, Wish, decide, document};
use super::world::Member;
use super::{Ask, Check, Finding, Trouble, Verdict, World, broken, hangs_on};
use autotag_aws::{AssumedRole, MemberRole};
use autotag_model::arn::AccountId;
use futures_util::future::join_all;
use std::collections::BTreeSet;

const MEMBERS: Check = Check {
    name: "members",
    question: "is it known which accounts the function enters, and by which role?",
    fix: "set AUTOTAG_MEMBER_ROLE and AUTOTAG_EXTERNAL_ID of tag-handler, or name them here with --member-role and --external-id",
};

const ROLE: Check = Check {
    name: "member.role",
    question: "may tag-handler assume the role in this account?",
    fix: "deploy member.yaml there, with the ARN of the hub's role and the external id that the function has",
};

const TAGGING: Check = Check {
    name: "member.tagging",
    question: "may that role write tags in every service of the catalogue?",
    fix: "update member.yaml there; if an organization's policy denies it, see `organization.policy`",
};

const READING: Check = Check {
    name: "member.reading",
    question: "may that role read tags, and what the record does not tell?",
    fix: "update member.yaml there",
};

pub(super) async fn examine(world: &World) -> Vec<Finding> {
    let members = match &world.members {
        Ok(members) => members,
        Err(trouble) => return vec![MEMBERS.at(world.account.as_str(), Err(trouble.clone()))],
    };
    if members.is_empty() {
        return vec![MEMBERS.at(world.account.as_str(), Ok("none but its own".to_owned()))];
    }
    let Some(role) = &world.member_role else {
        return vec![
            MEMBERS
                .at(world.account.as_str(), broken("other accounts are to be entered, but no role is named")),
        ];
    };
    let known = MEMBERS.at(world.account.as_str(), Ok(format!("{} by `{}`", members.len(), role.name)));
    let each = join_all(members.iter().map(async |member| {
        let place = member.account.as_str();
        let expected = &world.expected;
        let (lets_in, tagging, reading) = tokio::join!(
            lets_in(world, member, role),
            has(world, member, role, &expected.tagging),
            has(world, member, role, &expected.reading),
        );
        // Without the role there is nothing to ask about.
        let there = !matches!(lets_in, Err(Trouble::Broken(_)));
        let or_hang = |has: Verdict| if has.is_err() && !there { hangs_on(ROLE) } else { has };
        [ROLE.at(place, lets_in), TAGGING.at(place, or_hang(tagging)), READING.at(place, or_hang(reading))]
    }));
    [vec![known], each.await.concat()].concat()
}

/// What the role's trust policy says; where nobody can read it, whether the role lets doctor itself in.
async fn lets_in(world: &World, member: &Member, role: &MemberRole) -> Verdict {
    match &member.inside {
        Ok(inside) => trusts(world, inside, member, role).await,
        Err(Trouble::Unknown(seen, fix)) => match tried(world, &member.account, role).await {
            Ok(seen) => Ok(seen),
            Err(refusal) => Err(Trouble::Unknown(
                format!("{refusal}, which the function need not get; {seen}"),
                fix.clone(),
            )),
        },
        Err(trouble) => Err(trouble.clone()),
    }
}

async fn trusts(world: &World, inside: &Ask, member: &Member, role: &MemberRole) -> Verdict {
    let name = role.name.rsplit('/').next().unwrap_or(&role.name);
    let form = format!("RoleName={}", encoded(name));
    let Some(answer) = if_there(inside.iam("iam:GetRole", &world.partition, &form).await)? else {
        return broken(format!("there is no role `{name}`"));
    };
    let arn = between(&answer, "Arn").unwrap_or_default();
    let wanted = world.member_role_arn(role, &member.account);
    if arn != wanted {
        return broken(format!("the role is {arn}, the function assumes {wanted}"));
    }
    let trust = document(between(&answer, "AssumeRolePolicyDocument").unwrap_or_default());
    let Some(hub) = world.tagger.role() else { return hangs_on(super::functions::FUNCTION) };
    let external_id = role.external_id.as_deref().unwrap_or_default();
    let context = [
        ("sts:ExternalId", external_id),
        ("aws:PrincipalArn", hub),
        ("aws:PrincipalAccount", world.account.as_str()),
    ];
    let who = Who::Role(hub, world.account.as_str());
    match decide(&trust, &Wish { who, action: "sts:AssumeRole", resource: arn, context: &context }) {
        Decision::AccountScope => Ok(format!("{name} trusts {hub}")),
        Decision::Denied => broken(format!("the trust policy of {name} denies it")),
        Decision::Silent => broken(format!(
            "the trust policy of {name} does not let {hub} in with the function's external id"
        )),
    }
}

/// Only the function's role need be let in; but where doctor is, the role is there and the external id fits.
async fn tried(world: &World, account: &AccountId, role: &MemberRole) -> Result<String, String> {
    let by = world.ask.config();
    let role = MemberRole { session_policy: None, ..role.clone() };
    let assumed = AssumedRole::new(by, &world.partition, account, &role, super::world::SESSION_NAME);
    match assumed.credentials().await {
        Ok(_) => Ok("it lets in whoever runs doctor".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether the role has what is needed in its account.
async fn has(world: &World, member: &Member, role: &MemberRole, needs: &BTreeSet<Need>) -> Verdict {
    let inside = member.inside.as_ref().map_err(Clone::clone)?;
    let arn = world.member_role_arn(role, &member.account);
    let place = (world.tagger.region.as_str(), member.account.as_str());
    all_of(inside, &world.partition, &arn, needs, place).await
}
