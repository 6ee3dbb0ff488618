//! The cost of a month, line by line.

use super::load::{
    Load, MONTH, Options, SESSION_CONCURRENCY, SESSION_MEMORY, SESSION_SECONDS, TAG_CONCURRENCY, TAG_MEMORY,
    TAG_SECONDS,
};
use super::price::{self, Price};
use serde::Serialize;

/// One line of the bill.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct CostLine {
    /// The part of the deployment.
    pub(crate) part: &'static str,
    /// The item that costs money.
    pub(crate) item: &'static str,
    /// Units a month.
    pub(crate) quantity: f64,
    /// `$0.40 a million requests`.
    pub(crate) price: String,
    /// US dollars a month.
    pub(crate) usd: f64,
    /// `hub` or `members`: the accounts that are billed.
    pub(crate) payer: &'static str,
}

/// KB of an event on its way from region to region.
const EVENT_KB: f64 = 4.0;
/// KB of log lines, metrics and Lambda's own lines of an invocation.
const TAG_LOG_KB: f64 = 2.0;
const SESSION_LOG_KB: f64 = 1.5;
const KB_OF_A_GB: f64 = 1_000_000.0;

/// Write units of a session: some come twice, with more in the second record.
const SESSION_WRITES: f64 = 1.5;
/// Write units of an entry of the ledger with its two indexes.
const ENTRY_WRITES: f64 = 5.0;
/// GB of a million sessions, and for how much of a month they are kept.
const SESSION_GB: f64 = 1.0;
const SESSION_MONTHS: f64 = 0.5;
/// GB of a million entries of the ledger, with the index by name.
const ENTRY_GB: f64 = 4.0;
/// Tags of a resource: `Owner`, `PrincipalId`, `CreatedBy`.
const TAGS: f64 = 3.0;

/// Metrics of the functions, each with and without the dimension of the version.
const METRICS: f64 = 36.0;
/// Metrics in the alarms of hub and sessions, and of one region. There are alarms where there is a topic.
const HUB_ALARM_METRICS: f64 = 39.0;
const REGION_ALARM_METRICS: f64 = 4.0;
/// Lambda asks each empty queue with five pollers, each for 20 seconds.
const EMPTY_RECEIVES: f64 = 2.0 * 5.0 * MONTH / 20.0;

const MILLION: f64 = 1_000_000.0;

/// The lines of a month, in the order of an event's way.
pub(crate) fn costs(load: &Load, options: &Options) -> Vec<CostLine> {
    let mut lines = Vec::new();
    lines.extend(transport(load, options));
    lines.extend(functions(load));
    lines.extend(tables(load, options));
    lines.extend(watching(load, options));
    lines.extend(consequences(load, options));
    lines.retain(|line| line.quantity > 0.0);
    lines
}

fn line(
    part: &'static str,
    item: &'static str,
    quantity: f64,
    price: Price,
    payer: &'static str,
) -> CostLine {
    CostLine { part, item, quantity, price: price.text(), usd: price.of(quantity), payer }
}

/// From the default bus of a region to the function.
fn transport(load: &Load, options: &Options) -> Vec<CostLine> {
    let forwarded = load.messages(options);
    // A send for each message; a receive and a delete for each batch.
    let requests = load.tag_messages(options) * 3.0 + load.sessions * (1.0 + 2.0 / load.session_batch());
    vec![
        line("EventBridge", "events sent to the hub's bus", forwarded, price::FORWARD, "members"),
        line(
            "data transfer",
            "from region to region",
            forwarded * EVENT_KB / KB_OF_A_GB,
            price::TRANSFER,
            "members",
        ),
        line("SQS", "send, receive, delete", requests, price::SQS, "hub"),
        line("SQS", "the same, for queues that are fair to accounts", requests, price::FAIR_QUEUE, "hub"),
        line("SQS", "receives of empty queues", EMPTY_RECEIVES, price::SQS, "hub"),
    ]
}

fn functions(load: &Load) -> Vec<CostLine> {
    let sessions = load.sessions / load.session_batch();
    let seconds = load.creations * TAG_SECONDS * TAG_MEMORY + sessions * SESSION_SECONDS * SESSION_MEMORY;
    let logs = (load.creations * TAG_LOG_KB + sessions * SESSION_LOG_KB) / KB_OF_A_GB;
    vec![
        line("tag-handler", "invocations", load.creations, price::INVOCATION, "hub"),
        line("session-handler", "invocations", sessions, price::INVOCATION, "hub"),
        line("both functions", "time and memory", seconds, price::COMPUTE, "hub"),
        line("both functions", "log lines", logs, price::LOGS, "hub"),
    ]
}

fn tables(load: &Load, options: &Options) -> Vec<CostLine> {
    let entries = if options.ledger { load.resources + load.deletions } else { 0.0 };
    vec![
        line("table of sessions", "writes", load.sessions * SESSION_WRITES, price::WRITE, "hub"),
        line("table of sessions", "reads", load.creations, price::READ, "hub"),
        line(
            "table of sessions",
            "storage and backup",
            load.sessions / MILLION * SESSION_GB * SESSION_MONTHS,
            price::TABLE_STORAGE,
            "hub",
        ),
        line("ledger", "writes", entries * ENTRY_WRITES, price::WRITE, "hub"),
        line(
            "ledger",
            "storage and backup, of each month's entries",
            entries / MILLION * ENTRY_GB,
            price::TABLE_STORAGE,
            "hub",
        ),
    ]
}

fn watching(load: &Load, options: &Options) -> Vec<CostLine> {
    let of_region = if options.region_alarms { REGION_ALARM_METRICS } else { 0.0 };
    let regions = of_region * load.accounts * load.regions;
    vec![
        line("CloudWatch", "metrics of the functions", METRICS, price::METRIC, "hub"),
        line("CloudWatch", "dashboard", 1.0, price::DASHBOARD, "hub"),
        line("CloudWatch", "alarms of the hub", HUB_ALARM_METRICS, price::ALARM, "hub"),
        line("CloudWatch", "alarms of the regions", regions, price::ALARM, "members"),
    ]
}

/// Charges of other services because of new tags.
fn consequences(load: &Load, options: &Options) -> Vec<CostLine> {
    let items = if options.config { load.resources } else { 0.0 };
    vec![
        line(
            "AWS Config",
            "a configuration item for each tagged resource",
            items,
            price::CONFIG_ITEM,
            "members",
        ),
        line("S3", "tags of objects, again each month", load.objects * TAGS, price::OBJECT_TAG, "members"),
        line(
            "CloudTrail",
            "tag calls in paid copies of the trail",
            load.resources * options.trail_copies,
            price::TRAIL_COPY,
            "members",
        ),
    ]
}

/// Both functions at full concurrency, in the words of the documentation.
pub(super) const CONCURRENCY: f64 = TAG_CONCURRENCY + SESSION_CONCURRENCY;
