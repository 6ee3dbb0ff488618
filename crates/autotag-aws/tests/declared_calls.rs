//! The calls that the catalogue describes, compared with botocore: each request is the one that botocore would send, and
//! each answer that botocore's model allows is read.
#![cfg(feature = "backend")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

use autotag_aws::backend::declared_calls;
use autotag_aws::signed::Request;
use autotag_handlers::catalog::Catalog;
use autotag_model::arn::{AccountId, Partition, Region};
use autotag_model::record::ParsedRecord;
use autotag_model::rule::{Api, Located, NativeCall, Protocol, ReadCall, Resource, Rule, Scope, TagCall};
use autotag_testkit::Emulator;
use roxmltree::{Document, Node};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

const TAGS: [(&str, &str); 2] = [("Owner", "mara"), ("Team", "a&b <c> +%/ü")];
const PLAIN: &str = "orders-of-may-01";
const AWKWARD: &str = "team/web app+ü&%2F?#~*'(x)";
const TOKEN: &str = "page/2+3=&ü";

/// Services for which botocore changes unusual ids: it takes the part after the last slash.
const PLAIN_ONLY: [&str; 1] = ["route53"];

/// Redshift pages lists of many resources; what one resource may have fits on a page.
const ONE_PAGE: [&str; 1] = ["redshift"];

// ---- The calls of the catalogue ----

/// A described call, and a rule that uses it.
struct Use {
    source: String,
    rule: Arc<Rule>,
    call: Arc<NativeCall>,
    api: Arc<Api>,
}

impl Use {
    fn name(&self) -> String {
        format!("{} {}", self.source, self.call.name)
    }
}

fn uses() -> Vec<Use> {
    let mut uses = Vec::new();
    for service in Catalog::embedded().services().unwrap() {
        for rule in &service.rules {
            let tag = match &rule.call {
                TagCall::Native(call) => Some(call),
                _ => None,
            };
            for call in tag.into_iter().chain(&rule.fallback).chain(&rule.read_with) {
                let Some(api) = call.api.clone() else { continue };
                let (rule, call) = (Arc::clone(rule), Arc::clone(call));
                uses.push(Use { source: service.source.clone(), rule, call, api });
            }
        }
    }
    uses
}

/// All that is described, whether a rule uses it or not.
fn described_calls() -> BTreeSet<String> {
    let services = Catalog::embedded().services().unwrap();
    let calls = services.iter().flat_map(|service| service.native.values().map(move |call| (service, call)));
    let described = calls.filter(|(_, call)| call.api.is_some());
    described.map(|(service, call)| format!("{} {}", service.source, call.name)).collect()
}

// ---- Resources as the rules find them ----

fn place(region: &str) -> Scope {
    let region = Region::new(region).unwrap();
    let partition = Partition::of_region(&region).unwrap();
    Scope { partition, region: Some(region), account: AccountId::new("111122223333") }
}

/// Puts a text at a path such as `response.instancesSet[].instanceId`, unless the place has a value.
fn put(parsed: &mut ParsedRecord, path: &str, text: &str) {
    let (root, steps) = path.split_once('.').unwrap();
    let mut at = match root {
        "request" => &mut parsed.request,
        "response" => &mut parsed.response,
        _ => &mut parsed.service,
    };
    for step in steps.split('.') {
        let (name, each) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
        if at.is_null() {
            *at = json!({});
        }
        at = at.as_object_mut().unwrap().entry(name).or_insert(Value::Null);
        if each {
            if at.is_null() {
                *at = json!([null]);
            }
            at = &mut at[0];
        }
    }
    if at.is_null() {
        *at = json!(text);
    }
}

/// The value at the path of an id: an ARN, a URL, or a name.
fn id_at(path: &str, one: &Use, place: &Scope, name: &str) -> String {
    let member = path.rsplit('.').next().unwrap().to_lowercase();
    let region = place.region.as_ref().unwrap();
    let suffix = place.partition.info().unwrap().dns_suffix;
    if member.ends_with("url") {
        return format!("https://{}.{region}.{suffix}/111122223333/{name}", one.api.name);
    }
    let region = if one.rule.global { "" } else { region.as_str() };
    let arn = |kind: &str| {
        let (service, resource) = kind.split_once(':').unwrap();
        // The last part that varies is the name; the parts before it take no slash.
        let (front, back) = resource.rsplit_once('*').unwrap_or((resource, ""));
        let last = if resource.contains('*') { name } else { "" };
        let resource = format!("{}{last}{back}", front.replace('*', "some-name"));
        format!("arn:{}:{service}:{region}:111122223333:{resource}", place.partition)
    };
    match one.rule.kinds.first() {
        Some(kind) if member.ends_with("arn") || one.rule.arn.is_none() => arn(&kind.to_string()),
        _ if member.ends_with("arn") => arn(&format!("{}:thing/*", one.source.split('.').next().unwrap())),
        _ => name.to_owned(),
    }
}

/// The resources that the rule finds in records made after it, one for each path of its id.
fn resources(one: &Use, region: &str, name: &str) -> Vec<Resource> {
    let (rule, place) = (&one.rule, place(region));
    let found = rule.id.iter().map(|path| {
        let (mut parsed, path) = (ParsedRecord::default(), path.to_string());
        put(&mut parsed, &path, &id_at(&path, one, &place, name));
        if let Some(when) = &rule.when {
            let text = when.is.first().map_or("some-text", String::as_str);
            put(&mut parsed, &when.path.to_string(), text);
        }
        let template = rule.arn.as_ref().map_or("", |template| template.as_str());
        let inside = template.split('{').skip(1).map(|part| part.split(['}', '|']).next().unwrap());
        inside.filter(|path| path.contains('.')).for_each(|path| put(&mut parsed, path, "some-name"));
        match rule.locate(&parsed, &place) {
            Located::Resources(mut found) if found.len() == 1 => found.remove(0),
            other => panic!("{} {} by {path}: {other:?}", one.source, rule.event),
        }
    });
    found.collect()
}

// ---- Asking botocore ----

/// A request of ours, and what botocore is asked about it.
struct Asked {
    /// For people.
    what: String,
    /// The call, and whether it writes or reads.
    call: (String, &'static str),
    ours: Request,
    protocol: Protocol,
    question: Value,
}

/// The requests that write and read (the first page, and a later one) the tags of a resource.
fn asked(one: &Use, resource: &Resource) -> Vec<Asked> {
    let region = resource.region.clone().unwrap();
    let Use { call, api, .. } = one;
    let ask = |kind, operation: &str, ours: Result<Request, String>, params: Map<String, Value>| {
        let what = format!("{} {kind} of {} in {region}", one.name(), resource.display());
        let question =
            json!({"service": api.name, "region": region.as_str(), "operation": operation, "params": params});
        let ours = ours.unwrap_or_else(|why| panic!("{what}: {why}"));
        Asked { what, call: (one.name(), kind), ours, protocol: api.protocol, question }
    };
    let input = declared_calls::write_input(call, resource, &TAGS).unwrap();
    let request = declared_calls::write_request(api, call, resource, &region, &TAGS);
    let mut all = vec![ask("write", &call.write.name, request, input)];
    if let Some(read) = &call.read {
        let pages: &[Option<&str>] = if read.next.is_some() { &[None, Some(TOKEN)] } else { &[None] };
        all.extend(pages.iter().map(|page| {
            let input = declared_calls::read_input(read, resource, *page).unwrap();
            let request = declared_calls::read_request(api, read, resource, &region, *page);
            ask("read", &read.operation.name, request, input)
        }));
    }
    all
}

/// The answers of the script beside this file to each question, in order.
fn botocore(questions: Vec<Value>) -> Vec<Value> {
    let count = questions.len();
    let python = Emulator::python(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/backend/botocore_requests.py");
    let mut python =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = python.stdin.take().unwrap();
    let asking = thread::spawn(move || {
        for question in questions {
            writeln!(stdin, "{question}").unwrap();
        }
    });
    let said = python.wait_with_output().unwrap().stdout;
    asking.join().unwrap();
    let said: Vec<Value> =
        String::from_utf8(said).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(said.len(), count, "the script said less than it was asked");
    said
}

// ---- Comparing ----

/// The parts of the request that differ from botocore's.
fn differences(asked: &Asked, theirs: &Value) -> Vec<String> {
    let ours = &asked.ours;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let header = |name: &str| {
        let header = ours.headers.iter().find(|(known, _)| known == name);
        header.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let url = text(&theirs["url"]);
    let (scheme, rest) = url.split_once("://").unwrap();
    let (host, target) = rest.split_at(rest.find('/').unwrap());
    let mut pairs = vec![
        ("method", ours.method.clone(), text(&theirs["method"])),
        ("scheme", "https".to_owned(), scheme.to_owned()),
        ("host", ours.host.clone(), host.to_owned()),
        ("path", path_of(&ours.target).to_owned(), path_of(target).to_owned()),
        ("query", query_of(&ours.target), query_of(target)),
        ("body", body_of(asked.protocol, &ours.body), body_of(asked.protocol, &text(&theirs["body"]))),
        ("signing name", ours.signing.clone(), text(&theirs["signed_for"]["name"])),
        ("signing region", ours.region.to_string(), text(&theirs["signed_for"]["region"])),
    ];
    for name in ["x-amz-target", "x-amz-account-id", "content-type"] {
        let of_botocore = text(&theirs["headers"][name]);
        // A body of ours may say what it is where botocore does not care to.
        if name != "content-type" || !of_botocore.is_empty() {
            pairs.push((name, header(name), of_botocore));
        }
    }
    let differs = pairs.into_iter().filter(|(_, ours, theirs)| ours != theirs);
    differs
        .map(|(what, ours, theirs)| format!("{}: {what}: `{ours}`, and not `{theirs}`", asked.what))
        .collect()
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap()
}

fn query_of(target: &str) -> String {
    let mut pairs: Vec<&str> = target.split_once('?').map_or("", |(_, query)| query).split('&').collect();
    pairs.sort_unstable();
    // `?name` is `?name=`.
    let pairs: Vec<&str> = pairs.iter().map(|pair| pair.trim_end_matches('=')).collect();
    pairs.join(" ")
}

/// The body in one way of writing, if it can be read at all.
fn body_of(protocol: Protocol, body: &str) -> String {
    match protocol {
        _ if body.is_empty() => String::new(),
        Protocol::Query => {
            let decoded = |text: &str| {
                let text = text.replace('+', " ");
                percent_encoding::percent_decode_str(&text).decode_utf8().unwrap().into_owned()
            };
            let mut fields: Vec<String> = body.split('&').map(decoded).collect();
            fields.sort();
            fields.join("\n")
        }
        Protocol::RestXml => xml_of(Document::parse(body).unwrap().root_element()),
        _ => body.parse::<Value>().unwrap_or_else(|error| panic!("{body}: {error}")).to_string(),
    }
}

fn xml_of(node: Node<'_, '_>) -> String {
    let name = node.tag_name();
    let namespace = name.namespace().unwrap_or_default();
    let attributes = node.attributes().map(|one| format!(" {}={:?}", one.name(), one.value()));
    let inside = node.children().map(|child| match child.text() {
        Some(text) if child.is_text() => format!("{text:?}"),
        _ => xml_of(child),
    });
    let (attributes, inside): (String, String) = (attributes.collect(), inside.collect());
    format!("<{{{namespace}}}{}{attributes}>{inside}</>", name.name())
}

/// Compares all; how many were compared, and which calls. Where botocore has no answer, nothing is compared.
fn compare(all: &[Asked]) -> (usize, BTreeSet<(String, &'static str)>, Vec<String>) {
    let (mut compared, mut calls, mut errors) = (0, BTreeSet::new(), Vec::new());
    for (asked, theirs) in all.iter().zip(botocore(all.iter().map(|one| one.question.clone()).collect())) {
        if let Some(error) = theirs["error"].as_str() {
            errors.push(format!("{}: botocore: {error}", asked.what));
            continue;
        }
        compared += 1;
        calls.insert(asked.call.clone());
        errors.extend(differences(asked, &theirs));
    }
    (compared, calls, errors)
}

#[test]
fn requests_are_those_of_botocore() {
    let mut all = Vec::new();
    for one in uses() {
        let awkward = (!PLAIN_ONLY.contains(&one.api.name.as_str())).then_some(AWKWARD);
        for name in awkward.into_iter().chain([PLAIN]) {
            all.extend(resources(&one, "eu-west-1", name).iter().flat_map(|resource| asked(&one, resource)));
        }
    }
    let (compared, calls, errors) = compare(&all);
    assert!(errors.is_empty(), "{} of {}:\n{}", errors.len(), all.len(), errors.join("\n"));
    assert_eq!(compared, all.len());
    let every = described_calls().into_iter().flat_map(|call| [(call.clone(), "read"), (call, "write")]);
    assert_eq!(calls, every.collect(), "calls that no rule uses, or that cannot read");
}

#[test]
fn requests_of_other_partitions_go_where_botocore_sends_them() {
    let regions = ["cn-north-1", "us-gov-west-1", "eusc-de-east-1"];
    let mut all = Vec::new();
    for one in uses() {
        for region in regions {
            all.extend(resources(&one, region, PLAIN).iter().flat_map(|resource| asked(&one, resource)));
        }
    }
    let (compared, _, errors) = compare(&all);
    let (skipped, errors): (Vec<String>, Vec<String>) =
        errors.into_iter().partition(|error| error.contains(": botocore: "));
    assert!(errors.is_empty(), "{} of {}:\n{}", errors.len(), all.len(), errors.join("\n"));
    assert!(
        compared >= 1_800,
        "only {compared} compared; botocore has no answer to:\n{}",
        skipped.join("\n")
    );
}

/// The answer has our tags, every other text is "a " and its name; lists have two elements.
#[test]
fn answers_are_read_where_the_models_have_the_tags() {
    let reads: Vec<(String, Arc<Api>, ReadCall)> = {
        let of_use = |one: &Use| Some((one.name(), Arc::clone(&one.api), one.call.read.clone()?));
        uses().iter().filter_map(of_use).collect()
    };
    let question = |(_, api, read): &(String, Arc<Api>, ReadCall)| json!({"service": api.name, "region": "us-east-1", "operation": read.operation.name});
    let mut faults = BTreeSet::new();
    for ((name, api, read), said) in reads.iter().zip(botocore(reads.iter().map(question).collect())) {
        let Some(body) = said["body"].as_str() else {
            faults.insert(format!("{name}: {said}"));
            continue;
        };
        let found = declared_calls::tags_in(api, read, body).map(BTreeSet::from_iter);
        let want = TAGS.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        if found.as_ref() != Some(&want) {
            faults.insert(format!("{name}: reads {found:?} in {body}"));
        }
        let next = read.next.as_ref().map(|next| format!("a {}", next.from));
        if declared_calls::next_page(api, read, body) != next {
            faults.insert(format!("{name}: does not find the next page in {body}"));
        }
        let ours = read.next.as_ref().map(|next| json!({"from": next.from, "as": next.to}));
        let pages = said["pages"].is_object() && !ONE_PAGE.contains(&api.name.as_str());
        if pages && ours.as_ref() != Some(&said["pages"]) {
            faults.insert(format!("{name}: pages by {ours:?}, and not by {}", said["pages"]));
        }
    }
    assert!(faults.is_empty(), "{}", faults.into_iter().collect::<Vec<_>>().join("\n"));
    let read: BTreeSet<String> = reads.into_iter().map(|(name, ..)| name).collect();
    assert_eq!(read, described_calls());
}
