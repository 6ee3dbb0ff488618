//! The limits of AWS and of the templates, and how much of each the busiest second takes.

use super::cost::CONCURRENCY;
use super::load::{
    BATCH, Load, MONTH, Options, SESSION_CONCURRENCY, SESSION_SECONDS, TAG_CONCURRENCY, TAG_SECONDS,
};
use serde::Serialize;

/// A limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    /// What the busiest second takes.
    pub(crate) used: f64,
    pub(crate) limit: f64,
    pub(crate) unit: &'static str,
    /// How to raise it.
    pub(crate) remedy: &'static str,
}

impl Limit {
    /// How many times the load fits.
    pub(crate) fn headroom(&self) -> f64 {
        self.limit / self.used
    }
}

/// Seconds for which the credentials of a member role are used, less the margin before they end.
const CREDENTIALS: f64 = 3600.0 - 300.0;

/// All limits that the load touches, the first to be reached first.
pub(crate) fn limits(load: &Load, options: &Options) -> Vec<Limit> {
    let a_second = |events: f64| events / MONTH * options.peak;
    let tags = a_second(load.tag_messages(options));
    let sessions = a_second(load.sessions);
    let places = (load.accounts * load.regions).max(1.0);
    // Each execution environment holds the credentials of each account that it has entered.
    let assumed = if load.accounts > 1.0 { load.accounts * TAG_CONCURRENCY / CREDENTIALS } else { 0.0 };
    let busiest = if tags > 0.0 { TAG_CONCURRENCY.min(tags * TAG_SECONDS).max(1.0) } else { 0.0 };
    let mut limits = vec![
        Limit {
            name: "tag-handler",
            used: tags,
            limit: TAG_CONCURRENCY * BATCH / TAG_SECONDS,
            unit: "events/s",
            remedy: "MaximumConcurrency of the hub",
        },
        Limit {
            name: "session-handler",
            used: sessions,
            limit: SESSION_CONCURRENCY * BATCH / SESSION_SECONDS,
            unit: "records/s",
            remedy: "MaximumConcurrency of the session stack",
        },
        Limit {
            name: "EventBridge invocations, large regions",
            used: tags + sessions,
            limit: 18_750.0,
            unit: "events/s",
            remedy: "Service Quotas: invocations throttle limit",
        },
        Limit {
            name: "EventBridge invocations, small regions",
            used: tags + sessions,
            limit: 750.0,
            unit: "events/s",
            remedy: "choose a large region for the hub, or Service Quotas",
        },
        Limit {
            name: "DynamoDB, new on-demand table",
            used: sessions * 1.5,
            limit: 4_000.0,
            unit: "writes/s",
            remedy: "none needed: a table doubles what it takes within 30 minutes",
        },
        Limit {
            name: "tag calls in one account and region",
            used: tags / places,
            limit: 10.0,
            unit: "calls/s",
            remedy: "none: throttled calls are repeated, the queue waits",
        },
        Limit {
            name: "sts:AssumeRole of the hub",
            used: assumed,
            limit: 500.0,
            unit: "calls/s",
            remedy: "Service Quotas of STS",
        },
        Limit {
            name: "Lambda concurrency of a new account",
            used: busiest + (SESSION_CONCURRENCY.min(sessions * SESSION_SECONDS / BATCH)),
            limit: 10.0,
            unit: "invocations",
            remedy: "Service Quotas: concurrent executions",
        },
        Limit {
            name: "Lambda concurrency, default quota",
            used: CONCURRENCY.min(busiest + sessions * SESSION_SECONDS / BATCH),
            limit: 1_000.0,
            unit: "invocations",
            remedy: "Service Quotas: concurrent executions",
        },
    ];
    limits.retain(|limit| limit.used > 0.0);
    limits.sort_by(|one, other| one.headroom().total_cmp(&other.headroom()));
    limits
}
