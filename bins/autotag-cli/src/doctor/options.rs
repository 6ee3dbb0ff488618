//! The options of doctor.

use autotag_aws::AccountScope;
use autotag_model::arn::Region;

/// The options of `autotag doctor` that select the deployment.
#[derive(Debug, Clone)]
pub(crate) struct DoctorOptions {
    /// The region of the hub; `None`: that of the environment.
    pub(crate) hub: Option<Region>,
    /// The regions in which events begin. Empty: those of the enabled regions that forward events.
    pub(crate) regions: Vec<Region>,
    /// The accounts in which tag-handler works; `None`: as its environment says.
    pub(crate) accounts: Option<AccountScope>,
    /// The role that tag-handler assumes in other accounts; `None`: as its environment says.
    pub(crate) member_role: Option<String>,
    /// The external id of that role; `None`: as the environment of tag-handler says.
    pub(crate) external_id: Option<String>,
    /// The role that doctor itself assumes in other accounts. `None`: their trails, rules and roles stay unknown.
    pub(crate) inspect_role: Option<String>,
    /// The name of the hub's stack; `None`: one of the default names.
    pub(crate) hub_stack: Option<String>,
    /// The name of session-handler's stack; `None`: by that of the hub.
    pub(crate) session_stack: Option<String>,
    /// How many of the other accounts are inspected; `None`: all.
    pub(crate) sample: Option<usize>,
    /// The time over which dead letters count as new, in seconds.
    pub(crate) since: u64,
    /// True if to read messages of dead-letter queues.
    pub(crate) show_messages: bool,
}
