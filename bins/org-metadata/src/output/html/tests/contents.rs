//! Tests of the page's texts, besides the table of accounts.

use super::*;

/// Without tags, and runs of spaces and line ends as one space.
fn words(html: &str) -> String {
    let text: String = html
        .split('<')
        .map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text))
        .fold(String::new(), |mut all, piece| {
            all.push_str(piece);
            all.push(' ');
            all
        });
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn section(page: &str, name: &str) -> String {
    let sections = between(page, &format!("<section id=\"{name}\""), "</section>");
    assert_eq!(sections.len(), 1, "sections {name}");
    words(&format!("<{}", sections.concat()))
}

#[test]
fn a_whole_report_says_so() {
    let mut one = tagged(1, "shop", "prod", "A-1");
    one.active.extend([region("eu-west-1"), region("eu-central-1")]);
    let mut closed = tagged(2, "old", "", "A-2");
    closed.listed.state = Some("CLOSED".to_owned());
    let mut other = account(3, "new");
    other.active.insert(region("eu-central-1"));
    let skipped = Tenant { id: id(9), outcome: TenantOutcome::NotManagement(id(1)), millis: 300 };
    let page = page_of(&report(vec![tenant(1, vec![one, closed, other]), skipped]));
    assert!(page.contains("<title>AWS accounts, run 2026-03-02T09-00-00Z</title>"));
    assert!(
        words(&page).contains("from 2 March 2026, 09:00:00 UTC to 2 March 2026, 09:03:12 UTC , 3 min 12 s")
    );
    assert!(!page.contains("class=\"notice\""), "something is said to be missing");
    let overview = section(&page, "overview");
    for figure in [
        "Organizations 1 of 2 tenants asked for",
        "Accounts 3 2 active, 1 not",
        "Fully read 100% of the accounts listed",
        "Without Environment 2 67% of all accounts",
        "Without Aide_ID 1 33% of all accounts",
        "Unmapped regions 1 active, and in no group",
    ] {
        assert!(overview.contains(figure), "{figure} is not in {overview}");
    }
    let tags = section(&page, "tags");
    assert!(tags.contains("without it 1 33% have it, and it is empty 1 33% not known 0 0%"), "{tags}");
    assert!(tags.contains("2 accounts are without one of them, or both"), "{tags}");
    assert!(tags.contains("000000000002 old o-0000000001 CLOSED empty A-2"), "{tags}");
    assert!(section(&page, "errors").ends_with("There are no errors: all data could be read."));
    let organizations = section(&page, "organizations");
    let skipped =
        "000000000009 skipped none 0 0 0.3 s Not a management account: 000000000001 manages its organization";
    assert!(organizations.contains("000000000001 reported o-0000000001 3 0 1.2 s"), "{organizations}");
    assert!(organizations.contains(skipped), "{organizations}");
    assert!(section(&page, "regions").ends_with("Region Accounts eu-central-1 2"));
}

#[test]
fn what_is_missing_is_named() {
    let mut denied = tagged(2, "denied", "prod", "A-1");
    denied.missing.push(missing(MissingField::Entry, "AssumeRole", "AccessDenied"));
    let mut slow = account(3, "slow");
    slow.missing.push(missing(MissingField::Tags, "ListTagsForResource", "TooManyRequestsException"));
    slow.missing.push(missing(MissingField::EnabledRegions, "ListRegions", "AccessDenied"));
    let mut truncated_by = tenant(1, vec![tagged(1, "seen", "prod", "A-1"), denied, slow]);
    if let TenantOutcome::Reported(organization) = &mut truncated_by.outcome {
        organization.truncated_by = Some(Failure::new("ListAccounts", "ServiceException", Some(500)));
    }
    let failed = TenantOutcome::Failed(Failure::new("AssumeRole", "AccessDenied", Some(403)));
    let mut report = report(vec![truncated_by, Tenant { id: id(9), outcome: failed, millis: 120 }]);
    report.unusable_tenants.push("n/a".to_owned());
    report.resumed = true;
    let page = page_of(&report);
    let overview = section(&page, "overview");
    let missing = "1 organization could not be read at all 1 organization has more accounts than listed \
                   2 accounts were not fully read 1 tenant id is not a valid account id Organizations 1 of 3 tenants asked for";
    assert!(overview.contains(missing), "{overview}");
    assert!(overview.contains("Fully read 33% 2 accounts not fully read"), "{overview}");
    assert!(words(&page).contains("continuing an earlier run"));
    let errors = section(&page, "errors");
    for line in [
        "1 entry of the tenant table is not a valid account id: n/a",
        // One account, and another organization.
        "AssumeRole AccessDenied 1 2",
        "ListAccounts ServiceException 0 1",
        "Missing data, 5 lines",
        "none 000000000001 accounts beyond those listed ListAccounts ServiceException",
        "000000000002 denied 000000000001 regions AssumeRole AccessDenied",
        "000000000003 slow 000000000001 tags ListTagsForResource TooManyRequestsException",
        "000000000003 slow 000000000001 enabled regions ListRegions AccessDenied",
        "none 000000000009 the whole organization AssumeRole AccessDenied",
    ] {
        assert!(errors.contains(line), "{line} is not in {errors}");
    }
    assert_eq!(page.matches("id=\"error-000000000003\"").count(), 1, "an id stands once");
    let organizations = section(&page, "organizations");
    for line in [
        "cut o-0000000001 3 2 1.2 s There are more accounts: ListAccounts answered ServiceException",
        "failed",
    ] {
        assert!(organizations.contains(line), "{line} is not in {organizations}");
    }
    assert!(section(&page, "tags").contains("not known 1 33%"));
}

#[test]
fn a_report_of_nothing_is_a_page() {
    let page = page_of(&report(Vec::new()));
    assert!(!page.contains("<svg") || page.contains("data:image/svg+xml"));
    assert_eq!(between(&page, "<figure>", "</figure>").len(), 4);
    assert_eq!(page.matches("There is no account.").count(), 4);
    assert!(section(&page, "overview").contains("Fully read – of the accounts listed"));
    assert!(section(&page, "accounts").contains("0 accounts"));
    let failed = TenantOutcome::Failed(Failure::new("AssumeRole", "AccessDenied", Some(403)));
    let page = page_of(&report(vec![Tenant { id: id(9), outcome: failed, millis: 1 }]));
    assert!(section(&page, "overview").contains("1 organization could not be read at all"));
}

#[test]
fn other_tags_have_a_column_when_they_are_asked_for() {
    let mut one = account(1, "shop");
    let without = page_of(&report(vec![tenant(1, vec![one.clone()])]));
    assert!(!without.contains("Other tags"));
    one.tags.insert("CostCenter".to_owned(), "4<2".to_owned());
    let mut unknown = account(2, "denied");
    unknown.missing.push(missing(MissingField::Tags, "ListTagsForResource", "AccessDenied"));
    let page = page_of(&report(vec![tenant(1, vec![one, unknown, account(3, "none")])]));
    assert!(page.contains(">Other tags</th>"));
    let tags = |number: usize| cells(&page, number)[STATUS].clone();
    assert_eq!(tags(1), "><bdi>CostCenter</bdi>: <bdi>4&#60;2</bdi>");
    assert!(tags(2).contains("class=\"unknown\""), "{}", tags(2));
    assert_eq!(tags(3), "><i>none</i>");
}

#[test]
fn thousands_of_accounts_are_a_page_of_moderate_size() {
    let accounts = |organization: usize| {
        let account = |place: usize| {
            let number = organization * 1000 + place;
            let mut one =
                tagged(number, &format!("application {number}"), "production", &format!("AIDE-{number}"));
            one.active.extend(["us-east-1", "eu-west-1", "eu-central-1"].map(region));
            if number.is_multiple_of(10) {
                one.missing.push(missing(
                    MissingField::Region(region("ap-south-1")),
                    "GetResources",
                    "AccessDeniedException",
                ));
            }
            if number.is_multiple_of(3) {
                one.tags.clear();
            }
            one
        };
        (1..=250).map(account).collect()
    };
    let page = page_of(&report((1..=20).map(|number| tenant(number, accounts(number))).collect()));
    let (_, table) = page.split_once("<table id=\"table\"").unwrap();
    let (table, _) = table.split_once("</table>").unwrap();
    assert_eq!(table.matches("<tr><th scope=\"row\">").count(), 5000);
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
}

/// Readers of the page want to know who is responsible for an account.
#[test]
fn accounts_have_an_owner_and_a_contact_and_come_first() {
    let mut one = tagged(1, "shop", "prod", "A-1");
    one.tags.insert("owner".to_owned(), "team <web>".to_owned());
    one.listed.email = Some("aws+shop@example.com".to_owned());
    let page = page_of(&report(vec![tenant(1, vec![one, account(2, "other")])]));
    assert_eq!(cells(&page, 1)[1..3], ["><bdi>team &#60;web&#62;</bdi>", "><bdi>aws+shop@example.com</bdi>"]);
    assert!(cells(&page, 2)[1].contains("not set") && cells(&page, 2)[2].contains("not given"));
    let place = |id: &str| page.find(&format!("<section id=\"{id}\"")).unwrap();
    assert!(place("overview") < place("accounts") && place("accounts") < place("charts"));
    assert!(place("charts") < place("tags"));
}

/// A figure in the colour of alarm says that something is wrong.
#[test]
fn only_figures_that_are_bad_are_coloured() {
    let failed = TenantOutcome::Failed(Failure::new("AssumeRole", "AccessDenied", Some(403)));
    let failed = Tenant { id: id(9), outcome: failed, millis: 1 };
    let page = page_of(&report(vec![tenant(1, vec![tagged(1, "shop", "prod", "A-1")]), failed]));
    let alarms: Vec<String> =
        between(&page, "<li class=\"alarm\">", "</li>").into_iter().map(words).collect();
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert!(alarms[0].starts_with("Organizations 1"), "{alarms:?}");
}
