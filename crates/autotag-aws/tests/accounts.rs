//! Entering accounts: credentials, scope, and the number of calls. Lists of an organization's accounts.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

use autotag_aws::signed::{self, Request};
use autotag_aws::{AccountError, AccountScope, Accounts, CallError, MemberRole, Settings, organizations};
use autotag_model::arn::{AccountId, Region};
use autotag_testkit::{Fault, Reply};
use aws_config::SdkConfig;
use common::{Aws, HERE, THERE};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
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

/// The account of the credentials, as AWS sees it.
async fn identity(config: &SdkConfig) -> String {
    let said = aws_sdk_sts::Client::new(config).get_caller_identity().send().await.unwrap();
    said.account().unwrap().to_owned()
}

fn assumed(aws: &Aws) -> u64 {
    aws.proxy.count("sts", "AssumeRole")
}

// ---- The caller's own account ----

#[tokio::test]
async fn the_own_account_is_not_assumed_into() {
    let aws = Aws::new().await;
    let accounts = aws.accounts(listed(&[HERE]));
    let entered = join_all((0..20).map(|_| enter(&accounts, HERE))).await;
    for config in entered {
        assert_eq!(identity(&config.unwrap()).await, HERE);
    }
    assert_eq!(assumed(&aws), 0);
    assert_eq!(aws.counts(), [("GetCallerIdentity".to_owned(), 21)], "once, and by each of the test's own");
    assert!(aws.proxy.calls().iter().all(|call| call.access_key == "testing"));
}

#[tokio::test]
async fn without_an_account_no_call_is_made() {
    let aws = Aws::new().await;
    let accounts = aws.accounts(Settings::default());
    let config = accounts.client(None, &region("ap-southeast-2"), Clone::clone).await.unwrap();
    assert_eq!(config.region().unwrap().as_ref(), "ap-southeast-2");
    assert_eq!(aws.counts(), []);
}

/// An unknown own account must not make another account the own one.
#[tokio::test]
async fn no_account_is_entered_while_the_own_one_is_unknown() {
    let aws = Aws::new().await;
    let accounts = aws.accounts(listed(&[THERE]));
    aws.proxy.rule(|call| (call.operation == "GetCallerIdentity").then(|| Fault::refused("ExpiredToken")));
    for id in [HERE, THERE] {
        let error = enter(&accounts, id).await.unwrap_err();
        let AccountError::Aws { operation, code, .. } = &error else { panic!("{error:?}") };
        assert_eq!((*operation, code.as_str()), ("GetCallerIdentity", "ExpiredToken"));
    }
    assert_eq!(assumed(&aws), 0);
    aws.proxy.repair();
    enter(&accounts, HERE).await.unwrap();
}

// ---- Other accounts ----

#[tokio::test]
async fn a_role_is_assumed_once_for_all_clients_and_regions() {
    let aws = Aws::new().await;
    let accounts = aws.accounts(listed(&[THERE, "777788889999"]));
    let there = account(THERE);
    let regions = ["eu-west-1", "us-east-1", "ap-southeast-2"].map(region);
    let configs = regions.iter().cycle().take(30);
    let configs = join_all(configs.map(|region| accounts.client(Some(&there), region, Clone::clone))).await;
    let clients = regions.iter().cycle().take(30);
    let clients = clients.map(|region| accounts.client(Some(&there), region, aws_sdk_sts::Client::new));
    let clients = join_all(clients).await;
    assert_eq!(assumed(&aws), 1);
    for (number, config) in configs.iter().enumerate() {
        let config = config.as_ref().unwrap();
        assert_eq!(config.region().unwrap().as_ref(), regions[number % 3].as_str());
    }
    let said = clients[1].as_ref().unwrap().get_caller_identity().send().await.unwrap();
    assert_eq!(said.account(), Some(THERE), "moto knows the account of the credentials");
    assert_eq!(identity(configs[0].as_ref().unwrap()).await, THERE);
    enter(&accounts, "777788889999").await.unwrap();
    assert_eq!(assumed(&aws), 2, "each account has a role of its own");
}

#[tokio::test]
async fn the_role_is_assumed_with_external_id_policy_and_session_name() {
    let aws = Aws::new().await;
    let accounts = aws.accounts(listed(&[THERE]));
    let config = enter(&accounts, THERE).await.unwrap();
    let asked = &aws.calls("AssumeRole")[0];
    assert_eq!(asked.access_key, "testing", "with the ambient credentials");
    let field = |name: &str| asked.field(name).unwrap_or_default();
    assert_eq!(field("RoleArn"), format!("arn:aws:iam::{THERE}:role/ops/autotag-member"));
    assert_eq!(field("RoleSessionName"), "autotag");
    assert_eq!(field("ExternalId"), "a secret & more");
    assert_eq!(field("Policy"), r#"{"Version":"2012-10-17"}"#);
    identity(&config).await;
    let calls = aws.calls("GetCallerIdentity");
    let keys: Vec<&str> = calls.iter().map(|call| call.access_key.as_str()).collect();
    assert_eq!(keys[0], "testing");
    assert!(keys[1].starts_with("ASIA"), "{keys:?}");
}

#[tokio::test]
async fn the_role_is_in_the_partition_of_the_region() {
    let aws = Aws::new().await;
    let accounts = aws.accounts(listed(&[THERE]));
    accounts.client(Some(&account(THERE)), &region("cn-north-1"), Clone::clone).await.unwrap();
    let arn = aws.calls("AssumeRole")[0].field("RoleArn").unwrap();
    assert!(arn.starts_with("arn:aws-cn:iam::"), "{arn}");
}

/// An answer of STS with credentials that expire at 13:00. The number is part of the key.
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
async fn credentials_are_cached_until_shortly_before_they_expire() {
    let aws = Aws::new().await;
    let made = std::sync::atomic::AtomicU64::new(1);
    aws.proxy.route("/", move |call| {
        let number = || made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        (call.operation == "AssumeRole").then(|| until_one(number()))
    });
    let accounts = aws.accounts(listed(&[THERE]));
    let config = enter(&accounts, THERE).await.unwrap();
    aws.clock.forward(Duration::from_mins(54));
    enter(&accounts, THERE).await.unwrap();
    identity(&config).await;
    assert_eq!(assumed(&aws), 1);
    aws.clock.forward(Duration::from_mins(1));
    enter(&accounts, THERE).await.unwrap();
    assert_eq!(assumed(&aws), 2, "five minutes are left: too few for a batch");
}

/// A cached client must not use expired credentials.
#[tokio::test]
async fn cached_clients_get_new_credentials() {
    let aws = Aws::new().await;
    let accounts = aws.accounts(listed(&[THERE]));
    aws.proxy.route("/", |call| (call.operation == "AssumeRole").then(|| until_one(1)));
    let make = aws_sdk_sts::Client::new;
    let client = accounts.client(Some(&account(THERE)), &region("eu-west-1"), make).await.unwrap();
    client.get_caller_identity().send().await.unwrap();
    aws.clock.forward(Duration::from_hours(2));
    client.get_caller_identity().send().await.unwrap();
    assert_eq!(assumed(&aws), 2);
}

#[tokio::test]
async fn a_refused_role_is_reported_as_such() {
    let aws = Aws::new().await;
    let accounts = aws.accounts(listed(&[THERE]));
    aws.proxy.rule(|call| {
        let (code, message) =
            ("AccessDenied".to_owned(), "is not authorized to perform: sts:AssumeRole".to_owned());
        (call.operation == "AssumeRole").then_some(Fault::Refused { status: 403, code, message })
    });
    let error = enter(&accounts, THERE).await.unwrap_err();
    assert!(
        matches!(&error, AccountError::Aws { operation: "AssumeRole", code, .. } if code == "AccessDenied"),
        "{error:?}"
    );
    assert_eq!(assumed(&aws), 1, "a refusal is not retried");
}

/// A member account without the role may send thousands of events. The role may also be on its way: a `StackSet` makes it.
#[tokio::test]
async fn a_refusal_costs_one_call_in_two_minutes() {
    let aws = Aws::new().await;
    let accounts = aws.accounts(listed(&[THERE]));
    aws.proxy.rule(|call| (call.operation == "AssumeRole").then(|| Fault::refused("AccessDenied")));
    for _ in 0..100 {
        enter(&accounts, THERE).await.unwrap_err();
    }
    assert_eq!(assumed(&aws), 1);
    aws.proxy.repair();
    enter(&accounts, THERE).await.unwrap_err();
    aws.clock.forward(Duration::from_mins(2));
    enter(&accounts, THERE).await.unwrap();
    assert_eq!(assumed(&aws), 2);
}

/// STS that does not answer may answer the next call.
#[tokio::test]
async fn an_outage_of_sts_is_not_remembered() {
    let aws = Aws::new().await;
    let accounts = aws.accounts(listed(&[THERE]));
    aws.proxy.rule(|call| (call.operation == "AssumeRole").then(|| Fault::refused("ExpiredToken")));
    enter(&accounts, THERE).await.unwrap_err();
    aws.proxy.repair();
    enter(&accounts, THERE).await.unwrap();
}

/// The role was deleted after its client was cached.
#[tokio::test]
async fn a_cached_client_is_not_used_after_its_role_is_refused() {
    let aws = Aws::new().await;
    let accounts = aws.accounts(listed(&[THERE]));
    aws.proxy.route("/", |call| (call.operation == "AssumeRole").then(|| until_one(1)));
    enter(&accounts, THERE).await.unwrap();
    aws.clock.forward(Duration::from_hours(1));
    aws.proxy.rule(|call| (call.operation == "AssumeRole").then(|| Fault::refused("AccessDenied")));
    let error = enter(&accounts, THERE).await.unwrap_err();
    assert!(matches!(error, AccountError::Aws { operation: "AssumeRole", .. }), "{error:?}");
}

#[tokio::test]
async fn a_throttled_role_is_retried() {
    let aws = Aws::new().await;
    let accounts = aws.accounts(listed(&[THERE]));
    let first = std::sync::atomic::AtomicBool::new(true);
    aws.proxy.rule(move |call| {
        let now = || first.swap(false, std::sync::atomic::Ordering::Relaxed);
        (call.operation == "AssumeRole" && now()).then_some(Fault::Throttled)
    });
    enter(&accounts, THERE).await.unwrap();
    assert_eq!(assumed(&aws), 2);
}

// ---- The scope ----

#[tokio::test]
async fn accounts_out_of_scope_are_not_tried() {
    let aws = Aws::new().await;
    for settings in
        [Settings { role: Some(role()), ..Settings::default() }, listed(&[]), listed(&["777788889999"])]
    {
        let error = enter(&aws.accounts(settings), THERE).await.unwrap_err();
        assert_eq!(error, AccountError::NotAllowed(account(THERE)));
    }
    assert_eq!(aws.counts(), [("GetCallerIdentity".to_owned(), 3)]);
}

#[tokio::test]
async fn an_account_without_a_role_is_not_tried() {
    let aws = Aws::new().await;
    let settings = Settings { role: None, ..listed(&[THERE]) };
    let error = enter(&aws.accounts(settings), THERE).await.unwrap_err();
    assert_eq!(error, AccountError::NoRole(account(THERE)));
    assert_eq!(assumed(&aws), 0);
}

/// The permissions of the caller limit the accounts, so no list and no call about the organization is needed.
#[tokio::test]
async fn a_permitted_account_is_entered_if_its_role_can_be_assumed() {
    let aws = Aws::new().await;
    let permitted = Settings { allowed: AccountScope::Permitted, role: Some(role()), ..Settings::default() };
    let accounts = aws.accounts(permitted);
    let refused = "777788889999";
    aws.proxy.rule(move |call| {
        let is_refused = call.field("RoleArn").is_some_and(|arn| arn.contains(refused));
        (call.operation == "AssumeRole" && is_refused).then(|| Fault::refused("AccessDenied"))
    });
    assert_eq!(identity(&enter(&accounts, THERE).await.unwrap()).await, THERE);
    let error = enter(&accounts, refused).await.unwrap_err();
    assert!(matches!(error, AccountError::Aws { operation: "AssumeRole", .. }), "{error:?}");
    assert_eq!(described(&aws), 0);
}

// ---- The organization ----

fn described(aws: &Aws) -> u64 {
    aws.proxy.count("organizations", "DescribeAccount")
}

/// Answers `DescribeAccount` with this account.
fn describe(aws: &Aws, account: Value) {
    aws.proxy.route("/", move |call| {
        (call.operation == "DescribeAccount").then(|| Reply::json(200, &json!({"Account": account})))
    });
}

/// Moto's own organization.
#[tokio::test]
async fn active_accounts_of_the_organization_are_entered_and_others_not() {
    let aws = Aws::new().await;
    let call = async |operation: &str, body: Value| {
        let request = Request::json(signed::ORGANIZATIONS, operation, &region("us-east-1"), &body);
        signed::send_json(&aws.config, request).await.unwrap()
    };
    call("CreateOrganization", json!({"FeatureSet": "ALL"})).await;
    let mut made = Vec::new();
    for number in 0..3 {
        let body = json!({"Email": format!("a{number}@example.com"), "AccountName": format!("a{number}")});
        let said = call("CreateAccount", body).await;
        made.push(said["CreateAccountStatus"]["AccountId"].as_str().unwrap().to_owned());
    }
    call("CloseAccount", json!({"AccountId": made[2]})).await;
    let accounts = aws.accounts(of_organization());
    for id in &made[..2] {
        assert_eq!(identity(&enter(&accounts, id).await.unwrap()).await, *id);
    }
    assert_eq!(enter(&accounts, &made[2]).await.unwrap_err(), AccountError::NotAllowed(account(&made[2])));
    assert_eq!(enter(&accounts, THERE).await.unwrap_err(), AccountError::NotAllowed(account(THERE)));
    let call = &aws.calls("DescribeAccount")[0];
    assert_eq!((call.region.as_str(), call.access_key.as_str()), ("us-east-1", "testing"));
    let list = organizations::list_accounts(&organizations::client(&aws.config)).await.unwrap();
    let listed: BTreeSet<&str> = list.iter().map(|account| account.id.as_str()).collect();
    assert!(made.iter().all(|id| listed.contains(id.as_str())), "{listed:?}");
    let closed = list.iter().find(|account| account.id.as_str() == made[2]).unwrap();
    assert_eq!(closed.state.as_deref(), Some("SUSPENDED"));
}

/// The whole organization may have thousands of accounts, more than one invocation has time to list.
#[tokio::test]
async fn only_the_account_to_enter_is_asked_about() {
    let aws = Aws::new().await;
    describe(&aws, json!({"Id": THERE, "State": "ACTIVE"}));
    let accounts = aws.accounts(of_organization());
    let entered = join_all((0..10).map(|_| enter(&accounts, THERE))).await;
    assert!(entered.iter().all(Result::is_ok));
    assert_eq!(described(&aws), 1);
    assert_eq!(aws.calls("DescribeAccount")[0].json(), json!({"AccountId": THERE}));
    assert_eq!(aws.calls("ListAccounts").len(), 0);
}

/// An invocation that ends in the middle must not make the next one start from nothing.
#[tokio::test]
async fn a_cancelled_call_loses_only_its_own_answer() {
    let aws = Aws::new().await;
    let other = "777788889999";
    aws.proxy.route("/", |call| {
        let account = || json!({"Account": {"Id": call.json()["AccountId"], "State": "ACTIVE"}});
        (call.operation == "DescribeAccount").then(|| Reply::json(200, &account()))
    });
    let accounts = aws.accounts(of_organization());
    enter(&accounts, THERE).await.unwrap();
    aws.proxy
        .rule(|call| (call.operation == "DescribeAccount").then_some(Fault::Slow(Duration::from_mins(10))));
    let cancelled = tokio::time::timeout(Duration::from_millis(300), enter(&accounts, other)).await;
    assert!(cancelled.is_err());
    enter(&accounts, THERE).await.unwrap();
    assert_eq!(described(&aws), 2, "the answer for the first account is still known");
    aws.proxy.repair();
    enter(&accounts, other).await.unwrap();
    assert_eq!(described(&aws), 3);
}

/// `State` replaces `Status`. If both exist, `State` counts.
#[tokio::test]
async fn accounts_that_are_not_active_are_not_entered() {
    for (answer, entered) in [
        (json!({"Id": THERE, "Status": "ACTIVE"}), true),
        (json!({"Id": THERE, "State": "ACTIVE", "Status": "SUSPENDED"}), true),
        (json!({"Id": THERE, "Status": "SUSPENDED"}), false),
        (json!({"Id": THERE, "State": "SUSPENDED"}), false),
        (json!({"Id": THERE, "State": "CLOSED", "Status": "ACTIVE"}), false),
        (json!({"Id": THERE, "State": "PENDING_CLOSURE"}), false),
        (json!({"Id": THERE, "State": "PENDING_ACTIVATION"}), false),
    ] {
        let aws = Aws::new().await;
        describe(&aws, answer.clone());
        let result = enter(&aws.accounts(of_organization()), THERE).await;
        assert_eq!(result.is_ok(), entered, "{answer}");
        assert_eq!(assumed(&aws), u64::from(entered), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_counts_for_a_quarter_of_an_hour() {
    let aws = Aws::new().await;
    let left = std::sync::atomic::AtomicBool::new(false);
    aws.proxy.route("/", move |call| {
        (call.operation == "DescribeAccount").then(|| {
            if left.swap(true, std::sync::atomic::Ordering::Relaxed) {
                return Reply::json(
                    400,
                    &json!({"__type": "AccountNotFoundException", "Message": "unknown"}),
                );
            }
            Reply::json(200, &json!({"Account": {"Id": THERE, "State": "ACTIVE"}}))
        })
    });
    let accounts = aws.accounts(of_organization());
    enter(&accounts, THERE).await.unwrap();
    aws.clock.forward(Duration::from_secs(899));
    enter(&accounts, THERE).await.unwrap();
    assert_eq!(described(&aws), 1);
    aws.clock.forward(Duration::from_secs(1));
    let error = enter(&accounts, THERE).await.unwrap_err();
    assert_eq!(error, AccountError::NotAllowed(account(THERE)), "it has left, though its client is cached");
    enter(&accounts, THERE).await.unwrap_err();
    assert_eq!(described(&aws), 2, "that an account is unknown counts as long");
}

#[tokio::test]
async fn a_refused_question_allows_no_account_and_is_asked_again() {
    let aws = Aws::new().await;
    describe(&aws, json!({"Id": THERE, "State": "ACTIVE"}));
    for code in ["AccessDeniedException", "AWSOrganizationsNotInUseException"] {
        aws.proxy.rule(move |call| (call.operation == "DescribeAccount").then(|| Fault::refused(code)));
        let accounts = aws.accounts(of_organization());
        let error = enter(&accounts, THERE).await.unwrap_err();
        let refused =
            AccountError::Aws { operation: "DescribeAccount", code: code.to_owned(), status: Some(400) };
        assert_eq!(error, refused);
        assert_eq!(assumed(&aws), 0);
        aws.proxy.repair();
    }
    enter(&aws.accounts(of_organization()), THERE).await.unwrap();
}

#[tokio::test]
async fn an_answer_without_an_account_allows_no_account() {
    let aws = Aws::new().await;
    describe(&aws, Value::Null);
    let error = enter(&aws.accounts(of_organization()), THERE).await.unwrap_err();
    assert!(
        matches!(&error, AccountError::Aws { operation: "DescribeAccount", code, .. } if code == "UnreadableAnswer"),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_own_account_needs_no_organization() {
    let aws = Aws::new().await;
    enter(&aws.accounts(of_organization()), HERE).await.unwrap();
    assert_eq!(described(&aws), 0);
}

// ---- Lists of accounts ----

async fn list(aws: &Aws) -> Result<Vec<String>, CallError> {
    let listed = organizations::list_accounts(&organizations::client(&aws.config)).await?;
    Ok(listed.into_iter().map(|account| account.id.to_string()).collect())
}

fn page(ids: &[&str], next: &Value) -> Reply {
    let accounts: Vec<Value> = ids.iter().map(|id| json!({"Id": id, "State": "ACTIVE"})).collect();
    Reply::json(200, &json!({"Accounts": accounts, "NextToken": next}))
}

#[tokio::test]
async fn all_pages_of_the_organization_are_read_even_empty_ones() {
    let aws = Aws::new().await;
    aws.proxy.route("/", move |call| {
        let token = call.json()["NextToken"].as_str().map(str::to_owned);
        (call.operation == "ListAccounts").then(|| match token.as_deref() {
            None => page(&["111111111111"], &json!("2")),
            Some("2") => page(&[], &json!("3")),
            Some("3") => page(&[THERE], &Value::Null),
            Some(other) => panic!("{other}"),
        })
    });
    assert_eq!(list(&aws).await.unwrap(), ["111111111111", THERE]);
    assert_eq!(aws.calls("ListAccounts").len(), 3);
}

/// The pages read until then are a part of the organization, and must not count as all of it.
#[tokio::test]
async fn a_repeated_page_token_is_an_error() {
    let aws = Aws::new().await;
    aws.proxy.route("/", |call| (call.operation == "ListAccounts").then(|| page(&[THERE], &json!("again"))));
    let error = list(&aws).await.unwrap_err();
    assert_eq!((error.operation.as_str(), error.code.as_str()), ("ListAccounts", "PagingDoesNotEnd"));
    assert_eq!(aws.calls("ListAccounts").len(), 2);
}

#[tokio::test]
async fn a_later_page_that_fails_fails_the_list() {
    let aws = Aws::new().await;
    aws.proxy.route("/", |call| (call.operation == "ListAccounts").then(|| page(&[THERE], &json!("2"))));
    aws.proxy.rule(|call| call.json()["NextToken"].is_string().then_some(Fault::Throttled));
    let error = list(&aws).await.unwrap_err();
    assert_eq!((error.operation.as_str(), error.code.as_str()), ("ListAccounts", "ThrottlingException"));
}

/// AWS's answers to errors are not always those of the service: a load balancer answers in HTML.
#[tokio::test]
async fn failures_without_a_code_are_named_by_their_status() {
    let aws = Aws::new().await;
    for (reply, code) in [
        (Reply::new(404, "text/html", "<html>not here</html>"), "Http404"),
        (Reply::empty(403), "Http403"),
        (Reply::new(503, "application/x-amz-json-1.1", "{}"), "Http503"),
        (Reply::new(200, "application/x-amz-json-1.1", "{"), "UnreadableAnswer"),
    ] {
        aws.proxy.repair();
        aws.proxy.rule(move |_| Some(Fault::Answered(reply.clone())));
        assert_eq!(list(&aws).await.unwrap_err().code, code);
    }
}
