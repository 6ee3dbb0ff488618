#![doc = include_str!("../README.md")]

pub mod chart;
pub mod facet;
pub mod figure;
pub mod form;
pub mod frame;
pub mod script;
pub mod style;
pub mod text;

/// Why a page cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// A chart cannot be drawn.
    #[error("cannot draw: {title}: {why}")]
    Chart {
        /// The title of the chart.
        title: String,
        /// The message of the library that draws.
        why: String,
    },
    /// A template cannot be rendered.
    #[error("cannot render a template")]
    Template(#[from] askama::Error),
}
