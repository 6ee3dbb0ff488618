//! Reads the statements of the guards from the generated documents, and evaluates them.
//!
//! Only what the guards use is known: an operator or a condition key that is new to them is an error, which a test finds.

use super::key::Key;
use super::request::{Found, Request};
use super::tags::is_equal;
use super::verdict::Verdict;
use crate::generate::controls::{Exempt, controls};
use crate::generate::inventory::Inventory;
use crate::generate::source_identity;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use wildmatch::WildMatch;

/// The guards of a tag policy.
#[derive(Debug)]
pub(crate) struct Guard {
    /// The name of the profile.
    pub(crate) profile: &'static str,
    /// The statements, in the order of the files.
    pub(crate) statements: Vec<Statement>,
}

/// A statement that denies.
#[derive(Debug)]
pub(crate) struct Statement {
    /// The file without its ending: `scp`.
    pub(crate) file: &'static str,
    pub(crate) sid: String,
    actions: Vec<WildMatch>,
    /// True if it is about all actions but these.
    all_but: bool,
    /// Empty: all resources.
    resources: Vec<ArnPattern>,
    conditions: Vec<Condition>,
}

#[derive(Debug)]
struct Condition {
    operator: Operator,
    key: Key,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    ArnLike,
    ArnNotLike,
    StringNotEquals,
    AnyStringEqualsIgnoreCase,
    Null,
}

/// The guards of a policy for a profile.
///
/// # Errors
/// A statement uses what is not known here.
pub(crate) fn guards(inventory: &Inventory, profile: &'static str, exempt: &Exempt) -> Result<Guard> {
    let all = controls(inventory, exempt).into_iter().chain([source_identity::control(inventory)]);
    let mut statements = Vec::new();
    for control in all {
        for statement in &control.statements {
            let parsed = Statement::parse(control.name, statement);
            statements
                .push(parsed.with_context(|| format!("cannot evaluate a statement of {}", control.name))?);
        }
    }
    Ok(Guard { profile, statements })
}

impl Statement {
    pub(super) fn parse(file: &'static str, statement: &Value) -> Result<Self> {
        let members = statement.as_object().context("it is not an object")?;
        let (mut actions, mut all_but, mut conditions) = (Vec::new(), false, Vec::new());
        let (mut sid, mut resources) = (String::new(), Vec::new());
        for (name, value) in members {
            match name.as_str() {
                "Sid" => value.as_str().unwrap_or_default().clone_into(&mut sid),
                "Effect" if value == "Deny" => {}
                "Action" | "NotAction" => {
                    all_but = name == "NotAction";
                    let patterns = texts(value)?;
                    actions = patterns.iter().map(|one| WildMatch::new_case_insensitive(one)).collect();
                }
                "Resource" if value == "*" => {}
                "Resource" => resources = texts(value)?.iter().map(|one| ArnPattern::new(one)).collect(),
                "Condition" => conditions = parse_conditions(value)?,
                _ => bail!("`{name}` with the value {value} is not known"),
            }
        }
        Ok(Self { file, sid, actions, all_but, resources, conditions })
    }

    /// The decision of the statement about a call.
    pub(super) fn judge(&self, request: &Request) -> Verdict {
        let named =
            |action: &String| self.actions.iter().any(|pattern| pattern.matches(action)) != self.all_but;
        if !request.actions.iter().any(named) {
            return Verdict::NotDenied;
        }
        let conditions = self.conditions.iter().map(|condition| condition.judge(request));
        conditions.chain([self.judge_resource(request)]).min().unwrap_or(Verdict::Denied)
    }

    fn judge_resource(&self, request: &Request) -> Verdict {
        if self.resources.is_empty() {
            return Verdict::Denied;
        }
        if request.resources.is_empty() {
            return Verdict::Unknown;
        }
        let is_meant = |arn: &String| self.resources.iter().any(|pattern| pattern.matches(arn));
        Verdict::if_so(request.resources.iter().any(is_meant))
    }

    /// The tag keys of the statement that a call names, as the policy spells them.
    pub(super) fn named_keys(&self, request: &Request) -> Vec<String> {
        let of_keys = self.conditions.iter().filter(|one| matches!(one.key, Key::TagKeys { .. }));
        let guarded = of_keys.flat_map(|condition| &condition.values);
        guarded.filter(|key| request.tags.names(key)).cloned().collect()
    }
}

fn parse_conditions(value: &Value) -> Result<Vec<Condition>> {
    let mut all = Vec::new();
    for (operator, keys) in value.as_object().context("`Condition` is not an object")? {
        let known = match operator.as_str() {
            "ArnLike" => Operator::ArnLike,
            "ArnNotLike" => Operator::ArnNotLike,
            "StringNotEquals" => Operator::StringNotEquals,
            "ForAnyValue:StringEqualsIgnoreCase" => Operator::AnyStringEqualsIgnoreCase,
            "Null" => Operator::Null,
            _ => bail!("the operator `{operator}` is not known"),
        };
        for (key, values) in keys.as_object().context("an operator without keys")? {
            all.push(Condition { operator: known, key: Key::parse(key)?, values: texts(values)? });
        }
    }
    all.iter().try_for_each(Condition::check)?;
    Ok(all)
}

impl Condition {
    /// True if the operator is one for the values of the key.
    fn check(&self) -> Result<()> {
        let fits = match self.operator {
            Operator::ArnLike | Operator::ArnNotLike => matches!(self.key, Key::Principal | Key::Function),
            Operator::StringNotEquals => matches!(self.key, Key::RequestTag { .. }),
            Operator::AnyStringEqualsIgnoreCase => matches!(self.key, Key::TagKeys { .. }),
            Operator::Null => matches!(self.values.as_slice(), [one] if one == "true" || one == "false"),
        };
        if fits {
            Ok(())
        } else {
            bail!("{:?} of {:?} with {:?} is not known", self.operator, self.key, self.values)
        }
    }

    fn judge(&self, request: &Request) -> Verdict {
        let found = request.find(&self.key);
        let like = |texts: &[String]| {
            self.values
                .iter()
                .map(|value| ArnPattern::new(value))
                .any(|one| texts.iter().any(|text| one.matches(text)))
        };
        match (self.operator, found) {
            // The known part decides, if the rest could not change it.
            (Operator::AnyStringEqualsIgnoreCase, Found::Some(texts) | Found::AtLeast(texts))
                if texts.iter().any(|text| self.values.iter().any(|value| is_equal(text, value))) =>
            {
                Verdict::Denied
            }
            (Operator::Null, Found::AtLeast(texts)) if !texts.is_empty() => self.judge_presence(true),
            (_, Found::AtLeast(_) | Found::Unknown) => Verdict::Unknown,
            (Operator::Null, Found::Nothing) => self.judge_presence(false),
            (Operator::Null, Found::Some(_)) => self.judge_presence(true),
            (Operator::ArnLike, Found::Some(texts)) => Verdict::if_so(like(&texts)),
            (Operator::ArnNotLike, Found::Some(texts)) => Verdict::if_so(!like(&texts)),
            (Operator::StringNotEquals, Found::Some(texts)) => self.judge_values(&texts, request),
            // An operator with `Not` holds where the call does not have the key.
            (Operator::ArnNotLike | Operator::StringNotEquals, Found::Nothing) => Verdict::Denied,
            (Operator::AnyStringEqualsIgnoreCase, Found::Some(_))
            | (Operator::ArnLike | Operator::AnyStringEqualsIgnoreCase, Found::Nothing) => Verdict::NotDenied,
        }
    }

    /// `Null` with the value `true` holds where the call does not have the key.
    fn judge_presence(&self, is_there: bool) -> Verdict {
        Verdict::if_so(self.values.iter().any(|value| value == "true") != is_there)
    }

    /// True if the value of a tag is none of those that are let through.
    fn judge_values(&self, texts: &[String], request: &Request) -> Verdict {
        let allowed = self.values.iter().map(|value| request.substituted(value));
        let mut verdict = Verdict::Denied;
        for value in allowed {
            match value {
                Some(value) if texts.contains(&value) => return Verdict::NotDenied,
                Some(_) => {}
                None => verdict = Verdict::Unknown,
            }
        }
        verdict
    }
}

/// A text, or a list of texts.
fn texts(value: &Value) -> Result<Vec<String>> {
    let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let text = |one: &Value| one.as_str().map(str::to_owned).with_context(|| format!("{one} is not a text"));
    list.iter().map(text).collect()
}

/// A pattern of ARNs. Each of the six parts is compared by itself, as `ArnLike` does.
#[derive(Debug)]
struct ArnPattern(Vec<WildMatch>);

impl ArnPattern {
    fn new(pattern: &str) -> Self {
        Self(pattern.splitn(6, ':').map(WildMatch::new).collect())
    }

    fn matches(&self, arn: &str) -> bool {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        parts.len() == self.0.len() && parts.iter().zip(&self.0).all(|(part, pattern)| pattern.matches(part))
    }
}
