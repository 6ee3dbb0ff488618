//! The kind of a resource by its ARN: the service, and the form of the resource part.

use super::template::ArnTemplate;
use crate::arn::Arn;
use serde::de::{Deserialize, Deserializer, Error as _};
use std::fmt;
use std::str::FromStr;

/// A kind of resource in the form of IAM's resource types, without partition, region and account: `sns:*`,
/// `grafana:/workspaces/*`, `apigateway:/restapis/*/stages/*`.
///
/// A `*` at the end matches any text that is not empty. Each other `*` matches one or more characters up to the first
/// that is the one behind the `*`, so `/restapis/*/stages/*` is never the ARN of a deployment. Letter case counts.
/// The forms are those of the [Service Authorization Reference][reference].
///
/// ```
/// use autotag_model::arn::Arn;
/// use autotag_model::rule::ResourceKind;
///
/// let workspace: ResourceKind = "grafana:/workspaces/*".parse()?;
/// let arn = |text: &str| text.parse::<Arn>();
/// assert!(workspace.matches(&arn("arn:aws:grafana:eu-west-1:111122223333:/workspaces/g-1")?));
/// assert!(!workspace.matches(&arn("arn:aws:iam::111122223333:role/Admin")?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [reference]: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceKind {
    service: String,
    /// The texts between the `*`.
    literals: Vec<String>,
}

impl ResourceKind {
    /// True if a resource of this ARN is of this kind.
    pub fn matches(&self, arn: &Arn) -> bool {
        arn.service() == self.service && self.matches_resource(arn.resource()).is_some()
    }

    /// `Some` if the text has the form of the resource.
    fn matches_resource(&self, text: &str) -> Option<()> {
        let (first, others) = self.literals.split_first()?;
        let mut rest = text.strip_prefix(first.as_str())?;
        let mut ends_with_star = false;
        for literal in others {
            match literal.chars().next() {
                Some(next) => {
                    let at = rest.find(next).filter(|at| *at > 0)?;
                    rest = rest.get(at..)?.strip_prefix(literal.as_str())?;
                }
                None => ends_with_star = true,
            }
        }
        (ends_with_star != rest.is_empty()).then_some(())
    }

    /// The kind of the ARNs that a template gives; `None` if the template does not show it, because a placeholder spans
    /// several fields.
    pub(super) fn of_template(template: &ArnTemplate) -> Option<Self> {
        let text = template.with_stars();
        let mut fields = text.splitn(6, ':');
        let (arn, service, resource) = (fields.next()?, fields.nth(1)?, fields.nth(2)?);
        (arn == "arn").then(|| format!("{service}:{resource}").parse().ok()).flatten()
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.literals.join("*"))
    }
}

/// A text that is not a [`ResourceKind`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a kind of resource: expected `service:resource` with `*` for what varies, such as `grafana:/workspaces/*`"
)]
#[non_exhaustive]
pub struct ResourceKindError {
    /// The text.
    pub text: String,
}

impl FromStr for ResourceKind {
    type Err = ResourceKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ResourceKindError { text: text.to_owned() };
        let (service, resource) = text.split_once(':').ok_or_else(refuse)?;
        let token = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_service = !service.is_empty() && service != "arn" && service.chars().all(token);
        // `${Name}` is how the reference writes what varies.
        let is_resource = !resource.is_empty()
            && !resource.contains("**")
            && !resource.contains(|c: char| c.is_whitespace() || c.is_control() || "${}".contains(c));
        if !is_service || !is_resource {
            return Err(refuse());
        }
        let literals = resource.split('*').map(str::to_owned).collect();
        Ok(Self { service: service.to_owned(), literals })
    }
}

impl<'de> Deserialize<'de> for ResourceKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Several kinds in one text, for messages: `a`, `a` or `b`.
pub(super) fn listed(kinds: &[ResourceKind]) -> String {
    kinds.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(kind: &str, service_and_resource: &str) -> bool {
        let (service, resource) = service_and_resource.split_once(':').unwrap();
        let arn = format!("arn:aws:{service}:eu-west-1:111122223333:{resource}").parse().unwrap();
        kind.parse::<ResourceKind>().unwrap().matches(&arn)
    }

    #[test]
    fn iam_s_forms_of_resources_match() {
        for (kind, arn) in [
            ("sns:*", "sns:orders"),
            ("sns:*", "sns:orders:5be8"),
            ("iam:role/*", "iam:role/team/Admin"),
            ("lambda:function:*", "lambda:function:f:7"),
            ("apigateway:/restapis/*/stages/*", "apigateway:/restapis/a1/stages/prod"),
            (
                "autoscaling:autoScalingGroup:*:autoScalingGroupName/*",
                "autoscaling:autoScalingGroup:*:autoScalingGroupName/web",
            ),
            ("logs:log-group:*:log-stream:*", "logs:log-group:/aws/lambda/f:log-stream:2026/a"),
            ("s3:*/*", "s3:shop/a/b c.txt"),
            ("x:thing/*/end", "x:thing/a/end"),
            ("securityhub:hub/default", "securityhub:hub/default"),
        ] {
            assert!(matches(kind, arn), "{kind} {arn}");
        }
    }

    #[test]
    fn other_kinds_do_not_match() {
        for (kind, arn) in [
            ("grafana:/workspaces/*", "iam:role/Admin"),
            ("grafana:/workspaces/*", "grafana:/workspaces/"),
            ("grafana:/workspaces/*", "grafana:/Workspaces/g"),
            ("apigateway:/restapis/*/stages/*", "apigateway:/restapis/a1/deployments/d/stages/s"),
            ("apigateway:/restapis/*/stages/*", "apigateway:/restapis//stages/s"),
            ("glue:table/*/*", "glue:table/sales"),
            ("x:thing/*/end", "x:thing/a/end/more"),
            ("x:thing/*/end", "x:thing/a/en"),
            ("securityhub:hub/default", "securityhub:hub/default2"),
            ("sns:*", "sqs:orders"),
        ] {
            assert!(!matches(kind, arn), "{kind} {arn}");
        }
    }

    #[test]
    fn a_text_of_another_form_is_not_a_kind() {
        for text in
            ["", "sns", "sns:", ":x", "SNS:*", "arn:aws:sns:*", "sns:a**", "sns:${Topic}", "sns:a b", "s s:*"]
        {
            let error = text.parse::<ResourceKind>().unwrap_err().to_string();
            assert!(error.contains("expected `service:resource`"), "{text}: {error}");
        }
        let kind = "apigateway:/restapis/*/stages/*";
        assert_eq!(kind.parse::<ResourceKind>().unwrap().to_string(), kind);
    }

    #[test]
    fn a_template_is_its_own_kind() {
        for (template, kind) in [
            ("arn:{partition}:sqs:{region}:{account}:{id|last}", Some("sqs:*")),
            ("arn:{partition}:s3:::{request.bucketName}/{id}", Some("s3:*/*")),
            ("arn:{partition}:organizations::{account}:account/*/{id}", Some("organizations:account/*/*")),
            ("arn:{partition}:x:{region}:{account}:{request.kind}{id}", Some("x:*")),
            ("{id}", None),
            ("arn:{partition}:{request.service}:{region}:{account}:{id}", None),
        ] {
            let of_template = ResourceKind::of_template(&template.parse().unwrap());
            assert_eq!(of_template.map(|kind| kind.to_string()).as_deref(), kind, "{template}");
        }
    }
}
