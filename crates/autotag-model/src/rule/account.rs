//! Finds the account in which a call creates its resource.

use super::catalog_id::account_and_catalog;
use super::{Rule, Scope};
use crate::arn::AccountId;
use crate::json::{elements, member_text};
use crate::record::ParsedRecord;

impl Rule {
    /// The account of the rule's resources: the one that the call names, otherwise the one that the record lists for
    /// resources of this type, otherwise that of the record. Beside it, the catalog below the account's own that the call
    /// names, if any.
    ///
    /// # Errors
    /// The text that the call has in the place of an account, if it is not one.
    pub(super) fn account_of(
        &self,
        parsed: &ParsedRecord,
        scope: &Scope,
    ) -> Result<(Option<AccountId>, Option<String>), String> {
        let mut texts = self.account.iter().flat_map(|path| path.texts(&self.event, parsed));
        let Some(text) = texts.next() else {
            return Ok((self.listed_account(parsed, scope).or_else(|| scope.account.clone()), None));
        };
        if let Some(account) = AccountId::new(&text) {
            return Ok((Some(account), None));
        }
        match account_and_catalog(&text) {
            Some((account, catalog)) if self.has_catalogs() => Ok((Some(account), Some(catalog))),
            _ => Err(text),
        }
    }

    /// True if resources of this type have the catalog in their ARN.
    fn has_catalogs(&self) -> bool {
        matches!(self.resource_type.as_str(), "AWS::Glue::Database" | "AWS::Glue::Table")
    }

    /// The account of another owner, if `resources` lists resources of this type and all of them are of others. A call
    /// may also read a resource of its type that somebody else owns; then its own is listed beside it.
    fn listed_account(&self, parsed: &ParsedRecord, scope: &Scope) -> Option<AccountId> {
        let ours = scope.account.as_ref()?;
        let listed = elements(&parsed.resources).into_iter().filter(|resource| {
            member_text(*resource, "type").is_some_and(|kind| kind.eq_ignore_ascii_case(&self.resource_type))
        });
        let accounts: Vec<AccountId> =
            listed.filter_map(|resource| AccountId::new(&member_text(resource, "accountId")?)).collect();
        if accounts.contains(ours) { None } else { accounts.into_iter().next() }
    }
}
