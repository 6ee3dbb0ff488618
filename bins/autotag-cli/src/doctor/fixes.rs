//! Fills the names of the deployment into the fixes.

use super::check::Finding;
use super::deploy_commands::{deploy_hub, deploy_region, for_a_new_region, parameter_option};
use super::deployment::DeploymentView;
use autotag_model::arn::AccountId;

/// The finding with the names of the deployment in its fix.
pub(super) fn filled(view: &DeploymentView, mut finding: Finding) -> Finding {
    let Some(fix) = &finding.fix else { return finding };
    let words = || finding.place.split(' ');
    let region = words().find(|word| view.regions.iter().any(|region| region.region.as_str() == *word));
    let account = words().find(|word| AccountId::new(word).is_some()).unwrap_or(view.account.as_str());
    let about = |consumer: &&super::consumer::Consumer| {
        let names = [&consumer.function, &consumer.queue.name, &consumer.dead_letters.name];
        names.iter().any(|name| words().any(|word| word == name.as_str()))
    };
    let consumer = view.consumers().into_iter().find(about).unwrap_or(&view.tag_handler);
    let url = |queue: &super::consumer::Queue| match &queue.attributes {
        Ok(Some(attributes)) => attributes.url.clone(),
        _ => queue.name.clone(),
    };
    let role = view.member_role.as_ref().map_or("autotag-member", |role| role.name.as_str());
    let tag_role = view.tag_handler.role().unwrap_or("the role of tag-handler");
    let (queue_url, dead_url) = (url(&consumer.queue), url(&consumer.dead_letters));
    let queue_arn = view.queue_arn(&consumer.dead_letters);
    let region = region.unwrap_or(consumer.region.as_str());
    let deploy_hub = deploy_hub(&view.hub, &view.names);
    let deploy_region = deploy_region(&view.hub, region, &view.names);
    let new_region = for_a_new_region(region, &view.names);
    let filled = [
        ("{deploy-hub}", deploy_hub.as_str()),
        ("{deploy-region}", deploy_region.as_str()),
        ("{new-region}", new_region.as_str()),
        ("{parameter}", parameter_option(&view.names)),
        ("{hub}", view.hub.as_str()),
        ("{region}", region),
        ("{account}", account),
        ("{stack}", consumer.stack.as_str()),
        ("{hub-stack}", view.names.hub_stack.as_str()),
        ("{session-stack}", view.names.session_stack.as_str()),
        ("{prefix}", view.names.prefix.as_str()),
        ("{bus}", view.bus.as_str()),
        ("{function}", consumer.function.as_str()),
        ("{queue-url}", queue_url.as_str()),
        ("{dead-url}", dead_url.as_str()),
        ("{dead-arn}", queue_arn.as_str()),
        ("{table}", view.table.as_str()),
        ("{table-region}", view.table_region.as_str()),
        ("{member-role}", role),
        ("{tag-role}", tag_role),
    ];
    let filled = filled.iter().fold(fix.clone(), |fix, (name, value)| fix.replace(name, value));
    let command = ["aws ", "autotag "].iter().any(|program| filled.starts_with(program));
    // `autotag deploy` runs in the account of the hub.
    let elsewhere = command && account != view.account.as_str() && !filled.starts_with("autotag deploy");
    finding.fix = Some(if elsewhere { format!("in account {account}: {filled}") } else { filled });
    finding
}
