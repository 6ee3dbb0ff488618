//! Plans a deployment without making it.
//!
//! For a stack that can be updated a change set is made and removed again: it alone knows what is replaced. Where that is denied,
//! the template of the stack is compared with the new one, which takes rights to read only. A stack that is not there would have
//! all resources of its template.

use crate::DeployError;
use crate::engine::{CHANGE_SETS, Engine, StackTarget};
use crate::formation::{Change, ChangeAction, Phase, Place, Stack};
use crate::template::Template;
use std::collections::BTreeMap;

/// The planned step for a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStack {
    /// The stack.
    pub place: Place,
    /// In a word.
    pub step: PlannedStep,
    /// Its resources that would change.
    pub changes: Vec<Change>,
    /// A remark: an uncertainty or a step before; empty if there is nothing to say.
    pub note: String,
}

/// The planned step for a stack, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlannedStep {
    /// It would be made.
    Create,
    /// It would be changed.
    Update,
    /// Nothing.
    Keep,
    /// It would be repaired first, and what is changed then is not known before.
    Repair,
}

impl PlannedStep {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Keep => "unchanged",
            Self::Repair => "repair",
        }
    }
}

/// Plans one stack. `with_change_sets` is false where the caller has no rights to make them, or the template cannot be put where a
/// change set reads it.
///
/// # Errors
/// AWS refuses a call other than those that make change sets, or the template is wrong.
pub async fn plan(
    engine: &Engine<'_>,
    target: &StackTarget,
    template: &Template,
    with_change_sets: bool,
) -> Result<PlannedStack, DeployError> {
    let place = &target.place;
    let Some(stack) = engine.formation.stack(place).await? else { return Ok(created(place, template, "")) };
    let status = &stack.status;
    match status.phase() {
        Phase::Gone => Ok(created(place, template, "")),
        Phase::Announced | Phase::Unmade => {
            Ok(created(place, template, &format!("it is {status}, and would be removed first")))
        }
        Phase::Settled => updated(engine, target, template, &stack, with_change_sets).await,
        Phase::Moving => Ok(repaired(place, &format!("it is {status}: waited for, and changed then"))),
        Phase::HalfUpdated | Phase::Stuck => {
            Ok(repaired(place, &format!("it is {status}: rolled back, and changed then")))
        }
        Phase::Undeleted => Ok(repaired(place, &format!("it is {status}: removed, and created again"))),
        Phase::Unknown => Ok(repaired(place, &format!("it is {status}, which this version does not know"))),
    }
}

fn repaired(place: &Place, note: &str) -> PlannedStack {
    let note = note.to_owned();
    PlannedStack { place: place.clone(), step: PlannedStep::Repair, changes: Vec::new(), note }
}

fn created(place: &Place, template: &Template, note: &str) -> PlannedStack {
    let add = |(name, resource): (&String, &crate::template::Resource)| Change {
        action: ChangeAction::Add,
        kind: resource.kind.clone(),
        logical_id: name.clone(),
        properties: resource.condition.iter().map(|condition| format!("if {condition}")).collect(),
    };
    let changes = template.resources.iter().map(add).collect();
    PlannedStack { place: place.clone(), step: PlannedStep::Create, changes, note: note.to_owned() }
}

async fn updated(
    engine: &Engine<'_>,
    target: &StackTarget,
    template: &Template,
    stack: &Stack,
    with_change_sets: bool,
) -> Result<PlannedStack, DeployError> {
    let place = &target.place;
    if engine.is_as_wanted(target, stack).await? {
        let step = PlannedStep::Keep;
        return Ok(PlannedStack { place: place.clone(), step, changes: Vec::new(), note: String::new() });
    }
    if with_change_sets {
        match by_change_set(engine, target, stack).await {
            Err(error) if error.is_denied() => {}
            planned => return planned,
        }
    }
    let there = engine.formation.template(place).await?;
    let changes = compared(&resources_of(&there), template);
    let parameters = changed_parameters(target, stack);
    let mut note =
        "compared by the templates: what would be replaced is not known without change sets".to_owned();
    if !parameters.is_empty() {
        note = format!("{note}; changed parameters: {}", parameters.join(", "));
    }
    let keeps = changes.is_empty() && parameters.is_empty();
    let step = if keeps { PlannedStep::Keep } else { PlannedStep::Update };
    Ok(PlannedStack { place: place.clone(), step, changes, note })
}

async fn by_change_set(
    engine: &Engine<'_>,
    target: &StackTarget,
    stack: &Stack,
) -> Result<PlannedStack, DeployError> {
    let place = &target.place;
    let name = format!("{CHANGE_SETS}plan-{}", engine.run);
    let request = target.request(name, Some(stack), Vec::new());
    let id = engine.formation.create_change_set(place, &request).await?;
    let made = engine.made(place, &id).await;
    engine.discard(place, &id, Some(stack)).await?;
    let made = made?;
    if !made.is_ready() && !made.has_no_changes() {
        return Err(place.failed(format!("change set is {}", made.status), made.reason.into_iter().collect()));
    }
    let step = if made.is_ready() { PlannedStep::Update } else { PlannedStep::Keep };
    Ok(PlannedStack { place: place.clone(), step, changes: made.changes, note: String::new() })
}

/// The names of parameters that would have another value.
fn changed_parameters(target: &StackTarget, stack: &Stack) -> Vec<String> {
    let differs = |(key, value): &(&String, &String)| {
        target.declared.contains(key) && stack.parameters.get(*key) != Some(*value)
    };
    target.parameters.iter().filter(differs).map(|(key, _)| key.clone()).collect()
}

/// The resources of a template that a stack has; none if it cannot be read.
fn resources_of(text: &str) -> BTreeMap<String, crate::template::Resource> {
    Template::new("deployed", text).map(|template| template.resources).unwrap_or_default()
}

fn compared(there: &BTreeMap<String, crate::template::Resource>, template: &Template) -> Vec<Change> {
    let change = |action, name: &String, kind: &str| Change {
        action,
        kind: kind.to_owned(),
        logical_id: name.clone(),
        properties: Vec::new(),
    };
    let mut changes = Vec::new();
    for (name, resource) in &template.resources {
        match there.get(name) {
            None => changes.push(change(ChangeAction::Add, name, &resource.kind)),
            Some(old) if old.kind != resource.kind => {
                changes.push(change(ChangeAction::Replace, name, &resource.kind));
            }
            Some(old) if old.text != resource.text => {
                changes.push(change(ChangeAction::Modify, name, &resource.kind));
            }
            Some(_) => {}
        }
    }
    let gone = there.iter().filter(|(name, _)| !template.resources.contains_key(*name));
    changes.extend(gone.map(|(name, resource)| change(ChangeAction::Remove, name, &resource.kind)));
    changes
}
