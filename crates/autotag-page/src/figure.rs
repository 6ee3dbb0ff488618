//! Key figures at the top of a page.

use crate::PageError;
use askama::Template;

/// A key figure of a report.
#[derive(Debug)]
pub struct Figure {
    /// The counted thing.
    pub title: &'static str,
    /// The number, as it is shown.
    pub number: String,
    /// One line about it.
    pub note: String,
    /// The section with the details.
    pub section: &'static str,
    /// The filter of the table for what is counted; see [`crate::facet::filter`].
    pub filter: Option<String>,
    /// True if it needs attention.
    pub alarm: bool,
}

#[derive(Template)]
#[template(path = "figures.html")]
struct Figures<'a> {
    figures: &'a [Figure],
}

impl Figure {
    /// A figure that needs no attention.
    pub fn new(title: &'static str, section: &'static str, number: impl Into<String>, note: String) -> Self {
        Self { title, number: number.into(), note, section, filter: None, alarm: false }
    }

    /// The same figure, which needs attention or not.
    #[must_use]
    pub fn alarming(self, alarm: bool) -> Self {
        Self { alarm, ..self }
    }

    /// The same figure, which leads to the rows of this filter.
    #[must_use]
    pub fn filtered(self, filter: String) -> Self {
        Self { filter: Some(filter), ..self }
    }
}

/// The list of figures, as HTML.
///
/// # Errors
/// The template cannot be rendered.
pub fn figures(figures: &[Figure]) -> Result<String, PageError> {
    Ok(Figures { figures }.render()?)
}
