//! Catalogs of AWS Glue inside the catalog of an account, and the ARNs of their contents.

use crate::arn::AccountId;

/// The parts of `111122223333:s3tablescatalog/bucket`, the id of a catalog below an account's own.
pub(super) fn account_and_catalog(text: &str) -> Option<(AccountId, String)> {
    let (account, catalog) = text.split_once([':', '/'])?;
    let names_one = !catalog.is_empty() && catalog.split('/').all(|part| !part.is_empty());
    Some((AccountId::new(account)?, catalog.to_owned())).filter(|_| names_one)
}

/// The ARN of a resource in a catalog below the account's own: `database/s3tablescatalog/bucket/sales`, as in
/// [AWS's list of ARNs][arns]. It is another resource than the one of that name in the account's own catalog.
///
/// [arns]: https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
pub(super) fn in_catalog(arn: String, catalog: Option<&str>) -> String {
    match (catalog, arn.split_once('/')) {
        (Some(catalog), Some((kind, name))) => format!("{kind}/{catalog}/{name}"),
        _ => arn,
    }
}
