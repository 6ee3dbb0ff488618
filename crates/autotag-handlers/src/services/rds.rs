//! RDS: `DocumentDB` and Neptune use its API and its ARNs. For some resources, only the prefix of the name
//! separates them.

use super::handler::{RecordContext, ServiceHandler, TagTarget};
use serde_json::Value;

#[derive(Debug)]
pub(super) struct Rds;

impl ServiceHandler for Rds {
    fn event_source(&self) -> &'static str {
        "rds.amazonaws.com"
    }

    fn refine(&self, context: &RecordContext<'_>, targets: &mut Vec<TagTarget>) {
        let Some(family) = family(context) else { return };
        let engine = if family.starts_with("docdb") {
            "DocDB"
        } else if family.starts_with("neptune") {
            "Neptune"
        } else {
            return;
        };
        for target in targets {
            let kind = &mut target.resource.resource_type;
            if kind.ends_with("ParameterGroup") {
                *kind = kind.replacen("AWS::RDS::", &format!("AWS::{engine}::"), 1);
            }
        }
    }
}

/// The parameter group family (`docdb5.0`, `neptune1.3`, `aurora-mysql8.0`), of the answer or of the request.
fn family<'c>(context: &RecordContext<'c>) -> Option<&'c str> {
    let of = |part: &'c Value| {
        let (_, family) =
            part.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case("dBParameterGroupFamily"))?;
        family.as_str()
    };
    of(&context.parsed.response).or_else(|| of(&context.parsed.request))
}
