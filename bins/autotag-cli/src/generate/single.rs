//! `single.yaml`: hub, sessions and the rules of their region in one stack, composed of `hub.yaml`, `session.yaml` and `region.yaml`.

use super::compose::{Entry, Section, Template, Use, Uses};
use super::file::GeneratedFile;
use super::inventory::Inventory;
use super::{hub, region, session};
use anyhow::{Context as _, Result, ensure};

/// The uses of the parameters of `session.yaml`. Where both functions have one, session-handler's gets a name of its own.
const SESSION: &Uses = &[
    ("BatchingWindowSeconds", Use::Named("SessionBatchingWindowSeconds")),
    ("BusName", Use::Shared),
    ("CreateSessionTable", Use::Shared),
    ("Invoke", Use::Shared),
    ("KeyArn", Use::Given("!GetAtt Key.Arn", "${Key.Arn}")),
    ("LiveVersion", Use::Named("SessionLiveVersion")),
    ("MaximumConcurrency", Use::Named("SessionMaximumConcurrency")),
    ("MemorySize", Use::Named("SessionMemorySize")),
    ("Release", Use::Shared),
    ("ReservedConcurrency", Use::Named("SessionReservedConcurrency")),
    ("SessionTableName", Use::Shared),
    ("SessionTableRegion", Use::Shared),
    ("TableKeyArn", Use::Shared),
];

/// The name of the hub's bus in the session rule, which does not refer to the bus itself.
const BUS_BY_NAME: &str = "!If [HasBusName, !Ref BusName, !Ref Name]";

/// The part of a rule's ARN that names the hub's bus.
const OF_HUB_BUS: &str = ":rule/${Bus}/";

/// The bus of the hub, as a property of a rule.
const ON_HUB_BUS: &str = "      EventBusName: !GetAtt Bus.Name\n";

/// The rule of `session.yaml`, and the one of `region.yaml` with the pattern for a default bus.
const SESSION_RULES: (&str, &str) = ("SessionRule", "Sessions");

/// The alarm of `region.yaml` on lost events, and the rule that it watches. Here there are always sessions.
const LOST_EVENTS: &str = "AlarmForwardFailures";
const WATCHED_RULE: &str = "!If [ForwardsSessions, !Sub \"${Name}-sessions\", !Sub \"${Name}-creations-1\"]";

/// The beginning of the ids of rules on the default bus.
const OWN: &str = "Own";

const HEAD: &str = include_str!("../../templates/deploy/single.yaml");
const TRAIL: &str = include_str!("../../templates/deploy/trail.yaml");

/// The text of the one template of a family.
pub(super) fn text(files: Vec<GeneratedFile>) -> Result<String> {
    Ok(files.into_iter().next().context("a family of files without a file")?.text)
}

/// Hub and sessions in one stack.
///
/// # Errors
/// A part contains something that the tables do not decide.
pub(super) fn hub_and_sessions(inventory: &Inventory) -> Result<Template> {
    let mut all = Template::parse(&text(hub::files(inventory)?)?);
    let mut part = Template::parse(&text(session::files(inventory)?)?);
    add_sessions(&mut all, &mut part)?;
    defaults(&mut all)?;
    Ok(all)
}

fn add_sessions(all: &mut Template, part: &mut Template) -> Result<()> {
    for (parameter, one) in SESSION {
        let there = !matches!(one, Use::Shared) || all.has(Section::Parameters, parameter);
        ensure!(there, "hub.yaml does not have the parameter `{parameter}` of session.yaml");
    }
    part.apply(SESSION)?;
    // The hub makes the table and the key, and there is its bus.
    part.remove(Section::Resources, "SessionTable")?;
    part.remove(Section::Conditions, "HasKey")?;
    for policy in ["SessionQueuePolicy", "SessionRuleDeadLettersPolicy"] {
        // The rules of both buses send.
        part.edit(Section::Resources, policy, " !If\n                  - OnDefaultBus\n", "\n")?;
    }
    if !part.refers("OnDefaultBus") {
        part.remove(Section::Conditions, "OnDefaultBus")?;
    }
    part.edit(Section::Resources, SESSION_RULES.0, BUS_BY_NAME, "!GetAtt Bus.Name")?;
    part.rename_conditions(all, SESSION, "Session");
    part.entry(Section::Resources, SESSION_RULES.0)?.lead = comment("sessions");
    let names: Vec<String> = part.of(Section::Parameters).map(|entry| entry.id.clone()).collect();
    let added: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| !all.has(Section::Parameters, name)).collect();
    group(all, "Session handler", &added);
    all.merge(std::mem::take(part), "session.yaml")?;
    // The table stays where a first try fails, and the next would find it there.
    all.edit(
        Section::Resources,
        "SessionTable",
        "[TagHandlerSource,",
        "[TagHandlerSource, SessionHandlerSource,",
    )
}

/// The comment before a part of the resources.
fn comment(title: &str) -> String {
    format!("  # ---------------------------------------------------------------- {title}\n\n")
}

/// Adds a group of parameters for the console.
pub(super) fn group(template: &mut Template, label: &str, parameters: &[&str]) {
    let parameters = parameters.join(", ");
    let lines = format!("      - Label: {{default: {label}}}\n        Parameters: [{parameters}]\n");
    template.metadata.push_str(&lines);
}

/// The packages and the release are those of the program, as long as there is nothing else to say.
fn defaults(all: &mut Template) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    for (parameter, value) in [
        ("TagHandlerKey", format!("{version}/tag-handler.zip")),
        ("SessionHandlerKey", format!("{version}/session-handler.zip")),
        ("Release", version.to_owned()),
    ] {
        all.entry(Section::Parameters, parameter)?.set("Default", Some(&format!("\"{value}\"")));
    }
    let release = "\n      Names this state of the functions: a new name publishes a new version of each, which becomes live. Change it with\n      \
        every change of the packages, of a parameter that a function is told, or of the text of the policy.";
    all.entry(Section::Parameters, "Release")?.set("Description", Some(&format!(">-{release}")));
    Ok(())
}

/// The rules of the stack's own region, and the alarm on what they lose. They are on its default bus, match what the rules of `region.yaml` match, and send to the
/// queues themselves: nothing is forwarded within the region.
///
/// # Errors
/// The parts have different rules.
pub(super) fn own_rules(all: &mut Template, inventory: &Inventory) -> Result<Vec<Entry>> {
    let region = Template::parse(&text(region::files(inventory)?)?);
    let of_region: Vec<&Entry> =
        region.of(Section::Resources).filter(|entry| entry.is("AWS::Events::Rule")).collect();
    let of_hub: Vec<&Entry> =
        all.of(Section::Resources).filter(|entry| entry.is("AWS::Events::Rule")).collect();
    ensure!(of_hub.len() == of_region.len(), "hub.yaml and session.yaml have other rules than region.yaml");
    let mut own = Vec::new();
    for rule in of_hub {
        let id = if rule.id == SESSION_RULES.0 { SESSION_RULES.1 } else { &rule.id };
        let same = of_region.iter().find(|other| other.id == id);
        let same = same.with_context(|| format!("region.yaml does not have the rule `{id}`"))?;
        own.push(own_rule(rule, same)?);
    }
    own.push(own_alarm(&region)?);
    if let Some(first) = own.first_mut() {
        first.lead = comment("the rules of this region");
    }
    for policy in ["TagQueuePolicy", "RuleDeadLettersPolicy"] {
        let entry = all.entry(Section::Resources, policy)?;
        let on_both = |line: &str| format!("{line}{}", line.replace(OF_HUB_BUS, ":rule/"));
        let both: String = entry
            .body
            .split_inclusive('\n')
            .map(|line| if line.contains(OF_HUB_BUS) { on_both(line) } else { line.to_owned() })
            .collect();
        ensure!(both != entry.body, "`{policy}` does not name the rules of the hub's bus");
        entry.body = both;
    }
    Ok(own)
}

/// The alarm on events that the rules of the region lose, as in `region.yaml`.
fn own_alarm(region: &Template) -> Result<Entry> {
    let alarm = region.of(Section::Resources).find(|entry| entry.id == LOST_EVENTS);
    let mut alarm =
        alarm.with_context(|| format!("region.yaml does not have `{LOST_EVENTS}`"))?.copied(LOST_EVENTS);
    ensure!(alarm.body.contains(WATCHED_RULE), "`{LOST_EVENTS}` does not watch one of two rules");
    alarm.body = alarm.body.replace(WATCHED_RULE, "!Sub \"${Name}-sessions\"");
    Ok(alarm)
}

/// A rule of the hub's bus, on the default bus and with the pattern that the region's rule has.
fn own_rule(rule: &Entry, of_region: &Entry) -> Result<Entry> {
    let mut own = rule.copied(&format!("{OWN}{}", rule.id));
    ensure!(own.body.contains(ON_HUB_BUS), "the rule `{}` is not on the hub's bus", rule.id);
    own.body = own.body.replace(ON_HUB_BUS, "");
    let pattern = |entry: &Entry| {
        let found = entry.property(6, "EventPattern");
        found.with_context(|| format!("the rule `{}` does not have a pattern", entry.id))
    };
    own.body = pattern(&own)?.with(&pattern(of_region)?.lines);
    Ok(own)
}

pub(super) fn files(inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    let mut all = hub_and_sessions(inventory)?;
    for rule in own_rules(&mut all, inventory)? {
        all.add(rule);
    }
    all.merge(Template::parse(TRAIL), "trail.yaml")?;
    group(&mut all, "The trail", &["CreateTrail"]);
    Ok(vec![GeneratedFile::new("single.yaml", &all.text(HEAD))])
}

#[cfg(test)]
mod tests;
