//! The arguments of `autotag redrive`.
#![expect(clippy::doc_markdown, reason = "help texts are read in terminals, where backticks are noise")]

use super::args::{Format, time};
use super::number::positive;
use super::region::region;
use autotag_aws::AccountScope;
use autotag_model::arn::Region;
use clap::Args;
use jiff::Timestamp;
use std::num::NonZeroUsize;

#[derive(Debug, Args)]
pub(crate) struct RedriveArgs {
    /// URLs of dead-letter queues: of queues, or of the targets of EventBridge rules
    #[arg(value_name = "QUEUE_URL", required_unless_present_any = ["regions", "stack_set"])]
    pub(crate) queues: Vec<String>,
    /// Instead of URLs: the queue --queue-name of these regions, separated by commas
    #[arg(long, value_name = "REGIONS", value_delimiter = ',', value_parser = region, conflicts_with = "queues")]
    pub(crate) regions: Vec<Region>,
    /// Accounts of these regions: own, organization, or ids separated by commas [default: own]
    #[arg(long, value_name = "ACCOUNTS", requires = "regions", conflicts_with = "stack_set")]
    pub(crate) accounts: Option<AccountScope>,
    /// Instead of URLs: the queue --queue-name of each account and region in which this StackSet has an instance. With --regions
    /// only of these regions
    #[arg(long, value_name = "NAME", conflicts_with = "queues")]
    pub(crate) stack_set: Option<String>,
    /// Region of the StackSet [default: that of the environment]
    #[arg(long, value_name = "REGION", value_parser = region, requires = "stack_set")]
    pub(crate) stack_set_region: Option<Region>,
    /// List the StackSet's instances as a delegated administrator, outside of the management account
    #[arg(long, requires = "stack_set")]
    pub(crate) delegated_admin: bool,
    /// Name of the queue in each account and region
    #[arg(long, value_name = "NAME", default_value = "autotag-forward-dead")]
    pub(crate) queue_name: String,
    /// URL of the queue for messages that are not STS records [default: the queue whose dead letters these are, if there is
    /// exactly one]
    #[arg(long, value_name = "QUEUE_URL")]
    pub(crate) to: Option<String>,
    /// URL of the queue for STS records, that of session-handler. tag-handler would not keep them
    #[arg(long, value_name = "QUEUE_URL")]
    pub(crate) sessions_to: Option<String>,
    /// Role to assume in the account of each dead-letter queue, to receive and delete. Messages are then sent with the
    /// credentials of the environment
    #[arg(long, value_name = "NAME")]
    pub(crate) receive_role: Option<String>,
    /// Role to assume in the account of --to and --sessions-to, to send
    #[arg(long, value_name = "NAME")]
    pub(crate) send_role: Option<String>,
    /// External id of these roles
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    /// Only messages whose event is of this time or later: 7d, 12h, yesterday, 2026-03-02 or 2026-03-02T09:00:00Z. Dates and times
    /// are in UTC
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Only messages whose failure reason contains this text, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Send the messages, and delete them from the dead-letter queue. Without it they are only listed
    #[arg(long)]
    pub(crate) yes: bool,
    /// Maximum number of messages of each queue
    #[arg(long, value_name = "N", value_parser = positive::<NonZeroUsize>)]
    pub(crate) max: Option<NonZeroUsize>,
    /// Number of queues to read at the same time
    #[arg(long, value_name = "N", default_value = "16", value_parser = positive::<NonZeroUsize>)]
    pub(crate) jobs: NonZeroUsize,
    /// Output format [default: table on a terminal, jsonl otherwise]
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// For tests: how many messages of a queue may be hidden at the same time
    #[arg(long, value_name = "N", hide = true, default_value = "100000")]
    pub(crate) most_hidden: usize,
}
