//! Resource control policies: what they deny to the roles that tag, and to `EventBridge`.

use super::check::{CheckFailure, CheckResult, fail_with};
use super::deployment::DeploymentView;
use super::organization::{OrganizationPolicy, Tagged};
use super::permissions::example;
use super::policy::{conditions_hold, names_action, names_resource, statements};
use crate::output::plural;

/// The services to which such policies apply, among those that autotag calls.
const SERVICES: [&str; 7] = ["sts", "s3", "sqs", "kms", "secretsmanager", "dynamodb", "ecr"];

/// A request that a policy could deny.
struct Request<'r> {
    /// Who sends it, for people.
    who: &'r str,
    action: &'r str,
    resource: String,
    context: Vec<(&'static str, String)>,
}

/// Checks the policies that apply to the resources of an account.
pub(super) fn judge(
    view: &DeploymentView,
    tagged: &Tagged<'_>,
    levels: &[Vec<&OrganizationPolicy>],
) -> CheckResult {
    let requests = requests(view, tagged);
    let mut conditional = None;
    for policy in levels.iter().flatten() {
        for statement in statements(&policy.document).filter(|statement| statement["Effect"] == "Deny") {
            let about = |request: &&Request<'_>| {
                names_action(statement, request.action) && names_resource(statement, &request.resource)
            };
            for request in requests.iter().filter(about) {
                let context: Vec<(&str, &str)> =
                    request.context.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let denied = format!("policy `{}` denies {} to {}", policy.name, request.action, request.who);
                let shows = format!(
                    "aws organizations describe-policy --policy-id {} --query Policy.Content --output text",
                    policy.id
                );
                match conditions_hold(statement, &context) {
                    Some(true) => return fail_with(denied, shows),
                    Some(false) => {}
                    None => {
                        conditional = conditional.or(Some((format!("{denied}, under conditions"), shows)));
                    }
                }
            }
        }
    }
    match conditional {
        None => Ok(format!("{} read", plural(levels.iter().flatten().count(), "policy"))),
        Some((seen, fix)) => Err(CheckFailure::Unknown(seen, fix)),
    }
}

fn requests<'r>(view: &'r DeploymentView, tagged: &'r Tagged<'_>) -> Vec<Request<'r>> {
    let account = tagged.account.as_str();
    let organization = view.organization_id().unwrap_or_default().to_owned();
    let by = |principal: &str, owner: &str| {
        vec![
            ("aws:PrincipalArn", principal.to_owned()),
            ("aws:PrincipalAccount", owner.to_owned()),
            ("aws:PrincipalOrgID", organization.clone()),
            ("aws:ResourceOrgID", organization.clone()),
            ("aws:ResourceAccount", account.to_owned()),
            ("aws:PrincipalIsAWSService", "false".to_owned()),
            ("aws:SourceAccount", String::new()),
            ("aws:SourceOrgID", String::new()),
            ("aws:SecureTransport", "true".to_owned()),
            ("s3:TlsVersion", "1.3".to_owned()),
        ]
    };
    let mut requests = Vec::new();
    let hub_role = view.tag_handler.role().unwrap_or_default();
    if let Some(role) = tagged.role.as_deref().filter(|_| *tagged.account != view.account) {
        let context = by(hub_role, view.account.as_str());
        let resource = role.to_owned();
        requests.push(Request { who: hub_role, action: "sts:AssumeRole", resource, context });
    }
    let needs = view.expected.tagging.iter().chain(&view.expected.reading);
    for need in needs.filter(|need| SERVICES.iter().any(|name| need.action.split(':').next() == Some(name))) {
        let role = tagged.role.as_deref().unwrap_or_default();
        let resource = example(need, &view.partition, (view.hub.as_str(), account));
        requests.push(Request { who: role, action: &need.action, resource, context: by(role, account) });
    }
    if *tagged.account == view.account {
        requests.extend(view.consumers().into_iter().map(|consumer| Request {
            who: "events.amazonaws.com",
            action: "sqs:SendMessage",
            resource: view.queue_arn(&consumer.queue),
            context: by_service(account, &organization),
        }));
    }
    requests
}

/// The context of a request that a service makes on behalf of the account.
fn by_service(account: &str, organization: &str) -> Vec<(&'static str, String)> {
    vec![
        ("aws:PrincipalArn", String::new()),
        ("aws:PrincipalAccount", String::new()),
        ("aws:PrincipalOrgID", String::new()),
        ("aws:ResourceOrgID", organization.to_owned()),
        ("aws:ResourceAccount", account.to_owned()),
        ("aws:PrincipalIsAWSService", "true".to_owned()),
        ("aws:PrincipalServiceName", "events.amazonaws.com".to_owned()),
        ("aws:SourceAccount", account.to_owned()),
        ("aws:SourceOrgID", organization.to_owned()),
        ("aws:SecureTransport", "true".to_owned()),
    ]
}
