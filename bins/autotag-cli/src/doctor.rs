//! The checks of `autotag doctor`: each link of a deployment's chain, from the trail to the tags.
//!
//! A [`Check`](check::Check) is a value: a name, a question, and a fix; all of them are in `checks.rs`. Each family of checks is
//! a module that queries AWS and then evaluates the answers. The evaluation is pure. Only [`canary`] changes anything in AWS.

mod bus;
pub(crate) mod canary;
mod check;
mod checks;
mod consumer;
mod copied_keys;
mod deployment;
mod eventbridge;
mod expected;
mod functions;
mod guardrails;
mod members;
mod options;
mod pattern;
mod permissions;
mod policy;
mod queues;
mod rule_checks;
mod simulation;
mod stack;
mod table;
mod trail;

pub(crate) use check::{Finding, State};
pub(crate) use deployment::DeploymentView;
pub(crate) use expected::Expected;
pub(crate) use options::DoctorOptions;

/// Runs all checks but the canary. The findings are in the order of the chain.
pub(crate) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    let (trail, rules, bus, queues, functions) = tokio::join!(
        trail::examine(view),
        rule_checks::examine(view),
        bus::examine(view),
        queues::examine(view),
        functions::examine(view),
    );
    let (table, permissions, members, guardrails) = tokio::join!(
        table::examine(view),
        permissions::examine(view),
        members::examine(view),
        guardrails::examine(view),
    );
    [trail, rules, bus, queues, functions, table, permissions, members, guardrails].concat()
}
