//! `tag-handler`: the Lambda function that writes tags. Delivery -> batch -> answer.
//!
//! What it does with a record is in `autotag-handlers`; here are its configuration, its logs and its answer.

mod config;
mod metrics;
mod second_look;
mod work;

use anyhow::{Context as _, Result};
use autotag_lambda::{log, version};
use config::Config;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::value::RawValue;
use std::sync::Arc;
use work::Worker;

/// Under which name this program logs.
const TARGET: &str = "tag_handler";

fn main() -> Result<()> {
    if version::is_asked_for(std::env::args_os()) {
        return version::say(env!("CARGO_PKG_NAME")).context("cannot print the version");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(serve())
}

async fn serve() -> Result<()> {
    let environment = std::env::vars().collect();
    let config = log::configured(TARGET, Config::read(&environment), |config| config.log_level)?;
    let worker = Arc::new(Worker::start(config).await?);
    let handle = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let worker = Arc::clone(&worker);
        async move { worker.invoke(event.payload.get(), &event.context).await }
    });
    lambda_runtime::run(handle).await.map_err(|error| anyhow::anyhow!("{error}"))
}
