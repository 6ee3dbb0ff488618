//! Finds words and properties in the text of a template.

/// Replaces a text where no word goes on before or after it.
pub(super) fn replaced(text: &str, from: &str, to: &str) -> String {
    let in_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    let mut pieces = text.split(from);
    let mut all = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let whole = !in_word(all.chars().next_back()) && !in_word(piece.chars().next());
        all.push_str(if whole { to } else { from });
        all.push_str(piece);
    }
    all
}

/// The first lines of a text, and the others.
pub(super) fn after_lines(text: &str, count: usize) -> (String, String) {
    let lines = || text.split_inclusive('\n');
    (lines().take(count).collect(), lines().skip(count).collect())
}

/// A property of an entry, with the lines that belong to it.
#[derive(Debug)]
pub(crate) struct Property {
    before: String,
    /// The lines.
    pub(crate) lines: String,
    after: String,
}

impl Property {
    /// The property of this indentation and name.
    pub(super) fn find(body: &str, indent: usize, key: &str) -> Option<Self> {
        let depth = |line: &str| line.len() - line.trim_start().len();
        let begins = |line: &str| {
            depth(line) == indent
                && line.trim_start().strip_prefix(key).is_some_and(|rest| rest.starts_with(':'))
        };
        let lines: Vec<&str> = body.split_inclusive('\n').collect();
        let start = lines.iter().position(|line| begins(line))?;
        let belongs = |line: &&&str| line.trim().is_empty() || depth(line) > indent;
        let more = lines.iter().skip(start + 1).take_while(belongs).count();
        let text = |from: usize, count: usize| lines.iter().skip(from).take(count).copied().collect();
        let end = start + 1 + more;
        Some(Self { before: text(0, start), lines: text(start, 1 + more), after: text(end, lines.len()) })
    }

    /// The body with other lines in place of the property.
    pub(crate) fn with(&self, lines: &str) -> String {
        format!("{}{lines}{}", self.before, self.after)
    }
}
