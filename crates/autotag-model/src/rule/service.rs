//! The rules of one service.

use super::call::NativeCall;
use super::{DeletionRule, Rule, TagChangeCall};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The rules of one AWS service.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ServiceRules {
    /// `eventSource` of its records, for example `sqs.amazonaws.com`.
    pub source: String,
    /// The name of the service, for people.
    pub name: String,
    /// Events that are named like creations but create no resource that can be tagged.
    pub not_a_resource: Vec<String>,
    /// The service's own tag calls, by their name in the file.
    pub native: BTreeMap<String, Arc<NativeCall>>,
    /// The calls that change tags of resources that exist.
    pub tag_changes: Vec<TagChangeCall>,
    /// The rules, in the order of the file.
    pub rules: Vec<Arc<Rule>>,
    /// The events that delete resources, in the order of the file.
    pub deletions: Vec<Arc<DeletionRule>>,
}
