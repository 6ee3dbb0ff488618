//! The policy file `autotag.toml`.

mod values;

use super::copies::CopyRules;
use super::opt_in::OPT_IN_SERVICES;
use super::pattern::Pattern;
use super::people::People;
use super::required::{RequireFile, Required};
use super::tamper::{Tamper, TamperFile};
use super::template::TagTemplate;
use super::trust::{Trust, TrustFile};
use super::{DerivedRules, Ignore, Policy, Profile, Selection};
use crate::tags::normalized_key;
use crate::toml_error::TomlError;
use serde::Deserialize;
use values::{Account, OptOut, Patterns, Templates, Which};

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
    /// A setting contradicts another one.
    #[error("`{setting}`: {problem}")]
    Setting {
        /// The setting, for example `existing.opt_out`.
        setting: &'static str,
        /// The problem, and the remedy.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    identity: Templates,
    #[serde(rename = "static")]
    fixed: Templates,
    policy: Options,
    copy: Copy,
    existing: Existing,
    ignore: IgnoreFile,
    trust: TrustFile,
    people: People,
    require: RequireFile,
    tamper: TamperFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Copy {
    iam_tags: Which,
    session_tags: Which,
    allow: Option<Patterns>,
    deny: Option<Patterns>,
}

/// The table `[policy]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Options {
    profile: Profile,
    copy: CopyMode,
    derived: DerivedRules,
    opt_in: Vec<String>,
}

#[derive(Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum CopyMode {
    #[default]
    All,
    Strict,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Existing {
    enforce: Option<Vec<String>>,
    /// The earlier form of `enforce`, for all identity keys at once.
    forged: Option<Forged>,
    read_at_creation: bool,
    replace: bool,
    opt_out: Option<OptOut>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Forged {
    Enforce,
    Report,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct IgnoreFile {
    principals: Patterns,
    services: Patterns,
    events: Patterns,
    accounts: Vec<Account>,
}

impl Default for File {
    fn default() -> Self {
        Self {
            identity: Templates(default_identity()),
            fixed: Templates::default(),
            policy: Options::default(),
            copy: Copy::default(),
            existing: Existing::default(),
            ignore: IgnoreFile::default(),
            trust: TrustFile::default(),
            people: People::default(),
            require: RequireFile::default(),
            tamper: TamperFile::default(),
        }
    }
}

impl Default for Copy {
    fn default() -> Self {
        Self { iam_tags: Which::All(true), session_tags: Which::All(true), allow: None, deny: None }
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

/// The keys that are enforced.
fn enforced(existing: &Existing, profile: Profile, identity: &Templates) -> Result<Vec<String>, PolicyError> {
    let setting = "existing.enforce";
    let keys = || identity.0.iter().map(|(key, _)| key.clone());
    match (&existing.enforce, existing.forged) {
        (Some(_), Some(_)) => Err(PolicyError::Setting {
            setting,
            problem: "`existing.forged` is its earlier form; remove that one".to_owned(),
        }),
        (None, Some(Forged::Enforce)) => Ok(keys().collect()),
        (None, Some(Forged::Report)) => Ok(Vec::new()),
        (None, None) => Ok(profile.enforced(&identity.0)),
        (Some(wanted), None) => {
            let known = |key: &String| keys().find(|known| normalized_key(known) == normalized_key(key));
            wanted
                .iter()
                .map(|key| known(key).ok_or_else(|| not_identity(setting, key, &keys().collect::<Vec<_>>())))
                .collect()
        }
    }
}

fn not_identity(setting: &'static str, key: &str, keys: &[String]) -> PolicyError {
    let problem = format!("`{key}` is not an identity key; there are {}", keys.join(", "));
    PolicyError::Setting { setting, problem }
}

/// Reads the keys that may be copied.
fn copy_rules(
    mode: &CopyMode,
    allow: Option<Patterns>,
    deny: Option<Patterns>,
) -> Result<CopyRules, PolicyError> {
    let setting = "copy.allow";
    let default = CopyRules::default();
    let strict = match (mode, &allow) {
        (CopyMode::All, _) => None,
        (CopyMode::Strict, None) => {
            let problem =
                "`policy.copy = \"strict\"` copies only listed keys; list them, or write `allow = []`";
            return Err(PolicyError::Setting { setting, problem: problem.to_owned() });
        }
        (CopyMode::Strict, Some(keys)) => {
            if let Some(pattern) = keys.0.iter().find(|key| key.contains(['*', '?'])) {
                let problem =
                    format!("`{pattern}` has a wildcard, but `policy.copy = \"strict\"` needs whole keys");
                return Err(PolicyError::Setting { setting, problem });
            }
            Some(keys.0.clone())
        }
    };
    // A list of keys to copy says of its keys that they are wanted, also of those that are denied by default.
    let by_default = if allow.is_some() { Vec::new() } else { default.deny };
    let listed = deny.unwrap_or_default().0;
    let deny = Pattern::of_keys(listed.iter().map(String::as_str)).into_iter().chain(by_default).collect();
    Ok(CopyRules { allow: allow.map_or(default.allow, Selection::from), deny, strict })
}

/// The services that the policy opts in to.
fn opt_in(services: Vec<String>) -> Result<Vec<String>, PolicyError> {
    match services.iter().find(|service| !OPT_IN_SERVICES.contains(&service.as_str())) {
        Some(unknown) => {
            let known = OPT_IN_SERVICES.join(", ");
            let problem = format!("`{unknown}` needs no opt-in; only {known} does");
            Err(PolicyError::Setting { setting: "policy.opt_in", problem })
        }
        None => Ok(services),
    }
}

/// The reaction to removed identity tags.
fn tamper(file: TamperFile) -> Result<Tamper, PolicyError> {
    Tamper::try_from(file)
        .map_err(|problem| PolicyError::Setting { setting: "tamper.except", problem: problem.to_owned() })
}

impl TryFrom<File> for Policy {
    type Error = PolicyError;

    fn try_from(file: File) -> Result<Self, PolicyError> {
        let patterns = |texts: Patterns| texts.0.iter().map(|text| Pattern::new(text)).collect();
        let enforced = enforced(&file.existing, file.policy.profile, &file.identity)?;
        let policy = Self {
            identity: file.identity.0,
            profile: file.policy.profile,
            enforced,
            fixed: file.fixed.0,
            iam_tags: file.copy.iam_tags.into(),
            session_tags: file.copy.session_tags.into(),
            copy: copy_rules(&file.policy.copy, file.copy.allow, file.copy.deny)?,
            read_at_creation: file.existing.read_at_creation,
            replace_existing: file.existing.replace,
            opt_out: file.existing.opt_out.map(|key| key.0),
            derived: file.policy.derived,
            opt_in: opt_in(file.policy.opt_in)?,
            ignore: Ignore {
                principals: patterns(file.ignore.principals),
                services: patterns(file.ignore.services),
                events: patterns(file.ignore.events),
                accounts: file.ignore.accounts.into_iter().map(|account| account.0).collect(),
            },
            trust: Trust { people: file.people, ..file.trust.into() },
            required: file.require.into(),
            tamper: tamper(file.tamper)?,
        };
        policy.consistent()
    }
}

impl Default for Policy {
    fn default() -> Self {
        let identity = default_identity();
        Self {
            profile: Profile::default(),
            enforced: Profile::default().enforced(&identity),
            identity,
            fixed: Vec::new(),
            iam_tags: Selection::All,
            session_tags: Selection::All,
            copy: CopyRules::default(),
            read_at_creation: false,
            replace_existing: false,
            opt_out: None,
            derived: DerivedRules::default(),
            opt_in: Vec::new(),
            ignore: Ignore::default(),
            trust: Trust::default(),
            required: Required::default(),
            tamper: Tamper::default(),
        }
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
        Self::try_from(file)
    }

    /// The policy, if its settings do not contradict each other.
    fn consistent(self) -> Result<Self, PolicyError> {
        if let Some((key, _)) = self.fixed.iter().find(|(key, _)| self.is_identity_key(key)) {
            return Err(PolicyError::IdentityAndStatic { key: key.clone() });
        }
        match &self.opt_out {
            Some(key) if self.is_own_key(key) => Err(PolicyError::Setting {
                setting: "existing.opt_out",
                problem: format!(
                    "autotag itself writes `{key}`; choose a key that is in neither [identity] nor [static]"
                ),
            }),
            _ => Ok(self),
        }
    }
}
