//! Tests of the owner's facts besides the name: the ARN, the account, the person of the policy, the program.

use super::*;
use autotag_model::policy::Policy;

fn trust(people: &str) -> Trust {
    Policy::from_toml(&format!("[people]\n{people}\n")).unwrap().trust
}

/// Alice by an IAM user in one account, by a role, and by the name that identity providers use.
fn alice() -> Trust {
    trust(
        "\"alice@example.com\" = [\"arn:aws:iam::111122223333:user/alice\", \
         \"arn:aws:iam::111122223333:role/alice-tool\", \"alice\", \"repo:example/alice@main\"]",
    )
}

fn known(trust: &Trust, identity: &Value, sessions: &[Session]) -> Owner {
    block_on(resolve(&principal(identity), trust, &store(sessions), &MemoryBackend::new())).unwrap()
}

fn in_account(mut identity: Value, account: &str) -> Value {
    let text = identity.to_string().replace("111122223333", account);
    identity = serde_json::from_str(&text).unwrap();
    identity
}

/// Name, person, ARN and account.
fn facts(owner: &Owner) -> [Option<&str>; 4] {
    [&owner.name, &owner.person, &owner.arn, &owner.account].map(Option::as_deref)
}

fn by_saml(subject: &str) -> (Value, Session) {
    let mut known = session("Saml", subject, "ASIAONE", &json!({"type": "SAMLUser", "userName": subject}));
    known.kind = SessionKind::AssumeRoleWithSaml;
    known.subject = Some(subject.to_owned());
    (role_session("Saml", subject, Some("ASIAONE")), known)
}

fn by_oidc(subject: &str, issuer: &str) -> Session {
    let mut known = session("Ci", "run", "ASIAONE", &json!({"type": "WebIdentityUser", "userName": subject}));
    known.kind = SessionKind::AssumeRoleWithWebIdentity;
    known.subject = Some(subject.to_owned());
    known.provider = Some(format!("arn:aws:iam::111122223333:oidc-provider/{issuer}"));
    known
}

#[test]
fn users_of_one_name_are_one_person_in_the_listed_accounts_only() {
    let here = known(&alice(), &user("alice"), &[]);
    let arn = "arn:aws:iam::111122223333:user/alice";
    let person = Some("alice@example.com");
    assert_eq!(facts(&here), [person, person, Some(arn), Some("111122223333")]);
    let elsewhere = known(&alice(), &in_account(user("alice"), "444455556666"), &[]);
    let arn = "arn:aws:iam::444455556666:user/alice";
    assert_eq!(facts(&elsewhere), [Some("alice"), None, Some(arn), Some("444455556666")]);
}

#[test]
fn an_alias_counts_at_the_origin_of_a_chain() {
    let hops = [session("Deploy", "build", "ASIAONE", &user("alice"))];
    let owner = known(&alice(), &role_session("Deploy", "build", Some("ASIAONE")), &hops);
    assert_eq!(owner.source, Some(OwnerSource::RoleChain));
    assert_eq!(
        facts(&owner)[..3],
        [Some("alice@example.com"), Some("alice@example.com"), Some("arn:aws:iam::111122223333:user/alice")]
    );
}

#[test]
fn a_name_counts_if_a_known_provider_vouches_for_it() {
    let (identity, by_saml) = by_saml("alice");
    let owner = known(&alice(), &identity, &[by_saml]);
    assert_eq!(facts(&owner)[..3], [Some("alice@example.com"), Some("alice@example.com"), None]);

    let ci = role_session("Ci", "run", Some("ASIAONE"));
    let subject = "repo:example/alice:ref:refs/heads/main";
    let by_github = by_oidc(subject, "token.actions.githubusercontent.com");
    assert_eq!(known(&alice(), &ci, &[by_github]).person.as_deref(), Some("alice@example.com"));
    for (subject, issuer) in [(subject, "login.evil.example"), ("alice", "login.evil.example")] {
        let owner = known(&alice(), &ci, &[by_oidc(subject, issuer)]);
        assert_eq!((owner.proof, &owner.person), (Some(Proof::NameOnly), &None), "{subject} of {issuer}");
    }
}

// Guards against: a caller who chooses a name becomes the person with that alias.
#[test]
fn a_name_that_a_caller_chose_is_nobodys_alias() {
    let trust = trust(
        "\"alice@example.com\" = [\"alice\", \"arn:aws:iam::111122223333:user/alice\", \"role/alice\", \"Dev\"]",
    );
    let session_name = role_session("Dev", "alice", Some("ASIAONE"));
    let mut source_identity = session_name.clone();
    source_identity["sessionContext"]["sourceIdentity"] = json!("alice");
    let federated = json!({"type": "FederatedUser", "principalId": "111122223333:alice",
        "accountId": "111122223333", "arn": "arn:aws:sts::111122223333:federated-user/alice"});
    let unknown_kind = json!({"type": "Future", "userName": "alice", "accountId": "111122223333"});
    let user_of_another_account =
        json!({"type": "IAMUser", "userName": "alice", "accountId": "444455556666"});
    for identity in [session_name, source_identity, federated, unknown_kind, user_of_another_account] {
        let owner = known(&trust, &identity, &[]);
        assert_eq!((owner.name.as_deref(), &owner.person), (Some("alice"), &None), "{identity}");
    }
    // A provider that writes the ARN of a user.
    let (identity, by_saml) = by_saml("arn:aws:iam::111122223333:user/alice");
    assert_eq!(known(&trust, &identity, &[by_saml]).person, None);
}

#[test]
fn a_source_identity_of_the_persons_name_is_no_claim() {
    let mut identity = role_session("Deploy", "build", Some("ASIAONE"));
    identity["sessionContext"]["sourceIdentity"] = json!("alice@example.com");
    let mut hop = session("Deploy", "build", "ASIAONE", &user("alice"));
    hop.source_identity = Some("alice@example.com".to_owned());
    let owner = known(&alice(), &identity, &[hop.clone()]);
    assert_eq!((owner.name.as_deref(), owner.claimed), (Some("alice@example.com"), None));
    let unlisted = known(&Trust::default(), &identity, &[hop]);
    assert_eq!(unlisted.claimed.as_deref(), Some("alice@example.com"));
}

#[test]
fn a_user_of_identity_center_is_one_person_in_all_accounts() {
    let mut identity =
        role_session("AWSReservedSSO_Dev_0123456789abcdef", "ana@example.com", Some("ASIAONE"));
    identity["sessionContext"]["sessionIssuer"]["arn"] = json!(
        "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef"
    );
    for account in ["111122223333", "444455556666"] {
        let owner = known(&alice(), &in_account(identity.clone(), account), &[]);
        assert_eq!(owner.person.as_deref(), Some("ana@example.com"));
        assert_eq!(owner.account.as_deref(), Some(account));
    }
    let trust = trust("Ana = [\"ana@example.com\"]");
    assert_eq!(known(&trust, &identity, &[]).name.as_deref(), Some("Ana"));
    // By a role that anybody may have named so.
    identity["sessionContext"].as_object_mut().unwrap().remove("sessionIssuer");
    let unproven = known(&trust, &identity, &[]);
    assert_eq!((unproven.proof, unproven.person), (Some(Proof::NameOnly), None));
}

#[test]
fn a_workload_has_the_arn_of_its_role_or_function() {
    let mut instance = role_session("alice-tool", "i-0123", None);
    instance["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
    let owner = known(&alice(), &instance, &[]);
    let arn = Some("arn:aws:iam::111122223333:role/alice-tool");
    assert_eq!(facts(&owner)[1..3], [Some("alice@example.com"), arn]);
    assert_eq!(owner.proof, Some(Proof::Workload));

    let mut function = role_session("fn-role", "checkout", None);
    function["inScopeOf"] = json!({"issuerType": "AWS::Lambda::Function",
        "credentialsIssuedTo": "arn:aws:lambda:eu-west-1:111122223333:function:checkout:7"});
    let trust = Policy::from_toml("[trust]\nworkload_name = \"source\"\n").unwrap().trust;
    let arn = "arn:aws:lambda:eu-west-1:111122223333:function:checkout";
    assert_eq!(known(&trust, &function, &[]).arn.as_deref(), Some(arn), "without the version");
}

#[test]
fn the_owner_of_a_parent_is_a_name_without_arn_and_account() {
    let service =
        json!({"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com", "accountId": "111122223333"});
    let inherited = known(&alice(), &service, &[]).inherited("alice");
    assert_eq!(facts(&inherited), [Some("alice"), None, None, None]);
}

#[test]
fn a_requester_is_the_person_of_their_own_arn() {
    let service = json!({"type": "AWSService", "invokedBy": "servicecatalog.amazonaws.com"});
    let requested = |arn: &str| known(&alice(), &service, &[]).requested_by(arn, &alice());
    let user = "arn:aws:iam::111122223333:user/alice";
    let person = Some("alice@example.com");
    assert_eq!(facts(&requested(user)), [person, person, Some(user), Some("111122223333")]);
    let session = "arn:aws:sts::111122223333:assumed-role/Dev/alice";
    assert_eq!(facts(&requested(session)), [Some("alice"), None, Some(session), Some("111122223333")]);
}

const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.11.0 aws-sdk-go-v2/1.36.3";

#[test]
fn the_user_agent_tells_the_channel_only_where_the_record_tells_none() {
    let told = |change: &dyn Fn(&mut Principal), user_agent: Option<&str>| {
        let mut at = principal(&user("ana"));
        change(&mut at);
        let owner = block_on(resolve(&at, &Trust::default(), &store(&[]), &MemoryBackend::new())).unwrap();
        let owner = owner.with_user_agent(&at, user_agent);
        (owner.channel.as_ref().map(ToString::to_string), owner.tool)
    };
    let is = |channel: &str, tool| (Some(channel.to_owned()), tool);
    let invoked = |service: &'static str| move |at: &mut Principal| at.invoked_by = Some(service.to_owned());
    assert_eq!(told(&|_| (), Some(TERRAFORM)), is("iac", Some("terraform")));
    assert_eq!(told(&|_| (), Some("aws-cli/2.31.0")), is("cli", Some("aws-cli")));
    assert_eq!(told(&|_| (), Some("Boto3/1.37.3")), is("sdk", Some("boto3")));
    assert_eq!(told(&|_| (), Some("Mozilla/5.0")), (None, None));
    assert_eq!(told(&|_| (), None), (None, None));
    // A caller in the console, or one that an agent works for, cannot claim to be Terraform.
    assert_eq!(told(&|at| at.from_console = true, Some(TERRAFORM)), is("console", Some("terraform")));
    assert_eq!(told(&invoked("aws-mcp.amazonaws.com"), Some(TERRAFORM)), is("agent", Some("terraform")));
    let cloudformation = "cloudformation.amazonaws.com";
    assert_eq!(told(&invoked(cloudformation), Some(cloudformation)), is(cloudformation, None));
    let by_itself = |at: &mut Principal| at.kind = PrincipalKind::AwsService;
    assert_eq!(told(&by_itself, Some("aws-sdk-java/2.1")), (None, None));
}
