//! Permissions, by AWS's own simulation: what the roles of the functions may do.

use super::ask::between;
use super::ask::encoded;
use super::consumer::Consumer;
use super::expected::Need;
use super::functions::FUNCTION;
use super::{Ask, Check, Finding, NoAnswer, Trouble, Verdict, World, broken};
use crate::output::plural;
use autotag_model::arn::Partition;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

const TAGGING: Check = Check {
    name: "permission.tagging",
    question: "may the role of tag-handler write tags in every service of the catalogue?",
    fix: "give the role the actions named (hub.yaml of `autotag generate` has them all); if an organization's policy denies them, see `organization.policy`",
};

const READING: Check = Check {
    name: "permission.reading",
    question: "may it read tags, and what the record does not tell?",
    fix: "give the role the actions named (hub.yaml of `autotag generate` has them all)",
};

const WORKING: Check = Check {
    name: "permission.working",
    question: "may the function use its queues, its table, and the roles of other accounts?",
    fix: "give the role the actions named on the resources named (the stack's template has them all)",
};

/// How many actions are asked about in one call.
const AT_ONCE: usize = 50;

/// How many missing actions are named; the rest is counted.
const NAMED: usize = 8;

pub(super) async fn examine(world: &World) -> Vec<Finding> {
    let (tagger, keeper) = (&world.tagger, &world.keeper);
    let expected = &world.expected;
    let (tagging, reading, tags, keeps) = tokio::join!(
        needs(world, tagger, &expected.tagging),
        needs(world, tagger, &expected.reading),
        works(world, tagger),
        works(world, keeper),
    );
    vec![
        TAGGING.at(&tagger.function, tagging),
        READING.at(&tagger.function, reading),
        WORKING.at(&tagger.function, tags),
        WORKING.at(&keeper.function, keeps),
    ]
}

/// The role, or why it is not known.
fn role(consumer: &Consumer) -> Result<&str, Trouble> {
    consumer.config(FUNCTION)?;
    match consumer.role() {
        Some(role) => Ok(role),
        None => broken("the function has no role"),
    }
}

async fn needs(world: &World, consumer: &Consumer, needs: &BTreeSet<Need>) -> Verdict {
    let role = role(consumer)?;
    let region = consumer.region.as_str();
    all_of(&world.ask, &world.partition, role, needs, (region, world.account.as_str())).await
}

/// Whether a role has all of these; `place` (region and account) stands in for what a policy leaves open.
pub(super) async fn all_of(
    ask: &Ask,
    partition: &Partition,
    role: &str,
    needs: &BTreeSet<Need>,
    place: (&str, &str),
) -> Verdict {
    let wishes: Vec<(&str, String)> =
        needs.iter().map(|need| (need.action.as_str(), example(need, partition, place))).collect();
    let wishes: Vec<(&str, &str)> =
        wishes.iter().map(|(action, resource)| (*action, resource.as_str())).collect();
    may(ask, partition, role, &wishes).await
}

/// A resource on which an action is needed.
pub(super) fn example(need: &Need, partition: &Partition, place: (&str, &str)) -> String {
    let filled = need.resource.replace("{partition}", partition.as_str()).replace("{account}", place.1);
    sample(&filled, place)
}

/// A resource that a pattern of a policy matches: IAM is asked about one thing, not about all.
fn sample(pattern: &str, (region, account): (&str, &str)) -> String {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let [arn, partition, service, in_region, of, resource] = parts.as_slice() else {
        return pattern.to_owned();
    };
    let region = if *in_region == "*" { region } else { in_region };
    let account = if *of == "*" { account } else { of };
    let resource = resource.replace('*', "autotag-doctor");
    [arn, partition, service, region, account, &resource].join(":")
}

async fn works(world: &World, consumer: &Consumer) -> Verdict {
    let role = role(consumer)?;
    let (queue, dead) = (world.queue_arn(&consumer.queue), world.queue_arn(&consumer.dead));
    let (table, is_tagger) = (world.table_arn(), consumer.kind == world.tagger.kind);
    let mut wishes = vec![
        ("sqs:ReceiveMessage", queue.as_str()),
        ("sqs:DeleteMessage", &queue),
        ("sqs:GetQueueAttributes", &queue),
        ("sqs:SendMessage", &dead),
        (if is_tagger { "dynamodb:Query" } else { "dynamodb:PutItem" }, &table),
    ];
    let member_roles: Vec<String> = match &world.member_role {
        Some(role) if is_tagger => world
            .members
            .iter()
            .flatten()
            .map(|member| world.member_role_arn(role, &member.account))
            .collect(),
        _ => Vec::new(),
    };
    wishes.extend(member_roles.iter().map(|role| ("sts:AssumeRole", role.as_str())));
    if is_tagger && consumer.variable("AUTOTAG_SECOND_LOOK_QUEUE_URL").is_some() {
        wishes.push(("sqs:SendMessage", &queue));
    }
    may(&world.ask, &world.partition, role, &wishes).await
}

/// An action that a role may not do, and who is against it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused {
    action: String,
    resource: String,
    by: &'static str,
}

/// Whether a role may do all of these (actions on resources), by simulation.
pub(super) async fn may(ask: &Ask, partition: &Partition, role: &str, wishes: &[(&str, &str)]) -> Verdict {
    let mut by_resource: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (action, resource) in wishes {
        by_resource.entry(resource).or_default().insert(action);
    }
    let questions = by_resource.iter().flat_map(|(resource, actions)| {
        let actions: Vec<&str> = actions.iter().copied().collect();
        let parts: Vec<Vec<&str>> = actions.chunks(AT_ONCE).map(<[&str]>::to_vec).collect();
        parts.into_iter().map(move |part| simulate(ask, partition, role, part, resource))
    });
    let answers: Result<Vec<_>, NoAnswer> = join_all(questions).await.into_iter().collect();
    let refused = match answers {
        Ok(refused) => refused.concat(),
        Err(none) if none.is_missing() => return broken(format!("there is no role {role}")),
        Err(none) => return Err(none.into()),
    };
    if refused.is_empty() { Ok(plural(wishes.len(), "permission")) } else { broken(named(role, &refused)) }
}

fn named(role: &str, refused: &[Refused]) -> String {
    let name = role.rsplit('/').next().unwrap_or(role);
    let one = |refused: &Refused| {
        let on = if refused.resource == "*" { String::new() } else { format!(" on {}", refused.resource) };
        format!("{}{on}{}", refused.action, refused.by)
    };
    let mut text: Vec<String> = refused.iter().take(NAMED).map(one).collect();
    if refused.len() > NAMED {
        text.push(format!("{} more", refused.len() - NAMED));
    }
    format!("{name} may not {}", text.join(", "))
}

async fn simulate(
    ask: &Ask,
    partition: &Partition,
    role: &str,
    actions: Vec<&str>,
    resource: &str,
) -> Result<Vec<Refused>, NoAnswer> {
    let mut form = format!("PolicySourceArn={}&ResourceArns.member.1={}", encoded(role), encoded(resource));
    for (number, action) in (1..).zip(&actions) {
        let _ = write!(form, "&ActionNames.member.{number}={}", encoded(action));
    }
    // Where an ARN names no account, policies ask whose the resource is.
    let account = role.split(':').nth(4).unwrap_or_default();
    let _ = write!(
        form,
        "&ContextEntries.member.1.ContextKeyName=aws%3AResourceAccount&ContextEntries.member.1.ContextKeyType=string\
         &ContextEntries.member.1.ContextKeyValues.member.1={account}&MaxItems=1000"
    );
    let answer = ask.iam("iam:SimulatePrincipalPolicy", partition, &form).await?;
    Ok(refused(&answer, resource))
}

/// What of the simulated actions is refused. Each result is an element of the list `EvaluationResults`.
fn refused(answer: &str, resource: &str) -> Vec<Refused> {
    let results = answer.split("<EvalActionName>").skip(1);
    let refused = results.filter_map(|result| {
        let action = result.split("</EvalActionName>").next()?;
        let decision = between(result, "EvalDecision")?;
        let by = match decision {
            "allowed" => return None,
            "explicitDeny" => " (denied)",
            _ => "",
        };
        let by = match between(result, "AllowedByOrganizations") {
            Some("false") => " (denied by the organization)",
            _ => match between(result, "AllowedByPermissionsBoundary") {
                Some("false") => " (beyond the role's boundary)",
                _ => by,
            },
        };
        Some(Refused { action: action.trim().to_owned(), resource: resource.to_owned(), by })
    });
    refused.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulation_is_read() {
        let answer = "<EvaluationResults><member><EvalActionName>sns:TagResource</EvalActionName>\
            <EvalDecision>allowed</EvalDecision></member><member><EvalActionName>ec2:CreateTags</EvalActionName>\
            <EvalDecision>implicitDeny</EvalDecision></member><member><EvalActionName>s3:PutBucketTagging</EvalActionName>\
            <EvalDecision>explicitDeny</EvalDecision><OrganizationsDecisionDetail>\
            <AllowedByOrganizations>false</AllowedByOrganizations></OrganizationsDecisionDetail></member>\
            </EvaluationResults>";
        let refused = refused(answer, "*");
        assert_eq!(
            named("arn:aws:iam::111122223333:role/tagger", &refused),
            "tagger may not ec2:CreateTags, s3:PutBucketTagging (denied by the organization)"
        );
    }

    #[test]
    fn patterns_of_policies_become_things() {
        let sample = |pattern| sample(pattern, ("eu-west-1", "111122223333"));
        assert_eq!(sample("*"), "*");
        assert_eq!(sample("arn:aws:sns:*:*:*"), "arn:aws:sns:eu-west-1:111122223333:autotag-doctor");
        assert_eq!(sample("arn:aws:s3:::*"), "arn:aws:s3:::autotag-doctor");
        assert_eq!(
            sample("arn:aws:rds:*:111122223333:db:*"),
            "arn:aws:rds:eu-west-1:111122223333:db:autotag-doctor"
        );
    }
}
