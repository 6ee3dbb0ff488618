//! The pages of the reference that are written by the program: `docs/cli.md` from the command line, `docs/output.md` from the schemas.

mod cli_page;
mod output_page;

/// The pages, by their names in the folder of the documentation.
pub(crate) fn files() -> [(&'static str, String); 2] {
    [("cli.md", cli_page::page()), ("output.md", output_page::page())]
}
