//! The dead-letter queues that the arguments name.

use crate::cli::RedriveArgs;
use anyhow::{Context as _, Result};
use autotag_aws::query::AwsQuery;
use autotag_aws::{AccountScope, Accounts, organizations};
use autotag_model::arn::{AccountId, Partition, Region};
use std::collections::BTreeSet;

/// The URLs of the queues, each once, in the order in which they are read.
pub(super) async fn sources(args: &RedriveArgs, environment: &Accounts) -> Result<Vec<String>> {
    let places = if let Some(name) = &args.stack_set {
        of_stack_set(args, environment, name).await?
    } else if args.regions.is_empty() {
        let mut seen = BTreeSet::new();
        return Ok(args.queues.iter().filter(|url| seen.insert(url.as_str())).cloned().collect());
    } else {
        let accounts = accounts(args.accounts.as_ref(), environment).await?;
        let in_regions = |account: AccountId| {
            args.regions.iter().map(move |region| (account.clone(), region.clone())).collect::<Vec<_>>()
        };
        accounts.into_iter().flat_map(in_regions).collect()
    };
    Ok(places.iter().map(|(account, region)| url(account, region, &args.queue_name)).collect())
}

type Places = BTreeSet<(AccountId, Region)>;

async fn of_stack_set(args: &RedriveArgs, environment: &Accounts, name: &str) -> Result<Places> {
    let home = args.stack_set_region.clone().or_else(|| environment.home_region());
    let home = home.context("no region is known: set AWS_REGION, or --stack-set-region")?;
    let query = AwsQuery::new(environment.ambient().clone());
    let instances = query.stack_instances(&home, name, args.delegated_admin).await;
    let instances = instances.with_context(|| format!("--stack-set {name}"))?;
    let wanted = |region: &Region| args.regions.is_empty() || args.regions.contains(region);
    let places = instances.into_iter().map(|instance| (instance.account, instance.region));
    Ok(places.filter(|(_, region)| wanted(region)).collect())
}

async fn accounts(scope: Option<&AccountScope>, environment: &Accounts) -> Result<BTreeSet<AccountId>> {
    Ok(match scope {
        Some(AccountScope::Listed(accounts)) => accounts.clone(),
        Some(AccountScope::Organization) => {
            let client = organizations::client(environment.ambient());
            let all = organizations::list_accounts(&client).await.context("--accounts organization")?;
            all.into_iter()
                .filter(autotag_aws::organizations::OrganizationAccount::is_active)
                .map(|account| account.id)
                .collect()
        }
        _ => BTreeSet::from([environment.own().await?.clone()]),
    })
}

fn url(account: &AccountId, region: &Region, name: &str) -> String {
    let partition = Partition::of_region(region).unwrap_or_default();
    let suffix = partition.info().map_or("amazonaws.com", |info| info.dns_suffix);
    format!("https://sqs.{region}.{suffix}/{account}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_queue_has_the_suffix_of_its_partition() {
        let account = AccountId::new("111122223333").unwrap();
        let of = |region: &str| url(&account, &Region::new(region).unwrap(), "dead");
        assert_eq!(of("eu-west-1"), "https://sqs.eu-west-1.amazonaws.com/111122223333/dead");
        assert_eq!(of("cn-north-1"), "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/dead");
    }
}
