//! Sessions that AWS services give: pods, users of the account access manager, vendors; and the channels of calls.

use super::*;
use autotag_model::policy::Policy;

fn by_service(service: &str, tags: &[(&str, &str)]) -> Session {
    let caller = json!({"type": "AWSService", "invokedBy": service});
    let mut known = session("App", "session-name", "ASIAISSUED", &caller);
    known.tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    known
}

const POD: [(&str, &str); 6] = [
    ("eks-cluster-arn", "arn:aws:eks:eu-west-1:111122223333:cluster/blue"),
    ("eks-cluster-name", "blue"),
    ("kubernetes-namespace", "web"),
    ("kubernetes-service-account", "checkout"),
    ("kubernetes-pod-name", "checkout-7c9d-x2x"),
    ("kubernetes-pod-uid", "2f1c0a5e-0000-0000-0000-000000000000"),
];

fn app(key: Option<&str>) -> Value {
    role_session("App", "session-name", key)
}

#[test]
fn a_pod_is_its_service_account_by_either_mechanism() {
    let pod = owner(&app(Some("ASIAISSUED")), &[by_service("pods.eks.amazonaws.com", &POD)]);
    assert_eq!(pod.name.as_deref(), Some("serviceaccount:web/checkout"));
    assert_eq!((pod.source, pod.proof), (Some(OwnerSource::Workload), Some(Proof::Workload)));
    assert_eq!(pod.subject.get("cluster").map(String::as_str), Some("blue"));

    let mut oidc = session("App", "session-name", "ASIAISSUED", &json!({"type": "WebIdentityUser"}));
    oidc.kind = SessionKind::AssumeRoleWithWebIdentity;
    oidc.subject = Some("system:serviceaccount:web:checkout".to_owned());
    oidc.provider =
        Some("arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF".to_owned());
    assert_eq!(owner(&app(Some("ASIAISSUED")), &[oidc]).name, pod.name);
}

#[test]
fn what_a_pod_assumes_belongs_to_its_service_account() {
    let deploy = session("Deploy", "build", "ASIATWO", &app(Some("ASIAISSUED")));
    let known = [deploy, by_service("pods.eks.amazonaws.com", &POD)];
    let owner = owner(&role_session("Deploy", "build", Some("ASIATWO")), &known);
    assert_eq!(owner.name.as_deref(), Some("serviceaccount:web/checkout"));
    assert_eq!((owner.source, owner.proof), (Some(OwnerSource::RoleChain), Some(Proof::Workload)));
}

#[test]
fn tags_of_a_pod_count_only_from_eks() {
    let mut forged = session("App", "session-name", "ASIAISSUED", &user("mallory"));
    forged.tags = by_service("pods.eks.amazonaws.com", &POD).tags;
    assert_eq!(named(&app(Some("ASIAISSUED")), &[forged]), is("mallory", OwnerSource::RoleChain));

    let other = by_service("states.amazonaws.com", &POD);
    assert_eq!(named(&app(Some("ASIAISSUED")), &[other]), is("App", OwnerSource::Workload));

    let mut inherited = by_service("pods.eks.amazonaws.com", &[]);
    inherited.incoming_tags = by_service("pods.eks.amazonaws.com", &POD).tags;
    assert_eq!(
        named(&app(Some("ASIAISSUED")), &[inherited]),
        is("App", OwnerSource::Workload),
        "tags that came down a chain say who was before, not who calls"
    );
}

/// A user of Identity Center in a role of the customer: STS gives one key, the call has another of the same second.
fn entered(user_id: &str) -> (Value, Session) {
    let caller = json!({"type": "AWSService", "invokedBy": "account-access.amazonaws.com"});
    (role_session("Admin", user_id, Some("ASIAOTHER")), session("Admin", user_id, "ASIAISSUED", &caller))
}

const ANA: &str = "93670f4a-0000-4000-8000-d6a2c0f1a1a1";

#[test]
fn a_user_of_the_account_access_manager_is_the_owner_and_not_the_role() {
    let (identity, known) = entered(ANA);
    let store = store(&[known]);
    let backend = MemoryBackend::new();
    let owner = block_on(resolve(&principal(&identity), &Trust::default(), &store, &backend)).unwrap();
    assert_eq!(owner.name.as_deref(), Some(ANA));
    assert_eq!((owner.source, owner.proof), (Some(OwnerSource::IdentityCenter), Some(Proof::Person)));

    backend.put_user(ANA, "ana@example.com");
    let owner = block_on(resolve(&principal(&identity), &Trust::default(), &store, &backend)).unwrap();
    assert_eq!(owner.name.as_deref(), Some("ana@example.com"));
}

#[test]
fn without_a_directory_the_mail_address_that_identity_center_passes_names_the_user() {
    let (identity, mut known) = entered(ANA);
    known.tags = vec![("Email".to_owned(), "ana@example.com".to_owned())];
    assert_eq!(named(&identity, &[known.clone()]), is("ana@example.com", OwnerSource::IdentityCenter));
    // The same tag in a session of somebody else is what they chose.
    known.caller = principal(&user("mallory"));
    known.access_key = AccessKeyId::new("ASIAOTHER");
    assert_eq!(named(&identity, &[known]), is("mallory", OwnerSource::RoleChain));
}

#[test]
fn somebody_who_takes_a_users_id_as_session_name_is_not_that_user() {
    let (identity, known) = entered(ANA);
    let mut forged = session("Admin", ANA, "ASIAMALLORY", &user("mallory"));
    forged.role_session.clone_from(&known.role_session);
    let of_mallory = role_session("Admin", ANA, Some("ASIAMALLORY"));
    assert_eq!(named(&of_mallory, &[known.clone(), forged.clone()]), is("mallory", OwnerSource::RoleChain));
    // While the other session is known, the key that neither has could be of either.
    let unclear = owner(&identity, &[known.clone(), forged]);
    assert_eq!((unclear.name.as_deref(), unclear.proof), (Some(ANA), Some(Proof::NameOnly)));
    // While it is not, the owner is provisional.
    let early = owner(&of_mallory, &[known]);
    assert_eq!(early.pending.map(|pending| pending.missing), Some(MissingEvidence::OtherSessions));
}

#[test]
fn a_vendor_with_a_delegation_is_the_owner() {
    let mut identity = role_session("Admin", "ana@example.com", Some("ASIAONE"));
    identity["invokedByDelegate"] = json!({"accountId": "777788889999"});
    let owner = owner(&identity, &[session("Admin", "ana@example.com", "ASIAONE", &user("ana"))]);
    assert_eq!(owner.name.as_deref(), Some("777788889999"));
    assert_eq!((owner.source, owner.channel), (Some(OwnerSource::Delegate), Some(Channel::Delegate)));
}

#[test]
fn a_user_of_an_identity_store_that_the_policy_does_not_list_is_an_id() {
    let policy = Policy::from_toml("[trust]\nidentity_stores = [\"d-1234567890\"]\n").unwrap();
    let backend = MemoryBackend::new();
    backend.put_user("user-1", "boss@example.com");
    let called = |store: &str| {
        let mut identity = role_session("Deploy", "build", Some("ASIAONE"));
        identity["onBehalfOf"] = json!({"userId": "user-1", "identityStoreArn": store});
        let none = super::store(&[]);
        let owner = block_on(resolve(&principal(&identity), &policy.trust, &none, &backend)).unwrap();
        (owner.name.unwrap(), owner.proof.unwrap())
    };
    let listed = "arn:aws:identitystore::111122223333:identitystore/d-1234567890";
    let foreign = "arn:aws:identitystore::444455556666:identitystore/d-9999999999";
    assert_eq!(called(listed), ("boss@example.com".to_owned(), Proof::Person));
    assert_eq!(called(foreign), ("user-1".to_owned(), Proof::NameOnly));
}

#[test]
fn the_channel_says_through_what_a_call_was_made() {
    let through = |change: &dyn Fn(&mut Principal)| {
        let mut at = principal(&user("ana"));
        change(&mut at);
        block_on(resolve(&at, &Trust::default(), &store(&[]), &MemoryBackend::new())).unwrap().channel
    };
    let invoked = |service: &'static str| move |at: &mut Principal| at.invoked_by = Some(service.to_owned());
    assert_eq!(through(&|_| ()), None);
    assert_eq!(through(&invoked("aws-mcp.amazonaws.com")), Some(Channel::Agent));
    assert_eq!(through(&invoked("signin.amazonaws.com")), Some(Channel::Console));
    let cloudformation = Channel::Service("cloudformation.amazonaws.com".to_owned());
    assert_eq!(through(&invoked("cloudformation.amazonaws.com")), Some(cloudformation));
    assert_eq!(through(&|at| at.from_console = true), Some(Channel::Console));
    let mut signed_in = user("ana");
    signed_in["sessionContext"] =
        json!({"signInSessionArn": "arn:aws:signin:eu-west-1:111122223333:session/1"});
    assert_eq!(owner(&signed_in, &[]).channel, Some(Channel::SignIn));
}

#[test]
fn a_function_is_named_as_the_policy_says() {
    let mut identity = role_session("checkout-role", "checkout", Some("ASIAONE"));
    identity["inScopeOf"] = json!({"issuerType": "AWS::Lambda::Function",
        "credentialsIssuedTo": "arn:aws:lambda:eu-west-1:111122223333:function:checkout"});
    assert_eq!(named(&identity, &[]), is("checkout-role", OwnerSource::Workload));
    let policy = Policy::from_toml("[trust]\nworkload_name = \"source\"\n").unwrap();
    let by_policy = |identity: &Value| {
        let none = super::store(&[]);
        block_on(resolve(&principal(identity), &policy.trust, &none, &MemoryBackend::new())).unwrap().name
    };
    assert_eq!(by_policy(&identity).as_deref(), Some("function:checkout"));
    identity["inScopeOf"] = json!({"issuerType": "AWS::ECS::Task",
        "credentialsIssuedTo": "arn:aws:ecs:eu-west-1:111122223333:task/blue/0123456789abcdef"});
    assert_eq!(by_policy(&identity).as_deref(), Some("checkout-role"), "a task is one run");
}

#[test]
fn a_session_found_by_its_time_is_provisional_while_others_may_arrive() {
    let known = [session("Deploy", "shift", "ASIAONE", &user("anna"))];
    let by_time = owner(&role_session("Deploy", "shift", None), &known);
    assert_eq!(by_time.name.as_deref(), Some("anna"));
    assert_eq!(by_time.pending.map(|pending| pending.missing), Some(MissingEvidence::OtherSessions));
    let by_key = owner(&role_session("Deploy", "shift", Some("ASIAONE")), &known);
    assert_eq!(by_key.pending, None);
}

// Guards against: the tags of another session of the same name are copied and stay, since the person is known
// anyway.
#[test]
fn the_user_of_on_behalf_of_is_certain_and_their_session_is_not() {
    let identity = for_user(role_session("Deploy", "build", None), "user-1");
    let known = session("Deploy", "build", "ASIAONE", &user("mara"));
    let owner = owner(&identity, &[known]);
    assert_eq!((owner.name.as_deref(), owner.proof), (Some("user-1"), Some(Proof::Person)));
    assert_eq!(owner.pending.map(|pending| pending.missing), Some(MissingEvidence::OtherSessions));
}

// Guards against: while the store has the records of two other sessions of the name, the engine does not wait for
// the one that has the call's key.
#[test]
fn of_a_key_that_no_known_session_has_the_record_may_still_come() {
    let by_saml = |key: &str, subject: &str| {
        let mut known = session("Deploy", "build", key, &json!({"type": "SAMLUser", "userName": subject}));
        known.kind = SessionKind::AssumeRoleWithSaml;
        known.subject = Some(subject.to_owned());
        known
    };
    let others = [by_saml("ASIATWO", "noor"), by_saml("ASIATHREE", "omar")];
    let missing = |key: Option<&str>| {
        let owner = owner(&role_session("Deploy", "build", key), &others);
        assert_eq!(owner.proof, Some(Proof::NameOnly));
        owner.pending.map(|pending| pending.missing)
    };
    assert_eq!(missing(Some("ASIAONE")), Some(MissingEvidence::SessionRecord));
    assert_eq!(missing(None), None, "a third record would not decide");
}

#[test]
fn who_assumes_the_role_of_a_workload_under_its_session_name_is_not_the_owner_of_its_calls() {
    let mut identity = role_session("fn-role", "thumb", None);
    identity["inScopeOf"] = json!({"issuerType": "AWS::Lambda::Function",
        "credentialsIssuedTo": "arn:aws:lambda:eu-west-1:111122223333:function:thumb"});
    let mut mallory = session("fn-role", "thumb", "ASIAMALLORY", &user("mallory"));
    mallory.tags = vec![("Team".to_owned(), "evil".to_owned())];
    let called = owner(&identity, std::slice::from_ref(&mallory));
    assert_eq!(called.name.as_deref(), Some("fn-role"));
    assert_eq!((called.proof, called.session), (Some(Proof::Workload), None));

    let mut instance = role_session("fn-role", "thumb", None);
    instance["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
    assert_eq!(named(&instance, std::slice::from_ref(&mallory)), is("fn-role", OwnerSource::Workload));

    // Without such proof in the record, neither the workload's own session nor mallory's is taken.
    let mut own = session(
        "fn-role",
        "thumb",
        "ASIAOWN",
        &json!({"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}),
    );
    own.role_session = "arn:aws:sts::111122223333:assumed-role/fn-role/thumb".to_owned();
    let unclear = owner(&role_session("fn-role", "thumb", None), &[mallory, own]);
    assert_eq!(unclear.proof, Some(Proof::NameOnly));
}

#[test]
fn a_session_of_the_account_access_manager_has_one_owner_with_and_without_on_behalf_of() {
    let (identity, mut known) = entered(ANA);
    known.tags = vec![("Email".to_owned(), "ana@example.com".to_owned())];
    let with_user = with_user(identity.clone());
    assert_eq!(named(&identity, std::slice::from_ref(&known)), named(&with_user, &[known]));
}

fn with_user(mut identity: Value) -> Value {
    identity["onBehalfOf"] = json!({"userId": ANA,
        "identityStoreArn": "arn:aws:identitystore::111122223333:identitystore/d-1234567890"});
    identity
}

#[test]
fn a_session_of_the_same_second_is_not_the_one_of_a_console_call() {
    let known = [session("Deploy", "shift", "ASIAONE", &user("anna"))];
    let mut at = principal(&role_session("Deploy", "shift", Some("ASIATWO")));
    at.from_console = true;
    let owner = block_on(resolve(&at, &Trust::default(), &store(&known), &MemoryBackend::new())).unwrap();
    assert_eq!((owner.name.as_deref(), owner.proof), (Some("shift"), Some(Proof::NameOnly)));
}

#[test]
fn a_session_name_of_cloudformation_or_a_reserved_role_name_alone_proves_nothing() {
    let mut identity = role_session("stack-role", "AWSCloudFormation", None);
    identity["invokedBy"] = json!("cloudformation.amazonaws.com");
    assert_eq!(owner(&identity, &[]).proof, Some(Proof::NameOnly));
    let mut reserved =
        role_session("AWSReservedSSO_Admin_0123456789abcdef", "boss@example.com", Some("ASIAONE"));
    reserved["sessionContext"].as_object_mut().unwrap().remove("sessionIssuer");
    assert_eq!(owner(&reserved, &[]).proof, Some(Proof::NameOnly));
}
