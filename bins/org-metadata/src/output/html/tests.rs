//! The page, as text.

mod contents;

use super::*;
use crate::aws::Failure;
use crate::report::groups::RegionGroups;
use crate::report::{Account, ListedAccount, MissingData, MissingField, Organization, Tenant, TenantOutcome};
use autotag_model::arn::{AccountId, Region};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// A text that changes the page wherever it is not escaped.
const HOSTILE: &str =
    "</bdi></style></script><script>document.title='taken'</script>\" onmouseover='x' \u{202e}\0";

fn id(number: usize) -> AccountId {
    AccountId::new(&format!("{number:012}")).unwrap()
}

fn region(code: &str) -> Region {
    Region::new(code).unwrap()
}

fn account(number: usize, name: &str) -> Account {
    let listed = ListedAccount {
        id: id(number),
        name: name.to_owned(),
        state: Some("ACTIVE".to_owned()),
        ou_path: None,
        joined_method: None,
        joined: None,
        email: None,
    };
    Account {
        listed,
        management: false,
        tags: [].into(),
        active: [].into(),
        unknown: [].into(),
        missing: Vec::new(),
    }
}

fn tagged(number: usize, name: &str, environment: &str, aide: &str) -> Account {
    let tags = [("environment", environment), ("aide-id", aide)];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    Account { tags, ..account(number, name) }
}

fn missing(field: MissingField, operation: &str, code: &str) -> MissingData {
    MissingData { field, failure: Failure::new(operation, code, Some(400)) }
}

fn tenant(number: usize, accounts: Vec<Account>) -> Tenant {
    let organization =
        Organization { id: format!("o-{number:010}"), management: id(number), accounts, truncated_by: None };
    Tenant { id: id(number), outcome: TenantOutcome::Reported(organization), millis: 1234 }
}

fn report(tenants: Vec<Tenant>) -> Report {
    Report {
        started: "2026-03-02T09:00:00Z".parse().unwrap(),
        began: "2026-03-02T09:00:00Z".parse().unwrap(),
        ended: "2026-03-02T09:03:12Z".parse().unwrap(),
        resumed: false,
        tenants,
        unusable_tenants: Vec::new(),
    }
}

fn page_of(report: &Report) -> String {
    let groups = RegionGroups::default();
    let account_rows: Vec<AccountRow> = report
        .organizations()
        .flat_map(|one| one.accounts.iter().map(|account| AccountRow::new(one, account, &groups)))
        .collect();
    page(report, &account_rows).unwrap()
}

/// All texts between the two markers.
fn between<'t>(text: &'t str, from: &str, to: &str) -> Vec<&'t str> {
    text.split(from).skip(1).map(|rest| rest.split(to).next().unwrap()).collect()
}

/// The row of an account in the table of all accounts.
fn row(page: &str, number: usize) -> String {
    let (_, table) = page.split_once("<table id=\"table\"").unwrap();
    let (table, _) = table.split_once("</table>").unwrap();
    let rows = between(table, &format!("<tr><th scope=\"row\">{}", id(number)), "</tr>");
    assert_eq!(rows.len(), 1, "rows of {number}");
    rows.concat()
}

/// The cells of a row, without the first.
fn cells(page: &str, number: usize) -> Vec<String> {
    row(page, number).split("<td").skip(1).map(str::to_owned).collect()
}

/// The columns by their place among [`cells`].
const STATE: usize = 4;
const GROUP: usize = 5;
const REGIONS: usize = 6;
const ENVIRONMENT_TAG: usize = 7;
const AIDE: usize = 8;
const STATUS: usize = 9;

#[test]
fn the_policy_names_what_is_on_the_page_and_nothing_else() {
    let page = page_of(&report(vec![tenant(1, vec![tagged(1, "shop", HOSTILE, HOSTILE)])]));
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let (styles, scripts) = (between(&page, "<style>", "</style>"), between(&page, "<script>", "</script>"));
    assert_eq!([styles.len(), scripts.len()], [1, 1], "styles and scripts");
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"").concat();
    let policy = policy.replace("&#39;", "'");
    let directives: Vec<&str> = policy.split("; ").collect();
    let style = format!("style-src {}", hash(styles[0]));
    let script = format!("script-src {}", hash(scripts[0]));
    let expected =
        ["default-src 'none'", &style, &script, "img-src data:", "base-uri 'none'", "form-action 'none'"];
    assert_eq!(directives, expected);
    let before = page.split("<style>").next().unwrap();
    assert!(before.contains("Content-Security-Policy"), "the policy does not hold for what stands before it");
}

#[test]
fn nothing_on_the_page_needs_what_the_policy_forbids() {
    let page = page_of(&report(vec![tenant(1, vec![tagged(1, "shop", "prod", "A-1")])]));
    let (head, body) = page.split_once("<body>").unwrap();
    assert!(!body.contains(" style="), "a style attribute");
    assert!(!body.contains(" on") || !body.to_lowercase().contains(" onload="), "a handler");
    for address in ["http:", "https:", "src=", "url(", "@import"] {
        let elsewhere: Vec<&str> = page.matches(address).collect();
        // The namespaces of SVG are not addresses that a browser loads.
        let names = page.matches("xmlns='http:").count() + page.matches("xmlns=\"http:").count();
        let allowed = if address == "http:" { names } else { 0 };
        assert_eq!(elsewhere.len(), allowed, "{address} leads elsewhere");
    }
    assert!(head.contains("<link rel=\"icon\" href=\"data:"), "a browser would ask for an icon");
    // A browser takes line ends for `\n` before it hashes, and these would end the elements early.
    let (style, script) = (style::style(STYLE), SCRIPT.text());
    for (text, end) in [(&style, "</style"), (&script, "</script"), (&script, "<!--")] {
        assert!(!text.contains('\r') && !text.contains(end), "{end}");
    }
}

#[test]
fn hostile_texts_are_escaped_everywhere() {
    let mut one = tagged(1, HOSTILE, HOSTILE, HOSTILE);
    one.listed.state = Some(HOSTILE.to_owned());
    one.tags.insert("Cost".to_owned(), HOSTILE.to_owned());
    one.missing.push(missing(MissingField::Entry, HOSTILE, HOSTILE));
    let mut two = account(2, HOSTILE);
    two.missing.push(missing(MissingField::Tags, HOSTILE, HOSTILE));
    let mut hostile = tenant(1, vec![one, two]);
    if let TenantOutcome::Reported(organization) = &mut hostile.outcome {
        HOSTILE.clone_into(&mut organization.id);
        organization.truncated_by = Some(Failure::new(HOSTILE, HOSTILE, None));
    }
    let failed = TenantOutcome::Failed(Failure::new(HOSTILE, HOSTILE, None));
    let failed = Tenant { id: id(3), outcome: failed, millis: 0 };
    let mut report = report(vec![hostile, failed]);
    report.unusable_tenants.push(HOSTILE.to_owned());
    let page = page_of(&report);
    // In the text of an element, where charts have it, a quote does nothing.
    let page = between(&format!("</svg>{page}<svg"), "</svg>", "<svg").concat();
    for piece in ["<script>document", "\" onmouseover", "</bdi></style>", "\0"] {
        assert!(!page.contains(piece), "{piece:?} is on the page as it is");
    }
    let tags: Vec<&str> = page.matches("<script").chain(page.matches("<style")).collect();
    assert_eq!(tags, ["<script", "<style"]);
    for (at, _) in page.match_indices('\u{202e}') {
        let before = page.get(..at).unwrap();
        let in_tag = before.rfind('<') > before.rfind('>');
        let isolated = before.rfind("<bdi>") > before.rfind("</bdi>");
        assert!(
            in_tag || isolated,
            "turns around what follows: {}",
            before.get(before.len() - 200..).unwrap()
        );
    }
    let titles = between(&page, " title=\"", "\"");
    assert!(!titles.is_empty() && titles.iter().all(|title| !title.contains('\u{202e}')), "{titles:?}");
}

#[test]
fn charts_are_whole_svg_and_escape_their_labels() {
    let page = page_of(&report(vec![tenant(
        1,
        vec![tagged(1, "shop", HOSTILE, "1"), tagged(2, "shop", "a&b", "1")],
    )]));
    let charts = between(&page, "<svg", "</svg>");
    assert_eq!(charts.len(), 4);
    for chart in charts {
        let chart = format!("<svg{chart}</svg>");
        let svg = roxmltree::Document::parse(&chart).unwrap_or_else(|error| panic!("{error}: {chart}"));
        let root = svg.root_element();
        assert_eq!(root.attribute("role"), Some("img"));
        let has =
            |name: &str| root.children().any(|node| node.has_tag_name(("http://www.w3.org/2000/svg", name)));
        assert!(has("title") && has("desc"), "no text alternative: {chart}");
        for fill in
            svg.descendants().filter_map(|node| node.attribute("fill")).filter(|fill| *fill != "#000000")
        {
            assert!(
                style::style(STYLE).contains(&format!("[fill=\"{fill}\"]")),
                "the style sheet does not know {fill}"
            );
        }
    }
}

#[test]
fn unknown_is_not_empty() {
    let mut denied = account(2, "denied");
    denied.missing.push(missing(MissingField::Tags, "ListTagsForResource", "AccessDeniedException"));
    denied.missing.push(missing(MissingField::Entry, "AssumeRole", "AccessDenied"));
    let mut partly = tagged(3, "partly", "", "  ");
    partly.active.insert(region("us-east-1"));
    for code in ["eu-west-3", "eu-west-1"] {
        partly.missing.push(missing(
            MissingField::Region(region(code)),
            "GetResources",
            "AccessDeniedException",
        ));
    }
    let mut closed = account(4, "closed");
    closed.listed.state = Some("SUSPENDED".to_owned());
    let mut elsewhere = account(5, "");
    (elsewhere.listed.state, elsewhere.active) = (None, [region("eu-central-1")].into());
    let page =
        page_of(&report(vec![tenant(1, vec![account(1, "empty"), denied, partly, closed, elsewhere])]));

    let empty = cells(&page, 1);
    assert_eq!(empty[GROUP], " data-key=\"~none\"><i>none active</i>");
    assert_eq!(empty[REGIONS], "><i>none active</i>");
    assert_eq!(empty[ENVIRONMENT_TAG], " data-key=\"~unset\"><i>not set</i>");
    assert_eq!(empty[STATUS], " class=\"good\" data-key=\"ok\"><bdi>ok</bdi>");

    let denied = cells(&page, 2);
    for (column, reason) in [
        (GROUP, "regions unknown: AssumeRole answered AccessDenied"),
        (ENVIRONMENT_TAG, "tags unknown: ListTagsForResource answered AccessDeniedException"),
        (AIDE, "tags unknown: ListTagsForResource answered AccessDeniedException"),
    ] {
        let badge = format!(
            " data-key=\"~unknown\"><b class=\"unknown\" title=\"{reason}\">?<span> {reason}</span></b>"
        );
        assert_eq!(denied[column], badge);
    }
    assert!(
        denied[STATUS]
            .starts_with(" class=\"bad\" data-key=\"role_denied\"><a href=\"#error-000000000002\">")
    );

    let partly = cells(&page, 3);
    let reason = "2 regions: eu-west-1, eu-west-3 unknown: GetResources answered AccessDeniedException";
    assert!(
        partly[GROUP].starts_with(" data-key=\"US\"><bdi>US</bdi> <b class=\"unknown\""),
        "{}",
        partly[GROUP]
    );
    assert!(
        partly[REGIONS].starts_with(">us-east-1 <b class=\"unknown\"") && partly[REGIONS].contains(reason)
    );
    assert!(partly[ENVIRONMENT_TAG].contains("~empty") && partly[AIDE].contains("~empty"));

    let closed = cells(&page, 4);
    assert_eq!(closed[GROUP], " data-key=\"~not-entered\"><i>not entered</i>");
    assert_eq!(closed[STATUS], " class=\"quiet\" data-key=\"suspended\"><bdi>suspended</bdi>");

    let elsewhere = cells(&page, 5);
    assert_eq!(
        [&elsewhere[0], &elsewhere[STATE]],
        ["><i>no name</i>", " data-key=\"~unset\"><i>not given</i>"]
    );
    assert_eq!(elsewhere[GROUP], " data-key=\"~no-group\"><i>in no group</i>");
    assert_eq!(elsewhere[REGIONS], "><u>eu-central-1</u>");
}

#[test]
fn values_and_absent_values_have_different_keys() {
    let page =
        page_of(&report(vec![tenant(1, vec![tagged(1, "shop", "~unset", "not set"), account(2, "shop")])]));
    assert_eq!(cells(&page, 1)[ENVIRONMENT_TAG], " data-key=\"~~unset\"><bdi>~unset</bdi>");
    assert_eq!(cells(&page, 1)[AIDE], "><bdi>not set</bdi>");
    let options = between(&page, "<select name=\"env\">", "</select>").concat();
    assert_eq!(
        options,
        "<option value=\"\">all</option><option value=\"~~unset\">~unset (1)</option>\
         <option value=\"~unset\">not set (1)</option>"
    );
    assert!(page.contains("data-filter=\"env=~~unset\"") && page.contains("data-filter=\"env=~unset\""));
}
