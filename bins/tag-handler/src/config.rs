//! The configuration: the environment, read once into one struct; all problems at once.

use autotag_handlers::batch;
use aws_accounts::{Allowed, MemberRole, Settings, Timeouts};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tracing_subscriber::filter::LevelFilter;

/// What begins the name of every variable of ours.
const PREFIX: &str = "AUTOTAG_";

/// How often SQS lets a message be received, where nothing else is said.
const FIVE: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// What the function is told by its environment.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) policy: PolicySource,
    pub(crate) rules: Vec<PathBuf>,
    pub(crate) accounts: Settings,
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) trail_bucket: Option<String>,
    pub(crate) dead_letters: Option<DeadLetters>,
    pub(crate) log_level: LevelFilter,
    pub(crate) metrics_namespace: String,
}

/// Where the tag policy stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PolicySource {
    BuiltIn,
    Inline(String),
    File(PathBuf),
    Parameter(String),
}

/// Where messages go that were received as often as their queue allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadLetters {
    pub(crate) queue_url: String,
    pub(crate) after: NonZeroU32,
}

/// Everything that is wrong with the environment.
#[derive(Debug)]
pub(crate) struct Problems(pub(crate) Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wrong configuration: {}", self.0.join("; "))
    }
}

impl std::error::Error for Problems {}

/// The environment while it is read: what is wrong is noted, and what is known by name.
struct Reader<'e> {
    environment: &'e HashMap<String, String>,
    known: BTreeSet<&'static str>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.insert(name);
        self.environment.get(name).filter(|value| !value.is_empty()).cloned()
    }

    fn parsed<N: FromStr>(&mut self, name: &'static str, expected: &str, default: N) -> N {
        let Some(text) = self.text(name) else { return default };
        text.parse().unwrap_or_else(|_| {
            self.problems.push(format!("{name} is `{text}`: expected {expected}"));
            default
        })
    }

    fn millis(&mut self, name: &'static str, default: Duration) -> Duration {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.parsed(name, "milliseconds, a whole number", default))
    }

    fn policy(&mut self) -> PolicySource {
        let inline = self.text("AUTOTAG_POLICY").map(PolicySource::Inline);
        let file = self.text("AUTOTAG_POLICY_FILE").map(|path| PolicySource::File(path.into()));
        let parameter = self.text("AUTOTAG_POLICY_PARAMETER").map(PolicySource::Parameter);
        let mut given: Vec<PolicySource> = [inline, file, parameter].into_iter().flatten().collect();
        if given.len() > 1 {
            let names = "AUTOTAG_POLICY, AUTOTAG_POLICY_FILE and AUTOTAG_POLICY_PARAMETER";
            self.problems.push(format!("of {names} at most one may be set"));
        }
        given.pop().unwrap_or(PolicySource::BuiltIn)
    }

    fn accounts(&mut self) -> Settings {
        let defaults = Settings::default();
        let role = self.text("AUTOTAG_MEMBER_ROLE").map(|name| MemberRole {
            name,
            external_id: self.text("AUTOTAG_EXTERNAL_ID"),
            session_policy: self.text("AUTOTAG_SESSION_POLICY"),
        });
        for name in ["AUTOTAG_EXTERNAL_ID", "AUTOTAG_SESSION_POLICY"] {
            if self.text(name).is_some() && role.is_none() {
                self.problems.push(format!("{name} is set, but AUTOTAG_MEMBER_ROLE is not"));
            }
        }
        let allowed = self.allowed();
        if allowed != Allowed::OwnOnly && role.is_none() {
            self.problems.push(
                "AUTOTAG_ACCOUNTS allows other accounts, but AUTOTAG_MEMBER_ROLE is not set".to_owned(),
            );
        }
        let attempts =
            self.parsed("AUTOTAG_CALL_ATTEMPTS", "a whole number from 1", defaults.attempts).max(1);
        Settings {
            allowed,
            role,
            attempts,
            first_backoff: self.millis("AUTOTAG_FIRST_BACKOFF_MS", defaults.first_backoff),
            timeouts: Timeouts {
                connect: self.millis("AUTOTAG_CONNECT_TIMEOUT_MS", defaults.timeouts.connect),
                attempt: self.millis("AUTOTAG_CALL_TIMEOUT_MS", defaults.timeouts.attempt),
            },
        }
    }

    fn allowed(&mut self) -> Allowed {
        let Some(text) = self.text("AUTOTAG_ACCOUNTS") else { return Allowed::OwnOnly };
        text.parse().unwrap_or_else(|why| {
            self.problems.push(format!("AUTOTAG_ACCOUNTS has {why}"));
            // Whatever was meant, it was not one's own account alone.
            Allowed::Listed(BTreeSet::new())
        })
    }

    fn dead_letters(&mut self) -> Option<DeadLetters> {
        let after = self.parsed("AUTOTAG_MAX_RECEIVES", "the queue's maxReceiveCount, from 1", FIVE);
        let queue_url = self.text("AUTOTAG_DEAD_LETTER_QUEUE_URL")?;
        Some(DeadLetters { queue_url, after })
    }

    /// A name that is spelt wrong would otherwise be a setting that does nothing.
    fn unknown(&mut self) {
        let ours = self.environment.keys().filter(|name| name.starts_with(PREFIX));
        let mut unknown: Vec<&String> = ours.filter(|name| !self.known.contains(name.as_str())).collect();
        unknown.sort();
        for name in unknown {
            let known: Vec<&str> = self.known.iter().copied().collect();
            self.problems.push(format!("{name} is not known; known are {}", known.join(", ")));
        }
    }
}

impl Config {
    pub(crate) fn read(environment: &HashMap<String, String>) -> Result<Self, Problems> {
        let mut reader = Reader { environment, known: BTreeSet::new(), problems: Vec::new() };
        let rules = reader.text("AUTOTAG_RULES").unwrap_or_default();
        let config = Self {
            policy: reader.policy(),
            rules: rules.split(':').filter(|path| !path.is_empty()).map(PathBuf::from).collect(),
            accounts: reader.accounts(),
            concurrency: reader.parsed("AUTOTAG_CONCURRENCY", "a whole number from 1", batch::CONCURRENCY),
            trail_bucket: reader.text("AUTOTAG_TRAIL_BUCKET"),
            dead_letters: reader.dead_letters(),
            log_level: reader.parsed("AUTOTAG_LOG", "error, warn, info, debug or trace", LevelFilter::INFO),
            metrics_namespace: reader
                .text("AUTOTAG_METRICS_NAMESPACE")
                .unwrap_or_else(|| "autotag".to_owned()),
        };
        reader.unknown();
        if reader.problems.is_empty() { Ok(config) } else { Err(Problems(reader.problems)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let environment =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::read(&environment).map_err(|problems| problems.0)
    }

    #[test]
    fn nothing_has_to_be_set() {
        let config = read(&[("PATH", "/bin")]).unwrap();
        assert_eq!(config.policy, PolicySource::BuiltIn);
        assert_eq!(config.accounts.allowed, Allowed::OwnOnly);
        assert_eq!(config.concurrency, batch::CONCURRENCY);
        assert_eq!(config.dead_letters, None);
    }

    #[test]
    fn all_problems_are_said_at_once() {
        let problems = read(&[
            ("AUTOTAG_CONCURRENCY", "0"),
            ("AUTOTAG_CALL_TIMEOUT_MS", "soon"),
            ("AUTOTAG_ACCOUNTS", "111122223333, 12"),
            ("AUTOTAG_POLICY", "x"),
            ("AUTOTAG_POLICY_FILE", "y"),
            ("AUTOTAG_CONCURENCY", "4"),
            ("AUTOTAG_EXTERNAL_ID", "e"),
        ])
        .unwrap_err();
        for part in [
            "AUTOTAG_CONCURRENCY is `0`",
            "AUTOTAG_CALL_TIMEOUT_MS is `soon`",
            "`12`",
            "at most one",
            "AUTOTAG_CONCURENCY is not known",
            "AUTOTAG_EXTERNAL_ID is set, but AUTOTAG_MEMBER_ROLE is not",
            "AUTOTAG_ACCOUNTS allows other accounts",
        ] {
            assert!(problems.iter().any(|problem| problem.contains(part)), "{part}: {problems:?}");
        }
        assert_eq!(problems.len(), 7, "{problems:?}");
    }

    #[test]
    fn accounts_and_their_role() {
        let config = read(&[
            ("AUTOTAG_ACCOUNTS", "111122223333,444455556666"),
            ("AUTOTAG_MEMBER_ROLE", "autotag-member"),
            ("AUTOTAG_EXTERNAL_ID", "e"),
        ])
        .unwrap();
        let Allowed::Listed(accounts) = config.accounts.allowed else { panic!() };
        assert_eq!(accounts.len(), 2);
        assert_eq!(config.accounts.role.unwrap().external_id.as_deref(), Some("e"));
    }
}
