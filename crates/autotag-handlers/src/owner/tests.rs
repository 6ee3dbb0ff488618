use super::*;
use crate::backend::{Related, RelatedQuery, TaggableResource, Tags};
use crate::error::ErrorClass;
use crate::memory::MemoryBackend;
use async_trait::async_trait;
use autotag_model::identity::AccessKeyId;
use autotag_model::rule::Resource;
use futures_executor::block_on;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use session_store::{MemoryStore, SessionWriter as _};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};

mod flood;

const NINE: &str = "2026-03-02T09:00:00Z";

/// A role session as CloudTrail writes it.
fn role_session(role: &str, name: &str, key: Option<&str>) -> Value {
    let mut identity = json!({
        "type": "AssumedRole", "principalId": format!("AROA{role}:{name}"), "accountId": "111122223333",
        "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/{name}"),
        "sessionContext": {"attributes": {"creationDate": NINE, "mfaAuthenticated": "false"},
            "sessionIssuer": {"type": "Role", "principalId": format!("AROA{role}"), "userName": role,
                "accountId": "111122223333", "arn": format!("arn:aws:iam::111122223333:role/{role}")}}
    });
    if let Some(key) = key {
        identity["accessKeyId"] = json!(key);
    }
    identity
}

fn user(name: &str) -> Value {
    json!({"type": "IAMUser", "principalId": format!("AIDA{name}"), "accountId": "111122223333", "userName": name,
        "arn": format!("arn:aws:iam::111122223333:user/{name}"), "accessKeyId": "AKIAEXAMPLE"})
}

fn principal(identity: &Value) -> Principal {
    Principal::from_value(identity)
}

/// The session `AROA<role>:<name>`, issued at nine for `key` to `caller`.
fn session(role: &str, name: &str, key: &str, caller: &Value) -> Session {
    let mut session =
        Session::new(&format!("AROA{role}:{name}"), NINE.parse().unwrap(), SessionKind::AssumeRole);
    session.access_key = AccessKeyId::new(key);
    session.caller = principal(caller);
    session
}

fn store(sessions: &[Session]) -> MemoryStore {
    let store = MemoryStore::new();
    for session in sessions {
        block_on(store.put(session)).unwrap();
    }
    store
}

fn owner(identity: &Value, sessions: &[Session]) -> Owner {
    block_on(resolve(&principal(identity), &Trust::default(), &store(sessions), &MemoryBackend::new()))
        .unwrap()
}

/// Name and source: what tags say.
fn named(identity: &Value, sessions: &[Session]) -> (Option<String>, Option<OwnerSource>) {
    let owner = owner(identity, sessions);
    (owner.name, owner.source)
}

fn is(name: &str, source: OwnerSource) -> (Option<String>, Option<OwnerSource>) {
    (Some(name.to_owned()), Some(source))
}

/// Answers as told, and counts how often it is asked.
#[derive(Default)]
struct Counting {
    known: MemoryStore,
    asked: AtomicUsize,
    users: AtomicUsize,
    down: bool,
}

#[async_trait]
impl SessionReader for Counting {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.down {
            return Err(SessionStoreError::Unavailable {
                place: "sessions".into(),
                source: "timeout".into(),
            });
        }
        self.known.find_issued(role_session, between).await
    }
}

#[async_trait]
impl BackendReader for Counting {
    async fn existing_tags(&self, _: &[TaggableResource]) -> Vec<Result<Tags, BackendError>> {
        panic!("the owner does not depend on the tags of a resource")
    }

    async fn find_related(&self, _: &Resource, _: &RelatedQuery) -> Result<Related, BackendError> {
        panic!("the owner does not depend on related resources")
    }

    async fn principal_tags(&self, _: &str) -> Result<Tags, BackendError> {
        panic!("the owner does not depend on IAM tags")
    }

    async fn user_name(&self, _: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        self.users.fetch_add(1, Ordering::SeqCst);
        if self.down {
            return Err(BackendError::new(ErrorClass::Throttled, "DescribeUser", "ThrottlingException"));
        }
        Ok(None)
    }
}

/// One call about which everything is known at once; what counts most is taken away, one after the other.
#[test]
fn the_first_rule_that_holds_names_the_owner() {
    use OwnerSource::{IdentityCenter, RoleChain, RoleSession, SourceIdentity, WebIdentity, Workload};
    let chained = |role: &str| session(role, "ana@example.com", "ASIAONE", &user("mara"));

    let mut identity = role_session("AWSReservedSSO_Admin_0", "ana@example.com", Some("ASIAONE"));
    identity["sessionContext"]["sessionIssuer"]["arn"] = json!(
        "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0"
    );
    identity["sessionContext"]["sourceIdentity"] = json!("source");
    identity["sessionContext"]["webIdFederationData"] = json!({"federatedProvider": "token.example.com",
        "attributes": {"token.example.com:sub": "repo:example/shop"}});
    identity["onBehalfOf"] = json!({"userId": "user-1", "identityStoreArn": "arn:aws:identitystore::111122223333:identitystore/d-1"});
    let sso = [chained("AWSReservedSSO_Admin_0")];
    assert_eq!(named(&identity, &sso), is("source", SourceIdentity));

    identity["sessionContext"].as_object_mut().unwrap().remove("sourceIdentity");
    assert_eq!(named(&identity, &sso), is("ana@example.com", IdentityCenter));

    let mut plain = role_session("Deploy", "ana@example.com", Some("ASIAONE"));
    plain["sessionContext"]["webIdFederationData"] =
        identity["sessionContext"]["webIdFederationData"].clone();
    plain["onBehalfOf"] = identity["onBehalfOf"].clone();
    let deploy = [chained("Deploy")];
    assert_eq!(named(&plain, &deploy), is("user-1", IdentityCenter));

    plain.as_object_mut().unwrap().remove("onBehalfOf");
    assert_eq!(named(&plain, &deploy), is("mara", RoleChain));
    assert_eq!(named(&plain, &[]), is("token.example.com: repo:example/shop", WebIdentity));

    plain["sessionContext"]["webIdFederationData"] = json!({});
    assert_eq!(named(&plain, &[]), is("ana@example.com", RoleSession));

    plain["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
    assert_eq!(named(&plain, &[]), is("Deploy", Workload));
    assert_eq!(named(&plain, &deploy), is("mara", RoleChain), "a known caller says more than the role");
}

#[test]
fn the_source_identity_of_the_sts_record_counts_too() {
    let mut known = session("Deploy", "build", "ASIAONE", &json!({"type": "SAMLUser"}));
    known.kind = SessionKind::AssumeRoleWithSaml;
    known.source_identity = Some("ana".to_owned());
    let identity = role_session("Deploy", "build", Some("ASIAONE"));
    assert_eq!(named(&identity, &[known]), is("ana", OwnerSource::SourceIdentity));
}

#[test]
fn principals_without_a_session() {
    use OwnerSource::{Account, FederatedUser, IamUser, IdentityCenter, Root, Saml, Service, WebIdentity};
    let cases = [
        (user("mara"), is("mara", IamUser)),
        (json!({"type": "IAMUser", "principalId": "AIDAX"}), is("AIDAX", IamUser)),
        (json!({"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/team/mara"}), is("mara", IamUser)),
        (json!({"type": "Root", "userName": "alias", "accountId": "111122223333"}), is("root", Root)),
        (json!({"type": "SAMLUser", "userName": "ana@example.com"}), is("ana@example.com", Saml)),
        (
            json!({"type": "WebIdentityUser", "userName": "repo:example/shop"}),
            is("repo:example/shop", WebIdentity),
        ),
        (
            json!({"type": "AWSService", "invokedBy": "backup.amazonaws.com"}),
            is("backup.amazonaws.com", Service),
        ),
        (json!({"type": "AWSAccount", "accountId": "444455556666"}), is("444455556666", Account)),
        (
            json!({"type": "AWSAccount", "accountId": "444455556666", "principalId": "AROAX:ana"}),
            is("AROAX:ana", Account),
        ),
        (
            json!({"type": "AWSAccount", "accountId": "444455556666", "invokedBy": "rds.amazonaws.com"}),
            is("rds.amazonaws.com", Service),
        ),
        (
            json!({"type": "FederatedUser", "principalId": "111122223333:ana", "accountId": "111122223333",
                "arn": "arn:aws:sts::111122223333:federated-user/ana"}),
            is("ana", FederatedUser),
        ),
        (
            json!({"type": "IdentityCenterUser", "accountId": "111122223333", "onBehalfOf": {"userId": "user-1"}}),
            is("user-1", IdentityCenter),
        ),
    ];
    for (identity, want) in cases {
        assert_eq!(named(&identity, &[]), want, "{identity}");
    }
}

#[test]
fn an_identity_without_a_type_is_read_by_what_it_says() {
    use OwnerSource::{Account, IamUser, RoleSession, Service};
    let cases = [
        (json!({"arn": "arn:aws:iam::111122223333:user/mara"}), is("mara", IamUser)),
        (json!({"arn": "arn:aws:sts::111122223333:assumed-role/Deploy/build"}), is("build", RoleSession)),
        (
            json!({"accountId": "111122223333", "invokedBy": "kms.amazonaws.com"}),
            is("kms.amazonaws.com", Service),
        ),
        (json!({"accountId": "111122223333", "accessKeyId": "ASIAX"}), is("111122223333", Account)),
        (json!({}), (None, None)),
        (Value::Null, (None, None)),
    ];
    for (identity, want) in cases {
        assert_eq!(named(&identity, &[]), want, "{identity}");
    }
}

#[test]
fn a_call_that_a_service_makes_for_somebody_is_that_somebodys() {
    let mut by_stack = user("mara");
    by_stack["invokedBy"] = json!("cloudformation.amazonaws.com");
    assert_eq!(named(&by_stack, &[]), is("mara", OwnerSource::IamUser));

    // Service-forwarded calls carry no access key: the session is found by its time.
    let mut forwarded = role_session("Deploy", "build", None);
    forwarded["invokedBy"] = json!("servicecatalog.amazonaws.com");
    let known = session("Deploy", "build", "ASIAONE", &user("mara"));
    assert_eq!(named(&forwarded, &[known]), is("mara", OwnerSource::RoleChain));
    assert_eq!(named(&forwarded, &[]), is("build", OwnerSource::RoleSession));
}

#[test]
fn the_console_is_a_human_and_old_auto_scaling_is_not_root() {
    let root = |by: &str| json!({"type": "Root", "accountId": "111122223333", "invokedBy": by});
    assert_eq!(named(&root("signin.amazonaws.com"), &[]), is("root", OwnerSource::Root));
    let auto_scaling = owner(&root("autoscaling.amazonaws.com"), &[]);
    assert_eq!(auto_scaling.source, Some(OwnerSource::Service));
    assert!(auto_scaling.is_service(), "so that the group's owner counts");
    let mut console = user("mara");
    console["invokedBy"] = json!("signin.amazonaws.com");
    assert_eq!(named(&console, &[]), is("mara", OwnerSource::IamUser));
}

#[test]
fn what_a_service_makes_for_the_root_user_is_the_root_users() {
    for by in ["cloudformation.amazonaws.com", "servicecatalog.amazonaws.com", "AWS Internal"] {
        let identity = json!({"type": "Root", "accountId": "111122223333", "invokedBy": by,
            "arn": "arn:aws:iam::111122223333:root", "principalId": "111122223333"});
        assert_eq!(named(&identity, &[]), is("root", OwnerSource::Root), "{by}");
    }
}

#[test]
fn a_chain_of_three_leads_to_the_person_at_its_origin() {
    let sessions = [
        session("Third", "t", "ASIATHREE", &role_session("Second", "s", Some("ASIATWO"))),
        session("Second", "s", "ASIATWO", &role_session("First", "f", Some("ASIAONE"))),
        session("First", "f", "ASIAONE", &user("mara")),
    ];
    let owner = owner(&role_session("Third", "t", Some("ASIATHREE")), &sessions);
    assert_eq!((owner.name.as_deref(), owner.source), (Some("mara"), Some(OwnerSource::RoleChain)));
    let walked: Vec<&str> = owner.chain.iter().map(|link| link.session.rsplit(':').next().unwrap()).collect();
    assert_eq!(walked, ["assumed-role/Third/t", "assumed-role/Second/s", "assumed-role/First/f"]);
    assert!(owner.chain[2].evidence.contains("by arn:aws:iam::111122223333:user/mara"), "{:?}", owner.chain);
    assert_eq!(
        owner.session.as_ref(),
        Some(&sessions[0]),
        "session tags are those of the call's own session"
    );
}

#[test]
fn the_proof_shows_no_access_key() {
    let key = "ASIACANARYCANARY1234";
    let known = session("Deploy", "build", key, &user("mara"));
    let owner = owner(&role_session("Deploy", "build", Some(key)), &[known]);
    assert!(!format!("{owner:?}").contains(key));
}

#[test]
fn a_chain_ends_in_the_workload_or_the_subject_at_its_origin() {
    let mut lambda = role_session("Worker", "worker-fn", Some("ASIAONE"));
    lambda["inScopeOf"] = json!({"issuerType": "AWS::Lambda::Function",
        "credentialsIssuedTo": "arn:aws:lambda:eu-west-1:111122223333:function:worker-fn"});
    let far = role_session("Far", "any-name", Some("ASIATWO"));
    let by_lambda = owner(&far, &[session("Far", "any-name", "ASIATWO", &lambda)]);
    assert_eq!((by_lambda.name.as_deref(), by_lambda.source), (Some("Worker"), Some(OwnerSource::RoleChain)));
    assert_eq!(
        by_lambda.workload.as_deref(),
        Some("arn:aws:lambda:eu-west-1:111122223333:function:worker-fn")
    );

    let mut github = session("First", "f", "ASIAONE", &json!({"type": "WebIdentityUser", "userName": "sub"}));
    github.kind = SessionKind::AssumeRoleWithWebIdentity;
    github.subject = Some("repo:example/shop:ref:refs/heads/main".to_owned());
    let first = role_session("First", "f", Some("ASIAONE"));
    let subject = "repo:example/shop:ref:refs/heads/main";
    assert_eq!(named(&first, std::slice::from_ref(&github)), is(subject, OwnerSource::WebIdentity));
    let second = session("Far", "any-name", "ASIATWO", &first);
    assert_eq!(named(&far, &[second, github]), is(subject, OwnerSource::RoleChain));

    let mut saml = session("Saml", "s", "ASIASAML", &json!({"type": "SAMLUser", "userName": "ana"}));
    saml.kind = SessionKind::AssumeRoleWithSaml;
    saml.subject = Some("ana@example.com".to_owned());
    let in_saml = role_session("Saml", "s", Some("ASIASAML"));
    assert_eq!(named(&in_saml, &[saml]), is("ana@example.com", OwnerSource::Saml));
}

#[test]
fn a_federated_user_leads_to_the_user_who_asked_for_the_token() {
    let identity = json!({"type": "FederatedUser", "principalId": "111122223333:report", "accountId": "111122223333",
        "arn": "arn:aws:sts::111122223333:federated-user/report", "accessKeyId": "ASIAFED"});
    let mut known =
        Session::new("111122223333:report", NINE.parse().unwrap(), SessionKind::GetFederationToken);
    known.access_key = AccessKeyId::new("ASIAFED");
    known.caller = principal(&user("mara"));
    assert_eq!(named(&identity, &[known]), is("mara", OwnerSource::RoleChain));
}

#[test]
fn across_accounts_the_copy_that_knows_the_caller_counts_in_either_order() {
    let far = role_session("Far", "mara", Some("ASIATWO"));
    let rich = session("Far", "mara", "ASIATWO", &user("mara.lind"));
    let poor = session(
        "Far",
        "mara",
        "ASIATWO",
        &json!({"type": "AWSAccount", "accountId": "444455556666", "principalId": "AIDAX"}),
    );
    for sessions in [[rich.clone(), poor.clone()], [poor.clone(), rich]] {
        assert_eq!(named(&far, &sessions), is("mara.lind", OwnerSource::RoleChain));
    }
    // Only the account is known: no principal in it is named, and only the session name is left.
    assert_eq!(named(&far, &[poor]), is("mara", OwnerSource::RoleSession));
}

/// Role sessions `R0`, `R1`, ... each asked for by the next; the last one by mara.
fn chain(length: usize) -> Vec<Session> {
    let identity = |n: usize| role_session(&format!("R{n}"), &format!("s{n}"), Some(&format!("ASIA{n}")));
    let caller = |n: usize| if n + 1 == length { user("mara") } else { identity(n + 1) };
    (0..length)
        .map(|n| session(&format!("R{n}"), &format!("s{n}"), &format!("ASIA{n}"), &caller(n)))
        .collect()
}

#[test]
fn a_chain_is_followed_to_its_origin_up_to_a_limit() {
    let first = role_session("R0", "s0", Some("ASIA0"));
    assert_eq!(named(&first, &chain(MAX_HOPS)), is("mara", OwnerSource::RoleChain));
    let cut = owner(&first, &chain(MAX_HOPS + 1));
    // The caller who makes a chain this long chooses the name of the session at which it is cut.
    assert_eq!((cut.name.as_deref(), cut.proof), (Some("R50"), Some(Proof::NameOnly)));
    assert_eq!(cut.claimed.as_deref(), Some("s50"));
    assert_eq!(cut.chain.len(), MAX_HOPS + 1);
}

#[test]
fn a_loop_ends() {
    let one = role_session("One", "1", Some("ASIAONE"));
    let two = role_session("Two", "2", Some("ASIATWO"));
    let store = Counting {
        known: store(&[session("One", "1", "ASIAONE", &two), session("Two", "2", "ASIATWO", &one)]),
        ..Counting::default()
    };
    let owner = block_on(resolve(&principal(&one), &Trust::default(), &store, &store)).unwrap();
    assert!(owner.name.is_some());
    assert_eq!(store.asked.load(Ordering::SeqCst), MAX_HOPS + 1);
}

#[test]
fn an_ambiguous_session_is_not_guessed_and_the_proof_says_so() {
    let two = [
        session("Jump", "mara", "ASIAONE", &user("mara")),
        session("Jump", "mara", "ASIATWO", &user("noor")),
    ];
    let owner = owner(&role_session("Jump", "mara", None), &two);
    assert_eq!((owner.name.as_deref(), owner.source), (Some("mara"), Some(OwnerSource::RoleSession)));
    assert_eq!(owner.session, None, "nobody's session tags");
    assert!(owner.chain[0].evidence.contains("2 sessions could be meant"), "{:?}", owner.chain);
    // With the key there is nothing to guess.
    assert_eq!(
        named(&role_session("Jump", "mara", Some("ASIATWO")), &two),
        is("noor", OwnerSource::RoleChain)
    );
}

#[test]
fn a_session_of_another_time_is_not_taken() {
    let mut later = session("Jump", "mara", "ASIAONE", &user("noor"));
    later.issued = "2026-03-02T09:00:03Z".parse::<Timestamp>().unwrap();
    let owner = owner(&role_session("Jump", "mara", None), &[later]);
    assert_eq!(owner.source, Some(OwnerSource::RoleSession));
    assert!(owner.chain[0].evidence.contains("none of this session"), "{:?}", owner.chain);
}

#[test]
fn workloads_are_named_by_their_role() {
    let mut instance = role_session("WebServer", "i-0123456789abcdef0", Some("ASIAONE"));
    instance["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
    let found = owner(&instance, &[]);
    assert_eq!((found.name.as_deref(), found.source), (Some("WebServer"), Some(OwnerSource::Workload)));
    assert_eq!(found.workload.as_deref(), Some("i-0123456789abcdef0"));

    let mut task = role_session("Task", "0123456789", Some("ASIAONE"));
    task["inScopeOf"] = json!({"issuerType": "AWS::ECS::Task", "credentialsIssuedTo": "arn:aws:ecs:task"});
    assert_eq!(named(&task, &[]), is("Task", OwnerSource::Workload));

    let mut linked = role_session("AWSServiceRoleForAutoScaling", "AutoScaling", None);
    linked["sessionContext"]["sessionIssuer"]["arn"] = json!(
        "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    );
    assert_eq!(named(&linked, &[]), is("AWSServiceRoleForAutoScaling", OwnerSource::Workload));

    // The STS record says that a service fetched the credentials.
    let by_service = session(
        "Glue",
        "GlueJobRunnerSession",
        "ASIAONE",
        &json!({"type": "AWSService", "invokedBy": "glue.amazonaws.com"}),
    );
    let glue = role_session("Glue", "GlueJobRunnerSession", Some("ASIAONE"));
    assert_eq!(named(&glue, &[by_service]), is("Glue", OwnerSource::Workload));
}

#[test]
fn a_session_name_makes_no_workload() {
    for name in ["i-0123456789abcdef0", "awslambda_x", "awslambda_123_2026", "botocore-session-1"] {
        let identity = role_session("Deploy", name, Some("ASIAONE"));
        assert_eq!(named(&identity, &[]), is(name, OwnerSource::RoleSession));
        let known = session("Deploy", name, "ASIAONE", &user("mara"));
        assert_eq!(named(&identity, &[known]), is("mara", OwnerSource::RoleChain));
    }
}

#[test]
fn a_self_made_role_with_identity_centers_name_makes_no_identity_center_person() {
    let forged = role_session("AWSReservedSSO_Fake", "ceo@example.com", Some("ASIAONE"));
    assert_eq!(named(&forged, &[]), is("ceo@example.com", OwnerSource::RoleSession));
    let known = session("AWSReservedSSO_Fake", "ceo@example.com", "ASIAONE", &user("mallory"));
    assert_eq!(named(&forged, &[known]), is("mallory", OwnerSource::RoleChain));
}

#[test]
fn a_self_made_role_with_a_service_linked_name_is_no_workload() {
    let forged = role_session("AWSServiceRoleForFake", "mallory", Some("ASIAONE"));
    assert!(!principal(&forged).is_service_linked());
    assert_eq!(named(&forged, &[]), is("mallory", OwnerSource::RoleSession));
}

// Guards against: the reserved path is looked for anywhere in the ARN. IAM allows `:` in
// a path (any of U+0021 to U+007E), so that a self-made role can carry it further behind.
#[test]
fn a_self_made_path_that_holds_the_reserved_one_proves_nothing() {
    for (path, role) in [
        ("/:role/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_Fake"),
        ("/:role/aws-service-role/", "AWSServiceRoleForFake"),
    ] {
        let mut forged = role_session(role, "ceo@example.com", Some("ASIAONE"));
        forged["sessionContext"]["sessionIssuer"]["arn"] =
            json!(format!("arn:aws:iam::111122223333:role{path}{role}"));
        assert_eq!(named(&forged, &[]), is("ceo@example.com", OwnerSource::RoleSession), "{path}");
        let known = session(role, "ceo@example.com", "ASIAONE", &user("mallory"));
        assert_eq!(named(&forged, &[known]), is("mallory", OwnerSource::RoleChain), "{path}");
    }
}

#[test]
fn an_outage_of_the_store_is_an_error_and_not_an_unknown_session() {
    let down = Counting { down: true, ..Counting::default() };
    let error = block_on(resolve(
        &principal(&role_session("Deploy", "build", Some("ASIAONE"))),
        &Trust::default(),
        &down,
        &down,
    ))
    .unwrap_err();
    assert!(matches!(error, OwnerError::Sessions(error) if error.is_retryable()));
    // A caller without a session is still named.
    assert_eq!(
        block_on(resolve(&principal(&user("mara")), &Trust::default(), &down, &down))
            .unwrap()
            .name
            .as_deref(),
        Some("mara")
    );
}

#[test]
fn the_store_is_asked_for_sessions_only() {
    let count = |identity: &Value| {
        let store = Counting::default();
        block_on(resolve(&principal(identity), &Trust::default(), &store, &store)).unwrap();
        store.asked.load(Ordering::SeqCst)
    };
    for identity in [
        user("mara"),
        json!({"type": "Root"}),
        json!({"type": "AWSService", "invokedBy": "backup.amazonaws.com"}),
        json!({"type": "AWSAccount", "accountId": "444455556666", "principalId": "AROAX:ana"}),
        json!({"type": "SAMLUser", "userName": "ana", "principalId": "x:ana"}),
        json!({"type": "WebIdentityUser", "userName": "sub"}),
        json!({"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/R/s"}),
        json!({}),
    ] {
        assert_eq!(count(&identity), 0, "{identity}");
    }
    assert!(count(&role_session("Deploy", "build", Some("ASIAONE"))) > 0);
}

const ON_BEHALF_OF: &str = "arn:aws:identitystore::111122223333:identitystore/d-1";

fn for_user(mut identity: Value, user_id: &str) -> Value {
    identity["onBehalfOf"] = json!({"userId": user_id, "identityStoreArn": ON_BEHALF_OF});
    identity
}

/// A role under the path of Identity Center, as its people use it.
fn identity_center(name: &str, key: &str) -> Value {
    let mut identity = role_session("AWSReservedSSO_Admin_0", name, Some(key));
    identity["sessionContext"]["sessionIssuer"]["arn"] = json!(
        "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0"
    );
    identity
}

#[test]
fn a_user_id_of_identity_center_is_told_as_a_name_and_stays_an_id_where_nobody_knows_it() {
    let named = |identity: &Value, sessions: &[Session]| {
        let backend = MemoryBackend::new();
        backend.put_user("user-1", "ana@example.com");
        let owner =
            block_on(resolve(&principal(identity), &Trust::default(), &store(sessions), &backend)).unwrap();
        (owner.name, owner.source)
    };
    let person = json!({"type": "IdentityCenterUser", "accountId": "111122223333"});
    let plain = for_user(person.clone(), "user-1");
    let in_role = for_user(role_session("Deploy", "build", Some("ASIAONE")), "user-1");
    for identity in [&plain, &in_role] {
        assert_eq!(named(identity, &[]), is("ana@example.com", OwnerSource::IdentityCenter));
    }
    let further = [session("Far", "f", "ASIATWO", &in_role), session("Near", "n", "ASIATHREE", &plain)];
    for (role, name, key) in [("Far", "f", "ASIATWO"), ("Near", "n", "ASIATHREE")] {
        let identity = role_session(role, name, Some(key));
        assert_eq!(named(&identity, &further), is("ana@example.com", OwnerSource::RoleChain));
    }
    let unknown = for_user(person, "user-2");
    assert_eq!(named(&unknown, &[]), is("user-2", OwnerSource::IdentityCenter));
}

#[test]
fn the_identity_store_is_not_asked_where_the_record_names_somebody() {
    let asked = |identity: &Value, sessions: &[Session]| {
        let asked = Counting { known: store(sessions), ..Counting::default() };
        block_on(resolve(&principal(identity), &Trust::default(), &asked, &asked)).unwrap();
        asked.users.load(Ordering::SeqCst)
    };
    let role = for_user(role_session("Deploy", "build", Some("ASIAONE")), "user-1");
    assert_eq!(asked(&role, &[]), 1, "where it names nobody it is asked");
    let mut with_source = role.clone();
    with_source["sessionContext"]["sourceIdentity"] = json!("ana");
    let mut known = session("Deploy", "build", "ASIAONE", &json!({"type": "SAMLUser"}));
    known.kind = SessionKind::AssumeRoleWithSaml;
    known.source_identity = Some("ana".to_owned());
    let reserved = for_user(identity_center("ana@example.com", "ASIATWO"), "user-1");
    assert_eq!(asked(&with_source, &[known]), 0);
    assert_eq!(asked(&with_source, &[]), 1, "no record tells who set the source identity");
    assert_eq!(asked(&reserved, &[]), 0);
}

#[test]
fn an_identity_store_that_does_not_answer_is_an_error_and_not_an_unknown_user() {
    let down = Counting { down: true, ..Counting::default() };
    let person = for_user(json!({"type": "IdentityCenterUser", "accountId": "111122223333"}), "user-1");
    let error = block_on(resolve(&principal(&person), &Trust::default(), &down, &down)).unwrap_err();
    assert!(
        matches!(&error, OwnerError::Directory(error) if error.class == ErrorClass::Throttled),
        "{error:?}"
    );
}

#[test]
fn pipelines_and_service_accounts_read_alike_however_their_subject_is_known() {
    let github = "token.actions.githubusercontent.com";
    let eks = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF";
    for (url, subject, owner) in [
        (github, "repo:example/shop:ref:refs/heads/main", "repo:example/shop@main"),
        (github, "repo:example/shop:environment:prod", "repo:example/shop@environment:prod"),
        ("gitlab.com", "project_path:example/shop:ref_type:branch:ref:main", "project:example/shop@main"),
        (eks, "system:serviceaccount:web:checkout", "serviceaccount:web/checkout"),
        (
            "accounts.example.com",
            "repo:example/shop:ref:refs/heads/main",
            "repo:example/shop:ref:refs/heads/main",
        ),
    ] {
        let provider = format!("arn:aws:iam::111122223333:oidc-provider/{url}");
        let is_owner = is(owner, OwnerSource::WebIdentity);
        let caller = json!({"type": "WebIdentityUser", "userName": subject, "identityProvider": provider,
            "principalId": format!("{provider}:sts.amazonaws.com:{subject}")});
        let mut stored = session("Deploy", "any-name", "ASIAONE", &caller);
        stored.kind = SessionKind::AssumeRoleWithWebIdentity;
        stored.subject = Some(subject.to_owned());
        stored.provider = Some(provider.clone());
        let mut identity = role_session("Deploy", "any-name", Some("ASIAONE"));
        assert_eq!(named(&identity, &[stored]), is_owner, "by the session");
        identity["sessionContext"]["webIdFederationData"] =
            json!({"federatedProvider": provider, "attributes": {format!("{url}:sub"): subject}});
        assert_eq!(named(&identity, &[]), is_owner, "by the record itself");
        assert_eq!(named(&caller, &[]), is_owner, "by who calls STS");
    }
}

/// A call as the root user of 444455556666, assumed by another principal.
fn assumed_root(key: &str) -> Value {
    json!({"type": "Root", "principalId": "444455556666", "accountId": "444455556666", "accessKeyId": key,
        "arn": "arn:aws:iam::444455556666:root",
        "sessionContext": {"sessionIssuer": {}, "webIdFederationData": {}, "assumedRoot": "true",
            "attributes": {"creationDate": NINE, "mfaAuthenticated": "false"}}})
}

fn assume_root(key: &str, caller: &Value) -> Session {
    let mut session = session("x", "x", key, caller);
    session.role_session = "arn:aws:iam::444455556666:root".to_owned();
    session.kind = SessionKind::AssumeRoot;
    session
}

#[test]
fn what_an_assumed_root_does_is_done_by_who_assumed_it() {
    let admin = role_session("OrgAdmin", "any-name", Some("ASIAADMIN"));
    let known = [
        assume_root("ASIAROOT", &admin),
        assume_root("ASIAOTHER", &user("noor")),
        session("OrgAdmin", "any-name", "ASIAADMIN", &user("mara")),
    ];
    let found = owner(&assumed_root("ASIAROOT"), &known);
    assert_eq!((found.name.as_deref(), found.source), (Some("mara"), Some(OwnerSource::RoleChain)));
    assert_eq!(found.chain.len(), 2, "{:?}", found.chain);
    assert_eq!(found.pending, None);
    // Two at the same time in the same account are told apart by their keys.
    assert_eq!(named(&assumed_root("ASIAOTHER"), &known), is("noor", OwnerSource::RoleChain));
    let flag_as_boolean = {
        let mut identity = assumed_root("ASIAROOT");
        identity["sessionContext"]["assumedRoot"] = json!(true);
        identity
    };
    assert_eq!(named(&flag_as_boolean, &known), is("mara", OwnerSource::RoleChain));
}

#[test]
fn an_assumed_root_whose_record_is_missing_is_root_for_now_and_root_himself_stays_root() {
    let found = owner(&assumed_root("ASIAROOT"), &[]);
    assert_eq!((found.name.as_deref(), found.source), (Some("root"), Some(OwnerSource::Root)));
    assert_eq!(found.pending, Some(waits_for("arn:aws:iam::444455556666:root")));

    let mut console = assumed_root("ASIAROOT");
    console["sessionContext"].as_object_mut().unwrap().remove("assumedRoot");
    let records = [assume_root("ASIAROOT", &user("mara"))];
    for known in [&records[..], &[]] {
        let found = owner(&console, known);
        assert_eq!((found.name.as_deref(), found.source), (Some("root"), Some(OwnerSource::Root)));
        assert_eq!((found.pending, found.chain), (None, Vec::new()), "he has no session to wait for");
    }
}

/// The session of this name, issued at nine.
fn waits_for(role_session: &str) -> PendingEvidence {
    PendingEvidence {
        of: role_session.to_owned(),
        since: Some(NINE.parse().unwrap()),
        missing: MissingEvidence::SessionRecord,
    }
}

#[test]
fn a_session_whose_record_is_missing_is_waited_for() {
    let of = |identity: &Value, sessions: &[Session]| owner(identity, sessions).pending;
    let build = role_session("Deploy", "build", Some("ASIAONE"));
    assert_eq!(of(&build, &[]), Some(waits_for("AROADeploy:build")));
    assert_eq!(of(&role_session("Deploy", "build", None), &[]), Some(waits_for("AROADeploy:build")));
    let of_another_time = {
        let mut other = session("Deploy", "build", "ASIATWO", &user("mara"));
        other.issued = "2026-03-02T09:00:30Z".parse().unwrap();
        other
    };
    assert_eq!(of(&build, &[of_another_time]), Some(waits_for("AROADeploy:build")), "that one is not it");

    let federated = json!({"type": "FederatedUser", "principalId": "111122223333:report", "accountId": "111122223333",
        "arn": "arn:aws:sts::111122223333:federated-user/report", "accessKeyId": "ASIAFED",
        "sessionContext": {"attributes": {"creationDate": NINE}}});
    assert_eq!(of(&federated, &[]), Some(waits_for("111122223333:report")));
    // Its session tags are missing though its person is known.
    assert_eq!(
        of(&identity_center("ana@example.com", "ASIASSO"), &[]),
        Some(waits_for("AROAAWSReservedSSO_Admin_0:ana@example.com"))
    );

    let chain = session("Far", "f", "ASIAFAR", &build);
    assert_eq!(
        of(&role_session("Far", "f", Some("ASIAFAR")), std::slice::from_ref(&chain)),
        Some(waits_for("AROADeploy:build"))
    );
    let whole = [chain, session("Deploy", "build", "ASIAONE", &user("mara"))];
    assert_eq!(of(&role_session("Far", "f", Some("ASIAFAR")), &whole), None, "nothing is missing");
}

#[test]
fn nobody_waits_for_a_record_that_would_say_no_more() {
    let mut instance = role_session("WebServer", "i-0123456789abcdef0", Some("ASIAONE"));
    instance["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
    let mut linked = role_session("AWSServiceRoleForAutoScaling", "AutoScaling", None);
    linked["sessionContext"]["sessionIssuer"]["arn"] = json!(
        "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    );
    let mut task = role_session("Task", "0123456789", Some("ASIAONE"));
    task["inScopeOf"] = json!({"issuerType": "AWS::ECS::Task", "credentialsIssuedTo": "arn:aws:ecs:task"});
    let service = json!({"type": "AWSService", "invokedBy": "backup.amazonaws.com"});
    for identity in [instance, linked, task, user("mara"), service, json!({})] {
        assert_eq!(owner(&identity, &[]).pending, None, "{identity}");
    }
    let two = [
        session("Jump", "mara", "ASIAONE", &user("mara")),
        session("Jump", "mara", "ASIATWO", &user("noor")),
    ];
    let ambiguous = owner(&role_session("Jump", "mara", None), &two);
    assert_eq!(ambiguous.source, Some(OwnerSource::RoleSession));
    assert_eq!(ambiguous.pending, None, "both records are there, and a third would not decide");
}

// Guards against: the record of a function's session, known by its ARN only, is not looked for where another session of the
// same role and name is known by its id. Who may assume the role hides the function so, and its resources get the name of
// a session for an owner.
#[test]
fn somebody_elses_session_of_the_same_name_does_not_hide_a_functions_own() {
    let lambda = json!({"type": "AWSService", "invokedBy": "lambda.amazonaws.com"});
    let mut of_function = session("Thumbs", "thumbnailer", "ASIALAMBDA", &lambda);
    of_function.role_session = "arn:aws:sts::111122223333:assumed-role/Thumbs/thumbnailer".to_owned();
    let of_mallory = session("Thumbs", "thumbnailer", "ASIAMALLORY", &user("mallory"));
    let known = [of_function, of_mallory];
    let by = |key: &str| named(&role_session("Thumbs", "thumbnailer", Some(key)), &known);
    assert_eq!(by("ASIALAMBDA"), is("Thumbs", OwnerSource::Workload));
    assert_eq!(by("ASIAMALLORY"), is("mallory", OwnerSource::RoleChain));
}

#[test]
fn an_hour_after_its_issue_a_session_record_is_not_expected_any_more() {
    let issued: Timestamp = NINE.parse().unwrap();
    let missing = MissingEvidence::SessionRecord;
    let pending = |since| PendingEvidence { of: "AROADeploy:build".to_owned(), since, missing };
    let after = |minutes| issued + SignedDuration::from_mins(minutes);
    assert!(pending(Some(issued)).may_still_arrive(after(59)));
    assert!(!pending(Some(issued)).may_still_arrive(after(60)));
    assert!(pending(None).may_still_arrive(after(60)), "the age of the session is not known");
}

mod claims;
mod people;
mod services;
