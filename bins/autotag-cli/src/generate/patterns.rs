//! `event-patterns/*.json`: which events the rules let through.
//!
//! One `EventBridge` rule takes as many exact (event source, event name) pairs as fit into a pattern, by `$or`; each pair stands
//! in exactly one rule. Why so: `docs/decisions/0023-rules-of-exact-pairs.md`.

use super::Artefact;
use super::inventory::Inventory;
use anyhow::{Result, ensure};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The longest pattern, in characters: the quota that AWS gives every account. Patterns are measured as [`spread`] out as
/// people's tools send them.
pub(crate) const LONGEST: usize = 2_048;

/// The source of STS records.
pub(crate) const STS: &str = "sts.amazonaws.com";

/// The calls of STS that make a session to keep.
pub(crate) const SESSION_EVENTS: [&str; 5] =
    ["AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "GetFederationToken"];

/// What every pattern begins with. Only AWS can send events whose source begins with `aws.`; failed calls create nothing.
const HEAD: &str = "{\"source\":[{\"prefix\":\"aws.\"}],\
\"detail-type\":[\"AWS API Call via CloudTrail\",\"AWS Service Event via CloudTrail\"],\
\"detail\":{\"errorCode\":[{\"exists\":false}],";

/// Events of one source, or some of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arm {
    /// `eventSource`.
    pub(crate) source: String,
    /// `eventName`, any of these.
    pub(crate) names: Vec<String>,
}

/// What one rule lets through: any of its arms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// At least one.
    pub(crate) arms: Vec<Arm>,
}

impl Arm {
    /// `"eventSource":["…"],"eventName":["…","…"]`
    fn json(&self) -> String {
        let names = self.names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(",");
        format!("\"eventSource\":[{}],\"eventName\":[{names}]", quoted(&self.source))
    }

    /// What it adds to a pattern: itself with braces, a comma and a space.
    fn length(&self) -> usize {
        spread(&self.json()) + 4
    }

    /// For a template.
    pub(crate) fn yaml_source(&self) -> String {
        yaml(&self.source)
    }

    /// For a template: the names with commas between them, on as many lines as they need; `indent` is that of the lines.
    pub(crate) fn yaml_names(&self, indent: usize) -> String {
        let mut text = String::new();
        let mut line = indent + "eventName: [".len();
        for (number, name) in self.names.iter().map(|name| yaml(name)).enumerate() {
            if number > 0 && line + name.len() + 2 > LINE {
                let _ = write!(text, ",\n{:indent$}{name}", "");
                line = indent + name.len();
            } else {
                let comma = if number > 0 { ", " } else { "" };
                let _ = write!(text, "{comma}{name}");
                line += comma.len() + name.len();
            }
        }
        text
    }
}

/// How long a line of a template may be.
const LINE: usize = 118;

impl Pattern {
    /// The pattern as `EventBridge` takes it. A line an arm, without blanks, so that it may be sent as it stands.
    pub(crate) fn json(&self) -> String {
        let mut text = HEAD.to_owned();
        let arms: Vec<String> = self.arms.iter().map(Arm::json).collect();
        match arms.as_slice() {
            // An `$or` of one is none to AWS.
            [arm] => {
                let _ = write!(text, "\n{arm}");
            }
            arms => {
                let _ = write!(text, "\"$or\":[\n{{{}}}]", arms.join("},\n{"));
            }
        }
        text.push_str("}}");
        text
    }
}

/// What the rules for creations let through: every event of the catalogue that the policy does not ignore, each by one.
pub(crate) fn creations(inventory: &Inventory) -> Result<Vec<Pattern>> {
    let arms = inventory.events().into_iter().map(|(source, names)| {
        let names = names.into_iter().map(str::to_owned).collect();
        Arm { source: source.to_owned(), names }
    });
    let arms: Vec<Arm> = arms.flat_map(cut).collect();
    ensure!(!arms.is_empty(), "the policy ignores every event of the catalogue: there is nothing to deploy");
    Ok(packed(arms))
}

/// What the rule for sessions lets through.
pub(crate) fn sessions() -> Pattern {
    let names = SESSION_EVENTS.iter().map(|&name| name.to_owned()).collect();
    Pattern { arms: vec![Arm { source: STS.to_owned(), names }] }
}

/// How many events of how many sources.
pub(crate) fn size(patterns: &[Pattern]) -> (usize, usize) {
    let arms = || patterns.iter().flat_map(|pattern| &pattern.arms);
    let sources: BTreeSet<&str> = arms().map(|arm| arm.source.as_str()).collect();
    (arms().map(|arm| arm.names.len()).sum(), sources.len())
}

/// The characters of a pattern with a space behind each comma and colon. Names have neither in them.
pub(crate) fn spread(json: &str) -> usize {
    let counted = |c: char| if matches!(c, ',' | ':') { 2 } else { usize::from(c != '\n') };
    json.chars().map(counted).sum()
}

/// What is left of a pattern for its arms.
fn room() -> usize {
    let empty = Pattern { arms: Vec::new() };
    LONGEST.saturating_sub(spread(&empty.json()))
}

/// A service whose events do not fit into one pattern is cut.
fn cut(arm: Arm) -> Vec<Arm> {
    let (source, mut parts) = (arm.source, Vec::new());
    let mut part = Arm { source: source.clone(), names: Vec::new() };
    for name in arm.names {
        part.names.push(name);
        if part.length() > room()
            && let Some(name) = part.names.pop()
        {
            let next = Arm { source: source.clone(), names: vec![name] };
            parts.push(std::mem::replace(&mut part, next));
        }
    }
    parts.push(part);
    parts.retain(|part| !part.names.is_empty());
    parts
}

/// As few patterns as the largest first leads to; in each, and of all, the order of sources.
fn packed(mut arms: Vec<Arm>) -> Vec<Pattern> {
    arms.sort_by(|a, b| b.length().cmp(&a.length()).then_with(|| a.source.cmp(&b.source)));
    let mut bins: Vec<(usize, Pattern)> = Vec::new();
    for arm in arms {
        let length = arm.length();
        match bins.iter_mut().find(|(left, _)| length <= *left) {
            Some((left, pattern)) => {
                *left -= length;
                pattern.arms.push(arm);
            }
            None => bins.push((room().saturating_sub(length), Pattern { arms: vec![arm] })),
        }
    }
    let mut patterns: Vec<Pattern> = bins.into_iter().map(|(_, pattern)| pattern).collect();
    let order = |a: &Arm, b: &Arm| (&a.source, &a.names).cmp(&(&b.source, &b.names));
    for pattern in &mut patterns {
        pattern.arms.sort_by(order);
    }
    patterns.sort_by(|a, b| match (a.arms.first(), b.arms.first()) {
        (Some(a), Some(b)) => order(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    });
    patterns
}

/// A text of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text of YAML: names as they are, and whatever else in quotes, as in JSON.
fn yaml(text: &str) -> String {
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = first && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    // Words that YAML takes for something else are short.
    if plain && text.len() > 5 { text.to_owned() } else { quoted(text) }
}

pub(super) fn artefacts(inventory: &Inventory) -> Result<Vec<Artefact>> {
    let mut all: Vec<Artefact> = creations(inventory)?
        .iter()
        .zip(1..)
        .map(|(pattern, number)| {
            Artefact::new(format!("event-patterns/creations-{number}.json"), &pattern.json())
        })
        .collect();
    all.push(Artefact::new("event-patterns/sessions.json", &sessions().json()));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_handlers::catalog::Catalog;
    use autotag_model::policy::Policy;

    fn inventory(policy: &str) -> Inventory {
        Inventory::new(Catalog::embedded().services().unwrap(), Policy::from_toml(policy).unwrap())
    }

    fn pairs(patterns: &[Pattern]) -> Vec<(String, String)> {
        let arms = patterns.iter().flat_map(|pattern| &pattern.arms);
        arms.flat_map(|arm| arm.names.iter().map(|name| (arm.source.clone(), name.clone()))).collect()
    }

    #[test]
    fn each_event_stands_once_and_every_pattern_fits() {
        let inventory = inventory("");
        let patterns = creations(&inventory).unwrap();
        let mut all = pairs(&patterns);
        all.sort();
        let wanted: Vec<(String, String)> = inventory
            .events()
            .into_iter()
            .flat_map(|(source, names)| names.into_iter().map(|name| (source.to_owned(), name.to_owned())))
            .collect();
        assert_eq!(all, wanted);
        for pattern in &patterns {
            let json = pattern.json();
            assert!(spread(&json) <= LONGEST, "{json}");
            let _: serde_json::Value = serde_json::from_str(&json).unwrap();
        }
        // No more patterns than their whole length needs, and one.
        let arms: usize = patterns.iter().flat_map(|pattern| &pattern.arms).map(Arm::length).sum();
        assert!(patterns.len() <= arms.div_ceil(room()) + 1, "{}", patterns.len());
    }

    #[test]
    fn events_that_begin_like_reads_would_need_another_state_of_the_rule() {
        let read = |name: &str| ["Get", "List", "Describe"].iter().any(|verb| name.starts_with(verb));
        let all = pairs(&creations(&inventory("")).unwrap());
        let reads: Vec<_> = all.iter().filter(|(_, name)| read(name)).collect();
        assert!(
            reads.is_empty(),
            "EventBridge does not bring these to a rule that is only ENABLED: {reads:?}"
        );
    }

    #[test]
    fn what_the_policy_ignores_is_not_forwarded() {
        let before = pairs(&creations(&inventory("")).unwrap());
        let policy = "[ignore]\nservices = [\"ec2\"]\nevents = [\"logs:CreateLogGroup\"]\n";
        let after = pairs(&creations(&inventory(policy)).unwrap());
        let gone: Vec<_> = before.iter().filter(|pair| !after.contains(pair)).collect();
        assert!(gone.len() > 10, "{gone:?}");
        assert!(
            gone.iter().all(|(source, name)| source == "ec2.amazonaws.com"
                || (source == "logs.amazonaws.com" && name == "CreateLogGroup")),
            "{gone:?}"
        );
        assert!(creations(&inventory("[ignore]\nservices = [\"*\"]\n")).is_err());
    }

    #[test]
    fn a_service_too_large_for_a_pattern_is_cut_and_one_arm_alone_has_no_or() {
        let names = (0..200).map(|number| format!("CreateSomething{number}")).collect();
        let parts = cut(Arm { source: "large.amazonaws.com".to_owned(), names });
        assert!(parts.len() > 1);
        assert_eq!(parts.iter().map(|part| part.names.len()).sum::<usize>(), 200);
        let patterns = packed(parts);
        assert!(patterns.iter().all(|pattern| spread(&pattern.json()) <= LONGEST));
        assert!(!patterns[0].json().contains("$or"), "{}", patterns[0].json());
        assert!(creations(&inventory("")).unwrap()[0].json().contains("$or"));
    }
}
