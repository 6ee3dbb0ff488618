//! Facts of an `EventBridge` event about the record that it carries, and a check that `CloudTrail` can have sent
//! it.

/// Facts of an `EventBridge` event about the record in its `detail`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventBridgeEnvelope {
    /// `source`, for example `aws.ec2`.
    pub source: String,
    /// `detail-type`, for example `AWS API Call via CloudTrail`.
    pub detail_type: String,
    /// `account`: the owner of the bus.
    pub account: String,
    /// `region` of the bus.
    pub region: String,
}

/// The kinds of events by which CloudTrail sends records.
const DETAIL_TYPES: &[&str] = &[
    "AWS API Call via CloudTrail",
    "AWS Service Event via CloudTrail",
    "AWS Console Sign In via CloudTrail",
    "AWS Console Action via CloudTrail",
];

/// Sources that AWS lists beside `aws.<first label of eventSource>`.
///
/// The [reference of events][events] gives `aws.X` for the records of `X.amazonaws.com` at every service. These
/// services have a second source, for events that they send without CloudTrail. Nothing says that CloudTrail never
/// uses it. To accept it loses no event and opens nothing: of all sources that begin with `aws.`, only AWS can
/// choose one without a `/`.
///
/// [events]: https://docs.aws.amazon.com/eventbridge/latest/ref/events.html
const SECOND_SOURCES: &[(&str, &str)] = &[
    // Application Auto Scaling and AWS Auto Scaling record their calls under the event source of EC2 Auto Scaling.
    ("autoscaling", "application-autoscaling"),
    ("autoscaling", "autoscaling-plans"),
    ("elasticmapreduce", "emr"),
    ("monitoring", "cloudwatch"),
    ("tagging", "tag"),
];

/// The longest part of a `source` or `detail-type` in a message, in characters. Who puts the event on the bus chooses both.
const QUOTED: usize = 100;

impl EventBridgeEnvelope {
    /// True if the event is of a kind that CloudTrail sends: its source is a service of AWS, and its `detail-type` is one of
    /// CloudTrail's.
    ///
    /// Anybody who may call `PutEvents` chooses `source` freely, but not one that begins with `aws.`. Partners of AWS have
    /// sources that begin with `aws.partner/`.
    pub fn is_of_cloudtrail(&self) -> bool {
        self.service().is_some() && DETAIL_TYPES.contains(&self.detail_type.as_str())
    }

    /// True if the event is of the service that a record names in its `eventSource`.
    ///
    /// ```
    /// use autotag_model::envelope::EventBridgeEnvelope;
    ///
    /// let mut event = EventBridgeEnvelope::default();
    /// event.source = "aws.ec2".to_owned();
    /// assert!(event.is_of_service("ec2.amazonaws.com"));
    /// assert!(!event.is_of_service("sns.amazonaws.com"));
    /// ```
    pub fn is_of_service(&self, event_source: &str) -> bool {
        let Some(service) = self.service() else { return false };
        let name = event_source.split_once(".amazonaws.com").map_or(event_source, |(name, _)| name);
        // Some services have a host of two labels, such as `models.lex`.
        name.split('.').any(|label| label == service || SECOND_SOURCES.contains(&(label, service)))
    }

    /// `source` and `detail-type`, for a message. Long ones are cut.
    pub fn summary(&self) -> String {
        format!("source `{}`, detail-type `{}`", quoted(&self.source), quoted(&self.detail_type))
    }

    /// The service in `source`; `None` if the source is none of AWS's own.
    fn service(&self) -> Option<&str> {
        self.source.strip_prefix("aws.").filter(|service| !service.is_empty() && !service.contains('/'))
    }
}

/// A text as a message quotes it.
fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(source: &str) -> EventBridgeEnvelope {
        let detail_type = "AWS API Call via CloudTrail".to_owned();
        EventBridgeEnvelope { source: source.to_owned(), detail_type, ..EventBridgeEnvelope::default() }
    }

    #[test]
    fn the_source_is_the_service_of_the_record() {
        for (source, event_source) in [
            ("aws.ec2", "ec2.amazonaws.com"),
            ("aws.signin", "signin.amazonaws.com"),
            ("aws.monitoring", "monitoring.amazonaws.com"),
            ("aws.cloudwatch", "monitoring.amazonaws.com"),
            ("aws.tagging", "tagging.amazonaws.com"),
            ("aws.elasticmapreduce", "elasticmapreduce.amazonaws.com"),
            ("aws.autoscaling", "autoscaling.amazonaws.com"),
            ("aws.application-autoscaling", "autoscaling.amazonaws.com"),
            ("aws.lex", "models.lex.amazonaws.com"),
            ("aws.ec2", "ec2.amazonaws.com.cn"),
        ] {
            assert!(event(source).is_of_service(event_source), "{source} {event_source}");
        }
        for (source, event_source) in [
            ("aws.ec2", "sns.amazonaws.com"),
            ("aws.ec", "ec2.amazonaws.com"),
            ("aws.", ".amazonaws.com"),
            ("aws.amazonaws", "ec2.amazonaws.com"),
            ("aws.com", "ec2.amazonaws.com"),
            ("ec2", "ec2.amazonaws.com"),
            ("aws.partner/ec2", "partner/ec2"),
            ("aws.EC2", "ec2.amazonaws.com"),
        ] {
            assert!(!event(source).is_of_service(event_source), "{source} {event_source}");
        }
    }

    #[test]
    fn the_source_of_a_partner_is_none_of_aws() {
        assert!(event("aws.ec2").is_of_cloudtrail());
        for source in ["aws.partner/evil.example/x", "aws.ec2/x", "aws.", "aws", "com.evil", ""] {
            assert!(!event(source).is_of_cloudtrail(), "{source}");
        }
        let scheduled =
            EventBridgeEnvelope { detail_type: "Scheduled Event".to_owned(), ..event("aws.events") };
        assert!(!scheduled.is_of_cloudtrail());
    }

    #[test]
    fn a_long_source_is_cut_in_messages() {
        assert!(event(&"x".repeat(1 << 20)).summary().len() < 300);
    }
}
