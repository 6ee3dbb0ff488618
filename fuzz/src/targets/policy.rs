//! Policy files.

use crate::chunks::Chunks;
use crate::rows::row_is_sound;
use crate::seeds::SeedTexts;
use crate::target::{Target, Violation, error_is_readable, hold, same};
use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::Classifier;
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::plan::Planner;
use autotag_handlers::records::ClassifiedRecords;
use autotag_model::policy::Policy;
use autotag_model::tags::{TagConstraints, TagKey};
use fastrand::Rng;
use futures_executor::block_on;
use jiff::Timestamp;
use session_store::MemoryStore;
use std::sync::Arc;

pub(super) struct PolicyFiles {
    lines: Chunks,
    catalog: Arc<Catalog>,
}

impl PolicyFiles {
    pub(super) fn new(seeds: &SeedTexts) -> Self {
        // Cut before each line, each value and each bracket.
        let begins = |byte| matches!(byte, b'\n' | b'=' | b'[' | b']');
        let catalog = Arc::new(Catalog::embedded());
        // The service's rules are parsed when its first event comes: here, not in the memory of an input.
        let _ = catalog.find("sqs.amazonaws.com", "CreateQueue");
        let lines = Chunks::new(seeds.policies.iter().map(String::as_str), begins);
        Self { lines, catalog }
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
        self.tags_are_within_limits(policy)
    }
}

impl PolicyFiles {
    /// Whatever the policy is, what it decides is within the limits.
    fn tags_are_within_limits(&self, policy: Policy) -> Result<(), Violation> {
        let policy = Arc::new(policy);
        let classifier = Classifier::new(Arc::clone(&self.catalog), Arc::clone(&policy));
        let plan = || {
            let records = ClassifiedRecords::read(RECORDS.as_bytes(), &classifier);
            let (store, backend) = (MemoryStore::new(), MemoryBackend::new());
            block_on(Planner::new(&policy, &store, &backend, Timestamp::UNIX_EPOCH).plan(records))
        };
        let planned = plan();
        same(&planned, &plan(), "planned twice, the same tags")?;
        planned.resources().try_for_each(row_is_sound)
    }
}

/// A session with tags, some of them odd, and a queue that is made in it, with tags as well.
const RECORDS: &str = r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"ana","principalId":"AIDAANA","accountId":"111122223333","arn":"arn:aws:iam::111122223333:user/ana"},"eventTime":"2026-03-02T09:00:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"eu-west-1","eventID":"1","recipientAccountId":"111122223333","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/Deploy","roleSessionName":"ana","tags":[{"key":"Owner","value":"forged"},{"key":"cost,center","value":"7"},{"key":"Team","value":"shop"},{"key":"CreatedOn ","value":"x"}]},"responseElements":{"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLE:ana","arn":"arn:aws:sts::111122223333:assumed-role/Deploy/ana"},"credentials":{"accessKeyId":"ASIAEXAMPLE1"}}}
{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ana","accountId":"111122223333","arn":"arn:aws:sts::111122223333:assumed-role/Deploy/ana","accessKeyId":"ASIAEXAMPLE1","sessionContext":{"attributes":{"creationDate":"2026-03-02T09:00:00Z"},"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/Deploy","userName":"Deploy"}}},"eventTime":"2026-03-02T09:01:00Z","eventSource":"sqs.amazonaws.com","eventName":"CreateQueue","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.1","userAgent":"\ud83e\udd80","eventID":"2","recipientAccountId":"111122223333","requestParameters":{"queueName":"orders","tags":{"owner":"boss","Team":"mine"}},"responseElements":{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/orders"}}
"#;
