//! Who enters which account, with which credentials, and how often that is asked for.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

use autotag_aws::signed::{self, Request};
use autotag_aws::{AccountError, AccountScope, Accounts, MemberRole, Settings};
use autotag_model::arn::{AccountId, Region};
use autotag_testkit::{Fault, Reply};
use aws_config::SdkConfig;
use common::{HERE, THERE, World};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;

mod common;

fn account(id: &str) -> AccountId {
    AccountId::new(id).unwrap()
}

fn region(code: &str) -> Region {
    Region::new(code).unwrap()
}

fn role() -> MemberRole {
    MemberRole {
        name: "ops/autotag-member".to_owned(),
        external_id: Some("a secret & more".to_owned()),
        session_policy: Some(r#"{"Version":"2012-10-17"}"#.to_owned()),
    }
}

fn listed(ids: &[&str]) -> Settings {
    let allowed = AccountScope::Listed(ids.iter().map(|id| account(id)).collect());
    Settings { allowed, role: Some(role()), ..Settings::default() }
}

fn of_organization() -> Settings {
    Settings { allowed: AccountScope::Organization, role: Some(role()), ..Settings::default() }
}

async fn enter(accounts: &Accounts, id: &str) -> Result<SdkConfig, AccountError> {
    accounts.client(Some(&account(id)), &region("eu-west-1"), Clone::clone).await
}

/// Who AWS takes us for.
async fn identity(config: &SdkConfig) -> String {
    let said = aws_sdk_sts::Client::new(config).get_caller_identity().send().await.unwrap();
    said.account().unwrap().to_owned()
}

fn assumed(world: &World) -> u64 {
    world.proxy.count("sts", "AssumeRole")
}

// ---- One's own ----

#[tokio::test]
async fn the_own_account_is_not_assumed_into() {
    let world = World::new().await;
    let accounts = world.accounts(listed(&[HERE]));
    let entered = join_all((0..20).map(|_| enter(&accounts, HERE))).await;
    for config in entered {
        assert_eq!(identity(&config.unwrap()).await, HERE);
    }
    assert_eq!(assumed(&world), 0);
    assert_eq!(world.counts(), [("GetCallerIdentity".to_owned(), 21)], "once, and by each of the test's own");
    assert!(world.proxy.calls().iter().all(|call| call.access_key == "testing"));
}

#[tokio::test]
async fn without_an_account_nothing_is_asked() {
    let world = World::new().await;
    let accounts = world.accounts(Settings::default());
    let config = accounts.client(None, &region("ap-southeast-2"), Clone::clone).await.unwrap();
    assert_eq!(config.region().unwrap().as_ref(), "ap-southeast-2");
    assert_eq!(world.counts(), []);
}

/// Not knowing who we are must not make another account one's own.
#[tokio::test]
async fn nobody_is_entered_while_sts_does_not_say_who_we_are() {
    let world = World::new().await;
    let accounts = world.accounts(listed(&[THERE]));
    world.proxy.rule(|call| (call.operation == "GetCallerIdentity").then(|| Fault::refused("ExpiredToken")));
    for id in [HERE, THERE] {
        let error = enter(&accounts, id).await.unwrap_err();
        let AccountError::Aws { operation, code, .. } = &error else { panic!("{error:?}") };
        assert_eq!((*operation, code.as_str()), ("GetCallerIdentity", "ExpiredToken"));
    }
    assert_eq!(assumed(&world), 0);
    world.proxy.repair();
    enter(&accounts, HERE).await.unwrap();
}

// ---- Others ----

#[tokio::test]
async fn a_role_is_assumed_once_for_all_clients_and_regions() {
    let world = World::new().await;
    let accounts = world.accounts(listed(&[THERE, "777788889999"]));
    let there = account(THERE);
    let regions = ["eu-west-1", "us-east-1", "ap-southeast-2"].map(region);
    let configs = regions.iter().cycle().take(30);
    let configs = join_all(configs.map(|region| accounts.client(Some(&there), region, Clone::clone))).await;
    let clients = regions.iter().cycle().take(30);
    let clients = clients.map(|region| accounts.client(Some(&there), region, aws_sdk_sts::Client::new));
    let clients = join_all(clients).await;
    assert_eq!(assumed(&world), 1);
    for (number, config) in configs.iter().enumerate() {
        let config = config.as_ref().unwrap();
        assert_eq!(config.region().unwrap().as_ref(), regions[number % 3].as_str());
    }
    let said = clients[1].as_ref().unwrap().get_caller_identity().send().await.unwrap();
    assert_eq!(said.account(), Some(THERE), "moto knows whose the credentials are");
    assert_eq!(identity(configs[0].as_ref().unwrap()).await, THERE);
    enter(&accounts, "777788889999").await.unwrap();
    assert_eq!(assumed(&world), 2, "each account has a role of its own");
}

#[tokio::test]
async fn the_role_is_asked_for_with_external_id_policy_and_our_name() {
    let world = World::new().await;
    let accounts = world.accounts(listed(&[THERE]));
    let config = enter(&accounts, THERE).await.unwrap();
    let asked = &world.calls("AssumeRole")[0];
    assert_eq!(asked.access_key, "testing", "with the ambient credentials");
    let field = |name: &str| asked.field(name).unwrap_or_default();
    assert_eq!(field("RoleArn"), format!("arn:aws:iam::{THERE}:role/ops/autotag-member"));
    assert_eq!(field("RoleSessionName"), "autotag");
    assert_eq!(field("ExternalId"), "a secret & more");
    assert_eq!(field("Policy"), r#"{"Version":"2012-10-17"}"#);
    identity(&config).await;
    let calls = world.calls("GetCallerIdentity");
    let keys: Vec<&str> = calls.iter().map(|call| call.access_key.as_str()).collect();
    assert_eq!(keys[0], "testing");
    assert!(keys[1].starts_with("ASIA"), "{keys:?}");
}

#[tokio::test]
async fn the_role_lies_in_the_partition_of_the_region() {
    let world = World::new().await;
    let accounts = world.accounts(listed(&[THERE]));
    accounts.client(Some(&account(THERE)), &region("cn-north-1"), Clone::clone).await.unwrap();
    let arn = world.calls("AssumeRole")[0].field("RoleArn").unwrap();
    assert!(arn.starts_with("arn:aws-cn:iam::"), "{arn}");
}

/// An answer of STS with credentials until 13:00; each with another key.
fn until_one(number: u64) -> Reply {
    Reply::xml(
        200,
        format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
             <AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
             <Expiration>2026-03-02T13:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ),
    )
}

#[tokio::test]
async fn credentials_are_kept_until_shortly_before_their_end() {
    let world = World::new().await;
    let made = std::sync::atomic::AtomicU64::new(1);
    world.proxy.route("/", move |call| {
        let number = || made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        (call.operation == "AssumeRole").then(|| until_one(number()))
    });
    let accounts = world.accounts(listed(&[THERE]));
    let config = enter(&accounts, THERE).await.unwrap();
    world.clock.forward(Duration::from_mins(54));
    enter(&accounts, THERE).await.unwrap();
    identity(&config).await;
    assert_eq!(assumed(&world), 1);
    world.clock.forward(Duration::from_mins(1));
    enter(&accounts, THERE).await.unwrap();
    assert_eq!(assumed(&world), 2, "five minutes are left: too few for a batch");
}

/// A client that was made before must not go on with credentials that have ended.
#[tokio::test]
async fn clients_that_are_kept_get_new_credentials() {
    let world = World::new().await;
    let accounts = world.accounts(listed(&[THERE]));
    world.proxy.route("/", |call| (call.operation == "AssumeRole").then(|| until_one(1)));
    let make = aws_sdk_sts::Client::new;
    let client = accounts.client(Some(&account(THERE)), &region("eu-west-1"), make).await.unwrap();
    client.get_caller_identity().send().await.unwrap();
    world.clock.forward(Duration::from_hours(2));
    client.get_caller_identity().send().await.unwrap();
    assert_eq!(assumed(&world), 2);
}

#[tokio::test]
async fn a_refused_role_is_a_refusal_of_the_role() {
    let world = World::new().await;
    let accounts = world.accounts(listed(&[THERE]));
    world.proxy.rule(|call| {
        let (code, message) =
            ("AccessDenied".to_owned(), "is not authorized to perform: sts:AssumeRole".to_owned());
        (call.operation == "AssumeRole").then_some(Fault::Refused { status: 403, code, message })
    });
    let error = enter(&accounts, THERE).await.unwrap_err();
    assert!(
        matches!(&error, AccountError::Aws { operation: "AssumeRole", code, .. } if code == "AccessDenied"),
        "{error:?}"
    );
    assert_eq!(assumed(&world), 1, "a refusal is not asked for again at once");
    world.proxy.repair();
    enter(&accounts, THERE).await.unwrap();
}

/// The role was taken away while its client was kept.
#[tokio::test]
async fn a_role_that_is_refused_later_closes_the_account() {
    let world = World::new().await;
    let accounts = world.accounts(listed(&[THERE]));
    world.proxy.route("/", |call| (call.operation == "AssumeRole").then(|| until_one(1)));
    enter(&accounts, THERE).await.unwrap();
    world.clock.forward(Duration::from_hours(1));
    world.proxy.rule(|call| (call.operation == "AssumeRole").then(|| Fault::refused("AccessDenied")));
    let error = enter(&accounts, THERE).await.unwrap_err();
    assert!(matches!(error, AccountError::Aws { operation: "AssumeRole", .. }), "{error:?}");
}

#[tokio::test]
async fn a_role_is_asked_for_again_when_sts_is_throttled() {
    let world = World::new().await;
    let accounts = world.accounts(listed(&[THERE]));
    let first = std::sync::atomic::AtomicBool::new(true);
    world.proxy.rule(move |call| {
        let now = || first.swap(false, std::sync::atomic::Ordering::Relaxed);
        (call.operation == "AssumeRole" && now()).then_some(Fault::Throttled)
    });
    enter(&accounts, THERE).await.unwrap();
    assert_eq!(assumed(&world), 2);
}

// ---- Who may be entered ----

#[tokio::test]
async fn accounts_that_nobody_allowed_are_not_tried() {
    let world = World::new().await;
    for settings in
        [Settings { role: Some(role()), ..Settings::default() }, listed(&[]), listed(&["777788889999"])]
    {
        let error = enter(&world.accounts(settings), THERE).await.unwrap_err();
        assert_eq!(error, AccountError::NotAllowed(account(THERE)));
    }
    assert_eq!(world.counts(), [("GetCallerIdentity".to_owned(), 3)]);
}

#[tokio::test]
async fn an_allowed_account_without_a_role_is_not_tried() {
    let world = World::new().await;
    let settings = Settings { role: None, ..listed(&[THERE]) };
    let error = enter(&world.accounts(settings), THERE).await.unwrap_err();
    assert_eq!(error, AccountError::NoRole(account(THERE)));
    assert_eq!(assumed(&world), 0);
}

// ---- The organization ----

fn listing(world: &World) -> u64 {
    world.proxy.count("organizations", "ListAccounts")
}

/// Lists these accounts, on one page.
fn organization(world: &World, accounts: Value) {
    world.proxy.route("/", move |call| {
        (call.operation == "ListAccounts").then(|| Reply::json(200, &json!({"Accounts": accounts})))
    });
}

/// Moto's own organization.
#[tokio::test]
async fn active_accounts_of_the_organization_are_entered_and_others_not() {
    let world = World::new().await;
    let call = async |operation: &str, body: Value| {
        let request = Request::json(signed::ORGANIZATIONS, operation, &region("us-east-1"), &body);
        signed::send_json(&world.config, request).await.unwrap()
    };
    call("CreateOrganization", json!({"FeatureSet": "ALL"})).await;
    let mut made = Vec::new();
    for number in 0..3 {
        let body = json!({"Email": format!("a{number}@example.com"), "AccountName": format!("a{number}")});
        let said = call("CreateAccount", body).await;
        made.push(said["CreateAccountStatus"]["AccountId"].as_str().unwrap().to_owned());
    }
    call("CloseAccount", json!({"AccountId": made[2]})).await;
    let accounts = world.accounts(of_organization());
    for id in &made[..2] {
        assert_eq!(identity(&enter(&accounts, id).await.unwrap()).await, *id);
    }
    assert_eq!(enter(&accounts, &made[2]).await.unwrap_err(), AccountError::NotAllowed(account(&made[2])));
    assert_eq!(enter(&accounts, THERE).await.unwrap_err(), AccountError::NotAllowed(account(THERE)));
    assert_eq!(listing(&world), 1, "one list for all");
    let call = &world.calls("ListAccounts")[0];
    assert_eq!((call.region.as_str(), call.access_key.as_str()), ("us-east-1", "testing"));
}

#[tokio::test]
async fn all_pages_of_the_organization_are_read_even_empty_ones() {
    let world = World::new().await;
    let one = |id: &str| json!([{"Id": id, "State": "ACTIVE"}]);
    world.proxy.route("/", move |call| {
        let page = |accounts: Value, next: Value| {
            Reply::json(200, &json!({"Accounts": accounts, "NextToken": next}))
        };
        let token = call.json()["NextToken"].as_str().map(str::to_owned);
        (call.operation == "ListAccounts").then(|| match token.as_deref() {
            None => page(one("111111111111"), json!("2")),
            Some("2") => page(json!([]), json!("3")),
            Some("3") => page(one(THERE), Value::Null),
            Some(other) => panic!("{other}"),
        })
    });
    enter(&world.accounts(of_organization()), THERE).await.unwrap();
    assert_eq!(listing(&world), 3);
}

#[tokio::test]
async fn a_page_that_leads_to_itself_ends() {
    let world = World::new().await;
    world.proxy.route("/", |call| {
        let again = json!({"Accounts": [{"Id": THERE, "State": "ACTIVE"}], "NextToken": "again"});
        (call.operation == "ListAccounts").then(|| Reply::json(200, &again))
    });
    enter(&world.accounts(of_organization()), THERE).await.unwrap();
    assert_eq!(listing(&world), 2);
}

/// `State` takes the place of `Status`; while there are both, it counts.
#[tokio::test]
async fn accounts_that_are_not_active_are_not_entered() {
    for (account_of_list, entered) in [
        (json!({"Id": THERE, "Status": "ACTIVE"}), true),
        (json!({"Id": THERE, "State": "ACTIVE", "Status": "SUSPENDED"}), true),
        (json!({"Id": THERE, "Status": "SUSPENDED"}), false),
        (json!({"Id": THERE, "State": "SUSPENDED"}), false),
        (json!({"Id": THERE, "State": "CLOSED", "Status": "ACTIVE"}), false),
        (json!({"Id": THERE, "State": "PENDING_CLOSURE"}), false),
        (json!({"Id": THERE, "State": "PENDING_ACTIVATION"}), false),
    ] {
        let world = World::new().await;
        organization(&world, json!([account_of_list]));
        let answer = enter(&world.accounts(of_organization()), THERE).await;
        assert_eq!(answer.is_ok(), entered, "{account_of_list}");
        assert_eq!(assumed(&world), u64::from(entered), "{account_of_list}");
    }
}

#[tokio::test]
async fn the_list_is_believed_for_a_quarter_of_an_hour() {
    let world = World::new().await;
    let left = std::sync::atomic::AtomicBool::new(false);
    world.proxy.route("/", move |call| {
        (call.operation == "ListAccounts").then(|| {
            let gone = left.swap(true, std::sync::atomic::Ordering::Relaxed);
            let accounts = if gone { json!([]) } else { json!([{"Id": THERE, "State": "ACTIVE"}]) };
            Reply::json(200, &json!({"Accounts": accounts}))
        })
    });
    let accounts = world.accounts(of_organization());
    let others = join_all((0..10).map(|_| enter(&accounts, THERE))).await;
    assert!(others.iter().all(Result::is_ok));
    world.clock.forward(Duration::from_secs(899));
    enter(&accounts, THERE).await.unwrap();
    assert_eq!(listing(&world), 1);
    world.clock.forward(Duration::from_secs(1));
    let error = enter(&accounts, THERE).await.unwrap_err();
    assert_eq!(error, AccountError::NotAllowed(account(THERE)), "it has left, though its client is kept");
    assert_eq!(listing(&world), 2);
}

#[tokio::test]
async fn a_list_that_is_refused_allows_nobody_and_is_asked_for_again() {
    let world = World::new().await;
    organization(&world, json!([{"Id": THERE, "State": "ACTIVE"}]));
    world
        .proxy
        .rule(|call| (call.operation == "ListAccounts").then(|| Fault::refused("AccessDeniedException")));
    let accounts = world.accounts(of_organization());
    let error = enter(&accounts, THERE).await.unwrap_err();
    let refused = AccountError::Aws {
        operation: "ListAccounts",
        code: "AccessDeniedException".to_owned(),
        status: Some(400),
    };
    assert_eq!(error, refused);
    assert_eq!(assumed(&world), 0);
    world.proxy.repair();
    enter(&accounts, THERE).await.unwrap();
}

/// Half a list is no list.
#[tokio::test]
async fn a_later_page_that_fails_allows_nobody() {
    let world = World::new().await;
    world.proxy.route("/", |call| {
        let first = json!({"Accounts": [{"Id": THERE, "State": "ACTIVE"}], "NextToken": "2"});
        (call.operation == "ListAccounts").then(|| Reply::json(200, &first))
    });
    world.proxy.rule(|call| call.json()["NextToken"].is_string().then_some(Fault::Throttled));
    let error = enter(&world.accounts(of_organization()), THERE).await.unwrap_err();
    assert!(matches!(&error, AccountError::Aws { operation: "ListAccounts", .. }), "{error:?}");
    assert_eq!(assumed(&world), 0);
}

#[tokio::test]
async fn the_own_account_needs_no_organization() {
    let world = World::new().await;
    enter(&world.accounts(of_organization()), HERE).await.unwrap();
    assert_eq!(listing(&world), 0);
}
