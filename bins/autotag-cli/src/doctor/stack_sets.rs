//! The stack sets that bring the role and the rules into other accounts and regions: one paged call tells the state of all instances.

use super::check::{CheckResult, Finding, fail_with};
use super::checks::STACK_SETS;
use super::deployment::DeploymentView;
use autotag_aws::query::{QueryError, StackInstance};
use futures_util::future::join_all;
use std::collections::BTreeMap;

/// The error code for a stack set that does not exist.
const MISSING: &str = "StackSetNotFoundException";

/// The instances of a stack set.
#[derive(Debug)]
struct Instances {
    all: usize,
    /// True if the caller is a delegated administrator.
    delegated: bool,
    not_current: Vec<StackInstance>,
}

/// The findings about the stack sets; none about one that neither the stack makes nor exists.
pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    let made = &view.names.stack_sets;
    let usual = ["member", "region"].map(|kind| format!("{}-{kind}", view.names.prefix));
    // Without other accounts there are no stack sets.
    let alone = matches!(&view.members, Ok(members) if members.is_empty() && view.not_sampled == 0);
    let names: Vec<&str> = match made.as_slice() {
        [] if alone => Vec::new(),
        [] => usual.iter().map(String::as_str).collect(),
        made => made.iter().map(String::as_str).collect(),
    };
    let findings = join_all(names.into_iter().map(async |name| match instances(view, name).await {
        Ok(Some(instances)) => Some(STACK_SETS.at(name, judge(view, name, &instances))),
        Ok(None) if made.is_empty() => None,
        Ok(None) => Some(STACK_SETS.at(
            name,
            fail_with(
                format!("there is no stack set `{name}` in {}", view.hub),
                format!("aws cloudformation create-stack-set --stack-set-name {name} --region {}, as docs/deploy.md has it", view.hub),
            ),
        )),
        Err(error) => Some(STACK_SETS.at(name, Err(error.into()))),
    }));
    findings.await.into_iter().flatten().collect()
}

/// The instances, as the administrator or as a delegated one; `None` if there is no such stack set.
async fn instances(view: &DeploymentView, name: &str) -> Result<Option<Instances>, QueryError> {
    match list(view, name, false).await {
        Err(error) if error.code == MISSING => {}
        other => return other.map(Some),
    }
    let manager = view.organization.as_ref().ok().and_then(Option::as_ref).map(|one| one.manager.as_str());
    if manager.is_none_or(|manager| manager == view.account.as_str()) {
        return Ok(None);
    }
    match list(view, name, true).await {
        // Only a delegated administrator may ask as one.
        Err(error) if error.code == MISSING || error.code == "ValidationError" => Ok(None),
        other => other.map(Some),
    }
}

async fn list(view: &DeploymentView, name: &str, delegated: bool) -> Result<Instances, QueryError> {
    let mut instances = view.aws.stack_instances(&view.hub, name, delegated).await?;
    let all = instances.len();
    instances.retain(|instance| instance.status != "CURRENT");
    Ok(Instances { all, delegated, not_current: instances })
}

fn judge(view: &DeploymentView, name: &str, instances: &Instances) -> CheckResult {
    let Some(StackInstance { account, region, .. }) = instances.not_current.first() else {
        return Ok(format!("{} instances are CURRENT", instances.all));
    };
    let mut groups: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for StackInstance { account, region, status, reason, .. } in &instances.not_current {
        groups.entry((status, reason)).or_default().push(format!("{account} {region}"));
    }
    let groups = groups.into_iter().map(|((status, reason), places)| {
        let first = places.first().map_or("", String::as_str);
        let others = if places.len() > 1 { format!(" and {} more", places.len() - 1) } else { String::new() };
        let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        format!("{} {status}{reason}: {first}{others}", places.len())
    });
    let groups: Vec<String> = groups.collect();
    let by = if instances.delegated { " --call-as DELEGATED_ADMIN" } else { "" };
    fail_with(
        format!("of {} instances {}", instances.all, groups.join("; ")),
        format!(
            "aws cloudformation describe-stack-instance --stack-set-name {name} --stack-instance-account {account} \
             --stack-instance-region {region} --region {hub}{by}, then aws cloudformation update-stack-set --stack-set-name {name} \
             --use-previous-template --capabilities CAPABILITY_NAMED_IAM --region {hub}{by}",
            hub = view.hub
        ),
    )
}
