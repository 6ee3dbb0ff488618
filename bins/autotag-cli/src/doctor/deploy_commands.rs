//! The commands that deploy a stack again.
//!
//! A deployment in one stack is that of `autotag deploy`. One in parts is made by hand, as docs/deploy-by-hand.md says: that page
//! sets `$BUCKET` and `$BUS`.

use super::deployment::Names;
use autotag_model::arn::Region;

/// How a fix gives a parameter to [`deploy_hub`] and [`deploy_region`].
pub(super) fn parameter_option(names: &Names) -> &'static str {
    if names.is_whole() { "--parameter" } else { "--parameter-overrides" }
}

/// Deploys the stack of the hub.
pub(super) fn deploy_hub(hub: &Region, names: &Names) -> String {
    if names.is_whole() {
        return by_program(hub, names);
    }
    format!(
        "aws cloudformation deploy --region {hub} --stack-name {} --template-file deploy/hub.yaml \
         --s3-bucket $BUCKET --capabilities CAPABILITY_NAMED_IAM",
        names.hub_stack
    )
}

/// Deploys the stack of session-handler, which only a deployment in parts has. `$RELEASE` is that of docs/deploy-by-hand.md.
pub(super) fn deploy_sessions(hub: &Region, stack: &str) -> String {
    format!(
        "aws cloudformation deploy --region {hub} --stack-name {stack} --template-file deploy/session.yaml \
         --capabilities CAPABILITY_IAM --parameter-overrides CodeBucket=$BUCKET \
         SessionHandlerKey=$RELEASE/session-handler.zip Release=$RELEASE"
    )
}

/// Deploys the stack of the rules in a region, where it exists already.
pub(super) fn deploy_region(hub: &Region, region: &str, names: &Names) -> String {
    if names.is_whole() {
        return by_program(hub, names);
    }
    format!(
        "aws cloudformation deploy --region {region} --stack-name {}-region --template-file deploy/region.yaml \
         --s3-bucket $BUCKET --capabilities CAPABILITY_NAMED_IAM",
        names.prefix
    )
}

/// The options of [`deploy_region`] for a region that may not have the stack. An organization keeps its regions.
pub(super) fn for_a_new_region(region: &str, names: &Names) -> String {
    match (names.is_whole(), names.stack_sets.is_empty()) {
        (false, _) => " --parameter-overrides HubBusArn=$BUS".to_owned(),
        (true, true) => format!(" --regions {region}"),
        (true, false) => String::new(),
    }
}

/// Deploys rules in regions that have none. `forwarding` are the regions that have some, which an organization must name again.
pub(super) fn deploy_regions(hub: &Region, new: &[&str], forwarding: &[&str], names: &Names) -> String {
    if !names.is_whole() {
        let command = deploy_region(hub, "$REGION", names);
        return format!("in each of {}: {command}{}", new.join(", "), for_a_new_region("$REGION", names));
    }
    let kept = if names.stack_sets.is_empty() { &[] } else { forwarding };
    format!("{} --regions {}", by_program(hub, names), [kept, new].concat().join(","))
}

/// Deploys when nothing is deployed yet.
pub(super) fn deploy_first(hub: &Region) -> String {
    format!(
        "autotag deploy --packages dist --region {hub}; if the hub is in another region, name it with --region"
    )
}

fn by_program(hub: &Region, names: &Names) -> String {
    let name = match names.hub_stack.as_str() {
        "autotag" => String::new(),
        other => format!(" --name {other}"),
    };
    format!("autotag deploy --upgrade --packages dist --region {hub}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(hub: &str, session: &str, stack_sets: &[&str]) -> Names {
        Names {
            prefix: "autotag".to_owned(),
            hub_stack: hub.to_owned(),
            session_stack: session.to_owned(),
            physical_ids: std::collections::BTreeSet::new(),
            stack_sets: stack_sets.iter().map(|set| (*set).to_owned()).collect(),
        }
    }

    /// `hub.yaml` on the one stack of `autotag deploy` would remove session-handler and the rules of its region.
    #[test]
    fn one_stack_is_deployed_by_the_program_and_parts_by_their_templates() {
        let hub = Region::new("eu-west-1").unwrap();
        let (one, organization) =
            (names("autotag", "autotag", &[]), names("tagging", "tagging", &["tagging-region"]));
        let parts = names("autotag-hub", "autotag-session", &[]);
        let upgrade = "autotag deploy --upgrade --packages dist --region eu-west-1";
        assert_eq!(deploy_hub(&hub, &one), upgrade);
        assert_eq!(deploy_region(&hub, "us-east-1", &one), upgrade);
        assert_eq!(deploy_hub(&hub, &organization), format!("{upgrade} --name tagging"));
        assert!(
            deploy_hub(&hub, &parts).contains("--stack-name autotag-hub --template-file deploy/hub.yaml")
        );
        assert!(
            deploy_region(&hub, "us-east-1", &parts)
                .contains("--region us-east-1 --stack-name autotag-region")
        );
    }

    /// `--regions` replaces the regions of an organization, and adds to those of an account.
    #[test]
    fn a_new_region_of_an_organization_comes_with_the_others() {
        let hub = Region::new("eu-west-1").unwrap();
        let regions =
            |names: &Names| deploy_regions(&hub, &["sa-east-1"], &["eu-west-1", "us-east-1"], names);
        let organization = regions(&names("autotag", "autotag", &["autotag-region"]));
        assert!(organization.ends_with(" --regions eu-west-1,us-east-1,sa-east-1"), "{organization}");
        let one = regions(&names("autotag", "autotag", &[]));
        assert!(one.ends_with(" --regions sa-east-1"), "{one}");
        let parts = regions(&names("autotag-hub", "autotag-session", &[]));
        assert!(
            parts.starts_with("in each of sa-east-1: aws cloudformation deploy --region $REGION"),
            "{parts}"
        );
        assert!(parts.ends_with(" --parameter-overrides HubBusArn=$BUS"), "{parts}");
    }
}
