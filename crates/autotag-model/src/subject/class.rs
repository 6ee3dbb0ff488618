//! The characters that a part of a subject may have.

use serde::Deserialize;

/// A class of values. No value is empty or has control characters.
///
/// A value never has the text that separates it from the next part. Two subjects of different parts therefore never
/// have the same owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Class {
    /// ASCII letters, digits, `.`, `_`, `-`.
    Name,
    /// Two names or more, separated by `/`.
    Path,
    /// ASCII digits.
    Digits,
    /// ASCII letters and digits.
    Id,
    /// A UUID: hexadecimal digits, 8-4-4-4-12.
    Uuid,
    /// A part of a host name in lower case.
    Label,
    /// The code of an AWS region: `eu-west-1`.
    Region,
    /// Everything but `:`.
    Value,
    /// Everything but `:` and `/`.
    Words,
    /// The name of a branch or tag, or a full ref: everything but `:` and blanks. Git forbids both
    /// ([git-check-ref-format](https://git-scm.com/docs/git-check-ref-format)).
    Ref,
    /// A full ref: `refs/tags/v1`.
    FullRef,
    /// The name of a branch, unless it could be read as a full ref or as `pull_request`.
    Branch,
    /// The URL of a repository. It does not contain the text `/vcs-ref/`.
    Origin,
    /// The key of a Buildkite step, which may have `:`. It does not contain the text `:commit:`.
    Step,
}

impl Class {
    /// True if values may have this character.
    pub(super) fn allows(self, c: char) -> bool {
        let name = c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        match self {
            Self::Name => name,
            Self::Path => name || c == '/',
            Self::Digits => c.is_ascii_digit(),
            Self::Id => c.is_ascii_alphanumeric(),
            Self::Uuid => c.is_ascii_hexdigit() || c == '-',
            Self::Label | Self::Region => c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
            Self::Value | Self::Origin => c != ':' && !c.is_control(),
            Self::Words => !matches!(c, ':' | '/') && !c.is_control(),
            Self::Ref | Self::FullRef | Self::Branch => c != ':' && !c.is_whitespace() && !c.is_control(),
            Self::Step => name || c == ':',
        }
    }

    /// True if `value`, which has allowed characters only, is one of the class.
    pub(super) fn accepts(self, value: &str) -> bool {
        !value.is_empty()
            && match self {
                Self::Path => value.contains('/') && value.split('/').all(|name| !name.is_empty()),
                Self::Uuid => is_uuid(value),
                Self::Region => is_region(value),
                Self::FullRef => value.starts_with("refs/"),
                Self::Branch => value != "pull_request" && !value.starts_with("refs/"),
                Self::Origin => !value.contains("/vcs-ref/"),
                Self::Step => !value.contains(":commit:"),
                _ => true,
            }
    }
}

fn is_uuid(value: &str) -> bool {
    let parts: Vec<usize> = value.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12]
}

/// Two letters, at least one word, and a number: `us-gov-west-1`. `s3` and `s3-eu-west-1` are not regions.
fn is_region(value: &str) -> bool {
    let mut parts = value.split('-');
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let first = parts.next().is_some_and(|part| part.len() == 2 && letters(part));
    let number = parts.next_back().is_some_and(|part| part.parse::<u8>().is_ok());
    let words: Vec<&str> = parts.collect();
    first && number && !words.is_empty() && words.into_iter().all(letters)
}
