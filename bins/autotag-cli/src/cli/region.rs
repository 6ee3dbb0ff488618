//! Regions on the command line. AWS opens regions faster than this program has releases, so every text of their form is one.

use crate::suggest::{hint, similar};
#[cfg(feature = "history")]
use autotag_model::arn::Region;

/// The regions that are suggested for a mistyped one.
const KNOWN: [&str; 39] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// A region.
///
/// # Errors
/// It does not have the form of one. The text suggests a known one.
#[cfg(feature = "history")]
pub(super) fn region(text: &str) -> Result<Region, String> {
    let region = Region::new(text).filter(|_| has_the_form(text));
    region.ok_or_else(|| format!("expected a region, for example eu-west-1{}", suggestion(text)))
}

/// A region, or a pattern for regions. The case of a filter does not count.
///
/// # Errors
/// It is neither. The text suggests a known region.
pub(super) fn region_pattern(text: &str) -> Result<String, String> {
    if has_the_form(&text.to_lowercase()) || text.contains(['*', '?']) {
        return Ok(text.to_owned());
    }
    Err(format!("expected a region, for example eu-west-1 or eu-*{}", suggestion(text)))
}

/// True for two or more words of small letters, and a number: `eu-west-1`.
pub(super) fn has_the_form(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    text.rsplit_once('-').is_some_and(|(words, number)| {
        words.contains('-') && words.split('-').all(is_word) && is_number(number)
    })
}

/// `; did you mean ...?` with a known region; empty if none is like the text. Marks between its parts, and the letter of a zone after
/// it, do not count.
fn suggestion(text: &str) -> String {
    let plain: String = plain(text).take(LONGEST).collect();
    let is_meant = |known: &&str| {
        let known: String = self::plain(known).collect();
        let zone = plain.strip_prefix(&known);
        zone.is_some_and(|zone| zone.len() <= 1 && zone.bytes().all(|byte| byte.is_ascii_lowercase()))
    };
    hint(KNOWN.into_iter().find(is_meant).or_else(|| similar(text, KNOWN)))
}

/// More characters than a region has.
const LONGEST: usize = 40;

fn plain(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_takes_regions_and_patterns() {
        for accepted in ["eu-west-1", "EU-West-1", "us-gov-east-1", "eusc-de-east-1", "eu-*", "*"] {
            assert_eq!(region_pattern(accepted).as_deref(), Ok(accepted));
        }
        for refused in ["", "ireland", "eu-west", "euwest1", "eu-west-1a", "west-1", "eu--1"] {
            assert!(region_pattern(refused).is_err(), "{refused}");
        }
    }

    #[cfg(feature = "history")]
    #[test]
    fn a_region_of_the_form_is_taken_and_a_mistyped_one_is_named() {
        for accepted in ["eu-west-1", "us-gov-east-1", "us-iso-east-1", "xx-nowhere-17"] {
            assert_eq!(region(accepted).unwrap().as_str(), accepted);
        }
        for known in KNOWN {
            assert!(region(known).is_ok() && region_pattern(known).is_ok(), "{known}");
        }
        for (mistyped, meant) in [
            ("eu-west1", "eu-west-1"),
            ("euwest1", "eu-west-1"),
            ("eu_west_1", "eu-west-1"),
            ("EU-WEST-1", "eu-west-1"),
            ("eu-west-1a", "eu-west-1"),
            ("us-east1", "us-east-1"),
            ("ap-southeast2", "ap-southeast-2"),
            ("us-gov-west1", "us-gov-west-1"),
            ("eu-wset1", "eu-west-1"),
        ] {
            let hint = format!("; did you mean `{meant}`?");
            for refused in [region(mistyped).unwrap_err(), region_pattern(mistyped).err().unwrap_or_default()]
            {
                assert!(refused.ends_with(&hint) || refused.is_empty(), "{mistyped}: {refused}");
            }
        }
        for unlike in ["", "ireland", "x", "123456789012"] {
            let refused = region(unlike).unwrap_err();
            assert!(
                refused.starts_with("expected a region") && !refused.contains("did you mean"),
                "{refused}"
            );
        }
    }
}
