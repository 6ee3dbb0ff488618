//! One form for the ARNs of inventories and bills: the one of the catalogue, and so of trails and ledgers.

use autotag_model::arn::{Arn, Region};

/// The ARN as the catalogue writes it.
///
/// No record tells the UUID in the ARN of an [Auto Scaling group]. The ARN of a log group [has `:*` at its end or not].
///
/// [Auto Scaling group]: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2autoscaling.html
/// [has `:*` at its end or not]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
pub(crate) fn unified(arn: Arn) -> Arn {
    let resource = match arn.service() {
        "autoscaling" => group(arn.resource()),
        "logs" => log_group(arn.resource()),
        _ => None,
    };
    let Some(resource) = resource else { return arn };
    let (partition, service) = (arn.partition().as_str(), arn.service());
    let (region, account) = (arn.region().map_or("", Region::as_str), arn.account_field());
    format!("arn:{partition}:{service}:{region}:{account}:{resource}").parse().unwrap_or(arn)
}

fn group(resource: &str) -> Option<String> {
    let (_, name) = resource.split_once(":autoScalingGroupName/")?;
    Some(format!("autoScalingGroup:*:autoScalingGroupName/{name}"))
}

fn log_group(resource: &str) -> Option<String> {
    let name = resource.strip_prefix("log-group:")?.strip_suffix(":*")?;
    // The streams of a group are not the group.
    (!name.contains(':')).then(|| format!("log-group:{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_an_arn_become_one() {
        let group = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup";
        let logs = "arn:aws-cn:logs:cn-north-1:111122223333:log-group";
        for (written, expected) in [
            (format!("{group}:0a1b:autoScalingGroupName/web"), format!("{group}:*:autoScalingGroupName/web")),
            (format!("{group}:*:autoScalingGroupName/a/b"), format!("{group}:*:autoScalingGroupName/a/b")),
            (format!("{logs}:/aws/lambda/f:*"), format!("{logs}:/aws/lambda/f")),
            (format!("{logs}:/aws/lambda/f"), format!("{logs}:/aws/lambda/f")),
            (format!("{logs}:/app:log-stream:*"), format!("{logs}:/app:log-stream:*")),
            (format!("{logs}:*"), format!("{logs}:*")),
        ] {
            let arn = unified(written.parse().unwrap());
            assert_eq!(arn.to_string(), expected);
            assert_eq!(unified(arn.clone()), arn, "it is the same in the end");
        }
        let queue: Arn = "arn:aws:sqs:eu-west-1:111122223333:orders".parse().unwrap();
        assert_eq!(unified(queue.clone()), queue);
    }
}
