//! The tables that `conformance/distil.py` writes of AWS's data, and the lists that people write.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance");

/// A resource of the Service Authorization Reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IamResource {
    pub(crate) prefix: String,
    pub(crate) name: String,
    /// `grafana:{region}:{account}:/workspaces/*`.
    pub(crate) form: String,
    /// The actions that tag it, without the prefix.
    pub(crate) tagged_by: BTreeSet<String>,
}

impl IamResource {
    /// The form without region and account: `grafana:/workspaces/*`, as rules write it in `kind`.
    pub(crate) fn kind(&self) -> String {
        kind_of(&self.form)
    }
}

/// The service and the resource of `service:region:account:resource`.
pub(crate) fn kind_of(form: &str) -> String {
    let mut parts = form.splitn(4, ':');
    let service = parts.next().unwrap_or_default();
    format!("{service}:{}", parts.nth(2).unwrap_or_default())
}

/// A type of `CloudFormation`.
#[derive(Debug, Clone, Default)]
pub(crate) struct CfnType {
    pub(crate) taggable: bool,
    /// The permissions of its create handler that may create it.
    pub(crate) created_by: BTreeSet<String>,
}

/// Exceptions of one gate that a person has looked at, for one reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reviewed {
    pub(crate) gate: String,
    pub(crate) reason: String,
    pub(crate) rules: Vec<String>,
}

/// Types and calls that no rule covers, for one reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unreachable {
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) types: Vec<String>,
    #[serde(default)]
    pub(crate) calls: Vec<String>,
}

/// Mutants that no gate refuses because the resource that they find is the same.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Equivalent {
    pub(crate) reason: String,
    pub(crate) mutants: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    #[serde(default)]
    reviewed: Vec<Reviewed>,
    #[serde(default)]
    unreachable: Vec<Unreachable>,
    #[serde(default)]
    equivalent: Vec<Equivalent>,
}

/// AWS's data and the lists of exceptions.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) resources: Vec<IamResource>,
    /// The results of calls, by `prefix:Call`. Calls that only read or end something are not in it.
    pub(crate) calls: BTreeMap<String, String>,
    pub(crate) types: BTreeMap<String, CfnType>,
    pub(crate) reviewed: Vec<Reviewed>,
    /// The rules of `reviewed` by gate.
    keys: BTreeMap<String, BTreeSet<String>>,
    pub(crate) unreachable: Vec<Unreachable>,
    pub(crate) equivalent: Vec<Equivalent>,
}

fn read(file: &str) -> String {
    fs::read_to_string(format!("{FOLDER}/{file}")).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn lists(file: &str) -> Lists {
    toml::from_str(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The lines of a table without its head, as their columns.
fn rows<const N: usize>(file: &str) -> Vec<[String; N]> {
    let text = read(file);
    let lines = text.lines().skip(1).map(|line| {
        let mut columns = line.split('\t').map(str::to_owned);
        std::array::from_fn(|_| columns.next().unwrap_or_default())
    });
    lines.collect()
}

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

impl Tables {
    pub(crate) fn read() -> Self {
        let resources = rows("resources.tsv").into_iter().map(|[prefix, name, form, by]| IamResource {
            prefix,
            name,
            form,
            tagged_by: words(&by),
        });
        let calls = rows("calls.tsv").into_iter().flat_map(|[prefix, makes, names]: [String; 3]| {
            let all = words(&names).into_iter();
            all.map(move |name| (format!("{prefix}:{name}"), makes.clone())).collect::<Vec<_>>()
        });
        let types = rows("types.tsv")
            .into_iter()
            .map(|[name, tags, by]| (name, CfnType { taggable: tags == "tags", created_by: words(&by) }));
        let reviewed = lists("reviewed.toml").reviewed;
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for entry in &reviewed {
            keys.entry(entry.gate.clone()).or_default().extend(entry.rules.iter().cloned());
        }
        Self {
            resources: resources.collect(),
            calls: calls.collect(),
            types: types.collect(),
            reviewed,
            keys,
            unreachable: lists("unreachable.toml").unreachable,
            equivalent: lists("equivalent.toml").equivalent,
        }
    }

    /// True if the call changes something. IAM writes some names otherwise than the API: `CreateWebHook`, `CreateAcl`.
    pub(crate) fn knows_call(&self, call: &str) -> bool {
        self.calls.contains_key(call) || self.calls.keys().any(|known| known.eq_ignore_ascii_case(call))
    }

    /// True if a person has looked at this exception.
    pub(crate) fn is_reviewed(&self, gate: &str, key: &str) -> bool {
        self.keys.get(gate).is_some_and(|keys| keys.contains(key))
    }
}
