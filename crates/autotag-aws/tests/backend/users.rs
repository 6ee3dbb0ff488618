//! Names of Identity Center users, from the identity store.

use crate::emulated::{Aws, HERE, config, failure};
use autotag_aws::backend::AwsBackend;
use autotag_aws::{AccountScope, Accounts, MemberRole, Settings};
use autotag_handlers::backend::BackendReader as _;
use autotag_handlers::error::ErrorClass;
use autotag_model::arn::{AccountId, Region};
use autotag_model::identity::{OnBehalfOf, Principal};
use autotag_testkit::{Fault, Proxy, Reply};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const OPERATION: &str = "DescribeUser";

fn somebody(id: &str) -> OnBehalfOf {
    let store = format!("arn:aws:identitystore::{HERE}:identitystore/d-1234567890");
    let identity = json!({"onBehalfOf": {"userId": id, "identityStoreArn": store}});
    Principal::from_value(&identity).on_behalf_of.unwrap()
}

fn stockholm() -> Region {
    Region::new("eu-north-1").unwrap()
}

#[tokio::test]
async fn a_user_has_the_name_that_the_store_knows_and_is_asked_for_once() {
    let aws = Aws::new().await;
    aws.proxy.route("/", |call| {
        let body = call.json();
        (call.operation == OPERATION
            && body["UserId"] == "user-1"
            && body["IdentityStoreId"] == "d-1234567890")
            .then(|| Reply::json(200, &json!({"UserName": "ana@example.com", "UserId": "user-1"})))
    });
    let backend = aws.backend().with_identity_store(stockholm());
    for _ in 0..3 {
        assert_eq!(backend.user_name(&somebody("user-1")).await, Ok(Some("ana@example.com".to_owned())));
    }
    let calls = aws.calls("identitystore", OPERATION);
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].region, "eu-north-1", "the store is asked where it is");
}

#[tokio::test]
async fn nobody_is_asked_who_is_not_configured() {
    let aws = Aws::new().await;
    assert_eq!(aws.backend().user_name(&somebody("user-1")).await, Ok(None));
    let backend = aws.backend().with_identity_store(stockholm());
    let mut nowhere = somebody("user-1");
    nowhere.identity_store_arn = None;
    assert_eq!(backend.user_name(&nowhere).await, Ok(None));
    assert!(aws.calls("identitystore", OPERATION).is_empty());
}

#[tokio::test]
async fn who_has_left_is_no_failure_and_a_refusal_is_one() {
    let aws = Aws::new().await;
    let backend = aws.backend().with_identity_store(stockholm());
    aws.proxy.rule(|call| {
        let code =
            if call.mentions("user-gone") { "ResourceNotFoundException" } else { "AccessDeniedException" };
        (call.operation == OPERATION).then(|| Fault::refused(code))
    });
    assert_eq!(backend.user_name(&somebody("user-gone")).await, Ok(None));
    let refused = backend.user_name(&somebody("user-1")).await;
    assert_eq!(failure(&refused), (ErrorClass::Denied, "AccessDeniedException"));
}

/// The store of another organization: its names do not count, but the resource of the call is tagged.
#[tokio::test]
async fn a_store_of_an_account_that_may_not_be_entered_names_nobody() {
    let aws = Aws::new().await;
    let backend = aws.backend().with_identity_store(stockholm());
    let mut stranger = somebody("user-1");
    stranger.identity_store_arn =
        Some("arn:aws:identitystore::444455556666:identitystore/d-0987654321".to_owned());
    assert_eq!(backend.user_name(&stranger).await, Ok(None));
    assert!(aws.calls("identitystore", OPERATION).is_empty());
}

/// An account instance of Identity Center names its users as it likes. Its store may be in an account that may be entered.
#[tokio::test]
async fn a_store_that_the_operator_does_not_know_names_nobody() {
    let proxy = Proxy::stub(Duration::ZERO).unwrap();
    proxy.route("/", |call| {
        (call.operation == OPERATION)
            .then(|| Reply::json(200, &json!({"UserName": "boss@example.com", "UserId": "u-1"})))
    });
    let member = AccountId::new("444455556666").unwrap();
    let settings = Settings {
        allowed: AccountScope::Listed([member].into()),
        role: Some(MemberRole { name: "autotag-member".to_owned(), external_id: None, session_policy: None }),
        ..Settings::default()
    };
    let accounts = Arc::new(Accounts::new(config(&proxy.url()).await, settings));
    let of_member = "arn:aws:identitystore::444455556666:identitystore/d-0987654321";
    let user = |store: &str| {
        let identity = json!({"onBehalfOf": {"userId": "u-1", "identityStoreArn": store}});
        Principal::from_value(&identity).on_behalf_of.unwrap()
    };
    let name = Ok(Some("boss@example.com".to_owned()));
    let own = format!("arn:aws:identitystore::{HERE}:identitystore/d-1234567890");
    let backend = || AwsBackend::new(Arc::clone(&accounts)).with_identity_store(stockholm());

    assert_eq!(
        backend().user_name(&user(of_member)).await,
        Ok(None),
        "the member role may enter the account"
    );
    assert_eq!(proxy.count("identitystore", OPERATION), 0);
    assert_eq!(backend().user_name(&user(&own)).await, name);

    let listed = backend().with_trusted_identity_stores([of_member.parse().unwrap()]);
    assert_eq!(listed.user_name(&user(of_member)).await, name);
    assert_eq!(listed.user_name(&user(&own)).await, Ok(None), "a list names all stores");
    let other = of_member.replace("d-0987654321", "d-1111111111");
    assert_eq!(listed.user_name(&user(&other)).await, Ok(None));
    assert_eq!(proxy.count("identitystore", OPERATION), 2);

    // A session of the account access manager names its user, and no store.
    let without_store = OnBehalfOf::new("u-1");
    assert_eq!(backend().user_name(&without_store).await, Ok(None), "the store is not known");
    assert_eq!(listed.user_name(&without_store).await, name, "the one that is listed");
}
