//! Pages of `docs/` that print what the code holds.

use autotag::model::failure::{CodePattern, TABLE};

/// An operator looks an error code up on this page.
#[test]
fn operations_page_lists_every_error_code() {
    let page = include_str!("../../../docs/operations.md");
    for (class, codes) in TABLE {
        for code in *codes {
            let written = match code {
                CodePattern::Exact(text) => format!("`{text}`"),
                CodePattern::Prefix(text) => format!("`{text}*`"),
                CodePattern::Contains(text) => format!("`*{text}*`"),
                _ => continue,
            };
            let of_class = format!("| {class:?} |");
            let row = page.lines().find(|line| line.contains(&written) && line.contains(&of_class));
            assert!(row.is_some(), "docs/operations.md has no {written} in a row of {class:?}");
        }
    }
}
