//! Classifies a record: a session, a creation with its resources, or the reason why it is neither. This module has
//! no IO.

use crate::catalog::Catalog;
use crate::event::EventSummary;
use crate::outcome::{Outcome, SkipReason};
use crate::row::{ResourceOutcome, Row};
use crate::services::{self, RecordContext, ServiceHandler, TagTarget};
use autotag_model::arn::{AccountId, Arn, Partition, Region};
use autotag_model::envelope::EventBridgeEnvelope;
use autotag_model::identity::Principal;
use autotag_model::policy::Policy;
use autotag_model::record::{ParsedRecord, Record, RecordError};
use autotag_model::rule::{Located, Resource, Rule, Scope, TagCall};
use autotag_model::session::{Session, SessionReading};
use std::sync::Arc;

/// The class of a record.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Classification {
    /// Neither a creation nor a session.
    Other,
    /// An STS session.
    Session(Box<Session>),
    /// An STS call without a session to keep, and why.
    NoSession(&'static str),
    /// The event looks like a creation, and the catalogue has no rule for it.
    Uncovered(Arc<EventSummary>),
    /// A creation without a resource to tag. The rows say why.
    Rejected(Vec<ResourceOutcome>),
    /// A creation.
    Creation(Box<Creation>),
}

/// A creation with its resources. It borrows nothing from the record.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Creation {
    /// The event.
    pub event: Arc<EventSummary>,
    /// The principal that made the call.
    pub principal: Principal,
    /// The resources to tag.
    pub targets: Vec<TagTarget>,
    /// Resources of the event that are not tagged, and why.
    pub rejected: Vec<ResourceOutcome>,
}

/// Facts about a record besides its own text: the event that carried it and the path of its file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Envelope<'a> {
    /// The `EventBridge` event around the record.
    pub event_bridge: Option<&'a EventBridgeEnvelope>,
    /// The account in the path of a trail's log file. Old records do not name theirs.
    pub account: Option<&'a AccountId>,
}

/// The account in a path of a trail's layout: `.../<account>/CloudTrail/<region>/yyyy/mm/dd/<file>`.
pub fn account_of_path(path: &str) -> Option<AccountId> {
    let mut parts = path.rsplit(['/', '\\']).skip_while(|part| *part != "CloudTrail");
    parts.nth(1).and_then(AccountId::new)
}

/// Classifies records by a catalogue and a policy. A clone shares both.
#[derive(Debug, Clone)]
pub struct Classifier {
    catalog: Arc<Catalog>,
    policy: Arc<Policy>,
    services: Arc<[Arc<dyn ServiceHandler>]>,
}

impl Classifier {
    /// A classifier with the built-in service handlers.
    pub fn new(catalog: impl Into<Arc<Catalog>>, policy: impl Into<Arc<Policy>>) -> Self {
        Self { catalog: catalog.into(), policy: policy.into(), services: services::built_in().into() }
    }

    /// The same with one more service handler. It refines the targets after the existing ones.
    #[must_use]
    pub fn with_service(mut self, handler: Arc<dyn ServiceHandler>) -> Self {
        self.services = self.services.iter().cloned().chain([handler]).collect();
        self
    }

    /// The catalogue.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// True if a record of an event may be something other than [`Classification::Other`], whatever the rest of it
    /// says.
    pub fn wants(&self, event_source: &str, event_name: &str) -> bool {
        Session::is_reported_by(event_source, event_name)
            || self.catalog.find(event_source, event_name).map_or(true, |rules| !rules.is_empty())
            || self.catalog.is_creation(event_source, event_name)
    }

    /// Classifies a record by its own text alone.
    pub fn classify(&self, record: &Record<'_>) -> Classification {
        self.classify_in(record, Envelope::default())
    }

    /// Classifies a record by its text and its envelope.
    pub fn classify_in(&self, record: &Record<'_>, envelope: Envelope<'_>) -> Classification {
        let event = || Arc::new(EventSummary::of(record, envelope.account));
        if let Some(why) = disbelieved(record, envelope) {
            // CloudTrail did not send it, so neither its sessions nor its creations are believed.
            return rejected(event(), Outcome::Skipped(why));
        }
        match Session::read(record) {
            Ok(SessionReading::Session(session)) => return Classification::Session(session),
            Ok(SessionReading::Skipped(why)) => return Classification::NoSession(why),
            Ok(_) => {}
            Err(error) => return rejected(event(), malformed(&error)),
        }
        let rules = match self.catalog.find(&record.event_source, &record.event_name) {
            Ok([]) => return self.classify_uncovered(record, envelope, false),
            Ok(rules) if !rules.iter().any(|rule| self.policy.applies(rule.evidence)) => {
                return self.classify_uncovered(record, envelope, true);
            }
            Ok(rules) => rules,
            Err(error) => return rejected(event(), Outcome::Refused(error.to_string())),
        };
        match screen(record) {
            Some(outcome) => rejected(event(), outcome),
            None => self.locate(record, rules, envelope, event()),
        }
    }

    /// True if CloudTrail sent the event around a record, if there is one.
    pub(crate) fn is_from_cloudtrail(record: &Record<'_>, envelope: Envelope<'_>) -> bool {
        envelope.event_bridge.is_none_or(|event| verify_event_source(event, record).is_none())
    }

    /// The scope of a record's resources.
    pub(crate) fn scope_of(record: &Record<'_>, principal: &Principal, envelope: Envelope<'_>) -> Scope {
        scope(record, principal, envelope)
    }

    /// `has_rule`: the catalogue has a rule that the policy does not apply. Then the event creates, whatever its name.
    fn classify_uncovered(
        &self,
        record: &Record<'_>,
        envelope: Envelope<'_>,
        has_rule: bool,
    ) -> Classification {
        let (source, name) = (&record.event_source, &record.event_name);
        let creates = || has_rule || self.catalog.is_creation(source, name);
        if record.read_only == Some(true) || record.failed() || !creates() {
            return Classification::Other;
        }
        let account = account_of(record, envelope);
        if self.policy.ignore.event(source, name, account.as_ref()).is_some() {
            return Classification::Other;
        }
        Classification::Uncovered(Arc::new(EventSummary::of(record, envelope.account)))
    }

    fn locate(
        &self,
        record: &Record<'_>,
        rules: &[Arc<Rule>],
        envelope: Envelope<'_>,
        event: Arc<EventSummary>,
    ) -> Classification {
        let (parsed, principal) = match (record.parsed(), Principal::of(record)) {
            (Ok(parsed), Ok(principal)) => (parsed, principal),
            (Err(error), _) | (_, Err(error)) => return rejected(event, malformed(&error)),
        };
        let role = principal.role_arn();
        let names = [principal.arn.as_deref(), role.as_deref(), principal.principal_id.as_deref()];
        let ignored = |why| rejected(Arc::clone(&event), Outcome::Skipped(SkipReason::Ignored(why)));
        if self.policy.ignore.principal(names) {
            return ignored("the policy ignores the principal");
        }
        let scope = scope(record, &principal, envelope);
        let (source, name) = (&record.event_source, &record.event_name);
        if let Some(why) = self.policy.ignore.event(source, name, scope.account.as_ref()) {
            return ignored(why);
        }
        let mut creation = Creation { event, principal, targets: Vec::new(), rejected: Vec::new() };
        for rule in rules.iter().filter(|rule| self.policy.applies(rule.evidence)) {
            creation.apply(rule, &parsed, &scope);
        }
        let context = RecordContext::new(record, &parsed, &creation.principal, &scope, &self.catalog);
        services::refine(&self.services, &context, &mut creation.targets);
        creation.reject_foreign_resources(&scope);
        match (creation.targets.is_empty(), creation.rejected.is_empty()) {
            (true, true)
                if lacks_details(record, &parsed)
                    || rules.iter().any(|rule| rule.lacks_service_details(&parsed)) =>
            {
                let why =
                    "`serviceEventDetails` do not say what has happened, and nothing else names the resource"
                        .to_owned();
                rejected(creation.event, Outcome::Malformed(why))
            }
            // No rule of the event applies to this record: it creates nothing.
            (true, true) => Classification::Other,
            (true, false) if !creation.rejected.iter().any(ResourceOutcome::cannot_be_tagged) => {
                Classification::Rejected(creation.rejected)
            }
            // A resource that AWS cannot tag still has an owner.
            (true, false) | (false, _) => Classification::Creation(Box::new(creation)),
        }
    }
}

impl Creation {
    /// Adds the resources that one rule finds.
    fn apply(&mut self, rule: &Arc<Rule>, parsed: &ParsedRecord, scope: &Scope) {
        let resources = match rule.locate(parsed, scope) {
            Located::Resources(resources) => resources,
            Located::NoId => return self.reject_type(rule, no_id(parsed)),
            Located::NoArn(why) => return self.reject_type(rule, Outcome::Malformed(why.to_string())),
            Located::NoAccount(text) => {
                let what = format!("the call makes the resource in `{text}`, which is not an account");
                return self.reject_type(rule, Outcome::Skipped(SkipReason::AccountsDisagree(what)));
            }
            _ => return,
        };
        for resource in resources {
            let known = |target: &TagTarget| target.resource.arn == resource.arn;
            if resource.arn.is_some() && self.targets.iter().any(known) {
                continue;
            }
            match &rule.call {
                TagCall::None => {
                    let note = rule.note.clone().unwrap_or_default();
                    self.reject(resource, rule, Outcome::Skipped(SkipReason::CannotTag(note)));
                }
                TagCall::TaggingApi if resource.arn.is_none() => {
                    let why = format!("`{}` is not an ARN, and the tagging API takes only ARNs", resource.id);
                    self.reject(resource, rule, Outcome::Malformed(why));
                }
                TagCall::Native(call) if resource.arn.is_none() && call.takes_arn() => {
                    let why = format!("`{}` is not an ARN, and {} takes only ARNs", resource.id, call.name);
                    self.reject(resource, rule, Outcome::Malformed(why));
                }
                _ => {
                    let requested = rule.requested_tags(parsed, None);
                    self.targets.push(TagTarget::new(resource, Arc::clone(rule), requested));
                }
            }
        }
    }

    fn reject_type(&mut self, rule: &Rule, outcome: Outcome) {
        let row = Row::of_event(Arc::clone(&self.event), outcome).by_rule_of(rule.evidence);
        self.rejected.push(Row { resource_type: Some(rule.resource_type.clone()), ..row });
    }

    fn reject(&mut self, resource: Resource, rule: &Rule, outcome: Outcome) {
        let row = Row::of_resource(Arc::clone(&self.event), resource, outcome);
        self.rejected.push(row.by_rule_of(rule.evidence));
    }

    /// Rejects resources of another account than that of the record, and those whose account is not known.
    ///
    /// The owner of an S3 object is another matter: its handler finds the account of the bucket.
    fn reject_foreign_resources(&mut self, scope: &Scope) {
        let targets = std::mem::take(&mut self.targets);
        for target in targets {
            match foreign(&target.resource, scope) {
                Some(what) => {
                    let outcome = Outcome::Skipped(SkipReason::AccountsDisagree(what));
                    self.reject(target.resource, &target.rule, outcome);
                }
                None => self.targets.push(target),
            }
        }
    }
}

/// Why a resource is not one of the record's account; `None` if it is.
pub(crate) fn foreign(resource: &Resource, scope: &Scope) -> Option<String> {
    let named = resource.arn.as_ref().map_or("", Arn::account_field);
    // The ARN of an object names no account; its bucket may be somebody else's.
    let is_object = resource.resource_type == "AWS::S3::Object";
    let account = resource.account.as_ref();
    let display = || resource.display();
    match &scope.account {
        None if named.is_empty() => None,
        None => Some(format!("the record names no account, the resource is {}", display())),
        Some(_) if is_object && account.is_none() => {
            Some(format!("the record does not say whose bucket it is; the object is {}", display()))
        }
        Some(ours) if !named.is_empty() && named != ours.as_str() => {
            Some(format!("the record is of {ours}, the resource is {}", display()))
        }
        Some(ours) if !is_object && account.is_some_and(|account| account != ours) => {
            let theirs = account.map_or("", AccountId::as_str);
            Some(format!("the record is of {ours}, the resource {} of {theirs}", display()))
        }
        Some(_) => None,
    }
}

fn rejected(event: Arc<EventSummary>, outcome: Outcome) -> Classification {
    Classification::Rejected(vec![Row::of_event(event, outcome)])
}

/// The outcome of a covered event that created nothing: a dry run or a failed call.
fn screen(record: &Record<'_>) -> Option<Outcome> {
    if record.is_dry_run() {
        return Some(Outcome::Skipped(SkipReason::DryRun));
    }
    // A message may quote what was sent, so it is not shown.
    let code = || record.error_code.as_deref().unwrap_or("an errorMessage without errorCode").to_owned();
    record.failed().then(|| Outcome::CallFailed(code()))
}

/// True if a service event lacks the part that says what has happened. Without it no rule applies.
fn lacks_details(record: &Record<'_>, parsed: &ParsedRecord) -> bool {
    let is_service_event = record.event_type.as_deref() == Some("AwsServiceEvent");
    let details = parsed.service.as_object();
    (is_service_event || record.service_event_details.is_some())
        && details.is_none_or(serde_json::Map::is_empty)
}

fn malformed(error: &RecordError) -> Outcome {
    Outcome::Malformed(error.to_string())
}

/// CloudTrail cuts parts over 100 KB. Then the resource exists, but the record does not name it.
fn no_id(parsed: &ParsedRecord) -> Outcome {
    match parsed.omitted() {
        Some(part) => Outcome::Malformed(format!(
            "CloudTrail has cut `{part}` because of its size; it named the resource"
        )),
        None => Outcome::Skipped(SkipReason::NoId),
    }
}

/// Why a record is not believed by the event around it; `None` if it is.
pub(crate) fn disbelieved(record: &Record<'_>, envelope: Envelope<'_>) -> Option<SkipReason> {
    envelope.event_bridge.and_then(|event| verify_event_source(event, record))
}

/// Why an `EventBridge` event is not believed: anybody who may put events on a bus could have put it there. `None` if
/// CloudTrail sent it.
fn verify_event_source(event: &EventBridgeEnvelope, record: &Record<'_>) -> Option<SkipReason> {
    if !event.is_of_cloudtrail() {
        return Some(SkipReason::NotFromCloudTrail(event.summary()));
    }
    if !event.is_of_service(&record.event_source) {
        let what = format!("{}, around a record of another service", event.summary());
        return Some(SkipReason::NotFromCloudTrail(what));
    }
    let recipient = record.recipient_account()?;
    (recipient.as_str() != event.account).then(|| {
        SkipReason::AccountsDisagree(format!("the event is of {}, its record of {recipient}", event.account))
    })
}

/// The account of the record, otherwise of its event, otherwise of the path of its file.
fn account_of(record: &Record<'_>, envelope: Envelope<'_>) -> Option<AccountId> {
    let of_event = || AccountId::new(&envelope.event_bridge?.account);
    record.recipient_account().or_else(of_event).or_else(|| envelope.account.cloned())
}

/// The partition, region and account of the record's resources: by the record, otherwise by its envelope, otherwise by
/// its caller.
pub(crate) fn scope(record: &Record<'_>, principal: &Principal, envelope: Envelope<'_>) -> Scope {
    let of_arn = || {
        let arn: Arn = principal.arn.as_deref()?.parse().ok()?;
        Some(arn.partition().clone())
    };
    let named = record.region().or_else(|| Region::new(&envelope.event_bridge?.region));
    let partition = named.as_ref().and_then(Partition::of_region).or_else(of_arn).unwrap_or_default();
    // The old global endpoints write `global` as their region. Any other text that names no region stays unknown.
    let global = record.aws_region.as_deref() == Some("global");
    let region = if global { partition.global_region() } else { named };
    let account = account_of(record, envelope).or_else(|| principal.account_id());
    Scope { partition, region, account }
}

#[cfg(test)]
mod tests;
