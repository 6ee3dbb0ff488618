//! A rule of the catalogue by itself, with what botocore knows about its event.

use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::Classifier;
use autotag_model::policy::Policy;
use autotag_model::rule::{Path, Rule, ServiceRules, TagCall};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::{fs, io};

const CATALOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/catalog");

/// A file of one rule.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// `eventSource` without `.amazonaws.com`.
    pub(crate) source: String,
    /// The head of its file.
    pub(crate) head: toml::Table,
    /// The rule as it is written.
    pub(crate) written: toml::Table,
    /// The rule as it is read.
    pub(crate) rule: Arc<Rule>,
}

impl Subject {
    /// Reads the rule by itself.
    pub(crate) fn new(head: &toml::Table, written: &toml::Table) -> Result<Self, String> {
        let (head, written) = (head.clone(), written.clone());
        let rules = ServiceRules::from_toml(&text(&head, &written)).map_err(|error| error.to_string())?;
        let source = rules.source.trim_end_matches(".amazonaws.com").to_owned();
        let rule = rules.rules.first().map(Arc::clone).ok_or("no rule")?;
        Ok(Self { source, head, written, rule })
    }

    /// `source Event`.
    pub(crate) fn call(&self) -> String {
        format!("{} {}", self.source, self.rule.event)
    }

    /// `source Event AWS::Service::Type`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.call(), self.rule.resource_type)
    }

    /// The event without the version of the API, with which Lambda's end.
    pub(crate) fn operation(&self) -> &str {
        let name = self.rule.event.trim_end_matches(|c: char| c.is_ascii_digit());
        if self.rule.event.len() - name.len() == 8 { name } else { &self.rule.event }
    }

    /// A classifier that knows this rule only.
    pub(crate) fn classifier(&self) -> Classifier {
        let mut catalog = Catalog::empty();
        catalog.add("rule.toml", &text(&self.head, &self.written)).unwrap();
        Classifier::new(catalog, Policy::default())
    }

    /// The texts of a key of the rule or, without it, of its file.
    pub(crate) fn texts(&self, key: &str) -> Vec<String> {
        let texts = |value: &toml::Value| match value {
            toml::Value::String(text) => vec![text.clone()],
            toml::Value::Array(all) => all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        };
        self.written.get(key).or_else(|| self.head.get(key)).map(texts).unwrap_or_default()
    }

    /// The kinds of ARNs that the rule takes from the record.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.texts("kind")
    }

    /// `seen`, `documented` or `derived`.
    pub(crate) fn evidence(&self) -> Option<String> {
        self.texts("evidence").pop()
    }

    /// The template of the ARN as `service:region:account:resource`, with stars for what comes from the record.
    pub(crate) fn template(&self) -> Option<String> {
        let written = self.rule.arn.as_ref()?.as_str();
        let (_, below) = written.strip_prefix("arn:")?.split_once(':')?;
        let mut parts = below.split('{');
        let mut form = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (inside, rest) = part.split_once('}').unwrap_or((part, ""));
            match inside {
                "region" => form.push_str("{region}"),
                "account" => form.push_str("{account}"),
                _ => form.push('*'),
            }
            form.push_str(rest);
        }
        Some(form)
    }

    /// The paths of the id at which AWS writes ARNs.
    pub(crate) fn arn_paths(&self) -> Vec<String> {
        let by_arn = matches!(self.rule.call, TagCall::TaggingApi | TagCall::None);
        let of_answers =
            self.rule.id.iter().map(Path::to_string).filter(|path| !path.starts_with("request."));
        let named = |path: &String| last(path).to_ascii_lowercase().ends_with("arn");
        of_answers.filter(|path| named(path) || (self.rule.arn.is_none() && by_arn)).collect()
    }

    /// All paths of the rule into requests and answers.
    pub(crate) fn paths(&self) -> BTreeSet<String> {
        let rule = &self.rule;
        let conditions = [&rule.when, &rule.unless, &rule.new_if].into_iter().flatten();
        let all = rule.id.iter().chain(&rule.account).chain(&rule.request_tags).chain(&rule.created);
        let all = all.chain(conditions.map(|condition| &condition.path));
        let placeholders = rule.arn.iter().flat_map(|arn| placeholders(arn.as_str()));
        all.map(Path::to_string).chain(placeholders).filter(|path| !path.starts_with("service.")).collect()
    }

    /// The prefixes of the IAM actions that tag the resource.
    pub(crate) fn prefixes(&self) -> BTreeSet<&str> {
        self.rule
            .actions
            .iter()
            .filter_map(|action| action.split_once(':'))
            .map(|(prefix, _)| prefix)
            .collect()
    }
}

/// The last member of a path, without `[]`.
pub(crate) fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default().trim_end_matches("[]")
}

/// The placeholders of a template that are paths into the record.
pub(crate) fn placeholders(template: &str) -> Vec<String> {
    let inside =
        template.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(inside, _)| inside);
    let names = inside.map(|inside| inside.split('|').next().unwrap_or_default().trim().to_owned());
    names.filter(|name| name.contains('.')).collect()
}

fn text(head: &toml::Table, rule: &toml::Table) -> String {
    let mut file = head.clone();
    file.insert("rule".to_owned(), toml::Value::Array(vec![toml::Value::Table(rule.clone())]));
    toml::to_string(&file).unwrap()
}

/// Every rule of the catalogue, in the order of files and rules.
pub(crate) fn all() -> Vec<Subject> {
    let files = fs::read_dir(CATALOG).unwrap().map(|entry| entry.map(|entry| entry.path()));
    let mut files = files.collect::<io::Result<Vec<_>>>().unwrap();
    files.sort();
    let mut subjects = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let mut head: toml::Table =
            text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        // A deletion needs the rule of its type, and each file here has one rule.
        head.remove("deletion");
        let Some(toml::Value::Array(rules)) = head.remove("rule") else { continue };
        for rule in rules {
            let subject = Subject::new(&head, rule.as_table().unwrap());
            subjects.push(subject.unwrap_or_else(|error| panic!("{}: {error}", file.display())));
        }
    }
    subjects
}
