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
    // Its own queue, or another one.
    let second_looks = consumer.variable("AUTOTAG_SECOND_LOOK_QUEUE_URL").filter(|_| is_tagger);
    let second_looks = second_looks.and_then(|url| queue_arn(world, url));
    wishes.extend(second_looks.iter().map(|queue| ("sqs:SendMessage", queue.as_str())));
    let by_setting = if is_tagger { by_setting(world, consumer) } else { Vec::new() };
    wishes.extend(by_setting.iter().map(|(action, resource)| (*action, resource.as_str())));
    may(&world.ask, &world.partition, role, &wishes).await
}

/// What tag-handler needs for what it is told by its environment.
fn by_setting(world: &World, tagger: &Consumer) -> Vec<(&'static str, String)> {
    let World { partition, account, .. } = world;
    let mut wishes = Vec::new();
    if let Some(parameter) = tagger.variable("AUTOTAG_POLICY_PARAMETER") {
        let parameter = parameter.trim_start_matches('/');
        let arn = format!("arn:{partition}:ssm:{}:{account}:parameter/{parameter}", tagger.region);
        wishes.push(("ssm:GetParameter", arn));
    }
    if tagger.variable("AUTOTAG_ACCOUNTS") == Some("organization") {
        let arn = format!("arn:{partition}:organizations::{account}:account/o-autotagdoctor/{account}");
        wishes.push(("organizations:DescribeAccount", arn));
    }
    if let Some(bucket) = tagger.variable("AUTOTAG_TRAIL_BUCKET") {
        wishes.push(("s3:GetObject", format!("arn:{partition}:s3:::{bucket}/AWSLogs/autotag-doctor")));
    }
    wishes
}

/// The ARN of a queue, by its URL: `https://HOST/ACCOUNT/NAME`.
fn queue_arn(world: &World, url: &str) -> Option<String> {
    let mut parts = url.rsplit('/');
    let (name, account) = (parts.next()?, parts.next()?);
    // The host names the region, but for those of emulators and private endpoints.
    let region =
        url.split('.').nth(1).filter(|region| region.contains('-')).unwrap_or(world.tagger.region.as_str());
    Some(format!("arn:{}:sqs:{region}:{account}:{name}", world.partition))
}

/// An action that a role may not do, and who is against it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused {
    action: String,
    resource: String,
    by: &'static str,
    /// The condition keys that the simulation was not told, with spaces between: with them it may be allowed.
    depends_on: String,
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
    let (mut refused, mut unanswered) = (Vec::new(), None);
    for answer in join_all(questions).await {
        match answer {
            Ok(some) => refused.extend(some),
            Err(none) if none.is_missing() => return broken(format!("there is no role {role}")),
            Err(none) => unanswered = Some(none),
        }
    }
    let (unsure, sure): (Vec<Refused>, Vec<Refused>) =
        refused.into_iter().partition(|refused| !refused.depends_on.is_empty());
    if !sure.is_empty() {
        return broken(named(role, &sure));
    }
    if let Some(none) = unanswered {
        return Err(none.into());
    }
    if unsure.is_empty() {
        return Ok(plural(wishes.len(), "permission"));
    }
    let keys: BTreeSet<&str> = unsure.iter().flat_map(|one| one.depends_on.split(' ')).collect();
    let keys = keys.into_iter().collect::<Vec<_>>().join(", ");
    let fix = format!(
        "read the conditions on {keys} in the role's policies, its boundary and the organization's policies"
    );
    Err(Trouble::Unknown(format!("{}, unless {keys} makes a difference", named(role, &unsure)), fix))
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
    let part = |arn: &str, number: usize| arn.split(':').nth(number).unwrap_or_default().to_owned();
    let account = part(role, 4);
    // What AWS would put into a request: whose the resource is, where its ARN does not say it, and who asks.
    let context = [
        ("aws:ResourceAccount", account.clone()),
        ("aws:PrincipalAccount", account),
        ("aws:PrincipalArn", role.to_owned()),
        ("aws:RequestedRegion", part(resource, 3)),
    ];
    for (number, (key, value)) in (1..).zip(context.iter().filter(|(_, value)| !value.is_empty())) {
        let _ = write!(
            form,
            "&ContextEntries.member.{number}.ContextKeyName={}&ContextEntries.member.{number}.ContextKeyType=string\
             &ContextEntries.member.{number}.ContextKeyValues.member.1={}",
            encoded(key),
            encoded(value)
        );
    }
    let mut answers = Vec::new();
    let mut page = String::new();
    for _ in 0..PAGES {
        let answer = ask.iam(SIMULATE, partition, &format!("{form}&MaxItems=1000{page}")).await?;
        let more = between(&answer, "IsTruncated") == Some("true");
        let marker = between(&answer, "Marker").map(encoded);
        answers.push(answer);
        match marker.filter(|_| more) {
            Some(marker) => page = format!("&Marker={marker}"),
            None => return refused(&answers, &actions, resource),
        }
    }
    Err(NoAnswer::without_end(SIMULATE))
}

const SIMULATE: &str = "iam:SimulatePrincipalPolicy";

/// How many pages of one simulation are read at most.
const PAGES: usize = 100;

/// The results of a simulation: the members of the list itself. What is deeper (`MatchedStatements`,
/// `ResourceSpecificResults`) has members, too.
fn results(answer: &str) -> Vec<&str> {
    let list = answer.split_once("<EvaluationResults>").map_or("", |(_, rest)| rest);
    let (mut depth, mut begin, mut all) = (0_usize, 0, Vec::new());
    for (at, _) in list.match_indices('<') {
        let tag = list.get(at..).unwrap_or_default();
        if tag.starts_with("<member>") {
            if depth == 0 {
                begin = at;
            }
            depth += 1;
        } else if tag.starts_with("</member>") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                all.extend(list.get(begin..at));
            }
        } else if depth == 0 && tag.starts_with("</EvaluationResults>") {
            break;
        }
    }
    all
}

/// What of the simulated actions is refused. An action of which nothing is said is no answer: never a yes.
fn refused(answers: &[String], actions: &[&str], resource: &str) -> Result<Vec<Refused>, NoAnswer> {
    let results: BTreeMap<String, &str> = answers
        .iter()
        .flat_map(|answer| results(answer))
        .filter_map(|result| Some((between(result, "EvalActionName")?.to_ascii_lowercase(), result)))
        .collect();
    let mut refused = Vec::new();
    for action in actions {
        let result = results.get(&action.to_ascii_lowercase()).copied().unwrap_or_default();
        let by = match between(result, "EvalDecision") {
            Some("allowed") => continue,
            Some("explicitDeny") => " (denied)",
            Some(_) => "",
            None => return Err(NoAnswer::unreadable(SIMULATE)),
        };
        let by = match between(result, "AllowedByOrganizations") {
            Some("false") => " (denied by the organization)",
            _ => match between(result, "AllowedByPermissionsBoundary") {
                Some("false") => " (beyond the role's boundary)",
                _ => by,
            },
        };
        let missing = between(result, "MissingContextValues").unwrap_or_default();
        let missing: Vec<&str> =
            missing.split("<member>").skip(1).filter_map(|key| Some(key.split_once('<')?.0.trim())).collect();
        refused.push(Refused {
            action: (*action).to_owned(),
            resource: resource.to_owned(),
            by,
            depends_on: missing.join(" "),
        });
    }
    Ok(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulation_is_read() {
        // In AWS's order: the decision stands before the name, and other lists have members, too.
        let result = |decision: &str, more: &str, action: &str| {
            format!(
                "<member><MatchedStatements><member><SourcePolicyId>p</SourcePolicyId></member></MatchedStatements>{more}\
                 <EvalDecision>{decision}</EvalDecision><EvalResourceName>*</EvalResourceName>\
                 <EvalActionName>{action}</EvalActionName><ResourceSpecificResults><member>\
                 <EvalResourceDecision>allowed</EvalResourceDecision></member></ResourceSpecificResults></member>"
            )
        };
        let organization = "<OrganizationsDecisionDetail><AllowedByOrganizations>false</AllowedByOrganizations>\
            </OrganizationsDecisionDetail>";
        let answer = format!(
            "<IsTruncated>false</IsTruncated><EvaluationResults>{}{}{}{}</EvaluationResults><x><member>y</member></x>",
            result("implicitDeny", "", "ec2:CreateTags"),
            result("allowed", "", "sns:TagResource"),
            result("explicitDeny", organization, "s3:PutBucketTagging"),
            result(
                "implicitDeny",
                "<MissingContextValues><member>aws:Vpc</member></MissingContextValues>",
                "sqs:TagQueue"
            ),
        );
        let actions = ["sns:TagResource", "ec2:CreateTags", "s3:PutBucketTagging", "sqs:TagQueue"];
        let answers = [answer];
        let refused = |actions: &[&str]| super::refused(&answers, actions, "*");
        let found = refused(&actions).unwrap();
        assert_eq!(
            named("arn:aws:iam::111122223333:role/tagger", &found),
            "tagger may not ec2:CreateTags, s3:PutBucketTagging (denied by the organization), sqs:TagQueue"
        );
        assert_eq!(found.iter().map(|one| one.depends_on.as_str()).collect::<Vec<_>>(), ["", "", "aws:Vpc"]);
        assert_eq!(refused(&["sns:TagResource"]).unwrap(), []);
        // Of what nothing is said, nothing is known.
        assert_eq!(refused(&["sns:TagResource", "kms:TagResource"]).unwrap_err().code, "UnreadableAnswer");
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
