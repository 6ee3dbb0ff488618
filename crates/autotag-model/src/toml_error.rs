//! Faults in TOML files, with their position.

use std::ops::Range;

/// A fault in a TOML file. Its `Display` shows the line, points at the column and says what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{shown}")]
#[non_exhaustive]
pub struct TomlError {
    /// The line, from 1; `None` if the fault concerns the whole file.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// The expected value, or the fault.
    pub message: String,
    shown: String,
}

impl TomlError {
    /// An error of the TOML parser about `text`.
    pub(crate) fn of_parser(text: &str, error: &toml::de::Error) -> Self {
        let position = error.span().map(|span| position(text, &span));
        Self {
            line: position.map(|(line, _)| line),
            column: position.map(|(_, column)| column),
            message: error.message().to_owned(),
            shown: error.to_string(),
        }
    }

    /// A fault that a later check finds at `span` of `text`, in the form that the TOML parser prints.
    pub(crate) fn at(text: &str, span: &Range<usize>, expected: &str) -> Self {
        let (line, column) = position(text, span);
        let source = text.lines().nth(line - 1).unwrap_or_default();
        let shown = format!(
            "TOML parse error at line {line}, column {column}\n  |\n{line} | {source}\n  |\n{expected}\n"
        );
        Self { line: Some(line), column: Some(column), message: expected.to_owned(), shown }
    }
}

fn position(text: &str, span: &Range<usize>) -> (usize, usize) {
    let before = text.get(..span.start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    (line, column)
}
