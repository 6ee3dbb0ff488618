//! Every rule of the catalogue finds what it says it finds, in a record made after the rule itself.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

use autotag_handlers::classify::{Classification, Classifier};
use autotag_model::arn::AccountId;
use autotag_model::rule::{Resource, Rule, ServiceRules, TagCall};
use serde_json::json;

#[expect(dead_code, reason = "each test file uses a part of it")]
mod common;
#[path = "common/found.rs"]
mod found;
#[path = "common/made.rs"]
mod made;

use made::{arn_of, record_for};

/// True if the tag call of a rule takes only ARNs.
fn takes_arn(rule: &Rule) -> bool {
    match &rule.call {
        TagCall::TaggingApi => true,
        TagCall::Native(call) => call.takes_arn(),
        _ => false,
    }
}

/// The fault in the resources found in a rule's own record, if there is one.
fn fault(rule: &Rule, found: &[Resource]) -> Option<String> {
    let kinds: Vec<&str> = found.iter().map(|resource| resource.resource_type.as_str()).collect();
    if kinds != [rule.resource_type.as_str()] {
        return Some(format!("finds {kinds:?}"));
    }
    let resource = found.first()?;
    let name = resource.display();
    if name.is_empty() || name.contains(['{', '}']) {
        return Some(format!("names it `{name}`"));
    }
    match &resource.arn {
        Some(arn) => {
            let here = AccountId::new(common::HERE).unwrap();
            if arn.account().is_some_and(|account| account != here) {
                return Some(format!("{arn} lies in another account"));
            }
        }
        None if rule.arn.is_some() => return Some("has a template and gives no ARN".to_owned()),
        None if takes_arn(rule) => return Some("the tag call takes ARNs only".to_owned()),
        None => {}
    }
    if resource.account.is_none() || resource.region.is_none() {
        return Some(format!("{name} lies nowhere"));
    }
    None
}

fn every_rule(mut visit: impl FnMut(&Classifier, &ServiceRules, &Rule)) {
    let classifier = common::classifier();
    for service in classifier.catalog().services().unwrap() {
        for rule in &service.rules {
            visit(&classifier, &service, rule);
        }
    }
}

#[test]
fn every_rule_finds_its_resource_by_each_of_its_paths() {
    let (mut faults, mut tried) = (Vec::new(), 0);
    every_rule(|classifier, service, rule| {
        for path in &rule.id {
            let path = path.to_string();
            let what = format!("{} {} {} by {path}", service.source, rule.event, rule.resource_type);
            // Without a template the id must be an ARN, or the call takes ids.
            let full = arn_of(rule, common::HERE);
            let by_arn = rule.arn.is_none() && (takes_arn(rule) || rule.call == TagCall::None);
            let id = if by_arn { full.as_str() } else { "x-1" };
            tried += 1;
            match record_for(service, rule, &path, id) {
                Err(why) => faults.push(format!("{what}: {why}")),
                Ok(record) => {
                    let found = found::resources(common::classify(classifier, &record));
                    faults.extend(fault(rule, &found).map(|why| format!("{what}: {why}")));
                }
            }
        }
    });
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
    assert!(tried >= 350, "{tried}");
}

#[test]
fn every_rule_leaves_alone_what_lies_in_another_account() {
    let mut faults = Vec::new();
    every_rule(|classifier, service, rule| {
        for path in &rule.id {
            let foreign = arn_of(rule, "444455556666");
            let Ok(record) = record_for(service, rule, &path.to_string(), &foreign) else { continue };
            let Classification::Creation(found) = common::classify(classifier, &record) else { continue };
            let foreign = found.targets.iter().filter_map(|target| target.resource.arn.as_ref()?.account());
            if foreign.into_iter().any(|account| account.as_str() != common::HERE) {
                faults.push(format!("{} {} by {path}", service.source, rule.event));
            }
        }
    });
    assert_eq!(faults, Vec::<String>::new());
}

/// If an answer names another resource as well, a mistaken path must not lead to it.
#[test]
fn no_rule_takes_the_arn_of_another_kind_or_region() {
    let (mut faults, mut refused) = (Vec::new(), 0);
    every_rule(|classifier, service, rule| {
        // A resource that AWS cannot tag is shown by its id, and never written to.
        if rule.call == TagCall::None {
            return;
        }
        let role = format!("arn:aws:iam::{}:decoy/Admin", common::HERE);
        let elsewhere = arn_of(rule, common::HERE).replacen("::", ":ap-south-2:", 1);
        let decoys = [(role, true), (elsewhere, !rule.in_any_region)];
        for (decoy, _) in decoys.iter().filter(|(_, applies)| *applies) {
            for path in rule.id.iter().map(ToString::to_string) {
                let record = record_for(service, rule, &path, decoy).unwrap();
                let found = found::resources(common::classify(classifier, &record));
                let names_it =
                    found.iter().any(|found| found.arn.as_ref().is_some_and(|arn| arn.to_string() == *decoy));
                refused += usize::from(found.is_empty());
                faults.extend(
                    names_it.then(|| format!("{} {} by {path}: {decoy}", service.source, rule.event)),
                );
            }
        }
    });
    assert_eq!(faults, Vec::<String>::new());
    assert!(refused > 200, "{refused}");
}

/// Names are chosen by the caller, and some services allow `:` in them. A name that looks like the ARN of somebody else's
/// resource must not lead there.
#[test]
fn no_rule_takes_a_name_for_an_arn() {
    let victim = format!("arn:aws:victim:eu-west-1:{}:thing/orders", common::HERE);
    let mut faults = Vec::new();
    every_rule(|classifier, service, rule| {
        for path in rule.id.iter().map(ToString::to_string) {
            if rule.arn.is_none() || path.to_lowercase().ends_with("arn") {
                continue;
            }
            let record = record_for(service, rule, &path, &victim).unwrap();
            if found::resources(common::classify(classifier, &record))
                .iter()
                .any(|found| found.display() == victim)
            {
                faults.push(format!("{} {} by {path}", service.source, rule.event));
            }
        }
    });
    assert!(faults.is_empty(), "{} rules:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn newer_ec2_records_are_wrapped_once_more() {
    let mut faults = Vec::new();
    every_rule(|classifier, service, rule| {
        if service.source != "ec2.amazonaws.com" {
            return;
        }
        let mut record = record_for(service, rule, &rule.id[0].to_string(), "x-1").unwrap();
        for (field, suffix) in [("requestParameters", "Request"), ("responseElements", "Response")] {
            let inner = record[field].take();
            record[field] = json!({ format!("{}{suffix}", rule.event): inner });
        }
        let found = found::resources(common::classify(classifier, &record));
        faults.extend(fault(rule, &found).map(|why| format!("{} {}: {why}", rule.event, rule.resource_type)));
    });
    assert_eq!(faults, Vec::<String>::new());
}

/// A response that CloudTrail has cut may have named a resource: that is never passed over in silence.
#[test]
fn a_cut_record_of_a_creation_is_never_silent() {
    let cut = json!({"omitted": true, "originalSize": 120_000});
    let mut silent = Vec::new();
    every_rule(|classifier, service, rule| {
        // An event that creates only sometimes does not count as a creation.
        if classifier
            .catalog()
            .find(&service.source, &rule.event)
            .unwrap()
            .iter()
            .all(|rule| rule.when.is_some())
        {
            return;
        }
        let mut record = common::call(0, &common::user("mara"), "x:y", &cut, &cut);
        record["eventSource"] = json!(service.source);
        record["eventName"] = json!(rule.event);
        let Classification::Rejected(rows) = common::classify(classifier, &record) else {
            silent.push(format!("{} {}", service.source, rule.event));
            return;
        };
        assert!(
            rows.iter().any(|row| row.status.is_returned()),
            "{} {}: {rows:?}",
            service.source,
            rule.event
        );
    });
    silent.dedup();
    assert_eq!(silent, Vec::<String>::new());
}
