//! Account tags: their keys, their pages, and their columns.

use crate::emulated_aws::{ALPHA, GAMMA, HEADER, csv};
use crate::setup::Setup;
use serde_json::json;

/// Each account of gamma has the names from its own on, with the last one first: that each has its own name's value says
/// that every name is known, and goes before all that follow.
#[test]
fn tag_keys_are_tried_in_order() {
    let setup = Setup::new("names-of-tags");
    let run = setup.run(&["--tenant", GAMMA]);
    assert_eq!(run.ended(0).csv(GAMMA), csv(HEADER, &setup.aws.gamma()));
}

#[test]
fn one_name_alone_is_enough() {
    let setup = Setup::new("one-name");
    // The first that moto answers is the last name there is; the last one is the account's own.
    setup.change("ListTagsForResource", |_, _, answer| {
        let tags = answer["Tags"].as_array_mut().unwrap();
        let own = |tags: &[serde_json::Value], start: &[&str]| {
            let fits = |tag: &&serde_json::Value| start.contains(&tag["Key"].as_str().unwrap());
            tags.iter().rfind(fits).cloned()
        };
        let environment = own(tags, &["environment", "Environment", "ENVIRONMENT", "env", "Env", "ENV"]);
        let aide_id = own(tags, &["aide-id", "AIDE_ID", "AIDE-ID", "aide_id", "aideId", "AideId"]);
        *tags = environment.into_iter().chain(aide_id).collect();
    });
    let run = setup.run(&["--tenant", GAMMA]);
    assert_eq!(run.ended(0).csv(GAMMA), csv(HEADER, &setup.aws.gamma()));
}

#[test]
fn tags_on_later_pages_count_and_pages_may_be_empty() {
    let setup = Setup::new("pages-of-tags");
    // One tag a page, and every other page empty. Moto has no pages, and answers everything to any token.
    setup.change("ListTagsForResource", |call, _, answer| {
        let at: usize = call.json()["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let tags = answer["Tags"].as_array().unwrap().clone();
        let here = tags.get(at / 2).filter(|_| at % 2 == 1);
        *answer = json!({ "Tags": here.into_iter().collect::<Vec<_>>() });
        if at / 2 < tags.len() {
            answer["NextToken"] = json!((at + 1).to_string());
        }
    });
    let run = setup.run(&["--tenant", GAMMA]);
    assert_eq!(run.ended(0).csv(GAMMA), csv(HEADER, &setup.aws.gamma()));
    assert!(setup.calls("ListTagsForResource").len() > 100);
}

#[test]
fn unknown_tags_are_not_taken_for_none() {
    let setup = Setup::new("denied-tags");
    let web = setup.aws.id("alpha", "web").to_owned();
    let denied = web.clone();
    setup.refuse("AccessDeniedException", move |call, _| {
        call.operation == "ListTagsForResource" && call.mentions(&denied)
    });
    let run = setup.run(&["--tenant", ALPHA, "--columns", "+Scan_Status,+Tag:CostCenter"]);
    let row = run.ended(1).csv(ALPHA).lines().nth(2).unwrap().to_owned();
    let wanted = setup.aws.alpha()[1].replace("prod,A-100", ",");
    assert_eq!(row, format!("{wanted},denied,"), "its regions are known");
    assert_eq!(run.errors(&web), ["tags ListTagsForResource AccessDeniedException"]);
    run.said(&[&web, "tags unknown"]);
}

#[test]
fn any_tag_can_have_a_column() {
    let setup = Setup::new("tag-columns");
    let run = setup.run(&["--tenant", ALPHA, "--columns", "Account_Name,Tag:CostCenter,Tag:Owner"]);
    let lines: Vec<&str> = run.ended(0).csv(ALPHA).lines().take(4).collect();
    assert_eq!(
        lines,
        ["Account_Name,Tag:CostCenter,Tag:Owner", "master,,", "web,42,", "data,,data@example.com"]
    );
}
