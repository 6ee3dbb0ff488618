//! Texts with `{placeholders}`, as the tag policy and the catalogue both use them.

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part<P> {
    Literal(String),
    Placeholder(P),
}

/// Splits `text` at its placeholders, each read by `read`. `{{` and `}}` stand for the braces themselves.
pub(crate) fn parse<P>(
    text: &str,
    mut read: impl FnMut(&str) -> Result<P, String>,
) -> Result<Vec<Part<P>>, String> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '{' | '}' if rest.peek() == Some(&c) => {
                literal.push(c);
                rest.next();
            }
            '}' => {
                return Err(format!(
                    "`{text}` has a `}}` without its `{{`; write `}}}}` for the brace itself"
                ));
            }
            '{' => {
                let mut name = String::new();
                loop {
                    match rest.next() {
                        Some('}') => break,
                        Some(c) => name.push(c),
                        None => return Err(format!("`{text}` has a `{{` without its `}}`")),
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

/// Fills the template in one pass, so that what is filled in is never read as a placeholder again; `None` when a
/// placeholder has no value.
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

    #[test]
    fn placeholders_and_braces() {
        let parts = parse("a{x}{{b}}{ y }", |name| Ok(name.to_owned())).unwrap();
        assert_eq!(fill(&parts, |name| Some(format!("<{name}>"))).unwrap(), "a<x>{b}<y>");
        assert_eq!(fill(&parts, |name| (name == "x").then(String::new)), None);
        for wrong in ["{", "a}b", "{x"] {
            assert!(parse(wrong, |_| Ok(())).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_filled_in_is_not_read_again() {
        let parts = parse("{x}", |name| Ok(name.to_owned())).unwrap();
        assert_eq!(fill(&parts, |_| Some("{x}{account}".to_owned())).unwrap(), "{x}{account}");
    }
}
