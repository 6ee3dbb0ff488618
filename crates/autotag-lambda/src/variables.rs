//! The environment variables that both functions have. `docs/configuration.md` describes them in full.

/// An environment variable of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// One line for `--help`, with the default in brackets.
    pub help: &'static str,
    /// True if the function does not start without it.
    pub required: bool,
}

impl Variable {
    /// A variable that may be unset.
    pub const fn optional(name: &'static str, help: &'static str) -> Self {
        Self { name, help, required: false }
    }

    /// A variable that must be set.
    pub const fn required(name: &'static str, help: &'static str) -> Self {
        Self { name, help, required: true }
    }
}

/// How many operations of one invocation run at the same time.
pub const CONCURRENCY: Variable =
    Variable::optional("AUTOTAG_CONCURRENCY", "operations of one invocation at the same time [default: 16]");

/// The bucket of log file keys that name none.
pub const TRAIL_BUCKET: Variable = Variable::optional(
    "AUTOTAG_TRAIL_BUCKET",
    "bucket of log file keys whose payload names no bucket [default: none]",
);

/// The region of the session table.
pub const SESSION_REGION: Variable = Variable::optional(
    "AUTOTAG_SESSION_REGION",
    "region of the session table [default: the function's region]",
);

/// The dead-letter queue.
pub const DEAD_LETTER_QUEUE_URL: Variable = Variable::optional(
    "AUTOTAG_DEAD_LETTER_QUEUE_URL",
    "queue for messages that are not done at their last receive, with the reason [default: none]",
);

/// The queue's `maxReceiveCount`.
pub const MAX_RECEIVES: Variable = Variable::optional(
    "AUTOTAG_MAX_RECEIVES",
    "maxReceiveCount of the function's queue, used with a dead-letter queue [default: 5]",
);

/// Attempts of one call to AWS.
pub const CALL_ATTEMPTS: Variable = Variable::optional(
    "AUTOTAG_CALL_ATTEMPTS",
    "attempts of one call to AWS, the first included [default: 6]",
);

/// The longest pause before the second attempt.
pub const FIRST_BACKOFF: Variable = Variable::optional(
    "AUTOTAG_FIRST_BACKOFF_MS",
    "longest pause before the second attempt, in milliseconds; it doubles with each attempt [default: 200]",
);

/// The timeout of a connection.
pub const CONNECT_TIMEOUT: Variable = Variable::optional(
    "AUTOTAG_CONNECT_TIMEOUT_MS",
    "timeout of a connection, in milliseconds [default: 3000]",
);

/// The timeout of one attempt.
pub const CALL_TIMEOUT: Variable = Variable::optional(
    "AUTOTAG_CALL_TIMEOUT_MS",
    "timeout of one attempt, the connection included, in milliseconds [default: 10000]",
);

/// The accounts in scope.
pub const ACCOUNTS: Variable = Variable::optional(
    "AUTOTAG_ACCOUNTS",
    "other accounts in scope: own (none), organization, or account ids separated by commas [default: own]",
);

/// The role in other accounts.
pub const MEMBER_ROLE: Variable = Variable::optional(
    "AUTOTAG_MEMBER_ROLE",
    "name of the role to assume in other accounts, with its path [default: none]",
);

/// The external id of that role.
pub const EXTERNAL_ID: Variable = Variable::optional(
    "AUTOTAG_EXTERNAL_ID",
    "external id for the trust policy of the member role [default: none]",
);

/// The session policy of that role.
pub const SESSION_POLICY: Variable = Variable::optional(
    "AUTOTAG_SESSION_POLICY",
    "JSON policy that restricts sessions of the member role [default: none]",
);

/// The log level.
pub const LOG: Variable = Variable::optional("AUTOTAG_LOG", "log level: error, warn or info [default: info]");

/// The namespace of metrics.
pub const METRICS_NAMESPACE: Variable =
    Variable::optional("AUTOTAG_METRICS_NAMESPACE", "namespace of the metrics [default: autotag]");
