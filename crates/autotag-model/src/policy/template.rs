//! Values of the policy's tags: texts with placeholders that one event fills.

use crate::identity::Principal;
use crate::template::{BraceError, Part, fill, parse};
use std::collections::BTreeMap;

/// The values of the placeholders for one event.
#[derive(Debug, Clone, Copy)]
pub struct TemplateContext<'a> {
    /// `{owner}`.
    pub owner: Option<&'a str>,
    /// `{owner_source}`: the kind of evidence that names the owner.
    pub owner_source: Option<&'a str>,
    /// `{owner_proof}`: what the evidence proves about the owner.
    pub owner_proof: Option<&'a str>,
    /// `{owner_account}`: the account of the principal at the origin of the chain.
    pub owner_account: Option<&'a str>,
    /// `{channel}`: through what the call was made.
    pub channel: Option<&'a str>,
    /// `{principal.*}`.
    pub principal: &'a Principal,
    /// `{principal.workload}`: the instance or function that the session belongs to.
    pub workload: Option<&'a str>,
    /// `{event.time}`, as the record writes it.
    pub event_time: Option<&'a str>,
    /// `{event.name}`.
    pub event_name: &'a str,
    /// `{event.source}`.
    pub event_source: &'a str,
    /// `{event.id}`.
    pub event_id: Option<&'a str>,
    /// `{account}` of the resource.
    pub account: Option<&'a str>,
    /// `{region}` of the resource.
    pub region: Option<&'a str>,
    /// `{source_ip}`.
    pub source_ip: Option<&'a str>,
    /// `{user_agent}`.
    pub user_agent: Option<&'a str>,
    /// `{subject.*}`: the parts of the owner's subject, [`Subject::fields`](crate::subject::Subject::fields).
    pub subject: Option<&'a BTreeMap<String, String>>,
    /// `{subject.actor}`: the value of the session tag that [`Trust::actor_tag`](super::Trust::actor_tag) names.
    pub actor: Option<&'a str>,
}

impl<'a> TemplateContext<'a> {
    fn subject(&self, field: &str) -> Option<&'a str> {
        self.subject?.get(field).map(String::as_str)
    }
}

macro_rules! variables {
    ($($name:literal => $variant:ident, $value:expr;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Variable { $($variant),* }

        impl Variable {
            const NAMES: &'static [&'static str] = &[$($name),*];

            fn of(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            fn value<'f>(self, context: &TemplateContext<'f>) -> Option<&'f str> {
                match self { $(Self::$variant => { let read: fn(&TemplateContext<'f>) -> Option<&'f str> = $value; read(context) })* }
            }
        }
    };
}

variables! {
    "owner" => Owner, |context| context.owner;
    "owner_source" => OwnerSource, |context| context.owner_source;
    "owner_proof" => OwnerProof, |context| context.owner_proof;
    "owner_account" => OwnerAccount, |context| context.owner_account;
    "channel" => Channel, |context| context.channel;
    "principal.id" => PrincipalId, |context| context.principal.principal_id.as_deref();
    "principal.arn" => PrincipalArn, |context| context.principal.arn.as_deref();
    "principal.type" => PrincipalType, |context| Some(context.principal.kind.as_str());
    "principal.account" => PrincipalAccount, |context| context.principal.account.as_deref();
    "principal.user" => PrincipalUser, |context| context.principal.user_name.as_deref();
    "principal.role" => PrincipalRole, |context| context.principal.role_name();
    "principal.session" => PrincipalSession, |context| context.principal.session_name();
    "principal.workload" => PrincipalWorkload, |context| context.workload;
    "event.time" => EventTime, |context| context.event_time;
    "event.date" => EventDate, |context| context.event_time.and_then(|time| time.split('T').next());
    "event.name" => EventName, |context| Some(context.event_name);
    "event.source" => EventSource, |context| Some(context.event_source);
    "event.id" => EventId, |context| context.event_id;
    "event.invoked_by" => InvokedBy, |context| context.principal.invoking_service();
    "account" => Account, |context| context.account;
    "region" => Region, |context| context.region;
    "source_ip" => SourceIp, |context| context.source_ip;
    "user_agent" => UserAgent, |context| context.user_agent;
    "subject.actor" => SubjectActor, |context| context.actor;
    "subject.account" => SubjectAccount, |context| context.subject("account");
    "subject.branch" => SubjectBranch, |context| context.subject("branch");
    "subject.cluster" => SubjectCluster, |context| context.subject("cluster");
    "subject.commit" => SubjectCommit, |context| context.subject("commit");
    "subject.connection" => SubjectConnection, |context| context.subject("connection");
    "subject.deployment" => SubjectDeployment, |context| context.subject("deployment");
    "subject.enterprise" => SubjectEnterprise, |context| context.subject("enterprise");
    "subject.environment" => SubjectEnvironment, |context| context.subject("environment");
    "subject.event" => SubjectEvent, |context| context.subject("event");
    "subject.identity" => SubjectIdentity, |context| context.subject("identity");
    "subject.issuer" => SubjectIssuer, |context| context.subject("issuer");
    "subject.module" => SubjectModule, |context| context.subject("module");
    "subject.namespace" => SubjectNamespace, |context| context.subject("namespace");
    "subject.organization" => SubjectOrganization, |context| context.subject("organization");
    "subject.organization_id" => SubjectOrganizationId, |context| context.subject("organization_id");
    "subject.owner_id" => SubjectOwnerId, |context| context.subject("owner_id");
    "subject.phase" => SubjectPhase, |context| context.subject("phase");
    "subject.pipeline" => SubjectPipeline, |context| context.subject("pipeline");
    "subject.project" => SubjectProject, |context| context.subject("project");
    "subject.provider" => SubjectProvider, |context| context.subject("provider");
    "subject.ref" => SubjectRef, |context| context.subject("ref");
    "subject.region" => SubjectRegion, |context| context.subject("region");
    "subject.repository" => SubjectRepository, |context| context.subject("repository");
    "subject.repository_id" => SubjectRepositoryId, |context| context.subject("repository_id");
    "subject.run" => SubjectRun, |context| context.subject("run");
    "subject.scope" => SubjectScope, |context| context.subject("scope");
    "subject.service_account" => SubjectServiceAccount, |context| context.subject("service_account");
    "subject.space" => SubjectSpace, |context| context.subject("space");
    "subject.stack" => SubjectStack, |context| context.subject("stack");
    "subject.step" => SubjectStep, |context| context.subject("step");
    "subject.tag" => SubjectTag, |context| context.subject("tag");
    "subject.tenant" => SubjectTenant, |context| context.subject("tenant");
    "subject.text" => SubjectText, |context| context.subject("text");
    "subject.user" => SubjectUser, |context| context.subject("user");
    "subject.workflow" => SubjectWorkflow, |context| context.subject("workflow");
    "subject.workspace" => SubjectWorkspace, |context| context.subject("workspace");
}

/// The value of a tag: a text with placeholders. `{a|b}` is the first of the two that has a value.
///
/// ```
/// # use autotag_model::policy::TagTemplate;
/// assert!("made by {owner} on {event.date}".parse::<TagTemplate>().is_ok());
/// assert!("{onwer}".parse::<TagTemplate>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTemplate {
    parts: Vec<Part<Vec<Variable>>>,
}

impl TagTemplate {
    /// The text for one event; `None` if a placeholder has no value, so that no incomplete tag is written.
    pub fn fill(&self, context: &TemplateContext<'_>) -> Option<String> {
        fill(&self.parts, |variables| {
            let value = variables.iter().find_map(|variable| variable.value(context));
            value.filter(|value| !value.is_empty()).map(str::to_owned)
        })
    }

    /// True if it is `{owner}` and nothing else.
    pub(super) fn is_owner(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Placeholder(variables)] if variables.as_slice() == [Variable::Owner])
    }

    /// True if it is the empty text.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The names of all placeholders.
    pub fn placeholders() -> &'static [&'static str] {
        Variable::NAMES
    }
}

/// A text that is not a [`TagTemplate`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagTemplateError {
    /// Its braces do not match.
    #[error(transparent)]
    Braces(#[from] BraceError),
    /// It has a placeholder that does not exist.
    #[error("no placeholder `{name}`; there are {}{}", similar(name), copied(name))]
    Placeholder {
        /// The placeholder as written.
        name: String,
    },
}

/// The placeholders among which somebody who wrote `name` may look: the parts of a subject are many.
fn similar(name: &str) -> String {
    let of_subject = |name: &str| name.starts_with("subject.");
    let alike = Variable::NAMES.iter().filter(|known| of_subject(known) == of_subject(name)).copied();
    let parts = (!of_subject(name)).then_some("subject.* (docs/subjects.md)");
    alike.chain(parts).collect::<Vec<_>>().join(", ")
}

/// Where to copy the tag that somebody meant who wrote `name`.
fn copied(name: &str) -> &'static str {
    if name.starts_with("session.") {
        "; session tags are copied by `[copy] session_tags`"
    } else if name.starts_with("tag.") || name.starts_with("tags.") {
        "; tags are copied by `[copy] session_tags` and `iam_tags`"
    } else {
        ""
    }
}

impl std::str::FromStr for TagTemplate {
    type Err = TagTemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let variable = |name: &str| {
            Variable::of(name.trim()).ok_or_else(|| TagTemplateError::Placeholder { name: name.to_owned() })
        };
        let variables = |names: &str| names.split('|').map(variable).collect::<Result<_, TagTemplateError>>();
        Ok(Self { parts: parse(text, variables)? })
    }
}
