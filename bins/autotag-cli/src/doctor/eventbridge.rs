//! The rules of `EventBridge`, as AWS describes them.

use super::check::{CheckFailure, blocked_by};
use super::checks::BUS;
use super::policy::document;
use autotag_aws::query::{AwsQuery, QueryError, if_there};
use autotag_aws::signed::EVENTS;
use autotag_model::arn::Region;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The bus to which AWS itself sends events.
pub(super) const DEFAULT_BUS: &str = "default";

/// The tag with the version of the catalogue from which a rule was generated.
const VERSION_TAG: &str = "autotag-catalogue";

/// The states in which a rule matches events.
const ENABLED: [&str; 2] = ["ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"];

/// The events for which a rule is. The names of rules begin with the name of the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// `autotag-creations-1`
    #[default]
    Creations,
    /// `autotag-deletions-1`
    Deletions,
    /// `autotag-tag-changes-1`
    TagChanges,
    /// `autotag-tag-events`
    TagEvents,
    /// `autotag-sessions`
    Sessions,
}

impl Kind {
    /// The kind of the rule with this name in the deployment `prefix`; `None` if it is of another deployment.
    fn of(name: &str, prefix: &str) -> Option<Self> {
        let rest = name.strip_prefix(prefix)?.strip_prefix('-')?;
        let numbered = |kind: &str| {
            let number = rest.strip_prefix(kind);
            number
                .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        match rest {
            "sessions" => Some(Self::Sessions),
            "tag-events" => Some(Self::TagEvents),
            _ if numbered("creations-") => Some(Self::Creations),
            _ if numbered("deletions-") => Some(Self::Deletions),
            _ if numbered("tag-changes-") => Some(Self::TagChanges),
            _ => None,
        }
    }
}

/// A rule with its targets.
#[derive(Debug, Clone, Default)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) arn: String,
    pub(super) enabled: bool,
    pub(super) state: String,
    pub(super) pattern: Value,
    /// The version of the catalogue; `None` if it was not read.
    pub(super) version: Option<String>,
    pub(super) targets: Vec<Target>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Target {
    pub(super) arn: String,
    pub(super) role: Option<String>,
    /// The ARN of the dead-letter queue.
    pub(super) dead_letters: Option<String>,
}

/// Rules, or why they are not known.
pub(super) type Rules = Result<Vec<Rule>, CheckFailure>;

/// Reads the rules of the deployment `prefix` on a bus, with the targets of each.
pub(super) async fn read_rules(aws: &AwsQuery, region: &Region, bus: &str, prefix: &str) -> Rules {
    let mut rules = list_rules(aws, region, bus, prefix).await?;
    let targets = join_all(rules.iter().map(|rule| targets(aws, region, bus, &rule.name))).await;
    for (rule, targets) in rules.iter_mut().zip(targets) {
        rule.targets = targets?;
    }
    add_version(aws, region, &mut rules).await;
    Ok(rules)
}

/// Reads the rules of a stack with few calls: the targets of the first rule of creations, of the rule of sessions, and of those
/// that do not send to `hub`. The other rules of a stack have the same targets.
pub(super) async fn read_rules_briefly(aws: &AwsQuery, region: &Region, prefix: &str, hub: &str) -> Rules {
    let mut rules = list_rules(aws, region, DEFAULT_BUS, prefix).await?;
    let (input, action) = (json!({"TargetArn": hub}), "events:ListRuleNamesByTarget");
    let sending = aws.list(EVENTS, action, region, &input, ("RuleNames", "NextToken")).await?;
    let sending: BTreeSet<&str> = sending.iter().filter_map(Value::as_str).collect();
    let mut shared = None;
    for rule in &mut rules {
        let usual = rule.kind != Kind::Sessions && sending.contains(rule.name.as_str());
        rule.targets = match &shared {
            Some(known) if usual => Clone::clone(known),
            _ => targets(aws, region, DEFAULT_BUS, &rule.name).await?,
        };
        if usual && shared.is_none() {
            shared = Some(rule.targets.clone());
        }
    }
    Ok(rules)
}

/// True if a bus has a rule of the deployment `prefix`.
pub(super) async fn has_rules(
    aws: &AwsQuery,
    region: &Region,
    bus: &str,
    prefix: &str,
) -> Result<bool, CheckFailure> {
    Ok(!list_rules(aws, region, bus, prefix).await?.is_empty())
}

/// The rules of some kinds.
pub(super) fn of_kind(rules: &Rules, kind: Kind) -> Rules {
    let mut rules = rules.clone()?;
    rules.retain(|rule| rule.kind == kind);
    Ok(rules)
}

/// The rules of the deployment `prefix` on a bus, without targets.
async fn list_rules(aws: &AwsQuery, region: &Region, bus: &str, prefix: &str) -> Rules {
    let input = json!({"NamePrefix": format!("{prefix}-"), "EventBusName": bus});
    let listed = aws.list(EVENTS, "events:ListRules", region, &input, ("Rules", "NextToken")).await;
    let Some(listed) = if_there(listed)? else { return blocked_by(BUS) };
    Ok(listed.iter().filter_map(|rule| rule_of(rule, prefix)).collect())
}

fn rule_of(rule: &Value, prefix: &str) -> Option<Rule> {
    let text = |name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (name, state) = (text("Name"), text("State"));
    Some(Rule {
        kind: Kind::of(&name, prefix)?,
        name,
        arn: text("Arn"),
        enabled: ENABLED.contains(&state.as_str()),
        state,
        pattern: document(&text("EventPattern")),
        version: None,
        targets: Vec::new(),
    })
}

async fn targets(aws: &AwsQuery, region: &Region, bus: &str, rule: &str) -> Result<Vec<Target>, QueryError> {
    let input = json!({"Rule": rule, "EventBusName": bus});
    let action = "events:ListTargetsByRule";
    let targets = aws.list(EVENTS, action, region, &input, ("Targets", "NextToken")).await?;
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let target = |target: &Value| Target {
        arn: text(target, "Arn").unwrap_or_default(),
        role: text(target, "RoleArn"),
        dead_letters: target.get("DeadLetterConfig").and_then(|config| text(config, "Arn")),
    };
    Ok(targets.iter().map(target).collect())
}

/// Adds the version of the catalogue to the first rule. One stack makes all of them. The version is only a hint: rules whose tags
/// cannot be read are checked by their patterns.
async fn add_version(aws: &AwsQuery, region: &Region, rules: &mut [Rule]) {
    let Some(rule) = rules.first_mut() else { return };
    let tagged = json!({"ResourceARN": rule.arn});
    let tags = aws.json(EVENTS, "events:ListTagsForResource", region, &tagged).await.unwrap_or_default();
    let mut tags = tags.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let version = tags.find(|tag| tag.get("Key").is_some_and(|key| key == VERSION_TAG));
    rule.version = version.and_then(|tag| tag.get("Value")?.as_str().map(str::to_owned));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_another_deployment_do_not_count() {
        let of = |name| Kind::of(name, "autotag");
        assert_eq!(of("autotag-creations-12"), Some(Kind::Creations));
        assert_eq!(of("autotag-tag-events"), Some(Kind::TagEvents));
        assert_eq!(of("autotag-tag-changes-1"), Some(Kind::TagChanges));
        assert_eq!(of("autotag-test-creations-1"), None);
        assert_eq!(of("autotag-test-sessions"), None);
        assert_eq!(of("autotag-creations-"), None);
        assert_eq!(Kind::of("autotag-test-creations-1", "autotag-test"), Some(Kind::Creations));
    }
}
