//! The rows that the filters of the command line choose.
//!
//! A filter chooses what is shown and what is written. It never changes who owns what: everything is read and decided, and only
//! then rows are left out.

use crate::cli::{CheckArgs, FilterArgs, OutcomeArg, ProofArg, did_you_mean};
use crate::scan::is_undone;
use crate::setup::usage_error;
use anyhow::Result;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::event::EventSummary;
#[cfg(feature = "aws")]
use autotag_handlers::owner::Proof;
use autotag_handlers::row::{Row, Status};
#[cfg(feature = "aws")]
use autotag_ledger::Entry;
use autotag_model::policy::Pattern;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The end of event sources.
const SOURCE_SUFFIX: &str = ".amazonaws.com";

/// The beginning of resource types.
const TYPE_PREFIX: &str = "aws::";

/// How many types with one name are suggested.
const SAME_NAME: usize = 3;

/// How many owners can be suggested. A trail of an attacker names any number of them.
const SUGGESTED: usize = 1_000;

/// The longest name that is suggested, in bytes.
const LONGEST_NAME: usize = 500;

/// The rows that are chosen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    owner: Alternatives,
    account: Alternatives,
    service: Alternatives,
    resource_type: Alternatives,
    region: Alternatives,
    proof: Vec<&'static str>,
    outcome: Vec<&'static str>,
    /// Names of owners that were not chosen, to suggest one.
    other_owners: Arc<Mutex<BTreeSet<String>>>,
}

/// The values of one option.
#[derive(Debug, Clone, Default)]
struct Alternatives(Vec<Arc<Alternative>>);

/// One value. `*` and `?` are wildcards, and case does not count.
#[derive(Debug)]
struct Alternative {
    text: String,
    pattern: Pattern,
    /// True if anything matched it. A name that does not occur can be told then.
    has_matched: AtomicBool,
}

impl Alternatives {
    fn new(values: &[String], folded: impl Fn(&str) -> String) -> Self {
        let one = |value: &String| {
            let pattern = Pattern::new(&folded(value));
            Arc::new(Alternative { text: value.clone(), pattern, has_matched: AtomicBool::new(false) })
        };
        Self(values.iter().map(one).collect())
    }

    /// True without alternatives, or if one of them matches.
    fn match_text(&self, text: Option<&str>, folded: impl Fn(&str) -> String) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let Some(text) = text.map(folded) else { return false };
        let mut matches = false;
        for alternative in &self.0 {
            if alternative.pattern.matches(&text) {
                alternative.has_matched.store(true, Ordering::Relaxed);
                matches = true;
            }
        }
        matches
    }

    fn unmatched(&self) -> impl Iterator<Item = &str> {
        let unmatched = self.0.iter().filter(|one| !one.has_matched.load(Ordering::Relaxed));
        unmatched.map(|one| one.text.as_str())
    }
}

fn lower(text: &str) -> String {
    text.to_lowercase()
}

/// `ec2` for `EC2` and `ec2.amazonaws.com`.
fn service(text: &str) -> String {
    let text = text.to_lowercase();
    text.strip_suffix(SOURCE_SUFFIX).unwrap_or(&text).to_owned()
}

/// `ec2::vpc` for `EC2::VPC` and `AWS::EC2::VPC`.
fn resource_type(text: &str) -> String {
    let text = text.to_lowercase();
    text.strip_prefix(TYPE_PREFIX).unwrap_or(&text).to_owned()
}

impl Filter {
    /// The filter of the arguments.
    ///
    /// # Errors
    /// A usage error if no rule of the catalogue has a type, or a service is not known.
    pub(crate) fn new(args: &FilterArgs, checks: &CheckArgs, catalog: &Catalog) -> Result<Self> {
        check_services(&args.shared.service, catalog)?;
        check_types(&args.shared.resource_type, catalog)?;
        Ok(Self {
            owner: Alternatives::new(&args.owner, lower),
            account: Alternatives::new(&args.shared.account, lower),
            service: Alternatives::new(&args.shared.service, service),
            resource_type: Alternatives::new(&args.shared.resource_type, resource_type),
            region: Alternatives::new(&args.region, lower),
            proof: args.shared.proof.iter().copied().map(ProofArg::as_str).collect(),
            outcome: checks.outcome.iter().copied().map(OutcomeArg::as_str).collect(),
            other_owners: Arc::default(),
        })
    }

    /// True if all rows are chosen.
    pub(crate) fn is_empty(&self) -> bool {
        self.options().all(|(_, values)| values.0.is_empty())
            && self.proof.is_empty()
            && self.outcome.is_empty()
    }

    /// True if rows are chosen by their outcome.
    pub(crate) fn chooses_outcomes(&self) -> bool {
        !self.outcome.is_empty()
    }

    fn options(&self) -> impl Iterator<Item = (&'static str, &Alternatives)> {
        [
            ("--owner", &self.owner),
            ("--account", &self.account),
            ("--service", &self.service),
            ("--type", &self.resource_type),
            ("--region", &self.region),
        ]
        .into_iter()
    }

    /// True if the filter chooses the row. An error is of every owner and proof, so that no filter hides it.
    pub(crate) fn matches<S: Status>(&self, row: &Row<S>) -> bool {
        if self.is_empty() {
            return true;
        }
        // All are tried, so that each value is known to occur.
        let by_place = self.place(&row.event.source, row.account(), row.region());
        let by_type = self.resource_type.match_text(row.resource_type.as_deref(), resource_type);
        let by_owner = self.owner.match_text(row.owner_name(), lower);
        if let (false, Some(name)) = (by_owner, row.owner_name()) {
            self.note_other(name);
        }
        let is_one = |names: &[&str], name: Option<&str>| {
            names.is_empty() || name.is_some_and(|name| names.contains(&name))
        };
        // The owner of a row that could not be decided is not certain. The error may be about an owner who is chosen.
        let is_error = row.status.outcome().is_some_and(is_undone);
        let by_type = by_type || (is_error && row.resource_type.is_none());
        let by_owner = is_error || (by_owner && is_one(&self.proof, row.proof()));
        by_place && by_type && by_owner && is_one(&self.outcome, Some(row.status.name()))
    }

    /// True if the filter chooses an entry of the ledger.
    #[cfg(feature = "aws")]
    pub(crate) fn matches_entry(&self, entry: &Entry) -> bool {
        let Entry { resource, event, owner, .. } = entry;
        let resource = resource.as_ref();
        let account = resource.and_then(|resource| resource.account.as_deref());
        let region = resource.and_then(|resource| resource.region.as_deref());
        let by_place = self.place(
            &event.source,
            account.or(event.account.as_deref()),
            region.or(event.region.as_deref()),
        );
        let by_type = resource.map(|resource| resource.resource_type.as_str());
        let by_type = self.resource_type.match_text(by_type, resource_type);
        let proof = owner.proof.map(Proof::as_str);
        let by_proof = self.proof.is_empty() || proof.is_some_and(|proof| self.proof.contains(&proof));
        by_place && by_type && by_proof && self.owner.match_text(owner.name.as_deref(), lower)
    }

    fn note_other(&self, owner: &str) {
        let mut others = self.other_owners.lock().unwrap_or_else(PoisonError::into_inner);
        if owner.len() <= LONGEST_NAME && others.len() < SUGGESTED && !others.contains(owner) {
            others.insert(owner.to_owned());
        }
    }

    /// True if the filter chooses an event by what its record says: its account, region and service.
    fn matches_event(&self, event: &EventSummary) -> bool {
        self.place(&event.source, event.account.as_deref(), event.region.as_deref())
    }

    /// True if an event that no rule covers is counted: nothing is known of its resources, and of its owner only later.
    pub(crate) fn counts_uncovered(&self, event: &EventSummary) -> bool {
        let is_wanted = self.outcome.is_empty() || self.outcome.contains(&OutcomeArg::NoRule.as_str());
        self.matches_event(event) && is_wanted && self.resource_type.0.is_empty()
    }

    fn place(&self, source: &str, account: Option<&str>, region: Option<&str>) -> bool {
        let by_service = self.service.match_text(Some(source), service);
        let by_account = self.account.match_text(account, lower);
        let by_region = self.region.match_text(region, lower);
        by_service && by_account && by_region
    }

    /// The filter as on the command line; empty without one.
    pub(crate) fn describe(&self) -> String {
        let named = |option: &str, values: Vec<&str>| {
            (!values.is_empty()).then(|| format!("{option} {}", values.join(",")))
        };
        let of_options = self
            .options()
            .map(|(option, values)| named(option, values.0.iter().map(|one| one.text.as_str()).collect()));
        let of_names = [named("--proof", self.proof.clone()), named("--outcome", self.outcome.clone())];
        of_options.chain(of_names).flatten().collect::<Vec<_>>().join(" ")
    }

    /// The values that nothing matched, each as on the command line; of an owner and a service with a name like it.
    pub(crate) fn unmatched(&self, catalog: &Catalog) -> Vec<String> {
        let mut said = Vec::new();
        for (option, values) in self.options() {
            for value in values.unmatched() {
                let near = match option {
                    "--service" => near_service(value, catalog),
                    "--owner" => {
                        let others = self.other_owners.lock().unwrap_or_else(PoisonError::into_inner);
                        did_you_mean(value, others.iter().map(String::as_str))
                    }
                    _ => String::new(),
                };
                said.push(format!("nothing in the input matches {option} {value}{near}"));
            }
        }
        said
    }
}

/// Only rules name types, so a type of no rule is a mistake.
fn check_types(wanted: &[String], catalog: &Catalog) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let services = catalog.services()?;
    let known: BTreeSet<&str> = services
        .iter()
        .flat_map(|service| &service.rules)
        .map(|rule| rule.resource_type.strip_prefix("AWS::").unwrap_or(&rule.resource_type))
        .collect();
    for text in wanted {
        let pattern = Pattern::new(&resource_type(text));
        if !known.iter().any(|name| pattern.matches(&name.to_lowercase())) {
            let near = near_type(&resource_type(text), &known);
            return Err(usage_error(format!(
                "--type {text}: no rule finds resources of this type{near} (`autotag catalog` lists all)"
            )));
        }
    }
    Ok(())
}

/// The types of this name, without their service; otherwise the type with a name like it.
fn near_type(wanted: &str, known: &BTreeSet<&str>) -> String {
    let has_name =
        |known: &&&str| known.rsplit("::").next().is_some_and(|name| name.eq_ignore_ascii_case(wanted));
    let named: Vec<String> =
        known.iter().filter(has_name).take(SAME_NAME).map(|name| format!("`{name}`")).collect();
    if named.is_empty() {
        return did_you_mean(wanted, known.iter().copied());
    }
    format!("; did you mean {}?", named.join(" or "))
}

/// A short name that is not known is a mistake. A service may be newer than this program: its whole event source is accepted.
fn check_services(wanted: &[String], catalog: &Catalog) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let known = catalog.known_services();
    for text in wanted.iter().filter(|text| !text.to_lowercase().ends_with(SOURCE_SUFFIX)) {
        let name = service(text);
        let pattern = Pattern::new(&name);
        if !known.iter().any(|known| pattern.matches(known)) {
            let near = did_you_mean(&name, known.iter().copied());
            return Err(usage_error(format!(
                "--service {text}: no service with this name is known{near} (for a new one, write its whole event source: \
                 {name}{SOURCE_SUFFIX})"
            )));
        }
    }
    Ok(())
}

fn near_service(value: &str, catalog: &Catalog) -> String {
    let (known, value) = (catalog.known_services(), service(value));
    if known.contains(value.as_str()) { String::new() } else { did_you_mean(&value, known) }
}

#[cfg(test)]
mod tests;
