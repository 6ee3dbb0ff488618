//! `autotag report`, by the real program.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests are tests")]

mod common;

use common::{autotag, lines, stderr};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

fn report(args: &[&str]) -> Output {
    autotag(&[&["report"], args].concat())
}

/// An inventory and a bill for the shipped trail.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let made = lines(&report(&["--trail", "fixtures/trail"]));
        let folder = TempDir::new().unwrap();
        let mut inventory = "arn,resourceId,resourceType,awsRegion,accountId,tags\n".to_owned();
        let mut bill = "ResourceId,BilledCost,BillingCurrency,SubAccountId,ServiceName\n".to_owned();
        for (at, line) in made.iter().filter(|line| line["arn"].is_string()).enumerate().step_by(3) {
            let tags = if at % 2 == 0 { "{\"\"Owner\"\":\"\"boss\"\"}" } else { "" };
            let arn = line["arn"].as_str().unwrap();
            writeln!(inventory, "{arn},,,,,\"{tags}\"").unwrap();
            writeln!(bill, "{arn},{at}.10,USD,,x").unwrap();
        }
        inventory.push_str("arn:aws:sqs:eu-west-1:111122223333:older,,AWS::SQS::Queue,,,\n");
        bill.push_str(",0.05,USD,111122223333,Tax\n,2,EUR,111122223333,Tax\n");
        fs::write(folder.path().join("inventory.csv"), inventory).unwrap();
        fs::write(folder.path().join("bill.csv"), bill).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn report(&self, more: &[&str]) -> Output {
        let (inventory, bill) = (self.path("inventory.csv"), self.path("bill.csv"));
        let args = ["--trail", "fixtures/trail", "--inventory", &inventory, "--cost", &bill];
        report(&[&args, more].concat())
    }
}

#[test]
fn the_report_of_the_shipped_trail() {
    let output = report(&["--trail", "fixtures/trail"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut text = String::new();
    for line in lines(&output) {
        let field = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
        let (arn, owner) = (line["arn"].as_str().map_or_else(|| field("id"), str::to_owned), field("owner"));
        writeln!(
            text,
            "{arn}\n  {} {owner} ({}): {}",
            field("class"),
            field("owner_source"),
            field("reason")
        )
        .unwrap();
        if line["next"].is_string() {
            writeln!(text, "  next: {}", field("next")).unwrap();
        }
    }
    insta::assert_snapshot!(format!("{text}\n{}", stderr(&output)));
}

#[test]
fn every_format_has_the_same_resources_and_sums() {
    let files = Files::new();
    let output = files.report(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let all = lines(&output);
    let cents = |text: &str| -> i64 {
        let (whole, fraction) = text.split_once('.').unwrap();
        whole.parse::<i64>().unwrap() * 100 + fraction.parse::<i64>().unwrap()
    };
    let sum: i64 = all.iter().filter_map(|line| line["cost"]["USD"].as_str()).map(cents).sum();
    let bill = fs::read_to_string(files.path("bill.csv")).unwrap();
    let billed: i64 = bill
        .lines()
        .filter(|line| line.contains(",USD,"))
        .map(|line| cents(line.split(',').nth(1).unwrap()))
        .sum();
    assert_eq!(sum, billed, "to the cent");
    assert!(
        stderr(&output).contains("of which 2.00 EUR; 0.05 USD without a resource"),
        "{}",
        stderr(&output)
    );
    let (csv, parquet, page) = (files.path("r.csv"), files.path("r.parquet"), files.path("r.html"));
    for path in [&csv, &parquet, &page] {
        let output = files.report(&["--out", path]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{}", stderr(&output));
    }
    assert!(stderr(&files.report(&["--out", &csv])).contains(&format!("; wrote {csv}")));
    assert!(!stderr(&output).contains("get tags"), "a report writes none");
    let rows = fs::read_to_string(&csv).unwrap();
    assert_eq!(rows.lines().count(), all.len() + 1);
    assert!(
        rows.lines().next().unwrap().ends_with(",tags,state,deleted,person,cost_EUR,cost_USD"),
        "{}",
        rows.lines().next().unwrap()
    );
    assert!(fs::read(&parquet).unwrap().starts_with(b"PAR1"));
    // The report is an inventory like any other.
    let arns = |lines: &[Value]| -> BTreeSet<String> {
        lines.iter().filter_map(|line| line["arn"].as_str()).map(str::to_owned).collect()
    };
    assert_eq!(arns(&lines(&report(&["--inventory", &parquet]))), arns(&all));
    let page = fs::read_to_string(&page).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("Without a resource of this report"));
}

#[test]
fn classes_join_trail_and_inventory() {
    let output = Files::new().report(&[]);
    let all = lines(&output);
    let class =
        |class: &str| all.iter().filter(|line| line["class"] == class && line["listed"] == true).count();
    assert!(class("disagree") > 0, "an owner tag that the trail contradicts: {}", stderr(&output));
    assert!(class("proven-person") > 0);
    let older =
        all.iter().find(|line| line["arn"].as_str().is_some_and(|arn| arn.ends_with(":older"))).unwrap();
    assert_eq!((&older["class"], &older["owner"]), (&"unknown".into(), &Value::Null));
    assert!(older["reason"].as_str().unwrap().contains("not in the trail"), "{older}");
    assert!(all.iter().any(|line| line["listed"] == false), "what was created and is not listed is there");
}

#[test]
fn what_aws_cannot_tag_has_its_owner_and_its_cost() {
    let files = Files::new();
    let (inventory, bill, plan) = (files.path("own.csv"), files.path("own-bill.csv"), files.path("p.jsonl"));
    let arn = |service: &str, name: &str| format!("arn:aws:{service}:eu-west-1:444455556666:{name}");
    let backup = arn("dynamodb", "table/orders/backup/01772445700000-0123abcd");
    let stack = arn("cloudformation", "stack/shop-data/6d9fee90-4e83-42b8-af3f-739a8972f7a1");
    let table = arn("glue", "table/sales/orders");
    fs::write(&inventory, format!("arn,tags\n{backup},{{}}\n{stack},{{}}\n{table},{{}}\n")).unwrap();
    fs::write(&bill, format!("ResourceId,BilledCost,BillingCurrency\n{backup},7,USD\n")).unwrap();
    let args = ["--trail", "fixtures/trail", "--inventory", &inventory, "--cost", &bill, "--fix", &plan];
    let output = report(&args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let listed: Vec<Value> = lines(&output).into_iter().filter(|line| line["listed"] == true).collect();
    for (line, (arn, owner)) in listed.iter().zip([(backup, "mara"), (stack, "tomas"), (table, "tomas")]) {
        assert_eq!((&line["arn"], &line["owner"]), (&arn.into(), &owner.into()));
        assert_eq!((&line["class"], &line["next"]), (&"proven-person".into(), &Value::Null), "{line}");
        let reason = line["reason"].as_str().unwrap();
        assert!(reason.contains("AWS cannot tag it") && !reason.ends_with('.'), "{reason}");
    }
    assert_eq!(listed[0]["cost"]["USD"], "7.00");
    assert!(stderr(&output).contains("3 resources left out: AWS or the policy"), "{}", stderr(&output));
}

/// The first number before a word.
fn number(text: &str, word: &str) -> usize {
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.iter().position(|other| *other == word).unwrap();
    words[at - 1].parse().unwrap()
}

#[test]
fn every_resource_of_the_plan_is_in_the_report_or_left_out() {
    let plan = stderr(&autotag(&["plan", "fixtures/trail"]));
    let told = stderr(&report(&["--trail", "fixtures/trail"]));
    let line = told.lines().find(|line| line.contains("reported")).unwrap();
    assert_eq!(line.trim(), "reported 137 resources; left out: 5 that only AWS can name, 1 named again");
    assert_eq!(number(&plan, "resources:"), 137 + 5 + 1, "{plan}");
}

#[test]
fn a_changed_principal_is_tampered() {
    let files = Files::new();
    let inventory = files.path("changed.csv");
    let table = "arn:aws:dynamodb:eu-west-1:444455556666:table/orders";
    let other = "AROAEXAMPLERELEASE001:someone-else";
    let tags = format!("\"{{\"\"Owner\"\":\"\"mara\"\",\"\"PrincipalId\"\":\"\"{other}\"\"}}\"");
    fs::write(&inventory, format!("arn,tags\n{table},{tags}\n")).unwrap();
    let output = report(&["--trail", "fixtures/trail", "--inventory", &inventory, "--fail-on", "tampered"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let all = lines(&output);
    let line = all.iter().find(|line| line["arn"] == table).unwrap();
    assert_eq!((&line["class"], &line["owner"]), (&"tampered".into(), &"mara".into()));
    assert!(line["next"].as_str().unwrap().contains("autotag apply --replace"), "{line}");
}

#[test]
fn fail_on_ends_with_3_and_writes_the_report() {
    let files = Files::new();
    for (option, code) in [("unknown=1", 0), ("unknown", 3), ("unknown=0", 3), ("tampered", 0)] {
        let output = files.report(&["--fail-on", option]);
        assert_eq!(output.status.code(), Some(code), "{option}: {}", stderr(&output));
        assert!(!output.stdout.is_empty());
        assert_eq!(stderr(&output).contains("fail-on "), code == 3);
    }
}

#[test]
fn wrong_usage_ends_with_2_before_anything_is_read() {
    let files = Files::new();
    let inventory = files.path("inventory.csv");
    for (args, told) in [
        (&[][..], "--trail"),
        (&["--cost", &inventory], "--trail"),
        (&["--inventory", "no/such/file"], "no/such/file"),
        (&["--inventory", &inventory, "--column", "arn=Nothing"], "`Nothing`"),
        (&["--inventory", &inventory, "--column", "color=Nothing"], "`color`"),
        (&["--inventory", &inventory, "--fail-on", "bad"], "`bad`"),
        (&["--inventory", &inventory, "--fail-on", "unknown=x"], "`x`"),
    ] {
        let output = report(args);
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(2), 0),
            "{args:?}: {}",
            stderr(&output)
        );
        assert!(stderr(&output).contains(told), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn a_file_that_is_named_twice_is_read_once() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (list, bill, again, link) =
        (path("list.csv"), path("bill.csv"), path("./bill.csv"), path("link.csv"));
    fs::write(&list, "arn\narn:aws:sqs:eu-west-1:111122223333:a\n").unwrap();
    fs::write(&bill, "ResourceId,BilledCost,BillingCurrency\narn:aws:sqs:eu-west-1:111122223333:a,1,USD\n")
        .unwrap();
    std::os::unix::fs::symlink(&bill, &link).unwrap();
    let once = report(&["--inventory", &list, "--cost", &bill]);
    let output = report(&["--inventory", &list, &list, "--cost", &bill, &again, "--cost", &link]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!((lines(&output), stderr(&output)), (lines(&once), stderr(&once)));
    assert_eq!(lines(&output)[0]["cost"]["USD"], "1.00");
    // Another file with the same rows is another bill.
    fs::copy(&bill, path("other.csv")).unwrap();
    let both = report(&["--inventory", &list, "--cost", &bill, &path("other.csv")]);
    assert_eq!(lines(&both)[0]["cost"]["USD"], "2.00");
}

#[test]
fn a_cost_whose_account_cannot_be_read_is_of_no_resource() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (list, bill) = (path("list.csv"), path("bill.csv"));
    fs::write(&list, "arn\narn:aws:ec2:eu-west-1:111122223333:instance/i-0ccb\n").unwrap();
    let text = "ResourceId,BilledCost,BillingCurrency,SubAccountId\ni-0ccb,1,USD,1.11122E+11\ni-0ccb,2,USD,111122223333\n";
    fs::write(&bill, text).unwrap();
    let output = report(&["--inventory", &list, "--cost", &bill]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("the account `1.11122E+11`"), "{}", stderr(&output));
    let costs: Vec<(Value, Value)> =
        lines(&output).iter().map(|line| (line["kind"].clone(), line["cost"]["USD"].clone())).collect();
    assert_eq!(costs, [("resource".into(), "2.00".into()), ("other-cost".into(), "1.00".into())]);
}

/// Runs a line of a shell, in which `autotag` is the program.
fn shell(folder: &TempDir, line: &str) -> Output {
    let line = format!("autotag() {{ '{}' \"$@\"; }}\n{line}", common::BIN);
    Command::new("bash").args(["-c", &line]).current_dir(folder.path()).output().unwrap()
}

#[test]
fn inventories_and_bills_may_come_through_pipes() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("list.csv"), "arn\narn:aws:sqs:eu-west-1:111122223333:a\n").unwrap();
    let rows = "arn:aws:sqs:eu-west-1:111122223333:a,1,USD\n".repeat(10_000);
    fs::write(path("bill.csv"), format!("ResourceId,BilledCost,BillingCurrency\n{rows}")).unwrap();
    fs::write(path("list2.csv"), "\u{feff}name;arn\n1,5;arn:aws:sqs:eu-west-1:111122223333:a\n").unwrap();
    assert!(shell(&folder, "mkfifo named").status.success());
    for line in [
        "autotag report --inventory <(cat list.csv) --cost <(cat bill.csv)",
        "autotag report --inventory <(gzip -c list.csv) --cost <(gzip -c bill.csv)",
        "autotag report --inventory list.csv --cost /dev/stdin < <(cat bill.csv)",
        "cat bill.csv > named & autotag report --inventory list.csv --cost named",
        "autotag report --inventory <(printf '\\xef'; sleep 0.1; tail -c +2 list2.csv) --cost bill.csv",
        "autotag report --inventory <(printf a; sleep 0.1; printf rn; sleep 0.1; tail -c +4 list.csv) --cost bill.csv",
    ] {
        let output = shell(&folder, line);
        assert_eq!(
            (output.status.code(), stderr(&output).contains("not read")),
            (Some(0), false),
            "{line}: {}",
            stderr(&output)
        );
        assert_eq!(lines(&output)[0]["cost"]["USD"], "10000.00", "{line}");
    }
    fs::write(path("list.parquet"), "PAR1 and more").unwrap();
    let output = shell(&folder, "autotag report --inventory <(cat list.parquet)");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cannot read `/dev/fd/"), "{}", stderr(&output));
    assert!(stderr(&output).contains("write it to a file"), "{}", stderr(&output));
    for option in ["--inventory", "--cost"] {
        let output = shell(&folder, &format!("autotag report --inventory list.csv {option} ."));
        assert_eq!(output.status.code(), Some(2));
        let told = format!("{option}: cannot read `.`: it is a folder; name its files");
        assert!(stderr(&output).contains(&told), "{}", stderr(&output));
    }
}

#[test]
fn a_quiet_report_ends_with_the_number_of_unread_parts() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (rows, broken, plan) = (path("rows.csv"), path("broken.parquet"), path("plan.jsonl"));
    fs::write(&rows, "arn\nwrong\nwrong, too\narn:aws:sqs:eu-west-1:111122223333:a\n").unwrap();
    fs::write(&broken, "PAR1").unwrap();
    let quiet = |args: &[&str]| {
        let output = report(&[args, &["-q"]].concat());
        (output.status.code().unwrap(), stderr(&output))
    };
    let told = |parts: u8| {
        (1, format!("autotag: {parts} parts of the input could not be read; without --quiet it says which\n"))
    };
    assert_eq!(quiet(&["--inventory", &rows]), told(2));
    assert_eq!(quiet(&["--inventory", &rows, &broken]), told(3));
    assert_eq!(quiet(&["--inventory", &rows, &broken, "--trail", "fixtures/broken"]), told(6));
    fs::write(&rows, "arn\narn:aws:sqs:eu-west-1:111122223333:a\n").unwrap();
    let fix = ["--inventory", &rows, "--trail", "fixtures/trail", "--fix", &plan];
    assert_eq!(quiet(&fix), (0, String::new()));
    let (code, said) = quiet(&["--inventory", &rows, "--fail-on", "unknown"]);
    assert_eq!((code, said.contains("1 resource unknown")), (3, true), "{said}");
}

/// A topic that was made, deleted, and made again by a call that the trail does not have.
#[test]
fn a_creation_time_of_any_common_form_tells_resources_of_one_name_apart() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let record = serde_json::json!({
        "eventVersion": "1.11", "eventID": "11111111-2222-3333-4444-555555555555", "eventTime": "2026-03-03T12:00:00Z",
        "eventSource": "sns.amazonaws.com", "eventName": "CreateTopic", "awsRegion": "eu-west-1", "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333", "requestParameters": {"name": "reused"},
        "responseElements": {"topicArn": "arn:aws:sns:eu-west-1:111122223333:reused"},
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAEXAMPLE", "userName": "anna", "accountId": "111122223333",
            "arn": "arn:aws:iam::111122223333:user/anna"},
    });
    fs::write(path("trail.jsonl"), record.to_string()).unwrap();
    let class = |created: &str| {
        let row = format!("arn,created\narn:aws:sns:eu-west-1:111122223333:reused,{created}\n");
        fs::write(path("list.csv"), row).unwrap();
        let output = report(&["--trail", &path("trail.jsonl"), "--inventory", &path("list.csv")]);
        let row = lines(&output).into_iter().find(|line| line["listed"] == true);
        let class = row.map(|row| row["class"].as_str().unwrap().to_owned());
        (output.status.code().unwrap(), class, stderr(&output))
    };
    for later in [
        "2026-03-20 12:00:00",
        "2026-03-20",
        "2026-03-20T12:00:00",
        "1774008000",
        "1774008000000",
        "2026-03-20 12:00:00 UTC",
        "2026-03-20T12:00:00Z",
    ] {
        let (code, class, told) = class(later);
        assert_eq!((code, class.as_deref()), (0, Some("unknown")), "{later}: {told}");
    }
    for same in ["2026-03-03 12:00:01", "2026-03-03", "1772539201", "2026-03-03T13:00:01+01:00"] {
        let (code, class, told) = class(same);
        assert_eq!((code, class.as_deref()), (0, Some("proven-person")), "{same}: {told}");
    }
    let (code, class, told) = class("3/20/2026");
    assert_eq!((code, class), (1, None), "{told}");
    assert!(
        told.contains("the creation time `3/20/2026` cannot be read") && told.contains("(row 1)"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_read_is_told_and_stops_nothing() {
    let files = Files::new();
    let broken = files.path("broken.parquet");
    fs::write(&broken, b"PAR1 and no more").unwrap();
    let rows = files.path("rows.csv");
    fs::write(&rows, "arn\nnot-an-arn\narn:aws:sqs:eu-west-1:111122223333:a\n").unwrap();
    let output = report(&["--inventory", &broken, &rows, "--cost", &rows]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(lines(&output).len(), 1);
    for told in ["broken.parquet", "1 row of", "(row 1)", "FOCUS"] {
        assert!(stderr(&output).contains(told), "{told}: {}", stderr(&output));
    }
    for (path, says) in [
        (files.path("r.xlsx"), "no report ends in .xlsx: name a file that ends in .html"),
        (files.path("nowhere/r.html"), "nowhere` does not exist"),
    ] {
        let output = report(&["--inventory", &rows, "--out", &path]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
    let kept = files.path("kept.html");
    fs::write(&kept, "before").unwrap();
    let output = report(&["--inventory", &rows, "--out", &format!("{kept}/x.html")]);
    assert_eq!(output.status.code(), Some(1), "a file is no folder");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "before");
}
