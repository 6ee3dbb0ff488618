//! A deployment as doctor sees it: the names of its resources, its regions and accounts.

use super::check::{CheckFailure, Finding, fail};
use super::checks::{CREDENTIALS, FUNCTION};
use super::consumer::{Consumer, Queue, SESSION_HANDLER, TAG_HANDLER, read_consumer};
use super::expected::Expected;
use super::options::DoctorOptions;
use super::stack::Stack;
use autotag_aws::organizations::OrganizationAccount;
use autotag_aws::query::xml;
use autotag_aws::query::{AwsQuery, QueryError};
use autotag_aws::{AccountScope, Accounts, AssumedRole, MemberRole};
use autotag_model::arn::{AccountId, Partition, Region};
use futures_util::future::join_all;
use serde_json::Value;
use std::sync::Arc;

/// The role session name of doctor in other accounts, as `CloudTrail` shows it.
pub(super) const SESSION_NAME: &str = "autotag-doctor";

/// A region of an account, with credentials that may read there.
#[derive(Debug)]
pub(crate) struct RegionView {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) aws: AwsQuery,
    /// Whether it is the deployment's own account.
    pub(crate) own: bool,
}

impl RegionView {
    pub(crate) fn queue_arn(&self, partition: &Partition, name: &str) -> String {
        format!("arn:{partition}:sqs:{}:{}:{name}", self.region, self.account)
    }
}

impl std::fmt::Display for RegionView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.own { write!(f, "{}", self.region) } else { write!(f, "{} {}", self.account, self.region) }
    }
}

/// Another account in which tag-handler works.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) account: AccountId,
    /// Queries with credentials that may read there, or why there are none.
    pub(crate) aws: Result<AwsQuery, CheckFailure>,
}

/// A deployment, as far as several families of checks need it.
#[derive(Debug)]
pub(crate) struct DeploymentView {
    pub(crate) aws: AwsQuery,
    pub(crate) account: AccountId,
    pub(crate) partition: Partition,
    pub(crate) hub: Region,
    pub(crate) bus: String,
    pub(crate) table: String,
    pub(crate) table_region: Region,
    pub(crate) tag_handler: Consumer,
    pub(crate) session_handler: Consumer,
    pub(crate) regions: Vec<RegionView>,
    /// The other accounts, or why they are not known.
    pub(crate) members: Result<Vec<Member>, CheckFailure>,
    pub(crate) member_role: Option<MemberRole>,
    pub(crate) expected: Expected,
    pub(crate) show_messages: bool,
    /// The findings about credentials and stacks.
    pub(crate) findings: Vec<Finding>,
}

impl DeploymentView {
    /// Reads the deployment.
    ///
    /// # Errors
    /// The findings that say why nothing can be checked: there is no region, or there are no credentials.
    pub(crate) async fn open(
        accounts: &Accounts,
        options: &DoctorOptions,
        expected: Expected,
    ) -> Result<Self, Vec<Finding>> {
        let aws = AwsQuery::new(accounts.ambient().clone());
        let region = options.hub.clone().or_else(|| accounts.home_region());
        let Some(hub) = region else {
            return Err(vec![
                CREDENTIALS.at("", fail("no region is known: pass --region, or set AWS_REGION")),
            ]);
        };
        let (account, arn) = match identity(&aws, &hub).await {
            Ok(known) => known,
            Err(failure) => return Err(vec![CREDENTIALS.at(hub.as_str(), Err(failure))]),
        };
        let (hub_stack, session_stack) = tokio::join!(
            Stack::read(&aws, &hub, &options.hub_stack),
            Stack::read(&aws, &hub, &options.session_stack)
        );
        let credentials = CREDENTIALS.at(account.as_str(), Ok(arn));
        let findings = [Some(credentials), hub_stack.finding(), session_stack.finding()];
        let (tag_handler, session_handler) = tokio::join!(
            read_consumer(&aws, &hub, &hub_stack, TAG_HANDLER),
            read_consumer(&aws, &hub, &session_stack, SESSION_HANDLER),
        );
        // The reader of the table says where it is; session-handler must say the same.
        let table_region = tag_handler.variable("AUTOTAG_SESSION_REGION").and_then(Region::new);
        let mut view = Self {
            bus: hub_stack.name("Bus", "autotag"),
            table: hub_stack.name("SessionTable", "autotag-sessions"),
            table_region: table_region.unwrap_or_else(|| hub.clone()),
            member_role: member_role(options, &tag_handler),
            regions: Vec::new(),
            members: Ok(Vec::new()),
            show_messages: options.show_messages,
            findings: findings.into_iter().flatten().collect(),
            partition: Partition::of_region(&hub).unwrap_or_default(),
            aws,
            account,
            hub,
            tag_handler,
            session_handler,
            expected,
        };
        view.members = view.read_members(accounts, options).await;
        view.regions = view.all_regions(options);
        Ok(view)
    }

    pub(crate) fn bus_arn(&self) -> String {
        let Self { partition, hub, account, bus, .. } = self;
        format!("arn:{partition}:events:{hub}:{account}:event-bus/{bus}")
    }

    pub(crate) fn table_arn(&self) -> String {
        let Self { partition, account, table, table_region, .. } = self;
        format!("arn:{partition}:dynamodb:{table_region}:{account}:table/{table}")
    }

    pub(crate) fn queue_arn(&self, queue: &Queue) -> String {
        format!("arn:{}:sqs:{}:{}:{}", self.partition, queue.region, self.account, queue.name)
    }

    /// The ARN of the role that tag-handler assumes in an account.
    pub(crate) fn member_role_arn(&self, role: &MemberRole, account: &AccountId) -> String {
        format!("arn:{}:iam::{account}:role/{}", self.partition, role.name)
    }

    /// Whether this is the consumer that tags.
    pub(crate) fn is_tag_handler(&self, consumer: &Consumer) -> bool {
        consumer.kind == self.tag_handler.kind
    }

    /// Each region of each account that can be read.
    fn all_regions(&self, options: &DoctorOptions) -> Vec<RegionView> {
        let mut regions = options.regions.clone();
        if regions.is_empty() {
            regions =
                [Some(self.hub.clone()), self.partition.global_region()].into_iter().flatten().collect();
        }
        regions.sort();
        regions.dedup();
        let own = (&self.account, &self.aws, true);
        let members = self.members.iter().flatten();
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

    async fn read_members(
        &self,
        accounts: &Accounts,
        options: &DoctorOptions,
    ) -> Result<Vec<Member>, CheckFailure> {
        let scope = match &options.accounts {
            Some(scope) => scope.clone(),
            None => self.account_scope()?,
        };
        let mut members = match scope {
            AccountScope::Listed(accounts) => accounts.into_iter().collect(),
            AccountScope::Organization => self.organization().await?,
            _ => Vec::new(),
        };
        members.retain(|account| *account != self.account);
        let members = members.into_iter().map(async |account| {
            let aws = self.inspect(accounts, options, &account).await;
            Member { account, aws }
        });
        Ok(join_all(members).await)
    }

    /// The accounts that tag-handler's environment names: its own if it names none.
    fn account_scope(&self) -> Result<AccountScope, CheckFailure> {
        let environment = self.tag_handler.environment(FUNCTION)?;
        let text = environment.get("AUTOTAG_ACCOUNTS").and_then(Value::as_str).unwrap_or_default();
        if text.is_empty() {
            return Ok(AccountScope::OwnOnly);
        }
        text.parse().or_else(|why| fail(format!("AUTOTAG_ACCOUNTS of the function cannot be used: {why}")))
    }

    /// The active accounts of the organization.
    async fn organization(&self) -> Result<Vec<AccountId>, QueryError> {
        let accounts = self.aws.organization_accounts().await?.into_iter();
        Ok(accounts.filter(OrganizationAccount::is_active).map(|account| account.id).collect())
    }

    /// Assumes the role with which doctor reads an account.
    async fn inspect(
        &self,
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
        let role = Arc::new(AssumedRole::new(by, &self.partition, account, &role, SESSION_NAME));
        match role.credentials().await {
            Ok(_) => Ok(self.aws.with(role.config(by))),
            Err(error) => {
                let fix = format!("let the identity that runs doctor assume `{name}` in {account}");
                Err(CheckFailure::Unknown(format!("cannot assume the role to inspect with: {error}"), fix))
            }
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
