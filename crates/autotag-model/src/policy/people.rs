//! `[people]`: the names and ARNs under which one person acts.

use crate::arn::Arn;
use crate::tags::{TagConstraints, TagValue, invisible_character, normalized_key};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// The persons of the policy, by their ARNs and by the names that identity providers give them.
///
/// ```
/// use autotag_model::policy::Policy;
///
/// let policy = Policy::from_toml(
///     "[people]\n\"alice@example.com\" = [\"arn:aws:iam::111122223333:user/alice\", \"alice.miller\"]\n",
/// )?;
/// let people = &policy.trust.people;
/// assert_eq!(people.of_arn("arn:aws:iam::111122223333:user/alice"), Some("alice@example.com"));
/// assert_eq!(people.of_arn("arn:aws:iam::444455556666:user/alice"), None);
/// assert_eq!(people.of_subject("alice.miller"), Some("alice@example.com"));
/// # Ok::<(), autotag_model::policy::PolicyError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    by_arn: BTreeMap<String, String>,
    by_subject: BTreeMap<String, String>,
}

impl People {
    /// The person of this ARN: that of an IAM user, a root user, a role or a Lambda function. Upper and lower case count.
    pub fn of_arn(&self, arn: &str) -> Option<&str> {
        self.by_arn.get(arn).map(String::as_str)
    }

    /// The person that an identity provider gives this name to. The caller asks only for names that a provider
    /// vouches for. An ARN is not a name, so that no provider can write the ARN of somebody else. Upper and lower
    /// case count.
    pub fn of_subject(&self, name: &str) -> Option<&str> {
        self.by_subject.get(name).map(String::as_str)
    }

    /// Adds an alias; the error says why it cannot be one.
    fn add(&mut self, person: &str, alias: &str) -> Result<(), String> {
        let is_arn = alias.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("arn:"));
        let known = if is_arn {
            check_arn(alias)?;
            &mut self.by_arn
        } else {
            check_subject(alias)?;
            &mut self.by_subject
        };
        match known.insert(alias.to_owned(), person.to_owned()) {
            Some(other) => Err(format!("`{alias}` is listed twice, for `{other}` and for `{person}`")),
            None => Ok(()),
        }
    }
}

/// An alias is compared whole, and only ARNs count that no caller chooses a part of.
fn check_arn(alias: &str) -> Result<(), String> {
    let expected = "expected the whole ARN of an IAM user, a root user, a role or a Lambda function";
    if alias.contains(['*', '?']) {
        return Err(format!("`{alias}` has a wildcard; {expected}"));
    }
    let arn: Arn = alias.parse().map_err(|error| format!("`{alias}`: {error}; {expected}"))?;
    let resource = arn.resource();
    let begins = |kind: &str| resource.strip_prefix(kind).is_some_and(|name| !name.is_empty());
    match arn.service() {
        "sts" => Err(format!(
            "`{alias}` is a session, whose name a caller may choose; list the user or role instead"
        )),
        "iam" if begins("role/aws-reserved/sso.amazonaws.com/") => Err(format!(
            "`{alias}` is used by many people; list the name of the Identity Center user instead"
        )),
        _ if arn.account().is_none() => Err(format!("`{alias}` names no account; {expected}")),
        "iam" if resource == "root" || begins("user/") || begins("role/") => Ok(()),
        "lambda" if begins("function:") && resource.matches(':').count() == 1 => Ok(()),
        _ => Err(format!("`{alias}` names no principal that calls; {expected}")),
    }
}

fn check_subject(alias: &str) -> Result<(), String> {
    if alias.trim().is_empty() {
        return Err("an empty alias names no principal; remove it".to_owned());
    }
    if alias.trim() != alias || alias.contains(char::is_control) || invisible_character(alias).is_some() {
        return Err(format!("`{}` has characters that cannot be seen; remove them", alias.escape_debug()));
    }
    if alias.contains('*') {
        return Err(format!("`{alias}` has a wildcard; names are compared whole, so list each of them"));
    }
    Ok(())
}

/// The name of a person, which becomes the value of tags.
fn check_person(person: &str, known: &[String]) -> Result<(), String> {
    if person.trim().is_empty() || person.trim() != person || invisible_character(person).is_some() {
        return Err(format!("`{}` is not a name for a person", person.escape_debug()));
    }
    if let (_, Some(adjusted)) = TagValue::sanitize(person, &TagConstraints::default()) {
        return Err(format!("`{person}` cannot be the value of a tag: {adjusted} would be needed"));
    }
    match known.iter().find(|known| normalized_key(known) == normalized_key(person)) {
        Some(other) => Err(format!("`{person}` and `{other}` differ only in case; one person has one name")),
        None => Ok(()),
    }
}

/// `[people]` as the policy file has it: names of persons with lists of aliases.
impl<'de> Deserialize<'de> for People {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = People;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "persons with lists, for example `\"alice@example.com\" = [\"arn:aws:iam::111122223333:user/alice\"]`",
                )
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut people, mut persons) = (People::default(), Vec::new());
                while let Some((person, aliases)) = map.next_entry::<String, Vec<String>>()? {
                    check_person(&person, &persons).map_err(A::Error::custom)?;
                    if aliases.is_empty() {
                        return Err(A::Error::custom(format!(
                            "`{person}` has no alias; list one, or remove the line"
                        )));
                    }
                    let added = aliases.iter().try_for_each(|alias| people.add(&person, alias));
                    added.map_err(|why| A::Error::custom(format!("`{person}`: {why}")))?;
                    persons.push(person);
                }
                Ok(people)
            }
        }
        deserializer.deserialize_map(Each)
    }
}

#[cfg(test)]
mod tests;
