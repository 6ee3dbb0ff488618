//! The load of a deployment in a month, and the settings of the templates that decide its cost.

/// Seconds of a month of 730 hours, as AWS's prices count it.
pub(super) const MONTH: f64 = 730.0 * 3600.0;

/// Events a month. Fractions come from samples of other spans.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Load {
    pub(crate) accounts: f64,
    pub(crate) regions: f64,
    /// Events that create resources which the catalogue covers.
    pub(crate) creations: f64,
    /// Resources of these events that are tagged.
    pub(crate) resources: f64,
    /// How many of the resources are objects of S3.
    pub(crate) objects: f64,
    /// STS records of sessions.
    pub(crate) sessions: f64,
    /// Events that delete resources, for the ledger.
    pub(crate) deletions: f64,
    /// Events that may change tags, for the tamper watch.
    pub(crate) tag_changes: f64,
}

/// The choices of a deployment that cost money.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub(crate) struct Options {
    pub(crate) ledger: bool,
    pub(crate) watch_tags: bool,
    /// True if the stacks of the regions have a topic, without which they have no alarms.
    pub(crate) region_alarms: bool,
    /// True if AWS Config records the resource types that are tagged.
    pub(crate) config: bool,
    /// Paid copies of the trail, to which the tag calls are added.
    pub(crate) trail_copies: f64,
    /// How much busier the busiest second is than the mean one.
    pub(crate) peak: f64,
}

impl Load {
    /// Events that reach the queue of `tag-handler`.
    pub(super) fn tag_messages(&self, options: &Options) -> f64 {
        let deletions = if options.ledger { self.deletions } else { 0.0 };
        let tag_changes = if options.watch_tags { self.tag_changes } else { 0.0 };
        self.creations + deletions + tag_changes
    }

    /// All events that reach the hub.
    pub(super) fn messages(&self, options: &Options) -> f64 {
        self.tag_messages(options) + self.sessions
    }

    /// How many messages an invocation of `session-handler` gets: those that arrive during the one before and during the batching
    /// window. Lambda collects for as many invocations at once as there may be.
    pub(super) fn session_batch(&self) -> f64 {
        let seconds = SESSION_SECONDS + SESSION_WINDOW;
        (self.sessions / MONTH * seconds / SESSION_CONCURRENCY).clamp(1.0, BATCH)
    }
}

// Settings of the templates.

/// Messages of an invocation at most.
pub(super) const BATCH: f64 = 10.0;
/// Invocations of `tag-handler` at the same time.
pub(super) const TAG_CONCURRENCY: f64 = 10.0;
/// Invocations of `session-handler` at the same time.
pub(super) const SESSION_CONCURRENCY: f64 = 5.0;
/// Seconds for which messages are collected for an invocation of `session-handler`.
pub(super) const SESSION_WINDOW: f64 = 5.0;
/// Memory of the functions, in GB.
pub(super) const TAG_MEMORY: f64 = 0.25;
pub(super) const SESSION_MEMORY: f64 = 0.125;

// Assumptions, stated in docs/costs.md.

/// Seconds of an invocation. Reads and writes of one batch run together, so the size of the batch hardly matters.
pub(super) const TAG_SECONDS: f64 = 0.5;
pub(super) const SESSION_SECONDS: f64 = 0.1;
