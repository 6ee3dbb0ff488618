//! Organizations and their accounts: which rows there are, in which order, and who is entered.

use crate::emulated_aws::{ALPHA, BETA, GAMMA, HEADER, Row, csv};
use crate::setup::{MEMBER_ROLE, ROLE, Setup, asked_for, is_csv};
use autotag_testkit::Reply;
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn the_report_matches_the_emulated_organizations_byte_by_byte() {
    let setup = Setup::new("whole");
    let run = setup.run(&[]);
    run.ended(0);
    assert_eq!(run.csv(ALPHA), csv(HEADER, &setup.aws.alpha()));
    assert_eq!(run.csv(GAMMA), csv(HEADER, &setup.aws.gamma()));
    assert!(setup.calls("ListAccounts").len() > 3, "gamma is more than a page");
    let here: Vec<_> = run.report().into_iter().map(|name| (name, &run.files[name])).collect();
    let objects = setup.objects();
    let there: Vec<_> = objects.iter().map(|(name, bytes)| (name.as_str(), bytes)).collect();
    let names =
        |files: &[(&str, &Vec<u8>)]| files.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&here), names(&there), "what is uploaded");
    assert!(here == there, "the objects are not the files");
    let last = setup.proxy.calls().pop().unwrap();
    assert!(
        last.method == "PUT" && last.path.ends_with(".manifest.json"),
        "whoever sees it sees all: {}",
        last.path
    );
    let csvs = here.iter().filter(|(name, _)| is_csv(name)).count();
    assert_eq!(csvs, 3, "a file for each organization: {:?}", names(&here));
}

#[test]
fn a_file_is_named_by_its_organization_and_the_start_of_the_run() {
    let setup = Setup::new("names");
    let run = setup.run(&["--tenant", ALPHA]);
    run.ended(0);
    let name = run.report().into_iter().find(|name| is_csv(name)).unwrap();
    let start =
        name.strip_prefix("aws-111122223333-account-metadata-report-").unwrap().strip_suffix(".csv").unwrap();
    let shape: String = start.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00-00-00Z");
}

#[test]
fn the_management_account_comes_first() {
    let setup = Setup::new("first");
    setup.change("ListAccounts", |_, account, answer| {
        if account == ALPHA {
            answer["Accounts"].as_array_mut().unwrap().rotate_left(1);
        }
    });
    let run = setup.run(&["--tenant", ALPHA]);
    assert_eq!(run.ended(0).csv(ALPHA), csv(HEADER, &setup.aws.alpha()));
}

#[test]
fn state_comes_before_status_in_the_same_column() {
    let setup = Setup::new("state");
    setup.change("ListAccounts", |_, account, answer| {
        for listed in answer["Accounts"].as_array_mut().unwrap() {
            match account {
                ALPHA => drop(listed.as_object_mut().unwrap().remove("Status")),
                BETA => drop(listed.as_object_mut().unwrap().remove("State")),
                // The retired field says less than the one that came for it.
                _ if listed["State"] == "SUSPENDED" => listed["State"] = json!("CLOSED"),
                _ => {}
            }
        }
    });
    let run = setup.run(&["--columns", "Account_Id,Billing_Account_State,Region_Group"]);
    run.ended(0);
    let states = |management: &str| {
        let lines = run.csv(management).lines().skip(1);
        lines.map(|line| line.split_once(',').unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    let alpha = ["US", "EU", "multi", "BR", "US", "", ""].map(|group| format!("ACTIVE,{group}"));
    assert_eq!(states(ALPHA), [&alpha[..], &["SUSPENDED,".to_owned()]].concat(), "State only");
    let hostile = setup.aws.members("beta").len();
    let beta = [vec!["ACTIVE,".to_owned()], vec!["ACTIVE,UK".to_owned(); hostile]].concat();
    assert_eq!(states(BETA), beta, "Status only");
    let gamma = [vec!["ACTIVE,".to_owned(); 7], vec!["CLOSED,".to_owned(); 16]].concat();
    assert_eq!(states(GAMMA), gamma, "both");
}

#[test]
fn an_account_without_state_and_status_is_entered() {
    let setup = Setup::new("neither");
    let web = setup.aws.id("alpha", "web").to_owned();
    setup.change("ListAccounts", move |_, _, answer| {
        for listed in answer["Accounts"].as_array_mut().unwrap() {
            if listed["Id"] == *web {
                listed.as_object_mut().unwrap().retain(|name, _| name != "State" && name != "Status");
            }
        }
    });
    let run = setup.run(&["--tenant", ALPHA]);
    let mut rows = setup.aws.alpha();
    rows[1] = rows[1].replace("ACTIVE", "");
    assert_eq!(run.ended(0).csv(ALPHA), csv(HEADER, &rows));
}

#[test]
fn accounts_that_are_not_active_are_listed_and_not_entered() {
    const STATES: [(&str, &str); 4] = [
        ("web", "PENDING_ACTIVATION"),
        ("data", "PENDING_CLOSURE"),
        ("files", "CLOSED"),
        ("closed", "SUSPENDED"),
    ];
    let setup = Setup::new("closed");
    setup.change("ListAccounts", |_, _, answer| {
        for listed in answer["Accounts"].as_array_mut().unwrap() {
            let other = STATES.iter().find(|(name, _)| listed["Name"] == *name);
            if let Some((_, state)) = other {
                // `Status` does not count if there is a `State`.
                (listed["State"], listed["Status"]) = (json!(state), json!("ACTIVE"));
            }
        }
    });
    let run = setup.run(&[
        "--tenant",
        ALPHA,
        "--columns",
        "Account_Name,Billing_Account_State,Scan_Status,Regions",
    ]);
    let lines: Vec<&str> = run.ended(0).csv(ALPHA).lines().collect();
    for (account, state) in STATES {
        let row = format!("{account},{state},{},", state.to_lowercase());
        assert!(lines.contains(&row.as_str()), "{row} in {lines:?}");
        let id = setup.aws.id("alpha", account);
        assert!(!setup.entered().iter().any(|entered| entered == id), "{state}: entered");
    }
    let entered: BTreeSet<String> = setup.entered().into_iter().collect();
    assert_eq!(entered.len(), 4, "the others are entered: {entered:?}");
}

#[test]
fn roles_are_assumed_from_account_to_account() {
    let setup = Setup::new("roles");
    setup.run(&["--tenant", ALPHA, "--external-id", "shared-word"]).ended(0);
    let calls = setup.proxy.calls();
    for call in calls.iter().filter(|call| call.operation == "AssumeRole") {
        let (account, role) = asked_for(call).unwrap();
        let by = setup.keys.account(call);
        if account == ALPHA {
            assert_eq!((role.as_str(), by.as_str()), (ROLE, ""), "by whoever starts the program");
        } else {
            assert_eq!((role.as_str(), by.as_str()), (MEMBER_ROLE, ALPHA), "by the organization's role");
        }
        assert_eq!(call.field("ExternalId").as_deref(), Some("shared-word"), "{account}");
    }
    let mut once = setup.entered();
    let all = once.len();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all, "each account is entered once");
}

#[test]
fn a_member_that_cannot_be_entered_is_named() {
    let setup = Setup::new("denied-member");
    let data = setup.aws.id("alpha", "data").to_owned();
    let denied = data.clone();
    setup
        .refuse("AccessDenied", move |call, _| asked_for(call).is_some_and(|(account, _)| account == denied));
    setup.change("ListAccounts", |_, _, answer| {
        for listed in answer["Accounts"].as_array_mut().unwrap() {
            let path = format!("o-0000000000/r-ab12/ou-ab12-11111111/{}/", listed["Id"].as_str().unwrap());
            listed["Paths"] = json!([path]);
        }
    });
    let run = setup.run(&["--tenant", ALPHA, "--columns", "+Scan_Status,+OU_Path"]);
    let mut rows = setup.aws.alpha();
    rows[2] = setup.aws.row("alpha", "data", Row { name: "data", ..Row::default() });
    for (number, row) in rows.iter_mut().enumerate() {
        let status = match number {
            2 => "role_denied",
            7 => "suspended",
            _ => "ok",
        };
        *row = format!("{row},{status},r-ab12/ou-ab12-11111111");
    }
    assert_eq!(run.ended(1).csv(ALPHA), csv(&format!("{HEADER},Scan_Status,OU_Path"), &rows));
    assert_eq!(run.errors(&data), ["entry AssumeRole AccessDenied"]);
    assert_eq!(run.manifest()["whole"], false);
    run.said(&[&data, "regions unknown", "AssumeRole answered AccessDenied"]);
    run.said(&["not complete", "--resume"]);
}

#[test]
fn a_tenant_that_is_not_a_management_account_is_skipped_and_named() {
    let setup = Setup::new("no-management");
    let web = setup.aws.id("alpha", "web");
    let run = setup.run(&["--tenant", ALPHA, web]);
    run.ended(0);
    assert_eq!(run.csv(ALPHA), csv(HEADER, &setup.aws.alpha()));
    assert_eq!(run.files.keys().filter(|name| is_csv(name)).count(), 1);
    run.said(&["skipped", web, "not a management account", ALPHA]);
    let manifest = run.manifest();
    let tenants = manifest["tenants"].as_array().unwrap();
    let skipped = tenants.iter().find(|tenant| tenant["id"] == web).unwrap();
    assert_eq!(
        (&skipped["outcome"], &skipped["managed_by"]),
        (&json!("not a management account"), &json!(ALPHA))
    );
    assert_eq!(manifest["whole"], true, "nothing is missing");
}

#[test]
fn an_organization_that_cannot_be_entered_does_not_stop_the_others() {
    let setup = Setup::new("denied-organization");
    setup.refuse("AccessDenied", |call, _| asked_for(call).is_some_and(|(account, _)| account == BETA));
    let run = setup.run(&[]);
    run.ended(1);
    assert_eq!(run.csv(ALPHA), csv(HEADER, &setup.aws.alpha()));
    assert_eq!(run.csv(GAMMA), csv(HEADER, &setup.aws.gamma()));
    run.said(&["missing", BETA, "AssumeRole answered AccessDenied"]);
    let errors = &run.manifest()["errors"];
    assert_eq!(errors.as_array().unwrap().len(), 1, "{errors}");
    assert_eq!((&errors[0]["tenant"], &errors[0]["about"]), (&json!(BETA), &json!("organization")));
    assert!(!run.files.keys().any(|name| name.contains(BETA) && is_csv(name)), "{:?}", run.files.keys());
}

#[test]
fn a_tenant_without_an_organization_is_named() {
    let setup = Setup::new("no-organization");
    let run = setup.run(&["--tenant", &format!("{ALPHA},123456789012")]);
    assert_eq!(run.ended(1).csv(ALPHA), csv(HEADER, &setup.aws.alpha()));
    run.said(&["missing", "123456789012", "AWSOrganizationsNotInUseException"]);
}

#[test]
fn one_call_at_a_time_is_enough() {
    let setup = Setup::new("one-by-one");
    let run = setup.run(&["--tenant", ALPHA, "--concurrency", "1"]);
    assert_eq!(run.ended(0).csv(ALPHA), csv(HEADER, &setup.aws.alpha()));
}

#[test]
fn endless_lists_are_left() {
    let setup = Setup::new("endless");
    setup.change("ListAccounts", |call, _, answer| {
        if call.json().get("NextToken").is_none() {
            answer["NextToken"] = json!("again");
        } else {
            // Moto refuses a token that it has not given.
            *answer = json!({ "Accounts": [], "NextToken": "again" });
        }
    });
    setup.proxy.rewrite("/", |call, reply| match call.operation.as_str() {
        "ListAccounts" => Reply { status: 200, ..reply },
        _ => reply,
    });
    let run = setup.run(&["--tenant", ALPHA]);
    assert_eq!(run.ended(1).csv(ALPHA), csv(HEADER, &setup.aws.alpha()), "what was listed is there");
    run.said(&["missing", ALPHA, "ListAccounts answered PagingDoesNotEnd"]);
    assert_eq!(setup.calls("ListAccounts").len(), 2);
}

#[test]
fn a_truncated_list_of_accounts_is_an_incomplete_report() {
    let setup = Setup::new("cut");
    setup.refuse("AccessDeniedException", |call, _| {
        call.operation == "ListAccounts" && call.json().get("NextToken").is_some()
    });
    let run = setup.run(&["--tenant", GAMMA]);
    let rows = setup.aws.gamma();
    assert_eq!(run.ended(1).csv(GAMMA), csv(HEADER, &rows[..20]), "the first page");
    run.said(&["missing", GAMMA, "ListAccounts answered AccessDeniedException"]);
    let manifest = run.manifest();
    assert_eq!((&manifest["tenants"][0]["outcome"], &manifest["whole"]), (&json!("cut"), &json!(false)));
    assert_eq!(manifest["errors"][0]["about"], "accounts");
}
