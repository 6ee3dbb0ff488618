//! Reads a deployment: its stacks, functions, regions and accounts.

use super::check::{CheckFailure, Finding, fail, fail_with};
use super::checks::{CREDENTIALS, FUNCTION, STACK};
use super::consumer::{Consumer, SESSION_HANDLER, TAG_HANDLER, read_consumer};
use super::deploy_commands::{deploy_first, deploy_sessions};
use super::deployment::{DeploymentView, Member, Names, RegionView, SESSION_NAME};
use super::eventbridge::{DEFAULT_BUS, Kind, read_rules};
use super::expected::Expected;
use super::options::DoctorOptions;
use super::organization::read_organization;
use super::regions;
use super::stack::Stack;
use autotag_aws::organizations::OrganizationAccount;
use autotag_aws::query::xml;
use autotag_aws::query::{AwsQuery, QueryError};
use autotag_aws::{AccountScope, Accounts, AssumedRole, MemberRole};
use autotag_model::arn::{AccountId, Partition, Region};
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;
use std::sync::Arc;

/// The name of a deployment that is one stack, and the prefix of all names.
const DEFAULT_NAME: &str = "autotag";

/// How many roles of other accounts are assumed at once.
const ASSUMED_AT_ONCE: usize = 16;

/// Reads the deployment.
///
/// # Errors
/// The findings that say why nothing can be checked: there is no region, there are no credentials, or nothing is deployed.
pub(crate) async fn open(
    accounts: &Accounts,
    options: &DoctorOptions,
    expected: Expected,
) -> Result<DeploymentView, Vec<Finding>> {
    let (aws, hub, account, credentials) = caller(accounts, options).await?;
    let (hub_stack, session_stack) = stacks(&aws, &hub, options).await;
    let prefix = hub_stack.parameter("Name").filter(|name| !name.is_empty()).unwrap_or(DEFAULT_NAME);
    let (tag_handler, session_handler, organization, hub_rules) = tokio::join!(
        read_consumer(&aws, &hub, (&hub_stack, prefix), TAG_HANDLER),
        read_consumer(&aws, &hub, (&session_stack, prefix), SESSION_HANDLER),
        read_organization(&aws, &hub),
        read_rules(&aws, &hub, DEFAULT_BUS, prefix),
    );
    if hub_stack.is_missing() && tag_handler.is_absent() {
        return Err(vec![credentials, nothing_deployed(options, &hub, &hub_stack)]);
    }
    // The reader of the table says where it is; session-handler must say the same.
    let table_region = tag_handler.variable("AUTOTAG_SESSION_REGION").and_then(Region::new);
    let mut findings = vec![credentials, hub_stack.finding()];
    // Without a function, a queue and a rule for them, sessions are not kept.
    let forwarded = hub_rules.iter().flatten().any(|rule| rule.kind == Kind::Sessions);
    let keeps_sessions = !(session_handler.is_absent() && session_stack.is_missing());
    if session_stack.name != hub_stack.name {
        findings.push(session_finding(&session_stack, keeps_sessions, forwarded, &hub));
    }
    let mut view = DeploymentView {
        bus: hub_stack.name("Bus", prefix),
        table: hub_stack.name("SessionTable", &format!("{prefix}-sessions")),
        table_region: table_region.unwrap_or_else(|| hub.clone()),
        member_role: member_role(options, &tag_handler),
        names: Names::new(prefix, &hub_stack, &session_stack),
        regions: Vec::new(),
        coverage: None,
        members: Ok(Vec::new()),
        not_sampled: 0,
        show_messages: options.show_messages,
        since: options.since,
        findings,
        partition: Partition::of_region(&hub).unwrap_or_default(),
        simulated: std::sync::Mutex::default(),
        aws,
        account,
        hub,
        tag_handler,
        session_handler,
        keeps_sessions,
        organization,
        expected,
        default_bus: hub_rules,
    };
    view.members = members(&mut view, accounts, options).await;
    let (regions, coverage) = regions::chosen(&view, &options.regions).await;
    view.coverage = coverage;
    view.regions = all_regions(&view, &regions);
    Ok(view)
}

/// Queries with the credentials of the user, the hub's region, the account, and the finding about the credentials.
async fn caller(
    accounts: &Accounts,
    options: &DoctorOptions,
) -> Result<(AwsQuery, Region, AccountId, Finding), Vec<Finding>> {
    let aws = AwsQuery::new(accounts.ambient().clone());
    let region = options.hub.clone().or_else(|| accounts.home_region());
    let Some(hub) = region else {
        let no_region = fail_with("no region is known", "autotag doctor --region eu-west-1");
        return Err(vec![CREDENTIALS.at("", no_region)]);
    };
    let (account, arn) = match identity(&aws, &hub).await {
        Ok(known) => known,
        Err(failure) => return Err(vec![CREDENTIALS.at(hub.as_str(), Err(failure))]),
    };
    let credentials = CREDENTIALS.at(account.as_str(), Ok(arn));
    Ok((aws, hub, account, credentials))
}

/// The stacks of the hub and of session-handler, which may be one.
async fn stacks(aws: &AwsQuery, hub: &Region, options: &DoctorOptions) -> (Stack, Stack) {
    let hub_stack = if let Some(name) = &options.hub_stack {
        Stack::read(aws, hub, name).await
    } else {
        let one = Stack::read(aws, hub, DEFAULT_NAME).await;
        if one.is_missing() { Stack::read(aws, hub, "autotag-hub").await } else { one }
    };
    let session_stack = match &options.session_stack {
        Some(name) => Stack::read(aws, hub, name).await,
        None if hub_stack.has("SessionHandler") => hub_stack.clone(),
        None => {
            let prefix = hub_stack.name.strip_suffix("-hub").unwrap_or(DEFAULT_NAME);
            Stack::read(aws, hub, &format!("{prefix}-session")).await
        }
    };
    (hub_stack, session_stack)
}

/// The one finding about a deployment that does not exist.
fn nothing_deployed(options: &DoctorOptions, hub: &Region, stack: &Stack) -> Finding {
    let name = options.hub_stack.as_deref().unwrap_or("autotag` or `autotag-hub");
    let seen = format!(
        "there is no stack `{name}` in {hub}, and no function or queue of its names: nothing else is checked"
    );
    STACK.at(&stack.name, fail_with(seen, deploy_first(hub)))
}

fn session_finding(stack: &Stack, keeps_sessions: bool, forwarded: bool, hub: &Region) -> Finding {
    if keeps_sessions {
        return stack.finding();
    }
    let missing =
        format!("there is no stack `{}` in {hub}, and no function or queue of its names", stack.name);
    let result = if forwarded {
        fail_with(
            format!("{missing}, but a rule forwards STS records: owners of roles stay session names"),
            deploy_sessions(hub, &stack.name),
        )
    } else {
        Ok(format!("{missing}: sessions are not kept, and owners of roles are session names"))
    };
    STACK.at(&stack.name, result)
}

/// Each region of each account that can be read.
fn all_regions(view: &DeploymentView, regions: &[Region]) -> Vec<RegionView> {
    let own = (&view.account, &view.aws, true);
    let members = view.members.iter().flatten();
    let members = members.filter_map(|member| Some((&member.account, member.aws.as_ref().ok()?, false)));
    let of_account = |(account, aws, own): (&AccountId, &AwsQuery, bool)| {
        let view = |region: &Region| RegionView {
            account: account.clone(),
            region: region.clone(),
            aws: aws.clone(),
            own,
        };
        regions.iter().map(view).collect::<Vec<_>>()
    };
    [own].into_iter().chain(members).flat_map(of_account).collect()
}

async fn members(
    view: &mut DeploymentView,
    accounts: &Accounts,
    options: &DoctorOptions,
) -> Result<Vec<Member>, CheckFailure> {
    let scope = match &options.accounts {
        Some(scope) => scope.clone(),
        None => account_scope(&view.tag_handler)?,
    };
    let mut members = match scope {
        AccountScope::Listed(accounts) => accounts.into_iter().collect(),
        AccountScope::Organization => organization(&view.aws).await?,
        _ => Vec::new(),
    };
    members.retain(|account| *account != view.account);
    members.sort();
    let all = members.len();
    if let Some(sample) = options.sample {
        members = spread(members, sample);
    }
    view.not_sampled = all - members.len();
    let view = &*view;
    let inspected = members.into_iter().map(|account| async move {
        let aws = inspect(view, accounts, options, &account).await;
        Member { account, aws }
    });
    Ok(stream::iter(inspected).buffered(ASSUMED_AT_ONCE).collect().await)
}

/// At most `count` of a list, at equal distances: the same ones for the same list.
fn spread<T>(list: Vec<T>, count: usize) -> Vec<T> {
    let all = list.len();
    if all <= count {
        return list;
    }
    let chosen = |index: usize| index * count / all != (index + 1) * count / all;
    list.into_iter().enumerate().filter(|(index, _)| chosen(*index)).map(|(_, one)| one).collect()
}

/// The accounts that tag-handler's environment names: its own if it names none.
fn account_scope(tag_handler: &Consumer) -> Result<AccountScope, CheckFailure> {
    let environment = tag_handler.environment(FUNCTION)?;
    let text = environment.get("AUTOTAG_ACCOUNTS").and_then(Value::as_str).unwrap_or_default();
    if text.is_empty() {
        return Ok(AccountScope::OwnOnly);
    }
    text.parse().or_else(|why| fail(format!("AUTOTAG_ACCOUNTS of the function cannot be used: {why}")))
}

/// The active accounts of the organization.
async fn organization(aws: &AwsQuery) -> Result<Vec<AccountId>, QueryError> {
    let accounts = aws.organization_accounts().await?.into_iter();
    Ok(accounts.filter(OrganizationAccount::is_active).map(|account| account.id).collect())
}

/// Assumes the role with which doctor reads an account.
async fn inspect(
    view: &DeploymentView,
    accounts: &Accounts,
    options: &DoctorOptions,
    account: &AccountId,
) -> Result<AwsQuery, CheckFailure> {
    let Some(name) = options.inspect_role.clone() else {
        let fix = "name a role that may read there with --inspect-role".to_owned();
        return Err(CheckFailure::Unknown("the account was not inspected".to_owned(), fix));
    };
    let role = MemberRole { name: name.clone(), external_id: None, session_policy: None };
    let by = accounts.ambient();
    let role = Arc::new(AssumedRole::new(by, &view.partition, account, &role, SESSION_NAME));
    match role.credentials().await {
        Ok(_) => Ok(view.aws.with(role.config(by))),
        Err(error) => {
            let fix = format!("let the identity that runs doctor assume `{name}` in {account}");
            Err(CheckFailure::Unknown(format!("cannot assume the role to inspect with: {error}"), fix))
        }
    }
}

/// The account and the ARN of the identity that runs doctor.
async fn identity(aws: &AwsQuery, hub: &Region) -> Result<(AccountId, String), CheckFailure> {
    let action = "sts:GetCallerIdentity";
    let answer = match aws.sts(action, hub).await {
        Ok(answer) => answer,
        Err(error) => return fail(error.to_string()),
    };
    let document = xml::parse(action, &answer).or_else(|error| fail(error.to_string()))?;
    let result = xml::find(document.root(), "GetCallerIdentityResult");
    let text = |name: &str| result.and_then(|result| xml::child_text(result, name));
    match text("Account").and_then(AccountId::new) {
        Some(account) => Ok((account, text("Arn").unwrap_or_default().to_owned())),
        None => fail("the answer of STS has no account"),
    }
}

/// The role that tag-handler assumes in other accounts, by the options, else by its environment.
fn member_role(options: &DoctorOptions, tag_handler: &Consumer) -> Option<MemberRole> {
    let or_variable = |option: &Option<String>, variable: &str| {
        option.clone().or_else(|| tag_handler.variable(variable).map(str::to_owned))
    };
    Some(MemberRole {
        name: or_variable(&options.member_role, "AUTOTAG_MEMBER_ROLE")?,
        external_id: or_variable(&options.external_id, "AUTOTAG_EXTERNAL_ID"),
        session_policy: tag_handler.variable("AUTOTAG_SESSION_POLICY").map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_the_list() {
        assert_eq!(spread(vec![1, 2, 3], 5), [1, 2, 3]);
        assert_eq!(spread((0..10).collect(), 2), [4, 9]);
        assert_eq!(spread((0..1000).collect::<Vec<_>>(), 20).len(), 20);
        assert_eq!(spread(vec![1, 2, 3], 0), Vec::<i32>::new());
    }
}
