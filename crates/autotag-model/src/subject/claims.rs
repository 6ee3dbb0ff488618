//! Claims at the end of a subject: `:key:value`, in the order of the issuer's template.

use super::class::Class;
use super::pattern::{BeforeClaims, Fields, Pattern};
use std::collections::BTreeMap;

/// The claims that may follow in the subjects of a form, by key. A key that ends in `*` means all keys with that
/// beginning.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Claims(pub(super) BTreeMap<String, Claim>);

/// The facts about a claim.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Claim {
    /// The field that has its value.
    pub(super) field: Option<String>,
    /// True if it changes from run to run. It is not a part of the owner then.
    pub(super) changes: bool,
    /// The text of its value, and what of it belongs to the owner.
    pub(super) shape: Option<(Pattern, Pattern)>,
}

impl Claims {
    /// Reads `text`, which has claims only. Adds their fields and
    /// returns those that belong to the owner; `None` if something in the text is not a known claim.
    pub(super) fn read(&self, text: &str, before: BeforeClaims, fields: &mut Fields) -> Option<Vec<String>> {
        let mut kept = Vec::new();
        for (claim, key, value) in self.split(text, before)? {
            let value = match &claim.shape {
                Some((shape, owner)) => {
                    let mut parts = Fields::new();
                    let stable = shape.whole(value, &mut parts).then(|| owner.fill(&parts))??;
                    for (name, value) in parts {
                        add(fields, &name, &value);
                    }
                    stable
                }
                None => value.to_owned(),
            };
            if let Some(field) = &claim.field {
                add(fields, field, &value);
            }
            if !claim.changes {
                kept.push(format!("{key}:{value}"));
            }
        }
        Some(kept)
    }

    /// True if `text` could be the claims of an owner.
    pub(super) fn are_of_owner(&self, text: &str, before: BeforeClaims) -> bool {
        self.split(text, before).is_some_and(|claims| {
            claims.into_iter().all(|(claim, _, value)| {
                let shaped = claim.shape.as_ref();
                !claim.changes && shaped.is_none_or(|(_, owner)| owner.whole(value, &mut Fields::new()))
            })
        })
    }

    fn split<'t>(&self, text: &'t str, before: BeforeClaims) -> Option<Vec<(&Claim, &'t str, &'t str)>> {
        let text = match before {
            BeforeClaims::Character(_) if text.is_empty() => return Some(Vec::new()),
            BeforeClaims::Character(before) => text.strip_prefix(before)?,
            BeforeClaims::Nothing => text,
        };
        let mut claims: Vec<(&Claim, &str, &str)> = Vec::new();
        let mut parts = text.split(':');
        while let Some(key) = parts.next() {
            let value = parts.next()?;
            let claim = self.of_key(key)?;
            let valid = Class::Value.accepts(value) && value.chars().all(|c| Class::Value.allows(c));
            // Texts of their own read subjects that begin with such a claim.
            let is_first_of_shape =
                before == BeforeClaims::Nothing && claims.is_empty() && claim.shape.is_some();
            if !valid || is_first_of_shape || claims.iter().any(|(_, known, _)| *known == key) {
                return None;
            }
            claims.push((claim, key, value));
        }
        Some(claims)
    }

    fn of_key(&self, key: &str) -> Option<&Claim> {
        self.0.get(key).or_else(|| {
            let valid = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let begins = |known: &str| known.strip_suffix('*').is_some_and(|begin| key.starts_with(begin));
            self.0.iter().find(|(known, _)| valid && begins(known)).map(|(_, claim)| claim)
        })
    }
}

fn add(fields: &mut Fields, name: &str, value: &str) {
    fields.entry(name.to_owned()).or_insert_with(|| value.to_owned());
}
