//! `--dry-run`: the accounts that a run would report, the number of its calls, and its shortest duration.

use crate::aws::{AccountSession, Aws, Failure, LazyAccountSession};
use crate::completion::Completion;
use crate::config::Config;
use crate::console::{printable, say};
use crate::organization;
use crate::report::ListedAccount;
use anyhow::Result;
use autotag_aws::paginate::Paginator;
use autotag_model::arn::AccountId;
use std::collections::BTreeSet;

/// The usual number of regions that an account has enabled. Each takes a call.
const REGIONS: usize = 17;

/// Lists the organizations and their accounts, and prints what a run would do with them.
pub(crate) async fn run(
    config: &Config,
    aws: &Aws,
    caller: AccountSession,
    tenants: &[AccountId],
    unusable: &BTreeSet<String>,
) -> Result<Completion> {
    let caller = LazyAccountSession::open(caller);
    let mut completion = Completion::Complete;
    let (mut accounts, mut entered, mut largest) = (0, 0, 0);
    for id in unusable {
        completion = Completion::Partial;
        say(&printable(&format!("tenant `{id}` is not an account id")));
    }
    for id in tenants {
        let session = LazyAccountSession::by_role(aws, &caller, id, &config.role);
        match list(aws, &session, id).await {
            Ok(Listing::NotManagement(management)) => {
                say(&format!("{id}  would be skipped: {management} manages its organization"));
            }
            Ok(Listing::Accounts { organization, all, open }) => {
                say(&format!("{id}  {organization}: {all} accounts, {open} of them would be entered"));
                accounts += all;
                entered += open;
                largest = largest.max(all);
            }
            Err(failure) => {
                completion = Completion::Partial;
                say(&format!("{id}  could not be reported: {failure}"));
            }
        }
    }
    // Per account: its tags, unless they are in the list of tagged accounts. Per entered account: its role, its enabled regions, and each of them.
    let calls = accounts + entered * (REGIONS + 2);
    #[expect(clippy::cast_precision_loss, reason = "no organization has 2^52 accounts")]
    let seconds = largest as f64 / f64::from(config.rates.of("ListTagsForResource").per_second());
    say(&format!(
        "at most about {calls} calls for {accounts} accounts, if they have {REGIONS} regions enabled. Accounts without tags are asked \
         for them at a limited rate: {seconds:.0} s if none has tags. Nothing was written"
    ));
    Ok(completion)
}

enum Listing {
    NotManagement(AccountId),
    Accounts { organization: String, all: usize, open: usize },
}

async fn list(aws: &Aws, session: &LazyAccountSession<'_>, id: &AccountId) -> Result<Listing, Failure> {
    let session = session.get().await?;
    let described = organization::describe(aws, session).await?;
    if described.management != *id {
        return Ok(Listing::NotManagement(described.management));
    }
    let (mut all, mut open) = (0, 0);
    let mut pages = Paginator::new("ListAccounts");
    while pages.has_next() {
        let page = organization::accounts_page(aws, session, pages.token()).await?;
        for listed in page.accounts.into_iter().map(ListedAccount::from) {
            all += 1;
            open += usize::from(listed.is_open());
        }
        pages.advance(page.next_token)?;
    }
    Ok(Listing::Accounts { organization: described.id, all, open })
}
