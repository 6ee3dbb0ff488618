//! The input of `autotag generate`: the catalogue and the policy.

use crate::setup::usage_error;
use crate::suggest::{hint, similar};
use anyhow::Result;
use autotag_model::policy::{Policy, Profile};
use autotag_model::rule::{Rule, ServiceRules};
use std::collections::{BTreeMap, BTreeSet};

/// The catalogue and the policy.
#[derive(Debug)]
pub(crate) struct Inventory {
    /// The catalogue with the user's own rules, in the order of event sources.
    pub(crate) services: Vec<ServiceRules>,
    /// The tag policy.
    pub(crate) policy: Policy,
    /// The event sources whose rules count. `None`: all.
    chosen: Option<BTreeSet<String>>,
}

/// The first part of an event source: `ec2`.
fn label(source: &str) -> &str {
    source.split('.').next().unwrap_or_default()
}

impl Inventory {
    pub(crate) fn new(services: Vec<ServiceRules>, policy: Policy) -> Self {
        Self { services, policy, chosen: None }
    }

    /// Leaves out the rules of all services but these, named like `ec2` or `ec2.amazonaws.com`. Without names it leaves out none.
    ///
    /// # Errors
    /// A usage error that lists the names without rules.
    pub(crate) fn only(mut self, names: &[String]) -> Result<Self> {
        if names.is_empty() {
            return Ok(self);
        }
        let source =
            |name: &String| if name.contains('.') { name.clone() } else { format!("{name}.amazonaws.com") };
        let chosen: BTreeSet<String> = names.iter().map(source).collect();
        let has_rules = |service: &&ServiceRules| !service.rules.is_empty();
        let is_known =
            |source: &String| self.services.iter().filter(has_rules).any(|service| service.source == *source);
        let unknown: Vec<&str> =
            chosen.iter().filter(|source| !is_known(source)).map(String::as_str).collect();
        if !unknown.is_empty() {
            let services = || self.services.iter().filter(has_rules).map(|service| label(&service.source));
            let meant = unknown.iter().find_map(|wrong| similar(label(wrong), services()));
            let (hint, unknown) = (hint(meant), unknown.join(", "));
            let what = format!(
                "--services: no rules for {unknown}; `autotag catalog` lists the services with rules{hint}"
            );
            return Err(usage_error(what));
        }
        self.chosen = Some(chosen);
        Ok(self)
    }

    /// The services that were chosen, also those that the policy ignores.
    pub(crate) fn chosen_services(&self) -> impl Iterator<Item = &ServiceRules> {
        let is_chosen = |service: &&ServiceRules| {
            self.chosen.as_ref().is_none_or(|chosen| chosen.contains(&service.source))
        };
        self.services.iter().filter(is_chosen)
    }

    /// The rules of the chosen services, without those whose events the policy ignores.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&ServiceRules, &Rule)> {
        let all = self
            .chosen_services()
            .flat_map(|service| service.rules.iter().map(move |rule| (service, &**rule)));
        all.filter(|(service, rule)| self.policy.ignore.event(&service.source, &rule.event, None).is_none())
    }

    /// The names of the creating events, by event source. Events of resources that AWS cannot tag are included, because they are
    /// reported too.
    pub(crate) fn events(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut events: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (service, rule) in self.rules() {
            events.entry(&service.source).or_default().insert(&rule.event);
        }
        events
    }

    /// The names of the deleting events, by event source.
    pub(crate) fn deleting_events(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut events: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for service in self.chosen_services() {
            for rule in &service.deletions {
                if self.policy.ignore.event(&service.source, rule.event(), None).is_none() {
                    events.entry(&service.source).or_default().insert(rule.event());
                }
            }
        }
        events
    }

    /// The names of the calls that change tags of resources that exist, by event source.
    pub(crate) fn tag_change_events(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut events: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for service in self.chosen_services() {
            for call in &service.tag_changes {
                if self.policy.ignore.event(&service.source, &call.event, None).is_none() {
                    events.entry(&service.source).or_default().insert(&call.event);
                }
            }
        }
        events
    }

    /// The enforced ones of [`identity_keys`](Self::identity_keys): those that guards protect.
    pub(crate) fn enforced_keys(&self) -> Vec<&str> {
        self.policy.enforced.iter().map(String::as_str).collect()
    }

    /// The keys that other programs have to leave alone, as the policy spells them: identity and static keys, and in strict mode
    /// the copied ones. In the profile `declared` the owner is not among them, because those programs declare it.
    pub(crate) fn ignored_keys(&self) -> Vec<&str> {
        let policy = &self.policy;
        let declared =
            policy.owner_key().filter(|key| policy.profile == Profile::Declared && !policy.is_enforced(key));
        let fixed = policy.fixed.iter().map(|(key, _)| key.as_str());
        let keys =
            policy.closed_keys().unwrap_or_else(|| self.identity_keys().into_iter().chain(fixed).collect());
        keys.into_iter().filter(|key| Some(*key) != declared).collect()
    }

    /// The keys of the tags that say who created a resource, as the policy spells them.
    pub(crate) fn identity_keys(&self) -> Vec<&str> {
        self.policy.identity.iter().map(|(key, _)| key.as_str()).collect()
    }
}
