//! The frame of a page: head, content security policy, title, sections.

use crate::PageError;
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// The parts of a page. Texts are escaped; what is named HTML is put in as it is.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The title of the window.
    pub title: &'a str,
    /// The heading of the page.
    pub heading: &'a str,
    /// HTML: a line about the run, below the heading.
    pub run: &'a str,
    /// The sections: id and title, in order.
    pub sections: &'a [(&'a str, &'a str)],
    /// The id of the section with the table, and what the link to it says.
    pub table: (&'a str, &'a str),
    /// The style sheet.
    pub style: &'a str,
    /// The script.
    pub script: &'a str,
    /// HTML: the sections.
    pub main: &'a str,
}

#[derive(Template)]
#[template(path = "frame.html")]
struct Page<'a> {
    policy: String,
    frame: Frame<'a>,
}

impl Frame<'_> {
    /// The whole page.
    ///
    /// # Errors
    /// The template cannot be rendered.
    pub fn page(self) -> Result<String, PageError> {
        Ok(Page { policy: policy(self.style, self.script), frame: self }.render()?)
    }
}

/// The content security policy of a page. It allows this style sheet, this script and embedded pictures, and nothing from elsewhere.
fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(style),
        hash(script),
    )
}
