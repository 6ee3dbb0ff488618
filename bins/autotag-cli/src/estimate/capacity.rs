//! The limits of AWS and of the templates, and the part of each that the busiest second uses.

use super::cost::CONCURRENCY;
use super::load::{
    BATCH, Load, MONTH, Options, SESSION_CONCURRENCY, SESSION_SECONDS, TAG_CONCURRENCY, TAG_SECONDS,
};
use serde::Serialize;

/// A limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    /// The value in the busiest second.
    pub(crate) used: f64,
    pub(crate) most: f64,
    pub(crate) unit: &'static str,
    /// How to raise it.
    pub(crate) remedy: &'static str,
}

impl Limit {
    /// How many times the load fits.
    pub(crate) fn headroom(&self) -> f64 {
        self.most / self.used
    }
}

/// Seconds for which the credentials of a member role are used, less the margin before they end.
const CREDENTIALS: f64 = 3600.0 - 300.0;

/// All limits that the load touches, the first to be reached first.
pub(crate) fn limits(load: &Load, options: &Options) -> Vec<Limit> {
    let a_second = |events: f64| events / MONTH * options.peak;
    let (tags, sessions) = (a_second(load.tag_messages(options)), a_second(load.sessions));
    let mut limits = of_functions(tags, sessions);
    limits.extend(of_services(load, tags, sessions));
    limits.retain(|limit| limit.used > 0.0);
    limits.sort_by(|one, other| one.headroom().total_cmp(&other.headroom()));
    limits
}

/// The limits that the settings of the functions and the quotas of Lambda set.
fn of_functions(tags: f64, sessions: f64) -> Vec<Limit> {
    let busy = if tags > 0.0 { TAG_CONCURRENCY.min(tags * TAG_SECONDS).max(1.0) } else { 0.0 };
    let invocations = CONCURRENCY.min(busy + SESSION_CONCURRENCY.min(sessions * SESSION_SECONDS / BATCH));
    let concurrency = |name, most| Limit {
        name,
        used: invocations,
        most,
        unit: "invocations",
        remedy: "Service Quotas: concurrent executions",
    };
    vec![
        Limit {
            name: "tag-handler",
            used: tags,
            most: TAG_CONCURRENCY * BATCH / TAG_SECONDS,
            unit: "events/s",
            remedy: "MaximumConcurrency of the hub",
        },
        Limit {
            name: "session-handler",
            used: sessions,
            most: SESSION_CONCURRENCY * BATCH / SESSION_SECONDS,
            unit: "records/s",
            remedy: "MaximumConcurrency of the session stack",
        },
        concurrency("Lambda concurrency of a new account", 10.0),
        concurrency("Lambda concurrency, default quota", 1_000.0),
    ]
}

/// The limits of the other services.
fn of_services(load: &Load, tags: f64, sessions: f64) -> Vec<Limit> {
    let places = (load.accounts * load.regions).max(1.0);
    // Each execution environment holds the credentials of each account that it has entered.
    let assumed = if load.accounts > 1.0 { load.accounts * TAG_CONCURRENCY / CREDENTIALS } else { 0.0 };
    let limit = |name, used, most, unit, remedy| Limit { name, used, most, unit, remedy };
    vec![
        limit(
            "EventBridge invocations, large regions",
            tags + sessions,
            18_750.0,
            "events/s",
            "Service Quotas: invocations throttle limit",
        ),
        limit(
            "EventBridge invocations, small regions",
            tags + sessions,
            750.0,
            "events/s",
            "choose a large region for the hub, or Service Quotas",
        ),
        limit(
            "DynamoDB, new on-demand table",
            sessions * 1.5,
            4_000.0,
            "writes/s",
            "none needed: a table doubles what it takes within 30 minutes",
        ),
        limit(
            "tag calls in one account and region",
            tags / places,
            10.0,
            "calls/s",
            "none: throttled calls are repeated, the queue waits",
        ),
        limit("sts:AssumeRole of the hub", assumed, 500.0, "calls/s", "Service Quotas of STS"),
    ]
}
