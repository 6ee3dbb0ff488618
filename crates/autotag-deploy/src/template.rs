//! Reads the parameters and resources of a generated template by its indentation.
//!
//! The generator writes each parameter and each resource as a key with two spaces before it. This reads no other
//! YAML: a template that somebody has rewritten is refused by [`Template::new`].

use crate::DeployError;
use std::collections::BTreeMap;

/// The longest template that CloudFormation takes in a request, in bytes. A longer one must be in S3.
pub const LONGEST_BODY: usize = 51_200;

/// A template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The name of its file without the ending: `hub`.
    pub name: String,
    /// The text.
    pub text: String,
    /// The names of its parameters, each with its default if it has one.
    pub parameters: BTreeMap<String, Option<String>>,
    /// Its resources, by their names.
    pub resources: BTreeMap<String, Resource>,
}

/// A resource of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its type.
    pub kind: String,
    /// The condition under which it exists.
    pub condition: Option<String>,
    /// True if it stays when the stack is removed.
    pub retained: bool,
    /// All lines of it.
    pub text: String,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// It has no resources that can be read: it is not a template that `autotag generate` writes.
    pub fn new(name: &str, text: &str) -> Result<Self, DeployError> {
        let parameters = section(text, "Parameters").into_iter();
        let parameters = parameters.map(|(name, lines)| (name, value(&lines, "Default"))).collect();
        let resources: BTreeMap<String, Resource> =
            section(text, "Resources").into_iter().map(|(name, lines)| (name, resource(&lines))).collect();
        if resources.is_empty() || resources.values().any(|resource| resource.kind.is_empty()) {
            return Err(DeployError::usage(format!(
                "`{name}.yaml`: expected a template that `autotag generate` has written; generate it again"
            )));
        }
        Ok(Self { name: name.to_owned(), text: text.to_owned(), parameters, resources })
    }

    /// True if it has this parameter.
    pub fn has_parameter(&self, name: &str) -> bool {
        self.parameters.contains_key(name)
    }

    /// True if it must be in S3.
    pub fn is_long(&self) -> bool {
        self.text.len() > LONGEST_BODY
    }
}

/// The value of a key of an entry, without its quotation marks.
fn value(lines: &[&str], key: &str) -> Option<String> {
    let found =
        lines.iter().find_map(|line| line.strip_prefix("    ")?.strip_prefix(key)?.strip_prefix(": "))?;
    let found = found.trim();
    let unquoted = found.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    Some(unquoted.unwrap_or(found).to_owned())
}

fn resource(lines: &[&str]) -> Resource {
    let retained = value(lines, "DeletionPolicy").is_some_and(|policy| policy.starts_with("Retain"));
    Resource {
        kind: value(lines, "Type").unwrap_or_default(),
        condition: value(lines, "Condition"),
        retained,
        text: lines.join("\n"),
    }
}

/// The entries of a section at the top: the name of each, and its lines without comments and empty ones.
fn section<'t>(text: &'t str, name: &str) -> Vec<(String, Vec<&'t str>)> {
    let head = format!("{name}:");
    let lines = text.lines().skip_while(|line| line.trim_end() != head).skip(1);
    let inside = lines.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    let mut entries: Vec<(String, Vec<&str>)> = Vec::new();
    for line in inside.filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        let key = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '));
        match key.and_then(|rest| rest.trim_end().strip_suffix(':')) {
            Some(key) => entries.push((key.to_owned(), Vec::new())),
            None => {
                if let Some((_, lines)) = entries.last_mut() {
                    lines.push(line);
                }
            }
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# Generated
Parameters:
  A:
    Type: String
  # A comment
  B:
    Type: String
    Default: \"\"
Conditions:
  C: !Equals [!Ref A, \"\"]

Resources:
  # ---- the queue

  Queue:
    Type: AWS::SQS::Queue
    Condition: C
    Properties:
      QueueName: x
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: RetainExceptOnCreate
Outputs:
  Out:
    Value: 1
";

    #[test]
    fn parameters_and_resources_are_read() {
        let template = Template::new("t", TEXT).unwrap();
        assert_eq!(
            template.parameters,
            [("A".to_owned(), None), ("B".to_owned(), Some(String::new()))].into()
        );
        assert_eq!(template.resources.keys().collect::<Vec<_>>(), ["Queue", "Table"]);
        let (queue, table) = (&template.resources["Queue"], &template.resources["Table"]);
        assert_eq!(
            (queue.kind.as_str(), queue.condition.as_deref(), queue.retained),
            ("AWS::SQS::Queue", Some("C"), false)
        );
        assert!(queue.text.contains("QueueName: x") && table.retained);
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in [
            "",
            "{}",
            "Resources:\n    Queue: {Type: AWS::SQS::Queue}\n",
            "Resources:\n  Queue:\n    type: x\n",
        ] {
            assert!(Template::new("t", text).is_err(), "{text}");
        }
    }
}
