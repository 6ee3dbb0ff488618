//! The key figures at the top, the limits of the page, and the money.

use super::data::{Data, MOST};
use super::run::Run;
use crate::report::class::Class;
use crate::report::entry::Entry;
use crate::report::estate::Estate;
use crate::report::money::Money;
use autotag_page::facet::filter;
use autotag_page::figure::Figure;
use autotag_page::text::{counted, share, thousands, visible};

/// The cost of the resources of a class.
#[derive(Debug)]
pub(crate) struct MoneyLine {
    pub(crate) name: String,
    pub(crate) cost: String,
    pub(crate) filter: String,
}

pub(super) fn has_cost(estate: &Estate) -> bool {
    !estate.other_costs.is_empty() || estate.entries.iter().any(|entry| !entry.cost.is_empty())
}

fn sum<'e>(entries: impl Iterator<Item = &'e Entry>) -> Money {
    let mut money = Money::default();
    for entry in entries {
        money.append(&entry.cost);
    }
    money
}

/// The costs by class. All lines together are the whole bill.
pub(super) fn money(estate: &Estate) -> Vec<MoneyLine> {
    let of_class = |class: Class| {
        let cost = sum(estate.counted().filter(|entry| entry.class() == class));
        MoneyLine {
            name: class.words().to_owned(),
            cost: cost.rounded(),
            filter: filter("class", class.words()),
        }
    };
    let mut lines: Vec<MoneyLine> = Class::ALL.into_iter().map(of_class).collect();
    let line = |name: &str, cost: &Money| MoneyLine {
        name: name.to_owned(),
        cost: cost.rounded(),
        filter: String::new(),
    };
    let unlisted = |entry: &&Entry| entry.listed == Some(false) && entry.deleted.is_none();
    lines.push(line(
        "Created in the trail, not in the inventory",
        &sum(estate.entries.iter().filter(unlisted)),
    ));
    lines.push(line("Deleted", &sum(estate.entries.iter().filter(|entry| entry.deleted.is_some()))));
    lines.push(line("Without a resource of this report", &estate.costs_without_resource()));
    lines.retain(|line| !line.cost.is_empty());
    lines.push(line("All costs", &estate.costs()));
    lines
}

/// Notices that a reader needs before the numbers.
pub(super) fn notices(estate: &Estate, run: &Run, data: &Data) -> Vec<String> {
    let mut notices = Vec::new();
    if !estate.has_inventory {
        notices.push(
            "This page shows what was created in the trail or the ledger. It does not show what exists: resources that were created \
             before are not in it, and of a trail also deleted ones. With --inventory or --live it shows what exists."
                .to_owned(),
        );
    }
    if !estate.has_trail {
        notices.push("No trail was read, so no owner is proven. Add --trail or --ledger.".to_owned());
    }
    let deleted = estate.entries.iter().filter(|entry| entry.deleted.is_some()).count();
    if deleted > 0 {
        notices.push(format!(
            "{} deleted, as the ledger says. The table has them, and numbers and charts do not count them.",
            counted(deleted, "resource is", "resources are")
        ));
    }
    let is_unlisted = |entry: &&Entry| entry.listed == Some(false) && entry.deleted.is_none();
    let unlisted = estate.entries.iter().filter(is_unlisted).count();
    if unlisted > 0 {
        notices.push(format!(
            "{} in the trail and not in the inventory: deleted, or in a part of the estate that the inventory leaves out. \
             The table has them, and numbers and charts do not count them.",
            counted(unlisted, "resource is", "resources are")
        ));
    }
    if estate.listed_again > 0 {
        let rows = usize::try_from(estate.listed_again).unwrap_or(usize::MAX);
        notices.push(format!("{} of the inventory named a resource twice.", counted(rows, "row", "rows")));
    }
    if run.unnamed > 0 {
        notices.push(format!(
            "The records of {} do not name the resource; `autotag apply` looks it up. They are not in this report.",
            counted(usize::try_from(run.unnamed).unwrap_or(usize::MAX), "creation", "creations")
        ));
    }
    if data.left_out > 0 {
        notices.push(format!(
            "The table has the first {} resources by cost and age, and leaves {} out. Other formats have all.",
            thousands(MOST),
            thousands(data.left_out)
        ));
    }
    notices.extend(run.faults.iter().map(|fault| visible(fault)));
    notices
}

/// The figures: all resources, then those of each class that there are.
pub(super) fn figures(estate: &Estate) -> Vec<Figure> {
    let all = estate.counted().count();
    let note = |cost: &Money, note: String| {
        if cost.is_empty() { note } else { format!("{note}; {}", cost.rounded()) }
    };
    let kind = if estate.has_inventory { "that exist" } else { "created" };
    let total = sum(estate.counted());
    let mut figures =
        vec![Figure::new("Resources", "resources", thousands(all), note(&total, kind.to_owned()))];
    for class in Class::ALL {
        let count = estate.count(class);
        let is_central = matches!(class, Class::ProvenPerson | Class::NameOnly | Class::Unknown);
        if count == 0 && !is_central {
            continue;
        }
        let cost = sum(estate.counted().filter(|entry| entry.class() == class));
        let share = if all == 0 { String::new() } else { share(count, all) };
        let alarm = count > 0
            && matches!(class, Class::Disagree | Class::Tampered | Class::Unknown | Class::NameOnly);
        let figure = Figure::new(class.words(), "resources", thousands(count), note(&cost, share));
        figures.push(figure.filtered(filter("class", class.words())).alarming(alarm));
    }
    if !estate.other_costs.is_empty() {
        let cost = estate.costs_without_resource();
        let lines = counted(estate.other_costs.len(), "line", "lines");
        figures.push(Figure::new("Cost without a resource", "costs", cost.rounded(), lines));
    }
    figures
}
