//! The services and rules that the command line asks for.

use crate::cli::CatalogArgs;
use autotag_model::rule::{Evidence, ServiceRules};

/// True if a service is one of those that the command line asks for.
pub(super) fn is_wanted(args: &CatalogArgs, source: &str, name: &str) -> bool {
    let wanted = args.service.as_deref().unwrap_or_default().to_lowercase();
    source.contains(&wanted) || name.to_lowercase().contains(&wanted)
}

/// Keeps the rules of the wanted type and evidence, and the services that have such rules.
pub(super) fn keep_rules(services: &mut Vec<ServiceRules>, args: &CatalogArgs) {
    let wanted_type = args.resource_type.as_deref().unwrap_or_default().to_lowercase();
    let wanted_evidence = args.evidence.map(Evidence::from);
    if wanted_type.is_empty() && wanted_evidence.is_none() {
        return;
    }
    for service in services.iter_mut() {
        service.rules.retain(|rule| {
            rule.types().any(|name| name.to_lowercase().contains(&wanted_type))
                && wanted_evidence.is_none_or(|evidence| rule.evidence == evidence)
        });
    }
    services.retain(|service| !service.rules.is_empty());
}
