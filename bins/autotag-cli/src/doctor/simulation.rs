//! `iam:SimulatePrincipalPolicy`: IAM's own answer to what a role may do.

use super::check::{CheckFailure, CheckResult, fail, fail_with};
use super::policy::{conditions_hold, names_action, names_resource, statements};
use super::role_policies::RolePolicies;
use crate::output::plural;
use autotag_aws::paginate::paginate;
use autotag_aws::query::xml;
use autotag_aws::query::{AwsQuery, QueryError, encoded};
use autotag_model::arn::Partition;
use futures_util::future::join_all;
use roxmltree::Node;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

const SIMULATE: &str = "iam:SimulatePrincipalPolicy";

/// The maximum number of actions in one call.
const MAX_ACTIONS: usize = 50;

/// How many missing actions a finding names; it counts the others.
const MAX_NAMED: usize = 8;

/// An action that the simulation does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused {
    action: String,
    resource: String,
    /// The reason of the refusal, for people: ` (denied)`; empty if no statement allows it.
    cause: &'static str,
    /// Condition keys without a value in the simulation. With values the action may be allowed.
    missing_keys: Vec<String>,
}

/// Simulates what roles of an account may do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Simulation<'s> {
    pub(super) aws: &'s AwsQuery,
    pub(super) partition: &'s Partition,
    /// The id of the organization: empty if there is none, `None` if it is not known.
    pub(super) organization: Option<&'s str>,
}

impl Simulation<'_> {
    /// Checks that a role may do all of these actions, each on a resource.
    pub(super) async fn may(&self, role: &str, requests: &[(&str, &str)]) -> CheckResult {
        let mut by_resource: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (action, resource) in requests {
            by_resource.entry(resource).or_default().insert(action);
        }
        let calls = by_resource.iter().flat_map(|(resource, actions)| {
            let actions: Vec<&str> = actions.iter().copied().collect();
            let parts: Vec<Vec<&str>> = actions.chunks(MAX_ACTIONS).map(<[&str]>::to_vec).collect();
            parts.into_iter().map(move |part| self.simulate(role, part, resource))
        });
        let (mut refused, mut unanswered) = (Vec::new(), None);
        for answer in join_all(calls).await {
            match answer {
                Ok(some) => refused.extend(some),
                Err(error) if error.is_missing() => {
                    return fail_with(format!("there is no role {role}"), "{deploy-hub}");
                }
                Err(error) => unanswered = Some(error),
            }
        }
        let refused = self.settled(role, refused).await;
        evaluate(role, requests.len(), refused, unanswered)
    }

    /// IAM names all condition keys without a value, also those of statements that are not about the action. A refusal depends on
    /// them only if a statement of the role's policies allows the action under conditions that are not known.
    async fn settled(&self, role: &str, mut refused: Vec<Refused>) -> Vec<Refused> {
        for one in &mut refused {
            let known = self.context(role, &one.resource);
            one.missing_keys.retain(|key| !known.iter().any(|(name, _)| name.eq_ignore_ascii_case(key)));
        }
        if refused.iter().all(|one| one.missing_keys.is_empty()) {
            return refused;
        }
        let Ok(policies) = RolePolicies::read(self.aws, self.partition, role).await else { return refused };
        for one in &mut refused {
            let context = self.context(role, &one.resource);
            let context: Vec<(&str, &str)> =
                context.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let open = |statement: &Value| {
                statement.get("Effect").is_some_and(|effect| effect == "Allow")
                    && names_action(statement, &one.action)
                    && names_resource(statement, &one.resource)
                    && conditions_hold(statement, &context) != Some(false)
            };
            if !policies.documents.iter().flat_map(statements).any(open) {
                one.missing_keys.clear();
            }
        }
        refused
    }

    /// Context keys that AWS would add to a request: the account of the resource, which not every ARN names, the
    /// caller, and the organization.
    fn context(&self, role: &str, resource: &str) -> Vec<(&'static str, String)> {
        let part = |arn: &str, number: usize| arn.split(':').nth(number).unwrap_or_default().to_owned();
        let (account, of_resource) = (part(role, 4), part(resource, 4));
        let organization = self.organization.unwrap_or_default();
        let mut context = vec![
            ("aws:ResourceAccount", if of_resource.is_empty() { account.clone() } else { of_resource }),
            ("aws:PrincipalAccount", account),
            ("aws:PrincipalArn", role.to_owned()),
            ("aws:RequestedRegion", part(resource, 3)),
            ("aws:PrincipalOrgID", organization.to_owned()),
            ("aws:ResourceOrgID", organization.to_owned()),
        ];
        context.retain(|(_, value)| !value.is_empty());
        context
    }

    async fn simulate(
        &self,
        role: &str,
        actions: Vec<&str>,
        resource: &str,
    ) -> Result<Vec<Refused>, QueryError> {
        let form = request(role, &actions, resource, &self.context(role, resource));
        let answers = paginate::<_, QueryError>(SIMULATE, async |marker| {
            let marker =
                marker.map(|marker: String| format!("&Marker={}", encoded(&marker))).unwrap_or_default();
            let answer = self.aws.iam(SIMULATE, self.partition, &format!("{form}{marker}")).await?;
            let next = next_marker(&answer)?;
            Ok((vec![answer], next))
        });
        refused(&answers.await?, &actions, resource)
    }
}

/// A certain refusal outweighs a call without an answer, and that outweighs a refusal that depends on condition keys.
fn evaluate(role: &str, count: usize, refused: Vec<Refused>, unanswered: Option<QueryError>) -> CheckResult {
    let (unsure, sure): (Vec<Refused>, Vec<Refused>) =
        refused.into_iter().partition(|refused| !refused.missing_keys.is_empty());
    if !sure.is_empty() {
        return fail(describe(role, &sure));
    }
    if let Some(error) = unanswered {
        return Err(error.into());
    }
    if unsure.is_empty() {
        return Ok(plural(count, "permission"));
    }
    let keys: BTreeSet<&str> = unsure.iter().flat_map(|one| &one.missing_keys).map(String::as_str).collect();
    let keys = keys.into_iter().collect::<Vec<_>>().join(", ");
    let fix = if keys.contains("OrgID") {
        "allow `organizations:DescribeOrganization` for the identity that runs doctor".to_owned()
    } else {
        format!(
            "read the conditions on {keys} in the role's policies, its boundary and the organization's policies"
        )
    };
    Err(CheckFailure::Unknown(format!("{}, depending on {keys}", describe(role, &unsure)), fix))
}

fn describe(role: &str, refused: &[Refused]) -> String {
    let name = role.rsplit('/').next().unwrap_or(role);
    let one = |refused: &Refused| {
        let on = if refused.resource == "*" { String::new() } else { format!(" on {}", refused.resource) };
        format!("{}{on}{}", refused.action, refused.cause)
    };
    let mut text: Vec<String> = refused.iter().take(MAX_NAMED).map(one).collect();
    if refused.len() > MAX_NAMED {
        text.push(format!("{} more", refused.len() - MAX_NAMED));
    }
    format!("{name} may not {}", text.join(", "))
}

/// The form of a simulation.
fn request(role: &str, actions: &[&str], resource: &str, context: &[(&str, String)]) -> String {
    let mut form = format!(
        "PolicySourceArn={}&ResourceArns.member.1={}&MaxItems=1000",
        encoded(role),
        encoded(resource)
    );
    for (number, action) in (1..).zip(actions) {
        let _ = write!(form, "&ActionNames.member.{number}={}", encoded(action));
    }
    for (number, (key, value)) in (1..).zip(context) {
        let _ = write!(
            form,
            "&ContextEntries.member.{number}.ContextKeyName={}&ContextEntries.member.{number}.ContextKeyType=string\
             &ContextEntries.member.{number}.ContextKeyValues.member.1={}",
            encoded(key),
            encoded(value)
        );
    }
    form
}

/// The marker of the next page.
fn next_marker(answer: &str) -> Result<Option<String>, QueryError> {
    let document = xml::parse(SIMULATE, answer)?;
    let Some(result) = xml::find(document.root(), "SimulatePrincipalPolicyResult") else { return Ok(None) };
    let more = xml::child_text(result, "IsTruncated") == Some("true");
    Ok(xml::child_text(result, "Marker").filter(|_| more).map(str::to_owned))
}

/// The simulated actions that are refused. An action without a result is an error: it must not count as allowed.
fn refused(answers: &[String], actions: &[&str], resource: &str) -> Result<Vec<Refused>, QueryError> {
    // IAM may spell an action in another case than the request.
    let mut results: BTreeMap<String, Option<Refused>> = BTreeMap::new();
    for answer in answers {
        let document = xml::parse(SIMULATE, answer)?;
        let Some(result) = xml::find(document.root(), "SimulatePrincipalPolicyResult") else { continue };
        for member in xml::members(result, "EvaluationResults") {
            let Some(action) = xml::child_text(member, "EvalActionName") else { continue };
            let refused = evaluation(member, action, resource)?;
            results.insert(action.to_ascii_lowercase(), refused);
        }
    }
    let mut all = Vec::new();
    for action in actions {
        match results.get(&action.to_ascii_lowercase()) {
            None => return Err(QueryError::unreadable(SIMULATE)),
            Some(None) => {}
            Some(Some(refused)) => all.push(Refused { action: (*action).to_owned(), ..refused.clone() }),
        }
    }
    Ok(all)
}

/// One result of a simulation: `None` if the action is allowed.
fn evaluation(member: Node<'_, '_>, action: &str, resource: &str) -> Result<Option<Refused>, QueryError> {
    let cause = match xml::child_text(member, "EvalDecision") {
        Some("allowed") => return Ok(None),
        Some("explicitDeny") => " (denied)",
        Some(_) => "",
        None => return Err(QueryError::unreadable(SIMULATE)),
    };
    let denies = |detail: &str, allowed: &str| {
        xml::child(member, detail).and_then(|detail| xml::child_text(detail, allowed)) == Some("false")
    };
    let cause = if denies("OrganizationsDecisionDetail", "AllowedByOrganizations") {
        " (denied by the organization)"
    } else if denies("PermissionsBoundaryDecisionDetail", "AllowedByPermissionsBoundary") {
        " (beyond the role's boundary)"
    } else {
        cause
    };
    let missing_keys = xml::members(member, "MissingContextValues").map(xml::text).map(str::to_owned);
    Ok(Some(Refused {
        action: action.to_owned(),
        resource: resource.to_owned(),
        cause,
        missing_keys: missing_keys.collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer in the layout of IAM: the decision precedes the name, and other lists have members too.
    fn answer(results: &[(&str, &str, &str)]) -> String {
        let result = |(decision, more, action): &(&str, &str, &str)| {
            format!(
                "<member><MatchedStatements><member><SourcePolicyId>p</SourcePolicyId></member></MatchedStatements>{more}\
                 <EvalDecision>{decision}</EvalDecision><EvalResourceName>*</EvalResourceName>\
                 <EvalActionName>{action}</EvalActionName><ResourceSpecificResults><member>\
                 <EvalResourceDecision>allowed</EvalResourceDecision></member></ResourceSpecificResults></member>"
            )
        };
        let results: String = results.iter().map(result).collect();
        format!(
            "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated>\
             <EvaluationResults>{results}</EvaluationResults><x><member>y</member></x>\
             </SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        )
    }

    #[test]
    fn a_simulation_names_what_is_refused_and_by_what() {
        let organization = "<OrganizationsDecisionDetail><AllowedByOrganizations>false</AllowedByOrganizations>\
            </OrganizationsDecisionDetail>";
        let boundary = "<PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>false\
            </AllowedByPermissionsBoundary></PermissionsBoundaryDecisionDetail>";
        let missing = "<MissingContextValues><member>aws:Vpc</member></MissingContextValues>";
        let answers = [answer(&[
            ("implicitDeny", "", "ec2:CreateTags"),
            ("allowed", "", "sns:TagResource"),
            ("explicitDeny", organization, "s3:PutBucketTagging"),
            ("implicitDeny", boundary, "rds:AddTagsToResource"),
            ("implicitDeny", missing, "sqs:TagQueue"),
        ])];
        let refused = |actions: &[&str]| super::refused(&answers, actions, "*");
        let found = refused(&[
            "sns:TagResource",
            "ec2:CreateTags",
            "s3:PutBucketTagging",
            "rds:AddTagsToResource",
            "sqs:TagQueue",
        ])
        .unwrap();
        assert_eq!(
            describe("arn:aws:iam::111122223333:role/tagger", &found),
            "tagger may not ec2:CreateTags, s3:PutBucketTagging (denied by the organization), \
             rds:AddTagsToResource (beyond the role's boundary), sqs:TagQueue"
        );
        let missing: Vec<String> = found.iter().map(|one| one.missing_keys.join(" ")).collect();
        assert_eq!(missing, ["", "", "", "aws:Vpc"]);
        assert_eq!(refused(&["sns:TagResource"]).unwrap(), []);
        assert_eq!(refused(&["SNS:tagresource"]).unwrap(), []);
    }

    #[test]
    fn an_action_without_a_result_is_an_error() {
        let answers = [answer(&[("allowed", "", "sns:TagResource")])];
        let error = refused(&answers, &["sns:TagResource", "kms:TagResource"], "*").unwrap_err();
        assert_eq!(error.code, "UnreadableAnswer");
        let answers = ["<html/>".to_owned()];
        assert_eq!(refused(&answers, &["sns:TagResource"], "*").unwrap_err().code, "UnreadableAnswer");
    }

    #[test]
    fn the_next_page_is_that_of_the_marker() {
        let page = |truncated: &str| {
            format!(
                "<R><SimulatePrincipalPolicyResult><IsTruncated>{truncated}</IsTruncated><Marker>m</Marker>\
                 </SimulatePrincipalPolicyResult></R>"
            )
        };
        assert_eq!(next_marker(&page("true")), Ok(Some("m".to_owned())));
        assert_eq!(next_marker(&page("false")), Ok(None));
    }
}
