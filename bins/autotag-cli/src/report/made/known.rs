//! Adds the facts of a ledger to those of a trail.

use super::{Creations, LedgerFacts, Made, MakerFacts};
use autotag_handlers::owner::Owner;
use autotag_model::rule::Resource;
use jiff::Timestamp;

/// A creation that a ledger has.
pub(crate) struct Known<'k> {
    pub(crate) resource: &'k Resource,
    pub(crate) time: Option<Timestamp>,
    pub(crate) event_id: Option<&'k str>,
    /// `ec2:RunInstances`
    pub(crate) event: &'k str,
    pub(crate) owner: Option<&'k Owner>,
    pub(crate) may_have_found: bool,
    /// Why the owner is not known.
    pub(crate) undecided: Option<String>,
    /// The enforced identity tags that autotag wrote.
    pub(crate) identity: Vec<(String, String)>,
    pub(crate) written: Option<String>,
    /// Why AWS cannot tag it, if so.
    pub(crate) unwritten: Option<&'k str>,
    pub(crate) facts: LedgerFacts,
}

impl Creations {
    /// None yet. All will be of a ledger.
    pub(crate) fn of_ledger() -> Self {
        Self { is_ledger_alone: true, ..Self::default() }
    }

    /// Adds what a ledger has. It knows deletions, and what was written. Of two creations of a name the later one counts.
    pub(crate) fn add_known(&mut self, known: Known<'_>) {
        if self.is_ledger_alone
            && let Some(time) = known.time
        {
            let (first, last) = self.span.unwrap_or((time, time));
            self.span = Some((first.min(time), last.max(time)));
        }
        let maker = self.maker(MakerFacts::new(known.owner, known.may_have_found, known.undecided.clone()));
        let made = Made {
            resource: known.resource.clone(),
            time: known.time,
            event_id: known.event_id.map(str::to_owned),
            event: self.text(known.event),
            maker,
            unwritten: known.unwritten.map(|why| self.text(why.trim_end_matches('.'))),
            written: known.written,
            identity: known.identity,
            free: Vec::new(),
            ledger: Some(known.facts),
            row: None,
        };
        match self.place(known.resource) {
            Some(Some(of_trail)) => of_trail.join(made),
            Some(None) => {}
            None => {
                let key = made.resource.key();
                self.insert(key, made);
            }
        }
    }
}

impl Made {
    /// Takes what a ledger has about the name of this creation, which a trail tells.
    fn join(&mut self, of_ledger: Self) {
        let is_same_event = self.event_id.is_some() && self.event_id == of_ledger.event_id;
        let is_deleted_before = |time: Option<Timestamp>| {
            let deleted = of_ledger.ledger.as_ref().and_then(|facts| facts.deleted);
            deleted.is_some_and(|deleted| time.is_none_or(|time| deleted.time < time))
        };
        if is_same_event {
            // The ledger may have had the session that this trail lacks.
            if self.maker.misses_session && !of_ledger.maker.misses_session {
                (self.maker, self.written, self.row) = (of_ledger.maker, of_ledger.written, None);
            }
            if self.identity.is_empty() {
                (self.identity, self.free) = (of_ledger.identity, of_ledger.free);
            }
            self.ledger = of_ledger.ledger;
        } else if self.time <= of_ledger.time || (self.maker.may_have_found && !is_deleted_before(self.time))
        {
            *self = of_ledger;
        } else if !is_deleted_before(self.time) {
            self.ledger = of_ledger.ledger;
        }
    }
}
