//! The configuration, read from the environment.

use autotag_aws::Settings;
use autotag_lambda::environment::{DeadLetterQueue, Environment, SessionTable};
use autotag_lambda::variables::{self, Variable};
use std::num::NonZeroUsize;
use tracing_subscriber::filter::LevelFilter;

/// The table of sessions.
const SESSION_TABLE: Variable =
    Variable::required("AUTOTAG_SESSION_TABLE", "name of the DynamoDB table of STS sessions");

/// The default number of concurrent reads and puts.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);

/// The settings of the function.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) table: SessionTable,
    pub(crate) accounts: Settings,
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) trail_bucket: Option<String>,
    pub(crate) dead_letter_queue: Option<DeadLetterQueue>,
    pub(crate) log_level: LevelFilter,
    pub(crate) metrics_namespace: String,
}

impl Config {
    /// Reads all variables. The caller reports the problems with [`Environment::finish`].
    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        let table = environment.session_table(SESSION_TABLE).unwrap_or_else(|| {
            environment
                .error("AUTOTAG_SESSION_TABLE is not set: the name of the table for sessions".to_owned());
            SessionTable { name: String::new(), region: None }
        });
        Self {
            table,
            accounts: environment.call_settings(),
            concurrency: environment.parsed(variables::CONCURRENCY, "a whole number from 1", CONCURRENCY),
            trail_bucket: environment.text(variables::TRAIL_BUCKET),
            dead_letter_queue: environment.dead_letter_queue(),
            log_level: environment.log_level(),
            metrics_namespace: environment.metrics_namespace(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let values = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut environment = Environment::new(&values);
        let config = Config::read(&mut environment);
        environment.finish().map_err(|errors| errors.messages().to_vec()).map(|()| config)
    }

    #[test]
    fn only_the_table_must_be_set() {
        let config = read(&[("AUTOTAG_SESSION_TABLE", "sessions")]).unwrap();
        assert_eq!(config.table, SessionTable { name: "sessions".to_owned(), region: None });
        assert_eq!(config.dead_letter_queue, None);
    }

    #[test]
    fn all_problems_are_reported_together() {
        let problems =
            read(&[("AUTOTAG_SESSION_REGION", "Ireland"), ("AUTOTAG_POLICY_FILE", "autotag.toml")])
                .unwrap_err();
        for part in ["AUTOTAG_SESSION_TABLE is not set", "`Ireland`", "AUTOTAG_POLICY_FILE is not known"] {
            assert!(problems.iter().any(|problem| problem.contains(part)), "{part}: {problems:?}");
        }
    }
}
