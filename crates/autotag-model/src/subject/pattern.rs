//! Patterns of subjects and owners, such as `repo:{organization}[@{owner_id}]/{repository}`.

use super::class::Class;
use crate::template::{self, BraceError, Part};
use std::collections::BTreeMap;

/// The parts of a subject by name.
pub(super) type Fields = BTreeMap<String, String>;

/// A text with fields and parts that may be missing. It is matched from the left in one pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    groups: Vec<Group>,
    /// `Some` if claims follow.
    claims: Option<BeforeClaims>,
}

/// A part of a pattern that occurs completely or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    may_be_missing: bool,
    parts: Vec<Part<Placeholder>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Placeholder {
    Field(String, Class),
    /// Claims. They are the last part of a pattern.
    Claims(BeforeClaims),
}

/// The text before claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BeforeClaims {
    /// Nothing: there is at least one claim, and the text begins with it.
    Nothing,
    /// This character, before the first of any number of claims.
    Character(char),
}

/// A text that is not a [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PatternError {
    #[error(transparent)]
    Braces(#[from] BraceError),
    #[error("`{text}` has a `[` without its `]`")]
    Brackets { text: String },
    #[error("`{name}` has no class in `fields`")]
    Field { name: String },
    #[error("`{text}` has something behind its claims")]
    Claims { text: String },
}

impl Pattern {
    /// Parses `text`, whose fields have these classes.
    pub(super) fn parse(text: &str, classes: &BTreeMap<String, Class>) -> Result<Self, PatternError> {
        let mut groups = Vec::new();
        for (index, piece) in text.split('[').enumerate() {
            let (inside, behind) = match piece.split_once(']') {
                Some((inside, behind)) if index > 0 => (Some(inside), behind),
                None if index == 0 => (None, piece),
                _ => return Err(PatternError::Brackets { text: text.to_owned() }),
            };
            for (piece, may_be_missing) in [(inside, true), (Some(behind), false)] {
                let parts = template::parse(piece.unwrap_or_default(), |name| placeholder(name, classes))?;
                groups.push(Group { may_be_missing, parts });
            }
        }
        groups.retain(|group| !group.parts.is_empty());
        let last = groups.last_mut().filter(|group| !group.may_be_missing);
        let claims = last.and_then(|group| {
            group.parts.pop_if(|part| matches!(part, Part::Placeholder(Placeholder::Claims(_))))
        });
        let claims = match claims {
            Some(Part::Placeholder(Placeholder::Claims(before))) => Some(before),
            _ => None,
        };
        let inside = |part: &Part<Placeholder>| matches!(part, Part::Placeholder(Placeholder::Claims(_)));
        if groups.iter().any(|group| group.parts.iter().any(inside)) {
            return Err(PatternError::Claims { text: text.to_owned() });
        }
        Ok(Self { groups, claims })
    }

    /// The text before the claims that follow; `None` if none may follow.
    pub(super) fn claims(&self) -> Option<BeforeClaims> {
        self.claims
    }

    /// Reads the beginning of `text` and adds its fields. Returns the text behind it; `None` if the text does not begin
    /// like this, or if it gives a field another value than it has.
    pub(super) fn begin<'t>(&self, text: &'t str, fields: &mut Fields) -> Option<&'t str> {
        let mut rest = text;
        for group in &self.groups {
            let mut with_group = fields.clone();
            match group.begin(rest, &mut with_group) {
                Some(behind) => {
                    rest = behind;
                    *fields = with_group;
                }
                None if group.may_be_missing => {}
                None => return None,
            }
        }
        Some(rest)
    }

    /// Reads `text` if it ends with this pattern.
    pub(super) fn whole(&self, text: &str, fields: &mut Fields) -> bool {
        self.claims.is_none() && self.begin(text, fields).is_some_and(str::is_empty)
    }

    /// The text with these fields; `None` if one is missing.
    pub(super) fn fill(&self, fields: &Fields) -> Option<String> {
        let mut text = String::new();
        for group in &self.groups {
            let filled = template::fill(&group.parts, |placeholder| match placeholder {
                Placeholder::Field(name, _) => fields.get(name).cloned(),
                Placeholder::Claims(_) => None,
            });
            match filled {
                Some(filled) => text.push_str(&filled),
                None if group.may_be_missing => {}
                None => return None,
            }
        }
        Some(text)
    }
}

impl Group {
    fn begin<'t>(&self, text: &'t str, fields: &mut Fields) -> Option<&'t str> {
        let mut rest = text;
        let mut parts = self.parts.iter().peekable();
        while let Some(part) = parts.next() {
            rest = match part {
                Part::Literal(literal) => rest.strip_prefix(literal.as_str())?,
                Part::Placeholder(Placeholder::Claims(_)) => return None,
                Part::Placeholder(Placeholder::Field(name, class)) => {
                    let end = rest.find(|c| !class.allows(c)).unwrap_or(rest.len());
                    // The next text ends the value where it occurs first.
                    let next = match parts.peek() {
                        Some(Part::Literal(literal)) => rest.find(literal.as_str()),
                        _ => None,
                    };
                    let (value, behind) = rest.split_at_checked(next.map_or(end, |next| next.min(end)))?;
                    if !class.accepts(value) {
                        return None;
                    }
                    let known = fields.entry(name.clone()).or_insert_with(|| value.to_owned());
                    if known != value {
                        return None;
                    }
                    behind
                }
            };
        }
        Some(rest)
    }
}

fn placeholder(name: &str, classes: &BTreeMap<String, Class>) -> Result<Placeholder, PatternError> {
    if let Some(before) = name.strip_suffix("claims") {
        let before = before.chars().next().map_or(BeforeClaims::Nothing, BeforeClaims::Character);
        return Ok(Placeholder::Claims(before));
    }
    let class = classes.get(name).ok_or_else(|| PatternError::Field { name: name.to_owned() })?;
    Ok(Placeholder::Field(name.to_owned(), *class))
}
