//! Reads the environment of a function once, and reports all its problems together.

use crate::variables::{self, Variable};
use autotag_aws::{AccountScope, Accounts, MemberRole, Settings, Timeouts};
use autotag_model::arn::Region;
use session_store::DynamoDbStore;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;
use tracing_subscriber::filter::LevelFilter;

/// The prefix of all variables of autotag.
const PREFIX: &str = "AUTOTAG_";

/// How often SQS lets a message be received by default.
const DEFAULT_MAX_RECEIVES: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// The queue for messages that were received as often as their own queue allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterQueue {
    /// Its URL.
    pub url: String,
    /// How often a message is received before it is sent there.
    pub max_receives: NonZeroU32,
}

/// The table of STS sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionTable {
    /// Its name.
    pub name: String,
    /// Its region. `None` is the function's own.
    pub region: Option<Region>,
}

impl SessionTable {
    /// The store over this table, with the function's own credentials.
    pub fn store(&self, accounts: &Accounts) -> DynamoDbStore {
        let mut config = accounts.ambient().to_builder();
        if let Some(region) = &self.region {
            config = config.region(autotag_aws::sdk_region(region));
        }
        DynamoDbStore::new(autotag_aws::dynamodb_client(&config.build()), &self.name)
    }
}

/// All problems of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    /// One message for each problem.
    pub fn messages(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wrong configuration: {}", self.0.join("; "))
    }
}

impl std::error::Error for ConfigErrors {}

/// An environment that is being read. It collects the variables that were asked for, and the problems of their values.
///
/// A value with a problem is read as its default. Call [`Environment::finish`] before the configuration is used.
#[derive(Debug)]
pub struct Environment<'e> {
    values: &'e HashMap<String, String>,
    known: BTreeMap<&'static str, Variable>,
    errors: Vec<String>,
}

impl<'e> Environment<'e> {
    /// Starts to read these variables.
    pub fn new(values: &'e HashMap<String, String>) -> Self {
        Self { values, known: BTreeMap::new(), errors: Vec::new() }
    }

    /// The value of a variable. `None` if it is unset or empty.
    pub fn text(&mut self, variable: Variable) -> Option<String> {
        self.known.insert(variable.name, variable);
        self.values.get(variable.name).filter(|value| !value.is_empty()).cloned()
    }

    /// The parsed value of a variable, or the default. `expected` describes valid values in the error.
    pub fn parsed<N: FromStr>(&mut self, variable: Variable, expected: &str, default: N) -> N {
        let Some(text) = self.text(variable) else { return default };
        text.parse().unwrap_or_else(|_| {
            self.error(format!("{} is `{text}`: expected {expected}", variable.name));
            default
        })
    }

    /// A duration in milliseconds, or the default.
    pub fn millis(&mut self, variable: Variable, default: Duration) -> Duration {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.parsed(variable, "milliseconds, a whole number", default))
    }

    /// A region, if the variable is set.
    pub fn region(&mut self, variable: Variable) -> Option<Region> {
        let text = self.text(variable)?;
        let region = Region::new(&text);
        if region.is_none() {
            self.error(format!("{} is `{text}`: expected a region, for example eu-west-1", variable.name));
        }
        region
    }

    /// Adds a problem.
    pub fn error(&mut self, message: String) {
        self.errors.push(message);
    }

    /// The log level. No function logs anything below `info`.
    pub fn log_level(&mut self) -> LevelFilter {
        self.parsed(variables::LOG, "error, warn or info", LevelFilter::INFO)
    }

    /// The namespace of metrics.
    pub fn metrics_namespace(&mut self) -> String {
        self.text(variables::METRICS_NAMESPACE).unwrap_or_else(|| "autotag".to_owned())
    }

    /// The table of STS sessions that `table` names, if it is set.
    pub fn session_table(&mut self, table: Variable) -> Option<SessionTable> {
        let region = self.region(variables::SESSION_REGION);
        let name = self.text(table);
        if name.is_none() && region.is_some() {
            self.error(format!("{} is set, but {} is not", variables::SESSION_REGION.name, table.name));
        }
        Some(SessionTable { name: name?, region })
    }

    /// Attempts, pauses and timeouts of calls to AWS, with the function's own account as the only one in scope.
    pub fn call_settings(&mut self) -> Settings {
        let defaults = Settings::default();
        let attempts = self.parsed(variables::CALL_ATTEMPTS, "a whole number from 1", defaults.attempts);
        Settings {
            attempts: attempts.max(1),
            first_backoff: self.millis(variables::FIRST_BACKOFF, defaults.first_backoff),
            timeouts: Timeouts {
                connect: self.millis(variables::CONNECT_TIMEOUT, defaults.timeouts.connect),
                attempt: self.millis(variables::CALL_TIMEOUT, defaults.timeouts.attempt),
            },
            ..defaults
        }
    }

    /// As [`Environment::call_settings`], with the other accounts in scope and the role to assume in them.
    pub fn account_settings(&mut self) -> Settings {
        let role = self.text(variables::MEMBER_ROLE).map(|name| MemberRole {
            name,
            external_id: self.text(variables::EXTERNAL_ID),
            session_policy: self.text(variables::SESSION_POLICY),
        });
        for variable in [variables::EXTERNAL_ID, variables::SESSION_POLICY] {
            if self.text(variable).is_some() && role.is_none() {
                self.error(format!("{} is set, but {} is not", variable.name, variables::MEMBER_ROLE.name));
            }
        }
        let allowed = self.account_scope();
        if allowed != AccountScope::OwnOnly && role.is_none() {
            self.error(
                "AUTOTAG_ACCOUNTS allows other accounts, but AUTOTAG_MEMBER_ROLE is not set".to_owned(),
            );
        }
        Settings { allowed, role, ..self.call_settings() }
    }

    fn account_scope(&mut self) -> AccountScope {
        let Some(text) = self.text(variables::ACCOUNTS) else { return AccountScope::OwnOnly };
        // The function's role may assume roles of its own organization only, so AWS decides about each account.
        if text == "organization" {
            return AccountScope::Permitted;
        }
        text.parse().unwrap_or_else(|why| {
            self.error(format!("AUTOTAG_ACCOUNTS has {why}"));
            // A wrong value still means other accounts, so that a missing member role is reported as well.
            AccountScope::Listed(BTreeSet::new())
        })
    }

    /// The dead-letter queue, if the function sends messages there itself.
    pub fn dead_letter_queue(&mut self) -> Option<DeadLetterQueue> {
        let expected = "the queue's maxReceiveCount, from 1";
        let max_receives = self.parsed(variables::MAX_RECEIVES, expected, DEFAULT_MAX_RECEIVES);
        let url = self.text(variables::DEAD_LETTER_QUEUE_URL)?;
        Some(DeadLetterQueue { url, max_receives })
    }

    /// The variables that were asked for, by name.
    pub fn variables(&self) -> impl Iterator<Item = Variable> {
        self.known.values().copied()
    }

    /// Ends the reading. An unknown variable with autotag's prefix is an error: a misspelt name would be a setting without
    /// effect.
    ///
    /// # Errors
    /// [`ConfigErrors`] with every problem.
    pub fn finish(mut self) -> Result<(), ConfigErrors> {
        let ours = self.values.keys().filter(|name| name.starts_with(PREFIX));
        let mut unknown: Vec<&String> = ours.filter(|name| !self.known.contains_key(name.as_str())).collect();
        unknown.sort();
        let known: Vec<&str> = self.known.keys().copied().collect();
        for name in unknown {
            self.errors.push(format!("{name} is not known; known are {}", known.join(", ")));
        }
        if self.errors.is_empty() { Ok(()) } else { Err(ConfigErrors(self.errors)) }
    }
}
