//! Faults in JSON, in words for people who did not write the file. The words of a parser may repeat a value of the input.

use serde_json::error::Category;

/// The words of the JSON reader, by their beginning, and ours.
const REASONS: [(&str, &str); 16] = [
    ("expected value", "a value is missing, or a text has no double quotes"),
    ("expected ident", "a word that is not true, false or null"),
    ("expected `:`", "no colon after the name of a member"),
    ("expected `,` or `]`", "no comma and no `]` after an element of a list"),
    ("expected `,` or `}`", "no comma and no `}` after a member of an object"),
    ("expected `\"`", "a text or a name has no double quotes"),
    ("key must be a string", "the name of a member has no double quotes"),
    ("invalid escape", ESCAPE),
    ("invalid unicode code point", ESCAPE),
    ("lone leading surrogate", ESCAPE),
    ("unexpected end of hex escape", ESCAPE),
    ("invalid number", "a number is not written as in JSON"),
    ("number out of range", "a number is too large"),
    ("control character", "a line end or another control character inside a text"),
    ("trailing comma", "a comma before the end of a list or an object"),
    ("trailing characters", "more text follows after the value"),
];

const ESCAPE: &str = "no valid escape after a backslash in a text";

/// The fault that the JSON reader has found: `not JSON: no colon after the name of a member`. `expected` is the expected value:
/// `a CloudTrail record`. The words repeat nothing of the input. Line and column are those of the error.
///
/// ```
/// use autotag_model::json_error::fault;
///
/// let cut = serde_json::from_str::<Vec<u64>>("[1, 2").unwrap_err();
/// assert_eq!(fault(&cut, "a list of numbers"), "not JSON: the value was cut, its end is missing");
/// let other = serde_json::from_str::<Vec<u64>>("[1, {}]").unwrap_err();
/// assert_eq!(fault(&other, "a list of numbers"), "not a list of numbers: a member has a value of another type");
/// ```
pub fn fault(error: &serde_json::Error, expected: &str) -> String {
    let said = error.to_string();
    match error.classify() {
        Category::Eof => "not JSON: the value was cut, its end is missing".to_owned(),
        Category::Syntax | Category::Io => {
            let known = REASONS.iter().find(|(start, _)| said.starts_with(start));
            let nested = || said.starts_with("recursion limit");
            match known {
                Some((_, reason)) => format!("not JSON: {reason}"),
                None if nested() => "nested deeper than 128 levels".to_owned(),
                None => "not JSON".to_owned(),
            }
        }
        Category::Data => {
            // These names are those that the reader looks for, and not of the input.
            let name = |start: &str| said.strip_prefix(start).and_then(|rest| rest.split('`').next());
            if let Some(name) = name("duplicate field `") {
                format!("not {expected}: `{name}` occurs twice")
            } else if let Some(name) = name("missing field `") {
                format!("not {expected}: `{name}` is missing")
            } else if said.starts_with("unknown field") {
                format!("not {expected}: a member has an unknown name")
            } else if said.starts_with("unknown variant") {
                format!("not {expected}: a member has an unknown value")
            } else {
                format!("not {expected}: a member has a value of another type")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn reason_of(text: &str) -> String {
        fault(&serde_json::from_str::<Value>(text).unwrap_err(), "a record")
    }

    #[test]
    fn every_fault_has_words_of_its_own() {
        for (text, words) in [
            ("{\"a\": }", "a value is missing"),
            ("{\"a\": nix}", "a word that is not true, false or null"),
            ("{\"a\" 1}", "no colon"),
            ("[1 2]", "no comma and no `]`"),
            ("{\"a\": 1 \"b\": 2}", "no comma and no `}`"),
            ("{a: 1}", "the name of a member has no double quotes"),
            ("{\"a\": \"\\x\"}", "escape after a backslash"),
            ("{\"a\": \"\\ud800\"}", "escape after a backslash"),
            ("{\"a\": \"\\ud800x\"}", "escape after a backslash"),
            ("{\"a\": \"\\udc00\"}", "escape after a backslash"),
            ("{\"a\": 01}", "a number is not written as in JSON"),
            ("{\"a\": 1e999}", "a number is too large"),
            ("{\"a\": \"\u{1}\"}", "control character inside a text"),
            ("[1,]", "a comma before the end"),
            ("{} x", "more text follows"),
            ("{\"a\": \"", "the value was cut"),
            ("[", "the value was cut"),
        ] {
            let reason = reason_of(text);
            assert!(reason.starts_with("not JSON: ") && reason.contains(words), "{text}: {reason}");
        }
        assert_eq!(reason_of(&"[".repeat(200)), "nested deeper than 128 levels");
    }

    #[test]
    fn no_value_of_the_input_is_repeated() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        enum Known {
            One {},
        }

        let error = serde_json::from_str::<Vec<u8>>("\"a secret\"").unwrap_err();
        assert!(error.to_string().contains("a secret"), "{error}");
        assert_eq!(fault(&error, "a list"), "not a list: a member has a value of another type");
        for (text, expected) in [
            ("\"secret\"", "not a plan: a member has an unknown value"),
            ("{\"One\": {\"secret\": 1}}", "not a plan: a member has an unknown name"),
        ] {
            let error = serde_json::from_str::<Known>(text).unwrap_err();
            assert!(error.to_string().contains("secret"), "{error}");
            assert_eq!(fault(&error, "a plan"), expected);
        }
    }
}
