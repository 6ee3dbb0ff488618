//! The text of one record -> its fields, its parts, its caller, the tags that it asks for.

use crate::mutate::Seeds;
use crate::random;
use crate::seeds::SeedTexts;
use crate::target::{Target, Violation, error_is_readable, hold, same};
use autotag_model::identity::{AccessKeyId, Principal};
use autotag_model::record::Record;
use fastrand::Rng;
use serde_json::Value;

pub(super) struct Records {
    seeds: Seeds,
}

impl Records {
    pub(super) fn new(seeds: &SeedTexts) -> Self {
        Self { seeds: Seeds::new(seeds.records.iter().chain(&seeds.sts)) }
    }
}

impl Target for Records {
    fn name(&self) -> &'static str {
        "record"
    }

    fn share(&self) -> u64 {
        50
    }

    fn generate(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        self.seeds.mutated(rng, out);
        if rng.u8(..16) == 0 {
            random::damage(rng, out);
        }
    }

    fn check(&self, input: &[u8]) -> Result<(), Violation> {
        let record: Record<'_> = match serde_json::from_slice(input) {
            Ok(record) => record,
            Err(error) => return error_is_readable(&error, input),
        };
        let facts = facts(&record, input)?;
        // A `Value` keeps one of two members of a name, and cannot hold every number: then the facts may differ.
        let Ok(value) = serde_json::from_slice::<Value>(input) else { return Ok(()) };
        let again = value.to_string();
        let Ok(reread) = serde_json::from_str::<Record<'_>>(&again) else {
            return hold(false, "a record that is written again can be read", || again.clone());
        };
        if has_repeated_names(input) {
            return Ok(());
        }
        same(&facts, &self::facts(&reread, again.as_bytes())?, "written again and read again, the same facts")
    }
}

/// Everything that rules and owners go by.
#[derive(Debug, PartialEq)]
struct Facts {
    fields: Vec<Option<String>>,
    read_only: Option<bool>,
    parts: Result<Vec<Value>, &'static str>,
    principal: Option<Principal>,
    tags: Vec<Vec<(String, String)>>,
}

fn facts(record: &Record<'_>, input: &[u8]) -> Result<Facts, Violation> {
    let text = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
    let fields = vec![
        Some(record.event_source.to_string()),
        Some(record.event_name.to_string()),
        text(&record.event_time),
        record.dedup_id().map(str::to_owned),
        record.region().map(|region| region.to_string()),
        record.recipient_account().map(|account| account.to_string()),
        text(&record.error_code),
        text(&record.source_ip_address),
        text(&record.user_agent),
        record.time().map(|time| time.to_string()),
    ];
    let mut tags = Vec::new();
    let parts = match record.parsed() {
        Ok(parsed) => {
            for kind in [None, Some("instance"), Some("volume")] {
                tags.push(parsed.requested_tags(kind));
            }
            let _ = (parsed.omitted(), parsed.account_of("arn:aws:s3:::bucket"));
            Ok(vec![parsed.request, parsed.response, parsed.service, parsed.resources])
        }
        Err(error) => {
            error_is_readable(&error, input)?;
            Err(error.field)
        }
    };
    let count: usize = tags.iter().map(Vec::len).sum();
    hold(count <= 3 * input.len(), "at most one tag a byte", || count.to_string())?;
    let principal = Principal::of(record).ok();
    if let Some(principal) = &principal {
        principal_is_kept(principal)?;
    }
    Ok(Facts { fields, read_only: record.read_only, parts, principal, tags })
}

/// Session stores keep principals as JSON.
fn principal_is_kept(principal: &Principal) -> Result<(), Violation> {
    let kept = serde_json::to_string(principal).map(|text| serde_json::from_str::<Principal>(&text));
    hold(matches!(&kept, Ok(Ok(again)) if again == principal), "a principal is kept as it is", || {
        format!("{kept:?}")
    })?;
    let _ =
        (principal.account_id(), principal.role_session(), principal.session_name(), principal.role_name());
    let _ = (principal.role_arn(), principal.linked_service(), principal.is_identity_center_role());
    let shown = format!("{principal:?}");
    let whole = principal.access_key.as_ref().map(AccessKeyId::reveal).filter(|key| key.len() > 16);
    let elsewhere = |key: &str| principal.principal_id.as_deref().is_some_and(|id| id.contains(key));
    let hidden =
        whole.is_none_or(|key| !shown.contains(key) || elsewhere(key) || count_of(principal, key) > 0);
    hold(hidden, "a whole access key is not shown", || shown.clone())
}

/// How many texts of the principal besides the key contain the key: mutations copy it.
fn count_of(principal: &Principal, key: &str) -> usize {
    let mut without = principal.clone();
    without.access_key = None;
    usize::from(format!("{without:?}").contains(key))
}

/// True if an object may have two members of one name, or of names that differ in case only: which one counts then
/// depends on their order, and writing the record again changes it.
fn has_repeated_names(input: &[u8]) -> bool {
    let spans = crate::json::spans(&crate::json::compact(input));
    let text = crate::json::compact(input);
    let mut objects: Vec<(usize, Vec<Vec<u8>>)> = Vec::new();
    for span in &spans {
        while objects.last().is_some_and(|(end, _)| span.value.start >= *end) {
            objects.pop();
        }
        if let (Some(name), Some((_, names))) = (&span.name, objects.last_mut()) {
            let name = text[name.clone()].to_ascii_lowercase();
            // An escape may spell any name.
            if name.contains(&b'\\') || names.contains(&name) {
                return true;
            }
            names.push(name);
        }
        if span.kind == crate::json::Kind::Object {
            objects.push((span.value.end, Vec::new()));
        }
        // JSON in a text is parsed as well.
        if span.kind == crate::json::Kind::Text && text[span.value.clone()].contains(&b'{') {
            return true;
        }
    }
    false
}
