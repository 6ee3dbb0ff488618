//! A rule in the form for programs.

use autotag_model::rule::{Evidence, Rule, ServiceRules};
use autotag_model::spreadsheet::neutralized;
use serde::Serialize;

/// One rule. The names of the fields and their order are a contract.
#[derive(Serialize)]
pub(super) struct Entry<'c> {
    service: &'c str,
    pub(super) event_source: &'c str,
    pub(super) event_name: &'c str,
    pub(super) resource_type: &'c str,
    id: Vec<String>,
    arn: Option<&'c str>,
    pub(super) tag_call: &'c str,
    iam_actions: Vec<&'c str>,
    read_actions: Vec<&'c str>,
    may_exist_before: bool,
    pub(super) note: Option<&'c str>,
    pub(super) evidence: Evidence,
    pub(super) kind: Vec<String>,
    also: Vec<&'c str>,
}

/// The columns of the CSV form: the keys of the JSON form.
pub(super) const COLUMNS: [&str; 14] = [
    "service",
    "event_source",
    "event_name",
    "resource_type",
    "id",
    "arn",
    "tag_call",
    "iam_actions",
    "read_actions",
    "may_exist_before",
    "note",
    "evidence",
    "kind",
    "also",
];

impl<'c> Entry<'c> {
    pub(super) fn new(service: &'c ServiceRules, rule: &'c Rule) -> Self {
        Self {
            service: &service.name,
            event_source: &service.source,
            event_name: &rule.event,
            resource_type: &rule.resource_type,
            id: rule.id.iter().map(ToString::to_string).collect(),
            arn: rule.arn.as_ref().map(autotag_model::rule::ArnTemplate::as_str),
            tag_call: rule.call.name(),
            iam_actions: rule.iam_actions(),
            read_actions: rule.read_actions(),
            may_exist_before: rule.existing,
            note: rule.note.as_deref(),
            evidence: rule.evidence,
            kind: rule.kinds.iter().map(ToString::to_string).collect(),
            also: rule.also.iter().map(String::as_str).collect(),
        }
    }

    /// The cells of [`COLUMNS`]. The members of a list are separated by spaces.
    pub(super) fn cells(&self) -> [String; 14] {
        let text = |cell: &str| neutralized(cell).into_owned();
        [
            text(self.service),
            text(self.event_source),
            text(self.event_name),
            text(self.resource_type),
            text(&self.id.join(" ")),
            text(self.arn.unwrap_or_default()),
            text(self.tag_call),
            text(&self.iam_actions.join(" ")),
            text(&self.read_actions.join(" ")),
            self.may_exist_before.to_string(),
            text(self.note.unwrap_or_default()),
            self.evidence.to_string(),
            text(&self.kind.join(" ")),
            text(&self.also.join(" ")),
        ]
    }
}
