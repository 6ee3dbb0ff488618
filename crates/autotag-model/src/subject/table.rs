//! The table of issuers and of the forms of their subjects, `subjects.toml`.

use super::claims::{Claim, Claims};
use super::class::Class;
use super::issuer::IssuerUrl;
use super::pattern::{BeforeClaims, Fields, Pattern, PatternError};
use crate::toml_error::TomlError;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../subjects.toml");

/// The table of this version. A test shows that it can be read.
pub(super) static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(TEXT).unwrap_or_default());

/// True if the table has this issuer. Its form is fixed then.
pub(crate) fn is_known_issuer(url: &IssuerUrl) -> bool {
    TABLE.issuer(url).is_some()
}

/// Issuers and forms.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) issuers: Vec<Issuer>,
    pub(super) forms: BTreeMap<String, Form>,
}

/// An issuer, or many whose URLs differ in a field.
#[derive(Debug, Clone)]
pub(super) struct Issuer {
    pub(super) provider: String,
    url: Pattern,
    pub(super) form: String,
    /// Names in its subjects are unique within this scope only.
    pub(super) within: Option<Pattern>,
}

/// A form of subjects.
#[derive(Debug, Clone)]
pub(super) struct Form {
    /// True if a policy may give it to an issuer of one's own.
    pub(super) policy: bool,
    claims: Claims,
    pub(super) subjects: Vec<SubjectRow>,
}

/// A text that subjects have, and the owner in it.
#[derive(Debug, Clone)]
pub(super) struct SubjectRow {
    text: Pattern,
    owner: Pattern,
    pub(super) example: String,
    pub(super) gives: String,
}

/// A table that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TableError {
    #[error(transparent)]
    Toml(#[from] TomlError),
    #[error(transparent)]
    Pattern(#[from] PatternError),
    #[error("issuer `{provider}` has a form that does not exist: `{form}`")]
    Form { provider: String, form: String },
}

impl Table {
    fn parse(text: &str) -> Result<Self, TableError> {
        let file: File = toml::from_str(text).map_err(|error| TomlError::of_parser(text, &error))?;
        let forms = file.forms.into_iter().map(|form| Ok((form.name.clone(), form.read()?)));
        let forms: BTreeMap<String, Form> = forms.collect::<Result<_, PatternError>>()?;
        let mut issuers = Vec::new();
        for IssuerFile { provider, url, form, within } in file.issuers {
            if !forms.contains_key(&form) {
                return Err(TableError::Form { provider, form });
            }
            let within = within.map(|within| Pattern::parse(&within, &file.url)).transpose()?;
            issuers.push(Issuer { provider, url: Pattern::parse(&url, &file.url)?, form, within });
        }
        Ok(Self { issuers, forms })
    }

    /// The issuer with this URL, and the fields of the URL.
    pub(super) fn issuer(&self, url: &IssuerUrl) -> Option<(&Issuer, Fields)> {
        let url = url.to_string();
        self.issuers.iter().find_map(|issuer| {
            let mut fields = Fields::new();
            issuer.url.whole(&url, &mut fields).then_some((issuer, fields))
        })
    }

    /// True if `text` could be the owner that a subject of a known issuer names.
    pub(super) fn is_owner(&self, text: &str) -> bool {
        let without_scope = text.split_once(':').and_then(|(kind, rest)| {
            let (_, names) = rest.split_once("//")?;
            Some(format!("{kind}:{names}"))
        });
        let is_owner = |text: &str| self.forms.values().any(|form| form.is_owner(text));
        is_owner(text) || without_scope.is_some_and(|text| is_owner(&text))
    }
}

impl Form {
    /// The owner that `subject` names, and its fields besides those of the issuer's URL; `None` if the subject does not
    /// have this form.
    pub(super) fn read(&self, subject: &str, of_url: &Fields) -> Option<(String, Fields)> {
        self.subjects.iter().find_map(|row| {
            let mut fields = of_url.clone();
            let rest = row.text.begin(subject, &mut fields)?;
            let kept = match row.text.claims() {
                Some(before) => self.claims.read(rest, before, &mut fields)?,
                None if rest.is_empty() => Vec::new(),
                None => return None,
            };
            let mut owner = row.owner.fill(&fields)?;
            match row.owner.claims() {
                _ if kept.is_empty() => {}
                Some(before) => {
                    if let BeforeClaims::Character(before) = before {
                        owner.push(before);
                    }
                    owner.push_str(&kept.join(":"));
                }
                // A claim that belongs to the owner needs a place in it.
                None => return None,
            }
            // A subject with nothing but claims that change names no owner.
            (!owner.is_empty()).then_some((owner, fields))
        })
    }

    fn is_owner(&self, text: &str) -> bool {
        self.subjects.iter().any(|row| {
            let rest = row.owner.begin(text, &mut Fields::new());
            rest.is_some_and(|rest| match row.owner.claims() {
                Some(before) => self.claims.are_of_owner(rest, before),
                None => rest.is_empty(),
            })
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    url: BTreeMap<String, Class>,
    #[serde(rename = "issuer")]
    issuers: Vec<IssuerFile>,
    #[serde(rename = "form")]
    forms: Vec<FormFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerFile {
    provider: String,
    url: String,
    form: String,
    within: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormFile {
    name: String,
    #[serde(default)]
    policy: bool,
    fields: BTreeMap<String, Class>,
    #[serde(default)]
    claims: BTreeMap<String, ClaimFile>,
    #[serde(rename = "subject")]
    subjects: Vec<SubjectFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectFile {
    text: String,
    owner: String,
    example: String,
    gives: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimFile {
    field: Option<String>,
    #[serde(default)]
    changes: bool,
    text: Option<String>,
    owner: Option<String>,
}

impl FormFile {
    fn read(self) -> Result<Form, PatternError> {
        let pattern = |text: &str| Pattern::parse(text, &self.fields);
        let claim = |claim: ClaimFile| -> Result<Claim, PatternError> {
            let shape = match claim.text.zip(claim.owner) {
                Some((text, owner)) => Some((pattern(&text)?, pattern(&owner)?)),
                None => None,
            };
            Ok(Claim { field: claim.field, changes: claim.changes, shape })
        };
        let claims = self.claims.into_iter().map(|(key, file)| Ok((key, claim(file)?)));
        let claims = Claims(claims.collect::<Result<_, PatternError>>()?);
        let subjects = self.subjects.into_iter().map(|row| {
            let SubjectFile { text, owner, example, gives } = row;
            Ok(SubjectRow { text: pattern(&text)?, owner: pattern(&owner)?, example, gives })
        });
        let subjects = subjects.collect::<Result<_, PatternError>>()?;
        Ok(Form { policy: self.policy, claims, subjects })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_read() {
        if let Err(error) = Table::parse(TEXT) {
            panic!("subjects.toml: {error}");
        }
        assert!(TABLE.issuers.len() >= 14, "{} issuers", TABLE.issuers.len());
    }

    #[test]
    fn a_text_that_is_not_a_table_is_refused() {
        let wrong = |from: &str, to: &str| Table::parse(&TEXT.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(wrong("form = \"github\"", "form = \"githab\"").contains("`githab`"));
        assert!(wrong("[/{enterprise}]", "[/{enterprise}").contains("`[` without its `]`"));
        assert!(wrong("[/{enterprise}]", "[/{enterprize}]").contains("`enterprize` has no class"));
        assert!(wrong("owner_id = \"digits\"", "owner_id = \"digit\"").contains("digit"));
        assert!(wrong("{branch}{:claims}", "{:claims}{branch}").contains("behind its claims"));
    }

    #[test]
    fn what_a_policy_may_use_and_what_has_a_scope_begins_with_its_kind() {
        let scoped = |name: &str| TABLE.issuers.iter().any(|row| row.form == name && row.within.is_some());
        for (name, form) in TABLE.forms.iter().filter(|(name, form)| form.policy || scoped(name)) {
            for row in &form.subjects {
                let (kind, _) = row.gives.split_once(':').unwrap();
                assert!(kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}: {}", row.gives);
            }
        }
    }
}
