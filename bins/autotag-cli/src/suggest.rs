//! "Did you mean": the known name that is most like a wrong one.

use autotag_model::policy::TagTemplate;

/// How alike two names are at least, from 0 to 1. Clap has the same limit for commands and options.
const ALIKE: f64 = 0.7;

/// The longest name that is compared, in bytes. The time of a comparison grows with both names, and no known name is so long.
const LONGEST: usize = 1_000;

/// The known name that is most like `wrong`, if one is.
pub(crate) fn similar<'k>(wrong: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if wrong.len() > LONGEST {
        return None;
    }
    let wrong = wrong.to_lowercase();
    let rated = known.into_iter().map(|name| (strsim::jaro(&wrong, &name.to_lowercase()), name));
    let best = rated.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(alike, name)| *alike > ALIKE && *name != wrong).map(|(_, name)| name)
}

/// `; did you mean ...?` with a known name, for the end of an error; empty without one.
pub(crate) fn hint(known: Option<&str>) -> String {
    known.map_or(String::new(), |name| format!("; did you mean `{name}`?"))
}

/// An error about a file with the name that was probably meant, if the error is about a name. It begins with a line break.
///
/// The parser of TOML and the placeholders of a policy write such errors: they name the wrong name, and then all known ones.
pub(crate) fn did_you_mean(error: &str) -> String {
    let found = if let Some(wrong) = after(error, "no placeholder `") {
        similar(wrong, TagTemplate::placeholders().iter().copied())
    } else {
        let unknown =
            ["unknown field `", "unknown variant `"].into_iter().find_map(|start| after(error, start));
        unknown.and_then(|wrong| {
            let (_, known) = error.split_once("expected ")?;
            similar(wrong, known.split('`').skip(1).step_by(2))
        })
    };
    found.map_or(String::new(), |name| format!("\ndid you mean `{name}`?"))
}

/// The text between `start` and the next backtick.
fn after<'e>(error: &'e str, start: &str) -> Option<&'e str> {
    let (_, rest) = error.split_once(start)?;
    rest.split_once('`').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_model::policy::Policy;

    fn hint_of(policy: &str) -> String {
        did_you_mean(&Policy::from_toml(policy).unwrap_err().to_string())
    }

    #[test]
    fn keys_and_values_and_placeholders_of_a_policy() {
        for (wrong, meant) in [
            ("[identiy]\nOwner = \"{owner}\"", "identity"),
            ("[copy]\niam_tag = false", "iam_tags"),
            ("[copy]\nsesion_tags = false", "session_tags"),
            ("[existing]\nenforced = []", "enforce"),
            ("[ignore]\nservice = []", "services"),
            ("[trust]\nissuer = {}", "issuers"),
            ("[policy]\nprofile = \"prof\"", "proof"),
            ("[policy]\nderived = \"of\"", "off"),
            ("[tamper]\naction = \"repiar\"", "repair"),
            ("[identity]\nOwner = \"{onwer}\"", "owner"),
            ("[identity]\nOwner = \"{principal.am}\"", "principal.arn"),
            ("[identity]\nOwner = \"{subject.repositry}\"", "subject.repository"),
        ] {
            assert_eq!(hint_of(wrong), format!("\ndid you mean `{meant}`?"), "{wrong}");
        }
    }

    #[test]
    fn nothing_is_suggested_for_a_name_like_none() {
        for wrong in ["[xyz]", "[identity]\nOwner = \"{zzzz}\"", "[identity]\nOwner = 1", "= 3"] {
            assert_eq!(hint_of(wrong), "", "{wrong}");
        }
    }

    #[test]
    fn a_very_long_name_is_not_compared() {
        let known = "x".repeat(LONGEST);
        assert_eq!(similar(&"x".repeat(LONGEST - 1), [known.as_str()]), Some(known.as_str()));
        assert_eq!(similar(&"x".repeat(LONGEST + 1), [known.as_str()]), None);
    }

    #[test]
    fn the_case_does_not_count() {
        assert_eq!(similar("DynamoBD", ["dynamodb", "docdb"]), Some("dynamodb"));
    }
}
