//! A deployment as doctor sees it: the names of its resources, its regions and accounts.

use super::check::{CheckFailure, CheckResult, Finding};
use super::consumer::{Consumer, Queue};
use super::eventbridge::Rules;
use super::expected::{Event, Expected};
use super::organization::{Membership, condition_value};
use super::simulation::Simulation;
use super::stack::Stack;
use autotag_aws::MemberRole;
use autotag_aws::query::{AwsQuery, QueryError};
use autotag_model::arn::{AccountId, Partition, Region};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// The role session name of doctor in other accounts, as `CloudTrail` shows it.
pub(super) const SESSION_NAME: &str = "autotag-doctor";

/// A region of an account, with credentials that may read there.
#[derive(Debug)]
pub(crate) struct RegionView {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) aws: AwsQuery,
    /// True if it is the deployment's own account.
    pub(crate) own: bool,
}

impl RegionView {
    pub(crate) fn queue_arn(&self, partition: &Partition, name: &str) -> String {
        format!("arn:{partition}:sqs:{}:{}:{name}", self.region, self.account)
    }
}

impl std::fmt::Display for RegionView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.own { write!(f, "{}", self.region) } else { write!(f, "{} {}", self.account, self.region) }
    }
}

/// Another account in which tag-handler works.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) account: AccountId,
    /// Queries with credentials that may read there, or why there are none.
    pub(crate) aws: Result<AwsQuery, CheckFailure>,
}

/// The use of the enabled regions of the account.
#[derive(Debug)]
pub(crate) struct Coverage {
    /// The number of enabled regions, or why they are not known.
    pub(super) enabled: Result<usize, QueryError>,
    pub(super) forwarding: usize,
    /// Regions without rules in which something was created, with one such event.
    pub(super) silent: Vec<(Region, Event)>,
    /// Why it is not known whether regions are in use.
    pub(super) unknown: Option<CheckFailure>,
}

/// The names that belong to one deployment.
#[derive(Debug)]
pub(crate) struct Names {
    /// The prefix of the names of rules, roles and alarms.
    pub(crate) prefix: String,
    pub(crate) hub_stack: String,
    pub(crate) session_stack: String,
    /// The physical ids of the stacks' resources. Empty if the stacks are not known.
    pub(crate) physical_ids: BTreeSet<String>,
    /// The stack sets that the hub's stack makes, by name.
    pub(crate) stack_sets: Vec<String>,
}

impl Names {
    pub(super) fn new(prefix: &str, hub: &Stack, session: &Stack) -> Self {
        let stack_sets = ["MemberStackSet", "RegionStackSet"].into_iter().filter(|set| hub.has(set));
        // The physical id of a stack set is its name with an id behind it.
        let name = |set: &str| hub.name(set, "").split(':').next().unwrap_or_default().to_owned();
        Self {
            prefix: prefix.to_owned(),
            hub_stack: hub.name.clone(),
            session_stack: session.name.clone(),
            physical_ids: hub.physical_ids().chain(session.physical_ids()).map(str::to_owned).collect(),
            stack_sets: stack_sets.map(name).collect(),
        }
    }

    /// True for a deployment in one stack, which `autotag deploy` makes. Otherwise hub and session-handler have stacks of their own.
    pub(super) fn is_whole(&self) -> bool {
        self.hub_stack == self.session_stack
    }
}

/// The results of simulations of tagging and of reading, with the account that was simulated.
pub(super) type Simulated = Arc<OnceCell<(AccountId, CheckResult, CheckResult)>>;

/// A deployment, as far as several families of checks need it.
#[derive(Debug)]
pub(crate) struct DeploymentView {
    pub(crate) aws: AwsQuery,
    pub(crate) account: AccountId,
    pub(crate) partition: Partition,
    pub(crate) hub: Region,
    pub(crate) names: Names,
    pub(crate) bus: String,
    pub(crate) table: String,
    pub(crate) table_region: Region,
    pub(crate) tag_handler: Consumer,
    pub(crate) session_handler: Consumer,
    /// True if the deployment has a session-handler.
    pub(crate) keeps_sessions: bool,
    pub(crate) organization: Membership,
    /// The rules on the default bus of the hub's region.
    pub(super) default_bus: Rules,
    pub(crate) regions: Vec<RegionView>,
    /// The use of the enabled regions; `None` if the user chose the regions.
    pub(super) coverage: Option<Coverage>,
    /// The other accounts, or why they are not known.
    pub(crate) members: Result<Vec<Member>, CheckFailure>,
    /// How many other accounts are not in the sample.
    pub(crate) not_sampled: usize,
    pub(crate) member_role: Option<MemberRole>,
    pub(crate) expected: Expected,
    pub(crate) show_messages: bool,
    /// The time over which dead letters count as new, in seconds.
    pub(crate) since: u64,
    /// The findings about credentials and stacks.
    pub(crate) findings: Vec<Finding>,
    /// Simulated permissions, by the policies of the role.
    pub(super) simulated: Mutex<BTreeMap<String, Simulated>>,
}

impl DeploymentView {
    pub(crate) fn bus_arn(&self) -> String {
        let Self { partition, hub, account, bus, .. } = self;
        format!("arn:{partition}:events:{hub}:{account}:event-bus/{bus}")
    }

    pub(crate) fn table_arn(&self) -> String {
        let Self { partition, account, table, table_region, .. } = self;
        format!("arn:{partition}:dynamodb:{table_region}:{account}:table/{table}")
    }

    /// The table of the ledger, if the deployment has one. It is in the region of the function.
    pub(crate) fn ledger(&self) -> Option<&str> {
        self.tag_handler.variable("AUTOTAG_LEDGER_TABLE")
    }

    pub(crate) fn ledger_arn(&self) -> Option<String> {
        let Self { partition, account, hub, .. } = self;
        Some(format!("arn:{partition}:dynamodb:{hub}:{account}:table/{}", self.ledger()?))
    }

    /// True if tag-handler watches identity tags.
    pub(crate) fn watches_tags(&self) -> bool {
        self.tag_handler.variable("AUTOTAG_OWN_ROLES").is_some()
    }

    pub(crate) fn queue_arn(&self, queue: &Queue) -> String {
        format!("arn:{}:sqs:{}:{}:{}", self.partition, queue.region, self.account, queue.name)
    }

    /// The ARN of the role that tag-handler assumes in an account.
    pub(crate) fn member_role_arn(&self, role: &MemberRole, account: &AccountId) -> String {
        format!("arn:{}:iam::{account}:role/{}", self.partition, role.name)
    }

    /// True if this is the consumer that tags.
    pub(crate) fn is_tag_handler(&self, consumer: &Consumer) -> bool {
        consumer.kind == self.tag_handler.kind
    }

    /// The functions of the deployment.
    pub(crate) fn consumers(&self) -> Vec<&Consumer> {
        let session_handler = self.keeps_sessions.then_some(&self.session_handler);
        [Some(&self.tag_handler), session_handler].into_iter().flatten().collect()
    }

    /// The id of the organization as a condition key has it: empty if there is none, `None` if it is not known.
    pub(crate) fn organization_id(&self) -> Option<&str> {
        condition_value(&self.organization)
    }

    /// Simulates roles with the credentials of their account.
    pub(super) fn simulation<'s>(&'s self, aws: &'s AwsQuery) -> Simulation<'s> {
        Simulation { aws, partition: &self.partition, organization: self.organization_id() }
    }

    /// The place for the result of simulating a role with these policies.
    pub(super) fn simulated(&self, policies: String) -> Simulated {
        let mut simulated = self.simulated.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(simulated.entry(policies).or_default())
    }
}
