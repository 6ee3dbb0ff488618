//! Tag keys, tag values and tag sets, within any constraints.

use crate::random;
use crate::target::{Target, Violation, error_is_readable, hold};
use autotag_model::tags::{
    Characters, TagConstraints, TagKey, TagSet, TagValue, is_reserved, normalized_key,
};
use fastrand::Rng;

pub(super) struct Tags;

impl Target for Tags {
    fn name(&self) -> &'static str {
        "tags"
    }

    fn share(&self) -> u64 {
        260
    }

    /// Four bytes that choose the constraints, and a line for each tag: its key, `=` and its value.
    fn generate(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        out.extend([rng.u8(..), rng.u8(..), rng.u8(..), rng.u8(..)]);
        let mut text = String::new();
        for _ in 0..rng.usize(1..=3) {
            random::text(rng, 140, &mut text);
            text.push('=');
            random::text(rng, 280, &mut text);
            text.push('\n');
        }
        out.extend_from_slice(text.as_bytes());
    }

    fn check(&self, input: &[u8]) -> Result<(), Violation> {
        let Some((choice, text)) = input.split_first_chunk::<4>() else { return Ok(()) };
        let constraints = constraints(*choice);
        let text = String::from_utf8_lossy(text);
        let mut set = TagSet::new();
        let mut added = 0;
        for line in text.lines() {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            let value = value_fits(value, &constraints)?;
            if let Some(key) = key_fits(key, &constraints)? {
                added += usize::from(set.add(key, value));
            }
        }
        hold(set.len() == added, "a set has the tags that it took", || format!("{set:?}"))?;
        for (number, (key, _)) in set.iter().enumerate() {
            let again = set.iter().skip(number + 1).any(|(other, _)| key.eq_ignore_case(other.as_str()));
            hold(!again, "no two keys of a set differ in case only", || key.to_string())?;
            let twin = normalized_key(key.as_str());
            hold(twin == normalized_key(&twin), "a key has one normal form", || key.to_string())?;
        }
        let rest = set.split_off(usize::from(choice[0] % 3));
        hold(rest.len() + set.len() == added, "a set that is split loses nothing", || format!("{rest:?}"))
    }
}

/// The constraints of services, and narrower ones.
fn constraints([lengths, values, characters, _]: [u8; 4]) -> TagConstraints {
    let mut constraints = TagConstraints::default();
    constraints.key_max = *[128, 127, 64, 20, 4, 128].get(usize::from(lengths % 6)).unwrap_or(&128);
    constraints.value_max = *[256, 255, 128, 63, 5, 256].get(usize::from(values % 6)).unwrap_or(&256);
    constraints.value_min = usize::from(values / 6 % 2);
    let of = |strict| if strict { Characters::Ascii } else { Characters::Portable };
    constraints.keys = of(characters % 2 == 1);
    constraints.values = of(characters / 2 % 2 == 1);
    constraints
}

/// AWS's own pattern, written once more: `[\p{L}\p{Z}\p{N}_.:/=+\-@]`, without what is not seen.
fn may_be(c: char, characters: Characters) -> bool {
    let sign = matches!(c, ' ' | '+' | '-' | '=' | '.' | '_' | ':' | '/');
    let never = c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}');
    match characters {
        Characters::Ascii => sign || c.is_ascii_alphanumeric(),
        _ => sign || c == '@' || (!c.is_ascii() && !never) || c.is_ascii_alphanumeric(),
    }
}

fn value_fits(text: &str, constraints: &TagConstraints) -> Result<TagValue, Violation> {
    let (value, change) = TagValue::sanitize(text, constraints);
    let count = value.as_str().chars().count();
    let fits = (constraints.value_min..=constraints.value_max).contains(&count);
    hold(fits, "a value has a length that the service takes", || format!("{count} of {text:?}"))?;
    let known = value.as_str().chars().all(|c| may_be(c, constraints.values));
    hold(known, "a value has characters that the service takes", || format!("{value} of {text:?}"))?;
    hold(change.is_none() == (value.as_str() == text), "a change is told", || {
        format!("{value} of {text:?}")
    })?;
    let again = TagValue::sanitize(value.as_str(), constraints);
    hold(again == (value.clone(), None), "a value that fits stays", || format!("{again:?} of {text:?}"))?;
    Ok(value)
}

fn key_fits(text: &str, constraints: &TagConstraints) -> Result<Option<TagKey>, Violation> {
    let (key, change) = match TagKey::sanitize(text, constraints) {
        Ok(fitted) => fitted,
        Err(error) => {
            let refused = text.trim().is_empty() || is_reserved(text);
            hold(refused, "only empty and reserved keys are refused", || format!("{text:?}"))?;
            error_is_readable(&error, text.as_bytes())?;
            return Ok(None);
        }
    };
    let count = key.as_str().chars().count();
    hold((1..=constraints.key_max).contains(&count), "a key has a length that the service takes", || {
        format!("{text:?}")
    })?;
    let known = key.as_str().chars().all(|c| may_be(c, constraints.keys));
    hold(known, "a key has characters that the service takes", || format!("{key} of {text:?}"))?;
    hold(!key.as_str().to_lowercase().trim().starts_with("aws:"), "a key is not AWS's", || {
        format!("{text:?}")
    })?;
    hold(change.is_none() == (key.as_str() == text), "a change is told", || format!("{key} of {text:?}"))?;
    let again = TagKey::sanitize(key.as_str(), constraints);
    hold(again == Ok((key.clone(), None)), "a key that fits stays", || format!("{again:?} of {text:?}"))?;
    Ok(Some(key))
}
