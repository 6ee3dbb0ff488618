//! The answer to `--version`: the version, the commit and the size of the catalogue.

use autotag_handlers::catalog::{Catalog, CatalogError};
use autotag_model::VERSION;
use autotag_page::text::thousands;

/// The commit of which the program was made, if the build knew it.
const COMMIT: Option<&str> = option_env!("AUTOTAG_BUILD_COMMIT");

/// `autotag 0.1.0 (abc1234, catalogue 1,658 rules of 291 services)`.
///
/// # Errors
/// If a file of the catalogue cannot be used.
pub(crate) fn text() -> Result<String, CatalogError> {
    let services = Catalog::embedded().services()?;
    let rules: usize = services.iter().map(|service| service.rules.len()).sum();
    let services = services.iter().filter(|service| !service.rules.is_empty()).count();
    let commit = COMMIT.map(|commit| format!("{commit}, ")).unwrap_or_default();
    let [rules, services] = [rules, services].map(thousands);
    Ok(format!("autotag {VERSION} ({commit}catalogue {rules} rules of {services} services)"))
}
