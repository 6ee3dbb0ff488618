//! `session-handler`: the Lambda function that keeps STS sessions. It reads the payload of an invocation, finds the
//! sessions in it, and writes them to a store.
//!
//! It runs in every region whose STS is called (us-east-1 has the calls of the global endpoint), and writes to one
//! table. The handling of records is in `autotag-handlers`. This program has the configuration and the answer.

mod config;
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
        about: "Keeps the STS sessions of CloudTrail records in a DynamoDB table.",
    };

    type Config = Config;

    fn configure(environment: &mut Environment<'_>) -> Config {
        Config::read(environment)
    }

    fn log_level(config: &Config) -> LevelFilter {
        config.log_level
    }

    async fn start(config: Config, variables: &HashMap<String, String>) -> Result<Self, BoxError> {
        Ok(Self::new(config, variables)?)
    }

    async fn invoke(&self, payload: &str, context: &Context) -> Result<Value, Diagnostic> {
        Ok(self.work(payload, context).await?)
    }
}

fn main() -> ExitCode {
    autotag_lambda::run::<Worker>(std::env::args_os(), std::env::vars_os())
}
