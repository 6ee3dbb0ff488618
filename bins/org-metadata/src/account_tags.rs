//! The tags of an organization's accounts.
//!
//! The Resource Groups Tagging API lists the tags of 100 accounts with a call. It leaves out accounts without tags, and
//! lists nothing if it is called without permission. `ListTagsForResource` tells the tags of one account with a call, ten
//! accounts a second. So the list is read first, and only the accounts that are not in it are asked about one by one.

use crate::aws::{Aws, Failure, LazyAccountSession};
use crate::resume_cache::ResumeCache;
use autotag_aws::paginate::{Paginator, paginate};
use autotag_model::arn::{AccountId, Arn};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokio::sync::OnceCell;

/// The type that `GetResources` has for accounts.
const ACCOUNTS: &str = "organizations:account";

/// Tags by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// Reads the tags of the accounts of one organization.
#[derive(Debug)]
pub(crate) struct AccountTags<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) cache: &'a ResumeCache,
    /// A session in the management account.
    pub(crate) session: &'a LazyAccountSession<'a>,
    pub(crate) management: &'a AccountId,
    /// `o-...`
    pub(crate) organization: &'a str,
    /// The keys to report.
    pub(crate) keys: &'a BTreeSet<String>,
    pub(crate) listed: OnceCell<HashMap<AccountId, Tags>>,
}

impl AccountTags<'_> {
    /// The accounts that the Tagging API lists. The first caller reads the list; the others wait for it.
    ///
    /// A failure ends the list early and is not reported: accounts that are not in it are asked about one by one.
    pub(crate) async fn listed(&self) -> &HashMap<AccountId, Tags> {
        self.listed.get_or_init(|| self.read_list()).await
    }

    /// The tags of an account.
    pub(crate) async fn of(&self, account: &AccountId) -> Result<Tags, Failure> {
        if let Some(tags) = self.listed().await.get(account) {
            return Ok(tags.clone());
        }
        self.cache.get_or_fetch(&format!("tags {account}"), self.of_one(account)).await
    }

    async fn read_list(&self) -> HashMap<AccountId, Tags> {
        let question = format!("account tags {}", self.management);
        if let Some(listed) = self.cache.get(&question) {
            return listed;
        }
        let mut listed = HashMap::new();
        if self.read_pages(&mut listed).await.is_ok() {
            self.cache.insert(&question, &listed);
        }
        listed
    }

    async fn read_pages(&self, listed: &mut HashMap<AccountId, Tags>) -> Result<(), Failure> {
        const OPERATION: &str = "GetResources";
        let (session, region) = (self.session.get().await?, self.aws.organizations_region());
        let client = aws_sdk_resourcegroupstagging::Client::new(&session.config_in(&region));
        let mut pages = Paginator::new(OPERATION);
        while pages.has_next() {
            let send = async || {
                let call = client.get_resources().resource_type_filters(ACCOUNTS).resources_per_page(100);
                call.set_pagination_token(pages.token()).send().await
            };
            let page = self.aws.call(session, OPERATION, &region, send).await?;
            for resource in page.resource_tag_mapping_list.unwrap_or_default() {
                let account = resource.resource_arn().and_then(|arn| account_of(arn, self.organization));
                let tags = resource.tags.unwrap_or_default();
                // Without tags it was tagged once, or its tags are not known here.
                if let (Some(account), false) = (account, tags.is_empty()) {
                    let tags = tags.into_iter().map(|tag| (tag.key, tag.value));
                    listed.insert(account, self.wanted(tags));
                }
            }
            pages.advance(page.pagination_token)?;
        }
        Ok(())
    }

    async fn of_one(&self, account: &AccountId) -> Result<Tags, Failure> {
        const OPERATION: &str = "ListTagsForResource";
        let session = self.session.get().await?;
        let (client, region) = (session.organizations(), self.aws.organizations_region());
        let tags = paginate::<_, Failure>(OPERATION, async |token| {
            let send = async || {
                let call = client.list_tags_for_resource().resource_id(account.as_str());
                call.set_next_token(token.clone()).send().await
            };
            let page = self.aws.call(session, OPERATION, &region, send).await?;
            Ok((page.tags.unwrap_or_default(), page.next_token))
        });
        Ok(self.wanted(tags.await?.into_iter().map(|tag| (tag.key, tag.value))))
    }

    fn wanted(&self, tags: impl Iterator<Item = (String, String)>) -> Tags {
        tags.filter(|(key, _)| self.keys.contains(key)).collect()
    }
}

/// The account of an ARN such as `arn:aws:organizations::111122223333:account/o-abcdefghij/444455556666`, if it belongs to
/// the organization.
fn account_of(arn: &str, organization: &str) -> Option<AccountId> {
    let arn: Arn = arn.parse().ok()?;
    let account = arn.resource().strip_prefix("account/")?.strip_prefix(organization)?.strip_prefix('/')?;
    AccountId::new(account).filter(|_| arn.service() == "organizations")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_is_the_last_part_of_an_arn_of_the_organization() {
        let account = |arn: &str| account_of(arn, "o-abcdefghij").map(|account| account.as_str().to_owned());
        let arn = "arn:aws:organizations::111122223333:account/o-abcdefghij/444455556666";
        assert_eq!(account(arn).as_deref(), Some("444455556666"));
        for other in [
            "arn:aws:organizations::111122223333:account/o-bbbbbbbbbb/444455556666",
            "arn:aws:organizations::111122223333:ou/o-abcdefghij/ou-ab12-11111111",
            "arn:aws:organizations::111122223333:account/o-abcdefghij/x",
            "arn:aws:iam::111122223333:account/o-abcdefghij/444455556666",
            "444455556666",
        ] {
            assert_eq!(account(other), None, "{other}");
        }
    }
}
