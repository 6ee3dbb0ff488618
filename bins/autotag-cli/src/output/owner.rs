//! Who made a call, with the evidence.

use autotag_handlers::owner::{
    ChainLink, Channel, MissingEvidence, Owner, OwnerSource, PendingEvidence, Proof,
};
use autotag_model::identity::{Principal, PrincipalKind};
use serde::Serialize;
use std::collections::BTreeMap;

/// For people: the owner first, then how they were found.
pub(crate) fn owner_lines(principal: &Principal, owner: Option<&Owner>) -> Vec<String> {
    let name = owner.and_then(|owner| owner.name.as_deref()).unwrap_or("unknown");
    let source = owner
        .and_then(|owner| owner.source)
        .map_or("nothing in the record names an owner", OwnerSource::as_str);
    let proof = owner.and_then(|owner| owner.proof).map_or(String::new(), |proof| format!(", {proof}"));
    let mut lines = vec![format!("{name} ({source}{proof})"), caller_line(principal)];
    lines.extend(principal.invoking_service().map(|service| format!("through {service}")));
    if let Some(owner) = owner {
        for (index, link) in owner.chain.iter().enumerate() {
            lines.push(format!("hop {}: {}", index + 1, link.session));
            lines.push(format!("       {}", link.evidence));
        }
        lines.extend(owner.workload.iter().map(|workload| format!("workload {workload}")));
        let person = owner.person.as_deref();
        let is_other = |arn: &&String| person.is_some_and(|person| !arn.ends_with(person));
        lines.extend(owner.arn.iter().filter(is_other).map(|arn| format!("who is {arn} by `[people]`")));
        lines.extend(owner.channel.iter().map(channel_line));
        lines.extend(
            owner
                .claimed
                .iter()
                .map(|name| format!("claimed {name}: a caller chose this name, and nothing proves it")),
        );
    }
    lines
}

fn caller_line(principal: &Principal) -> String {
    let kind = principal.kind.as_str();
    match principal.arn.as_deref().or(principal.invoked_by.as_deref()) {
        Some(who) => format!("called by {kind} {who}"),
        None if principal.kind == PrincipalKind::None => "the record names no caller".to_owned(),
        None => format!("called by {kind}, without an ARN"),
    }
}

fn channel_line(channel: &Channel) -> String {
    let claim = if channel.is_claimed() { ", by the user agent: the caller chose it" } else { "" };
    format!("channel {channel}{claim}")
}

/// The same, as programs see it. The names are a contract.
#[derive(Serialize)]
pub(crate) struct OwnerLine<'o> {
    owner: Option<&'o str>,
    owner_source: Option<&'o str>,
    principal: PrincipalLine<'o>,
    workload: Option<&'o str>,
    hops: Vec<HopLine<'o>>,
    session_tags: BTreeMap<&'o str, &'o str>,
    /// True if the STS record of a session in the chain is missing: the owner may be another.
    session_missing: bool,
    proof: Option<&'static str>,
    claimed: Option<&'o str>,
    channel: Option<&'o str>,
    owner_account: Option<&'o str>,
    subject: &'o BTreeMap<String, String>,
    owner_arn: Option<&'o str>,
    person: Option<&'o str>,
    tool: Option<&'static str>,
}

#[derive(Serialize)]
struct PrincipalLine<'o> {
    kind: &'o str,
    arn: Option<&'o str>,
    id: Option<&'o str>,
    invoked_by: Option<&'o str>,
}

#[derive(Serialize)]
struct HopLine<'o> {
    of: &'o str,
    found: &'o str,
}

/// True if the evidence that is missing is an STS record of the chain itself.
fn is_record(pending: &PendingEvidence) -> bool {
    matches!(pending.missing, MissingEvidence::SessionRecord | MissingEvidence::Caller)
}

impl<'o> OwnerLine<'o> {
    pub(crate) fn of(principal: &'o Principal, owner: &'o Owner) -> Self {
        let hop = |link: &'o ChainLink| HopLine { of: &link.session, found: &link.evidence };
        let tags = owner.session.as_ref().map(|session| session.effective_tags()).unwrap_or_default();
        Self {
            owner: owner.name.as_deref(),
            owner_source: owner.source.map(OwnerSource::as_str),
            principal: PrincipalLine {
                kind: principal.kind.as_str(),
                arn: principal.arn.as_deref(),
                id: principal.principal_id.as_deref(),
                invoked_by: principal.invoked_by.as_deref(),
            },
            workload: owner.workload.as_deref(),
            hops: owner.chain.iter().map(hop).collect(),
            session_tags: tags.into_iter().collect(),
            session_missing: owner.pending.as_ref().is_some_and(is_record),
            proof: owner.proof.map(Proof::as_str),
            claimed: owner.claimed.as_deref(),
            channel: owner.channel.as_ref().map(Channel::as_str),
            owner_account: owner.account.as_deref(),
            subject: &owner.subject,
            owner_arn: owner.arn.as_deref(),
            person: owner.person.as_deref(),
            tool: owner.tool,
        }
    }
}
