//! ARNs, account ids, regions, and paths of log files.

use crate::random;
use crate::target::{Target, Violation, error_is_readable, hold, same};
use autotag_handlers::classify::account_of_path;
use autotag_model::arn::{AccountId, Arn, Partition, Region};
use autotag_model::identity::Principal;
use fastrand::Rng;
use serde_json::json;

pub(super) struct Arns;

const SEEDS: &[&str] = &[
    "arn:aws:sqs:eu-west-1:111122223333:orders",
    "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
    "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef",
    "arn:aws:sts::111122223333:assumed-role/Deploy/ana@example.com",
    "arn:aws:sts::111122223333:federated-user/dana",
    "arn:aws:iam::111122223333:root",
    "arn:aws:s3:::bucket/key/with:colons",
    "arn:aws:iam::aws:policy/AdministratorAccess",
    "arn:aws-cn:ec2:cn-north-1:111122223333:instance/i-0123456789abcdef0",
    "arn:aws-us-gov:rds:us-gov-west-1:111122223333:db:orders",
    "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:*:autoScalingGroupName/web",
    "AWSLogs/o-example/111122223333/CloudTrail/eu-west-1/2026/03/02/111122223333_CloudTrail_x.json.gz",
    "AWSLogs\\111122223333\\CloudTrail\\eu-west-1\\2026",
    "111122223333",
    "eu-west-1",
];

impl Target for Arns {
    fn name(&self) -> &'static str {
        "arn"
    }

    fn share(&self) -> u64 {
        290
    }

    fn generate(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        let seed = rng.choice(SEEDS).copied().unwrap_or_default();
        match rng.u8(..8) {
            0 => out.extend_from_slice(seed.as_bytes()),
            1 => {
                let mut text = String::new();
                random::text(rng, 60, &mut text);
                out.extend_from_slice(text.as_bytes());
            }
            2 => {
                // Fields of two texts, mixed.
                let other = rng.choice(SEEDS).copied().unwrap_or_default();
                let fields: Vec<&str> = seed.split(':').chain(other.split(':')).collect();
                for _ in 0..rng.usize(4..=8) {
                    out.extend_from_slice(rng.choice(&fields).copied().unwrap_or_default().as_bytes());
                    out.push(b':');
                }
                out.pop();
            }
            _ => {
                out.extend_from_slice(seed.as_bytes());
                random::damage(rng, out);
            }
        }
    }

    fn check(&self, input: &[u8]) -> Result<(), Violation> {
        let text = String::from_utf8_lossy(input);
        let text = text.as_ref();
        match text.parse::<Arn>() {
            Ok(arn) => arn_is_sound(text, &arn)?,
            Err(error) => error_is_readable(&error, input)?,
        }
        if let Some(account) = AccountId::new(text) {
            let sound = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
            hold(sound && account.as_str() == text, "an account id is twelve digits", || text.to_owned())?;
        }
        if let Some(region) = Region::new(text) {
            hold(region.as_str() == text && text.len() <= 40, "a region is its code", || text.to_owned())?;
            let global = Partition::of_region(&region).map(|partition| partition.global_region().is_some());
            hold(global != Some(false), "a known partition has a global region", || text.to_owned())?;
        }
        if let Some(account) = account_of_path(text) {
            let part = text.split(['/', '\\']).any(|part| part == account.as_str());
            hold(part, "the account of a path is a part of it", || text.to_owned())?;
        }
        principal_is_sound(text)
    }
}

fn arn_is_sound(text: &str, arn: &Arn) -> Result<(), Violation> {
    hold(arn.to_string() == text, "an ARN is written as it was read", || format!("{arn} of {text}"))?;
    same(&arn.to_string().parse(), &Ok(arn.clone()), "an ARN that is written is read again")?;
    let named =
        !arn.service().is_empty() && !arn.resource().is_empty() && !arn.partition().as_str().is_empty();
    hold(named, "an ARN has a partition, a service and a resource", || text.to_owned())?;
    let account = arn.account();
    let as_field = account.as_ref().is_none_or(|account| account.as_str() == arn.account_field());
    hold(as_field, "the account of an ARN is its field", || text.to_owned())?;
    let foreign = AccountId::new("999988887777").filter(|foreign| arn.account_field() != foreign.as_str());
    let taken = foreign.is_some_and(|foreign| arn.can_belong_to(&foreign)) && !arn.account_field().is_empty();
    hold(!taken, "an ARN of one account does not belong to another", || text.to_owned())
}

/// The names in a principal that has nothing but its ARN.
fn principal_is_sound(text: &str) -> Result<(), Violation> {
    let principal = Principal::from_value(&json!({"arn": text}));
    let within = |name: Option<&str>| name.is_none_or(|name| text.contains(name));
    let names = [principal.role_name(), principal.session_name(), principal.linked_service()];
    hold(names.into_iter().all(within), "a name is a part of its ARN", || format!("{names:?} of {text}"))?;
    let reserved = principal.is_identity_center_role() || principal.is_service_linked();
    let says =
        text.contains("AWSReservedSSO_") || text.contains("AWSServiceRoleFor") || text.contains("/aws-");
    hold(!reserved || says, "a reserved role has a reserved name or path", || text.to_owned())
}
