//! The number of accounts by value, for charts and filters.

use super::cell::Value;
use super::table::{Row, Severity};
use autotag_page::facet::{CellKind, Facet};

/// The facets, in the order of the columns.
#[derive(Debug)]
pub(super) struct Facets {
    pub(super) organization: Facet,
    pub(super) state: Facet,
    pub(super) group: Facet,
    pub(super) environment: Facet,
    pub(super) aide: Facet,
    pub(super) status: Facet,
}

impl Facets {
    pub(super) fn new(rows: &[Row]) -> Self {
        let facet = |name, title, value: fn(&Row) -> &Value| {
            Facet::new(
                name,
                title,
                rows.iter().map(value).map(|value| (value.key(), value.label(), value.kind())),
            )
        };
        let status = rows.iter().map(|row| {
            let kind = match row.severity {
                Severity::Good => CellKind::Known,
                Severity::Quiet => CellKind::Absent,
                Severity::Bad => CellKind::Unknown,
            };
            (row.status.key(), row.status.label(), kind)
        });
        Self {
            organization: facet("org", "Organization", |row| &row.organization),
            state: facet("state", "State", |row| &row.state),
            group: facet("group", "Region group", |row| &row.group),
            environment: facet("env", "Environment", |row| &row.environment),
            aide: facet("aide", "Aide_ID", |row| &row.aide),
            status: Facet::new("status", "Status", status),
        }
    }

    pub(super) fn all(&self) -> [&Facet; 6] {
        [&self.organization, &self.state, &self.group, &self.environment, &self.aide, &self.status]
    }
}
