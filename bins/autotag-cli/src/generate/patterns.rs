//! `event-patterns/*.json`: the event patterns of the rules.
//!
//! The pattern of a rule lists as many exact pairs of event source and event name as fit, by `$or`. Each pair is in exactly one
//! rule. The reasons are in `docs/decisions/0023-rules-of-exact-pairs.md`.

use super::file::GeneratedFile;
use super::inventory::Inventory;
use anyhow::{Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The maximum length of a pattern in characters: AWS's default quota. Patterns are measured by [`spaced_length`], because some
/// tools send them with spaces.
const MAX_LENGTH: usize = 2_048;

/// The event source of STS records.
const STS: &str = "sts.amazonaws.com";

/// The calls of STS that begin a session.
const SESSION_EVENTS: [&str; 5] =
    ["AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "GetFederationToken"];

/// The beginning of every pattern. Only AWS can send events whose source begins with `aws.`. Failed calls create nothing.
const HEAD: &str = "{\"source\":[{\"prefix\":\"aws.\"}],\
\"detail-type\":[\"AWS API Call via CloudTrail\",\"AWS Service Event via CloudTrail\"],\
\"detail\":{\"errorCode\":[{\"exists\":false}],";

/// Events of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arm {
    /// `eventSource`.
    pub(crate) source: String,
    /// The values of `eventName`.
    pub(crate) names: Vec<String>,
}

/// The pattern of one rule: it matches the events of all its arms.
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

    /// The length that it adds to a pattern: with braces, a comma and a space.
    fn length(&self) -> usize {
        spaced_length(&self.json()) + 4
    }

    /// The source in YAML.
    pub(crate) fn yaml_source(&self) -> String {
        yaml(&self.source)
    }

    /// The names in YAML, separated by commas, on as many lines as they need. `indent` is the indentation of the lines.
    pub(crate) fn yaml_names(&self, indent: usize) -> String {
        let mut text = String::new();
        let mut line = indent + "eventName: [".len();
        for (number, name) in self.names.iter().map(|name| yaml(name)).enumerate() {
            if number > 0 && line + name.len() + 2 > MAX_LINE {
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

/// The maximum length of a line of a template.
const MAX_LINE: usize = 118;

impl Pattern {
    /// The pattern in JSON, in the form that `EventBridge` accepts: one line for each arm, without spaces.
    pub(crate) fn json(&self) -> String {
        let mut text = HEAD.to_owned();
        let arms: Vec<String> = self.arms.iter().map(Arm::json).collect();
        match arms.as_slice() {
            // AWS refuses an `$or` with one element.
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

/// The patterns of the rules for creations. Each event of the catalogue that the policy does not ignore is in exactly one.
///
/// # Errors
/// The policy ignores every event.
pub(crate) fn creations(inventory: &Inventory) -> Result<Vec<Pattern>> {
    let patterns = of_events(inventory.events());
    ensure!(
        !patterns.is_empty(),
        "the policy ignores every event of the catalogue: there is nothing to deploy"
    );
    Ok(patterns)
}

/// The patterns of the rules for deletions, which a ledger needs.
pub(crate) fn deletions(inventory: &Inventory) -> Vec<Pattern> {
    of_events(inventory.deleting_events())
}

/// The patterns of the rules for calls that change tags, which the tamper watch needs.
pub(crate) fn tag_changes(inventory: &Inventory) -> Vec<Pattern> {
    of_events(inventory.tag_change_events())
}

/// Few patterns that match these events.
fn of_events(events: BTreeMap<&str, BTreeSet<&str>>) -> Vec<Pattern> {
    let arms = events.into_iter().map(|(source, names)| {
        let names = names.into_iter().map(str::to_owned).collect();
        Arm { source: source.to_owned(), names }
    });
    pack(arms.flat_map(split).collect())
}

/// The pattern of the rule for sessions.
pub(crate) fn sessions() -> Pattern {
    let names = SESSION_EVENTS.iter().map(|&name| name.to_owned()).collect();
    Pattern { arms: vec![Arm { source: STS.to_owned(), names }] }
}

/// The number of events, and of their sources.
pub(crate) fn size(patterns: &[Pattern]) -> (usize, usize) {
    let arms = || patterns.iter().flat_map(|pattern| &pattern.arms);
    let sources: BTreeSet<&str> = arms().map(|arm| arm.source.as_str()).collect();
    (arms().map(|arm| arm.names.len()).sum(), sources.len())
}

/// The length of a pattern in characters with a space after each comma and colon. Names contain neither.
fn spaced_length(json: &str) -> usize {
    let counted = |c: char| if matches!(c, ',' | ':') { 2 } else { usize::from(c != '\n') };
    json.chars().map(counted).sum()
}

/// The length that is left for the arms of a pattern.
fn space_for_arms() -> usize {
    let empty = Pattern { arms: Vec::new() };
    MAX_LENGTH.saturating_sub(spaced_length(&empty.json()))
}

/// Splits the events of a service that do not fit into one pattern.
fn split(arm: Arm) -> Vec<Arm> {
    let (source, mut parts) = (arm.source, Vec::new());
    let mut part = Arm { source: source.clone(), names: Vec::new() };
    for name in arm.names {
        part.names.push(name);
        if part.length() > space_for_arms()
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

/// Packs arms into few patterns: each arm, the longest first, goes into the first pattern with enough space. Arms and patterns are
/// then ordered by source.
fn pack(mut arms: Vec<Arm>) -> Vec<Pattern> {
    arms.sort_by(|a, b| b.length().cmp(&a.length()).then_with(|| a.source.cmp(&b.source)));
    let mut bins: Vec<(usize, Pattern)> = Vec::new();
    for arm in arms {
        let length = arm.length();
        match bins.iter_mut().find(|(left, _)| length <= *left) {
            Some((left, pattern)) => {
                *left -= length;
                pattern.arms.push(arm);
            }
            None => bins.push((space_for_arms().saturating_sub(length), Pattern { arms: vec![arm] })),
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

/// The texts as a list of YAML, in one line.
pub(crate) fn yaml_list(texts: &[&str]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// The text as a string of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The text as a string of YAML: plain if it is a name, else in quotes as in JSON.
fn yaml(text: &str) -> String {
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = first && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    // Plain words with another meaning in YAML, such as `false`, are short.
    if plain && text.len() > 5 { text.to_owned() } else { quoted(text) }
}

pub(super) fn files(inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    let mut all: Vec<GeneratedFile> = creations(inventory)?
        .iter()
        .zip(1..)
        .map(|(pattern, number)| {
            GeneratedFile::new(format!("event-patterns/creations-{number}.json"), &pattern.json())
        })
        .collect();
    for (name, patterns) in [("deletions", deletions(inventory)), ("tag-changes", tag_changes(inventory))] {
        all.extend(patterns.into_iter().zip(1..).map(|(pattern, number)| {
            GeneratedFile::new(format!("event-patterns/{name}-{number}.json"), &pattern.json())
        }));
    }
    all.push(GeneratedFile::new("event-patterns/sessions.json", &sessions().json()));
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
    fn each_event_is_in_one_pattern_and_every_pattern_fits() {
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
            assert!(spaced_length(&json) <= MAX_LENGTH, "{json}");
            let _: serde_json::Value = serde_json::from_str(&json).unwrap();
        }
        // At most one pattern more than their total length needs.
        let arms: usize = patterns.iter().flat_map(|pattern| &pattern.arms).map(Arm::length).sum();
        assert!(patterns.len() <= arms.div_ceil(space_for_arms()) + 1, "{}", patterns.len());
    }

    #[test]
    fn no_event_is_named_like_a_read() {
        let read = |name: &str| ["Get", "List", "Describe"].iter().any(|verb| name.starts_with(verb));
        let all = pairs(&creations(&inventory("")).unwrap());
        let reads: Vec<_> = all.iter().filter(|(_, name)| read(name)).collect();
        assert!(
            reads.is_empty(),
            "EventBridge does not send these to a rule in the state ENABLED: {reads:?}"
        );
    }

    #[test]
    fn ignored_events_are_not_forwarded() {
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
    fn a_large_service_is_split_and_a_single_arm_has_no_or() {
        let names = (0..200).map(|number| format!("CreateSomething{number}")).collect();
        let parts = split(Arm { source: "large.amazonaws.com".to_owned(), names });
        assert!(parts.len() > 1);
        assert_eq!(parts.iter().map(|part| part.names.len()).sum::<usize>(), 200);
        let patterns = pack(parts);
        assert!(patterns.iter().all(|pattern| spaced_length(&pattern.json()) <= MAX_LENGTH));
        assert!(!patterns[0].json().contains("$or"), "{}", patterns[0].json());
        assert!(creations(&inventory("")).unwrap()[0].json().contains("$or"));
    }
}
