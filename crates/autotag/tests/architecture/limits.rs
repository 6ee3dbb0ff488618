//! Production functions and files stay short enough to be read at once.

use crate::source::{self, Token};

/// The longest production function, from its `fn` to its last brace.
pub(crate) const FUNCTION_LINES: usize = 60;

/// The longest production file, `#[cfg(test)]` items not counted.
pub(crate) const FILE_LINES: usize = 400;

/// Known longer items: a file, or a function as `file: name`. Only ever remove from it: an entry that is not longer
/// any more fails the test.
pub(crate) const KNOWN: &[&str] = &[];

/// Items of a file that are too long: its path, or `path: function`, with the number of lines.
pub(crate) fn too_long(file: &str, text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let lines = source::production_lines(text);
    if lines > FILE_LINES {
        found.push((file.to_owned(), lines));
    }
    for (name, lines) in functions(text) {
        if lines > FUNCTION_LINES {
            found.push((format!("{file}: {name}"), lines));
        }
    }
    found
}

fn functions(text: &str) -> Vec<(String, usize)> {
    let code = source::production_code(text);
    let tokens = source::tokens(&code);
    // `fn(u8) -> u8` is a type.
    let begin = |pair: &&[Token<'_>]| pair[0].text == "fn" && pair[1].is_name();
    let whole = |pair: &[Token<'_>]| {
        let end = source::end_of_item(&code, pair[0].at);
        (pair[1].text.to_owned(), source::lines_between(&code, pair[0].at, end))
    };
    tokens.windows(2).filter(begin).map(whole).collect()
}

/// The differences between the items that are too long and the known ones.
pub(crate) fn compare(found: &[(String, usize)], known: &[&str]) -> Vec<String> {
    let new = found.iter().filter(|(place, _)| !known.contains(&place.as_str())).map(|(place, lines)| {
        let (what, most) =
            if place.contains(": ") { ("function", FUNCTION_LINES) } else { ("file", FILE_LINES) };
        format!("length: `{place}` has {lines} lines, a {what} may have {most}; split it")
    });
    let gone = known.iter().filter(|known| !found.iter().any(|(place, _)| place == *known)).map(|place| {
        format!("length: `{place}` is not too long any more; remove it from KNOWN in crates/autotag/tests/architecture/limits.rs")
    });
    new.chain(gone).collect()
}

mod can_fail {
    use super::*;

    #[test]
    fn a_long_function_and_a_long_file_are_found() {
        let function = |lines: usize| format!("pub fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2));
        assert_eq!(too_long("a.rs", &function(FUNCTION_LINES)), []);
        assert_eq!(
            too_long("a.rs", &function(FUNCTION_LINES + 1)),
            [("a.rs: f".to_owned(), FUNCTION_LINES + 1)]
        );
        let file = |lines: usize| "use a;\n".repeat(lines);
        assert_eq!(too_long("a.rs", &file(FILE_LINES)), []);
        assert_eq!(too_long("a.rs", &file(FILE_LINES + 1)), [("a.rs".to_owned(), FILE_LINES + 1)]);
    }

    #[test]
    fn tests_may_be_long() {
        let text = format!(
            "use a;\n#[cfg(test)]\nmod tests {{\n    fn f() {{\n{}    }}\n}}\n",
            "        g();\n".repeat(500)
        );
        assert_eq!(too_long("a.rs", &text), []);
    }

    #[test]
    fn the_list_of_known_lengths_has_to_be_exact() {
        let found = [("a.rs".to_owned(), 401)];
        assert_eq!(compare(&found, &["a.rs"]), [""; 0]);
        assert_eq!(compare(&found, &[]).len(), 1);
        assert_eq!(compare(&found, &["a.rs", "b.rs: f"]).len(), 1);
    }
}
