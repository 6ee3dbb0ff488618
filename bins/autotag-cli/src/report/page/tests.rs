//! The page, as text.

use super::*;
use crate::report::cost::Costs;
use crate::report::estate::{Coverage, Joiner};
use crate::report::inventory::{Source, read as read_inventory};
use crate::report::made::tests::{call, creations};
use autotag_handlers::catalog::Catalog;
use autotag_model::policy::Policy;
use serde_json::{Value, json};
use std::io::Write as _;

/// A text that changes the page wherever it is not escaped.
const HOSTILE: &str =
    "</bdi></style></script><script>document.title='taken'</script>\" onmouseover='x' \u{202e}\0<!--";

fn volume(number: usize, user: &str) -> Value {
    let id = format!("vol-{number:06}");
    let at = format!("2026-03-{:02}T09:00:00Z", 1 + number % 28);
    call(&at, &id, user, ("ec2", "CreateVolume"), &json!({}), &json!({"volumeId": id}))
}

fn estate(records: &[Value], inventory: Option<&[Value]>, bill: &str) -> Estate {
    let file = |text: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    };
    let items = inventory.map(|lines| {
        let text: Vec<String> = lines.iter().map(Value::to_string).collect();
        let file = file(&text.join("\n"));
        let mut items = Vec::new();
        read_inventory(&Source::File(file.path().to_owned()), &[], |item| items.push(item)).unwrap();
        items
    });
    let mut costs = Costs::default();
    if !bill.is_empty() {
        let file = file(&format!("ResourceId,BilledCost,BillingCurrency\n{bill}"));
        costs.read(file.path(), &[]).unwrap();
    }
    let (policy, coverage) = (Policy::default(), Coverage::of(&Catalog::embedded()).unwrap());
    let keys = ["Owner".to_owned()];
    Joiner::new(&policy, &coverage, &keys).join(items, Some(creations(records)), costs)
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> Vec<&'t str> {
    text.split(from).skip(1).map(|rest| rest.split(to).next().unwrap()).collect()
}

/// The data of the table.
fn data(page: &str) -> Value {
    let json = between(page, "<script type=\"application/json\" id=\"data\">", "</script>");
    serde_json::from_str(json[0]).unwrap()
}

#[test]
fn hostile_texts_stay_texts() {
    let lines =
        [json!({"arn": "arn:aws:ec2:eu-west-1:111122223333:volume/vol-000001", "resourceType": HOSTILE,
        "tags": [{"Key": "Owner", "Value": HOSTILE}]})];
    let run = Run {
        sources: vec![HOSTILE.to_owned()],
        policy: HOSTILE.to_owned(),
        uncovered: vec![(HOSTILE.to_owned(), HOSTILE.to_owned(), 1)],
        faults: vec![HOSTILE.to_owned()],
        ..Run::default()
    };
    let estate =
        estate(&[volume(2, HOSTILE)], Some(&lines), &format!("\"{}\",1,USD\n", HOSTILE.replace('"', "\"\"")));
    let page = page(&estate, &run).unwrap();
    assert_eq!(page.matches("<script").count(), 2, "the script and the data");
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains('\0') && !page.contains("<!--"));
    let json = between(&page, "id=\"data\">", "</script>")[0];
    for tag in page.replace(json, "").split('<') {
        let outside = tag.split('>').next().unwrap().split('"').step_by(2);
        assert!(outside.into_iter().all(|part| !part.contains("onmouseover")), "an attribute: {tag}");
    }
    assert_eq!(page.matches("<style").count(), 1);
    assert_eq!(data(&page)["count"], 2);
    assert!(page.contains("document.title=&#39;taken&#39;"), "the texts are there");
}

#[test]
fn the_policy_of_the_page_allows_its_own_script_only() {
    let page = page(&estate(&[volume(1, "mara")], None, ""), &Run::default()).unwrap();
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"").concat();
    assert!(policy.starts_with("default-src &#39;none&#39;; style-src &#39;sha256-"), "{policy}");
    for word in ["http:", "https:", "unsafe", "*"] {
        assert!(!policy.contains(word), "{policy}");
    }
    let outside = page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "");
    assert!(!outside.contains("http://") && !outside.contains("https://"), "the page names another place");
    assert!(!page.contains(" style=\""), "the policy would not allow it");
}

#[test]
fn a_page_of_a_trail_alone_says_that_it_does_not_show_what_exists() {
    let of_trail = page(&estate(&[volume(1, "mara")], None, ""), &Run::default()).unwrap();
    assert!(of_trail.contains("It does not show what exists"));
    let lines = [json!({"arn": "arn:aws:ec2:eu-west-1:111122223333:volume/vol-000001"})];
    let of_both =
        page(&estate(&[volume(1, "mara"), volume(2, "mara")], Some(&lines), ""), &Run::default()).unwrap();
    assert!(!of_both.contains("It does not show what exists"));
    assert!(of_both.contains("1 resource is in the trail and not in the inventory"));
}

#[test]
fn numbers_and_money_are_those_of_the_estate() {
    let records = [volume(1, "mara"), volume(2, "mara"), volume(3, "jonas")];
    let page = page(
        &estate(&records, None, "vol-000001,1000.50,USD\nvol-000003,2,EUR\n,0.25,USD\n"),
        &Run::default(),
    )
    .unwrap();
    let figures = between(&page, "<ul class=\"figures\">", "</ul>").concat();
    assert!(
        figures.contains("<strong>3</strong> <span class=\"note\">created; 1,000.50 USD; 2.00 EUR"),
        "{figures}"
    );
    assert!(figures.contains("Cost without a resource</span> <strong>0.25 USD"), "{figures}");
    assert!(page.contains("<tr><th scope=\"row\">All costs<td class=\"number\">1,000.75 USD; 2.00 EUR</tr>"));
    assert!(page.contains("mara: 2 (Proven person 2); jonas: 1 (Proven person 1)"), "the chart of owners");
    let data = data(&page);
    assert_eq!(data["currencies"], json!(["USD", "EUR"]));
    assert_eq!(data["costs"][0], json!([1_000_500_000_000_i64, 0, 0]), "what costs most comes first");
}

#[test]
fn one_name_in_two_accounts_is_two_owners() {
    let mut other = volume(3, "mara");
    other["recipientAccountId"] = json!("444455556666");
    other["userIdentity"]["accountId"] = json!("444455556666");
    other["userIdentity"]["arn"] = json!("arn:aws:iam::444455556666:user/mara");
    let records = [volume(1, "mara"), volume(2, "mara"), other, volume(4, "jonas")];
    let page = page(&estate(&records, None, ""), &Run::default()).unwrap();
    assert!(page.contains("mara of 111122223333: 2 (Proven person 2)"), "the chart of owners");
    assert!(page.contains("mara of 444455556666: 1 (Proven person 1)"), "the chart of owners");
    assert!(page.contains("jonas: 1 (Proven person 1)"), "an account only where it is needed");
    assert!(
        page.contains("owneraccount%3A%3D%22444455556666%22"),
        "the number leads to the resources of one"
    );
}

#[test]
fn every_question_has_its_answer_on_the_page() {
    let run = Run { period: Some(("2026-03-01".to_owned(), "2026-03-28".to_owned())), ..Run::default() };
    let page = page(&estate(&[volume(1, "bob")], None, ""), &run).unwrap();
    let questions = between(&page, "<section id=\"questions\"", "</section>").concat();
    assert_eq!(questions.matches("<tr><th scope=\"row\">").count(), 6);
    assert!(questions.contains("data-filter=\"q=owner%3Abob&#38;month=2026-03\""), "{questions}");
    for link in between(&questions, "href=\"#", "\"") {
        assert!(page.contains(&format!("<section id=\"{link}\"")), "{link} is a section");
    }
}

#[test]
fn names_without_proof_are_a_work_list() {
    let mut record = volume(1, "night-job");
    record["userIdentity"] = json!({"type": "AssumedRole", "accountId": "111122223333", "principalId": "AROAEXAMPLE:night-job",
        "arn": "arn:aws:sts::111122223333:assumed-role/deploy/night-job"});
    let page = page(&estate(&[record], None, ""), &Run::default()).unwrap();
    let names = between(&page, "<section id=\"names\"", "</section>").concat();
    assert!(names.contains("night-job in 111122223333") && names.contains("class=Name%20only"), "{names}");
}

#[test]
fn the_table_is_there_without_the_script_and_the_rest_is_data() {
    let records: Vec<Value> = (0..250).map(|number| volume(number, "mara")).collect();
    let page = page(&estate(&records, None, ""), &Run::default()).unwrap();
    let (_, table) = page.split_once("<table id=\"table\"").unwrap();
    let (table, _) = table.split_once("</table>").unwrap();
    assert_eq!(table.matches("<tr><td").count(), FEW);
    let data = data(&page);
    let columns = data["columns"].as_array().unwrap();
    for column in columns {
        assert_eq!(column[1]["i"].as_array().unwrap().len(), 250, "{}", column[0]);
    }
    let owners = columns.iter().find(|column| column[0] == "owner").unwrap();
    assert_eq!(owners[1]["d"], json!(["mara"]), "each text is there once");
    assert!(page.len() < 150_000, "{} bytes", page.len());
}

#[test]
fn a_page_of_nothing_can_be_made() {
    let page = page(&Estate { has_inventory: true, ..Estate::default() }, &Run::default()).unwrap();
    assert!(page.contains("0 resources") && page.contains("There is nothing to do."));
    assert_eq!(data(&page)["count"], 0);
}

#[test]
fn required_tags_that_are_missing_are_listed_with_owners_and_cost() {
    let volumes = [volume(1, "ana"), volume(2, "ana"), volume(3, "bob")];
    let arn = |number: usize| format!("arn:aws:ec2:eu-west-1:111122223333:volume/vol-{number:06}");
    let listed = |number: usize, tags: Value| json!({"arn": arn(number), "tags": tags});
    let inventory = [
        listed(1, json!([{"Key": "Name", "Value": "a"}])),
        listed(2, json!([])),
        listed(3, json!([{"Key": "CostCenter", "Value": "42"}, {"Key": "Name", "Value": "c"}])),
    ];
    let bill = format!("{},1.25,USD\n{},0.50,USD\n", arn(1), arn(2));
    let policy = "[require]\nkeys = [\"CostCenter\"]\n[require.types]\n\"AWS::EC2::*\" = [\"Name\"]\n";
    let required = Policy::from_toml(policy).unwrap().required;
    let groups = |inventory: Option<&[Value]>, required| {
        let groups = missing_tags(&estate(&volumes, inventory, &bill), required)?;
        let told = |group: Group| (group.name, group.note, group.count, group.cost);
        Some(groups.into_iter().map(told).collect::<Vec<_>>())
    };
    let told = |name: &str, note: &str, count, cost: &str| {
        (name.to_owned(), note.to_owned(), count, cost.to_owned())
    };
    assert_eq!(
        groups(Some(&inventory), &required),
        Some(vec![told("CostCenter", "ana 2", 2, "1.75 USD"), told("Name", "ana 1", 1, "0.50 USD")])
    );
    assert_eq!(groups(None, &required), None, "a trail does not tell the tags of today");
    assert_eq!(groups(Some(&inventory), &Policy::default().required), None);
}
