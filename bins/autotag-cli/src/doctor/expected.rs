//! The parts that a deployment of the catalogue and the policy must have. Doctor compares it with AWS.

use crate::generate::fingerprint::fingerprint;
use crate::generate::iam;
use crate::generate::inventory::Inventory;
use crate::generate::patterns::{self, Pattern};
use anyhow::Result;
use autotag_model::policy::Policy;
use std::collections::BTreeSet;

/// The source and the name of an API call's event.
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
    /// `*`, or an ARN with `*`, `{partition}` and `{account}` in it.
    pub(crate) resource: String,
}

/// The parts that a deployment must have.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    /// The version of the catalogue: a tag of the rules.
    pub(crate) version: String,
    /// The events of creations that rules must match.
    pub(crate) creations: BTreeSet<Event>,
    /// The events of deletions that rules must match if there is a ledger.
    pub(crate) deletions: BTreeSet<Event>,
    /// The events of calls that change tags, which rules must match if tags are watched.
    pub(crate) tag_changes: BTreeSet<Event>,
    /// The events of STS that rules must match.
    pub(crate) sessions: BTreeSet<Event>,
    /// The permissions to write tags.
    pub(crate) tagging: BTreeSet<Need>,
    /// The permissions to read tags, parents and principals.
    pub(crate) reading: BTreeSet<Need>,
    /// The keys of the tags that say who created a resource.
    pub(crate) identity_keys: Vec<String>,
    /// The policy.
    pub(crate) policy: Policy,
}

impl Expected {
    /// The parts that a deployment of this catalogue and policy must have.
    ///
    /// # Errors
    /// The policy ignores every event of the catalogue.
    pub(crate) fn of(inventory: &Inventory) -> Result<Self> {
        let arms = |pattern: Pattern| {
            let event = |source: &str, name| Event { source: source.to_owned(), name };
            let arms = pattern.arms.into_iter();
            arms.flat_map(move |arm| arm.names.into_iter().map(move |name| event(&arm.source, name)))
                .collect::<Vec<_>>()
        };
        let needs = |needs: iam::ActionMap<'_>| {
            let need = |action: &str, resource| Need { action: action.to_owned(), resource };
            let each = needs.into_iter();
            each.flat_map(move |(action, on)| on.into_iter().map(move |resource| need(action, resource)))
                .collect()
        };
        Ok(Self {
            version: fingerprint(inventory),
            creations: patterns::creations(inventory)?.into_iter().flat_map(arms).collect(),
            deletions: patterns::deletions(inventory).into_iter().flat_map(arms).collect(),
            tag_changes: patterns::tag_changes(inventory).into_iter().flat_map(arms).collect(),
            sessions: arms(patterns::sessions()).into_iter().collect(),
            tagging: needs(iam::write_actions(inventory)),
            reading: needs(iam::read_actions(inventory)),
            identity_keys: inventory.identity_keys().into_iter().map(str::to_owned).collect(),
            policy: inventory.policy.clone(),
        })
    }
}
