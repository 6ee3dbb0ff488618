//! `[tamper]`: the reaction if somebody removes or changes identity tags.

use super::pattern::Pattern;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// The reaction if somebody removes identity tags from a resource, or changes them.
///
/// ```
/// use autotag_model::policy::{Policy, TamperAction};
///
/// let policy = Policy::from_toml(
///     "[tamper]\naction = \"repair\"\nexcept = [\"arn:aws:iam::*:role/Terraform*\"]\n",
/// )?;
/// let tamper = &policy.tamper;
/// assert_eq!(tamper.action, TamperAction::Repair);
/// assert!(tamper.is_excepted([Some("arn:aws:iam::111122223333:role/TerraformPlan")]));
/// assert!(!tamper.is_excepted([Some("arn:aws:iam::111122223333:user/eve"), None]));
/// # Ok::<(), autotag_model::policy::PolicyError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Tamper {
    /// The action.
    pub action: TamperAction,
    /// The principals whose changes are not repaired: patterns of ARNs of principals, also of roles.
    pub except: Vec<Pattern>,
}

/// The action after tampering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TamperAction {
    /// It is reported, and nothing is written.
    #[default]
    Report,
    /// It is reported, and the tags are written again.
    Repair,
}

impl Tamper {
    /// True if a principal with any of these ARNs is excepted from repair.
    pub fn is_excepted<'n>(&self, arns: impl IntoIterator<Item = Option<&'n str>>) -> bool {
        !self.except.is_empty()
            && arns.into_iter().flatten().any(|arn| self.except.iter().any(|pattern| pattern.matches(arn)))
    }
}

/// `[tamper]` as the policy file has it.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TamperFile {
    action: TamperAction,
    except: Vec<Principal>,
}

struct Principal(String);

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !text.starts_with("arn:") {
            return Err(D::Error::custom(format!(
                "`{text}` is not a pattern for the ARN of a role or user: expected `arn:aws:iam::*:role/Terraform*`"
            )));
        }
        if text.contains(":sts:") || text.contains(":assumed-role/") {
            return Err(D::Error::custom(format!(
                "`{text}` is a session, whose name a caller may choose; list the role instead"
            )));
        }
        Ok(Self(text))
    }
}

impl TryFrom<TamperFile> for Tamper {
    /// Why the table contradicts itself.
    type Error = &'static str;

    fn try_from(file: TamperFile) -> Result<Self, Self::Error> {
        if !file.except.is_empty() && file.action != TamperAction::Repair {
            return Err("it excepts principals from repair, and nothing is repaired; \
                        write `action = \"repair\"`, or remove it");
        }
        let except = file.except.iter().map(|principal| Pattern::new(&principal.0)).collect();
        Ok(Self { action: file.action, except })
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::{Policy, TamperAction};

    #[test]
    fn without_the_table_tampering_is_reported_only() {
        let tamper = Policy::default().tamper;
        assert_eq!(tamper.action, TamperAction::Report);
        assert!(!tamper.is_excepted([Some("arn:aws:iam::111122223333:user/eve")]));
        assert_eq!(Policy::from_toml("[tamper]\n").unwrap().tamper, tamper);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (table, why) in [
            ("action = \"restore\"", "unknown variant `restore`, expected `report` or `repair`"),
            ("actions = \"repair\"", "unknown field `actions`"),
            ("action = \"repair\"\nexcept = [\"Terraform\"]", "is not a pattern for the ARN"),
            ("action = \"repair\"\nexcept = [\"\"]", "is not a pattern for the ARN"),
            (
                "action = \"repair\"\nexcept = [\"arn:aws:sts::*:assumed-role/ci/job-*\"]",
                "a session, whose name a caller may choose",
            ),
            ("except = [\"arn:aws:iam::*:role/x\"]", "`tamper.except`: it excepts principals from repair"),
        ] {
            let error = Policy::from_toml(&format!("[tamper]\n{table}\n")).unwrap_err().to_string();
            assert!(error.contains(why), "{table}: {error}");
        }
    }

    #[test]
    fn patterns_match_whole_arns() {
        let policy =
            Policy::from_toml("[tamper]\naction = \"repair\"\nexcept = [\"arn:aws:iam::*:role/ci\"]\n");
        let tamper = policy.unwrap().tamper;
        assert!(tamper.is_excepted([None, Some("arn:aws:iam::111122223333:role/ci")]));
        assert!(!tamper.is_excepted([Some("arn:aws:iam::111122223333:role/ci-2")]));
    }
}
