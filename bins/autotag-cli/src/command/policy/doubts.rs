//! Settings of a policy that can have no effect, or not the one that was meant.

use autotag_handlers::catalog::{Catalog, CatalogError};
use autotag_model::policy::Policy;
use std::collections::BTreeSet;

/// One sentence for each such setting.
///
/// # Errors
/// A file of the catalogue is wrong.
pub(super) fn doubts(policy: &Policy, catalog: &Catalog) -> Result<Vec<String>, CatalogError> {
    let empty = policy.identity.iter().filter(|(_, template)| template.is_empty());
    let mut doubts: Vec<String> =
        empty.map(|(key, _)| format!("`{key}` is empty: give it a value, or remove the line")).collect();
    let principals = policy.ignore.principals.iter().map(ToString::to_string);
    doubts.extend(principals.filter(|pattern| names_nobody(pattern)).map(|pattern| {
        format!(
            "`{pattern}` matches no ARN and no principalId: write `arn:aws:iam::*:user/{pattern}` or `*/{pattern}`"
        )
    }));
    let services = policy.ignore.services.iter().map(ToString::to_string);
    doubts.extend(
        services
            .filter(|pattern| has_upper_case(pattern))
            .map(|pattern| format!("`{pattern}` can never match: write `{}`", pattern.to_lowercase())),
    );
    if policy.ignore.events.is_empty() {
        return Ok(doubts);
    }
    let events = Events::of(catalog)?;
    let patterns = policy.ignore.events.iter().map(ToString::to_string);
    doubts.extend(patterns.filter_map(|pattern| {
        let meant = events.meant(&pattern)?;
        Some(format!("`{pattern}` can never match: write `{meant}`"))
    }));
    Ok(doubts)
}

/// True for a name alone. ARNs have colons; ids are in upper case, or the UUID of a user of Identity Center.
fn names_nobody(pattern: &str) -> bool {
    let is_id = pattern.len() >= 36 && pattern.contains('-');
    !pattern.contains(['*', '?', ':']) && pattern.contains(|c: char| c.is_ascii_lowercase()) && !is_id
}

fn has_upper_case(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_uppercase())
}

/// The creating events of the catalogue, with the first part of the event source.
struct Events(BTreeSet<(String, String)>);

impl Events {
    fn of(catalog: &Catalog) -> Result<Self, CatalogError> {
        let mut events = BTreeSet::new();
        for service in catalog.services()? {
            let short = service.source.split('.').next().unwrap_or_default();
            events.extend(service.rules.iter().map(|rule| (short.to_owned(), rule.event.clone())));
        }
        Ok(Self(events))
    }

    /// The pattern to write instead; `None` if this one can match.
    fn meant(&self, pattern: &str) -> Option<String> {
        let (service, event) = match pattern.split_once(':') {
            Some((service, event)) => (service, event),
            // A wildcard can be the colon, but no event source has upper case.
            None if pattern.contains(['*', '?']) && !starts_in_upper_case(pattern) => return None,
            None => return Some(format!("{}:{pattern}", self.service(pattern, "").unwrap_or("*"))),
        };
        if service.contains(['*', '?']) {
            return None;
        }
        if service.contains('.') || has_upper_case(service) {
            let short = service.split('.').next().unwrap_or_default().to_lowercase();
            return Some(format!("{short}:{event}"));
        }
        // Services that the catalogue does not have can be meant. An event that another service has cannot.
        let is_known = self.0.iter().any(|(known, _)| known == service);
        let other = if is_known { None } else { self.service(event, service) };
        other.map(|other| format!("{other}:{event}"))
    }

    /// The service with this event, if it is the only one whose name begins like `service`.
    fn service(&self, event: &str, service: &str) -> Option<&str> {
        let mut services = self.0.iter().filter(|(short, name)| name == event && short.starts_with(service));
        let only = services.next();
        only.filter(|_| services.next().is_none()).map(|(short, _)| short.as_str())
    }
}

fn starts_in_upper_case(pattern: &str) -> bool {
    pattern.starts_with(|c: char| c.is_ascii_uppercase())
}
