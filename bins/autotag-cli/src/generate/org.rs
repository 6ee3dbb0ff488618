//! `org.yaml`: hub and sessions, with stack sets that bring member roles and rules to the accounts and regions of an organization.

use super::compose::{Entry, Section, Template, Use, Uses};
use super::file::GeneratedFile;
use super::inventory::Inventory;
use super::single::{group, hub_and_sessions, own_rules, text};
use super::{member, region};
use anyhow::{Result, ensure};

/// The value that a stack of a stack set gets for a parameter.
#[derive(Debug, Clone, Copy)]
enum Passed {
    /// This.
    Value(&'static str),
    /// Nothing: the default of its template counts, even where `org.yaml` has a parameter of this name.
    Default,
}

/// Parameters of a stack set's template that do not get the value of the parameter of the same name.
type Passing = [(&'static str, Passed)];

const MEMBER: &Passing = &[
    ("ExternalId", Passed::Value(EXTERNAL_ID)),
    ("HubRoleArns", Passed::Value("!GetAtt TagHandlerRole.Arn")),
    ("ReadsPeople", Passed::Default),
];

const REGION: &Passing = &[
    // A topic is of one region.
    ("AlarmTopicArn", Passed::Default),
    ("ForwardDeletions", Passed::Value("!Ref CreateLedger")),
    ("ForwardTagChanges", Passed::Value("!Ref WatchTags")),
    ("HubBusArn", Passed::Value("!GetAtt Bus.Arn")),
];

/// The external id, which need not be secret: the trust policies name the hub's role.
const EXTERNAL_ID: &str = "!If [HasExternalId, !Ref ExternalId, !Ref OrganizationId]";

/// The name of the member role, with the path before it but for the first slash.
const MEMBER_ROLE: &str = "!Select [1, !Split [\"^/\", !Sub \"^${RolePath}${Name}-member\"]]";

/// Parameters of the hub that are decided here.
const HUB: &Uses = &[("MemberRoleName", Use::Given(MEMBER_ROLE, "${Name}-member"))];

/// The place of the parameters in the template of a stack set.
const PARAMETERS: &str = "      Parameters: []\n";

const HEAD: &str = include_str!("../../templates/deploy/org.yaml");
const STACK_SETS: &str = include_str!("../../templates/deploy/stack-sets.yaml");

/// The parameters of a stack set, of which `of` is the template.
///
/// # Errors
/// A parameter without a default gets no value.
fn passed(all: &Template, of: &Template, table: &Passing) -> Result<String> {
    let mut lines = "      Parameters:\n".to_owned();
    for Entry { id, body, .. } in of.of(Section::Parameters) {
        let listed = table.iter().find(|(name, _)| name == id).map(|(_, passed)| *passed);
        let value = match listed {
            Some(Passed::Value(value)) => value.to_owned(),
            None if all.has(Section::Parameters, id) && body.contains("    Type: CommaDelimitedList\n") => {
                format!("!Join [\",\", !Ref {id}]")
            }
            None if all.has(Section::Parameters, id) => format!("!Ref {id}"),
            Some(Passed::Default) | None => {
                ensure!(
                    body.contains("\n    Default:"),
                    "stacks of the organization get no value for `{id}`"
                );
                continue;
            }
        };
        let line = format!("        - {{ParameterKey: {id}, ParameterValue: {value}}}\n");
        lines.push_str(&line);
    }
    Ok(lines)
}

/// Takes out of a rule what it asserts about a parameter.
fn without_assertions(template: &mut Template, parameter: &str) -> Result<()> {
    let reference = format!("!Ref {parameter},");
    let rules: Vec<Entry> =
        template.of(Section::Rules).filter(|rule| rule.body.contains(&reference)).cloned().collect();
    for rule in rules {
        let mut kept = String::new();
        let mut lines = rule.body.split_inclusive('\n');
        while let Some(line) = lines.next() {
            if line.trim_start().starts_with("- Assert:") && line.contains(&reference) {
                // With the description of it.
                lines.next();
            } else {
                kept.push_str(line);
            }
        }
        if kept.contains(&reference) || !kept.contains("- Assert:") {
            template.remove(Section::Rules, &rule.id)?;
        } else {
            template.entry(Section::Rules, &rule.id)?.body = kept;
        }
    }
    Ok(())
}

/// Decides what a hub alone leaves open.
fn decide(all: &mut Template) -> Result<()> {
    for parameter in ["ExternalId", "MemberRoleName"] {
        without_assertions(all, parameter)?;
    }
    all.edit(
        Section::Resources,
        "TagHandlerRole",
        ":role/${MemberRoleName}",
        ":role${RolePath}${Name}-member",
    )?;
    let external_id = "AUTOTAG_EXTERNAL_ID: ";
    let (from, to) = (format!("{external_id}!Ref ExternalId"), format!("{external_id}{EXTERNAL_ID}"));
    all.edit(Section::Resources, "TagHandler", &from, &to)?;
    // There are an organization and members.
    all.entry(Section::Resources, "BusPolicyOrganization")?.set("Condition", None);
    if !all.refers("HasOrganization") {
        all.remove(Section::Conditions, "HasOrganization")?;
    }
    all.edit(Section::Conditions, "HasMembers", "!Ref MemberRoleName", "!Ref OrganizationId")?;
    all.apply(HUB)?;
    ensure!(all.metadata.contains(" MemberRoleName,"), "the metadata of hub.yaml do not name MemberRoleName");
    all.metadata = all.metadata.replace(" MemberRoleName,", "");
    all.entry(Section::Parameters, "Accounts")?.set("Default", Some("organization"));
    let organization = all.entry(Section::Parameters, "OrganizationId")?;
    organization.set("Default", None);
    organization.set("AllowedPattern", Some("\"o-[a-z0-9]{10,32}\""));
    organization
        .set("Description", Some("The id of the organization. Its accounts may forward events to the bus."));
    let external_id =
        "The external id that the member roles require. If empty, it is the id of the organization.";
    all.entry(Section::Parameters, "ExternalId")?.set("Description", Some(external_id));
    Ok(())
}

/// The rules of the stack's own region, each with the further condition that they are wanted.
fn add_own_rules(all: &mut Template, inventory: &Inventory) -> Result<()> {
    let mut conditions = Vec::new();
    for mut rule in own_rules(all, inventory)? {
        let condition = rule.property(4, "Condition").map(|found| found.lines);
        let name = match condition.as_deref().and_then(|line| line.split_once(": ")) {
            None => "TakesOwnRegion".to_owned(),
            Some((_, condition)) => {
                let condition = condition.trim();
                let line =
                    format!("  Own{condition}: !And [!Condition TakesOwnRegion, !Condition {condition}]\n");
                if !conditions.contains(&line) {
                    conditions.push(line);
                }
                format!("Own{condition}")
            }
        };
        rule.set("Condition", Some(&name));
        all.add(rule);
    }
    all.merge(Template::parse(&format!("Conditions:\n{}", conditions.concat())), "org.yaml")
}

pub(super) fn files(inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    let mut all = hub_and_sessions(inventory)?;
    decide(&mut all)?;
    let mut sets = Template::parse(STACK_SETS);
    let names: Vec<String> = sets.of(Section::Parameters).map(|entry| entry.id.clone()).collect();
    group(&mut all, "The organization", &names.iter().map(String::as_str).collect::<Vec<_>>());
    for (set, template, table) in [
        ("MemberStackSet", text(member::files(inventory)?)?, MEMBER),
        ("RegionStackSet", text(region::files(inventory)?)?, REGION),
    ] {
        let parameters = passed(&all, &Template::parse(&template), table)?;
        sets.edit(Section::Resources, set, PARAMETERS, &parameters)?;
    }
    all.merge(sets, "stack-sets.yaml")?;
    add_own_rules(&mut all, inventory)?;
    Ok(vec![GeneratedFile::new("org.yaml", &all.text(HEAD))])
}

#[cfg(test)]
mod tests;
