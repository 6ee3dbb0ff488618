//! Texts with `{placeholders}`, for the tag policy and the catalogue.

/// Braces of a template that do not match.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BraceError {
    /// A `}` without a `{` before it.
    #[error("`{text}` has a `}}` without its `{{`; write `}}}}` for the brace itself")]
    Unopened {
        /// The template.
        text: String,
    },
    /// A `{` without a `}` behind it.
    #[error("`{text}` has a `{{` without its `}}`; write `{{{{` for the brace itself")]
    Unclosed {
        /// The template.
        text: String,
    },
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part<P> {
    Literal(String),
    Placeholder(P),
}

/// Splits `text` at its placeholders, each parsed by `read`. `{{` and `}}` are the braces themselves.
pub(crate) fn parse<P, E: From<BraceError>>(
    text: &str,
    mut read: impl FnMut(&str) -> Result<P, E>,
) -> Result<Vec<Part<P>>, E> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '{' | '}' if rest.peek() == Some(&c) => {
                literal.push(c);
                rest.next();
            }
            '}' => return Err(BraceError::Unopened { text: text.to_owned() }.into()),
            '{' => {
                let mut name = String::new();
                loop {
                    match rest.next() {
                        Some('}') => break,
                        Some(c) => name.push(c),
                        None => return Err(BraceError::Unclosed { text: text.to_owned() }.into()),
                    }
                }
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Placeholder(read(name.trim())?));
            }
            c => literal.push(c),
        }
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(parts)
}

/// Fills the template in one pass, so that a placeholder in a value is not filled again. `None` if a placeholder has no
/// value.
pub(crate) fn fill<P>(parts: &[Part<P>], mut value_of: impl FnMut(&P) -> Option<String>) -> Option<String> {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Literal(literal) => text.push_str(literal),
            Part::Placeholder(placeholder) => text.push_str(&value_of(placeholder)?),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_names(text: &str) -> Result<Vec<Part<String>>, BraceError> {
        parse(text, |name| Ok(name.to_owned()))
    }

    #[test]
    fn placeholders_and_braces() {
        let parts = parse_names("a{x}{{b}}{ y }").unwrap();
        assert_eq!(fill(&parts, |name| Some(format!("<{name}>"))).unwrap(), "a<x>{b}<y>");
        assert_eq!(fill(&parts, |name| (name == "x").then(String::new)), None);
        for wrong in ["{", "a}b", "{x"] {
            assert!(parse_names(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_filled_in_is_not_read_again() {
        let parts = parse_names("{x}").unwrap();
        assert_eq!(fill(&parts, |_| Some("{x}{account}".to_owned())).unwrap(), "{x}{account}");
    }
}
