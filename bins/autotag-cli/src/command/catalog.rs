//! `autotag catalog`: lists the rules, or the creating events that none of them covers.

mod entry;
mod page;
mod uncovered;

use crate::cli::{CatalogArgs, CatalogFormat};
use crate::completion::Completion;
use crate::output::{plural, styled, table};
use crate::setup;
use anyhow::Result;
use autotag_model::rule::{Evidence, ServiceRules};
use entry::{COLUMNS, Entry};
use std::collections::BTreeSet;
use std::io::Write;

pub(crate) fn run(args: &CatalogArgs) -> Result<Completion> {
    let catalog = setup::catalog(&args.rules)?;
    if !args.uncovered_by.is_empty() {
        return uncovered::run(args, catalog);
    }
    let mut services = catalog.services()?;
    services.retain(|service| is_wanted(args, &service.source, &service.name));
    if services.is_empty() {
        let wanted = args.service.as_deref().unwrap_or_default();
        writeln!(anstream::stderr(), "no service matches `{wanted}`")?;
        return Ok(Completion::Partial);
    }
    keep_rules(&mut services, args);
    if services.is_empty() {
        writeln!(anstream::stderr(), "no rule matches")?;
        return Ok(Completion::Partial);
    }
    // Programs get every byte as it is; a stream that handles colours would remove some.
    match args.format {
        CatalogFormat::Table => write_table(&services, &mut anstream::stdout().lock())?,
        CatalogFormat::Markdown => {
            write!(std::io::stdout(), "{}", page::markdown(&services))?;
            return Ok(Completion::Complete);
        }
        CatalogFormat::Json => {
            let mut out = std::io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, &entries(&services).collect::<Vec<_>>())?;
            writeln!(out)?;
        }
        CatalogFormat::Csv => {
            let mut csv = csv::Writer::from_writer(std::io::stdout().lock());
            csv.write_record(COLUMNS)?;
            for entry in entries(&services) {
                csv.write_record(entry.cells())?;
            }
            csv.flush()?;
        }
    }
    writeln!(anstream::stderr(), "{}", Numbers::of(&services))?;
    Ok(Completion::Complete)
}

/// Whether a service is one of those that the command line asks for.
fn is_wanted(args: &CatalogArgs, source: &str, name: &str) -> bool {
    let wanted = args.service.as_deref().unwrap_or_default().to_lowercase();
    source.contains(&wanted) || name.to_lowercase().contains(&wanted)
}

/// Keeps the rules of the wanted type and evidence, and the services that have such rules.
fn keep_rules(services: &mut Vec<ServiceRules>, args: &CatalogArgs) {
    let wanted_type = args.resource_type.as_deref().unwrap_or_default().to_lowercase();
    let wanted_evidence = args.evidence.map(Evidence::from);
    if wanted_type.is_empty() && wanted_evidence.is_none() {
        return;
    }
    for service in services.iter_mut() {
        service.rules.retain(|rule| {
            rule.resource_type.to_lowercase().contains(&wanted_type)
                && wanted_evidence.is_none_or(|evidence| rule.evidence == evidence)
        });
    }
    services.retain(|service| !service.rules.is_empty());
}

fn entries(services: &[ServiceRules]) -> impl Iterator<Item = Entry<'_>> {
    services.iter().flat_map(|service| service.rules.iter().map(|rule| Entry::new(service, rule)))
}

fn write_table(services: &[ServiceRules], out: &mut impl Write) -> Result<()> {
    let mut table = table(&["event", "resource", "tag call", "note", "evidence", "kind"]);
    for entry in entries(services) {
        let event = format!("{}\n{}", entry.event_name, styled::text(styled::QUIET, entry.event_source));
        table.add_row([
            event,
            entry.resource_type.to_owned(),
            entry.tag_call.to_owned(),
            entry.note.unwrap_or_default().to_owned(),
            entry.evidence.to_string(),
            entry.kind.join("\n"),
        ]);
    }
    Ok(writeln!(out, "{table}")?)
}

/// How much some services cover.
struct Numbers {
    services: usize,
    rules: usize,
    types: usize,
    events: usize,
    by_evidence: Vec<(usize, Evidence)>,
}

impl Numbers {
    fn of(services: &[ServiceRules]) -> Self {
        let rules = || services.iter().flat_map(|service| &service.rules);
        let types: BTreeSet<&str> = rules().map(|rule| rule.resource_type.as_str()).collect();
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
    fn evidence(&self) -> String {
        let parts: Vec<String> =
            self.by_evidence.iter().map(|(count, evidence)| format!("{count} {evidence}")).collect();
        parts.join(", ")
    }
}

impl std::fmt::Display for Numbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
