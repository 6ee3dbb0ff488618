//! The reasons why a deployment stops.

use autotag_aws::CallError;
use autotag_aws::query::QueryError;

/// Why something was not deployed, shown or removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeployError {
    /// The arguments or files are wrong. Nothing was changed.
    #[error("{0}")]
    Usage(String),
    /// AWS did not answer a call, or refused it.
    #[error("{}", .0.with_message())]
    Query(#[from] QueryError),
    /// S3 did not answer a call, or refused it.
    #[error("{action} answered {}", coded(.error))]
    Storage {
        /// The action in the words of IAM: `s3:PutObject`.
        action: String,
        /// The error.
        error: CallError,
    },
    /// A stack is not as it was asked for.
    #[error("stack `{stack}` in {region}: {what}{}", listed(.reasons))]
    Stack {
        /// The name of the stack.
        stack: String,
        /// Its region.
        region: String,
        /// How it ended, and what to do.
        what: String,
        /// The reasons of `CloudFormation` for each resource that failed, the first one first.
        reasons: Vec<String>,
    },
    /// A decision or repair that a person has to make first.
    #[error("{0}")]
    Stopped(String),
}

impl DeployError {
    /// A wrong usage.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// A decision or repair that a person has to make first.
    pub fn stopped(message: impl Into<String>) -> Self {
        Self::Stopped(message.into())
    }

    /// True if AWS denied the call.
    pub fn is_denied(&self) -> bool {
        use autotag_model::failure::{ErrorClass, classify};
        match self {
            Self::Query(error) => error.class == ErrorClass::Denied,
            Self::Storage { error, .. } => classify(&error.code, error.status) == ErrorClass::Denied,
            _ => false,
        }
    }
}

fn coded(error: &CallError) -> String {
    match &error.message {
        Some(message) => format!("{}: {message}", error.code),
        None => error.code.clone(),
    }
}

fn listed(reasons: &[String]) -> String {
    let line = |reason: &String| format!("\n  {reason}");
    reasons.iter().map(line).collect()
}
