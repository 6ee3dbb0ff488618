//! Rule files.

use crate::chunks::Chunks;
use crate::seeds::SeedTexts;
use crate::target::{Target, Violation, error_is_readable, hold, same};
use autotag_handlers::catalog::Catalog;
use autotag_model::arn::{AccountId, Partition, Region};
use autotag_model::record::{ParsedRecord, Record};
use autotag_model::rule::{Located, Scope, ServiceRules};
use fastrand::Rng;

pub(super) struct RuleFiles {
    lines: Chunks,
    records: Vec<ParsedRecord>,
    scope: Scope,
}

impl RuleFiles {
    pub(super) fn new(seeds: &SeedTexts) -> Self {
        let parsed = |text: &String| serde_json::from_str::<Record<'_>>(text).ok()?.parsed().ok();
        let scope = Scope {
            partition: Partition::default(),
            region: Region::new("eu-west-1"),
            account: AccountId::new("111122223333"),
        };
        let begins = |byte| matches!(byte, b'\n' | b'=' | b'[' | b'{');
        Self {
            lines: Chunks::new(seeds.rules.iter().map(String::as_str), begins),
            records: seeds.records.iter().step_by(40).filter_map(parsed).collect(),
            scope,
        }
    }
}

impl Target for RuleFiles {
    fn name(&self) -> &'static str {
        "rule"
    }

    fn share(&self) -> u64 {
        10
    }

    fn generate(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        self.lines.mutated(rng, out);
    }

    fn check(&self, input: &[u8]) -> Result<(), Violation> {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(()) };
        let service = match ServiceRules::from_toml(text) {
            Ok(service) => service,
            Err(error) => return error_is_readable(&error, input),
        };
        same(&ServiceRules::from_toml(text), &Ok(service.clone()), "read twice, the same rules")?;
        let mut catalog = Catalog::empty();
        let added = catalog.add("fuzz.toml", text);
        hold(added.is_ok(), "what is read can be added to a catalogue", || format!("{added:?}"))?;
        for rule in &service.rules {
            let found = catalog.find(&service.source, &rule.event).map(<[_]>::len);
            hold(matches!(found, Ok(1..)), "the rules of an event are found", || rule.event.clone())?;
            let _ = (rule.iam_actions(), rule.call.name());
            for record in &self.records {
                if let Located::Resources(resources) = rule.locate(record, &self.scope) {
                    hold(!resources.is_empty(), "located resources are some", || rule.event.clone())?;
                    let _: Vec<String> =
                        resources.iter().map(|resource| resource.key().to_string()).collect();
                }
            }
        }
        Ok(())
    }
}
