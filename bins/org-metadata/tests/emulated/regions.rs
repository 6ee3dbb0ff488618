//! In which regions an account is active, and what is said where that cannot be known.

use crate::emulated_aws::{ALPHA, HEADER, csv};
use crate::setup::{DISABLED, REGIONS, Setup};
use autotag_testkit::{Call, Fault, Reply};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Mutex;

/// Behind the usual columns.
const MORE: &str = "+Scan_Status,Unknown_Regions";

#[test]
fn every_enabled_region_is_scanned_and_no_other() {
    let setup = Setup::new("every-region");
    // AWS marks the last page like this; moto has no mark.
    setup.change("GetResources", |_, _, answer| answer["PaginationToken"] = json!(""));
    setup.run(&["--tenant", ALPHA]).ended(0);
    let web = setup.aws.id("alpha", "web");
    let mut asked: Vec<String> = Vec::new();
    for call in setup.calls("GetResources") {
        assert_ne!(call.region, DISABLED);
        assert_eq!(call.json()["ResourcesPerPage"], 100);
        if setup.keys.account(&call) == web {
            asked.push(call.region);
        }
    }
    asked.sort();
    assert_eq!(asked, REGIONS, "one call a region, whatever is in it");
}

/// AWS answers pages without anything on them, and the rest behind.
#[test]
fn empty_pages_are_not_the_end() {
    let setup = Setup::new("empty-pages");
    let first: Mutex<Option<Value>> = Mutex::default();
    let web = setup.aws.id("alpha", "web").to_owned();
    setup.proxy.rewrite("/", {
        let keys = setup.keys.clone();
        move |call, reply| {
            let here = call.operation == "GetResources" && call.region == "eu-west-1";
            if !here || keys.account(call) != web {
                return reply;
            }
            let empty = |token: &str| json!({ "ResourceTagMappingList": [], "PaginationToken": token });
            let answer = match call.json()["PaginationToken"].as_str() {
                None => {
                    *first.lock().unwrap() = serde_json::from_slice(&reply.body).ok();
                    empty("second")
                }
                Some("second") => empty("third"),
                // Moto refuses a token that it does not know, so this is its first answer.
                _ => first.lock().unwrap().take().unwrap(),
            };
            Reply::json(200, &answer)
        }
    });
    let run = setup.run(&["--tenant", ALPHA]);
    assert_eq!(run.ended(0).csv(ALPHA), csv(HEADER, &setup.aws.alpha()));
    let web = setup.aws.id("alpha", "web");
    let here = |call: &&Call| call.region == "eu-west-1" && setup.keys.account(call) == web;
    assert_eq!(setup.calls("GetResources").iter().filter(here).count(), 3);
}

#[test]
fn previously_tagged_resources_do_not_activate_a_region() {
    let setup = Setup::new("tagged-once");
    let data = setup.aws.id("alpha", "data").to_owned();
    setup.change("GetResources", move |call, account, answer| {
        if account == data && call.region == "us-east-1" {
            let resources = answer["ResourceTagMappingList"].as_array_mut().unwrap();
            assert!(!resources.is_empty());
            for resource in resources {
                resource["Tags"] = json!([]);
            }
        }
    });
    let run = setup.run(&["--tenant", ALPHA]);
    let mut rows = setup.aws.alpha();
    rows[2] = rows[2].replace("multi,\"eu-west-2,us-east-1\"", "UK,eu-west-2");
    assert_eq!(run.ended(0).csv(ALPHA), csv(HEADER, &rows));
}

/// Moto lists buckets in every region, which is what must not be believed.
#[test]
fn buckets_count_in_their_region_and_global_resources_in_none() {
    let setup = Setup::new("global");
    setup.change("GetResources", |_, account, answer| {
        let tags = json!([{ "Key": "Team", "Value": "shop" }]);
        let arns = [
            format!("arn:aws:iam::{account}:role/deploy"),
            format!("arn:aws:cloudfront::{account}:distribution/E1"),
            "arn:aws:route53:::hostedzone/Z1".to_owned(),
            // Of another region than the one that is asked.
            format!("arn:aws:sqs:us-east-2:{account}:elsewhere"),
            "no ARN at all".to_owned(),
        ];
        let more = arns.map(|arn| json!({ "ResourceARN": arn, "Tags": tags }));
        answer["ResourceTagMappingList"].as_array_mut().unwrap().extend(more);
    });
    let run = setup.run(&["--tenant", ALPHA]);
    let mut rows = setup.aws.alpha();
    let us_east_2 = [
        ("US,us-west-2", "US,\"us-east-2,us-west-2\""),
        ("EU,\"eu-north-1,eu-west-1\"", "multi,\"eu-north-1,eu-west-1,us-east-2\""),
        ("\"eu-west-2,us-east-1\"", "\"eu-west-2,us-east-1,us-east-2\""),
        ("BR,sa-east-1", "multi,\"sa-east-1,us-east-2\""),
        ("US,us-east-1", "US,\"us-east-1,us-east-2\""),
        ("ACTIVE,,,", "ACTIVE,US,us-east-2,"),
        ("ACTIVE,,,", "ACTIVE,US,us-east-2,"),
    ];
    for (row, (before, after)) in rows.iter_mut().zip(us_east_2) {
        assert!(row.contains(before), "{row}");
        *row = row.replacen(before, after, 1);
    }
    assert_eq!(run.ended(0).csv(ALPHA), csv(HEADER, &rows));
    let files = setup.aws.id("alpha", "files");
    let asked = |call: &&Call| call.service == "s3" && setup.keys.account(call) == files;
    assert!(setup.proxy.calls().iter().any(|call| asked(&call)), "by the account's own role");
}

/// The oldest European region has another name there.
#[test]
fn a_bucket_in_eu_is_in_ireland() {
    let setup = Setup::new("eu-bucket");
    setup.proxy.rewrite("/old-files-of-alpha", |_, reply| {
        let body =
            "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">EU</LocationConstraint>";
        Reply::xml(reply.status, body)
    });
    let run = setup.run(&["--tenant", ALPHA]);
    let mut rows = setup.aws.alpha();
    rows[4] = rows[4].replace("US,us-east-1", "EU,eu-west-1");
    assert_eq!(run.ended(0).csv(ALPHA), csv(HEADER, &rows));
}

/// S3 does not say where, but that it is not here.
#[test]
fn a_bucket_in_another_region_is_not_unknown() {
    let setup = Setup::new("redirected");
    setup.proxy.rule(|call| {
        let (status, code) = match call.region.as_str() {
            "sa-east-1" => return None,
            region if region.starts_with("us-") => (301, "PermanentRedirect"),
            region if region.starts_with("eu-w") => (400, "AuthorizationHeaderMalformed"),
            _ => (404, "NoSuchBucket"),
        };
        let message = "use another endpoint".to_owned();
        let fault = || Fault::Refused { status, code: code.to_owned(), message };
        call.path.starts_with("/files-of-alpha").then(fault)
    });
    let run = setup.run(&["--tenant", ALPHA]);
    assert_eq!(run.ended(0).csv(ALPHA), csv(HEADER, &setup.aws.alpha()));
    assert_eq!(setup.proxy.faulted(), REGIONS.len() as u64 - 1, "asked for in each region");
}

#[test]
fn a_denied_bucket_lookup_leaves_the_region_unknown() {
    let setup = Setup::new("denied-bucket");
    setup.refuse("AccessDenied", |call, _| call.path.starts_with("/files-of-alpha"));
    let run = setup.run(&["--tenant", ALPHA, "--columns", MORE]);
    let row = run.ended(1).csv(ALPHA).lines().nth(4).unwrap().to_owned();
    let wanted = setup.aws.alpha()[3].replace("BR,sa-east-1", ",");
    assert_eq!(row, format!("{wanted},denied,\"{}\"", REGIONS.join(",")));
}

#[test]
fn without_list_regions_ec2_lists_the_enabled_regions() {
    let setup = Setup::new("no-list-regions");
    let (denied, missing) = (setup.aws.id("alpha", "web"), setup.aws.id("alpha", "data"));
    setup.refuse("AccessDeniedException", {
        let denied = denied.to_owned();
        move |call, account| call.service == "account" && account == denied
    });
    setup.proxy.rule({
        let (keys, missing) = (setup.keys.clone(), missing.to_owned());
        move |call| {
            let here = call.service == "account" && keys.account(call) == missing;
            here.then(|| Fault::Answered(Reply::new(404, "text/html", "<title>404 Not Found</title>")))
        }
    });
    let run = setup.run(&["--tenant", ALPHA]);
    assert_eq!(run.ended(0).csv(ALPHA), csv(HEADER, &setup.aws.alpha()));
    let calls = setup.calls("DescribeRegions");
    let asked: BTreeSet<String> = calls.iter().map(|call| setup.keys.account(call)).collect();
    assert_eq!(asked, BTreeSet::from([denied, missing].map(str::to_owned)), "only where it is needed");
    let all = |call: &Call| call.field("AllRegions").is_some_and(|all| all == "true");
    assert!(calls.len() == 2 && !calls.iter().any(all), "those that are not enabled, too");
}

#[test]
fn without_both_apis_the_regions_are_unknown() {
    let setup = Setup::new("no-regions-at-all");
    let web = setup.aws.id("alpha", "web").to_owned();
    let denied = web.clone();
    setup.refuse("AccessDeniedException", move |call, account| {
        account == denied && (call.service == "account" || call.operation == "DescribeRegions")
    });
    let run = setup.run(&["--tenant", ALPHA, "--columns", "+Scan_Status"]);
    let row = run.ended(1).csv(ALPHA).lines().nth(2).unwrap().to_owned();
    let wanted = setup.aws.alpha()[1].replace("EU,\"eu-north-1,eu-west-1\"", ",");
    assert_eq!(row, format!("{wanted},denied"));
    assert_eq!(run.errors(&web), ["enabled_regions ListRegions AccessDeniedException"]);
    run.said(&[&web, "enabled regions unknown"]);
}

#[test]
fn a_denied_region_is_unknown_and_the_others_are_known() {
    let setup = Setup::new("denied-region");
    let web = setup.aws.id("alpha", "web").to_owned();
    let denied = web.clone();
    setup.refuse("AccessDeniedException", move |call, account| {
        account == denied && call.operation == "GetResources" && call.region == "eu-west-1"
    });
    let run = setup.run(&["--tenant", ALPHA, "--columns", MORE]);
    let row = run.ended(1).csv(ALPHA).lines().nth(2).unwrap().to_owned();
    let wanted = setup.aws.alpha()[1].replace("\"eu-north-1,eu-west-1\"", "eu-north-1");
    assert_eq!(row, format!("{wanted},denied,eu-west-1"));
    assert_eq!(run.errors(&web), ["region eu-west-1 GetResources AccessDeniedException"]);
    run.said(&[&web, "eu-west-1 unknown"]);
}

#[test]
fn a_repeated_token_leaves_the_region_unknown() {
    let setup = Setup::new("same-token");
    let untagged = setup.aws.id("alpha", "untagged").to_owned();
    setup.proxy.rewrite("/", {
        let (keys, untagged) = (setup.keys.clone(), untagged.clone());
        move |call, reply| {
            let here = call.operation == "GetResources" && call.region == "eu-west-1";
            if !here || keys.account(call) != untagged {
                return reply;
            }
            Reply::json(200, &json!({ "ResourceTagMappingList": [], "PaginationToken": "again" }))
        }
    });
    let run = setup.run(&["--tenant", ALPHA, "--columns", MORE]);
    let row = run.ended(1).csv(ALPHA).lines().nth(7).unwrap().to_owned();
    assert_eq!(row, format!("{},failed,eu-west-1", setup.aws.alpha()[6]));
    assert_eq!(run.errors(&untagged), ["region eu-west-1 GetResources PagingDoesNotEnd"]);
    let here = |call: &Call| call.region == "eu-west-1" && setup.keys.account(call) == untagged;
    assert_eq!(setup.calls("GetResources").iter().filter(|call| here(call)).count(), 2);
}

#[test]
fn regions_in_no_group_are_named() {
    let setup = Setup::new("unmapped");
    let run = setup.run(&["--tenant", ALPHA, "--columns", "Account_Name,All_Regions,Unmapped_Regions"]);
    let lines: Vec<&str> = run.ended(0).csv(ALPHA).lines().collect();
    assert!(lines.contains(&"far away,eu-central-1,eu-central-1"), "{lines:?}");
    assert!(lines.contains(&"data,\"eu-central-1,eu-west-2,us-east-1\",eu-central-1"), "{lines:?}");
    assert_eq!(run.manifest()["unmapped_regions"], json!({ "eu-central-1": 2 }));
}

#[test]
fn groups_of_ones_own() {
    let setup = Setup::new("own-groups");
    let file = setup.folder().join("groups.toml");
    std::fs::write(&file, "[groups]\nDE = [\"eu-central-1\"]\n").unwrap();
    let args = ["--tenant", ALPHA, "--region-groups", file.to_str().unwrap()];
    let run = setup.run(&[&args[..], &["--columns", "Account_Name,Region_Group,Regions"]].concat());
    let lines: Vec<&str> = run.ended(0).csv(ALPHA).lines().collect();
    assert_eq!(lines[1..4], ["master,,", "web,,", "data,DE,eu-central-1"]);
}
