//! Policy documents in JSON and in the YAML of templates.

use anyhow::Result;
use autotag_model::arn::PARTITIONS;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The maximum length of a managed policy, in characters without white space.
pub(super) const MAX_POLICY_LENGTH: usize = 6_144;

/// Services whose ARNs name no account, and whose calls find only resources of the account. The statements of others need a
/// condition, else they allow the buckets of other accounts too.
const WITHOUT_ACCOUNTS: [&str; 4] = ["apigateway", "ec2", "identitystore", "route53"];

/// A statement that allows actions on resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) actions: Vec<String>,
    /// `*`, or ARNs with `*`, `{partition}` and `{account}` in them.
    pub(crate) resources: Vec<String>,
    /// The only tag keys that the actions may name. Empty if they may name any.
    pub(crate) tag_keys: Vec<String>,
}

/// A managed policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// The name of the file and, with a prefix, of the policy: `tag-1`.
    pub(crate) name: String,
    pub(crate) statements: Vec<Statement>,
}

impl Statement {
    /// True if a condition must limit the resources to the role's own account, because their ARNs do not name it.
    pub(super) fn needs_account(&self) -> bool {
        self.resources.iter().any(|resource| {
            let mut fields = resource.split(':').skip(2);
            let (service, account) = (fields.next(), fields.nth(1));
            account == Some("") && service.is_some_and(|service| !WITHOUT_ACCOUNTS.contains(&service))
        })
    }

    /// The condition in YAML, if there is one.
    fn write_condition(&self, yaml: &mut String, space: &str) -> Result<()> {
        if self.needs_account() || !self.tag_keys.is_empty() {
            writeln!(yaml, "{space}    Condition:")?;
        }
        if self.needs_account() {
            writeln!(
                yaml,
                "{space}      StringEquals:\n{space}        aws:ResourceAccount: \"{OWN_ACCOUNT}\""
            )?;
        }
        if !self.tag_keys.is_empty() {
            writeln!(yaml, "{space}      ForAllValues:StringEquals:\n{space}        aws:TagKeys:")?;
            for key in &self.tag_keys {
                writeln!(yaml, "{space}          - {}", Value::from(key.as_str()))?;
            }
        }
        Ok(())
    }

    fn json(&self, partition: &str, account: &str) -> Value {
        let resources: Vec<String> = self
            .resources
            .iter()
            .map(|resource| resource.replace("{partition}", partition).replace("{account}", account))
            .collect();
        let mut statement = json!({"Effect": "Allow", "Action": self.actions, "Resource": resources});
        let mut condition = serde_json::Map::new();
        if self.needs_account() {
            condition.insert("StringEquals".to_owned(), json!({"aws:ResourceAccount": OWN_ACCOUNT}));
        }
        if !self.tag_keys.is_empty() {
            condition.insert("ForAllValues:StringEquals".to_owned(), json!({"aws:TagKeys": self.tag_keys}));
        }
        if let (Some(members), false) = (statement.as_object_mut(), condition.is_empty()) {
            members.insert("Condition".to_owned(), condition.into());
        }
        statement
    }
}

/// The policy variable of the role's own account.
const OWN_ACCOUNT: &str = "${aws:PrincipalAccount}";

impl Policy {
    /// The document for a partition and an account, which may be `*`.
    pub(crate) fn json(&self, partition: &str, account: &str) -> Value {
        let statements: Vec<Value> =
            self.statements.iter().map(|statement| statement.json(partition, account)).collect();
        json!({"Version": "2012-10-17", "Statement": statements})
    }

    /// The length in characters as AWS counts them, in the partition in which it is longest.
    pub(crate) fn size(&self) -> usize {
        self.json(longest_partition(), "111122223333")
            .to_string()
            .chars()
            .filter(|c| !c.is_whitespace())
            .count()
    }

    /// The document in YAML for a template, indented by `indent` spaces.
    pub(crate) fn yaml(&self, indent: usize) -> Result<String> {
        let mut yaml = String::new();
        let space = " ".repeat(indent);
        writeln!(yaml, "{space}Version: \"2012-10-17\"\n{space}Statement:")?;
        for statement in &self.statements {
            writeln!(yaml, "{space}  - Effect: Allow\n{space}    Action:")?;
            for action in &statement.actions {
                writeln!(yaml, "{space}      - {}", plain_or_quoted(action))?;
            }
            writeln!(yaml, "{space}    Resource:")?;
            for resource in &statement.resources {
                let filled = substituted(resource);
                let sub = if filled.contains("${") { "!Sub " } else { "" };
                writeln!(yaml, "{space}      - {sub}\"{filled}\"")?;
            }
            statement.write_condition(&mut yaml, &space)?;
        }
        Ok(yaml.trim_end().to_owned())
    }
}

/// The known partition with the longest name. ARNs are longest there.
pub(crate) fn longest_partition() -> &'static str {
    PARTITIONS.iter().map(|partition| partition.name).max_by_key(|name| name.len()).unwrap_or("aws")
}

/// An action in YAML. A user's rule file may contain any text, so only a well-formed action is written without quotes.
fn plain_or_quoted(action: &str) -> String {
    let whole = action.split_once(':').is_some_and(|(service, name)| {
        let plain = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        plain(service) && plain(name)
    });
    if whole { action.to_owned() } else { Value::from(action).to_string() }
}

/// The indentation of policy documents in the templates.
pub(crate) const INDENT: usize = 8;

/// A resource in the syntax of `Fn::Sub`.
pub(crate) fn substituted(resource: &str) -> String {
    resource.replace("{partition}", "${AWS::Partition}").replace("{account}", "${AWS::AccountId}")
}
