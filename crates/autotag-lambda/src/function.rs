//! The `main` of a function: arguments, configuration, logs, and Lambda's runtime.

use crate::arguments::{Program, Request};
use crate::environment::{ConfigErrors, Environment};
use crate::log;
use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use tracing_subscriber::filter::LevelFilter;

/// An error that ends a program.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Wrong usage or configuration.
const WRONG_USAGE: u8 = 2;

/// Variables that Lambda sets, and without which its runtime library panics.
const LAMBDA_VARIABLES: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// A Lambda function. [`run`] is its `main`.
pub trait Function: Sized + 'static {
    /// Its program, for `--help` and the logs.
    const PROGRAM: Program;

    /// Its configuration.
    type Config;

    /// Reads the configuration. Every variable is read, also if another one is wrong or unset, so that `--help` and the errors
    /// know all of them.
    fn configure(environment: &mut Environment<'_>) -> Self::Config;

    /// The log level of a configuration.
    fn log_level(config: &Self::Config) -> LevelFilter;

    /// Starts the function, before its first invocation. `variables` are all of its environment, with the credentials that
    /// Lambda sets.
    fn start(
        config: Self::Config,
        variables: &HashMap<String, String>,
    ) -> impl Future<Output = Result<Self, BoxError>>;

    /// Handles one invocation.
    fn invoke(&self, payload: &str, context: &Context) -> impl Future<Output = Result<Value, Diagnostic>>;
}

/// An invocation that fails as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct InvocationError {
    /// The `errorType` that Lambda shows.
    pub kind: &'static str,
    /// The `errorMessage` that Lambda shows.
    pub message: String,
}

impl InvocationError {
    /// An error of type `kind`, with the message of `error`.
    pub fn new(kind: &'static str, error: &impl ToString) -> Self {
        Self { kind, message: error.to_string() }
    }
}

impl From<InvocationError> for Diagnostic {
    fn from(error: InvocationError) -> Self {
        Self { error_type: error.kind.to_owned(), error_message: error.message }
    }
}

/// The present time. Only programs read the clock; the libraries are given it.
#[expect(clippy::disallowed_methods, reason = "programs read the clock, libraries are given it")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Runs a function with the arguments and the environment of its process.
///
/// Exit codes: 0 after `--help` and `--version`; 1 if the function cannot start, for example without credentials, or
/// if Lambda's runtime fails; 2 for an unknown
/// argument, a wrong configuration, or a start outside of Lambda.
pub fn run<F: Function>(
    arguments: impl Iterator<Item = OsString>,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> ExitCode {
    let program = F::PROGRAM;
    match Request::read(arguments) {
        Request::Help => print(&help::<F>()),
        Request::Version => print(&format!("{}\n", program.version())),
        Request::Unknown(argument) => {
            let why = format!("unexpected argument `{argument}`; see `{} --help`", program.name);
            fail(&program, WRONG_USAGE, &*BoxError::from(why))
        }
        Request::Serve => {
            // A variable that is not Unicode does not belong to autotag.
            let text = |(name, value): (OsString, OsString)| {
                Some((name.into_string().ok()?, value.into_string().ok()?))
            };
            serve::<F>(&environment.filter_map(text).collect())
        }
    }
}

/// The text of `--help`. Reading an empty environment tells which variables the function has.
fn help<F: Function>() -> String {
    let nothing = HashMap::new();
    let mut environment = Environment::new(&nothing);
    F::configure(&mut environment);
    F::PROGRAM.help(&environment.variables().collect::<Vec<_>>())
}

fn serve<F: Function>(variables: &HashMap<String, String>) -> ExitCode {
    let program = F::PROGRAM;
    let config = match configure::<F>(variables) {
        Ok(config) => config,
        Err(errors) => return fail(&program, WRONG_USAGE, &errors),
    };
    if let Some(missing) = LAMBDA_VARIABLES.iter().find(|name| !variables.contains_key(**name)) {
        let why = format!(
            "{missing} is not set: Lambda starts this program and sets it; see `{} --help`",
            program.name
        );
        return fail(&program, WRONG_USAGE, &*BoxError::from(why));
    }
    // A process handles one invocation at a time and mostly waits for AWS, so more threads would not help. Log
    // files are read on threads of their own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime
        .map_err(BoxError::from)
        .and_then(|runtime| runtime.block_on(invocations::<F>(config, variables)))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&program, 1, &*error),
    }
}

/// Reads the configuration and starts the logs. Logs every problem of the configuration.
fn configure<F: Function>(variables: &HashMap<String, String>) -> Result<F::Config, ConfigErrors> {
    let mut environment = Environment::new(variables);
    let config = F::configure(&mut environment);
    let read = environment.finish();
    let level = read.as_ref().map_or(LevelFilter::INFO, |()| F::log_level(&config));
    log::start(F::PROGRAM.log_target, level);
    for problem in read.as_ref().err().map(ConfigErrors::messages).unwrap_or_default() {
        tracing::error!(problem, "configuration");
    }
    read.map(|()| config)
}

/// Handles invocations until Lambda ends the process.
async fn invocations<F: Function>(
    config: F::Config,
    variables: &HashMap<String, String>,
) -> Result<(), BoxError> {
    let function = Arc::new(F::start(config, variables).await?);
    let handle = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let function = Arc::clone(&function);
        async move { function.invoke(event.payload.get(), &event.context).await }
    });
    lambda_runtime::run(handle).await
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Writes an error and its causes to stderr.
fn fail(program: &Program, code: u8, error: &dyn Error) -> ExitCode {
    let mut text = format!("{}: {error}", program.name);
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    // Without stderr only the exit code is left.
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::from(code)
}
