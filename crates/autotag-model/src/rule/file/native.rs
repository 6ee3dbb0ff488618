//! The native calls of a rule file.

use super::format::NativeFile;
use super::source::{RuleFileError, Source};
use crate::rule::call::{Api, NativeCall, Operation, Param, Protocol, ReadCall, TagShape};
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::Spanned;

/// The context for reading the native calls of a file.
pub(super) struct NativeCalls<'f> {
    pub(super) source: Source<'f>,
    /// The APIs of the file, by name.
    pub(super) apis: BTreeMap<&'f str, Arc<Api>>,
    /// The IAM actions of the file.
    pub(super) actions: &'f [String],
}

impl NativeCalls<'_> {
    /// Reads and checks one call.
    pub(super) fn read(
        &self,
        name: &Spanned<String>,
        call: &NativeFile,
    ) -> Result<NativeCall, RuleFileError> {
        let api = self.api(name, call)?;
        let read_params = call.read.iter().filter_map(|read| read.params.as_ref()).flat_map(BTreeMap::values);
        let params = call.params.values().chain(call.each.values()).chain(read_params);
        if let Some(template) = params.flat_map(Param::templates_needing_record).next() {
            let what = format!(
                "expected params of {{id}}, {{arn}}, {{partition}}, {{region}} and {{account}} only, found `{}`",
                template.as_str()
            );
            return Err(self.source.wrong(&name.span(), &what));
        }
        let rest = |api: &Arc<Api>| matches!(api.protocol, Protocol::RestJson | Protocol::RestXml);
        let without_path = call.http.is_none() || call.read.as_ref().is_some_and(|read| read.http.is_none());
        if without_path && api.as_ref().is_some_and(rest) {
            return Err(self
                .source
                .wrong(&name.span(), "expected `http`: calls of a REST protocol have a path"));
        }
        if call.replaces && api.is_some() {
            let what = "expected no `replaces`: only calls of an SDK client are read, merged and written";
            return Err(self.source.wrong(&name.span(), what));
        }
        let xml = |api: &Arc<Api>| matches!(api.protocol, Protocol::Query | Protocol::RestXml);
        if call.fails.is_some() && api.as_ref().is_none_or(xml) {
            let what = "expected no `fails`: only answers in JSON to described calls are searched for it";
            return Err(self.source.wrong(&name.span(), what));
        }
        let shape = call.read.as_ref().and_then(|read| read.shape).unwrap_or(call.shape);
        if shape == TagShape::Map && api.as_ref().is_some_and(xml) {
            return Err(self.source.wrong(&name.span(), "expected a list of tags: XML has no maps"));
        }
        let list = call.list.clone().unwrap_or_else(|| "member".to_owned());
        let read = self.read_call(name, call, api.as_deref(), &list)?;
        let read_actions = self.read_actions(name, call, api.as_deref())?;
        Ok(NativeCall {
            name: name.as_ref().clone(),
            api,
            write: Operation {
                name: call.operation.clone().unwrap_or_else(|| name.as_ref().clone()),
                params: call.params.clone(),
                http: call.http.clone(),
                headers: call.headers.clone(),
            },
            each: call.each.clone(),
            tags: call.tags.clone(),
            shape: call.shape,
            list,
            root: call.root.clone(),
            replaces: call.replaces,
            max_per_call: call.max_per_call,
            fails: call.fails.clone(),
            read,
            read_actions,
        })
    }

    /// The call that reads tags; `None` if an SDK client reads them.
    fn read_call(
        &self,
        name: &Spanned<String>,
        call: &NativeFile,
        api: Option<&Api>,
        list: &str,
    ) -> Result<Option<ReadCall>, RuleFileError> {
        let Some(read) = &call.read else { return Ok(None) };
        let (operation, tags) = match (api, &read.operation, &read.tags) {
            (Some(_), Some(operation), Some(tags)) => (operation.clone(), tags.clone()),
            (None, None, None) => return Ok(None),
            (Some(_), ..) => {
                return Err(self.source.wrong(&name.span(), "expected `operation` and `tags` of the read"));
            }
            (None, ..) => {
                let what = "expected `actions` only: an SDK client reads the tags";
                return Err(self.source.wrong(&name.span(), what));
            }
        };
        Ok(Some(ReadCall {
            operation: Operation {
                name: operation,
                params: read.params.clone().unwrap_or_else(|| call.params.clone()),
                http: read.http.clone(),
                headers: read.headers.clone(),
            },
            tags,
            shape: read.shape.unwrap_or(call.shape),
            list: read.list.clone().unwrap_or_else(|| list.to_owned()),
            next: read.next.clone(),
        }))
    }

    /// The IAM actions of a read. Without `actions` it is the operation, with the prefix of the service's other
    /// actions.
    fn read_actions(
        &self,
        name: &Spanned<String>,
        call: &NativeFile,
        api: Option<&Api>,
    ) -> Result<Vec<String>, RuleFileError> {
        let Some(read) = &call.read else { return Ok(Vec::new()) };
        let prefix = self.actions.first().and_then(|action| Some(action.split_once(':')?.0));
        let prefix = prefix.or(api.map(|api| api.signing.as_str()));
        match (&read.actions, prefix, &read.operation) {
            (Some(actions), ..) if !actions.is_empty() => Ok(actions.clone()),
            (None, Some(prefix), Some(operation)) => Ok(vec![format!("{prefix}:{operation}")]),
            _ => Err(self
                .source
                .wrong(&name.span(), "expected `actions` of the read: the IAM actions that it needs")),
        }
    }

    /// The API of a call: the one it names, or the only one of the file; `None` for calls of an SDK client.
    fn api(&self, name: &Spanned<String>, call: &NativeFile) -> Result<Option<Arc<Api>>, RuleFileError> {
        let expected = "expected `api`: the name of an [api.*] of this file, or \"sdk\"";
        match (&call.api, self.apis.values().next()) {
            (Some(api), _) if api.as_ref() == SDK => Ok(None),
            (Some(api), _) => {
                let known = self.apis.get(api.as_ref().as_str()).map(Arc::clone);
                known.map(Some).ok_or_else(|| self.source.wrong(&api.span(), expected))
            }
            (None, Some(only)) if self.apis.len() == 1 => Ok(Some(Arc::clone(only))),
            (None, _) => Err(self.source.wrong(&name.span(), expected)),
        }
    }
}

/// `api` of calls that an SDK client sends.
const SDK: &str = "sdk";
