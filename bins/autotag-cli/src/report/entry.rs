//! A resource of the report.

use super::class::{Class, Verdict};
use super::inventory::Tags;
use super::made::MakerFacts;
use super::money::Money;
use autotag_model::arn::{AccountId, Region};
use autotag_model::rule::Resource;
use jiff::Timestamp;
use std::sync::Arc;

/// A resource of the report.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) resource: Resource,
    /// True if the inventory lists it; `None` without an inventory.
    pub(crate) listed: Option<bool>,
    pub(crate) created: Option<Timestamp>,
    pub(crate) event_id: Option<String>,
    pub(crate) event: Option<Arc<str>>,
    pub(crate) maker: Option<Arc<MakerFacts>>,
    pub(crate) declared: Option<String>,
    pub(crate) tags: Option<Tags>,
    pub(crate) verdict: Arc<Verdict>,
    pub(crate) cost: Money,
    /// How its tags ended, by the ledger.
    pub(crate) state: Option<&'static str>,
    /// When it was deleted, by the ledger.
    pub(crate) deleted: Option<Timestamp>,
}

impl Entry {
    pub(crate) fn class(&self) -> Class {
        self.verdict.class
    }

    /// The facts about the owner that is shown; `None` for a declared one, because nothing else is known about it.
    pub(crate) fn owner_facts(&self) -> Option<&MakerFacts> {
        let maker = self.maker.as_deref()?;
        let is_preferred = self.class() == Class::DeclaredOnly || maker.name.is_none();
        if is_preferred && self.declared.is_some() { None } else { Some(maker) }
    }

    /// The owner: the proven one, otherwise the declared one.
    pub(crate) fn owner(&self) -> Option<&str> {
        self.owner_facts().map_or(self.declared.as_deref(), |maker| maker.name.as_deref())
    }

    /// The account that tells the owner apart from others of this name. One person in all accounts has none, nor has a declared name.
    pub(crate) fn owner_account(&self) -> Option<&str> {
        let facts = self.owner_facts().filter(|facts| facts.person.is_none() && facts.name.is_some())?;
        facts.account.as_deref()
    }

    pub(crate) fn arn(&self) -> Option<String> {
        self.resource.arn.as_ref().map(ToString::to_string)
    }

    pub(crate) fn account(&self) -> Option<&str> {
        self.resource.account.as_ref().map(AccountId::as_str)
    }

    pub(crate) fn region(&self) -> Option<&str> {
        self.resource.region.as_ref().map(Region::as_str)
    }

    /// `ec2`
    pub(crate) fn service(&self) -> String {
        service_of(&self.resource)
    }
}

pub(super) fn service_of(resource: &Resource) -> String {
    if let Some(arn) = &resource.arn {
        return arn.service().to_owned();
    }
    let mut parts = resource.resource_type.split(':').filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or_default();
    if first == "AWS" { parts.next().unwrap_or_default().to_lowercase() } else { first.to_lowercase() }
}
