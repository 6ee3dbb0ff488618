//! What the catalogue wants of a deployment, as values: doctor compares them with what is there.

use crate::generate::iam;
use crate::generate::inventory::Inventory;
use crate::generate::patterns::{self, Pattern};
use anyhow::Result;
use std::collections::BTreeSet;

/// An API call, as an event tells of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Event {
    /// `ec2.amazonaws.com`
    pub(crate) source: String,
    /// `RunInstances`
    pub(crate) name: String,
}

/// An action that a role needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Need {
    /// `sns:TagResource`
    pub(crate) action: String,
    /// On what: `*`, or ARNs with `*`, `{partition}` and `{account}` in them.
    pub(crate) resource: String,
}

/// What the catalogue wants.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    /// Stamped on the rules and stacks.
    pub(crate) version: String,
    /// The events that have to come.
    pub(crate) creations: BTreeSet<Event>,
    /// The events of STS that have to come.
    pub(crate) sessions: BTreeSet<Event>,
    /// What writing tags needs.
    pub(crate) tagging: BTreeSet<Need>,
    /// What reading tags, parents and principals needs.
    pub(crate) reading: BTreeSet<Need>,
    /// The tags that say who created a resource.
    pub(crate) identity_keys: Vec<String>,
}

impl Expected {
    /// What a deployment of this catalogue and policy needs.
    pub(crate) fn of(inventory: &Inventory) -> Result<Self> {
        let arms = |pattern: Pattern| {
            let event = |source: &str, name| Event { source: source.to_owned(), name };
            let arms = pattern.arms.into_iter();
            arms.flat_map(move |arm| arm.names.into_iter().map(move |name| event(&arm.source, name)))
                .collect::<Vec<_>>()
        };
        let needs = |needs: iam::Needs<'_>| {
            let need = |action: &str, resource| Need { action: action.to_owned(), resource };
            let each = needs.into_iter();
            each.flat_map(move |(action, on)| on.into_iter().map(move |resource| need(action, resource)))
                .collect()
        };
        Ok(Self {
            version: inventory.version(),
            creations: patterns::creations(inventory)?.into_iter().flat_map(arms).collect(),
            sessions: arms(patterns::sessions()).into_iter().collect(),
            tagging: needs(iam::writing(inventory)),
            reading: needs(iam::reading(inventory)),
            identity_keys: inventory.identity_keys().into_iter().map(str::to_owned).collect(),
        })
    }
}
