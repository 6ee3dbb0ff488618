//! The rules of `EventBridge`, as AWS describes them.

use super::check::{CheckFailure, blocked_by};
use super::checks::BUS;
use super::policy::document;
use autotag_aws::query::{AwsQuery, QueryError, if_there};
use autotag_aws::signed::EVENTS;
use autotag_model::arn::Region;
use futures_util::future::join_all;
use serde_json::{Value, json};

/// The bus to which AWS itself sends events.
pub(super) const DEFAULT_BUS: &str = "default";

/// The prefix of the names of all rules of autotag.
const NAME_PREFIX: &str = "autotag-";
/// The prefix of the names of the rules for creations.
pub(super) const CREATIONS: &str = "autotag-creations-";
/// The name of the rule for sessions.
pub(super) const SESSIONS: &str = "autotag-sessions";

/// The tag with the version of the catalogue from which a rule was generated.
const VERSION_TAG: &str = "autotag-catalogue";

/// The states in which a rule matches events.
const ENABLED: [&str; 2] = ["ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"];

/// A rule with its targets.
#[derive(Debug, Clone, Default)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) enabled: bool,
    pub(super) state: String,
    pub(super) pattern: Value,
    /// The version of the catalogue; `None` if the rule has no such tag, or its tags cannot be read.
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

/// Reads the rules of autotag on a bus.
pub(super) async fn read_rules(aws: &AwsQuery, region: &Region, bus: &str) -> Rules {
    let input = json!({"NamePrefix": NAME_PREFIX, "EventBusName": bus});
    let listed = aws.list(EVENTS, "events:ListRules", region, &input, ("Rules", "NextToken")).await;
    let Some(listed) = if_there(listed)? else { return blocked_by(BUS) };
    let rules = join_all(listed.iter().map(|rule| read_rule(aws, region, bus, rule))).await;
    Ok(rules.into_iter().collect::<Result<_, QueryError>>()?)
}

/// The rules with such names.
pub(super) fn with_name(rules: &Rules, matches: impl Fn(&str) -> bool) -> Rules {
    let mut rules = rules.clone()?;
    rules.retain(|rule| matches(&rule.name));
    Ok(rules)
}

async fn read_rule(aws: &AwsQuery, region: &Region, bus: &str, rule: &Value) -> Result<Rule, QueryError> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let (name, arn) = (text(rule, "Name").unwrap_or_default(), text(rule, "Arn").unwrap_or_default());
    let (input, tagged) = (json!({"Rule": name, "EventBusName": bus}), json!({"ResourceARN": arn}));
    let (targets, tags) = tokio::join!(
        aws.list(EVENTS, "events:ListTargetsByRule", region, &input, ("Targets", "NextToken")),
        aws.json(EVENTS, "events:ListTagsForResource", region, &tagged),
    );
    // The version is only a hint: a rule whose tags cannot be read is checked by its pattern.
    let tags = tags.unwrap_or_default();
    let mut tags = tags.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let version = tags.find(|tag| tag.get("Key").is_some_and(|key| key == VERSION_TAG));
    let target = |target: &Value| Target {
        arn: text(target, "Arn").unwrap_or_default(),
        role: text(target, "RoleArn"),
        dead_letters: target.get("DeadLetterConfig").and_then(|config| text(config, "Arn")),
    };
    let state = text(rule, "State").unwrap_or_default();
    Ok(Rule {
        name,
        arn,
        enabled: ENABLED.contains(&state.as_str()),
        state,
        pattern: document(&text(rule, "EventPattern").unwrap_or_default()),
        version: version.and_then(|tag| text(tag, "Value")),
        targets: targets?.iter().map(target).collect(),
    })
}
