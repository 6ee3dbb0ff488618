//! The subject of a question: an ARN, an id or a name.

use autotag_model::arn::{AccountId, Arn};
use autotag_model::rule::Resource;
use std::collections::HashMap;

/// The longest text that is asked for, in bytes. The longest ARN that AWS documents has 2,048 characters.
const LONGEST: usize = 4_096;

/// A resource that somebody asks about, by its ARN, or by its id or name.
///
/// ```
/// use autotag_handlers::whois::Asked;
///
/// let asked = Asked::parse("arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc")?;
/// assert_eq!(asked.names(), ["i-0abc", "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc"]);
/// # Ok::<(), autotag_handlers::whois::AskedError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    text: String,
    arn: Option<Arn>,
    names: Vec<String>,
}

/// Why a text cannot be asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskedError {
    /// It is empty, too long, or holds control characters.
    #[error("expected an ARN, an id or a name of at most {LONGEST} bytes without control characters")]
    NoName,
    /// It begins as an ARN, and is none.
    #[error(
        "`{0}` begins with `arn:`, and is not an ARN: expected arn:partition:service:region:account:resource"
    )]
    NoArn(String),
}

impl Asked {
    /// Reads what is asked for.
    ///
    /// # Errors
    /// [`AskedError`] if the text names nothing.
    pub fn parse(text: &str) -> Result<Self, AskedError> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
            return Err(AskedError::NoName);
        }
        if !text.starts_with("arn:") {
            return Ok(Self { text: text.to_owned(), arn: None, names: vec![text.to_owned()] });
        }
        let arn: Arn = text.parse().map_err(|_| AskedError::NoArn(text.chars().take(200).collect()))?;
        Ok(Self::of_arn(arn))
    }

    /// The resource of an ARN.
    pub fn of_arn(arn: Arn) -> Self {
        let text = arn.to_string();
        let mut names = vec![short_name(&arn).to_owned(), text.clone()];
        names.dedup();
        Self { text, arn: Some(arn), names }
    }

    /// The text, as it was asked.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The ARN, if it is one.
    pub fn arn(&self) -> Option<&Arn> {
        self.arn.as_ref()
    }

    /// The account that the ARN names.
    pub fn account(&self) -> Option<AccountId> {
        self.arn.as_ref().and_then(Arn::account)
    }

    /// The names under which records have the resource, in the order in which they are worth asking for. A call that creates
    /// something names it by its id or name: there was no ARN yet. Some services write only the ARN into the answer.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The URL by which calls name the resource that exists, where its service has URLs: SQS. `DeleteQueue` names nothing else.
    pub fn url(&self) -> Option<String> {
        let arn = self.arn.as_ref().filter(|arn| arn.service() == "sqs")?;
        let (region, suffix) = (arn.region()?, arn.partition().info()?.dns_suffix);
        Some(format!("https://sqs.{region}.{suffix}/{}/{}", arn.account()?.as_str(), arn.resource()))
    }

    /// True if this resource is meant.
    pub fn is(&self, resource: &Resource) -> bool {
        match (&self.arn, &resource.arn) {
            (Some(asked), Some(arn)) => is_same_arn(arn, asked),
            (Some(asked), None) => is_without_arn(resource, asked),
            (None, Some(arn)) => self.text == resource.id || is_name_of(&self.text, arn),
            (None, None) => self.text == resource.id,
        }
    }

    /// True if a deletion of `resource` may be one of this resource. IAM's calls name a role or user without its path.
    pub fn is_deleted_as(&self, resource: &Resource) -> bool {
        let path_apart = || Some(without_path(self.arn.as_ref()?) == without_path(resource.arn.as_ref()?));
        self.is(resource) || path_apart().unwrap_or_default()
    }

    /// True if a text of a record of `service` (`ec2` of `ec2.amazonaws.com`) in an account and region names the resource.
    pub fn is_named(&self, text: &str, service: &str, account: Option<&str>, region: Option<&str>) -> bool {
        if text == self.text {
            return true;
        }
        let written = text.starts_with("arn:").then(|| text.parse::<Arn>().ok()).flatten();
        match (&self.arn, written) {
            (Some(asked), Some(written)) => is_same_arn(&written, asked) || is_same_arn(asked, &written),
            (Some(asked), None) => {
                let is_account = |known: &str| asked.account().is_none_or(|of| of.as_str() == known);
                let is_region = |known: &str| asked.region().is_none_or(|of| of.as_str() == known);
                (text == short_name(asked) || text == asked.resource())
                    && asked.service() == service
                    && account.is_none_or(is_account)
                    && region.is_none_or(is_region)
            }
            (None, Some(written)) => is_name_of(&self.text, &written),
            (None, None) => false,
        }
    }
}

/// Finds those of many that a text or a resource can mean, without comparing all.
#[derive(Debug, Default)]
pub(super) struct Index(HashMap<String, Vec<usize>>);

impl Index {
    pub(super) fn of(asked: &[Asked]) -> Self {
        let mut index: HashMap<String, Vec<usize>> = HashMap::new();
        for (number, asked) in asked.iter().enumerate() {
            let resource = asked.arn.as_ref().map(|arn| arn.resource().to_owned());
            let pathless = asked.arn.as_ref().and_then(iam_name).map(|(_, name)| name.to_owned());
            let mut names: Vec<String> =
                asked.names.iter().cloned().chain(resource).chain(pathless).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                index.entry(name).or_default().push(number);
            }
        }
        Self(index)
    }

    /// The numbers of those that a resource can be.
    pub(super) fn of_resource(&self, resource: &Resource) -> Vec<usize> {
        let arn = resource.arn.as_ref();
        self.of_names([Some(resource.id.as_str()), arn.map(Arn::resource), arn.map(short_name)])
    }

    /// The numbers of those that a text of a record can name.
    pub(super) fn of_text(&self, text: &str) -> Vec<usize> {
        let arn = text.starts_with("arn:").then(|| text.parse::<Arn>().ok()).flatten();
        self.of_names([Some(text), arn.as_ref().map(Arn::resource), arn.as_ref().map(short_name)])
    }

    fn of_names(&self, names: [Option<&str>; 3]) -> Vec<usize> {
        let found = names.into_iter().flatten().filter_map(|name| self.0.get(name));
        let mut found: Vec<usize> = found.flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The kinds of IAM that have a path before their name. The name alone is unique in an account.
const WITH_PATHS: [&str; 4] = ["instance-profile", "role", "server-certificate", "user"];

/// The kind and the name of a resource of IAM that may have a path.
fn iam_name(arn: &Arn) -> Option<(&str, &str)> {
    let (kind, rest) = arn.resource().split_once('/').filter(|_| arn.service() == "iam")?;
    WITH_PATHS.contains(&kind).then(|| (kind, rest.rsplit_once('/').map_or(rest, |(_, name)| name)))
}

/// The text of an ARN, without the path that a resource of IAM may have. The name alone is unique in an account, and calls that
/// delete a role, user or instance profile, or change its tags, do not name the path.
pub fn without_path(arn: &Arn) -> String {
    match iam_name(arn) {
        Some((kind, name)) => {
            format!("arn:{}:iam::{}:{kind}/{name}", arn.partition().as_str(), arn.account_field())
        }
        None => arn.to_string(),
    }
}

/// The resource of an ARN without its type: `i-0abc` of `instance/i-0abc`. S3 has no types: a `/` is a part of the key.
fn short_name(arn: &Arn) -> &str {
    let resource = arn.resource();
    let resource = resource.strip_suffix(":*").unwrap_or(resource);
    if arn.service() == "s3" {
        return resource;
    }
    // The group has its UUID before its name.
    if let Some((_, name)) = resource.split_once(":autoScalingGroupName/") {
        return name;
    }
    resource.split_once([':', '/']).map_or(resource, |(_, name)| name)
}

fn is_name_of(text: &str, arn: &Arn) -> bool {
    text == arn.resource() || text == short_name(arn)
}

/// True if an ARN of a record is the one that is asked for. A part that no record tells is `*` in it
/// (`autoScalingGroup:*:autoScalingGroupName/web`). A log group's ARN may end in `:*`.
fn is_same_arn(known: &Arn, asked: &Arn) -> bool {
    if known == asked {
        return true;
    }
    let (known, asked) = (known.to_string(), asked.to_string());
    let (known, asked) = (without_streams(&known), without_streams(&asked));
    let middle = || {
        let (before, after) = known.split_once('*')?;
        asked.strip_prefix(before)?.strip_suffix(after)
    };
    known == asked || middle().is_some_and(|part| !part.is_empty() && !part.contains([':', '/']))
}

fn without_streams(arn: &str) -> &str {
    arn.strip_suffix(":*").unwrap_or(arn)
}

/// True if a resource whose ARN no record tells is that of an ARN: account, region, service, type and id have to agree.
fn is_without_arn(resource: &Resource, asked: &Arn) -> bool {
    let mut types = resource.resource_type.split("::").skip(1);
    let (service, kind) = (types.next().unwrap_or_default(), types.next().unwrap_or_default());
    let named = asked.resource().split_once([':', '/']);
    let (kind_asked, id) = named.unwrap_or((kind, asked.resource()));
    resource.id == id
        && service.eq_ignore_ascii_case(asked.service())
        && kind.eq_ignore_ascii_case(&kind_asked.replace('-', ""))
        && resource.account.as_ref().is_some_and(|account| account.as_str() == asked.account_field())
        && resource.region.as_ref() == asked.region()
}
