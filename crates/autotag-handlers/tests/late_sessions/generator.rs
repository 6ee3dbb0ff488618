//! Sessions of one role and one name, of all kinds, with their STS records and the calls made in them.

use crate::common::{self, HERE, call, user};
use crate::random::Random;
use autotag_handlers::classify::{Classifier, Creation};
use autotag_model::identity::{AccessKeyId, Principal};
use autotag_model::session::{Session, SessionKind};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The id of an Identity Center user. Somebody else may choose it as their session name.
pub(crate) const USER_ID: &str = "93670f4a-0000-4000-8000-d6a2c0f1a1a1";

/// The session name of the earlier sessions of every role chain.
pub(crate) const HOP: &str = "hop";

/// The user that the policy lists among those who may set a source identity.
pub(crate) const BROKER: &str = "broker";

const GITHUB: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";

/// The facts of STS about the first session of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An IAM user assumed the role.
    User,
    /// The same, with a source identity that the user chose.
    Claim,
    /// A broker of the policy assumed the role, with the person as source identity.
    Broker,
    Saml,
    /// SAML, and the identity provider set a source identity.
    SamlSource,
    /// GitHub.
    WebIdentity,
    /// EKS Pod Identity.
    Pod,
    /// An Identity Center user entered the role by the account access manager.
    AccountAccess,
}

const KINDS: [Kind; 7] =
    [Kind::User, Kind::Claim, Kind::Broker, Kind::Saml, Kind::SamlSource, Kind::WebIdentity, Kind::Pod];

impl Kind {
    /// True if AWS gives the calls of such a session other access keys than the one of the STS record.
    fn gets_further_keys(self) -> bool {
        matches!(self, Self::Saml | Self::SamlSource | Self::AccountAccess)
    }

    fn by_saml(self) -> bool {
        matches!(self, Self::Saml | Self::SamlSource)
    }
}

/// One session of the common name, the sessions before it in its chain, and the calls made in it.
pub(crate) struct GeneratedSession {
    /// As the record of the caller's account has it.
    pub(crate) session: Session,
    /// As the record of the role's account has it, which does not name the caller of another account.
    pub(crate) copy: Option<Session>,
    /// The sessions before it in its role chain.
    pub(crate) parents: Vec<Session>,
    /// The owner if every record arrives, with the proof.
    pub(crate) owner: String,
    pub(crate) proof: &'static str,
    /// The source identity of the session.
    pub(crate) source_identity: Option<String>,
    pub(crate) calls: Vec<GeneratedCall>,
    /// True if its record that names the caller arrives.
    pub(crate) has_record: bool,
    /// True if the copy arrives.
    pub(crate) has_copy: bool,
    /// True if the records of its parents arrive.
    pub(crate) has_parents: bool,
}

/// A call made in a session.
pub(crate) struct GeneratedCall {
    pub(crate) creation: Creation,
    /// True if its record ties it to its session: by the access key of the STS record, or because no other session of the
    /// name was issued within two seconds.
    pub(crate) is_tied: bool,
}

/// Sessions of one name, and how many of their records the exception of [`lose`] keeps.
pub(crate) struct Generated {
    pub(crate) sessions: Vec<GeneratedSession>,
    /// The session name that all of them have.
    pub(crate) name: &'static str,
    /// The user that the directory of Identity Center knows, by id and name.
    pub(crate) directory: Option<(&'static str, String)>,
    /// How many sessions would have lost their records, but for the exception.
    pub(crate) exceptions: u64,
}

pub(crate) fn issued(offset: i64) -> Timestamp {
    let nine: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    nine + SignedDuration::from_secs(offset)
}

/// A few sessions of one role and one session name. Either they are far enough apart for their times to tell them apart, or
/// within seconds of each other.
pub(crate) fn generate(classifier: &Classifier, random: &mut Random) -> Generated {
    let near = random.once_in(2);
    let count = 2 + random.below(2);
    let entered = random.once_in(3).then(|| random.below(count));
    let name = if entered.is_some() { USER_ID } else { "shift" };
    let mut offset = 0;
    let mut drafts = Vec::new();
    for number in 0..count {
        offset += if near { i64::from(random.below(2)) } else { 5 + i64::from(random.below(600)) };
        let kind =
            if entered == Some(number) { Kind::AccountAccess } else { KINDS[random.below(7) as usize] };
        let hops = if kind == Kind::AccountAccess { 0 } else { random.below(6).saturating_sub(3) };
        drafts.push(Draft { number, count, offset, kind, hops, near, name });
    }
    let mut exceptions = 0;
    let sessions = drafts
        .iter()
        .map(|draft| {
            let mut session = draft.session(classifier, random);
            exceptions += u64::from(lose(draft, &drafts, &mut session, random));
            session
        })
        .collect();
    let directory = entered.map(|number| (USER_ID, person(number)));
    Generated { sessions, name, directory, exceptions }
}

/// Loses records of a session forever.
///
/// One exception is documented, and excluded here: a call that no key ties to its session is given to a near
/// session of the same name if its own STS record never comes. Nothing in the known records tells that another
/// session was meant. So if a near session could be taken, one record of the session itself arrives. Returns
/// whether it would have been lost.
fn lose(draft: &Draft, all: &[Draft], session: &mut GeneratedSession, random: &mut Random) -> bool {
    session.has_copy = session.copy.is_some() && !random.once_in(4);
    session.has_record = !random.once_in(5);
    // Of two parents of the same name and second, a call goes to the one by SAML if its own is not known.
    let near_saml = draft.near && all.iter().any(|other| other.hops > 0 && other.kind.by_saml());
    session.has_parents = near_saml || !random.once_in(5);
    if session.has_record || session.has_copy || !draft.near {
        return false;
    }
    let others = || all.iter().filter(|other| other.number != draft.number);
    let could_be_anothers = session.calls.iter().any(|call| !call.is_tied)
        || others().any(|other| other.offset == draft.offset && other.session_kind().gets_further_keys());
    session.has_record = could_be_anothers;
    could_be_anothers
}

/// The inputs from which a session is generated.
#[derive(Debug)]
struct Draft {
    number: u32,
    /// How many sessions there are.
    count: u32,
    /// The second of issue, after nine o'clock.
    offset: i64,
    kind: Kind,
    /// How many sessions are before it in its chain.
    hops: u32,
    near: bool,
    name: &'static str,
}

fn person(number: u32) -> String {
    format!("person-{number}")
}

impl Draft {
    /// The kind of the session of the common name itself: in a chain, the origin is an earlier session.
    fn session_kind(&self) -> Kind {
        if self.hops == 0 { self.kind } else { Kind::User }
    }

    fn owner(&self) -> (String, &'static str) {
        match self.kind {
            Kind::WebIdentity => (format!("repo:example/shop-{}@main", self.number), "workload"),
            Kind::Pod => (format!("serviceaccount:web/app-{}", self.number), "workload"),
            _ => (person(self.number), "person"),
        }
    }

    /// The source identity: of the person if a provider or broker sets it, otherwise any name, also that of another person.
    fn source_identity(&self, random: &mut Random) -> Option<String> {
        match self.kind {
            Kind::Broker | Kind::SamlSource => Some(person(self.number)),
            Kind::Claim if random.once_in(2) => Some(format!("claimed-{}", self.number)),
            Kind::Claim => Some(person((self.number + 1) % self.count)),
            _ => None,
        }
    }

    fn session(&self, classifier: &Classifier, random: &mut Random) -> GeneratedSession {
        let source_identity = self.source_identity(random);
        let mut parents: Vec<Session> = Vec::new();
        let mut caller = None;
        for level in 0..self.hops {
            let role = format!("Hop{level}");
            let key = format!("ASIAHOP{level}N{}", self.number);
            parents.push(self.link(&role, HOP, &key, caller.take(), source_identity.as_deref()));
            caller =
                Some(self.identity(&role, HOP, Some(&key), source_identity.as_deref(), parents.len() == 1));
        }
        let key = format!("ASIA{}", self.number);
        let across = self.session_kind() == Kind::User && random.once_in(2);
        let mut session = self.link("Ops", self.name, &key, caller, source_identity.as_deref());
        session.tags.push(("Team".to_owned(), format!("team-{}", self.number)));
        session.tags.push((format!("Only{}", self.number), format!("only-{}", self.number)));
        let copy = across.then(|| {
            let mut copy = session.clone();
            copy.caller = Principal::from_value(&json!({"type": "AWSAccount", "accountId": "444455556666"}));
            if random.once_in(2) {
                copy.tags.clear();
            }
            copy
        });
        let (owner, proof) = self.owner();
        let calls = (0..=random.below(2))
            .map(|call_number| self.call(classifier, call_number, source_identity.as_deref(), random))
            .collect();
        GeneratedSession {
            session,
            copy,
            parents,
            owner,
            proof,
            source_identity,
            calls,
            has_record: true,
            has_copy: false,
            has_parents: true,
        }
    }

    /// One session of the chain: the first one as its kind says, a later one by `caller`.
    fn link(
        &self,
        role: &str,
        name: &str,
        key: &str,
        caller: Option<Value>,
        source_identity: Option<&str>,
    ) -> Session {
        let mut session =
            Session::new(&format!("AROA{role}:{name}"), issued(self.offset), SessionKind::AssumeRole);
        session.access_key = AccessKeyId::new(key);
        session.source_identity = source_identity.map(str::to_owned);
        if let Some(caller) = caller {
            session.caller = Principal::from_value(&caller);
            return session;
        }
        let service = |name: &str| json!({"type": "AWSService", "invokedBy": name});
        let (kind, caller) = match self.kind {
            Kind::User | Kind::Claim => (SessionKind::AssumeRole, user(&person(self.number))),
            Kind::Broker => (SessionKind::AssumeRole, user(BROKER)),
            Kind::Saml | Kind::SamlSource => {
                session.subject =
                    Some(if self.kind == Kind::Saml { person(self.number) } else { "G-7f2a".to_owned() });
                session.provider = Some("https://login.example.com/saml".to_owned());
                (
                    SessionKind::AssumeRoleWithSaml,
                    json!({"type": "SAMLUser", "userName": person(self.number)}),
                )
            }
            Kind::WebIdentity => {
                session.subject = Some(self.subject());
                session.provider = Some(GITHUB.to_owned());
                (SessionKind::AssumeRoleWithWebIdentity, json!({"type": "WebIdentityUser"}))
            }
            Kind::Pod => {
                for (tag, value) in [
                    ("eks-cluster-name", "blue".to_owned()),
                    ("kubernetes-namespace", "web".to_owned()),
                    ("kubernetes-service-account", format!("app-{}", self.number)),
                ] {
                    session.tags.push((tag.to_owned(), value));
                }
                (SessionKind::AssumeRole, service("pods.eks.amazonaws.com"))
            }
            Kind::AccountAccess => (SessionKind::AssumeRole, service("account-access.amazonaws.com")),
        };
        session.kind = kind;
        session.caller = Principal::from_value(&caller);
        session
    }

    fn subject(&self) -> String {
        format!("repo:example/shop-{}:ref:refs/heads/main", self.number)
    }

    /// The identity of a call in a session. `is_origin`: the session is the first of its chain.
    fn identity(
        &self,
        role: &str,
        name: &str,
        key: Option<&str>,
        source_identity: Option<&str>,
        is_origin: bool,
    ) -> Value {
        let mut context = json!({"attributes": {"creationDate": issued(self.offset).to_string()},
            "sessionIssuer": {"type": "Role", "userName": role, "principalId": format!("AROA{role}"),
                "arn": format!("arn:aws:iam::{HERE}:role/{role}")}});
        if let Some(source_identity) = source_identity {
            context["sourceIdentity"] = json!(source_identity);
        }
        // AWS does not write the subject into every record: here, into those of even numbers.
        if is_origin && self.kind == Kind::WebIdentity && self.number.is_multiple_of(2) {
            context["webIdFederationData"] = json!({"federatedProvider": GITHUB,
                "attributes": {"token.actions.githubusercontent.com:sub": self.subject()}});
        }
        let mut identity = json!({"type": "AssumedRole", "principalId": format!("AROA{role}:{name}"), "accountId": HERE,
            "arn": format!("arn:aws:sts::{HERE}:assumed-role/{role}/{name}"), "sessionContext": context});
        if let Some(key) = key {
            identity["accessKeyId"] = json!(key);
        }
        identity
    }

    fn call(
        &self,
        classifier: &Classifier,
        call_number: u32,
        source_identity: Option<&str>,
        random: &mut Random,
    ) -> GeneratedCall {
        let kind = self.session_kind();
        let own = format!("ASIA{}", self.number);
        let further = format!("ASIAFURTHER{}", self.number);
        let key = match random.below(4) {
            0 => None,
            1 if kind.gets_further_keys() => Some(&further),
            _ if kind == Kind::AccountAccess => Some(&further),
            _ => Some(&own),
        };
        let mut identity =
            self.identity("Ops", self.name, key.map(String::as_str), source_identity, self.hops == 0);
        if kind == Kind::AccountAccess && random.once_in(2) {
            identity["onBehalfOf"] = json!({"userId": USER_ID,
                "identityStoreArn": format!("arn:aws:identitystore::{HERE}:identitystore/d-1234567890")});
        }
        let id = format!("vol-{}-{call_number}", self.number);
        let second = 60 * self.number + call_number;
        let record = call(second, &identity, "ec2:CreateVolume", &json!({}), &json!({"volumeId": id}));
        GeneratedCall {
            creation: common::creation(classifier, &record),
            is_tied: !self.near || key == Some(&own),
        }
    }
}
