//! The configuration, read from the environment.

use autotag_aws::{AccountScope, Settings};
use autotag_handlers::plan;
use autotag_handlers::tamper::OwnRoles;
use autotag_lambda::environment::{DeadLetterQueue, Environment, SessionTable};
use autotag_lambda::variables::{self, Variable};
use autotag_model::arn::{Arn, Region};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;
use tracing_subscriber::filter::LevelFilter;

const POLICY: Variable =
    Variable::optional("AUTOTAG_POLICY", "tag policy as TOML [default: the built-in policy]");
const POLICY_FILE: Variable = Variable::optional(
    "AUTOTAG_POLICY_FILE",
    "file of the tag policy, in the function's package [default: none]",
);
const POLICY_PARAMETER: Variable =
    Variable::optional("AUTOTAG_POLICY_PARAMETER", "SSM parameter with the tag policy [default: none]");
const ACCOUNTS_PARAMETER: Variable = Variable::optional(
    "AUTOTAG_ACCOUNTS_PARAMETER",
    "SSM parameter with the other accounts in scope: ids separated by commas; for lists that are too long for the \
     environment [default: none]",
);
const RULES: Variable =
    Variable::optional("AUTOTAG_RULES", "additional rule files, separated by colons [default: none]");
const SESSION_TABLE: Variable = Variable::optional(
    "AUTOTAG_SESSION_TABLE",
    "DynamoDB table in which session-handler keeps STS sessions [default: none]",
);
const LEDGER_TABLE: Variable = Variable::optional(
    "AUTOTAG_LEDGER_TABLE",
    "DynamoDB table of the ledger, in the function's own region [default: none, no ledger]",
);
const OWN_ROLES: Variable = Variable::optional(
    "AUTOTAG_OWN_ROLES",
    "ARNs of the roles with which autotag writes tags, separated by commas: changes of identity tags by all others are \
     watched; needs AUTOTAG_LEDGER_TABLE [default: none, tags are not watched]",
);
const RECHECK_QUEUE_URL: Variable = Variable::optional(
    "AUTOTAG_SECOND_LOOK_QUEUE_URL",
    "queue for rechecks of creations whose session is not known yet [default: none, no rechecks]",
);
const RECHECK_SECONDS: Variable = Variable::optional(
    "AUTOTAG_SECOND_LOOK_SECONDS",
    "delay of a recheck in seconds, 0 to 900 [default: 900]",
);
const IDENTITY_STORE_REGION: Variable = Variable::optional(
    "AUTOTAG_IDENTITY_STORE_REGION",
    "region of the identity store of Identity Center, for user names [default: none]",
);
const IDENTITY_STORES: Variable = Variable::optional(
    "AUTOTAG_IDENTITY_STORES",
    "ARNs of the identity stores to ask for user names, separated by commas [default: those of the function's own account]",
);

/// The settings of the function.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) policy: PolicySource,
    pub(crate) rules: Vec<PathBuf>,
    pub(crate) accounts: Settings,
    /// The SSM parameter that lists the accounts in scope.
    pub(crate) accounts_parameter: Option<String>,
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) trail_bucket: Option<String>,
    pub(crate) sessions: Option<SessionTable>,
    pub(crate) ledger_table: Option<String>,
    /// The roles with which autotag writes, where tags are watched.
    pub(crate) own_roles: Option<OwnRoles>,
    pub(crate) recheck_queue: Option<RecheckQueue>,
    pub(crate) identity_store: Option<IdentityStore>,
    pub(crate) dead_letter_queue: Option<DeadLetterQueue>,
    pub(crate) log_level: LevelFilter,
    pub(crate) metrics_namespace: String,
}

/// The place of the tag policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PolicySource {
    BuiltIn,
    Inline(String),
    File(PathBuf),
    Parameter(String),
}

/// The source of the names of Identity Center users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdentityStore {
    pub(crate) region: Region,
    /// The stores that may be asked. Without any, those of the function's own account.
    pub(crate) trusted: Vec<Arn>,
}

/// The queue for rechecks, and their delay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecheckQueue {
    pub(crate) queue_url: String,
    pub(crate) after: Duration,
}

/// The longest delay of a message that SQS supports, in seconds. An STS record that has not arrived by then rarely arrives
/// later.
const LONGEST_DELAY: u64 = 900;

fn policy(environment: &mut Environment<'_>) -> PolicySource {
    let inline = environment.text(POLICY).map(PolicySource::Inline);
    let file = environment.text(POLICY_FILE).map(|path| PolicySource::File(path.into()));
    let parameter = environment.text(POLICY_PARAMETER).map(PolicySource::Parameter);
    let mut given: Vec<PolicySource> = [inline, file, parameter].into_iter().flatten().collect();
    if given.len() > 1 {
        let names = "AUTOTAG_POLICY, AUTOTAG_POLICY_FILE and AUTOTAG_POLICY_PARAMETER";
        environment.error(format!("set at most one of {names}"));
    }
    given.pop().unwrap_or(PolicySource::BuiltIn)
}

fn own_roles(environment: &mut Environment<'_>, config: &Config) -> Option<OwnRoles> {
    let text = environment.text(OWN_ROLES)?;
    let name = OWN_ROLES.name;
    if config.ledger_table.is_none() {
        environment
            .error(format!("{name} is set, but {} is not: tags are compared with it", LEDGER_TABLE.name));
    }
    match OwnRoles::new(text.split(',').map(str::trim).filter(|arn| !arn.is_empty())) {
        Ok(roles) => {
            let member = config.accounts.role.as_ref().map(|role| role.name.as_str());
            Some(member.map_or(roles.clone(), |member| roles.with_member_role(member)))
        }
        Err(error) => {
            environment.error(format!("{name}: {error}"));
            None
        }
    }
}

fn recheck_queue(environment: &mut Environment<'_>) -> Option<RecheckQueue> {
    let seconds = environment.parsed(RECHECK_SECONDS, "seconds, from 0 to 900", LONGEST_DELAY);
    if seconds > LONGEST_DELAY {
        let name = RECHECK_SECONDS.name;
        environment.error(format!("{name} is `{seconds}`: SQS delays a message by 900 seconds at most"));
    }
    let queue_url = environment.text(RECHECK_QUEUE_URL)?;
    if queue_url.to_ascii_lowercase().ends_with(".fifo") {
        let why = "a FIFO queue cannot delay a single message; name a standard queue";
        environment.error(format!("{} is `{queue_url}`: {why}", RECHECK_QUEUE_URL.name));
    }
    Some(RecheckQueue { queue_url, after: Duration::from_secs(seconds) })
}

fn identity_store(environment: &mut Environment<'_>) -> Option<IdentityStore> {
    let region = environment.region(IDENTITY_STORE_REGION);
    let text = environment.text(IDENTITY_STORES).unwrap_or_default();
    let mut trusted = Vec::new();
    for text in text.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        match text.parse::<Arn>().ok().filter(is_identity_store) {
            Some(store) => trusted.push(store),
            None => environment.error(format!(
                "{} has `{text}`: expected the ARN of an identity store, for example \
                 arn:aws:identitystore::111122223333:identitystore/d-1234567890",
                IDENTITY_STORES.name
            )),
        }
    }
    if region.is_none() && !text.is_empty() {
        environment
            .error(format!("{} is set, but {} is not", IDENTITY_STORES.name, IDENTITY_STORE_REGION.name));
    }
    Some(IdentityStore { region: region?, trusted })
}

fn is_identity_store(arn: &Arn) -> bool {
    let id = arn.resource().strip_prefix("identitystore/").unwrap_or_default();
    arn.service() == "identitystore" && arn.account().is_some() && !id.is_empty()
}

impl Config {
    /// Reads all variables. The caller reports the problems with [`Environment::finish`].
    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        let rules = environment.text(RULES).unwrap_or_default();
        let expected = "a whole number from 1";
        let mut config = Self {
            policy: policy(environment),
            rules: rules.split(':').filter(|path| !path.is_empty()).map(PathBuf::from).collect(),
            accounts: environment.account_settings(),
            accounts_parameter: environment.text(ACCOUNTS_PARAMETER),
            concurrency: environment.parsed(variables::CONCURRENCY, expected, plan::CONCURRENCY),
            trail_bucket: environment.text(variables::TRAIL_BUCKET),
            sessions: environment.session_table(SESSION_TABLE),
            ledger_table: environment.text(LEDGER_TABLE),
            own_roles: None,
            recheck_queue: recheck_queue(environment),
            identity_store: identity_store(environment),
            dead_letter_queue: environment.dead_letter_queue(),
            log_level: environment.log_level(),
            metrics_namespace: environment.metrics_namespace(),
        };
        config.own_roles = own_roles(environment, &config);
        if config.accounts_parameter.is_some() {
            if config.accounts.allowed != AccountScope::OwnOnly {
                environment
                    .error(format!("set at most one of AUTOTAG_ACCOUNTS and {}", ACCOUNTS_PARAMETER.name));
            }
            if config.accounts.role.is_none() {
                let why = "AUTOTAG_MEMBER_ROLE is not";
                environment.error(format!("{} is set, but {why}", ACCOUNTS_PARAMETER.name));
            }
        }
        if config.recheck_queue.is_some() && config.sessions.is_none() {
            let why = "AUTOTAG_SESSION_TABLE is not: a recheck needs the sessions of the table";
            environment.error(format!("{} is set, but {why}", RECHECK_QUEUE_URL.name));
        }
        config
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
    fn nothing_has_to_be_set() {
        let config = read(&[("PATH", "/bin")]).unwrap();
        assert_eq!(config.policy, PolicySource::BuiltIn);
        assert_eq!(config.accounts.allowed, AccountScope::OwnOnly);
        assert_eq!(config.concurrency, plan::CONCURRENCY);
        assert_eq!(config.dead_letter_queue, None);
    }

    #[test]
    fn all_problems_are_reported_together() {
        let problems = read(&[
            ("AUTOTAG_CONCURRENCY", "0"),
            ("AUTOTAG_CALL_TIMEOUT_MS", "soon"),
            ("AUTOTAG_ACCOUNTS", "111122223333, 12"),
            ("AUTOTAG_POLICY", "x"),
            ("AUTOTAG_POLICY_FILE", "y"),
            ("AUTOTAG_CONCURENCY", "4"),
            ("AUTOTAG_EXTERNAL_ID", "e"),
            ("AUTOTAG_SESSION_REGION", "Ireland"),
            ("AUTOTAG_IDENTITY_STORES", "d-1234567890"),
            ("AUTOTAG_SECOND_LOOK_QUEUE_URL", "https://sqs.example/looks.fifo"),
            ("AUTOTAG_SECOND_LOOK_SECONDS", "901"),
            ("AUTOTAG_OWN_ROLES", "autotag-tag-handler"),
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
            "AUTOTAG_IDENTITY_STORES has `d-1234567890`",
            "AUTOTAG_IDENTITY_STORES is set, but AUTOTAG_IDENTITY_STORE_REGION is not",
            "a FIFO queue",
            "900 seconds at most",
            "AUTOTAG_SECOND_LOOK_QUEUE_URL is set, but AUTOTAG_SESSION_TABLE is not",
            "AUTOTAG_OWN_ROLES is set, but AUTOTAG_LEDGER_TABLE is not",
            "AUTOTAG_OWN_ROLES: `autotag-tag-handler` is not the ARN of a role",
        ] {
            assert!(problems.iter().any(|problem| problem.contains(part)), "{part}: {problems:?}");
        }
        assert_eq!(problems.len(), 15, "{problems:?}");
    }

    #[test]
    fn recheck_delay_defaults_to_the_longest_of_sqs() {
        let queue = ("AUTOTAG_SECOND_LOOK_QUEUE_URL", "https://sqs.example/looks");
        let config = read(&[("AUTOTAG_SESSION_TABLE", "sessions"), queue]).unwrap();
        let recheck = config.recheck_queue.unwrap();
        assert_eq!((recheck.queue_url.as_str(), recheck.after), (queue.1, Duration::from_mins(15)));
    }

    #[test]
    fn identity_stores_are_named_by_their_arns() {
        let region = ("AUTOTAG_IDENTITY_STORE_REGION", "eu-north-1");
        let of_own_account = read(&[region]).unwrap().identity_store.unwrap();
        assert_eq!(of_own_account.trusted, []);
        let stores = ["d-1234567890", "d-0987654321"]
            .map(|id| format!("arn:aws:identitystore::111122223333:identitystore/{id}"));
        let listed = read(&[region, ("AUTOTAG_IDENTITY_STORES", &stores.join(", "))]).unwrap();
        let trusted = listed.identity_store.unwrap().trusted;
        assert_eq!(trusted.iter().map(Arn::to_string).collect::<Vec<_>>(), stores);
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

    #[test]
    fn the_function_of_an_organization_lists_no_accounts() {
        let role = ("AUTOTAG_MEMBER_ROLE", "autotag-member");
        let config = read(&[("AUTOTAG_ACCOUNTS", "organization"), role]).unwrap();
        assert_eq!(config.accounts.allowed, AccountScope::Permitted);
    }

    #[test]
    fn a_list_of_accounts_in_a_parameter_needs_a_role_and_no_other_list() {
        let parameter = ("AUTOTAG_ACCOUNTS_PARAMETER", "/autotag/accounts:3");
        let role = ("AUTOTAG_MEMBER_ROLE", "autotag-member");
        let config = read(&[parameter, role]).unwrap();
        assert_eq!(config.accounts_parameter.as_deref(), Some("/autotag/accounts:3"));
        assert_eq!(
            read(&[parameter]).unwrap_err(),
            ["AUTOTAG_ACCOUNTS_PARAMETER is set, but AUTOTAG_MEMBER_ROLE is not"]
        );
        assert_eq!(
            read(&[parameter, role, ("AUTOTAG_ACCOUNTS", "organization")]).unwrap_err(),
            ["set at most one of AUTOTAG_ACCOUNTS and AUTOTAG_ACCOUNTS_PARAMETER"]
        );
    }
}
