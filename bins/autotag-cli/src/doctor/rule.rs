//! Rules as `EventBridge` tells of them.

use super::ask::if_there;
use super::bus::BUS;
use super::policy::document;
use super::{Ask, NoAnswer, Trouble, hangs_on};
use autotag_aws::signed::EVENTS;
use autotag_model::arn::Region;
use futures_util::future::join_all;
use serde_json::{Value, json};

/// The bus on which AWS itself brings events.
pub(super) const DEFAULT_BUS: &str = "default";

/// What the names of the rules for creations begin with, and the one for sessions is called.
const RULES: &str = "autotag-";
pub(super) const CREATIONS: &str = "autotag-creations-";
pub(super) const SESSIONS: &str = "autotag-sessions";

/// The tag that says from which catalogue a rule was made.
const VERSION_TAG: &str = "autotag-catalogue";

/// The states in which a rule works.
const ON: [&str; 2] = ["ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"];

/// A rule, and where it sends.
#[derive(Debug, Clone, Default)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) on: bool,
    pub(super) state: String,
    pub(super) pattern: Value,
    pub(super) version: Option<String>,
    pub(super) targets: Vec<Target>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Target {
    pub(super) arn: String,
    pub(super) role: Option<String>,
    pub(super) letters: Option<String>,
}

/// The rules of a bus, or why they are not known.
pub(super) type Rules = Result<Vec<Rule>, Trouble>;

/// Asks for the rules of autotag on a bus.
pub(super) async fn rules(ask: &Ask, region: &Region, bus: &str) -> Rules {
    let input = json!({"NamePrefix": RULES, "EventBusName": bus});
    let listed = ask.list(EVENTS, "events:ListRules", region, &input, ("Rules", "NextToken")).await;
    let Some(listed) = if_there(listed)? else { return hangs_on(BUS) };
    let looked = join_all(listed.iter().map(|rule| look(ask, region, bus, rule))).await;
    Ok(looked.into_iter().collect::<Result<_, NoAnswer>>()?)
}

async fn look(ask: &Ask, region: &Region, bus: &str, rule: &Value) -> Result<Rule, NoAnswer> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let (name, arn) = (text(rule, "Name").unwrap_or_default(), text(rule, "Arn").unwrap_or_default());
    let (input, tagged) = (json!({"Rule": name, "EventBusName": bus}), json!({"ResourceARN": arn}));
    let (targets, tags) = tokio::join!(
        ask.list(EVENTS, "events:ListTargetsByRule", region, &input, ("Targets", "NextToken")),
        ask.json(EVENTS, "events:ListTagsForResource", region, &tagged),
    );
    let tags = tags.unwrap_or_default();
    let mut tags = tags.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let version = tags.find(|tag| tag.get("Key").is_some_and(|key| key == VERSION_TAG));
    let target = |target: &Value| Target {
        arn: text(target, "Arn").unwrap_or_default(),
        role: text(target, "RoleArn"),
        letters: target.get("DeadLetterConfig").and_then(|config| text(config, "Arn")),
    };
    let state = text(rule, "State").unwrap_or_default();
    Ok(Rule {
        name,
        arn,
        on: ON.contains(&state.as_str()),
        state,
        pattern: document(&text(rule, "EventPattern").unwrap_or_default()),
        version: version.and_then(|tag| text(tag, "Value")),
        targets: targets?.iter().map(target).collect(),
    })
}
