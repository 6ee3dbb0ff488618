//! The configuration: the environment, read once into one struct; all problems at once.

use autotag_aws::Settings;
use autotag_handlers::batch;
use autotag_lambda::environment::{DeadLetters, Environment, Problems, SessionTable};
use autotag_model::arn::Region;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;
use tracing_subscriber::filter::LevelFilter;

/// What the function is told by its environment.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) policy: PolicySource,
    pub(crate) rules: Vec<PathBuf>,
    pub(crate) accounts: Settings,
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) trail_bucket: Option<String>,
    pub(crate) sessions: Option<SessionTable>,
    pub(crate) second_look: Option<SecondLook>,
    pub(crate) identity_store: Option<Region>,
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

/// Where a record is put that is to be looked at again, and for how long it waits there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecondLook {
    pub(crate) queue_url: String,
    pub(crate) after: Duration,
}

/// The longest that SQS delays a message, in seconds; the STS record has come by then, or comes as good as never.
const LONGEST_DELAY: u64 = 900;

fn policy(environment: &mut Environment<'_>) -> PolicySource {
    let inline = environment.text("AUTOTAG_POLICY").map(PolicySource::Inline);
    let file = environment.text("AUTOTAG_POLICY_FILE").map(|path| PolicySource::File(path.into()));
    let parameter = environment.text("AUTOTAG_POLICY_PARAMETER").map(PolicySource::Parameter);
    let mut given: Vec<PolicySource> = [inline, file, parameter].into_iter().flatten().collect();
    if given.len() > 1 {
        let names = "AUTOTAG_POLICY, AUTOTAG_POLICY_FILE and AUTOTAG_POLICY_PARAMETER";
        environment.problem(format!("of {names} at most one may be set"));
    }
    given.pop().unwrap_or(PolicySource::BuiltIn)
}

fn second_look(environment: &mut Environment<'_>) -> Option<SecondLook> {
    const AFTER: &str = "AUTOTAG_SECOND_LOOK_SECONDS";
    let seconds = environment.parsed(AFTER, "seconds, from 0 to 900", LONGEST_DELAY);
    if seconds > LONGEST_DELAY {
        environment.problem(format!("{AFTER} is `{seconds}`: SQS delays a message by 900 seconds at most"));
    }
    let queue_url = environment.text("AUTOTAG_SECOND_LOOK_QUEUE_URL")?;
    if queue_url.to_ascii_lowercase().ends_with(".fifo") {
        let why = "a FIFO queue delays no single message, name a standard queue";
        environment.problem(format!("AUTOTAG_SECOND_LOOK_QUEUE_URL is `{queue_url}`: {why}"));
    }
    Some(SecondLook { queue_url, after: Duration::from_secs(seconds) })
}

impl Config {
    pub(crate) fn read(variables: &HashMap<String, String>) -> Result<Self, Problems> {
        let mut environment = Environment::new(variables);
        let from = &mut environment;
        let rules = from.text("AUTOTAG_RULES").unwrap_or_default();
        let config = Self {
            policy: policy(from),
            rules: rules.split(':').filter(|path| !path.is_empty()).map(PathBuf::from).collect(),
            accounts: from.accounts(),
            concurrency: from.parsed("AUTOTAG_CONCURRENCY", "a whole number from 1", batch::CONCURRENCY),
            trail_bucket: from.text("AUTOTAG_TRAIL_BUCKET"),
            sessions: from.session_table(),
            second_look: second_look(from),
            identity_store: from.region("AUTOTAG_IDENTITY_STORE_REGION"),
            dead_letters: from.dead_letters(),
            log_level: from.log_level(),
            metrics_namespace: from.metrics_namespace(),
        };
        if config.second_look.is_some() && config.sessions.is_none() {
            let why = "AUTOTAG_SESSION_TABLE is not: a second look would know no more than the first";
            environment.problem(format!("AUTOTAG_SECOND_LOOK_QUEUE_URL is set, but {why}"));
        }
        environment.finish()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_aws::AccountScope;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let environment =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::read(&environment).map_err(|problems| problems.0)
    }

    #[test]
    fn nothing_has_to_be_set() {
        let config = read(&[("PATH", "/bin")]).unwrap();
        assert_eq!(config.policy, PolicySource::BuiltIn);
        assert_eq!(config.accounts.allowed, AccountScope::OwnOnly);
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
            ("AUTOTAG_SESSION_REGION", "Ireland"),
            ("AUTOTAG_SECOND_LOOK_QUEUE_URL", "https://sqs.example/looks.fifo"),
            ("AUTOTAG_SECOND_LOOK_SECONDS", "901"),
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
            "AUTOTAG_SESSION_REGION is `Ireland`",
            "a FIFO queue",
            "900 seconds at most",
            "AUTOTAG_SECOND_LOOK_QUEUE_URL is set, but AUTOTAG_SESSION_TABLE is not",
        ] {
            assert!(problems.iter().any(|problem| problem.contains(part)), "{part}: {problems:?}");
        }
        assert_eq!(problems.len(), 11, "{problems:?}");
    }

    #[test]
    fn a_second_look_waits_as_long_as_sqs_can_hold_it_back() {
        let queue = ("AUTOTAG_SECOND_LOOK_QUEUE_URL", "https://sqs.example/looks");
        let config = read(&[("AUTOTAG_SESSION_TABLE", "sessions"), queue]).unwrap();
        let looks = config.second_look.unwrap();
        assert_eq!((looks.queue_url.as_str(), looks.after), (queue.1, Duration::from_mins(15)));
    }

    #[test]
    fn accounts_and_their_role() {
        let config = read(&[
            ("AUTOTAG_ACCOUNTS", "111122223333,444455556666"),
            ("AUTOTAG_MEMBER_ROLE", "autotag-member"),
            ("AUTOTAG_EXTERNAL_ID", "e"),
        ])
        .unwrap();
        let AccountScope::Listed(accounts) = config.accounts.allowed else { panic!() };
        assert_eq!(accounts.len(), 2);
        assert_eq!(config.accounts.role.unwrap().external_id.as_deref(), Some("e"));
    }
}
