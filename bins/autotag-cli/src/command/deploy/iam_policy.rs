//! `autotag deploy iam-policy`.

use crate::cli::{IamPolicyArgs, PolicyFor};
use crate::completion::Completion;
use anyhow::Result;
use autotag_deploy::actions::{Need, policy};
use autotag_model::arn::Partition;
use std::io::Write as _;

pub(super) fn print(args: &IamPolicyArgs) -> Result<Completion> {
    let need = match args.wanted {
        PolicyFor::Read => Need::Read,
        PolicyFor::Plan => Need::Plan,
        PolicyFor::Deploy => Need::Deploy,
        PolicyFor::Organization => Need::Organization,
    };
    let partition = Partition::of_region(&args.region).unwrap_or_default();
    let account = args.account.as_ref().map_or("*", |account| account.as_str());
    let policy = policy(&partition, account, &args.name, need);
    writeln!(anstream::stdout(), "{policy:#}")?;
    Ok(Completion::Complete)
}
