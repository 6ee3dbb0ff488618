//! Policy files.

use crate::chunks::Chunks;
use crate::seeds::SeedTexts;
use crate::target::{Target, Violation, error_is_readable, hold, same};
use autotag_model::identity::Principal;
use autotag_model::policy::{DecisionInput, Policy, TemplateContext};
use autotag_model::tags::{TagConstraints, TagKey, TagValue};
use fastrand::Rng;

pub(super) struct PolicyFiles {
    lines: Chunks,
}

impl PolicyFiles {
    pub(super) fn new(seeds: &SeedTexts) -> Self {
        // Cut before each line, each value and each bracket.
        let begins = |byte| matches!(byte, b'\n' | b'=' | b'[' | b']');
        Self { lines: Chunks::new(seeds.policies.iter().map(String::as_str), begins) }
    }
}

impl Target for PolicyFiles {
    fn name(&self) -> &'static str {
        "policy"
    }

    fn share(&self) -> u64 {
        20
    }

    fn generate(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        self.lines.mutated(rng, out);
    }

    fn check(&self, input: &[u8]) -> Result<(), Violation> {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(()) };
        let policy = match Policy::from_toml(text) {
            Ok(policy) => policy,
            Err(error) => {
                same(&Policy::from_toml(text), &Err(error.clone()), "read twice, the same error")?;
                return error_is_readable(&error, input);
            }
        };
        same(&Policy::from_toml(text), &Ok(policy.clone()), "read twice, the same policy")?;
        let limits = TagConstraints::default();
        for (key, _) in policy.identity.iter().chain(&policy.fixed) {
            let kept = TagKey::sanitize(key, &limits).is_ok_and(|(_, change)| change.is_none());
            hold(kept, "a key of a policy is a tag key", || key.clone())?;
        }
        let fixed = policy.fixed.iter().find(|(key, _)| policy.is_identity_key(key));
        hold(fixed.is_none(), "no key is an identity key and a static one", || format!("{fixed:?}"))?;
        decisions_are_within_limits(&policy, &limits)
    }
}

/// Whatever the policy is, what it decides is within the limits, and keys that begin with `aws:` are not copied.
fn decisions_are_within_limits(policy: &Policy, limits: &TagConstraints) -> Result<(), Violation> {
    let principal = Principal::from_value(&serde_json::json!({
        "type": "AssumedRole", "principalId": "AROAEXAMPLE:ana", "accountId": "111122223333",
        "arn": "arn:aws:sts::111122223333:assumed-role/Deploy/ana",
    }));
    let context = TemplateContext {
        owner: Some("Ana <ana@example.com>"),
        owner_source: Some("role-session"),
        principal: &principal,
        workload: None,
        event_time: Some("2026-03-02T09:00:00Z"),
        event_name: "CreateQueue",
        event_source: "sqs.amazonaws.com",
        event_id: None,
        account: Some("111122223333"),
        region: Some("eu-west-1"),
        source_ip: Some("192.0.2.1"),
        user_agent: Some("\u{1f980}"),
    };
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let requested = [pair("owner", "boss"), pair("Team", "mine")];
    let decide = || {
        policy.decide(&DecisionInput {
            context: &context,
            iam_tags: &[pair("Team", "iam"), pair("aws:x", "y")],
            session_tags: &[("Owner", "forged"), ("cost,center", "7"), ("AWS:y", "z")],
            requested: &requested,
            present: &[],
            constraints: limits,
            previous_tags: None,
            may_have_existed: false,
        })
    };
    let decision = decide();
    same(&decision, &decide(), "decided twice, the same tags")?;
    hold(decision.tags.len() <= limits.tags, "no more tags than fit", || decision.tags.len().to_string())?;
    for (key, value) in decision.tags.pairs() {
        let key_stays = TagKey::sanitize(key, limits).is_ok_and(|(_, change)| change.is_none());
        let stays = key_stays && TagValue::sanitize(value, limits).1.is_none();
        hold(stays, "a decided tag is within the limits", || format!("{key:?}={value:?}"))?;
        let copied = policy.is_identity_key(key) && value == "forged";
        hold(!copied, "no session tag has an identity key", || key.to_owned())?;
    }
    Ok(())
}
