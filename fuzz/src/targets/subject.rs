//! Subjects of web identities -> owners.

use crate::random;
use crate::target::{Target, Violation, hold, same};
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::owner;
use autotag_model::identity::Principal;
use autotag_model::policy::Trust;
use fastrand::Rng;
use futures_executor::block_on;
use serde_json::json;
use session_store::MemoryStore;

pub(super) struct Subjects;

/// Issuers of which something may be known.
const ISSUERS: &[&str] = &[
    "token.actions.githubusercontent.com",
    "gitlab.com",
    "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE",
    "oidc-eks.eu-west-1.api.aws/id/EXAMPLE",
    "agent.buildkite.com",
    "app.terraform.io",
    "oidc.circleci.com/org/1",
    "vstoken.dev.azure.com/1",
    "api.bitbucket.org/2.0/workspaces/example/pipelines-config/identity/oidc",
    "example.app.spacelift.io",
    "accounts.google.com",
    "cognito-identity.amazonaws.com",
];

/// Subjects as issuers write them.
const SUBJECTS: &[&str] = &[
    "repo:example/shop:ref:refs/heads/main",
    "repo:example/shop:ref:refs/tags/v1",
    "repo:example/shop:environment:prod",
    "repo:example/shop:pull_request",
    "repo:example@123456/shop@456789:ref:refs/heads/main",
    "repo:example/shop:job_workflow_ref:example/shop/.github/workflows/a.yml@refs/heads/main",
    "enterprise:example:repo:example/shop:ref:refs/heads/main",
    "project_path:example/shop:ref_type:branch:ref:main",
    "project_path:a/b/c:ref_type:tag:ref:v1",
    "system:serviceaccount:web:checkout",
    "organization:example:pipeline:shop:ref:refs/heads/main:commit:abc:step:build",
    "organization:example:project:shop:workspace:prod:run_phase:apply",
    "org/1/project/2/user/3",
    "sc://example/shop/pipeline",
    "eu-west-1:11112222-3333-4444-5555-666677778888",
    "110169484474386276334",
];

impl Target for Subjects {
    fn name(&self) -> &'static str {
        "subject"
    }

    fn share(&self) -> u64 {
        160
    }

    /// A line with the issuer, and the subject.
    fn generate(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        let mut issuer = rng.choice(ISSUERS).copied().unwrap_or_default().to_owned();
        match rng.u8(..10) {
            0 => issuer.insert_str(0, "https://"),
            1 => issuer.insert_str(0, "arn:aws:iam::111122223333:oidc-provider/"),
            2 => issuer.push_str(".example"),
            3 => issuer.insert_str(0, "evil.example/"),
            4 => issuer.insert_str(0, "https://evil.example/:oidc-provider/"),
            5 => issuer.insert_str(0, "evil-"),
            6 => issuer.insert_str(0, "user@evil.example/"),
            7 => {
                let mut bytes = issuer.into_bytes();
                random::damage(rng, &mut bytes);
                issuer = String::from_utf8_lossy(&bytes).replace('\n', " ");
            }
            _ => {}
        }
        out.extend_from_slice(issuer.as_bytes());
        out.push(b'\n');
        let subject = rng.choice(SUBJECTS).copied().unwrap_or_default();
        let mut bytes = subject.as_bytes().to_vec();
        match rng.u8(..4) {
            0 => {}
            1 => {
                let mut text = String::new();
                random::text(rng, 80, &mut text);
                bytes = text.into_bytes();
            }
            _ => random::damage(rng, &mut bytes),
        }
        out.extend(bytes);
    }

    fn check(&self, input: &[u8]) -> Result<(), Violation> {
        let text = String::from_utf8_lossy(input);
        let (issuer, subject) = text.split_once('\n').unwrap_or(("", &text));
        let caller = Principal::from_value(&json!({
            "type": "WebIdentityUser", "userName": subject, "identityProvider": issuer,
        }));
        let (Some(_), Some(_)) = (&caller.user_name, &caller.identity_provider) else { return Ok(()) };
        let name = owner_of(&caller);
        same(&owner_of(&caller), &name, "asked twice, the same owner")?;
        hold(name.as_deref().is_some_and(|name| !name.is_empty()), "a subject is somebody", || {
            format!("{name:?}")
        })?;
        if is_unknown(issuer) {
            // Its issuer may come before it.
            let whole = name.as_deref().is_some_and(|name| name.ends_with(subject));
            hold(whole, "a subject of an unknown issuer is whole", || format!("{name:?} of {issuer:?}"))?;
        }
        let later = Principal::from_value(&json!({
            "type": "AssumedRole", "principalId": "AROAEXAMPLE:name", "accountId": "111122223333",
            "arn": "arn:aws:sts::111122223333:assumed-role/Deploy/name",
            "sessionContext": {"webIdFederationData": {
                "federatedProvider": issuer, "attributes": {"example:sub": subject}}},
        }));
        same(&owner_of(&later), &name, "a later call has the owner of the sign-in")
    }
}

fn owner_of(caller: &Principal) -> Option<String> {
    let (sessions, backend) = (MemoryStore::new(), MemoryBackend::offline());
    let found = block_on(owner::resolve(caller, &Trust::default(), &sessions, &backend));
    found.ok().and_then(|owner| owner.name)
}

/// True if nothing can be known about the issuer: it is not of the host that the first part of a URL or of an ARN's
/// resource names, as far as its text goes.
fn is_unknown(issuer: &str) -> bool {
    let of_arn = |rest: &str| {
        let (account, provider) = rest.split_once(':')?;
        let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        provider.strip_prefix("oidc-provider/").filter(|_| digits).map(str::to_owned)
    };
    let arn = issuer
        .strip_prefix("arn:")
        .and_then(|rest| rest.split_once(":iam::"))
        .and_then(|(_, rest)| of_arn(rest));
    let url = arn.unwrap_or_else(|| issuer.strip_prefix("https://").unwrap_or(issuer).to_owned());
    let known = |known: &str| {
        let host = known.split('/').next().unwrap_or_default();
        let last = host.rsplit('.').take(2).collect::<Vec<_>>();
        // Any host of the same domain counts as known here: what is claimed of unknown ones must be beyond doubt.
        let own = url.split('/').next().unwrap_or_default().to_ascii_lowercase();
        last.iter().all(|label| own.rsplit('.').take(3).any(|part| part == *label))
    };
    !ISSUERS.iter().any(|issuer| known(issuer)) && !url.to_ascii_lowercase().contains("gitlab")
}
