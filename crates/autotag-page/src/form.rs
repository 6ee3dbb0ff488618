//! The form that searches and filters the table.

use crate::PageError;
use crate::facet::Facet;
use crate::text;
use askama::Template;

/// The texts of a form.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    /// The name of the form for those who do not see it.
    pub form: &'a str,
    /// An example of what can be searched.
    pub search: &'a str,
}

#[derive(Template)]
#[template(path = "form.html")]
struct Form<'a> {
    labels: Labels<'a>,
    facets: &'a [&'a Facet],
}

/// The form, as HTML. It is hidden until the script has made it work.
///
/// # Errors
/// The template cannot be rendered.
pub fn form(labels: Labels<'_>, facets: &[&Facet]) -> Result<String, PageError> {
    Ok(Form { labels, facets }.render()?)
}
