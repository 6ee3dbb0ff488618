//! The checks of `autotag doctor`: each link of a deployment's chain, from the trail to the tags.
//!
//! A [`Check`](check::Check) is a value: a name, a question, and a fix; all of them are in `checks.rs`. Each family of checks is
//! a module that queries AWS and then evaluates the answers. The evaluation is pure. Only [`canary`] changes anything in AWS.

mod alarms;
mod bus;
pub(crate) mod canary;
mod check;
mod checks;
mod consumer;
mod copied_keys;
mod deploy_commands;
mod deployment;
mod errors;
mod eventbridge;
mod expected;
mod families;
mod fixes;
mod functions;
pub(crate) mod groups;
mod guardrails;
mod invocations;
mod ledger;
mod mapping;
mod members;
mod metrics;
mod opening;
mod options;
mod organization;
mod parameter;
mod pattern;
mod permissions;
mod policy;
mod queues;
mod regions;
mod resource_controls;
mod role_policies;
mod rule_checks;
mod simulation;
mod stack;
mod stack_sets;
mod table;
mod tag_policies;
mod trail;

pub(crate) use check::{Finding, State};
pub(crate) use deployment::DeploymentView;
pub(crate) use expected::Expected;
pub(crate) use opening::open;
pub(crate) use options::DoctorOptions;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::{self, StreamExt as _};

/// How many checks run at once. The number of requests to AWS has a limit of its own.
const CONCURRENCY: usize = 32;

/// Findings that are to come.
type Job<'v> = LocalBoxFuture<'v, Vec<Finding>>;

/// Runs all checks but the canary. `found` gets the findings in the order of the chain, each as soon as those before it are there.
pub(crate) async fn examine(view: &DeploymentView, mut found: impl FnMut(Finding)) {
    for finding in view.findings.clone() {
        found(fixes::filled(view, finding));
    }
    let mut findings = stream::iter(jobs(view)).buffered(CONCURRENCY);
    while let Some(some) = findings.next().await {
        for finding in some {
            found(fixes::filled(view, finding));
        }
    }
}

/// The checks in the order of the chain.
fn jobs(view: &DeploymentView) -> impl Iterator<Item = Job<'_>> {
    let first: [Job<'_>; 2] = [Box::pin(async { regions::examine(view) }), Box::pin(trail::examine(view))];
    let rules =
        view.regions.iter().map(move |region| -> Job<'_> { Box::pin(rule_checks::examine(view, region)) });
    let hub: [Job<'_>; 9] = [
        Box::pin(bus::examine(view)),
        Box::pin(queues::examine(view)),
        Box::pin(functions::examine(view)),
        Box::pin(table::examine(view)),
        Box::pin(ledger::examine(view)),
        Box::pin(alarms::examine(view)),
        Box::pin(permissions::examine(view)),
        Box::pin(stack_sets::examine(view)),
        Box::pin(async { vec![members::summary(view)] }),
    ];
    let role = view.member_role.as_ref();
    let members = view.members.iter().flatten().filter_map(move |member| Some((member, role?)));
    let members =
        members.map(move |(member, role)| -> Job<'_> { Box::pin(members::examine(view, member, role)) });
    let last: [Job<'_>; 2] = [Box::pin(guardrails::examine(view)), Box::pin(parameter::examine(view))];
    first.into_iter().chain(rules).chain(hub).chain(members).chain(last)
}
