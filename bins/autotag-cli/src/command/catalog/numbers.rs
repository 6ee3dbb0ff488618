//! Counts rules, types and events of the catalogue.

use crate::output::plural;
use autotag_model::rule::{Evidence, ServiceRules};
use std::collections::BTreeSet;
use std::fmt;

/// How much some services cover.
pub(super) struct Numbers {
    services: usize,
    rules: usize,
    pub(super) types: usize,
    pub(super) events: usize,
    by_evidence: Vec<(usize, Evidence)>,
}

impl Numbers {
    pub(super) fn of(services: &[ServiceRules]) -> Self {
        let rules = || services.iter().flat_map(|service| &service.rules);
        let types: BTreeSet<&str> = rules().flat_map(|rule| rule.types()).collect();
        let events: BTreeSet<(&str, &str)> = services
            .iter()
            .flat_map(|service| {
                service.rules.iter().map(|rule| (service.source.as_str(), rule.event.as_str()))
            })
            .collect();
        let of = |evidence| (rules().filter(|rule| rule.evidence == evidence).count(), evidence);
        let mut by_evidence = [Evidence::Seen, Evidence::Documented, Evidence::Derived].map(of).to_vec();
        by_evidence.retain(|(count, _)| *count > 0);
        Self {
            services: services.len(),
            rules: rules().count(),
            types: types.len(),
            events: events.len(),
            by_evidence,
        }
    }

    /// `3 seen, 2 documented`.
    pub(super) fn evidence(&self) -> String {
        let parts: Vec<String> =
            self.by_evidence.iter().map(|(count, evidence)| format!("{count} {evidence}")).collect();
        parts.join(", ")
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {}: {}, {}; {}",
            plural(self.rules, "rule"),
            plural(self.services, "service"),
            plural(self.types, "type"),
            plural(self.events, "event"),
            self.evidence()
        )
    }
}
