//! The overview: the figures at the top, missing data, and the organizations.

use super::cell::{EMPTY, NOT_SAID, NOT_SET, Value};
use super::table::Row;
use crate::aws::Failure;
use crate::report::account_row::AccountRow;
use crate::report::{Account, Organization, Report, Tenant, TenantOutcome};
use autotag_page::facet::{Facet, filter};
use autotag_page::figure::Figure;
use autotag_page::text::{counted, share, thousands, visible};
use std::collections::BTreeMap;

/// The number of accounts with and without a tag.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) name: &'static str,
    /// The title of the figure of accounts without it.
    without: &'static str,
    /// The keys of the tag.
    pub(super) keys: String,
    pub(super) lines: Vec<TagLine>,
}

/// One line about a tag.
#[derive(Debug)]
pub(super) struct TagLine {
    pub(super) words: &'static str,
    pub(super) count: usize,
    pub(super) share: String,
    /// The filter for these accounts; `None` if there are none.
    pub(super) filter: Option<String>,
    pub(super) unknown: bool,
}

/// One management account of the configuration.
#[derive(Debug)]
pub(super) struct TenantLine {
    pub(super) id: String,
    /// `reported`, `cut`, `skipped`, `failed`
    pub(super) outcome: &'static str,
    pub(super) severity: &'static str,
    pub(super) note: String,
    /// Its id, and the filter for its accounts.
    pub(super) organization: Option<(String, String)>,
    pub(super) accounts: usize,
    /// The number of accounts with missing data.
    pub(super) partial: usize,
    pub(super) seconds: String,
}

/// The figures at the top.
pub(super) fn figures(
    report: &Report,
    rows: &[Row],
    tags: &[Tag],
    unmapped: &[(String, usize)],
) -> Vec<Figure> {
    let all = rows.len();
    let asked = report.tenants.len() + report.unusable_tenants.len();
    let asked = format!("of {} asked for", counted(asked, "tenant", "tenants"));
    let open = report.accounts().filter(|account| account.listed.is_open()).count();
    let states = format!("{} active, {} not", thousands(open), thousands(all - open));
    let mut figures = vec![
        organizations(report, asked),
        Figure::new("Accounts", "accounts", thousands(all), states),
        seen(report, all),
    ];
    figures.extend(tags.iter().map(|tag| {
        let without = tag.lines.iter().filter(|line| !line.unknown).map(|line| line.count).sum();
        let note = if all == 0 { String::new() } else { format!("{} of all accounts", share(without, all)) };
        Figure::new(tag.without, "tags", thousands(without), note).alarming(without > 0)
    }));
    let note = "active, and in no group".to_owned();
    let regions = Figure::new("Unmapped regions", "regions", thousands(unmapped.len()), note);
    figures.push(regions.alarming(!unmapped.is_empty()));
    figures
}

/// Alarming if one of those that were asked for could not be read, or not to its end.
fn organizations(report: &Report, note: String) -> Figure {
    let is_bad = |tenant: &Tenant| match &tenant.outcome {
        TenantOutcome::Failed(_) => true,
        TenantOutcome::Reported(organization) => organization.truncated_by.is_some(),
        TenantOutcome::NotManagement(_) => false,
    };
    let alarm = report.tenants.iter().any(is_bad) || !report.unusable_tenants.is_empty();
    let number = thousands(report.organizations().count());
    Figure::new("Organizations", "organizations", number, note).alarming(alarm)
}

/// Of the accounts that are listed: those that are not listed are told by the figure of organizations.
fn seen(report: &Report, all: usize) -> Figure {
    let partial = partial(report.accounts());
    let note = if partial == 0 {
        "of the accounts listed".to_owned()
    } else {
        format!("{} not fully read", counted(partial, "account", "accounts"))
    };
    let share = if all == 0 { "–".to_owned() } else { share(all - partial, all) };
    Figure::new("Fully read", "errors", share, note).alarming(partial > 0)
}

/// The number of accounts with missing data.
fn partial<'r>(accounts: impl IntoIterator<Item = &'r Account>) -> usize {
    accounts.into_iter().filter(|account| !account.missing.is_empty()).count()
}

/// The missing parts of the report, in words; empty if the report is complete.
pub(super) fn missing(report: &Report) -> Vec<String> {
    let failed = |tenant: &&Tenant| matches!(tenant.outcome, TenantOutcome::Failed(_));
    let failed = report.tenants.iter().filter(failed).count();
    let truncated_by =
        report.organizations().filter(|organization| organization.truncated_by.is_some()).count();
    let lines = [
        (failed, ["organization could not be read at all", "organizations could not be read at all"]),
        (
            truncated_by,
            ["organization has more accounts than listed", "organizations have more accounts than listed"],
        ),
        (partial(report.accounts()), ["account was not fully read", "accounts were not fully read"]),
        (
            report.unusable_tenants.len(),
            ["tenant id is not a valid account id", "tenant ids are not valid account ids"],
        ),
    ];
    let there = lines.into_iter().filter(|(count, _)| *count > 0);
    there.map(|(count, [one, more])| counted(count, one, more)).collect()
}

impl Tag {
    /// Counts the accounts of `facet`, of `all` accounts.
    pub(super) fn new(
        name: &'static str,
        without: &'static str,
        keys: &[&str],
        facet: &Facet,
        all: usize,
    ) -> Self {
        let line = |value: Value, words| {
            let (key, unknown) = (value.key(), value.is_unknown());
            let count =
                facet.choices.iter().find(|choice| choice.key == key).map_or(0, |choice| choice.count);
            let filter = (count > 0).then(|| filter(facet.name, &key));
            TagLine { words, count, share: share(count, all), filter, unknown }
        };
        let lines = vec![
            line(Value::Absent(NOT_SET), "without it"),
            line(Value::Absent(EMPTY), "have it, and it is empty"),
            line(Value::Unknown(String::new()), "not known"),
        ];
        Self { name, without, keys: keys.join(", "), lines }
    }
}

/// The number of active accounts by region without a group, the most frequent first.
pub(super) fn unmapped(account_rows: &[AccountRow]) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for region in account_rows.iter().flat_map(|account_row| &account_row.unmapped_regions) {
        *counts.entry(region).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().map(|(region, count)| (region.to_owned(), count)).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

/// All tenants of the configuration.
pub(super) fn tenants(report: &Report) -> Vec<TenantLine> {
    report.tenants.iter().map(TenantLine::new).collect()
}

impl TenantLine {
    fn new(tenant: &Tenant) -> Self {
        let answered = |Failure { operation, code, .. }: &Failure| {
            format!("{} answered {}", visible(operation), visible(code))
        };
        let (outcome, severity, note) = match &tenant.outcome {
            TenantOutcome::Reported(Organization { truncated_by: Some(failure), .. }) => {
                ("cut", "bad", format!("There are more accounts: {}", answered(failure)))
            }
            TenantOutcome::Reported(_) => ("reported", "good", String::new()),
            TenantOutcome::NotManagement(management) => (
                "skipped",
                "quiet",
                format!("Not a management account: {management} manages its organization"),
            ),
            TenantOutcome::Failed(failure) => ("failed", "bad", answered(failure)),
        };
        let organization = tenant.organization();
        let accounts = organization.map_or(&[][..], |organization| &organization.accounts);
        Self {
            id: tenant.id.to_string(),
            outcome,
            severity,
            note,
            organization: organization.map(|organization| {
                let key = Value::of_text(Some(&organization.id), NOT_SAID).key();
                (visible(&organization.id), filter("org", &key))
            }),
            accounts: accounts.len(),
            partial: partial(accounts),
            #[expect(clippy::cast_precision_loss, reason = "no organization takes so long")]
            seconds: format!("{:.1} s", tenant.millis as f64 / 1000.0),
        }
    }
}
