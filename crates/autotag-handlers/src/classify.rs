//! Steps 2 to 4 of the way, pure: a record -> a creation with its resources, or why it is none.

use crate::catalog::Catalog;
use crate::delivery::Message;
use crate::outcome::{EventSummary, Outcome, Row, SkipReason};
use crate::services::{self, Creation, Target};
use autotag_model::arn::{AccountId, Partition, Region};
use autotag_model::envelope::{EventBridgeEnvelope, LocatedRecord};
use autotag_model::identity::Principal;
use autotag_model::policy::Policy;
use autotag_model::record::{ParsedRecord, Record, RecordError};
use autotag_model::rule::{Located, Rule, Scope, TagCall};
use autotag_model::session::{Session, SessionReading};
use std::sync::Arc;

/// What a record turned out to be.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Classification {
    /// Neither a creation nor a session.
    Other,
    /// An STS session.
    Session(Box<Session>),
    /// An STS record that makes no session to keep, and why.
    NoSession(&'static str),
    /// It looks like a creation, and the catalogue has no rule for it.
    Uncovered(Arc<EventSummary>),
    /// A creation that leads to no resource to tag; the rows say why.
    Nothing(Vec<Row>),
    /// A creation.
    Creation(Box<Found>),
}

/// A creation with its resources; owns all it needs, so that the record's text can go.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// The event.
    pub event: Arc<EventSummary>,
    /// Who made the call.
    pub principal: Principal,
    /// The resources to tag.
    pub targets: Vec<Target>,
    /// Resources that are not tagged, and why.
    pub rows: Vec<Row>,
    /// If this is the second look at the event, the tags that the first has written.
    pub first_look: Option<Vec<(String, String)>>,
}

/// Assesses records: the catalogue and the policy, and what is known of where the records come from.
#[derive(Debug, Clone, Copy)]
pub struct Classifier<'a> {
    /// Which events create which resources.
    pub catalog: &'a Catalog,
    /// What is ignored.
    pub policy: &'a Policy,
}

/// What is known of where records come from: the path of a trail's log file tells what old records do not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hints {
    /// The account of the trail's folder.
    pub account: Option<AccountId>,
    /// The message that brought the records, if one did.
    pub message_id: Option<String>,
    /// The tags that a first look has written, if the message asks for a second.
    pub first_look: Option<Vec<(String, String)>>,
}

impl Hints {
    /// What a path in a trail's layout tells: `.../<account>/CloudTrail/<region>/yyyy/mm/dd/<file>`.
    pub fn of_path(path: &str) -> Self {
        let mut parts = path.rsplit(['/', '\\']).skip_while(|part| *part != "CloudTrail");
        Self { account: parts.nth(1).and_then(AccountId::new), ..Self::default() }
    }

    /// The same, of records that a message brought.
    #[must_use]
    pub fn in_message(self, message: Option<&Message>) -> Self {
        let Some(message) = message else { return self };
        Self { message_id: Some(message.id.clone()), first_look: message.first_look.clone(), ..self }
    }
}

/// Verbs with which the names of creating events begin. `Put`, `Start` and `Enable` mostly change what exists.
const CREATING_VERBS: &[&str] = &[
    "Create",
    "Run",
    "Copy",
    "Import",
    "Register",
    "Allocate",
    "Restore",
    "Request",
    "Purchase",
    "Provision",
    "Launch",
    "Clone",
];

/// The kinds of `EventBridge` events by which CloudTrail sends records.
const DETAIL_TYPES: &[&str] = &[
    "AWS API Call via CloudTrail",
    "AWS Service Event via CloudTrail",
    "AWS Console Sign In via CloudTrail",
    "AWS Console Action via CloudTrail",
];

impl Classifier<'_> {
    /// Assesses one delivered record.
    pub fn classify(&self, delivered: &LocatedRecord<'_>, hints: &Hints) -> Classification {
        let record = &delivered.record;
        if let Some(delivery) = &delivered.event_bridge
            && let Some(why) = verify_event_source(delivery, record)
        {
            // Whatever it is, CloudTrail did not send it: neither its sessions nor its creations are believed.
            return nothing(&head(delivered, hints), Outcome::Skipped(why));
        }
        match Session::read(record) {
            Ok(SessionReading::Session(session)) => return Classification::Session(session),
            Ok(SessionReading::Skipped(why)) => return Classification::NoSession(why),
            Ok(_) => {}
            Err(odd) => return nothing(&head(delivered, hints), malformed(&odd)),
        }
        let rules = match self.catalog.find(&record.event_source, &record.event_name) {
            Ok([]) => return self.classify_uncovered(delivered, hints),
            Ok(rules) => rules,
            Err(error) => return nothing(&head(delivered, hints), Outcome::Refused(error.to_string())),
        };
        let event = head(delivered, hints);
        match screen(record) {
            Some(outcome) => nothing(&event, outcome),
            None => self.locate(record, rules, delivered.event_bridge.as_ref(), hints, event),
        }
    }

    fn classify_uncovered(&self, delivered: &LocatedRecord<'_>, hints: &Hints) -> Classification {
        let record = &delivered.record;
        let creating = CREATING_VERBS.iter().any(|verb| begins_with_word(&record.event_name, verb));
        let of_delivery = || AccountId::new(&delivered.event_bridge.as_ref()?.account);
        let account = record.recipient_account().or_else(of_delivery).or_else(|| hints.account.clone());
        let ignored = self.policy.ignore.event(&record.event_source, &record.event_name, account.as_ref());
        if !creating
            || ignored.is_some()
            || record.read_only == Some(true)
            || record.failed()
            || self.catalog.is_not_a_resource(&record.event_source, &record.event_name)
        {
            return Classification::Other;
        }
        Classification::Uncovered(head(delivered, hints))
    }

    fn locate(
        &self,
        record: &Record<'_>,
        rules: &[Arc<Rule>],
        delivery: Option<&EventBridgeEnvelope>,
        hints: &Hints,
        event: Arc<EventSummary>,
    ) -> Classification {
        let (parsed, principal) = match (record.parsed(), Principal::of(record)) {
            (Ok(parsed), Ok(principal)) => (parsed, principal),
            (Err(odd), _) | (_, Err(odd)) => return nothing(&event, malformed(&odd)),
        };
        let role = principal.role_arn();
        let names = [principal.arn.as_deref(), role.as_deref(), principal.principal_id.as_deref()];
        if self.policy.ignore.principal(names) {
            return nothing(
                &event,
                Outcome::Skipped(SkipReason::Ignored("the policy ignores the principal")),
            );
        }
        let scope = scope(record, &principal, delivery, hints);
        let (source, name) = (&record.event_source, &record.event_name);
        if let Some(why) = self.policy.ignore.event(source, name, scope.account.as_ref()) {
            return nothing(&event, Outcome::Skipped(SkipReason::Ignored(why)));
        }
        let mut found = Found {
            event,
            principal,
            targets: Vec::new(),
            rows: Vec::new(),
            first_look: hints.first_look.clone(),
        };
        for rule in rules {
            found.apply(rule, &parsed, &scope);
        }
        let creation = Creation {
            record,
            parsed: &parsed,
            principal: &found.principal,
            scope: &scope,
            catalog: self.catalog,
        };
        services::refine(&creation, &mut found.targets);
        found.drop_foreign_resources(&scope);
        match (found.targets.is_empty(), found.rows.is_empty()) {
            // No rule of the event is meant for this record: it creates nothing.
            (true, true) => Classification::Other,
            (true, false) => Classification::Nothing(found.rows),
            (false, _) => Classification::Creation(Box::new(found)),
        }
    }
}

impl Found {
    /// Adds what one rule finds.
    fn apply(&mut self, rule: &Arc<Rule>, parsed: &ParsedRecord, scope: &Scope) {
        let resources = match rule.locate(parsed, scope) {
            Located::Resources(resources) => resources,
            Located::NoId => return self.refuse(rule, no_id(parsed)),
            Located::NoArn(why) => return self.refuse(rule, Outcome::Malformed(why.to_string())),
            _ => return,
        };
        for resource in resources {
            if self
                .targets
                .iter()
                .any(|target| target.resource.arn.is_some() && target.resource.arn == resource.arn)
            {
                continue;
            }
            if rule.call == TagCall::None {
                let note = rule.note.clone().unwrap_or_default();
                self.rows.push(Row {
                    resource_type: Some(resource.resource_type.clone()),
                    resource: Some(resource),
                    ..Row::of_event(Arc::clone(&self.event), Outcome::Skipped(SkipReason::CannotTag(note)))
                });
                continue;
            }
            self.targets.push(Target {
                resource,
                rule: Arc::clone(rule),
                requested: parsed.requested_tags(None),
                may_have_existed: rule.existing,
                parent: None,
                requester: None,
                questions: Vec::new(),
                requested_for: Vec::new(),
            });
        }
    }

    fn refuse(&mut self, rule: &Rule, outcome: Outcome) {
        let row = Row::of_event(Arc::clone(&self.event), outcome);
        self.rows.push(Row { resource_type: Some(rule.resource_type.clone()), ..row });
    }

    /// A resource whose ARN lies in another account than the record says is none of ours to tag.
    fn drop_foreign_resources(&mut self, scope: &Scope) {
        let Some(account) = &scope.account else { return };
        let (ours, strangers): (Vec<Target>, Vec<Target>) = std::mem::take(&mut self.targets)
            .into_iter()
            .partition(|target| target.resource.arn.as_ref().is_none_or(|arn| arn.can_belong_to(account)));
        self.targets = ours;
        for target in strangers {
            let what = format!("the record is of {account}, the resource is {}", target.resource.display());
            self.rows.push(Row {
                resource_type: Some(target.resource.resource_type.clone()),
                resource: Some(target.resource),
                ..Row::of_event(Arc::clone(&self.event), Outcome::Skipped(SkipReason::AccountsDisagree(what)))
            });
        }
    }
}

/// The head of a delivered record's event.
pub(crate) fn head(delivered: &LocatedRecord<'_>, hints: &Hints) -> Arc<EventSummary> {
    let record = &delivered.record;
    let owned = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
    let account = record.recipient_account().or_else(|| hints.account.clone());
    Arc::new(EventSummary {
        id: owned(&record.event_id),
        dedup_id: record.dedup_id().map(str::to_owned),
        time: owned(&record.event_time),
        source: record.event_source.to_string(),
        name: record.event_name.to_string(),
        account: account.map(|account| account.as_str().to_owned()),
        region: owned(&record.aws_region),
        source_ip: owned(&record.source_ip_address),
        user_agent: owned(&record.user_agent),
        message_id: delivered.message_id.clone().or_else(|| hints.message_id.clone()),
    })
}

fn nothing(event: &Arc<EventSummary>, outcome: Outcome) -> Classification {
    Classification::Nothing(vec![Row::of_event(Arc::clone(event), outcome)])
}

/// Why a record of a covered event is not to be looked into, if so.
fn screen(record: &Record<'_>) -> Option<Outcome> {
    if record.is_dry_run() {
        return Some(Outcome::Skipped(SkipReason::DryRun));
    }
    record.error_code.as_ref().map(|code| Outcome::CallFailed(code.to_string()))
}

fn malformed(odd: &RecordError) -> Outcome {
    Outcome::Malformed(odd.to_string())
}

/// CloudTrail cuts parts over 100 KB; then the resource exists, and only the record does not name it.
fn no_id(parsed: &ParsedRecord) -> Outcome {
    match parsed.omitted() {
        Some(part) => Outcome::Malformed(format!(
            "CloudTrail has cut `{part}` because of its size; it named the resource"
        )),
        None => Outcome::Skipped(SkipReason::NoId),
    }
}

/// `Create` begins `CreateQueue`, and not `Created`.
fn begins_with_word(name: &str, word: &str) -> bool {
    name.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// Whether an `EventBridge` event is one that anybody could have put there.
pub fn verify_event_source(delivery: &EventBridgeEnvelope, record: &Record<'_>) -> Option<SkipReason> {
    if !delivery.source.starts_with("aws.") || !DETAIL_TYPES.contains(&delivery.detail_type.as_str()) {
        let what = format!("source `{}`, detail-type `{}`", delivery.source, delivery.detail_type);
        return Some(SkipReason::NotFromCloudTrail(what));
    }
    let recipient = record.recipient_account()?;
    (recipient.as_str() != delivery.account).then(|| {
        SkipReason::AccountsDisagree(format!(
            "the event is of {}, its record of {recipient}",
            delivery.account
        ))
    })
}

/// Where the record's resources lie: the record first, then its delivery, its path, its caller.
fn scope(
    record: &Record<'_>,
    principal: &Principal,
    delivery: Option<&EventBridgeEnvelope>,
    hints: &Hints,
) -> Scope {
    let of_arn = || {
        let arn: autotag_model::arn::Arn = principal.arn.as_deref()?.parse().ok()?;
        Some(arn.partition().clone())
    };
    let said = record.region().or_else(|| Region::new(&delivery?.region));
    let partition = said.as_ref().and_then(Partition::of_region).or_else(of_arn).unwrap_or_default();
    // `global` is how the old global endpoints wrote their region; anything else that is none stays unknown.
    let global = record.aws_region.as_deref() == Some("global");
    let region = if global { partition.global_region() } else { said };
    let account = record
        .recipient_account()
        .or_else(|| AccountId::new(&delivery?.account))
        .or_else(|| hints.account.clone())
        .or_else(|| principal.account_id());
    Scope { partition, region, account }
}

#[cfg(test)]
mod tests;
