//! The configuration: the environment, read once into one struct; all problems at once.

use autotag_aws::Settings;
use autotag_lambda::environment::{DeadLetters, Environment, Problems, SessionTable};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use tracing_subscriber::filter::LevelFilter;

/// How many puts wait at the same time, where nothing else is said.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);

/// What the function is told by its environment.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) table: SessionTable,
    pub(crate) accounts: Settings,
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) trail_bucket: Option<String>,
    pub(crate) dead_letters: Option<DeadLetters>,
    pub(crate) log_level: LevelFilter,
    pub(crate) metrics_namespace: String,
}

impl Config {
    pub(crate) fn read(variables: &HashMap<String, String>) -> Result<Self, Problems> {
        let mut environment = Environment::new(variables);
        let from = &mut environment;
        let table = from.session_table().unwrap_or_else(|| {
            from.problem("AUTOTAG_SESSION_TABLE is not set: the name of the table for sessions".to_owned());
            SessionTable { name: String::new(), region: None }
        });
        let config = Self {
            table,
            accounts: from.calls(),
            concurrency: from.parsed("AUTOTAG_CONCURRENCY", "a whole number from 1", CONCURRENCY),
            trail_bucket: from.text("AUTOTAG_TRAIL_BUCKET"),
            dead_letters: from.dead_letters(),
            log_level: from.log_level(),
            metrics_namespace: from.metrics_namespace(),
        };
        environment.finish()?;
        Ok(config)
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
    fn only_the_table_has_to_be_named() {
        let config = read(&[("AUTOTAG_SESSION_TABLE", "sessions")]).unwrap();
        assert_eq!(config.table, SessionTable { name: "sessions".to_owned(), region: None });
        assert_eq!(config.dead_letters, None);
    }

    #[test]
    fn all_problems_are_said_at_once() {
        let problems =
            read(&[("AUTOTAG_SESSION_REGION", "Ireland"), ("AUTOTAG_POLICY_FILE", "autotag.toml")])
                .unwrap_err();
        for part in ["AUTOTAG_SESSION_TABLE is not set", "`Ireland`", "AUTOTAG_POLICY_FILE is not known"] {
            assert!(problems.iter().any(|problem| problem.contains(part)), "{part}: {problems:?}");
        }
    }
}
