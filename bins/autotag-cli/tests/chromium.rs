//! The page of `autotag report` in headless Chromium: an estate with hostile names, and one of ten thousand resources.
//!
//! It needs Chromium, and is therefore run by name only: `cargo test -p autotag-cli --no-default-features --test chromium`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

mod common;

use autotag_testkit::browser::{Browser, Shown, between};
use common::{autotag, stderr};
use serde_json::json;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Each would change the title of the page if it were more than a text.
const SCRIPT: &str = "<script>document.title='taken'</script>";
const CLOSING: &str = "</bdi></td></script></style><script>document.title='taken'</script>";
const HANDLER: &str = "\" onfocus=\"document.title='taken'\" x=\"<img src=x onerror=document.title='taken'>";
const BACKWARDS: &str = "\u{202e}evil\u{2066} \u{5e9}\u{5dc}\u{5d5}\u{5dd}";
const FORMULA: &str = "=HYPERLINK(\"http://192.0.2.1\")";

/// How many resources the large estate has.
const MANY: usize = 10_000;

struct Page {
    folder: TempDir,
    path: PathBuf,
}

/// The page of an inventory with these tags, one resource each.
fn made(tags: impl Iterator<Item = serde_json::Value>) -> Page {
    let folder = TempDir::new().unwrap();
    let [inventory, bill, page] =
        ["inventory.jsonl", "bill.csv", "page.html"].map(|name| folder.path().join(name));
    let mut lines = String::new();
    let mut costs = "ResourceId,BilledCost,BillingCurrency\n".to_owned();
    for (at, tags) in tags.enumerate() {
        let arn = format!("arn:aws:ec2:eu-west-1:111122223333:volume/vol-{at:06}");
        let created = format!("2026-{:02}-01T09:00:00Z", at % 12 + 1);
        writeln!(lines, "{}", json!({"arn": arn, "tags": tags, "createdAt": created})).unwrap();
        writeln!(costs, "{arn},1.25,USD").unwrap();
    }
    fs::write(&inventory, lines).unwrap();
    fs::write(&bill, costs).unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (inventory, bill) = (path(&inventory), path(&bill));
    let args = ["report", "--trail", "fixtures/trail", "--inventory", &inventory, "--cost", &bill];
    let output = autotag(&[&args[..], &["--out", &path(&page)]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    Page { folder, path: page }
}

/// Resources whose owners are hostile names, one that is very long, and one without a tag.
fn hostile() -> &'static Page {
    static PAGE: OnceLock<Page> = OnceLock::new();
    PAGE.get_or_init(|| {
        let long = "long ".repeat(5000);
        let owners = [SCRIPT, CLOSING, HANDLER, BACKWARDS, FORMULA, &long, "with\0nul", "mara"];
        let tagged = owners.map(|owner| json!({"Owner": owner, (owner): "x", "CostCenter": "1"}));
        made(tagged.into_iter().chain([json!({})]))
    })
}

fn many() -> &'static Page {
    static PAGE: OnceLock<Page> = OnceLock::new();
    PAGE.get_or_init(|| made((0..MANY).map(|at| json!({"Owner": format!("user-{}", at % 50)}))))
}

fn open(browser: Browser, path: &Path, fragment: &str) -> Shown {
    browser.open(path, fragment).unwrap_or_else(|error| panic!("{error}"))
}

/// Opens a copy of the page whose policy lets a script of the test run after the page's own. Answers with what the script returns.
fn probed(browser: Browser, page: &Page, name: &str, fragment: &str, script: &str) -> String {
    let text = fs::read_to_string(&page.path).unwrap();
    let policy = between(&text, "<meta http-equiv=\"Content-Security-Policy\"", ">").concat();
    let text = text.replace(&format!("<meta http-equiv=\"Content-Security-Policy\"{policy}>"), "");
    let probe = format!(
        "<pre id=\"probe\"></pre><script>addEventListener('load', () => {{ \
         document.getElementById('probe').textContent = ((() => {{ {script} }})()); }});</script></body>"
    );
    let path = page.folder.path().join(format!("{name}.htm"));
    fs::write(&path, text.replace("</body>", &probe)).unwrap();
    let shown = open(browser, &path, fragment);
    between(&shown.dom, "<pre id=\"probe\">", "</pre>").concat()
}

/// The rows of the table of resources, in order.
fn rows(shown: &Shown) -> Vec<&str> {
    let (_, table) = shown.dom.split_once("<table id=\"table\"").unwrap();
    let (table, _) = table.split_once("</table>").unwrap();
    let (_, body) = table.split_once("<tbody>").unwrap();
    between(body, "<tr", "</tr>")
}

fn told(shown: &Shown) -> String {
    between(&shown.dom, "<p id=\"shown\" role=\"status\">", "</p>").concat()
}

/// Asserts that only the page's own script has run. The browser would report any other script.
fn assert_untaken(shown: &Shown) {
    assert_eq!(shown.console, Vec::<String>::new());
    let head = shown.dom.split("<body>").next().unwrap();
    assert_eq!(between(head, "<title>", "</title>"), ["Who owns what"]);
    // The page's own, and its data.
    assert_eq!(shown.dom.matches("<script").count(), 2);
    assert_eq!(shown.dom.matches("<style").count(), 1);
    assert_eq!(shown.dom.matches("<img").count(), 0);
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\0', "\u{2400}")
}

#[test]
fn hostile_names_are_shown_without_violating_the_policy() {
    let shown = open(Browser::new(), &hostile().path, "");
    assert_untaken(&shown);
    // The resources of the trail are not in the inventory, but are still shown.
    assert!(told(&shown).ends_with(" resources, 11.25 USD, rows 1 to 100"), "{}", told(&shown));
    // Long names may be broken behind a slash.
    let all = rows(&shown).concat().replace("<wbr>", "");
    for name in [SCRIPT, CLOSING, HANDLER, BACKWARDS, FORMULA, "with\0nul", "mara"] {
        assert!(all.contains(&format!("<bdi>{}</bdi>", escaped(name))), "{name:?} is not in {all}");
    }
    assert!(all.contains("long long") && !all.contains(&"long ".repeat(1000)), "long texts are cut");
    let owners = between(&shown.dom, "<p id=\"owners\" class=\"note\">", "</p>").concat();
    assert!(owners.starts_with("Owners: <bdi>"), "{owners}");
}

#[test]
fn the_fragment_filters_sorts_and_adds_up() {
    for (fragment, expected, first) in [
        ("#q=owner:mara&exists=in+the+inventory", "1 of ", "vol-000007"),
        ("#q=document.title+taken&exists=in+the+inventory", "3 of ", "vol-000002"),
        ("#q=without:costcenter", "1 of ", "vol-000008"),
        ("#q=declared:%3D%22%22&exists=in+the+inventory", "1 of ", "vol-000008"),
        ("#exists=in+the+inventory&sort=-created", "9 of ", "vol-000008"),
        ("#q=nothing-has-this", "0 of ", ""),
    ] {
        let shown = open(Browser::new(), &hostile().path, fragment);
        assert_untaken(&shown);
        assert!(told(&shown).starts_with(expected), "{fragment}: {}", told(&shown));
        let found = rows(&shown);
        assert!(found.first().is_none_or(|row| row.contains(first)), "{fragment}: {found:?}");
        assert_eq!(found.is_empty(), first.is_empty());
    }
}

#[test]
fn the_csv_of_the_view_has_its_rows_and_no_formula() {
    let script = "let made = []; window.Blob = function (parts) { made = parts; }; URL.createObjectURL = () => '#'; \
                  document.getElementById('csv').click(); return made.join('');";
    let csv = probed(Browser::new(), hostile(), "csv", "#exists=in+the+inventory", script);
    let csv = csv.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let lines: Vec<&str> = csv.trim_start_matches('\u{feff}').trim_end().lines().collect();
    assert_eq!(lines.len(), 10, "a head and nine rows: {csv}");
    assert!(lines.first().is_some_and(|head| head.starts_with("created,owner,class,")), "{csv}");
    assert!(csv.contains("\"'=HYPERLINK(\"\"http://192.0.2.1\"\")\""), "{csv}");
    assert!(lines.iter().skip(1).all(|line| line.ends_with(",1.250000000")), "{csv}");
}

#[test]
fn light_dark_and_narrow_are_legible_and_nothing_is_cut() {
    // The contrast of texts and of classes with what is behind them, by WCAG.
    let script = "const light = (color) => { const part = (text) => { const value = text / 255; \
         return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; }; \
         const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map(part); return 0.2126 * r + 0.7152 * g + 0.0722 * b; }; \
         const behind = (element) => { for (let at = element; at; at = at.parentElement) { \
         const color = getComputedStyle(at).backgroundColor; if (!/^rgba.*, 0\\)$/.test(color)) return color; } return 'rgb(255, 255, 255)'; }; \
         const contrast = (element) => { const [a, b] = [getComputedStyle(element).color, behind(element)].map(light); \
         return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }; \
         const texts = Array.from(document.querySelectorAll('p, td, th, a, code, button, label, h1, h2, h3, .class, strong, li')) \
         .filter((element) => element.offsetParent && element.textContent.trim()); \
         const worst = texts.map((element) => [contrast(element), element]).sort((a, b) => a[0] - b[0])[0]; \
         return [worst[0].toFixed(2), document.documentElement.scrollWidth - innerWidth, \
         light(getComputedStyle(document.body).backgroundColor) > 0.5, texts.length, worst[1].outerHTML.slice(0, 200)].join('\\n');";
    for (name, browser, is_light) in [
        ("light", Browser::new().width(1400), "true"),
        ("dark", Browser::new().width(1400).dark(), "false"),
        ("narrow", Browser::new().width(500), "true"),
        ("narrow-dark", Browser::new().width(500).dark(), "false"),
    ] {
        let said = probed(browser, hostile(), name, "", script);
        let mut lines = said.lines();
        let mut number = || lines.next().unwrap().parse::<f64>().unwrap_or_else(|_| panic!("{name}: {said}"));
        assert!(number() >= 4.5, "{name}: a text is hard to read: {said}");
        assert!(number() <= 0.0, "{name}: the page is wider than the window: {said}");
        assert_eq!(lines.next(), Some(is_light), "{name}: {said}");
    }
}

#[test]
fn ten_thousand_resources_are_searched() {
    for (fragment, expected) in [
        ("", "resources, 12,500.00 USD, rows 1 to 100"),
        ("#q=owner:%3Duser-7", "200 of "),
        ("#q=vol-009999", "1 of "),
        ("#q=owner:%3Duser-7+since:2026-08-01+until:2026-09-01", "of "),
    ] {
        let shown = open(Browser::new(), &many().path, fragment);
        assert_untaken(&shown);
        assert!(told(&shown).contains(expected), "{fragment}: {}", told(&shown));
    }
    let shown = open(Browser::new(), &many().path, "#q=owner:user-&sort=owner");
    assert_eq!(rows(&shown).len(), 100);
    let owners = between(&shown.dom, "<p id=\"owners\" class=\"note\">", "</p>").concat();
    assert_eq!(owners.matches("</bdi> 200").count(), 5, "{owners}");
    assert!(owners.ends_with(", and 45 more"), "{owners}");
}

#[test]
fn the_page_can_be_printed() {
    let pdf = hostile().folder.path().join("page.pdf");
    Browser::new().print(&hostile().path, "", &pdf).unwrap_or_else(|error| panic!("{error}"));
    assert!(fs::read(&pdf).unwrap().starts_with(b"%PDF"));
    // Controls for the screen are not on paper, and every cell is on the sheet.
    let script = "const rules = Array.from(document.styleSheets[0].cssRules).filter((rule) => rule.media?.mediaText === 'print'); \
                  return rules.map((rule) => rule.cssText).join(' ');";
    let rules = probed(Browser::new(), hostile(), "print", "", script);
    for hidden in ["nav", "form", "#csv", ".pager", ".search-help"] {
        assert!(rules.contains(hidden), "{hidden} is printed: {rules}");
    }
}

#[test]
fn without_scripts_it_is_a_plain_table() {
    let page = hostile();
    let text = fs::read_to_string(&page.path).unwrap();
    let script = format!("<script>{}</script>", between(&text, "<script>", "</script>").first().unwrap());
    let path = page.folder.path().join("unscripted.htm");
    fs::write(&path, text.replace(&script, "")).unwrap();
    let shown = open(Browser::new(), &path, "#q=owner:mara");
    assert_eq!(shown.console, Vec::<String>::new());
    assert_eq!(rows(&shown).len(), 100);
    assert!(shown.dom.contains("<form id=\"filter\" hidden"), "a filter that does nothing");
}
