//! Cell values. They tell a value, a known absence, and unknown apart.

use autotag_page::facet::{CellKind, MARK, key_of};
use autotag_page::text::{plain, visible};

/// A value of an account, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Known(String),
    Absent(Absent),
    /// The reason.
    Unknown(String),
}

/// A known absence of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Absent {
    /// Its key in filters.
    key: &'static str,
    /// Its words on the page.
    pub(super) words: &'static str,
}

/// The account has no such tag.
pub(super) const NOT_SET: Absent = Absent { key: "unset", words: "not set" };
/// The tag has an empty value.
pub(super) const EMPTY: Absent = Absent { key: "empty", words: "empty" };
/// The name is empty.
pub(super) const NO_NAME: Absent = Absent { key: "unset", words: "no name" };
/// AWS returns no value.
pub(super) const NOT_SAID: Absent = Absent { key: "unset", words: "not given" };
/// No region is active.
pub(super) const NOWHERE: Absent = Absent { key: "none", words: "none active" };
/// All active regions belong to no group.
pub(super) const NO_GROUP: Absent = Absent { key: "no-group", words: "in no group" };
/// The account was not entered, because it is not active.
pub(super) const NOT_ENTERED: Absent = Absent { key: "not-entered", words: "not entered" };

impl Value {
    /// A text that is not empty, otherwise `absent`.
    pub(super) fn of_text(text: Option<&str>, absent: Absent) -> Self {
        text.filter(|text| !text.is_empty()).map_or(Self::Absent(absent), |text| Self::Known(visible(text)))
    }

    /// The value of a tag. Spaces count as empty.
    pub(super) fn tag(value: Option<&str>, unknown: Option<&String>) -> Self {
        match (value, unknown) {
            (Some(value), _) if value.trim().is_empty() => Self::Absent(EMPTY),
            (Some(value), _) => Self::Known(visible(value)),
            (None, Some(reason)) => Self::Unknown(reason.clone()),
            (None, None) => Self::Absent(NOT_SET),
        }
    }

    /// Its key in filters. The script of the page reads it from the text of the cell, if it is not given separately.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Known(text) => key_of(text),
            Self::Absent(absent) => format!("{MARK}{}", absent.key),
            Self::Unknown(_) => format!("{MARK}unknown"),
        }
    }

    /// Its label in charts and filters.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Known(text) => plain(text),
            Self::Absent(absent) => absent.words.to_owned(),
            Self::Unknown(_) => "unknown".to_owned(),
        }
    }

    pub(super) fn kind(&self) -> CellKind {
        match self {
            Self::Known(_) => CellKind::Known,
            Self::Absent(_) => CellKind::Absent,
            Self::Unknown(_) => CellKind::Unknown,
        }
    }

    /// True if the key differs from the text of the cell.
    pub(super) fn is_keyed(&self) -> bool {
        !matches!(self, Self::Known(text) if !text.starts_with(MARK))
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent(_))
    }

    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
}
