//! What a run would do: whom it would report, with how many calls, and how long that takes at the least.

use crate::aws::{Aws, Entry, Place};
use crate::config::Config;
use crate::organization::{self, Pages};
use crate::run::Done;
use anyhow::Result;
use autotag_model::arn::AccountId;
use std::collections::BTreeSet;

/// How many regions an account has enabled by default; each is a call.
const REGIONS: usize = 17;

/// Asks for the organizations and their accounts, and says what would be asked of them.
pub(crate) async fn run(
    config: &Config,
    aws: &Aws,
    here: Place,
    tenants: &[AccountId],
    unusable: &BTreeSet<String>,
) -> Result<Done> {
    let here = Entry::here(here);
    let (mut done, mut open, mut accounts, mut longest) = (Done::Whole, 0, 0, 0.0_f64);
    for id in unusable {
        done = Done::Partly;
        crate::say(&crate::summary::printable(&format!("tenant `{id}` is no account id")));
    }
    for id in tenants {
        let entry = Entry::by_role(aws, &here, id, &config.role);
        match list(aws, &entry, id).await {
            Ok(Listing::NotManagement(management)) => {
                crate::say(&format!("{id}  would be skipped: its organization is managed by {management}"));
            }
            Ok(Listing::Accounts { organization, all, entered }) => {
                crate::say(&format!(
                    "{id}  {organization}: {all} accounts, {entered} of them would be entered"
                ));
                accounts += all;
                open += entered;
                #[expect(clippy::cast_precision_loss, reason = "no organization has 2^52 accounts")]
                let seconds = all as f64 / f64::from(config.rates.of("ListTagsForResource").per_second());
                longest = longest.max(seconds);
            }
            Err(failure) => {
                done = Done::Partly;
                crate::say(&format!("{id}  could not be reported: {failure}"));
            }
        }
    }
    // An account of which the tags are asked; and, if it is entered, its role, its enabled regions, and each of these.
    let calls = accounts + open * (REGIONS + 2);
    crate::say(&format!(
        "about {calls} calls for {accounts} accounts, if they have {REGIONS} regions enabled; at least {longest:.0} s, as \
         account tags are asked for at a limited rate. Nothing was written"
    ));
    Ok(done)
}

enum Listing {
    NotManagement(AccountId),
    Accounts { organization: String, all: usize, entered: usize },
}

async fn list(aws: &Aws, entry: &Entry<'_>, id: &AccountId) -> Result<Listing, crate::aws::Failure> {
    let place = entry.place().await?;
    let described = organization::describe(aws, place).await?;
    if described.management != *id {
        return Ok(Listing::NotManagement(described.management));
    }
    let (mut all, mut entered) = (0, 0);
    let mut pages = Pages::of_accounts(aws, place);
    while let Some(page) = pages.next().await {
        for listed in organization::accounts(&page?) {
            all += 1;
            entered += usize::from(listed.is_open());
        }
    }
    Ok(Listing::Accounts { organization: described.id, all, entered })
}
