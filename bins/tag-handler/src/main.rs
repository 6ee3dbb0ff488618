//! `tag-handler`: the Lambda function that writes owner tags. It reads the payload of an invocation, plans the
//! tags, writes them, and answers.
//!
//! The handling of records is in `autotag-handlers`. This program has the configuration, the logs and the answer.

mod config;
mod ledger;
mod metrics;
mod recheck;
mod records;
mod tamper;
mod work;

use autotag_lambda::environment::Environment;
use autotag_lambda::function::BoxError;
use autotag_lambda::{Function, Program};
use config::Config;
use lambda_runtime::{Context, Diagnostic};
use serde_json::Value;
use std::collections::HashMap;
use std::process::ExitCode;
use tracing_subscriber::filter::LevelFilter;
use work::Worker;

impl Function for Worker {
    const PROGRAM: Program = Program {
        name: env!("CARGO_PKG_NAME"),
        log_target: env!("CARGO_CRATE_NAME"),
        about: "Writes owner tags onto the resources that CloudTrail records report as created.",
    };

    type Config = Config;

    fn configure(environment: &mut Environment<'_>) -> Config {
        Config::read(environment)
    }

    fn log_level(config: &Config) -> LevelFilter {
        config.log_level
    }

    async fn start(config: Config, variables: &HashMap<String, String>) -> Result<Self, BoxError> {
        Ok(Self::start(config, variables).await?)
    }

    async fn invoke(&self, payload: &str, context: &Context) -> Result<Value, Diagnostic> {
        Ok(self.invoke(payload, context).await?)
    }
}

fn main() -> ExitCode {
    autotag_lambda::run::<Worker>(std::env::args_os(), std::env::vars_os())
}
