//! The commands that people run after a plan. They read and write what the plan shows, and nothing more.

use crate::cli::{FilterArgs, PlanArgs, PlanCommand, ProofArg, SharedFilterArgs};
use crate::shell::{path, quoted};
use std::path::Path;

/// More paths than these are not repeated.
const PATHS: usize = 3;

/// The commands, each with what it does.
pub(super) fn commands(command: &PlanCommand) -> Vec<(String, &'static str)> {
    let PlanCommand { plan, checks, out, .. } = command;
    if let Some(file) = out {
        let apply = ["autotag apply".to_owned(), path(&file.to_string_lossy())].join(" ");
        return vec![(apply, "writes the tags")];
    }
    let words = |name: &str, options: Vec<String>| {
        let start = [format!("autotag {name}"), paths(&plan.source.paths)];
        start.into_iter().chain(options).collect::<Vec<_>>().join(" ")
    };
    let with_event = source(plan).into_iter().chain(["--event ID".to_owned()]).collect();
    let mut commands = vec![(words("explain", with_event), "shows why an owner was found")];
    // `apply` cannot choose outcomes: it would write more than is shown.
    if checks.outcome.is_empty() {
        let options = [filters(&plan.filter), times(plan), source(plan)].concat();
        commands.push((words("apply", options), "writes the tags"));
    }
    commands
}

/// The options by which owners and tags are decided.
fn source(plan: &PlanArgs) -> Vec<String> {
    let source = &plan.source;
    let of_file = |name: &str, file: &Path| option(name, &file.to_string_lossy());
    let policy = source.policy.iter().map(|file| of_file("--policy", file));
    let rules = source.rules.iter().map(|file| of_file("--rules", file));
    let state = source.state.iter().map(|file| of_file("--state", file));
    policy.chain(rules).chain(state).collect()
}

fn times(plan: &PlanArgs) -> Vec<String> {
    let times = [("--since", plan.since), ("--until", plan.until)];
    times.into_iter().filter_map(|(name, time)| Some(option(name, &time?.to_string()))).collect()
}

fn filters(filter: &FilterArgs) -> Vec<String> {
    let FilterArgs { owner, shared, region } = filter;
    let SharedFilterArgs { account, service, resource_type, proof } = shared;
    let proof: Vec<String> = proof.iter().copied().map(|proof| ProofArg::as_str(proof).to_owned()).collect();
    let all = [
        ("--owner", owner),
        ("--account", account),
        ("--service", service),
        ("--type", resource_type),
        ("--region", region),
        ("--proof", &proof),
    ];
    let chosen = all.into_iter().filter(|(_, values)| !values.is_empty());
    chosen.map(|(name, values)| option(name, &values.join(","))).collect()
}

/// An option with its value. A value that begins with `-` would be read as an option.
fn option(name: &str, value: &str) -> String {
    let between = if value.starts_with('-') { '=' } else { ' ' };
    format!("{name}{between}{}", quoted(value))
}

fn paths(paths: &[String]) -> String {
    let is_told = |path: &String| path != "-" && !path.chars().any(char::is_control);
    if paths.len() > PATHS || !paths.iter().all(is_told) {
        return "PATH".to_owned();
    }
    paths.iter().map(|text| path(text)).collect::<Vec<_>>().join(" ")
}
