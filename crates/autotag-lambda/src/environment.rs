//! The environment of a function, read once; all problems at once.

use autotag_aws::{AccountScope, Accounts, MemberRole, Settings, Timeouts};
use autotag_model::arn::Region;
use session_store::DynamoDbStore;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;
use tracing_subscriber::filter::LevelFilter;

/// What begins the name of every variable of ours.
const PREFIX: &str = "AUTOTAG_";

/// How often SQS lets a message be received, where nothing else is said.
const FIVE: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// Where messages go that were received as often as their queue allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetters {
    /// The queue.
    pub queue_url: String,
    /// How often a message is received.
    pub after: NonZeroU32,
}

/// The table of STS sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionTable {
    /// Its name.
    pub name: String,
    /// Its region; the function's own where nothing is said.
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

/// Everything that is wrong with the environment.
#[derive(Debug)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wrong configuration: {}", self.0.join("; "))
    }
}

impl std::error::Error for Problems {}

/// The environment while it is read: what is wrong is noted, and what is known by name.
#[derive(Debug)]
pub struct Environment<'e> {
    variables: &'e HashMap<String, String>,
    known: BTreeSet<&'static str>,
    problems: Vec<String>,
}

impl<'e> Environment<'e> {
    /// Of these variables nothing is read yet.
    pub fn new(variables: &'e HashMap<String, String>) -> Self {
        Self { variables, known: BTreeSet::new(), problems: Vec::new() }
    }

    /// A text, if it is set and not empty.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.insert(name);
        self.variables.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// A value of a kind that is `expected`, or the default.
    pub fn parsed<N: FromStr>(&mut self, name: &'static str, expected: &str, default: N) -> N {
        let Some(text) = self.text(name) else { return default };
        text.parse().unwrap_or_else(|_| {
            self.problem(format!("{name} is `{text}`: expected {expected}"));
            default
        })
    }

    /// A time in milliseconds, or the default.
    pub fn millis(&mut self, name: &'static str, default: Duration) -> Duration {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.parsed(name, "milliseconds, a whole number", default))
    }

    /// A region, if one is named.
    pub fn region(&mut self, name: &'static str) -> Option<Region> {
        let text = self.text(name)?;
        let region = Region::new(&text);
        if region.is_none() {
            self.problem(format!("{name} is `{text}`: expected a region, for example eu-west-1"));
        }
        region
    }

    /// Notes that something is wrong.
    pub fn problem(&mut self, what: String) {
        self.problems.push(what);
    }

    /// How much is logged.
    pub fn log_level(&mut self) -> LevelFilter {
        self.parsed("AUTOTAG_LOG", "error, warn, info, debug or trace", LevelFilter::INFO)
    }

    /// Under which namespace metrics stand.
    pub fn metrics_namespace(&mut self) -> String {
        self.text("AUTOTAG_METRICS_NAMESPACE").unwrap_or_else(|| "autotag".to_owned())
    }

    /// The table of STS sessions, if there is one.
    pub fn session_table(&mut self) -> Option<SessionTable> {
        let region = self.region("AUTOTAG_SESSION_REGION");
        let name = self.text("AUTOTAG_SESSION_TABLE");
        if name.is_none() && region.is_some() {
            self.problem("AUTOTAG_SESSION_REGION is set, but AUTOTAG_SESSION_TABLE is not".to_owned());
        }
        Some(SessionTable { name: name?, region })
    }

    /// Attempts, pauses and timeouts of calls to AWS, in the function's own account.
    pub fn calls(&mut self) -> Settings {
        let defaults = Settings::default();
        let attempts =
            self.parsed("AUTOTAG_CALL_ATTEMPTS", "a whole number from 1", defaults.attempts).max(1);
        Settings {
            attempts,
            first_backoff: self.millis("AUTOTAG_FIRST_BACKOFF_MS", defaults.first_backoff),
            timeouts: Timeouts {
                connect: self.millis("AUTOTAG_CONNECT_TIMEOUT_MS", defaults.timeouts.connect),
                attempt: self.millis("AUTOTAG_CALL_TIMEOUT_MS", defaults.timeouts.attempt),
            },
            ..defaults
        }
    }

    /// The same, and which other accounts may be entered, and how.
    pub fn accounts(&mut self) -> Settings {
        let role = self.text("AUTOTAG_MEMBER_ROLE").map(|name| MemberRole {
            name,
            external_id: self.text("AUTOTAG_EXTERNAL_ID"),
            session_policy: self.text("AUTOTAG_SESSION_POLICY"),
        });
        for name in ["AUTOTAG_EXTERNAL_ID", "AUTOTAG_SESSION_POLICY"] {
            if self.text(name).is_some() && role.is_none() {
                self.problem(format!("{name} is set, but AUTOTAG_MEMBER_ROLE is not"));
            }
        }
        let allowed = self.allowed();
        if allowed != AccountScope::OwnOnly && role.is_none() {
            self.problem(
                "AUTOTAG_ACCOUNTS allows other accounts, but AUTOTAG_MEMBER_ROLE is not set".to_owned(),
            );
        }
        Settings { allowed, role, ..self.calls() }
    }

    fn allowed(&mut self) -> AccountScope {
        let Some(text) = self.text("AUTOTAG_ACCOUNTS") else { return AccountScope::OwnOnly };
        text.parse().unwrap_or_else(|why| {
            self.problem(format!("AUTOTAG_ACCOUNTS has {why}"));
            // Whatever was meant, it was not one's own account alone.
            AccountScope::Listed(BTreeSet::new())
        })
    }

    /// Where messages go that were received too often, if that is for the function to do.
    pub fn dead_letters(&mut self) -> Option<DeadLetters> {
        let after = self.parsed("AUTOTAG_MAX_RECEIVES", "the queue's maxReceiveCount, from 1", FIVE);
        let queue_url = self.text("AUTOTAG_DEAD_LETTER_QUEUE_URL")?;
        Some(DeadLetters { queue_url, after })
    }

    /// Ends the reading. A name that is spelt wrong would otherwise be a setting that does nothing.
    ///
    /// # Errors
    /// [`Problems`], if there are any.
    pub fn finish(mut self) -> Result<(), Problems> {
        let ours = self.variables.keys().filter(|name| name.starts_with(PREFIX));
        let mut unknown: Vec<&String> = ours.filter(|name| !self.known.contains(name.as_str())).collect();
        unknown.sort();
        let known: Vec<&str> = self.known.iter().copied().collect();
        for name in unknown {
            self.problems.push(format!("{name} is not known; known are {}", known.join(", ")));
        }
        if self.problems.is_empty() { Ok(()) } else { Err(Problems(self.problems)) }
    }
}
