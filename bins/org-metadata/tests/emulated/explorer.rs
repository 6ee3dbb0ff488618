//! `--detect explorer`: what Resource Explorer knows, also of what was never tagged. Moto lacks it; here it is a route.

use crate::emulated_aws::{ALPHA, HEADER, csv};
use crate::setup::Setup;
use autotag_testkit::{Call, Reply};
use serde_json::{Value, json};

/// The regions of resources, by account. Some regions have several, so that a search has more than one page.
const THERE: [(&str, &[&str]); 5] = [
    ("web", &["eu-west-1", "eu-west-1", "eu-west-1", "eu-west-1", "eu-north-1", "global"]),
    ("data", &["us-east-1", "ap-south-1", "us-east-1"]),
    ("files", &["global", "global", "global"]),
    ("untagged", &["eu-west-2"]),
    ("closed", &["eu-west-1"]),
];

/// The number of resources on a page.
const PAGE: usize = 2;

fn with_explorer(prefix: &'static str) -> Setup {
    let setup = Setup::new(prefix);
    let there: Vec<(String, &[&str])> = THERE
        .iter()
        .map(|(account, regions)| (setup.aws.id("alpha", account).to_owned(), *regions))
        .collect();
    setup
        .proxy
        .route("/Search", move |call| (call.service == "resource-explorer-2").then(|| search(call, &there)));
    setup
}

/// Finds what the query asks for: `accountid:1 -region:x -region:y`. The first page is empty.
fn search(call: &Call, there: &[(String, &[&str])]) -> Reply {
    let asked = call.json();
    let query = asked["QueryString"].as_str().unwrap();
    let words =
        |start: &str| query.split(' ').filter_map(|word| word.strip_prefix(start)).collect::<Vec<_>>();
    let (accounts, without) = (words("accountid:"), words("-region:"));
    assert_eq!(accounts.len(), 1, "{query}");
    let regions =
        there.iter().filter(|(account, _)| account == accounts[0]).flat_map(|(_, regions)| *regions);
    let found: Vec<Value> = regions
        .filter(|region| !without.contains(*region))
        .map(|region| json!({ "Arn": "arn:aws:x", "OwningAccountId": accounts[0], "Region": region }))
        .collect();
    let at: usize = asked["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
    let pages: Vec<&[Value]> = std::iter::once(&[][..]).chain(found.chunks(PAGE)).collect();
    let next = (at + 1 < pages.len()).then(|| (at + 1).to_string());
    let count = json!({ "TotalResources": found.len(), "Complete": true });
    Reply::json(200, &json!({ "Resources": pages[at], "NextToken": next, "Count": count }))
}

#[test]
fn explorer_finds_regions_of_all_resources_without_entering_accounts() {
    let setup = with_explorer("explorer");
    let run = setup.run(&[
        "--tenant",
        ALPHA,
        "--detect",
        "explorer",
        "--explorer-region",
        "eu-west-2",
        "--rate",
        "Search=900",
    ]);
    let mut rows = setup.aws.alpha();
    for (row, before, after) in [
        (0, "US,us-west-2", ","),
        (2, "multi,\"eu-west-2,us-east-1\"", "US,us-east-1"),
        (3, "BR,sa-east-1", ","),
        (4, "US,us-east-1", ","),
        (6, "ACTIVE,,", "ACTIVE,UK,eu-west-2"),
    ] {
        assert!(rows[row].contains(before), "{}", rows[row]);
        rows[row] = rows[row].replacen(before, after, 1);
    }
    assert_eq!(run.ended(0).csv(ALPHA), csv(HEADER, &rows));
    assert_eq!(setup.entered(), [ALPHA], "by the organization's role alone");
    let searches: Vec<Call> =
        setup.proxy.calls().into_iter().filter(|call| call.service == "resource-explorer-2").collect();
    let closed = setup.aws.id("alpha", "closed");
    for search in &searches {
        assert_eq!((setup.keys.account(search).as_str(), search.region.as_str()), (ALPHA, "eu-west-2"));
        assert!(!search.mentions(closed), "a suspended account is not looked for");
    }
    assert_eq!(run.manifest()["unmapped_regions"], json!({ "ap-south-1": 1 }));
    let is_of_accounts = |call: &Call| call.mentions("organizations:account");
    assert!(setup.calls("GetResources").iter().all(is_of_accounts), "only account tags are asked for");
}

#[test]
fn without_a_view_regions_are_unknown() {
    let setup = Setup::new("no-view");
    setup.refuse("UnauthorizedException", |call, _| call.service == "resource-explorer-2");
    let run = setup.run(&[
        "--tenant",
        ALPHA,
        "--detect",
        "explorer",
        "--columns",
        "Account_Name,Scan_Status,Regions",
    ]);
    let lines: Vec<&str> = run.ended(1).csv(ALPHA).lines().collect();
    assert_eq!(lines[1..3], ["master,denied,", "web,denied,"]);
    assert_eq!(lines.last(), Some(&"closed,suspended,"));
    assert_eq!(run.errors(setup.aws.id("alpha", "web")), ["other_regions Search UnauthorizedException"]);
}

#[test]
fn regions_found_before_a_failed_search_are_reported() {
    let setup = with_explorer("half-explored");
    setup.refuse("AccessDeniedException", |call, _| {
        call.service == "resource-explorer-2" && call.mentions("-region:eu-west-1")
    });
    let run = setup.run(&[
        "--tenant",
        ALPHA,
        "--detect",
        "explorer",
        "--columns",
        "Account_Name,Scan_Status,Regions",
    ]);
    let lines: Vec<&str> = run.ended(1).csv(ALPHA).lines().collect();
    assert!(lines.contains(&"web,denied,eu-west-1") && lines.contains(&"data,ok,us-east-1"), "{lines:?}");
}
