//! The actors of a trail: users, and sessions of roles. Each is derived from numbers, so none has to be stored.

use super::ids::{Numbers, push_base32, push_number};

const USERS: [&str; 16] = [
    "mara", "jonas", "alice", "omar", "lena", "tomas", "priya", "noor", "kim", "anna", "ben", "dana",
    "victor", "olga", "sven", "yuki",
];

/// Each with how its sessions come about.
const ROLES: [(&str, Origin); 12] = [
    ("ops", Origin::User),
    ("jump", Origin::User),
    ("github-deploy", Origin::WebIdentity),
    ("monitor", Origin::Service("ec2.amazonaws.com")),
    ("data-eng", Origin::User),
    ("thumbnailer-role", Origin::Service("lambda.amazonaws.com")),
    ("shared-deploy", Origin::Session),
    ("SamlAnalyst", Origin::Saml),
    ("eks-node", Origin::Service("ec2.amazonaws.com")),
    ("backup", Origin::Service("backup.amazonaws.com")),
    ("read-only", Origin::Session),
    ("checkout-task", Origin::Service("ecs-tasks.amazonaws.com")),
];

/// The principal that obtains a session, and the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    User,
    /// Role chaining.
    Session,
    WebIdentity,
    Saml,
    Service(&'static str),
}

impl Origin {
    pub(super) fn call(self) -> &'static str {
        match self {
            Self::WebIdentity => "AssumeRoleWithWebIdentity",
            Self::Saml => "AssumeRoleWithSAML",
            _ => "AssumeRole",
        }
    }
}

/// A user of an account.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) name: &'static str,
    number: u64,
}

impl User {
    pub(super) fn any(numbers: &mut Numbers) -> Self {
        let number = numbers.below(USERS.len() as u64);
        Self { name: pick(&USERS, number).unwrap_or_default(), number }
    }

    /// Appends the `userIdentity`.
    pub(super) fn identity(&self, account: &str, out: &mut String) {
        out.push_str(r#"{"type":"IAMUser","principalId":"AIDA"#);
        push_key(account, self.number, out);
        out.push_str(r#"","arn":"arn:aws:iam::"#);
        push(out, &[account, ":user/", self.name, r#"","accountId":""#, account, r#"","accessKeyId":"AKIA"#]);
        push_key(account, self.number + 1000, out);
        push(out, &[r#"","userName":""#, self.name, r#""}"#]);
    }
}

/// A session of a role in an account.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) role: &'static str,
    role_number: u64,
    pub(super) origin: Origin,
    pub(super) name: String,
    /// When it was issued.
    pub(super) issued: String,
    /// The file and the number in it, which give its access key.
    file: u64,
    number: u64,
}

impl Session {
    /// The session that the record `number` of the session records of `file` begins.
    pub(super) fn new(numbers: &mut Numbers, file: u64, number: u64, issued: String) -> Self {
        let role_number = numbers.below(ROLES.len() as u64);
        let (role, origin) = pick(&ROLES, role_number).unwrap_or(("ops", Origin::User));
        let name = match origin {
            Origin::WebIdentity => "GitHubActions".to_owned(),
            Origin::Service("ec2.amazonaws.com") => format!("i-0{:016x}", numbers.any()),
            Origin::Service(_) => format!("task-{:08x}", numbers.below(1 << 32)),
            _ => format!("{}@example.com", User::any(numbers).name),
        };
        Self { role, role_number, origin, name, issued, file, number }
    }

    pub(super) fn key(&self, out: &mut String) {
        out.push_str("ASIA");
        push_base32(self.file, 9, out);
        push_base32(self.number, 7, out);
    }

    pub(super) fn role_id(&self, account: &str, out: &mut String) {
        out.push_str("AROA");
        push_key(account, self.role_number + 2000, out);
    }

    /// Appends the `userIdentity` of its calls.
    pub(super) fn identity(&self, account: &str, out: &mut String) {
        out.push_str(r#"{"type":"AssumedRole","principalId":""#);
        self.role_id(account, out);
        push(out, &[":", &self.name, r#"","arn":"arn:aws:sts::"#, account, ":assumed-role/", self.role, "/"]);
        push(out, &[&self.name, r#"","accountId":""#, account, r#"","accessKeyId":""#]);
        self.key(out);
        out.push_str(r#"","sessionContext":{"sessionIssuer":{"type":"Role","principalId":""#);
        self.role_id(account, out);
        push(
            out,
            &[r#"","arn":"arn:aws:iam::"#, account, ":role/", self.role, r#"","accountId":""#, account],
        );
        push(out, &[r#"","userName":""#, self.role, r#""},"attributes":{"creationDate":""#, &self.issued]);
        out.push_str(r#"","mfaAuthenticated":"false"}}}"#);
    }
}

/// Appends the `userIdentity` of a user who signs in at an identity provider.
pub(super) fn federated(origin: Origin, name: &str, account: &str, out: &mut String) {
    if origin == Origin::WebIdentity {
        const SUBJECT: &str = "repo:example/shop:ref:refs/heads/main";
        let provider =
            ["arn:aws:iam::", account, ":oidc-provider/token.actions.githubusercontent.com"].concat();
        push(
            out,
            &[r#"{"type":"WebIdentityUser","principalId":""#, &provider, ":sts.amazonaws.com:", SUBJECT],
        );
        push(out, &[r#"","userName":""#, SUBJECT, r#"","identityProvider":""#, &provider, r#""}"#]);
    } else {
        push(
            out,
            &[r#"{"type":"SAMLUser","principalId":"hEXAMPLEnQualifier2=:"#, name, r#"","userName":""#, name],
        );
        out.push_str(r#"","identityProvider":"hEXAMPLEnQualifier2="}"#);
    }
}

fn pick<T: Copy>(from: &[T], number: u64) -> Option<T> {
    from.get(usize::try_from(number).ok()?).copied()
}

pub(super) fn push(out: &mut String, parts: &[&str]) {
    for part in parts {
        out.push_str(part);
    }
}

/// The 17 characters after the prefix of an id; the same for the same number in an account.
fn push_key(account: &str, number: u64, out: &mut String) {
    out.push_str("EXAMPLE");
    push_number(number, 4, out);
    out.push_str(account.get(account.len().saturating_sub(6)..).unwrap_or(account));
}
