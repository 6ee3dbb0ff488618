//! Names that callers choose: source identities, federated users.

use super::*;
use autotag_model::policy::Policy;

fn with_source_identity(mut identity: Value, name: &str) -> Value {
    identity["sessionContext"]["sourceIdentity"] = json!(name);
    identity
}

/// The session in which `identity` of role Deploy calls, with a source identity.
fn named_session(name: &str, caller: &Value) -> Session {
    let mut known = session("Deploy", "build", "ASIAONE", caller);
    known.source_identity = Some(name.to_owned());
    known
}

fn deploy(name: &str) -> Value {
    with_source_identity(role_session("Deploy", "build", Some("ASIAONE")), name)
}

#[test]
fn a_source_identity_that_the_caller_sets_is_a_claim() {
    let owner = owner(&deploy("boss@example.com"), &[named_session("boss@example.com", &user("mallory"))]);
    assert_eq!(owner.name.as_deref(), Some("mallory"));
    assert_eq!(owner.source, Some(OwnerSource::RoleChain));
    assert_eq!(owner.proof, Some(Proof::Person));
    assert_eq!(owner.claimed.as_deref(), Some("boss@example.com"));
}

#[test]
fn a_claim_that_is_the_owners_own_name_is_not_reported() {
    let owner = owner(&deploy("mara"), &[named_session("mara", &user("mara"))]);
    assert_eq!((owner.name.as_deref(), owner.claimed), (Some("mara"), None));
}

#[test]
fn a_source_identity_that_an_identity_provider_set_is_the_owner() {
    for (kind, provider, proof) in [
        (SessionKind::AssumeRoleWithSaml, "https://login.example.com/saml", Proof::Person),
        (
            SessionKind::AssumeRoleWithWebIdentity,
            "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
            Proof::Person,
        ),
        // Anybody may run an identity provider that writes any name.
        (
            SessionKind::AssumeRoleWithWebIdentity,
            "arn:aws:iam::111122223333:oidc-provider/login.evil.example",
            Proof::NameOnly,
        ),
    ] {
        let mut known = named_session("ana", &json!({"type": "SAMLUser", "userName": "transient"}));
        known.kind = kind;
        known.provider = Some(provider.to_owned());
        known.subject = Some("repo:example/shop:ref:refs/heads/main".to_owned());
        let owner = owner(&deploy("ana"), &[known]);
        assert_eq!((owner.name.as_deref(), owner.source), (Some("ana"), Some(OwnerSource::SourceIdentity)));
        assert_eq!(owner.proof, Some(proof), "{provider}");
    }
}

// Guards against: a call that names its provider without the subject makes the source identity of a known issuer unproven.
#[test]
fn the_subject_that_the_call_leaves_out_is_in_the_sts_record() {
    let provider = "arn:aws:iam::111122223333:oidc-provider/gitlab.com";
    let mut identity = deploy("ana");
    identity["sessionContext"]["webIdFederationData"] =
        json!({"federatedProvider": provider, "attributes": {}});
    let mut known = named_session("ana", &json!({"type": "WebIdentityUser"}));
    known.kind = SessionKind::AssumeRoleWithWebIdentity;
    known.provider = Some(provider.to_owned());
    known.subject = Some("project_path:example/shop:ref_type:branch:ref:main".to_owned());
    assert_eq!(owner(&identity, &[known]).proof, Some(Proof::Person));
    assert_eq!(owner(&identity, &[]).proof, Some(Proof::NameOnly), "no subject is known");
}

#[test]
fn a_source_identity_that_came_down_the_chain_counts_as_its_first_session_says() {
    let first = with_source_identity(role_session("Login", "ana", Some("ASIALOGIN")), "ana@example.com");
    let second = named_session("ana@example.com", &first);
    let mut by_provider = session("Login", "ana", "ASIALOGIN", &json!({"type": "SAMLUser"}));
    by_provider.kind = SessionKind::AssumeRoleWithSaml;
    by_provider.source_identity = Some("ana@example.com".to_owned());
    let proven = owner(&deploy("ana@example.com"), &[second.clone(), by_provider]);
    assert_eq!(proven.name.as_deref(), Some("ana@example.com"));
    assert_eq!(proven.source, Some(OwnerSource::SourceIdentity));
    assert_eq!(proven.proof, Some(Proof::Person));

    let mut by_caller = session("Login", "ana", "ASIALOGIN", &user("mallory"));
    by_caller.source_identity = Some("ana@example.com".to_owned());
    let claimed = owner(&deploy("ana@example.com"), &[second, by_caller]);
    assert_eq!(claimed.name.as_deref(), Some("mallory"));
    assert_eq!(claimed.claimed.as_deref(), Some("ana@example.com"));
}

#[test]
fn a_source_identity_of_a_broker_that_the_policy_lists_is_the_owner() {
    let policy = Policy::from_toml(
        "[trust]\nsource_identity = [\"arn:aws:iam::111122223333:role/Broker\", \"arn:aws:iam::111122223333:user/vault\"]\n",
    )
    .unwrap();
    let known = |caller: &Value| store(&[named_session("ana@example.com", caller)]);
    let named = |caller: &Value, trust: &Trust| {
        let at = principal(&deploy("ana@example.com"));
        let owner = block_on(resolve(&at, trust, &known(caller), &MemoryBackend::new())).unwrap();
        (owner.name.unwrap(), owner.proof.unwrap())
    };
    let ana = ("ana@example.com".to_owned(), Proof::Person);
    assert_eq!(named(&user("vault"), &policy.trust), ana);
    assert_eq!(named(&role_session("Broker", "vault-17", Some("ASIATWO")), &policy.trust), ana);
    assert_eq!(named(&user("vault"), &Trust::default()), ("vault".to_owned(), Proof::Person));
    assert_eq!(named(&user("mallory"), &policy.trust), ("mallory".to_owned(), Proof::Person));
}

#[test]
fn while_nobody_knows_who_set_it_a_source_identity_is_a_name_only() {
    let missing = owner(&deploy("boss@example.com"), &[]);
    assert_eq!(missing.name.as_deref(), Some("boss@example.com"));
    assert_eq!(missing.proof, Some(Proof::NameOnly));
    assert!(missing.pending.is_some(), "the STS record may still arrive");

    let copy = named_session("boss@example.com", &json!({"type": "AWSAccount", "accountId": "444455556666"}));
    let copy = owner(&deploy("boss@example.com"), &[copy]);
    assert_eq!((copy.name.as_deref(), copy.proof), (Some("boss@example.com"), Some(Proof::NameOnly)));
    assert!(copy.pending.is_some(), "the caller's copy may still arrive");
}

#[test]
fn a_certificate_sets_the_source_identity_of_roles_anywhere() {
    let service = json!({"type": "AWSService", "invokedBy": "rolesanywhere.amazonaws.com"});
    let owner = owner(&deploy("backup-01.example.com"), &[named_session("backup-01.example.com", &service)]);
    assert_eq!(owner.name.as_deref(), Some("backup-01.example.com"));
    assert_eq!(owner.proof, Some(Proof::Workload));
    assert_eq!(owner.channel, Some(Channel::RolesAnywhere));
}

#[test]
fn a_federated_user_is_the_user_who_asked_for_the_session() {
    let identity = json!({"type": "FederatedUser", "principalId": "111122223333:boss@example.com", "accountId": "111122223333",
        "arn": "arn:aws:sts::111122223333:federated-user/boss@example.com",
        "sessionContext": {"attributes": {"creationDate": NINE}, "sessionIssuer": {"type": "IAMUser", "userName": "mallory",
            "principalId": "AIDAMALLORY", "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:user/mallory"}}});
    let owner = owner(&identity, &[]);
    assert_eq!(owner.name.as_deref(), Some("mallory"));
    assert_eq!((owner.source, owner.proof), (Some(OwnerSource::RoleChain), Some(Proof::Person)));
    assert_eq!(owner.claimed.as_deref(), Some("boss@example.com"));
    assert_eq!(owner.chain.len(), 1);
}

#[test]
fn every_owner_says_what_proves_it() {
    for (identity, proof) in [
        (user("mara"), Proof::Person),
        (json!({"type": "Root", "accountId": "111122223333"}), Proof::Person),
        (role_session("Deploy", "boss@example.com", Some("ASIAONE")), Proof::NameOnly),
        (json!({"type": "AWSService", "invokedBy": "backup.amazonaws.com"}), Proof::Service),
        (json!({"type": "AWSAccount", "accountId": "444455556666"}), Proof::NameOnly),
        (
            json!({"type": "WebIdentityUser", "userName": "repo:example/shop:ref:refs/heads/main",
                "identityProvider": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}),
            Proof::Workload,
        ),
        (
            json!({"type": "WebIdentityUser", "userName": "repo:example/shop:ref:refs/heads/main",
                "identityProvider": "arn:aws:iam::111122223333:oidc-provider/evil.example"}),
            Proof::NameOnly,
        ),
    ] {
        assert_eq!(owner(&identity, &[]).proof, Some(proof), "{identity}");
    }
}

#[test]
fn a_caller_without_credentials_owns_nothing() {
    let anonymous = json!({"type": "AWSAccount", "principalId": "ANONYMOUS_PRINCIPAL", "accountId": "ANONYMOUS_PRINCIPAL"});
    assert_eq!(owner(&anonymous, &[]).name, None);
    let anonymous = json!({"type": "AWSAccount", "principalId": "", "accountId": "anonymous_principal"});
    assert_eq!(owner(&anonymous, &[]).name, None);
}
