//! The policy file `autotag.toml`.

use super::pattern::Pattern;
use super::template::{TagTemplate, TagTemplateError};
use super::trust::TrustFile;
use super::{ForgedTagPolicy, Ignore, Policy, Selection};
use crate::arn::AccountId;
use crate::tags::{TagConstraints, TagKey, normalized_key};
use crate::toml_error::TomlError;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use std::fmt;

/// A policy file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The file is not TOML, or has a key or value that a policy cannot have.
    #[error(transparent)]
    Toml(#[from] TomlError),
    /// A key is in both `[identity]` and `[static]`.
    #[error("`{key}` is an identity key and a static one; it can be only one")]
    IdentityAndStatic {
        /// The key.
        key: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    identity: Templates,
    #[serde(rename = "static")]
    fixed: Templates,
    copy: Copy,
    existing: Existing,
    ignore: IgnoreFile,
    trust: TrustFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Copy {
    iam_tags: Which,
    session_tags: Which,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Existing {
    forged: ForgedTagPolicy,
    read_at_creation: bool,
    replace: bool,
    opt_out: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct IgnoreFile {
    principals: Vec<String>,
    services: Vec<String>,
    events: Vec<String>,
    accounts: Vec<Account>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected true, false or a list of key patterns")]
enum Which {
    All(bool),
    Matching(Vec<String>),
}

/// Tags in the order of the file, which is the order of importance.
#[derive(Default)]
struct Templates(Vec<(String, TagTemplate)>);

struct Account(AccountId);

impl Default for File {
    fn default() -> Self {
        Self {
            identity: Templates(default_identity()),
            fixed: Templates::default(),
            copy: Copy::default(),
            existing: Existing::default(),
            ignore: IgnoreFile::default(),
            trust: TrustFile::default(),
        }
    }
}

impl Default for Copy {
    fn default() -> Self {
        Self { iam_tags: Which::All(true), session_tags: Which::All(true) }
    }
}

/// `Owner`, `PrincipalId` (whole, so that `${aws:userid}` matches it) and `CreatedBy`.
fn default_identity() -> Vec<(String, TagTemplate)> {
    [
        ("Owner", "{owner}"),
        ("PrincipalId", "{principal.id}"),
        ("CreatedBy", "{principal.arn|event.invoked_by}"),
    ]
    .into_iter()
    .filter_map(|(key, template)| Some((key.to_owned(), template.parse().ok()?)))
    .collect()
}

impl<'de> Deserialize<'de> for Templates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Templates;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tag keys with texts, for example `Owner = \"{owner}\"`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut tags: Vec<(String, TagTemplate)> = Vec::new();
                while let Some((key, text)) = map.next_entry::<String, String>()? {
                    let (_, adjusted) = TagKey::sanitize(&key, &TagConstraints::default())
                        .map_err(|error| A::Error::custom(format!("`{key}`: {error}")))?;
                    if let Some(adjusted) = adjusted {
                        return Err(A::Error::custom(format!(
                            "`{key}` is not a valid tag key: {adjusted} would be needed"
                        )));
                    }
                    if tags.iter().any(|(known, _)| normalized_key(known) == normalized_key(&key)) {
                        return Err(A::Error::custom(format!(
                            "duplicate tag key `{key}` (keys are case-insensitive)"
                        )));
                    }
                    let template = text
                        .parse()
                        .map_err(|error: TagTemplateError| A::Error::custom(format!("`{key}`: {error}")))?;
                    tags.push((key, template));
                }
                Ok(Templates(tags))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let account = AccountId::new(&text);
        account
            .map(Account)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is not an account id: expected twelve digits")))
    }
}

impl From<Which> for Selection {
    fn from(which: Which) -> Self {
        match which {
            Which::All(true) => Self::All,
            Which::All(false) => Self::None,
            Which::Matching(patterns) => Self::Matching(
                patterns.iter().map(|pattern| Pattern::new(&normalized_key(pattern))).collect(),
            ),
        }
    }
}

impl From<File> for Policy {
    fn from(file: File) -> Self {
        let patterns = |texts: Vec<String>| texts.iter().map(|text| Pattern::new(text)).collect();
        Self {
            identity: file.identity.0,
            fixed: file.fixed.0,
            iam_tags: file.copy.iam_tags.into(),
            session_tags: file.copy.session_tags.into(),
            forged: file.existing.forged,
            read_at_creation: file.existing.read_at_creation,
            replace_existing: file.existing.replace,
            opt_out: file.existing.opt_out,
            ignore: Ignore {
                principals: patterns(file.ignore.principals),
                services: patterns(file.ignore.services),
                events: patterns(file.ignore.events),
                accounts: file.ignore.accounts.into_iter().map(|account| account.0).collect(),
            },
            trust: file.trust.into(),
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        File::default().into()
    }
}

impl Policy {
    /// Parses a policy file (TOML). A part that the file leaves out is as in [`Policy::default`].
    ///
    /// # Errors
    /// [`PolicyError`], with line, column and what was expected.
    ///
    /// ```
    /// use autotag_model::policy::Policy;
    /// let policy = Policy::from_toml("[static]\nManagedBy = \"autotag\"\n")?;
    /// assert_eq!(policy.identity.len(), 3);
    /// # Ok::<(), autotag_model::policy::PolicyError>(())
    /// ```
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        let file: File = toml::from_str(text).map_err(|error| TomlError::of_parser(text, &error))?;
        let policy = Self::from(file);
        let twice = policy.fixed.iter().find(|(key, _)| policy.is_identity_key(key));
        match twice {
            Some((key, _)) => Err(PolicyError::IdentityAndStatic { key: key.clone() }),
            None => Ok(policy),
        }
    }
}
