//! The catalogue: the rules for events that create resources. It holds the embedded rule files, one for each
//! service, and the user's own.
//!
//! Only the file of the service at hand is unpacked and parsed, when its first event comes: start-up costs nothing.

mod creating;
mod tag_changes;
mod tag_names;

use autotag_model::rule::{DeletionRule, Rule, RuleFileError, ServiceRules};
use creating::Creates;
use flate2::read::DeflateDecoder;
use std::collections::{BTreeSet, HashMap};
use std::io::Read as _;
use std::sync::{Arc, OnceLock};
pub use tag_changes::TagChangeEvent;
pub use tag_names::may_change_tags;

mod files {
    include!(concat!(env!("OUT_DIR"), "/catalog_files.rs"));
}

/// The suffix of the event sources of AWS services.
const SOURCE_SUFFIX: &str = ".amazonaws.com";

/// The rules of every service.
#[derive(Debug)]
pub struct Catalog {
    embedded: HashMap<&'static str, Embedded>,
    own: HashMap<String, Service>,
}

#[derive(Debug)]
struct Embedded {
    /// The file, deflated.
    packed: &'static [u8],
    parsed: OnceLock<Result<Service, CatalogError>>,
}

/// The text of an embedded file. What cannot be unpacked, which the tests rule out, is empty, and no file of rules.
fn unpacked(packed: &[u8]) -> String {
    let mut text = String::new();
    let read = DeflateDecoder::new(packed).read_to_string(&mut text);
    read.map(|_| text).unwrap_or_default()
}

/// One service's rules, by event.
#[derive(Debug)]
struct Service {
    rules: ServiceRules,
    by_event: HashMap<String, Vec<Arc<Rule>>>,
    deletions: HashMap<String, Vec<Arc<DeletionRule>>>,
}

/// A rule file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule file `{file}`: {error}")]
pub struct CatalogError {
    /// The file, as the caller names it.
    pub file: String,
    /// The error, with line and column.
    pub error: RuleFileError,
}

impl Catalog {
    /// The embedded catalogue.
    pub fn embedded() -> Self {
        let embedded = files::FILES
            .iter()
            .map(|(source, packed)| (*source, Embedded { packed, parsed: OnceLock::new() }))
            .collect();
        Self { embedded, own: HashMap::new() }
    }

    /// A catalogue without rules. By it every creating event is uncovered.
    pub fn empty() -> Self {
        Self { embedded: HashMap::new(), own: HashMap::new() }
    }

    /// Adds a rule file of the user's: its rules replace the embedded ones of the same event, and add others.
    ///
    /// # Errors
    /// [`CatalogError`] with line, column and what was expected.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), CatalogError> {
        let refuse = |error| CatalogError { file: file.to_owned(), error };
        let rules = ServiceRules::from_toml(text).map_err(refuse)?;
        match self.own.get_mut(&rules.source) {
            Some(service) => service.add(rules),
            None => {
                self.own.insert(rules.source.clone(), Service::new(rules));
            }
        }
        Ok(())
    }

    /// The rules of an event, found by exactly its source and name; empty when there are none.
    ///
    /// # Errors
    /// [`CatalogError`] when the service's embedded file cannot be used, which the tests rule out.
    pub fn find(&self, event_source: &str, event_name: &str) -> Result<&[Arc<Rule>], &CatalogError> {
        let own = self.own.get(event_source).and_then(|service| service.by_event.get(event_name));
        if let Some(rules) = own {
            return Ok(rules);
        }
        let embedded = self.service(event_source)?;
        Ok(embedded.and_then(|service| service.by_event.get(event_name)).map_or(&[], Vec::as_slice))
    }

    /// The rules by which an event deletes resources; empty when there are none.
    ///
    /// # Errors
    /// [`CatalogError`] when the service's embedded file cannot be used, which the tests rule out.
    pub fn find_deletions(
        &self,
        event_source: &str,
        event_name: &str,
    ) -> Result<&[Arc<DeletionRule>], &CatalogError> {
        let own = self.own.get(event_source).and_then(|service| service.deletions.get(event_name));
        if let Some(rules) = own {
            return Ok(rules);
        }
        let embedded = self.service(event_source)?;
        Ok(embedded.and_then(|service| service.deletions.get(event_name)).map_or(&[], Vec::as_slice))
    }

    /// True if the catalogue says of an event that it makes nothing that can be tagged.
    pub fn is_not_a_resource(&self, event_source: &str, event_name: &str) -> bool {
        let own = self.own.get(event_source);
        let services = [own, self.service(event_source).ok().flatten()];
        services
            .into_iter()
            .flatten()
            .any(|service| service.rules.not_a_resource.iter().any(|name| name == event_name))
    }

    /// True if a call that no rule covers creates something that can be tagged.
    ///
    /// The catalogue's `not_a_resource` counts first, then AWS's own data. A call that neither knows counts by its verb.
    ///
    /// ```
    /// use autotag_handlers::catalog::Catalog;
    ///
    /// let catalog = Catalog::embedded();
    /// assert!(catalog.is_creation("securityhub.amazonaws.com", "EnableSecurityHub"));
    /// assert!(!catalog.is_creation("ssmmessages.amazonaws.com", "CreateControlChannel"));
    /// assert!(catalog.is_creation("newservice.amazonaws.com", "CreateThing"));
    /// ```
    pub fn is_creation(&self, event_source: &str, event_name: &str) -> bool {
        let service = event_source.strip_suffix(SOURCE_SUFFIX).unwrap_or_default();
        let creates = match creating::creates(service, event_name) {
            Creates::Taggable => true,
            Creates::NothingTaggable => false,
            Creates::Unknown => creating::begins_with_creating_verb(event_name),
        };
        creates && !self.is_not_a_resource(event_source, event_name)
    }

    /// True if AWS has ended the service of an event source. Old trails still have its events.
    ///
    /// ```
    /// use autotag_handlers::catalog::Catalog;
    ///
    /// assert!(Catalog::has_ended("qldb.amazonaws.com"));
    /// assert!(!Catalog::has_ended("sqs.amazonaws.com"));
    /// ```
    pub fn has_ended(event_source: &str) -> bool {
        event_source.strip_suffix(SOURCE_SUFFIX).is_some_and(creating::has_ended)
    }

    /// The event sources (without `.amazonaws.com`) of all services that are known: by a rule, or by AWS's data about calls.
    ///
    /// ```
    /// use autotag_handlers::catalog::Catalog;
    ///
    /// let catalog = Catalog::embedded();
    /// let known = catalog.known_services();
    /// assert!(known.contains("dynamodb") && known.contains("finspace"));
    /// assert!(!known.contains("dynamo"));
    /// ```
    pub fn known_services(&self) -> BTreeSet<&str> {
        let own = self.own.keys().map(|source| source.strip_suffix(SOURCE_SUFFIX).unwrap_or(source));
        self.embedded.keys().copied().chain(own).chain(creating::sources()).collect()
    }

    /// All services with their rules as they count, by event source: the user's own in place of those they replace.
    ///
    /// # Errors
    /// [`CatalogError`] when an embedded file cannot be used.
    pub fn services(&self) -> Result<Vec<ServiceRules>, CatalogError> {
        let embedded = self.embedded.keys().map(|name| format!("{name}{SOURCE_SUFFIX}"));
        let sources: BTreeSet<String> = embedded.chain(self.own.keys().cloned()).collect();
        let mut services = Vec::with_capacity(sources.len());
        for source in sources {
            let embedded = self.service(&source).map_err(Clone::clone)?.map(|service| service.rules.clone());
            let own = self.own.get(&source).map(|service| service.rules.clone());
            services.extend(match (embedded, own) {
                (Some(embedded), Some(own)) => Some(overlaid(embedded, own)),
                (embedded, own) => embedded.or(own),
            });
        }
        Ok(services)
    }

    fn service(&self, event_source: &str) -> Result<Option<&Service>, &CatalogError> {
        let Some(name) = event_source.strip_suffix(SOURCE_SUFFIX) else { return Ok(None) };
        let Some(embedded) = self.embedded.get(name) else { return Ok(None) };
        let parsed = embedded.parsed.get_or_init(|| {
            let refuse = |error| CatalogError { file: format!("catalog/{name}.toml"), error };
            ServiceRules::from_toml(&unpacked(embedded.packed)).map(Service::new).map_err(refuse)
        });
        parsed.as_ref().map(Some)
    }
}

/// The embedded rules of a service with the user's own in place of those they replace.
fn overlaid(mut service: ServiceRules, own: ServiceRules) -> ServiceRules {
    service.rules.retain(|rule| !own.rules.iter().any(|mine| mine.event == rule.event));
    service.rules.extend(own.rules);
    service.rules.sort_by(|a, b| (&a.event, &a.resource_type).cmp(&(&b.event, &b.resource_type)));
    service.not_a_resource.extend(own.not_a_resource);
    service.deletions.retain(|rule| !own.deletions.iter().any(|mine| mine.event() == rule.event()));
    service.deletions.extend(own.deletions);
    service.tag_changes.retain(|call| !own.tag_changes.iter().any(|mine| mine.event == call.event));
    service.tag_changes.extend(own.tag_changes);
    service
}

impl Default for Catalog {
    fn default() -> Self {
        Self::embedded()
    }
}

impl Service {
    fn new(rules: ServiceRules) -> Self {
        let mut by_event: HashMap<String, Vec<Arc<Rule>>> = HashMap::new();
        for rule in &rules.rules {
            by_event.entry(rule.event.clone()).or_default().push(Arc::clone(rule));
        }
        let mut deletions: HashMap<String, Vec<Arc<DeletionRule>>> = HashMap::new();
        for rule in &rules.deletions {
            deletions.entry(rule.event().to_owned()).or_default().push(Arc::clone(rule));
        }
        Self { rules, by_event, deletions }
    }

    /// Another file of the user's for the same service: the later file's events win.
    fn add(&mut self, rules: ServiceRules) {
        let later = Self::new(rules);
        self.rules.rules.retain(|rule| !later.by_event.contains_key(&rule.event));
        self.rules.rules.extend(later.rules.rules);
        self.rules.not_a_resource.extend(later.rules.not_a_resource);
        let known = &mut self.rules.tag_changes;
        known.retain(|call| !later.rules.tag_changes.iter().any(|mine| mine.event == call.event));
        known.extend(later.rules.tag_changes);
        self.by_event.extend(later.by_event);
        self.rules.deletions.retain(|rule| !later.deletions.contains_key(rule.event()));
        self.rules.deletions.extend(later.rules.deletions);
        self.deletions.extend(later.deletions);
    }
}

#[cfg(test)]
mod tests;
