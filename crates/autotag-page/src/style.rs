//! The style sheet: light, dark, narrow, print.

/// The style sheet of a page with a table `#table`. `own` are rules for the columns of this page; they come before
/// those that make a filter, and those for paper.
pub fn style(own: &str) -> String {
    [include_str!("../templates/base.css"), own, include_str!("../templates/rest.css")].concat()
}
