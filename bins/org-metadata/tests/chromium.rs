//! The page of a report in headless Chromium: made by the real binary, of an organization whose names and tags are hostile.
//!
//! It needs Chromium, and is therefore run by name only: `cargo test -p org-metadata --test chromium`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests are tests")]

use autotag_testkit::browser::{self, Browser, between};
use autotag_testkit::{Call, Fault, Proxy, Reply};
use serde_json::{Value, json};
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;

const MANAGEMENT: &str = "111122223333";
const CLOSED: &str = "111122220006";
const DENIED: &str = "111122220007";

/// Each would change the title of the page if it were more than a text.
const SCRIPT: &str = "<script>document.title='taken'</script>";
const CLOSING: &str = "</bdi></td></style></script><script>document.title='taken'</script>";
const HANDLER: &str =
    "\" autofocus onfocus=\"document.title='taken'\" x=\"<img src=x onerror=document.title='taken'>";
const BACKWARDS: &str = "\u{202e}evil\u{2066} \u{5e9}\u{5dc}\u{5d5}\u{5dd}";

/// Id, name, and the environment if it is known.
const ACCOUNTS: [(&str, &str, Option<&str>); 8] = [
    (MANAGEMENT, "management", Some("prod")),
    ("111122220001", SCRIPT, Some(SCRIPT)),
    ("111122220002", CLOSING, Some(CLOSING)),
    ("111122220003", HANDLER, Some(HANDLER)),
    ("111122220004", BACKWARDS, Some("~unset")),
    ("111122220005", "with\0nul", None),
    (CLOSED, "closed", None),
    (DENIED, "denied", Some("prod")),
];

/// The page, and its folder.
struct Page {
    folder: TempDir,
    path: PathBuf,
}

/// A page as Chromium has loaded it.
struct Shown(browser::Shown);

impl Deref for Shown {
    type Target = browser::Shown;

    fn deref(&self) -> &browser::Shown {
        &self.0
    }
}

fn answer(call: &Call) -> Option<Reply> {
    let body = call.json();
    let answer = match call.operation.as_str() {
        _ if call.path == "/listRegions" => {
            json!({"Regions": [{"RegionName": "us-east-1"}, {"RegionName": "eu-central-1"}]})
        }
        "DescribeOrganization" => {
            json!({"Organization": {"Id": "o-exampleorg", "MasterAccountId": MANAGEMENT}})
        }
        "ListAccounts" => {
            let state = |id: &str| if id == CLOSED { "SUSPENDED" } else { "ACTIVE" };
            let listed = ACCOUNTS.map(|(id, name, _)| json!({"Id": id, "Name": name, "State": state(id)}));
            json!({ "Accounts": listed })
        }
        "ListTagsForResource" => {
            let of = ACCOUNTS.iter().find(|(id, ..)| body["ResourceId"] == *id)?;
            let tags: Vec<Value> =
                of.2.iter().map(|value| json!({"Key": "environment", "Value": value})).collect();
            json!({ "Tags": tags })
        }
        "GetResources" => {
            let arn = format!("arn:aws:sqs:{}:111122223333:jobs", call.region);
            json!({"ResourceTagMappingList": [{"ResourceARN": arn, "Tags": [{"Key": "a", "Value": "b"}]}]})
        }
        _ => return None,
    };
    Some(Reply::json(200, &answer))
}

/// The page of this organization; made once.
fn page() -> &'static Page {
    static PAGE: OnceLock<Page> = OnceLock::new();
    PAGE.get_or_init(|| {
        let (stub, folder) = (Proxy::stub(Duration::ZERO).unwrap(), TempDir::new().unwrap());
        stub.route("/", answer);
        let denied = |call: &Call| call.operation == "AssumeRole" && call.mentions(DENIED);
        stub.rule(move |call| denied(call).then(|| Fault::refused("AccessDenied")));
        let output = Command::new(env!("CARGO_BIN_EXE_org-metadata"))
            .args([
                "--tenant",
                MANAGEMENT,
                "--role",
                "reader",
                "--no-upload",
                "--quiet",
                "--format",
                "html",
                "--out",
            ])
            .arg(folder.path())
            .env_clear()
            .envs(stub.environment())
            .env("HOME", folder.path())
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(1),
            "one account is denied: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut pages = files.filter(|path| path.extension().is_some_and(|ending| ending == "html"));
        let path = pages.next().unwrap();
        Page { folder, path }
    })
}

/// Opens a page at a fragment, and waits for what scripts have made of it.
fn open(path: &Path, fragment: &str) -> Shown {
    Shown(Browser::new().open(path, fragment).unwrap_or_else(|error| panic!("{error}")))
}

impl Shown {
    /// The rows of the table of all accounts, in order.
    fn rows(&self) -> Vec<&str> {
        let (_, table) = self.dom.split_once("<table id=\"table\"").unwrap();
        let (table, _) = table.split_once("</table>").unwrap();
        let (_, body) = table.split_once("<tbody>").unwrap();
        between(body, "<tr", "</tr>")
    }

    /// The accounts of those rows that are to be seen.
    fn seen(&self) -> Vec<&str> {
        let rows = self.rows().into_iter().filter(|row| !row.starts_with(" hidden"));
        rows.map(|row| between(row, "<th scope=\"row\">", "</th>")[0]).collect()
    }

    /// The line with the number of accounts.
    fn told(&self) -> &str {
        between(&self.dom, "<p id=\"shown\" role=\"status\">", "</p>")[0]
    }

    /// Asserts that only the page's own script has run. The browser would report any other script.
    fn assert_untaken(&self) {
        assert_eq!(self.console, Vec::<String>::new());
        let titles = between(self.dom.split("<body>").next().unwrap(), "<title>", "</title>").concat();
        assert!(titles.starts_with("AWS accounts, run "), "{titles}");
        for element in ["<script", "<style"] {
            assert_eq!(self.dom.matches(element).count(), 1, "{element}");
        }
    }
}

#[test]
fn hostile_names_are_shown_without_violating_the_policy() {
    let shown = open(&page().path, "");
    shown.assert_untaken();
    assert_eq!(shown.seen(), ACCOUNTS.map(|(id, ..)| id));
    assert_eq!(shown.told(), "8 accounts");
    let row = |id: &str| *shown.rows().iter().find(|row| row.contains(id)).unwrap();
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    for (id, name, environment) in ACCOUNTS {
        let (name, row) = (name.replace('\0', "\u{2400}"), row(id));
        for text in [Some(name.as_str()), environment].into_iter().flatten() {
            assert!(row.contains(&format!("<bdi>{}</bdi>", escaped(text))), "{text:?} is not in {row}");
        }
    }
    assert!(row(DENIED).contains("regions unknown: AssumeRole answered AccessDenied"), "{}", row(DENIED));
    assert!(row(CLOSED).contains("<i>not entered</i>") && row(CLOSED).contains("<i>not set</i>"));
    assert!(!shown.dom.contains("<form id=\"filter\" hidden"), "the filter is not there");
}

#[test]
fn charts_are_there_and_have_their_text() {
    let shown = open(&page().path, "");
    let charts = between(&shown.dom, "<svg", "</svg>");
    assert_eq!(charts.len(), 4);
    for (chart, said) in charts.into_iter().zip([
        "US: 6; not entered: 1; unknown: 1",
        "prod: 2; ",
        "ACTIVE: 7; SUSPENDED: 1",
        "ok: 6; suspended: 1; role_denied: 1",
    ]) {
        let told = between(chart, "<desc>", "</desc>").concat();
        assert!(chart.contains("role=\"img\"") && told.starts_with(said), "{told}");
        let bars = chart.matches("<rect").count();
        assert!(bars >= told.split("; ").count(), "{bars} bars for {told}");
    }
}

#[test]
fn the_fragment_filters_and_sorts() {
    let all = ACCOUNTS.map(|(id, ..)| id);
    let backwards: Vec<&str> = {
        let mut ids = all;
        ids.sort_unstable();
        ids.into_iter().rev().collect()
    };
    for (fragment, told, expected) in [
        ("#status=role_denied", "1 of 8 accounts", &[DENIED][..]),
        ("#q=den&status=role_denied", "1 of 8 accounts", &[DENIED]),
        ("#env=prod", "2 of 8 accounts", &[MANAGEMENT, DENIED]),
        // The value, and the text for a missing value.
        ("#env=~~unset", "1 of 8 accounts", &["111122220004"]),
        ("#env=~unset", "2 of 8 accounts", &["111122220005", CLOSED]),
        ("#group=~not-entered", "1 of 8 accounts", &[CLOSED]),
        ("#q=document.title+taken", "3 of 8 accounts", &all[1..4]),
        ("#q=EU-CENTRAL-1%20management", "1 of 8 accounts", &[MANAGEMENT]),
        ("#q=nothing+has+this", "0 of 8 accounts", &[]),
        ("#env=not%20offered", "0 of 8 accounts", &[]),
        ("#sort=-id", "8 accounts", &backwards),
        // A section, and no filter.
        ("#errors", "8 accounts", &all),
    ] {
        let shown = open(&page().path, fragment);
        shown.assert_untaken();
        assert_eq!((shown.told(), shown.seen()), (told, expected.to_vec()), "{fragment}");
    }
}

#[test]
fn without_scripts_it_is_a_plain_table() {
    let page = page();
    let text = fs::read_to_string(&page.path).unwrap();
    let script = format!("<script>{}</script>", between(&text, "<script>", "</script>")[0]);
    let path = page.folder.path().join("unscripted.htm");
    fs::write(&path, text.replace(&script, "")).unwrap();
    let shown = open(&path, "#status=role_denied");
    assert_eq!(shown.console, Vec::<String>::new());
    assert_eq!(shown.seen(), ACCOUNTS.map(|(id, ..)| id));
    assert!(shown.dom.contains("<form id=\"filter\" hidden"), "a filter that does nothing");
    assert!(!shown.dom.contains("href=\"#env="), "links that do nothing");
}

/// Without it, no other test here would say much.
#[test]
fn policy_violations_are_reported_by_the_browser() {
    let page = page();
    let text = fs::read_to_string(&page.path).unwrap();
    for (number, injected) in
        ["<p style='color:red'>", "<script>document.title='taken'</script>", "<img src='http://192.0.2.1/'>"]
            .iter()
            .enumerate()
    {
        let path = page.folder.path().join(format!("injected-{number}.htm"));
        fs::write(&path, text.replace("<main>", &format!("<main>{injected}"))).unwrap();
        let shown = open(&path, "");
        assert!(!shown.console.is_empty(), "{injected} was let be");
        assert!(!shown.dom.contains("<title>taken"), "{injected} has run");
    }
}
