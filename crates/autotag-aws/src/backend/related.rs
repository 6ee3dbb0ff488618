//! Finds resources that a new instance or image brings with it and that no record names.

mod described;

use super::{AwsBackend, together};
use crate::errors;
use autotag_handlers::backend::RelatedQuery;
use autotag_handlers::error::{BackendError, ErrorClass};
use autotag_model::rule::{Resource, Scope};
use described::{Attached, Described};
use jiff::SignedDuration;
use std::collections::BTreeSet;

/// The code of what is not whole yet: asked again until it is.
const STILL_BEING_MADE: &str = "StillBeingMade";

/// The longest time after a launch in which an instance gets its volumes and network interfaces. Others can be attached only when
/// it runs.
const LONGEST_LAUNCH: SignedDuration = SignedDuration::from_secs(15);

/// How many ids one call names. AWS takes a thousand instances, and advises fewer.
const IDS: usize = 200;

/// A question and its answer.
type Answers<'q> = Vec<(&'q Question, Result<Vec<Resource>, BackendError>)>;
type Question = (Resource, RelatedQuery);

impl AwsBackend {
    /// The resources that belong to the new resource `of`.
    pub(super) async fn related_resources(
        &self,
        of: &Resource,
        query: &RelatedQuery,
    ) -> Result<Vec<Resource>, BackendError> {
        match query {
            RelatedQuery::AttachedTo { .. } => attached(of, query, &self.instances(of, ids(query)).await?),
            RelatedQuery::SnapshotsOf { .. } => snapshots(of, query, &self.images(of, ids(query)).await?),
            _ => Err(errors::invalid("looking up", "UnknownQuery")),
        }
    }

    /// The answers to questions about resources of one account and region, in their order: as few calls as there are kinds
    /// of questions. An id that AWS does not know fails the call for all of them; then each question is asked alone.
    pub(super) async fn all_related_resources(
        &self,
        questions: &[Question],
    ) -> Vec<Result<Vec<Resource>, BackendError>> {
        let is_of_instances = |(_, query): &&Question| matches!(query, RelatedQuery::AttachedTo { .. });
        let (of_instances, of_images): (Vec<_>, Vec<_>) = questions.iter().partition(is_of_instances);
        let parts = parts(&of_instances).into_iter().chain(parts(&of_images));
        let answers: Answers<'_> =
            together(parts.map(|part| self.related_of_part(part)).collect()).await.concat();
        let answer = |question: &Question| {
            let answer = answers.iter().find(|(known, _)| std::ptr::eq(*known, question));
            answer
                .map_or_else(|| Err(errors::invalid("looking up", "NotAsked")), |(_, answer)| answer.clone())
        };
        questions.iter().map(answer).collect()
    }

    /// The answers to questions of one kind.
    async fn related_of_part<'q>(&self, part: Vec<&'q Question>) -> Answers<'q> {
        let at_once = if part.len() > 1 { self.related_at_once(&part).await } else { None };
        if let Some(answers) = at_once {
            return answers;
        }
        let each = part.into_iter().map(|question| async move {
            (question, self.related_resources(&question.0, &question.1).await)
        });
        together(each.collect()).await
    }

    /// The answers by one call; `None` if AWS refuses it because of one of the ids.
    async fn related_at_once<'q>(&self, part: &[&'q Question]) -> Option<Answers<'q>> {
        let (of, kind) = part.first()?;
        let ids: BTreeSet<String> = part.iter().flat_map(|(_, query)| ids(query)).cloned().collect();
        let ids: Vec<String> = ids.into_iter().collect();
        let answers: Result<Vec<_>, BackendError> = match kind {
            RelatedQuery::AttachedTo { .. } => self
                .instances(of, &ids)
                .await
                .map(|instances| part.iter().map(|(of, query)| attached(of, query, &instances)).collect()),
            RelatedQuery::SnapshotsOf { .. } => self
                .images(of, &ids)
                .await
                .map(|images| part.iter().map(|(of, query)| snapshots(of, query, &images)).collect()),
            _ => return None,
        };
        match answers {
            Ok(answers) => Some(part.iter().copied().zip(answers).collect()),
            Err(error) if matches!(error.class, ErrorClass::NotFound | ErrorClass::Invalid) => None,
            Err(error) => Some(part.iter().map(|question| (*question, Err(error.clone()))).collect()),
        }
    }
}

/// The ids that a question names.
fn ids(query: &RelatedQuery) -> &[String] {
    match query {
        RelatedQuery::AttachedTo { instances } => instances,
        RelatedQuery::SnapshotsOf { image } => std::slice::from_ref(image),
        _ => &[],
    }
}

/// The questions in groups whose ids fit into one call each. A question with more of them is a group of its own.
fn parts<'q>(questions: &[&'q Question]) -> Vec<Vec<&'q Question>> {
    let (mut parts, mut left): (Vec<Vec<&Question>>, usize) = (Vec::new(), 0);
    for question in questions {
        let needed = ids(&question.1).len();
        if let Some(part) = parts.last_mut().filter(|_| needed <= left) {
            part.push(question);
        } else {
            parts.push(vec![question]);
            left = IDS;
        }
        left = left.saturating_sub(needed);
    }
    parts
}

/// The resources attached to the instances of a question, among those that AWS describes.
fn attached(
    of: &Resource,
    query: &RelatedQuery,
    described: &[Described],
) -> Result<Vec<Resource>, BackendError> {
    let operation = "DescribeInstances";
    let mut instances = Vec::new();
    for id in ids(query) {
        let instance = described.iter().find(|instance| instance.id == *id);
        let not_found = || BackendError::new(ErrorClass::NotFound, operation, "InvalidInstanceID.NotFound");
        instances.push(instance.ok_or_else(not_found)?);
    }
    // The volumes of an instance are listed when it runs.
    if instances.iter().any(|instance| instance.is_pending) {
        return Err(BackendError::new(ErrorClass::WrongState, operation, STILL_BEING_MADE));
    }
    let mut found = Vec::new();
    for instance in instances {
        let at_launch = |attached: &&Attached| is_attached_at_launch(instance, attached);
        let volumes = instance.volumes.iter().filter(at_launch);
        found.extend(volumes.map(|volume| ec2_resource(of, "AWS::EC2::Volume", "volume", &volume.id)));
        let cards = instance.network_interfaces.iter().filter(at_launch);
        found.extend(
            cards.map(|card| ec2_resource(of, "AWS::EC2::NetworkInterface", "network-interface", &card.id)),
        );
    }
    Ok(found)
}

/// True if something was attached when its instance was launched, or if AWS does not say when.
///
/// A volume or network interface that was attached later belongs to those who made it. A start after a stop changes the time of
/// the instance, and not the time at which the first volume was attached.
fn is_attached_at_launch(instance: &Described, attached: &Attached) -> bool {
    let volumes = instance.volumes.iter().filter_map(|volume| volume.since);
    let launched = volumes.chain(instance.started).min();
    let (Some(launched), Some(since)) = (launched, attached.since) else { return true };
    since.duration_since(launched) <= LONGEST_LAUNCH
}

/// The snapshots behind the image of a question, if AWS describes it.
fn snapshots(
    of: &Resource,
    query: &RelatedQuery,
    described: &[Described],
) -> Result<Vec<Resource>, BackendError> {
    let operation = "DescribeImages";
    let is_asked = |image: &&Described| ids(query).contains(&image.id);
    let Some(image) = described.iter().find(is_asked) else {
        return Err(BackendError::new(ErrorClass::NotFound, operation, "InvalidAMIID.NotFound"));
    };
    if image.snapshots.is_empty() && image.is_pending {
        return Err(BackendError::new(ErrorClass::WrongState, operation, STILL_BEING_MADE));
    }
    let snapshots = image.snapshots.iter();
    Ok(snapshots.map(|id| ec2_resource(of, "AWS::EC2::Snapshot", "snapshot", id)).collect())
}

/// A resource beside `of`. ARNs of snapshots have no account.
fn ec2_resource(of: &Resource, resource_type: &str, kind: &str, id: &str) -> Resource {
    let place = Scope { partition: of.partition(), region: of.region.clone(), account: of.account.clone() };
    let region = of.region.as_ref().map_or("", autotag_model::arn::Region::as_str);
    let account = of.account.as_ref().map_or("", autotag_model::arn::AccountId::as_str);
    let account = if kind == "snapshot" { "" } else { account };
    let arn = format!("arn:{}:ec2:{region}:{account}:{kind}/{id}", place.partition);
    Resource::new(resource_type, id, arn.parse().ok(), &place)
}
