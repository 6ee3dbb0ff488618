//! What doctor is pointed at: names, places, and what several families of checks want to know.

use super::ask::between;
use super::consumer::{Consumer, KEEPER, Queue, TAGGER, consumer};
use super::functions::FUNCTION;
use super::stack::Stack;
use super::{Ask, Check, Expected, Finding, NoAnswer, Trouble, broken};
use autotag_aws::signed::{ORGANIZATIONS, organizations_region};
use autotag_aws::{AccountScope, Accounts, AssumedRole, MemberRole};
use autotag_model::arn::{AccountId, Partition, Region};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::sync::Arc;

/// What `CloudTrail` shows as the session of doctor in other accounts.
pub(super) const SESSION_NAME: &str = "autotag-doctor";

/// Whose credentials these are.
const CREDENTIALS: Check = Check {
    name: "credentials",
    question: "who are you?",
    fix: "give credentials of the deployment's account that last, by AWS_PROFILE for example; without a connection, see region, proxy and AWS_ENDPOINT_URL",
};

/// What doctor was told on the command line.
#[derive(Debug, Clone)]
pub(crate) struct Aim {
    /// Where the hub is.
    pub(crate) hub: Option<Region>,
    /// Where events begin; empty: the hub's region and the one of the global endpoint of STS.
    pub(crate) regions: Vec<Region>,
    /// Which accounts the function enters; else what its environment says.
    pub(crate) accounts: Option<AccountScope>,
    pub(crate) member_role: Option<String>,
    pub(crate) external_id: Option<String>,
    /// The role by which doctor looks into other accounts.
    pub(crate) look_in_role: Option<String>,
    pub(crate) hub_stack: String,
    pub(crate) session_stack: String,
    /// Whether messages of dead-letter queues are looked at.
    pub(crate) peek: bool,
}

/// A region of an account, seen with credentials that may look there.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) ask: Ask,
    /// Whether it is the deployment's own account.
    pub(crate) own: bool,
}

impl Place {
    pub(crate) fn queue_arn(&self, partition: &Partition, name: &str) -> String {
        format!("arn:{partition}:sqs:{}:{}:{name}", self.region, self.account)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.own { write!(f, "{}", self.region) } else { write!(f, "{} {}", self.account, self.region) }
    }
}

/// Another account that the function enters.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) account: AccountId,
    /// With credentials that may look there, or why not.
    pub(crate) inside: Result<Ask, Trouble>,
}

/// All that is looked at.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) ask: Ask,
    pub(crate) account: AccountId,
    pub(crate) partition: Partition,
    pub(crate) hub: Region,
    pub(crate) bus: String,
    pub(crate) table: String,
    pub(crate) table_region: Region,
    pub(crate) tagger: Consumer,
    pub(crate) keeper: Consumer,
    pub(crate) places: Vec<Place>,
    /// Or why it is not known which they are.
    pub(crate) members: Result<Vec<Member>, Trouble>,
    pub(crate) member_role: Option<MemberRole>,
    pub(crate) expected: Expected,
    pub(crate) peek: bool,
    /// Of the credentials and stacks that were looked at on the way.
    pub(crate) findings: Vec<Finding>,
}

impl World {
    /// Looks around. Without credentials there is nothing to look at: the findings say why.
    pub(crate) async fn open(
        accounts: &Accounts,
        aim: &Aim,
        expected: Expected,
    ) -> Result<Self, Vec<Finding>> {
        let ask = Ask::new(accounts.ambient().clone());
        let region = aim.hub.clone().or_else(|| accounts.home_region());
        let Some(hub) = region else {
            return Err(vec![
                CREDENTIALS.at("", broken("no region is known: set AWS_REGION, or say --region")),
            ]);
        };
        let (account, whose) = match identity(&ask, &hub).await {
            Ok(known) => known,
            Err(trouble) => return Err(vec![CREDENTIALS.at(hub.as_str(), Err(trouble))]),
        };
        let partition = Partition::of_region(&hub).unwrap_or_default();
        let (hub_stack, session_stack) = tokio::join!(
            Stack::read(&ask, &hub, &aim.hub_stack),
            Stack::read(&ask, &hub, &aim.session_stack)
        );
        let findings =
            [vec![CREDENTIALS.at(account.as_str(), Ok(whose))], hub_stack.finding(), session_stack.finding()];
        let (tagger, keeper) = tokio::join!(
            consumer(&ask, &hub, &hub_stack, TAGGER),
            consumer(&ask, &hub, &session_stack, KEEPER),
        );
        let mut world = Self {
            bus: hub_stack.name("Bus", "autotag"),
            table: hub_stack.name("SessionTable", "autotag-sessions"),
            // Who reads the table says where it is; session-handler must say the same.
            table_region: tagger
                .variable("AUTOTAG_SESSION_REGION")
                .and_then(Region::new)
                .unwrap_or_else(|| hub.clone()),
            member_role: member_role(aim, &tagger),
            places: Vec::new(),
            members: Ok(Vec::new()),
            peek: aim.peek,
            findings: findings.concat(),
            ask,
            account,
            partition,
            hub,
            tagger,
            keeper,
            expected,
        };
        world.members = world.enter_members(accounts, aim).await;
        world.places = world.all_places(aim);
        Ok(world)
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

    /// The role that the function assumes in an account.
    pub(crate) fn member_role_arn(&self, role: &MemberRole, account: &AccountId) -> String {
        format!("arn:{}:iam::{account}:role/{}", self.partition, role.name)
    }

    fn all_places(&self, aim: &Aim) -> Vec<Place> {
        let mut regions = aim.regions.clone();
        if regions.is_empty() {
            regions =
                [Some(self.hub.clone()), self.partition.global_region()].into_iter().flatten().collect();
        }
        regions.sort();
        regions.dedup();
        let own = (&self.account, &self.ask, true);
        let members = self.members.iter().flatten();
        let inside =
            members.filter_map(|member| Some((&member.account, member.inside.as_ref().ok()?, false)));
        let place = |(account, ask, own): (&AccountId, &Ask, bool)| {
            let at = |region: &Region| Place {
                account: account.clone(),
                region: region.clone(),
                ask: ask.clone(),
                own,
            };
            regions.iter().map(at).collect::<Vec<_>>()
        };
        [own].into_iter().chain(inside).flat_map(place).collect()
    }

    async fn enter_members(&self, accounts: &Accounts, aim: &Aim) -> Result<Vec<Member>, Trouble> {
        let allowed = match &aim.accounts {
            Some(told) => told.clone(),
            None => self.allowed()?,
        };
        let mut members = match allowed {
            AccountScope::Listed(accounts) => accounts.into_iter().collect(),
            AccountScope::Organization => self.organization().await?,
            _ => Vec::new(),
        };
        members.retain(|account| *account != self.account);
        let enter = members.into_iter().map(async |account| {
            let inside = self.look_in(accounts, aim, &account).await;
            Member { account, inside }
        });
        Ok(join_all(enter).await)
    }

    /// What the function is told. Nothing where it is not told; where that cannot be read, it is not known.
    fn allowed(&self) -> Result<AccountScope, Trouble> {
        let environment = self.tagger.environment(FUNCTION)?;
        let said = environment.get("AUTOTAG_ACCOUNTS").and_then(Value::as_str).unwrap_or_default();
        if said.is_empty() {
            return Ok(AccountScope::OwnOnly);
        }
        said.parse().or_else(|why| broken(format!("AUTOTAG_ACCOUNTS of the function cannot be used: {why}")))
    }

    async fn organization(&self) -> Result<Vec<AccountId>, NoAnswer> {
        let region = organizations_region(&self.hub);
        let pages = ("Accounts", "NextToken");
        let all =
            self.ask.list(ORGANIZATIONS, "organizations:ListAccounts", &region, &json!({}), pages).await?;
        let text = |account: &Value, name: &str| account.get(name)?.as_str().map(str::to_owned);
        let active = |account: &&Value| {
            let state = text(account, "State").or_else(|| text(account, "Status"));
            state.is_none_or(|state| state == "ACTIVE")
        };
        Ok(all.iter().filter(active).filter_map(|account| AccountId::new(&text(account, "Id")?)).collect())
    }

    async fn look_in(&self, accounts: &Accounts, aim: &Aim, account: &AccountId) -> Result<Ask, Trouble> {
        let Some(name) = aim.look_in_role.clone() else {
            let fix = "name a role that may look there with --look-in-role".to_owned();
            return Err(Trouble::Unknown("nobody has looked into the account".to_owned(), fix));
        };
        let role = MemberRole { name: name.clone(), external_id: None, session_policy: None };
        let by = accounts.ambient();
        let role = Arc::new(AssumedRole::new(by, &self.partition, account, &role, SESSION_NAME));
        match role.credentials().await {
            Ok(_) => Ok(self.ask.with(role.config(by))),
            Err(error) => {
                let fix = format!("let whoever runs doctor assume `{name}` in {account}");
                Err(Trouble::Unknown(format!("cannot enter the account: {error}"), fix))
            }
        }
    }
}

async fn identity(ask: &Ask, hub: &Region) -> Result<(AccountId, String), Trouble> {
    let answer = match ask.sts("sts:GetCallerIdentity", hub).await {
        Ok(answer) => answer,
        Err(none) => return broken(none.to_string()),
    };
    let account = between(&answer, "Account").and_then(AccountId::new);
    let Some(account) = account else { return broken("STS names no account") };
    Ok((account, between(&answer, "Arn").unwrap_or_default().to_owned()))
}

fn member_role(aim: &Aim, tagger: &Consumer) -> Option<MemberRole> {
    let told = |told: &Option<String>, variable: &str| {
        told.clone().or_else(|| tagger.variable(variable).map(str::to_owned))
    };
    Some(MemberRole {
        name: told(&aim.member_role, "AUTOTAG_MEMBER_ROLE")?,
        external_id: told(&aim.external_id, "AUTOTAG_EXTERNAL_ID"),
        session_policy: tagger.variable("AUTOTAG_SESSION_POLICY").map(str::to_owned),
    })
}
