//! ARNs, partitions, regions and account ids.
//!
//! An ARN is `arn:partition:service:region:account:resource` ([IAM User Guide, "Amazon Resource Names"][arns]).
//! Partitions and regions that this crate does not know are accepted, so that new ones work at once.
//!
//! [arns]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html

use std::borrow::Cow;
use std::fmt;

/// The facts about one AWS partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionInfo {
    /// The second field of an ARN, for example `aws-cn`.
    pub name: &'static str,
    /// The prefixes of the partition's regions.
    pub region_prefixes: &'static [&'static str],
    /// The region in which global services (IAM, Route 53, Organizations) are recorded and tagged.
    pub global_region: &'static str,
    /// The DNS suffix of the partition's endpoints.
    pub dns_suffix: &'static str,
}

/// The known partitions. `aws` is last because its prefixes are the most general.
pub const PARTITIONS: &[PartitionInfo] = &[
    PartitionInfo {
        name: "aws-cn",
        region_prefixes: &["cn-"],
        global_region: "cn-north-1",
        dns_suffix: "amazonaws.com.cn",
    },
    PartitionInfo {
        name: "aws-us-gov",
        region_prefixes: &["us-gov-"],
        global_region: "us-gov-west-1",
        dns_suffix: "amazonaws.com",
    },
    PartitionInfo {
        name: "aws-eusc",
        region_prefixes: &["eusc-"],
        global_region: "eusc-de-east-1",
        dns_suffix: "amazonaws.eu",
    },
    PartitionInfo {
        name: "aws-iso",
        region_prefixes: &["us-iso-"],
        global_region: "us-iso-east-1",
        dns_suffix: "c2s.ic.gov",
    },
    PartitionInfo {
        name: "aws-iso-b",
        region_prefixes: &["us-isob-"],
        global_region: "us-isob-east-1",
        dns_suffix: "sc2s.sgov.gov",
    },
    PartitionInfo {
        name: "aws-iso-e",
        region_prefixes: &["eu-isoe-"],
        global_region: "eu-isoe-west-1",
        dns_suffix: "cloud.adc-e.uk",
    },
    PartitionInfo {
        name: "aws-iso-f",
        region_prefixes: &["us-isof-"],
        global_region: "us-isof-south-1",
        dns_suffix: "csp.hci.ic.gov",
    },
    PartitionInfo {
        name: "aws",
        region_prefixes: &["us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"],
        global_region: "us-east-1",
        dns_suffix: "amazonaws.com",
    },
];

/// An AWS partition, such as `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`. Unknown names are accepted.
///
/// ```
/// use autotag_model::arn::{Partition, Region};
///
/// let beijing = Region::new("cn-north-1").ok_or("not a region")?;
/// assert_eq!(Partition::of_region(&beijing), Some(Partition::new("aws-cn")));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(Cow<'static, str>);

impl Partition {
    /// The partition of this name, also if [`PARTITIONS`] does not list it.
    pub fn new(name: &str) -> Self {
        let known = PARTITIONS.iter().find(|info| info.name == name);
        Self(known.map_or_else(|| Cow::Owned(name.to_owned()), |info| Cow::Borrowed(info.name)))
    }

    /// The partition of `region`, by the region's prefix; `None` if no known partition has the prefix.
    pub fn of_region(region: &Region) -> Option<Self> {
        let info = PARTITIONS
            .iter()
            .find(|info| info.region_prefixes.iter().any(|prefix| region.as_str().starts_with(prefix)))?;
        Some(Self::new(info.name))
    }

    /// The name, as ARNs have it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The facts about this partition; `None` if [`PARTITIONS`] does not list it.
    pub fn info(&self) -> Option<&'static PartitionInfo> {
        PARTITIONS.iter().find(|info| info.name == self.0)
    }

    /// The region in which the partition's global services are recorded and tagged; `None` for an unknown partition.
    pub fn global_region(&self) -> Option<Region> {
        self.info().and_then(|info| Region::new(info.global_region))
    }
}

impl Default for Partition {
    fn default() -> Self {
        Self::new("aws")
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A region code such as `eu-west-1`: 1 to 40 lower-case letters, digits and hyphens. Unknown regions are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Region(String);

impl Region {
    /// The region of this code; `None` if the text cannot be a region code.
    pub fn new(code: &str) -> Option<Self> {
        let plausible = !code.is_empty()
            && code.len() <= 40
            && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        plausible.then(|| Self(code.to_owned()))
    }

    /// The code, for example `eu-west-1`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for Region {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::new(&code).ok_or_else(|| serde::de::Error::custom(format!("`{code}`: expected a region code")))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A twelve-digit account id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct AccountId(String);

impl AccountId {
    /// The account of this id; `None` unless the text is exactly twelve digits.
    pub fn new(id: &str) -> Option<Self> {
        (id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit())).then(|| Self(id.to_owned()))
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for AccountId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        Self::new(&id).ok_or_else(|| serde::de::Error::custom(format!("`{id}`: expected twelve digits")))
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not an ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArnError {
    /// The text has fewer than six fields, or does not begin with `arn`.
    #[error("expected `arn:partition:service:region:account:resource`")]
    Shape,
    /// A required field is empty; holds its name.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// A field holds characters that it cannot have.
    #[error("`{value}` is not a valid {field}")]
    Field {
        /// The name of the field.
        field: &'static str,
        /// Its value, cut after 64 characters.
        value: String,
    },
}

/// An Amazon Resource Name. Its `Display` is the text that it was parsed from.
///
/// ARNs of global resources have no region (`arn:aws:iam::111122223333:role/x`), some have no account
/// (`arn:aws:s3:::bucket`), and resources that AWS owns have a word such as `aws` in place of the account.
///
/// ```
/// use autotag_model::arn::Arn;
/// let arn: Arn = "arn:aws:sqs:eu-west-1:111122223333:orders".parse()?;
/// assert_eq!(arn.service(), "sqs");
/// assert_eq!(arn.resource(), "orders");
/// assert_eq!(arn.to_string(), "arn:aws:sqs:eu-west-1:111122223333:orders");
/// # Ok::<(), autotag_model::arn::ArnError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arn {
    partition: Partition,
    service: String,
    region: Option<Region>,
    account: String,
    resource: String,
}

impl Arn {
    /// The partition.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// The service namespace, for example `ec2`.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The region; `None` if the ARN has none.
    pub fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    /// The account; `None` if the account field is not twelve digits: empty, a word such as `aws`, or another text.
    pub fn account(&self) -> Option<AccountId> {
        AccountId::new(&self.account)
    }

    /// The account field as written: twelve digits, empty, or a word such as `aws` for a resource that AWS owns.
    pub fn account_field(&self) -> &str {
        &self.account
    }

    /// True if the resource can belong to `account`: the ARN names this account, or none.
    pub fn can_belong_to(&self, account: &AccountId) -> bool {
        self.account.is_empty() || self.account == account.as_str()
    }

    /// Everything after the account, for example `instance/i-0123` or `function:name`.
    pub fn resource(&self) -> &str {
        &self.resource
    }
}

impl std::str::FromStr for Arn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut fields = text.splitn(6, ':');
        let mut next = || fields.next().ok_or(ArnError::Shape);
        if next()? != "arn" {
            return Err(ArnError::Shape);
        }
        let (partition, service, region, account, resource) = (next()?, next()?, next()?, next()?, next()?);
        if !is_token(partition) {
            return Err(bad("partition", partition));
        }
        if !is_token(service) {
            return Err(bad("service", service));
        }
        let region = match region {
            "" => None,
            code => Some(Region::new(code).ok_or_else(|| bad("region", code))?),
        };
        // Publishers of trails replace the account by other texts; the principal of such a record is still of use.
        if !account.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return Err(bad("account", account));
        }
        if resource.is_empty() {
            return Err(ArnError::Empty("resource"));
        }
        if resource.chars().any(char::is_control) {
            return Err(bad("resource", resource));
        }
        Ok(Self {
            partition: Partition::new(partition),
            service: service.to_owned(),
            region,
            account: account.to_owned(),
            resource: resource.to_owned(),
        })
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn bad(field: &'static str, value: &str) -> ArnError {
    if value.is_empty() {
        return ArnError::Empty(field);
    }
    ArnError::Field { field, value: value.chars().filter(|c| !c.is_control()).take(64).collect() }
}

impl Arn {
    /// The whole ARN, as [`Display`](fmt::Display) writes it, with a single allocation.
    pub(crate) fn text(&self) -> String {
        let region = self.region.as_ref().map_or("", Region::as_str);
        let parts = ["arn", self.partition.as_str(), &self.service, region, &self.account, &self.resource];
        parts.join(":")
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = self.region.as_ref().map_or("", Region::as_str);
        write!(f, "arn:{}:{}:{region}:{}:{}", self.partition, self.service, self.account, self.resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn region_decides_the_partition() {
        let partition =
            |code: &str| Partition::of_region(&Region::new(code).unwrap()).map(|p| p.as_str().to_owned());
        assert_eq!(partition("eu-west-1").as_deref(), Some("aws"));
        assert_eq!(partition("cn-northwest-1").as_deref(), Some("aws-cn"));
        assert_eq!(partition("us-gov-east-1").as_deref(), Some("aws-us-gov"));
        assert_eq!(partition("eusc-de-east-1").as_deref(), Some("aws-eusc"));
        assert_eq!(partition("us-isob-east-1").as_deref(), Some("aws-iso-b"));
        assert_eq!(partition("moon-east-1"), None);
    }

    #[test]
    fn unknown_partition_passes_through() {
        let arn: Arn = "arn:aws-moon:sqs:moon-east-1:111122223333:q".parse().unwrap();
        assert_eq!(arn.partition().as_str(), "aws-moon");
        assert_eq!(arn.partition().global_region(), None);
    }

    #[test]
    fn malformed_arns_are_refused() {
        for text in [
            "",
            "arn",
            "arn:aws:s3",
            "arn:aws:s3:::",
            "arn:aws:ec2:EU:1:x",
            "arn:aws:ec2::1 2:x",
            "arn:a b:s3:::x",
        ] {
            assert!(text.parse::<Arn>().is_err(), "{text}");
        }
    }

    #[test]
    fn colons_belong_to_the_resource() {
        let arn: Arn = "arn:aws:lambda:eu-west-1:111122223333:function:f:7".parse().unwrap();
        assert_eq!(arn.resource(), "function:f:7");
    }

    proptest! {
        #[test]
        fn parse_and_print_are_inverse(
            partition in "aws(-[a-z]{2,5})?", service in "[a-z][a-z0-9-]{1,20}", region in "(|[a-z]{2}-[a-z]{4,9}-[0-9])",
            account in "(|aws|[0-9]{12})", resource in "[^\\p{C}]{1,80}",
        ) {
            let text = format!("arn:{partition}:{service}:{region}:{account}:{resource}");
            prop_assert_eq!(text.parse::<Arn>().unwrap().to_string(), text);
        }

        #[test]
        fn any_text_is_an_arn_or_an_error(text in "\\PC{0,60}") {
            if let Ok(arn) = text.parse::<Arn>() { prop_assert_eq!(arn.to_string(), text); }
        }
    }
}
