//! The targets.
//!
//! | module | what reads the bytes | what must hold |
//! |---|---|---|
//! | `envelope` | `read_records` | read twice or in small pieces, the same items; at most one a byte; in their order, each where it says |
//! | `damage` | the same, of a file with one damaged byte | every other record is read, the damaged one is reported |
//! | `record` | `Record`, its parts, `Principal`, requested tags | written again and read again, the same facts |
//! | `sts` | `Session::read`, `find_session`, `Session::merge` | no session of another name is found; merging has no order |
//! | `engine` | classify, plan, execute over memory | counts add up; the same plan twice; tags within limits, in the record's account; no owner by the caller's own tags |
//! | `policy` | policy files | an error with a text, or the same policy twice, whose tags are within limits |
//! | `rule` | rule files | the same, and rules that can be applied |
//! | `answer` | answers to declared calls | the same tags twice, at most one a byte |
//! | `payload` | payloads of the functions | each message is a job or a notice of nothing |
//! | `subject` | subjects of web identities | whole if the issuer is unknown; the same by every way to it |
//! | `arn` | ARNs, account ids, regions, paths | parsed and written, the same text |
//! | `tags` | tag keys, values, sets | within the constraints; fitted twice, the same |

mod answer;
mod arn;
mod damage;
mod engine;
mod envelope;
mod payload;
mod policy;
mod record;
mod rule;
mod sts;
mod subject;
mod tags;

use crate::seeds::SeedTexts;
use crate::target::{OpenFault, Target};

/// All targets. Their shares add up to a thousand.
pub fn all(seeds: &SeedTexts) -> Vec<Box<dyn Target>> {
    vec![
        Box::new(envelope::Envelope::new(seeds)),
        Box::new(damage::Damage::new(seeds)),
        Box::new(record::Records::new(seeds)),
        Box::new(sts::Sts::new(seeds)),
        Box::new(engine::Engine::new(seeds)),
        Box::new(policy::PolicyFiles::new(seeds)),
        Box::new(rule::RuleFiles::new(seeds)),
        Box::new(answer::Answers::new(seeds)),
        Box::new(payload::Payloads::new(seeds)),
        Box::new(subject::Subjects),
        Box::new(arn::Arns),
        Box::new(tags::Tags),
    ]
}

/// The faults that are known and not repaired yet.
pub const OPEN: &[OpenFault] = &[];
