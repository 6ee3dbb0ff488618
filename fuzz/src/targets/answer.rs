//! Answers of AWS to the calls that the catalogue declares -> tags and the token of the next page.
//!
//! The parser is a file of `autotag-aws`, which cannot be built without the AWS SDK. The file itself needs only the model,
//! so it is compiled here once more (`build.rs`).

mod parser {
    #![allow(unreachable_pub, dead_code, reason = "there it is a part of a library, which uses all of it")]
    include!(concat!(env!("OUT_DIR"), "/answer.rs"));
}

use crate::chunks::Chunks;
use crate::mutate::Seeds;
use crate::seeds::SeedTexts;
use crate::target::{Target, Violation, hold, same};
use autotag_handlers::catalog::Catalog;
use autotag_model::rule::{Api, Protocol, ReadCall, TagCall};
use fastrand::Rng;
use std::sync::Arc;

pub(super) struct Answers {
    calls: Vec<(Arc<Api>, ReadCall)>,
    json: Seeds,
    xml: Chunks,
}

impl Answers {
    pub(super) fn new(seeds: &SeedTexts) -> Self {
        let services = Catalog::embedded().services().unwrap_or_default();
        let mut calls: Vec<(Arc<Api>, ReadCall)> = Vec::new();
        for rule in services.iter().flat_map(|service| &service.rules) {
            let own = if let TagCall::Native(call) = &rule.call { Some(call) } else { None };
            for call in own.into_iter().chain(&rule.fallback).chain(&rule.read_with) {
                if let (Some(api), Some(read)) = (&call.api, &call.read)
                    && !calls.iter().any(|(_, known)| known == read)
                {
                    calls.push((Arc::clone(api), read.clone()));
                }
            }
        }
        let xml = seeds.xml_answers.iter().map(String::as_str);
        Self { calls, json: Seeds::new(&seeds.json_answers), xml: Chunks::new(xml, |byte| byte == b'<') }
    }

    fn call(&self, number: [u8; 2]) -> &(Arc<Api>, ReadCall) {
        &self.calls[usize::from(u16::from_le_bytes(number)) % self.calls.len()]
    }
}

/// Members for the seeds' `TAGS`, `KEY`, `VALUE`, `NEXT`, `LIST` and `RESULT`, as a call has them.
fn filled_in(text: &[u8], read: &ReadCall) -> Vec<u8> {
    let (key, value) = read.shape.members().unwrap_or(("Key", "Value"));
    let path = read.tags.split('.').next_back().unwrap_or_default();
    let next = read.next.as_ref().map_or("NextToken", |next| next.from.as_str());
    let result = format!("{}Result", read.operation.name);
    let list = if read.list.is_empty() { "member" } else { read.list.as_str() };
    let names =
        [("TAGS", path), ("KEY", key), ("VALUE", value), ("NEXT", next), ("LIST", list), ("RESULT", &result)];
    let mut text = String::from_utf8_lossy(text).into_owned();
    for (placeholder, name) in names {
        if text.contains(placeholder) {
            text = text.replace(placeholder, name);
        }
    }
    text.into_bytes()
}

impl Target for Answers {
    fn name(&self) -> &'static str {
        "answer"
    }

    fn share(&self) -> u64 {
        80
    }

    /// Two bytes that choose the call, and a body.
    fn generate(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        let number = rng.u16(..).to_le_bytes();
        let (api, read) = self.call(number);
        let mut body = Vec::new();
        let xml = matches!(api.protocol, Protocol::Query | Protocol::RestXml);
        let expected = rng.u8(..20) > 0;
        if xml == expected {
            self.xml.mutated(rng, &mut body);
        } else {
            self.json.mutated(rng, &mut body);
        }
        out.extend_from_slice(&number);
        out.extend(filled_in(&body, read));
    }

    fn check(&self, input: &[u8]) -> Result<(), Violation> {
        let Some(([first, second], body)) =
            input.split_first_chunk::<2>().map(|(number, body)| (*number, body))
        else {
            return Ok(());
        };
        let (api, read) = self.call([first, second]);
        // AWS's bytes are UTF-8, or the caller refuses them before.
        let body = String::from_utf8_lossy(body);
        let tags = parser::tags_in(api, read, &body);
        same(&tags, &parser::tags_in(api, read, &body), "read twice, the same tags")?;
        let count = tags.as_ref().map_or(0, Vec::len);
        hold(count <= body.len(), "at most one tag a byte", || count.to_string())?;
        let next = parser::next_page(api, read, &body);
        hold(next.as_deref() != Some(""), "a token of a page is not empty", String::new)?;
        hold(next.is_none() || read.next.is_some(), "only calls with pages have a next one", || {
            format!("{next:?}")
        })
    }
}
