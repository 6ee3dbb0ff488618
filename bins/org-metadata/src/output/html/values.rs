//! What stands in a cell. Unknown is not empty, and neither is a value.

use super::charts::Kind;
use super::text::{plain, visible};

/// What a key begins with that is no value. Values that begin like this have one more.
const MARK: char = '~';

/// A value of an account, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Known(String),
    Nothing(Nothing),
    /// With the reason.
    Unknown(String),
}

/// It is known that there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nothing {
    /// The word for it in filters.
    key: &'static str,
    /// The words for it on the page.
    pub(super) words: &'static str,
}

/// No such tag.
pub(super) const NOT_SET: Nothing = Nothing { key: "unset", words: "not set" };
/// A tag that is there and says nothing.
pub(super) const EMPTY: Nothing = Nothing { key: "empty", words: "empty" };
/// Names may be empty.
pub(super) const NO_NAME: Nothing = Nothing { key: "unset", words: "no name" };
/// AWS does not tell.
pub(super) const NOT_SAID: Nothing = Nothing { key: "unset", words: "not said" };
/// Nothing is in any region.
pub(super) const NOWHERE: Nothing = Nothing { key: "none", words: "none active" };
/// Something is in regions that belong to no group, and nowhere else.
pub(super) const NO_GROUP: Nothing = Nothing { key: "no-group", words: "in no group" };
/// Nobody looked, as the account is not active.
pub(super) const NOT_ENTERED: Nothing = Nothing { key: "not-entered", words: "not entered" };

impl Value {
    /// A text that says something, or `nothing`.
    pub(super) fn said(text: Option<&str>, nothing: Nothing) -> Self {
        text.filter(|text| !text.is_empty()).map_or(Self::Nothing(nothing), |text| Self::Known(visible(text)))
    }

    /// The value of a tag: spaces alone are none.
    pub(super) fn tag(value: Option<&str>, unknown: Option<&String>) -> Self {
        match (value, unknown) {
            (Some(value), _) if value.trim().is_empty() => Self::Nothing(EMPTY),
            (Some(value), _) => Self::Known(visible(value)),
            (None, Some(reason)) => Self::Unknown(reason.clone()),
            (None, None) => Self::Nothing(NOT_SET),
        }
    }

    /// What filters know it by. The script reads it from the text of the cell, unless that is something else.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Known(text) if text.starts_with(MARK) => format!("{MARK}{text}"),
            Self::Known(text) => text.clone(),
            Self::Nothing(nothing) => format!("{MARK}{}", nothing.key),
            Self::Unknown(_) => format!("{MARK}unknown"),
        }
    }

    /// What charts and lists of choices call it.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Known(text) => plain(text),
            Self::Nothing(nothing) => nothing.words.to_owned(),
            Self::Unknown(_) => "unknown".to_owned(),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Known(_) => Kind::Known,
            Self::Nothing(_) => Kind::Nothing,
            Self::Unknown(_) => Kind::Unknown,
        }
    }

    /// The text of the cell is not its key.
    pub(super) fn is_keyed(&self) -> bool {
        !matches!(self, Self::Known(text) if !text.starts_with(MARK))
    }

    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing(_))
    }

    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
}
