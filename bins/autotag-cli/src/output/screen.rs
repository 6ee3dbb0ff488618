//! Texts for people, in lines that fit into their terminal.

use super::terminal::{Stream, columns, screen_width};
use super::text::styled;
use anstyle::Style;
use std::io::{self, Write};

/// A stream for people. On a terminal, texts are broken at blanks. Names are never broken, so that they can be copied.
#[derive(Debug)]
pub(crate) struct Screen<W> {
    out: W,
    /// The columns of the terminal; `None` if lines have any length.
    width: Option<usize>,
}

impl<W: Write> Screen<W> {
    /// Lines for the standard output, which `out` writes to.
    pub(crate) fn stdout(out: W) -> Self {
        Self { out, width: screen_width(Stream::Out) }
    }

    /// Lines for the standard error, which `out` writes to.
    pub(crate) fn stderr(out: W) -> Self {
        Self { out, width: screen_width(Stream::Err) }
    }

    /// Lines of any length.
    #[cfg(test)]
    pub(crate) fn endless(out: W) -> Self {
        Self { out, width: None }
    }

    /// Lines of so many columns.
    #[cfg(test)]
    pub(crate) fn of_width(width: usize, out: W) -> Self {
        Self { out, width: Some(width) }
    }

    /// The stream itself.
    pub(crate) fn into_inner(self) -> W {
        self.out
    }

    /// True if a line of so many columns fits.
    pub(crate) fn fits(&self, count: usize) -> bool {
        self.width.is_none_or(|width| count <= width)
    }

    /// Writes `head`, which can have styles, and `text` behind it. The further lines of the text begin below its first one.
    ///
    /// # Errors
    /// If the stream cannot be written.
    pub(crate) fn line(&mut self, head: &str, style: Style, text: &str) -> io::Result<()> {
        let start = columns(&anstream::adapter::strip_str(head).to_string());
        let Some(width) = self.width else {
            return writeln!(self.out, "{head}{}", styled::text(style, text));
        };
        for (number, (indent, line)) in folded(text, start, width).into_iter().enumerate() {
            let (blanks, line) = (" ".repeat(indent), styled::text(style, &line));
            let before = if number == 0 { head } else { &blanks };
            // A name that is too long for the line of its head leaves this line empty.
            let before = if line.is_empty() { before.trim_end() } else { before };
            writeln!(self.out, "{before}{line}")?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Screen<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Blanks before a name that does not fit below the start of its text.
const OUTDENT: usize = 4;

/// The lines of `text`, of which the first begins at the column `start`, each with the number of blanks before it. A word that does
/// not fit below the start begins near the edge, and one that is longer than the terminal has a line of its own.
fn folded(text: &str, start: usize, width: usize) -> Vec<(usize, String)> {
    let blanks = text.chars().take_while(|c| *c == ' ').count();
    let hang = start + blanks;
    let mut lines = Vec::new();
    let (mut indent, mut line, mut end) = (start, String::new(), start);
    for (number, word) in text.split(' ').enumerate() {
        let wanted = columns(word);
        // Blanks before the first word belong to it.
        let is_first = number <= blanks;
        if end + usize::from(number > 0) + wanted <= width || (is_first && wanted == 0) {
            if number > 0 {
                line.push(' ');
                end += 1;
            }
            line.push_str(word);
            end += wanted;
            continue;
        }
        let before = std::mem::replace(&mut line, word.to_owned());
        lines.push((indent, before.trim_end().to_owned()));
        indent = [hang, OUTDENT].into_iter().find(|indent| indent + wanted <= width).unwrap_or(0);
        end = indent + wanted;
    }
    lines.push((indent, line));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(width: usize, head: &str, text: &str) -> String {
        let mut screen = Screen::of_width(width, Vec::new());
        screen.line(head, Style::new(), text).unwrap();
        String::from_utf8(screen.into_inner()).unwrap()
    }

    #[test]
    fn a_text_is_broken_at_blanks_and_continues_below_its_start() {
        let text = "22 sessions + 131 creations + 3 failed";
        assert_eq!(shown(60, "  records ", text), format!("  records {text}\n"));
        assert_eq!(
            shown(30, "  records ", text),
            "  records 22 sessions + 131\n          creations + 3 failed\n"
        );
        assert_eq!(shown(20, "", "       by anna at noon"), "       by anna at\n       noon\n");
    }

    #[test]
    fn a_name_is_never_broken() {
        let arn = "arn:aws:sns:eu-west-1:111122223333:orders";
        assert_eq!(shown(60, "  locate  ", arn), format!("  locate  {arn}\n"));
        assert_eq!(shown(50, "  locate    ", arn), format!("  locate\n    {arn}\n"));
        assert_eq!(
            shown(20, "  locate    ", &format!("{arn} of anna")),
            format!("  locate\n{arn}\n            of anna\n")
        );
    }

    #[test]
    fn styles_take_no_columns() {
        let head = styled::text(styled::HEAD, "records");
        let text = shown(16, &format!("{head} "), "131 of 131");
        assert_eq!(anstream::adapter::strip_str(&text).to_string(), "records 131 of\n        131\n");
    }

    proptest! {
        /// Nothing is lost, and only one word alone is longer than the terminal.
        #[test]
        fn lines_fit_and_have_all_words(text in "( {0,3}[a-z日é:]{0,30}){0,12}", start in 0_usize..20, width in 20_usize..90) {
            let lines = folded(&text, start, width);
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let all: Vec<String> = lines.iter().flat_map(|(_, line)| words(line)).collect();
            prop_assert_eq!(all, words(&text));
            for (indent, line) in &lines {
                let is_alone = words(line).len() <= 1;
                prop_assert!(indent + columns(line.trim_end()) <= width || (is_alone && *indent == 0), "{:?}", lines);
            }
        }
    }
}
