//! The facts about a call and a resource from which a policy decides tags.

use super::template::TemplateContext;
use crate::tags::TagConstraints;

/// The inputs that decide the tags of one resource.
#[derive(Debug, Clone, Copy)]
pub struct DecisionInput<'a> {
    /// The values of the policy's placeholders: owner, principal and event.
    pub context: &'a TemplateContext<'a>,
    /// The IAM tags of the role or user.
    pub iam_tags: &'a [(String, String)],
    /// The session tags, as STS computed them.
    pub session_tags: &'a [(&'a str, &'a str)],
    /// The tags that the creating call asked for.
    pub requested: &'a [(String, String)],
    /// The tags that the resource has now, if they were read.
    pub present: &'a [(String, String)],
    /// The tags that the service accepts.
    pub constraints: &'a TagConstraints,
    /// On a recheck, the tags that the first evaluation of the event wrote; these may be replaced.
    pub previous_tags: Option<&'a [(String, String)]>,
    /// True if the resource may have existed before the event. If so, existing identity tags are kept.
    pub may_have_existed: bool,
    /// The AWS service that made the call in its own name, or as a role that it assumed: `autoscaling.amazonaws.com`. `None`
    /// if somebody else made it, also through a service. What a service set at creation is not replaced, except by services
    /// that pass on tags of the customer.
    pub by_service: Option<&'a str>,
}
