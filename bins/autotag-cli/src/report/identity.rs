//! Compares the identity tags on a resource with those that its creation leads to.

use super::inventory::Tags;

/// The identity tags on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The tags are not known, or the creation is not.
    NotCompared,
    /// The resource has all tags that the policy enforces.
    Intact,
    /// Tags are missing that autotag would write, and there are no others in their places.
    Missing,
    /// Tags have other values. Nothing says that autotag has written any.
    Other,
    /// Some are as autotag wrote them, and others are not.
    Changed,
}

/// The identity tags that a creation leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// The tags that the policy enforces.
    pub(crate) enforced: &'a [(String, String)],
    /// The other ones. Callers may declare other values.
    pub(crate) free: &'a [(String, String)],
    /// The key of the owner's name.
    pub(crate) owner_key: Option<&'a str>,
    /// True if the call may have found the resource. Its owner may have made it before, as another principal.
    pub(crate) may_have_found: bool,
}

/// A tag that is expected, and the one on the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Same,
    Differs,
    Absent,
}

/// How the identity tags on a resource compare with the expected ones.
pub(crate) fn compare(expected: &Expected<'_>, tags: &Tags) -> Identity {
    let state = |(key, value): &(String, String)| {
        let in_another_case = || tags.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(key));
        let found = tags.get(key).or_else(|| in_another_case().map(|(_, value)| value));
        let state = match found {
            Some(found) if found == value => State::Same,
            Some(_) => State::Differs,
            None => State::Absent,
        };
        (expected.owner_key == Some(key.as_str()), state)
    };
    let states: Vec<(bool, State)> = expected.enforced.iter().map(state).collect();
    if states.iter().all(|(_, state)| *state == State::Same) {
        return if states.is_empty() { Identity::NotCompared } else { Identity::Intact };
    }
    let any = |wanted: (bool, State)| states.contains(&wanted);
    // A whole principal id or ARN that fits was written by autotag. People write owner tags, and nothing else.
    let owner_is_changed =
        any((false, State::Same)) && (any((true, State::Differs)) || any((true, State::Absent)));
    let proof_is_changed = any((false, State::Differs))
        && (any((false, State::Same)) || (any((true, State::Same)) && !expected.may_have_found));
    if owner_is_changed || proof_is_changed {
        return Identity::Changed;
    }
    let has_another = |(key, value): &(String, String)| {
        tags.iter().any(|(tag, found)| tag.eq_ignore_ascii_case(key) && found != value)
    };
    let mut all = expected.enforced.iter().chain(expected.free);
    if all.any(has_another) { Identity::Other } else { Identity::Missing }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(tags: &[(&str, &str)]) -> Vec<(String, String)> {
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn identity_tags_are_compared_with_what_the_creation_leads_to() {
        let [owner, principal, by] =
            [("Owner", "mara"), ("PrincipalId", "AIDAmara"), ("CreatedBy", "arn:aws:iam::1:user/mara")];
        let (enforced, free) = (pairs(&[owner, principal]), pairs(&[by]));
        let expected =
            Expected { enforced: &enforced, free: &free, owner_key: Some("Owner"), may_have_found: false };
        let (boss, other) = (("Owner", "boss"), ("PrincipalId", "AIDAx"));
        for (case, there, wanted) in [
            ("all", &[owner, principal, by][..], Identity::Intact),
            ("what is enforced", &[owner, principal], Identity::Intact),
            (
                "another one beside what is enforced",
                &[owner, principal, ("CreatedBy", "x")],
                Identity::Intact,
            ),
            ("none", &[], Identity::Missing),
            ("the owner alone, as people write it", &[owner], Identity::Missing),
            ("keys without case", &[("owner", "mara"), ("principalid", "AIDAmara")], Identity::Intact),
            ("another owner alone", &[boss], Identity::Other),
            ("the owner in another case", &[("Owner", "Mara")], Identity::Other),
            ("another owner under another key", &[owner, ("owner", "boss")], Identity::Other),
            ("another one that is not enforced", &[owner, ("CreatedBy", "x")], Identity::Other),
            ("another owner with their principal", &[boss, other], Identity::Other),
            ("another principal alone", &[other], Identity::Other),
            ("another owner, and the rest as written", &[boss, principal, by], Identity::Changed),
            ("the owner was taken off", &[principal, by], Identity::Changed),
            ("another principal", &[owner, other, by], Identity::Changed),
            ("another principal, and nothing else", &[owner, other], Identity::Changed),
        ] {
            assert_eq!(compare(&expected, &pairs(there).into_iter().collect()), wanted, "{case}");
        }
        let found = Expected { may_have_found: true, ..expected };
        let there = pairs(&[owner, other]).into_iter().collect();
        assert_eq!(compare(&found, &there), Identity::Other, "they may have made it in an earlier session");
        let none = Expected { enforced: &[], ..expected };
        assert_eq!(compare(&none, &Tags::new()), Identity::NotCompared);
    }

    #[test]
    fn keys_that_prove_an_owner_prove_each_other() {
        let enforced = pairs(&[("PrincipalId", "AIDAmara"), ("CreatedBy", "arn:aws:iam::1:user/mara")]);
        let expected = Expected { enforced: &enforced, free: &[], owner_key: None, may_have_found: true };
        let tags = |tags: &[(&str, &str)]| pairs(tags).into_iter().collect::<Tags>();
        let by = ("CreatedBy", "arn:aws:iam::1:user/mara");
        assert_eq!(compare(&expected, &tags(&[by])), Identity::Missing, "an older policy had fewer keys");
        assert_eq!(compare(&expected, &tags(&[by, ("PrincipalId", "AIDAx")])), Identity::Changed);
    }
}
