//! What doctor is pointed at: names, places, and what several families of checks want to know.

use super::ask::if_there;
use super::{Ask, Check, Expected, Finding, NoAnswer, Trouble, broken};
use autotag_model::arn::{AccountId, Partition, Region};
use aws_accounts::signed::{ORGANIZATIONS, SQS, organizations_region};
use aws_accounts::{Accounts, Allowed, AssumedRole, MemberRole};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What `CloudTrail` shows as the session of doctor in other accounts.
const SESSION_NAME: &str = "autotag-doctor";

/// Whose credentials these are.
const CREDENTIALS: Check = Check {
    name: "credentials",
    question: "who are you?",
    fix: "give credentials of the deployment's account that last, by AWS_PROFILE for example",
};

/// Where `CloudFormation` has put it.
const STACK: Check = Check {
    name: "stack",
    question: "has the stack come to a good end?",
    fix: "look at the stack's events, and deploy it again",
};

/// What doctor was told on the command line.
#[derive(Debug, Clone)]
pub(crate) struct Aim {
    /// Where the hub is.
    pub(crate) hub: Option<Region>,
    /// Where events begin; empty: the hub's region and the one of the global endpoint of STS.
    pub(crate) regions: Vec<Region>,
    /// Which accounts the function enters; else what its environment says.
    pub(crate) accounts: Option<Allowed>,
    pub(crate) member_role: Option<String>,
    pub(crate) external_id: Option<String>,
    /// The role by which doctor looks into other accounts.
    pub(crate) look_in_role: Option<String>,
    pub(crate) hub_stack: String,
    pub(crate) session_stack: String,
    /// Whether messages of dead-letter queues are looked at.
    pub(crate) peek: bool,
}

/// A function and its queues.
#[derive(Debug)]
pub(crate) struct Consumer {
    /// `tag-handler` or `session-handler`.
    pub(crate) kind: &'static str,
    pub(crate) region: Region,
    pub(crate) function: String,
    pub(crate) queue: Queue,
    pub(crate) dead: Queue,
    /// The configuration behind the alias `live`, else the newest.
    pub(crate) config: Result<Option<Value>, NoAnswer>,
}

/// A queue, with its attributes where it is there.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) region: Region,
    pub(crate) there: Result<Option<Attributes>, NoAnswer>,
}

/// What SQS says of a queue.
#[derive(Debug, Clone)]
pub(crate) struct Attributes {
    pub(crate) url: String,
    by_name: BTreeMap<String, String>,
}

impl Attributes {
    pub(crate) fn text(&self, name: &str) -> &str {
        self.by_name.get(name).map_or("", String::as_str)
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or_default()
    }

    /// What becomes of messages that are received again and again: how often, and to which queue (ARN).
    pub(crate) fn redrive(&self) -> Option<(u64, String)> {
        let policy: Value = serde_json::from_str(self.text("RedrivePolicy")).ok()?;
        let receives = policy.get("maxReceiveCount")?;
        // SQS writes a number; tools write texts.
        let receives = receives.as_u64().or_else(|| receives.as_str()?.parse().ok())?;
        Some((receives, policy.get("deadLetterTargetArn")?.as_str()?.to_owned()))
    }
}

impl Consumer {
    /// The configuration, or why there is none. `other` is the check that says that the function is not there.
    pub(crate) fn config(&self, other: Check) -> Result<&Value, Trouble> {
        match &self.config {
            Ok(Some(config)) => Ok(config),
            Ok(None) => super::hangs_on(other),
            Err(none) => Err(none.clone().into()),
        }
    }

    /// A variable of the function's environment; an empty one counts as none.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let config = self.config.as_ref().ok()?.as_ref()?;
        let value = config.pointer(&format!("/Environment/Variables/{name}"))?.as_str()?;
        (!value.is_empty()).then_some(value)
    }

    /// The role of the function, by ARN.
    pub(crate) fn role(&self) -> Option<&str> {
        self.config.as_ref().ok()?.as_ref()?.get("Role")?.as_str()
    }
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
        let Self { partition, account, table, hub, .. } = self;
        format!("arn:{partition}:dynamodb:{hub}:{account}:table/{table}")
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
        let allowed = match (&aim.accounts, self.tagger.variable("AUTOTAG_ACCOUNTS")) {
            (Some(told), _) => told.clone(),
            (None, Some(said)) => said.parse().unwrap_or(Allowed::OwnOnly),
            (None, None) => Allowed::OwnOnly,
        };
        let mut members = match allowed {
            Allowed::Listed(accounts) => accounts.into_iter().collect(),
            Allowed::Organization => self.organization().await?,
            _ => Vec::new(),
        };
        members.retain(|account| *account != self.account);
        let enter = members.into_iter().map(async |account| {
            let inside = self.look_in(accounts, aim, &account).await;
            Member { account, inside }
        });
        Ok(join_all(enter).await)
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

/// The text of the first element of this name.
pub(crate) fn between<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim())
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

/// What a consumer is made of: kind, and logical id and default name of function, queue and dead-letter queue.
type Parts = (&'static str, [(&'static str, &'static str); 3]);

const TAGGER: Parts = (
    "tag-handler",
    [
        ("TagHandler", "autotag-tag-handler"),
        ("TagQueue", "autotag-tag"),
        ("TagDeadLetters", "autotag-tag-dead"),
    ],
);

const KEEPER: Parts = (
    "session-handler",
    [
        ("SessionHandler", "autotag-session-handler"),
        ("SessionQueue", "autotag-session"),
        ("SessionDeadLetters", "autotag-session-dead"),
    ],
);

async fn consumer(ask: &Ask, region: &Region, stack: &Stack, (kind, parts): Parts) -> Consumer {
    let [function, queue_, dead] = parts;
    let name = stack.name(function.0, function.1);
    let (config, queue, dead) = tokio::join!(
        configuration(ask, region, &name),
        queue(ask, region, stack.queue(queue_.0, queue_.1)),
        queue(ask, region, stack.queue(dead.0, dead.1)),
    );
    Consumer { kind, region: region.clone(), function: name, queue, dead, config }
}

/// Of what runs, which is behind the alias; else the newest.
async fn configuration(ask: &Ask, region: &Region, name: &str) -> Result<Option<Value>, NoAnswer> {
    let name = super::ask::encoded(name);
    let path = format!("/2015-03-31/functions/{name}/configuration");
    let action = "lambda:GetFunctionConfiguration";
    let live = format!("{path}?Qualifier={}", super::functions::LIVE);
    match if_there(ask.lambda(action, region, &live).await)? {
        Some(config) => Ok(Some(config)),
        None => if_there(ask.lambda(action, region, &path).await),
    }
}

pub(super) async fn queue(ask: &Ask, region: &Region, name: String) -> Queue {
    let there = attributes(ask, region, &name).await;
    Queue { name, region: region.clone(), there }
}

async fn attributes(ask: &Ask, region: &Region, name: &str) -> Result<Option<Attributes>, NoAnswer> {
    let named = json!({"QueueName": name});
    let answer = if_there(ask.json(SQS, "sqs:GetQueueUrl", region, &named).await)?;
    let url = answer.as_ref().and_then(|answer| answer.get("QueueUrl")?.as_str());
    let Some(url) = url else { return Ok(None) };
    let input = json!({"QueueUrl": url, "AttributeNames": ["All"]});
    let Some(answer) = if_there(ask.json(SQS, "sqs:GetQueueAttributes", region, &input).await)? else {
        return Ok(None);
    };
    let all = answer.get("Attributes").and_then(Value::as_object).into_iter().flatten();
    let by_name = all.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    Ok(Some(Attributes { url: url.to_owned(), by_name }))
}

/// A stack's things, by logical id; none where it was not deployed by this stack.
#[derive(Debug)]
struct Stack {
    name: String,
    things: BTreeMap<String, String>,
    failed: Vec<String>,
}

impl Stack {
    async fn read(ask: &Ask, region: &Region, name: &str) -> Self {
        let answer = ask.stack(region, name).await.unwrap_or_default();
        let (mut things, mut failed) = (BTreeMap::new(), Vec::new());
        for member in answer.split("<member>").skip(1) {
            let part = |name: &str| between(member, name).unwrap_or_default().to_owned();
            let (logical, physical, status) =
                (part("LogicalResourceId"), part("PhysicalResourceId"), part("ResourceStatus"));
            if status.ends_with("FAILED") {
                failed.push(format!("{logical} is {status}"));
            }
            if !logical.is_empty() && !physical.is_empty() {
                things.insert(logical, physical);
            }
        }
        Self { name: name.to_owned(), things, failed }
    }

    /// The physical id; where the stack does not say, the default name.
    fn name(&self, logical: &str, default: &str) -> String {
        self.things.get(logical).map_or(default, String::as_str).to_owned()
    }

    /// The physical id of a queue is its URL.
    fn queue(&self, logical: &str, default: &str) -> String {
        let id = self.name(logical, default);
        id.rsplit('/').next().unwrap_or(&id).to_owned()
    }

    /// Nothing of a stack that is not there, or may not be read: names are the default ones then, and the other checks say
    /// whether they are right.
    fn finding(&self) -> Vec<Finding> {
        if self.things.is_empty() {
            return Vec::new();
        }
        let verdict = match self.failed.as_slice() {
            [] => Ok(format!("{} resources", self.things.len())),
            failed => broken(failed.join(", ")),
        };
        vec![STACK.at(&self.name, verdict)]
    }
}
