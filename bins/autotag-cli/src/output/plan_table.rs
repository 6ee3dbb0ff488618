//! The table of `plan` and `apply`: one line a resource.

use super::columns::{Column, Cut, line, shrink};
use super::screen::Screen;
use super::terminal::width;
use super::text::{CREATES_NOTHING, fitted_line, printable, styled};
use anstyle::Style;
use anyhow::Result;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::row::{Row, Status};
use autotag_model::rule::Resource;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;

/// How many rows one table has at most. The widths of its columns depend on all of them, so they are in memory until it is
/// printed.
const TABLE_ROWS: usize = 5_000;

/// From this width on, a time has its year.
const WITH_YEAR: usize = 100;

/// From this width on, the account has a column. Beside outcomes it needs more.
const WITH_ACCOUNT: usize = 76;
const WITH_ACCOUNT_AND_OUTCOME: usize = 88;

/// From this width on, the region is beside the account.
const WITH_REGION: usize = 100;

/// The states of rows that a plan is about. Only other ones need a column.
const PLANNED: [&str; 2] = ["WouldTag", "WouldLookUp"];

/// How a table is drawn.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TableView {
    /// True if nothing is cut: tags, whole ARNs and reasons, in lines of any length.
    pub(crate) wide: bool,
    /// The most rows; the others are counted.
    pub(crate) limit: Option<usize>,
}

/// How a cell is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Colour {
    Good,
    Careful,
    Bad,
}

impl Colour {
    fn style(self) -> Style {
        match self {
            Self::Good => styled::GOOD,
            Self::Careful => styled::CAREFUL,
            Self::Bad => styled::BAD,
        }
    }
}

/// The texts of one row. No control character is in them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TableRow {
    time: String,
    short_time: String,
    event: String,
    event_id: String,
    owner: String,
    proof: String,
    source: String,
    kind: String,
    resource: String,
    arn: String,
    account: String,
    region: String,
    outcome: String,
    reason: String,
    tags: String,
    colour: Colour,
}

impl TableRow {
    pub(super) fn of<S: Status>(row: &Row<S>) -> Self {
        let text = |text: Option<&str>| printable(text.unwrap_or(CREATES_NOTHING));
        let service = row.event.source.split('.').next().unwrap_or_default();
        let time = row.event.timestamp();
        let written = text(row.event.time.as_deref());
        let kind = row.resource_type.as_deref().map(|kind| kind.strip_prefix("AWS::").unwrap_or(kind));
        let tags: Vec<String> = row.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let claim = row.claimed().map(|name| format!("a caller claimed to be {name}"));
        let reason: Vec<String> = row.full_reason().into_iter().chain(claim).collect();
        let arn = row.arn().or_else(|| row.resource.as_ref().map(|resource| resource.id.clone()));
        Self {
            short_time: time.map_or(written.clone(), |time| time.strftime("%m-%d %H:%M").to_string()),
            time: time.map_or(written, |time| time.strftime("%Y-%m-%d %H:%M").to_string()),
            event: printable(&format!("{service}:{}", row.event.name)),
            event_id: text(row.event.id.as_deref()),
            owner: text(row.owner_name()),
            proof: text(row.proof()),
            source: text(row.owner_source()),
            kind: kind.map_or_else(|| printable(&format!("{service}:{}", row.event.name)), printable),
            resource: row.resource.as_ref().map_or(CREATES_NOTHING.to_owned(), short_name),
            arn: text(arn.as_deref()),
            account: text(row.account()),
            region: text(row.region()),
            outcome: printable(row.status.name()),
            reason: printable(&reason.join("; ")),
            tags: printable(&tags.join(" ")),
            colour: colour(row),
        }
    }
}

/// The name of a resource without what other columns say: the account, the region and the service.
fn short_name(resource: &Resource) -> String {
    let id = resource.id.as_str();
    let name = if id.starts_with("arn:") { id.splitn(6, ':').last().unwrap_or(id) } else { id };
    printable(name)
}

fn colour<S: Status>(row: &Row<S>) -> Colour {
    match row.status.outcome() {
        None if row.status.reason().is_none() => Colour::Good,
        Some(Outcome::Tagged | Outcome::AlreadyTagged(_)) => Colour::Good,
        Some(Outcome::Refused(_) | Outcome::Malformed(_)) => Colour::Bad,
        _ => Colour::Careful,
    }
}

/// Prints rows as they come, as soon as the widths of their columns are known.
#[derive(Debug)]
pub(super) struct PlanTable {
    view: TableView,
    rows: Vec<TableRow>,
    printed: usize,
    /// True if a name did not fit.
    is_cut: bool,
    /// Rows beyond the limit, by outcome.
    more: BTreeMap<String, u64>,
}

impl PlanTable {
    pub(super) fn new(view: TableView) -> Self {
        Self { view, rows: Vec::new(), printed: 0, is_cut: false, more: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, out: &mut impl Write, row: TableRow) -> Result<()> {
        if self.view.limit.is_some_and(|limit| self.printed + self.rows.len() >= limit) {
            *self.more.entry(row.outcome).or_default() += 1;
            return Ok(());
        }
        self.rows.push(row);
        if self.rows.len() < TABLE_ROWS { Ok(()) } else { self.print(out) }
    }

    /// Prints what is left.
    pub(super) fn finish(&mut self, out: &mut impl Write) -> Result<()> {
        self.print(out)?;
        if !self.more.is_empty() {
            let count: u64 = self.more.values().sum();
            let outcomes: Vec<String> =
                self.more.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
            // The same command cannot show again rows that it has written.
            let is_written = self.more.keys().any(|outcome| outcome == "Tagged");
            let how = if is_written { "a next run shows all with" } else { "to show all:" };
            let whole = if self.is_cut { "; whole names: --wide" } else { "" };
            let outcomes = outcomes.join(", ");
            let text = format!("{count} more ({outcomes}); {how} --all-rows, or --format csv > FILE{whole}");
            Screen::stdout(out).line(&styled::text(styled::QUIET, "… "), styled::QUIET, &text)?;
        }
        Ok(())
    }

    fn print(&mut self, out: &mut impl Write) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        self.printed += rows.len();
        let columns =
            if self.view.wide { wide_columns(&rows) } else { narrow_columns(&rows, width().into()) };
        self.is_cut |= columns.iter().any(Column::is_cut);
        for number in 0..=rows.len() {
            writeln!(out, "{}", line(&columns, number))?;
        }
        Ok(())
    }
}

/// A column whose cells are made of the rows.
fn column<'r>(
    head: &'static str,
    least: usize,
    rows: &'r [TableRow],
    cell: impl Fn(&'r TableRow) -> (String, Style),
) -> Column {
    let cut = match head {
        "RESOURCE" => Cut::Middle,
        "OWNER" | "TYPE" => Cut::NearEnd,
        _ => Cut::End,
    };
    Column::new(head, least, cut, rows.iter().map(cell).collect())
}

fn narrow_columns(rows: &[TableRow], width: usize) -> Vec<Column> {
    let plain = |text: &str| (text.to_owned(), Style::new());
    let time = |row: &TableRow| plain(if width < WITH_YEAR { &row.short_time } else { &row.time });
    let has_outcomes = rows.iter().any(|row| !PLANNED.contains(&row.outcome.as_str()));
    let mut columns = vec![
        column("TIME (UTC)", 16, rows, time),
        column("OWNER", 9, rows, |row| (row.owner.clone(), styled::NAME)),
    ];
    if width >= WITH_ACCOUNT || !has_outcomes {
        columns.push(column("PROOF", 9, rows, proof));
    }
    columns.push(column("TYPE", 10, rows, |row| plain(&row.kind)));
    columns.push(column("RESOURCE", 12, rows, |row| plain(&row.resource)));
    if width >= WITH_REGION {
        let place = |row: &TableRow| plain(&format!("{}/{}", row.account, row.region));
        columns.push(column("ACCOUNT/REGION", 13, rows, place));
    } else if width >= if has_outcomes { WITH_ACCOUNT_AND_OUTCOME } else { WITH_ACCOUNT } {
        columns.push(column("ACCOUNT", 12, rows, |row| plain(&row.account)));
    }
    if has_outcomes {
        columns.push(column("OUTCOME", 10, rows, |row| {
            let colon = if row.reason.is_empty() { "" } else { ": " };
            (format!("{}{colon}{}", row.outcome, row.reason), row.colour.style())
        }));
    }
    shrink(&mut columns, width);
    columns
}

fn proof(row: &TableRow) -> (String, Style) {
    let style = if row.proof == "name-only" { styled::CAREFUL } else { Style::new() };
    (row.proof.clone(), style)
}

fn wide_columns(rows: &[TableRow]) -> Vec<Column> {
    let plain = |text: &str| (fitted_line(text), Style::new());
    let whole = |head, cell: fn(&TableRow) -> &str| column(head, 0, rows, move |row| plain(cell(row)));
    let mut columns = vec![
        whole("TIME (UTC)", |row| &row.time),
        whole("EVENT", |row| &row.event),
        column("OWNER", 0, rows, |row| (fitted_line(&row.owner), styled::NAME)),
        column("PROOF", 0, rows, proof),
        whole("SOURCE", |row| &row.source),
        whole("RESOURCE", |row| &row.arn),
        column("OUTCOME", 0, rows, |row| (row.outcome.clone(), row.colour.style())),
        whole("EVENT ID", |row| &row.event_id),
        whole("TAGS", |row| &row.tags),
    ];
    if rows.iter().any(|row| !row.reason.is_empty()) {
        columns.push(whole("REASON", |row| &row.reason));
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::terminal::columns;

    fn row(owner: &str, resource: &str, outcome: &str) -> TableRow {
        let text = str::to_owned;
        TableRow {
            time: text("2026-03-02 08:01"),
            short_time: text("03-02 08:01"),
            event: text("ec2:CreateVpc"),
            event_id: text("00000000-0000-4000-8000-000000000001"),
            owner: text(owner),
            proof: text("name-only"),
            source: text("iam-user"),
            kind: text("EC2::VPC"),
            resource: text(resource),
            arn: format!("arn:aws:ec2:eu-west-1:111122223333:{resource}"),
            account: text("111122223333"),
            region: text("eu-west-1"),
            outcome: text(outcome),
            reason: String::new(),
            tags: text("Owner=mara"),
            colour: Colour::Good,
        }
    }

    /// The printed lines, without styles.
    fn drawn(columns: &[Column], rows: usize) -> Vec<String> {
        let plain = |number| anstream::adapter::strip_str(&line(columns, number)).to_string();
        (0..=rows).map(plain).collect()
    }

    #[test]
    fn each_row_is_one_line_in_the_width_of_the_terminal() {
        let long = "x".repeat(300);
        for width in [60, 75, 76, 80, 87, 88, 99, 100, 120, 200] {
            for rows in [
                vec![row(&long, &long, "WouldTag"), row(&long, &long, "Skipped")],
                vec![row("mara", "vpc-1", "WouldTag"), row(&long, &long, "WouldLookUp")],
                vec![row(&long, &long, "WouldTag"), row("日本語の名前とても長い名前", "vpc-2", "WouldTag")],
            ] {
                for line in drawn(&narrow_columns(&rows, width), rows.len()) {
                    assert!(columns(line.trim_end()) <= width, "{width}: {line:?}");
                }
            }
        }
    }

    #[test]
    fn outcomes_have_a_column_only_if_they_differ_from_the_plan() {
        let heads = |rows: &[TableRow]| drawn(&narrow_columns(rows, 200), 0).concat();
        assert!(!heads(&[row("mara", "vpc-1", "WouldTag")]).contains("OUTCOME"));
        assert!(
            heads(&[row("mara", "vpc-1", "WouldTag"), row("mara", "vpc-1", "Skipped")]).contains("OUTCOME")
        );
    }

    #[test]
    fn rows_beyond_the_limit_are_counted() {
        let mut out = Vec::new();
        let mut table = PlanTable::new(TableView { wide: false, limit: Some(2) });
        for number in 0..5 {
            table.add(&mut out, row("mara", &format!("vpc-{number}"), "WouldTag")).unwrap();
        }
        table.finish(&mut out).unwrap();
        let text = anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string();
        assert!(text.contains("vpc-1") && !text.contains("vpc-2"), "{text}");
        assert!(text.contains("… 3 more (3 WouldTag); to show all: --all-rows"), "{text}");
        let mut out = Vec::new();
        let mut table = PlanTable::new(TableView { wide: false, limit: Some(1) });
        for _ in 0..2 {
            table.add(&mut out, row("mara", &"x".repeat(1_000), "WouldTag")).unwrap();
        }
        table.finish(&mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("> FILE; whole names: --wide"));
    }
}
