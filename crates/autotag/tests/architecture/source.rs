//! Production Rust source as text and as tokens: what the other checks read instead of a full parser.
//!
//! A blanked text has as many lines as the file. Comments, the contents of texts and characters, and everything under
//! `#[cfg(test)]` are spaces in it, so that braces can be counted and names can be found.

/// The text with comments, contents of literals and `#[cfg(test)]` items blanked.
pub(crate) fn production_code(text: &str) -> String {
    without_test_items(&without_literals_and_comments(text))
}

/// How many lines a file has, those of `#[cfg(test)]` items not counted.
pub(crate) fn production_lines(text: &str) -> usize {
    let code = without_literals_and_comments(text);
    let in_tests: usize = test_items(&code).iter().map(|(from, to)| lines_between(&code, *from, *to)).sum();
    text.lines().count() - in_tests
}

/// The lines that an item occupies, the first and the last included.
pub(crate) fn lines_between(code: &str, from: usize, to: usize) -> usize {
    code[from..to].matches('\n').count() + 1
}

/// The kind of a piece of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Comment,
    /// A text or a character.
    Text,
    Code,
}

/// A comment, a literal or one character of code.
#[derive(Debug)]
pub(crate) struct Piece<'t> {
    pub(crate) kind: Kind,
    pub(crate) at: usize,
    pub(crate) text: &'t str,
}

/// The pieces of a source: all of it, in order.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut at, mut after_word) = (Vec::new(), 0, false);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, length) = match first {
            '/' if rest.starts_with("//") => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => (Kind::Comment, end_of_block_comment(rest)),
            '"' => (Kind::Text, end_of_text(rest)),
            'r' | 'b' if !after_word && raw_text(rest).is_some() => (Kind::Text, raw_text(rest).unwrap_or(1)),
            '\'' => end_of_character(rest).map_or((Kind::Code, 1), |end| (Kind::Text, end)),
            other => (Kind::Code, other.len_utf8()),
        };
        pieces.push(Piece { kind, at, text: &rest[..length] });
        after_word = kind == Kind::Code && is_word(first);
        at += length;
    }
    pieces
}

/// The lines of the items under `#[cfg(test)]`: the first and the last of each.
pub(crate) fn test_lines(text: &str) -> Vec<(usize, usize)> {
    let code = without_literals_and_comments(text);
    test_items(&code).into_iter().map(|(from, to)| (line(&code, from), line(&code, to))).collect()
}

fn blank(out: &mut String, skipped: &str) {
    out.extend(skipped.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
}

fn without_literals_and_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    for piece in pieces(text) {
        if piece.kind == Kind::Code {
            code.push_str(piece.text);
        } else {
            blank(&mut code, piece.text);
        }
    }
    code
}

fn end_of_block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        let here = &rest[at..];
        let Some(next) = here.find(['/', '*']) else { return rest.len() };
        let here = &here[next..];
        at += next + if here.starts_with("/*") || here.starts_with("*/") { 2 } else { 1 };
        if here.starts_with("/*") {
            depth += 1;
        } else if here.starts_with("*/") {
            depth -= 1;
            if depth == 0 {
                return at;
            }
        }
    }
}

fn end_of_text(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The end of a raw text (`r"..."`, `r#"..."#`, `br"..."`), if one begins here.
fn raw_text(rest: &str) -> Option<usize> {
    let behind = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    let start = rest.len() - behind.len() + hashes;
    if !rest[start..].starts_with('"') {
        return None;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let end = rest[start + 1..].find(&close)?;
    Some(start + 1 + end + close.len())
}

/// The end of a character literal; `None` if the quote begins a lifetime.
fn end_of_character(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    match chars.next()? {
        (_, '\\') => {
            chars.next()?;
            chars.find(|(_, c)| *c == '\'').map(|(at, _)| at + 1)
        }
        _ => chars.next().filter(|(_, c)| *c == '\'').map(|(at, _)| at + 1),
    }
}

fn without_test_items(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut at = 0;
    for (from, to) in test_items(code) {
        kept.push_str(&code[at..from]);
        blank(&mut kept, &code[from..to]);
        at = to;
    }
    kept.push_str(&code[at..]);
    kept
}

/// From where to where the items under `#[cfg(test)]` are, their attributes included.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    const ATTRIBUTE: &str = "#[cfg(test)]";
    let (mut items, mut at) = (Vec::new(), 0);
    while let Some(found) = code[at..].find(ATTRIBUTE) {
        let from = at + found;
        let to = end_of_item(code, from + ATTRIBUTE.len());
        items.push((from, to));
        at = to;
    }
    items
}

/// The end of the item that begins at `from`, perhaps with further attributes: after its `;` or its block.
pub(crate) fn end_of_item(code: &str, from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code[from..].char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && c == '}' {
                    return from + at + 1;
                }
            }
            ';' if depth == 0 => return from + at + 1,
            _ => {}
        }
    }
    code.len()
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A word, `::`, or one other character that is not a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'c> {
    pub(crate) text: &'c str,
    pub(crate) at: usize,
}

impl Token<'_> {
    pub(crate) fn is_name(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// The tokens of a blanked text.
pub(crate) fn tokens(code: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(first) = code[at..].chars().next() {
        let length = if is_word(first) {
            code[at..].find(|c| !is_word(c)).unwrap_or(code.len() - at)
        } else if code[at..].starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            tokens.push(Token { text: &code[at..at + length], at });
        }
        at += length;
    }
    tokens
}

/// The line of a place in a text, from 1.
pub(crate) fn line(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

mod can_fail {
    use super::*;

    #[test]
    fn literals_comments_and_tests_are_blanked_and_lines_stay() {
        let text = "let a = \"crate::x {\"; // crate::y\nlet b = '{'; let c: &'static str = r#\"\"{\"#;\n/* { /* */ } */\n\
                    #[cfg(test)]\n#[expect(dead_code)]\nmod tests {\n    use crate::z;\n}\nfn f() {}\n";
        let code = production_code(text);
        assert_eq!(code.lines().count(), text.lines().count());
        for gone in ["crate", "{ /", "mod"] {
            assert!(!code.contains(gone), "{gone}: {code}");
        }
        for kept in ["let a", "'static str", "fn f() {}"] {
            assert!(code.contains(kept), "{kept}: {code}");
        }
        assert_eq!(code.matches('{').count(), 1);
        assert_eq!(production_lines(text), 4);
    }

    #[test]
    fn test_items_end_where_they_end() {
        assert_eq!(production_code("#[cfg(test)]\nmod tests;\nuse a;").trim(), "use a;");
        assert_eq!(production_code("#[cfg(test)]\nfn f(a: [u8; 2]) { g(); }\nuse a;").trim(), "use a;");
    }
}
