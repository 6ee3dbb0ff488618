use super::*;
use crate::policy::Policy;
use proptest::prelude::*;

fn read(people: &str) -> Result<People, String> {
    let policy = Policy::from_toml(&format!("[people]\n{people}\n"));
    policy.map(|policy| policy.trust.people).map_err(|error| error.to_string())
}

#[test]
fn each_alias_is_compared_whole() {
    let people = read(
        "\"alice@example.com\" = [\"arn:aws:iam::111122223333:user/team/alice\", \"arn:aws:iam::444455556666:root\", \
         \"alice.miller\"]\n\
         Bob = [\"arn:aws-us-gov:iam::111122223333:role/bob-tool\", \
         \"arn:aws:lambda:eu-west-1:111122223333:function:bob\"]",
    )
    .unwrap();
    for (arn, person) in [
        ("arn:aws:iam::111122223333:user/team/alice", Some("alice@example.com")),
        ("arn:aws:iam::444455556666:root", Some("alice@example.com")),
        ("arn:aws-us-gov:iam::111122223333:role/bob-tool", Some("Bob")),
        ("arn:aws:lambda:eu-west-1:111122223333:function:bob", Some("Bob")),
        ("arn:aws:iam::111122223333:user/alice", None),
        ("arn:aws:iam::111122223333:user/team/Alice", None),
        ("arn:aws:iam::111122223333:user/team/alice ", None),
        ("arn:aws:iam::555566667777:user/team/alice", None),
        ("alice.miller", None),
    ] {
        assert_eq!(people.of_arn(arn), person, "{arn}");
    }
    assert_eq!(people.of_subject("alice.miller"), Some("alice@example.com"));
    for name in ["Alice.Miller", "alice", "alice@example.com", "arn:aws:iam::444455556666:root"] {
        assert_eq!(people.of_subject(name), None, "{name}");
    }
}

#[test]
fn what_cannot_be_one_person_is_refused_with_its_reason() {
    for (line, why) in [
        ("alice = \"arn:aws:iam::111122223333:user/alice\"", "expected a sequence"),
        ("alice = []", "`alice` has no alias"),
        ("alice = [\"\"]", "an empty alias names no principal"),
        ("alice = [\" alice\"]", "cannot be seen"),
        ("alice = [\"ali\\u200bce\"]", "cannot be seen"),
        ("alice = [\"ali\\u0007ce\"]", "cannot be seen"),
        ("alice = [\"*@example.com\"]", "has a wildcard"),
        ("alice = [\"arn:aws:iam::*:user/alice\"]", "has a wildcard"),
        ("alice = [\"arn:aws:iam::111122223333:user/alic?\"]", "has a wildcard"),
        ("alice = [\"ARN:aws:iam::111122223333:user/alice\"]", "expected the whole ARN"),
        ("alice = [\"arn:aws:iam::111122223333\"]", "expected the whole ARN"),
        ("alice = [\"arn:aws:iam::111122223333:user/\"]", "names no principal that calls"),
        ("alice = [\"arn:aws:iam::111122223333:group/devs\"]", "names no principal that calls"),
        ("alice = [\"arn:aws:iam::aws:user/alice\"]", "names no account"),
        ("alice = [\"arn:aws:s3:::bucket\"]", "names no account"),
        ("alice = [\"arn:aws:sts::111122223333:assumed-role/Dev/alice\"]", "a caller may choose"),
        ("alice = [\"arn:aws:sts::111122223333:federated-user/alice\"]", "a caller may choose"),
        (
            "alice = [\"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_1\"]",
            "used by many people",
        ),
        (
            "alice = [\"arn:aws:lambda:eu-west-1:111122223333:function:tool:7\"]",
            "names no principal that calls",
        ),
        ("alice = [\"a\", \"a\"]", "`a` is listed twice"),
        ("alice = [\"a\"]\nbob = [\"a\"]", "`a` is listed twice, for `alice` and for `bob`"),
        ("alice = [\"a\"]\nAlice = [\"b\"]", "differ only in case"),
        ("\"\" = [\"a\"]", "not a name for a person"),
        ("\"alice \" = [\"a\"]", "not a name for a person"),
        ("\"al\\u202eice\" = [\"a\"]", "not a name for a person"),
        ("\"alice;drop\" = [\"a\"]", "cannot be the value of a tag"),
    ] {
        let error = read(line).unwrap_err();
        assert!(error.contains(why), "{line}: {error}");
        assert!(error.contains("line "), "{line}: {error}");
    }
}

proptest! {
    /// An ARN in the place of a name never counts, whatever a provider writes.
    #[test]
    fn no_name_is_read_as_an_arn(name in "\\PC{0,40}", alias in "[a-z]{1,8}") {
        let arn = format!("arn:aws:iam::111122223333:user/{alias}");
        let people = read(&format!("alice = [\"{arn}\", \"{alias}\"]")).unwrap();
        prop_assert_eq!(people.of_subject(&arn), None);
        prop_assert_eq!(people.of_arn(&alias), None);
        prop_assert_eq!(people.of_subject(&name).is_some(), name == alias);
        prop_assert_eq!(people.of_arn(&name).is_some(), name == arn);
    }
}
